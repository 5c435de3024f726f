// Angles over time of the chosen person or of everybody: hover, drag a span, statistics, export.

/** Who can be measured: those with an id. Without any, the only person of each frame is one. */
function measurable(clip) {
  const known = clip.tracks.filter((track) => track.id > 0);
  const [first] = clip.tracks;
  if (known.length || !first) return known;
  for (let row = first.first + 1; row < first.first + first.count; row++) {
    if (clip.rowSlot[row] === clip.rowSlot[row - 1]) return [];
  }
  return [first];
}

class MeasurePanel {
  constructor(parts, clip, player, timeline, tooltip, options) {
    Object.assign(this, parts, { clip, player, timeline, tooltip, options, span: null, known: new Map() });
    const { angles } = clip.header.angles;
    this.people = measurable(clip);
    this.card.hidden = !angles.length || !this.people.length;
    this.choice.replaceChildren(...angles.map(({ name }, index) => new Option(name.replaceAll("_", " "), index)));
    const knee = angles.findIndex(({ name }) => name === "right_knee");
    this.choice.value = options.angle = Math.max(knee, 0);
    this._listen();
  }

  _listen() {
    const { canvas } = this;
    let start = null;
    const timeOf = (event) => {
      const share = (event.offsetX - LABEL_WIDTH) / Math.max(canvas.clientWidth - LABEL_WIDTH, 1);
      return this.timeline.from + Math.min(Math.max(share, 0), 1) * (this.timeline.to - this.timeline.from);
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      start = timeOf(event);
    };
    canvas.onpointermove = (event) => {
      const time = timeOf(event);
      if (start !== null && Math.abs(time - start) > this.clip.frameDuration) this.choose([Math.min(start, time), Math.max(start, time)]);
      this._hover(event, time);
    };
    canvas.onpointerup = (event) => {
      if (start !== null && Math.abs(timeOf(event) - start) <= this.clip.frameDuration) this.player.seekTime(start);
      start = null;
    };
    canvas.onpointerleave = () => this.tooltip.hide();
  }

  /** Choose a span [from, to] in seconds; null takes what the timeline shows. */
  choose(span) {
    this.span = span;
    this.all.hidden = span === null;
    this.draw();
  }

  _tracks() {
    const { track } = this.player;
    return track ? this.people.filter((one) => one === track) : this.people;
  }

  /** Degrees of a track in each of its rows, unwrapped over time; NaN where a joint is unsure. */
  degrees(track) {
    const { leastScore, angle } = this.options;
    const key = `${track.index} ${angle} ${leastScore}`;
    if (!this.known.has(key)) {
      if (this.known.size > 200) this.known.clear();
      this.known.set(key, this._computed(track, this.clip.header.angles.angles[angle]));
    }
    return this.known.get(key);
  }

  _point(row, places) {
    const { clip, options } = this;
    let x = 0;
    let y = 0;
    for (const joint of places) {
      if (clip.jointScore(row, joint) < options.leastScore || !clip.jointScore(row, joint)) return null;
      x += clip.x(row, joint) / places.length;
      y += clip.y(row, joint) / places.length;
    }
    return [x, y];
  }

  /** Where a person looks: the sum over half a second on either side, so that frames do not flip. */
  _looksLeft(track) {
    const { ahead } = this.clip.header.angles;
    const steps = Float64Array.from({ length: track.count }, (_, place) => {
      let sum = 0;
      for (const [back, front] of ahead) {
        const from = this._point(track.first + place, back);
        const to = this._point(track.first + place, front);
        if (from && to) sum += to[0] - from[0];
      }
      return sum;
    });
    const reach = Math.round(0.5 / this.clip.frameDuration);
    return steps.map((_, place) => {
      let sum = 0;
      for (let near = Math.max(place - reach, 0); near <= Math.min(place + reach, track.count - 1); near++) sum += steps[near];
      return sum < 0 ? 1 : 0;
    });
  }

  _computed(track, angle) {
    const left = this._looksLeft(track);
    const degrees = new Float64Array(track.count).fill(NaN);
    let before = NaN;
    for (let place = 0; place < track.count; place++) {
      const points = angle.joints.map((places) => this._point(track.first + place, places));
      if (points.includes(null)) continue;
      const mirror = left[place] ? -1 : 1;
      const way = (a, b) => [mirror * (b[0] - a[0]), a[1] - b[1]];
      const first = way(points[0], points[1]);
      let value = (Math.atan2(first[1], first[0]) * 180) / Math.PI;
      if (points.length === 4) {
        const second = way(points[2], points[3]);
        const cross = first[0] * second[1] - first[1] * second[0];
        const dot = first[0] * second[0] + first[1] * second[1];
        value = angle.sign * ((Math.atan2(cross, dot) * 180) / Math.PI + angle.offset);
      }
      const near = Number.isNaN(before) ? 0 : before;
      value -= angle.period * Math.round((value - near) / angle.period);
      degrees[place] = before = value;
    }
    return degrees;
  }

  /** Rows of a track between two times, with their degrees. */
  _rows(track, from, to) {
    const degrees = this.degrees(track);
    const rows = [];
    const end = this.clip.rowFrom(track, this.clip.slotAt(to) + 1);
    for (let row = this.clip.rowFrom(track, this.clip.slotAt(from)); row < end; row++) rows.push([row, degrees[row - track.first]]);
    return rows;
  }

  draw() {
    if (this.card.hidden) return;
    const { clip, timeline, canvas } = this;
    const { context, width, height } = fitCanvas(canvas);
    const base = height - TIMES_HEIGHT;
    const tracks = this._tracks();
    const lines = tracks.map((track) => [track, this._rows(track, timeline.from, timeline.to)]);
    const values = lines.flatMap(([, rows]) => rows.map(([, value]) => value)).filter(Number.isFinite);
    this.title.textContent = `${this.player.track ? nameOf(this.player.track) : "Everybody"}, degrees${this.span ? `, ${formatTime(this.span[0])} to ${formatTime(this.span[1])}` : ""}`;
    context.fillStyle = themeColour("--track");
    context.fillRect(LABEL_WIDTH, 4, width - LABEL_WIDTH, base - 4);
    drawTimes(context, timeline, width, base);
    const scale = (width - LABEL_WIDTH) / (timeline.to - timeline.from);
    const across = (time) => LABEL_WIDTH + (time - timeline.from) * scale;
    if (this.span) {
      context.fillStyle = themeColour("--accent-soft");
      context.fillRect(across(this.span[0]), 4, (this.span[1] - this.span[0]) * scale, base - 4);
    }
    context.font = "11px system-ui, sans-serif";
    if (values.length) {
      const low = values.reduce((a, b) => Math.min(a, b));
      const high = values.reduce((a, b) => Math.max(a, b));
      const down = (value) => 10 + ((high - value) / (high - low || 1)) * (base - 16);
      context.textAlign = "right";
      for (const tick of roundTicks(low, high, 6)) {
        context.fillStyle = themeColour("--line");
        context.fillRect(LABEL_WIDTH, down(tick), width - LABEL_WIDTH, 1);
        context.fillStyle = themeColour("--quiet");
        context.fillText(`${+tick.toFixed(2)}°`, LABEL_WIDTH - 6, down(tick) + 4);
      }
      context.textAlign = "left";
      context.save();
      context.beginPath();
      context.rect(LABEL_WIDTH, 0, width - LABEL_WIDTH, base);
      context.clip();
      for (const [track, rows] of lines) this._drawLine(context, track, rows, across, down);
      context.restore();
    }
    this._fillTable();
    document.getElementById("main").dataset.measured = String(values.length);
  }

  _drawLine(context, track, rows, across, down) {
    context.strokeStyle = lineColourOfId(track.id);
    context.lineWidth = 1.5;
    context.beginPath();
    let before = -2;
    for (const [row, value] of rows) {
      if (!Number.isFinite(value)) continue;
      const x = across(this.clip.timeOfRow(row));
      if (this.clip.rowSlot[row] - before === 1) context.lineTo(x, down(value));
      else {
        context.moveTo(x, down(value));
        context.lineTo(x + 1, down(value));
      }
      before = this.clip.rowSlot[row];
    }
    context.stroke();
  }

  /** Least, most, mean and fastest change of the span, for every person in it. */
  statistics() {
    const [from, to] = this.span ?? [this.timeline.from, this.timeline.to];
    return this._tracks().map((track) => {
      const rows = this._rows(track, from, to).filter(([, value]) => Number.isFinite(value));
      const values = rows.map(([, value]) => value);
      let fastest = NaN;
      for (let place = 1; place < rows.length; place++) {
        if (this.clip.rowSlot[rows[place][0]] - this.clip.rowSlot[rows[place - 1][0]] !== 1) continue;
        const seconds = this.clip.timeOfRow(rows[place][0]) - this.clip.timeOfRow(rows[place - 1][0]);
        const speed = Math.abs(values[place] - values[place - 1]) / seconds;
        fastest = Number.isNaN(fastest) ? speed : Math.max(fastest, speed);
      }
      const sum = values.reduce((total, value) => total + value, 0);
      const least = values.reduce((a, b) => Math.min(a, b), Infinity);
      const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
      return { track, frames: values.length, least, most, range: most - least, mean: sum / values.length, fastest };
    }).filter(({ frames }) => frames);
  }

  _fillTable() {
    const head = element("tr", {}, ...["id", "frames", "least", "most", "range", "mean", "fastest, °/s"].map((text) => element("th", { scope: "col" }, text)));
    const rows = this.statistics().slice(0, 50).map(({ track, frames, ...numbers }) =>
      element("tr", {}, element("td", {}, String(track.id)), element("td", {}, String(frames)),
        ...["least", "most", "range", "mean"].map((name) => element("td", {}, numbers[name].toFixed(1))),
        element("td", {}, Number.isFinite(numbers.fastest) ? numbers.fastest.toFixed(0) : "–")));
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }

  _hover(event, time) {
    const slot = this.clip.slotAt(time);
    const found = this._tracks().map((track) => [track, this.clip.rowOf(track, slot)]).filter(([, row]) => row >= 0);
    const lines = found.map(([track, row]) => [track, this.degrees(track)[row - track.first]]).filter(([, value]) => Number.isFinite(value));
    if (!lines.length) this.tooltip.hide();
    else this.tooltip.show(event, [`${formatTime(this.clip.times[slot])} · frame ${this.clip.frames[slot]}`, ...lines.slice(0, 12).map(([track, value]) => `${nameOf(track)}  ${value.toFixed(1)}°`)].join("\n"));
  }

  /** The rows that are seen (the span, or the window) as text: id, frame, time_s, degrees. */
  csv() {
    const [from, to] = this.span ?? [this.timeline.from, this.timeline.to];
    const { clip } = this;
    const name = clip.header.angles.angles[this.options.angle].name;
    const lines = [`id,frame,time_s,${name}_deg`];
    for (const track of this._tracks()) {
      for (const [row, value] of this._rows(track, from, to)) {
        const time = clip.timeOfRow(row);
        if (time < from - 1e-4 || time > to + 1e-4) continue;
        lines.push(`${track.id},${clip.frames[clip.rowSlot[row]]},${+time.toFixed(4)},${Number.isFinite(value) ? +value.toFixed(3) : ""}`);
      }
    }
    return `${lines.join("\n")}\n`;
  }

  save() {
    const address = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    const name = this.clip.header.angles.angles[this.options.angle].name.replaceAll(/\W+/g, "_");
    element("a", { href: address, download: `${name}.csv` }).click();
    URL.revokeObjectURL(address);
  }
}
