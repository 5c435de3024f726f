// The panels around: the person, the trajectory, scores, and the stages of the run.

const MOST_PATH_POINTS = 12000;
const LONGEST_SHOWN = 12;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Bars of shares 0..1 with a label and a number each; `set` gives them other shares. */
function scoreBars(names, scores) {
  const long = names.length > 40;
  const box = element("div", { className: long ? "bars long" : "bars" });
  if (long) Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: "Scores of joints" });
  const bars = names.map((name) => {
    const bar = element("b");
    const number = element("span");
    box.append(element("span", {}, name.replaceAll("_", " ")), element("span", { className: "bar" }, bar), number);
    return { bar, number };
  });
  box.set = (shares) => bars.forEach(({ bar, number }, index) => {
    bar.style.width = `${100 * Math.min(shares[index] || 0, 1)}%`;
    number.textContent = Number.isNaN(shares[index]) ? "–" : shares[index].toFixed(2);
  });
  box.set(scores);
  return box;
}

class PersonPanel {
  constructor(title, facts, body, clip, player) {
    Object.assign(this, { title, facts, body, clip, player, content: "" });
    body.replaceChildren();
  }

  draw() {
    const { player } = this;
    if (player.track) this._drawTrack(player.track);
    else this._drawPeople();
  }

  /** Whether the panel's elements must be made anew; they are kept, with their focus, if not. */
  _changes(content) {
    const changes = content !== this.content;
    this.content = content;
    return changes;
  }

  _drawTrack(track) {
    const { clip, player } = this;
    const row = clip.rowOf(track, player.slot);
    const scores = clip.header.joints.map((_, joint) => (row < 0 ? 0 : clip.jointScore(row, joint)));
    if (this._changes("joints")) {
      this.bars = scoreBars(clip.header.joints, scores);
      this.body.replaceChildren(this.bars);
    }
    this.bars.set(scores);
    this.title.textContent = nameOf(track);
    const from = formatTime(clip.timeOfRow(track.first), 1);
    const to = formatTime(clip.timeOfRow(track.first + track.count - 1), 1);
    const now = row < 0 ? "not in this frame" : scoresText(clip, row);
    this.facts.textContent = `${track.count} frames, ${from} to ${to} · ${now}`;
  }

  _drawPeople() {
    const { clip, player } = this;
    const rows = clip.slotCount ? Array.from(clip.rowsAt(player.slot)) : [];
    this.title.textContent = "People in this frame";
    this.facts.textContent = rows.length ? `${rows.length} · choose one here, in the picture or in the timeline` : "Nobody";
    if (this._changes(`people ${rows.map((row) => clip.rowTrack[row])}`)) {
      this.buttons = rows.map((row) => this._personButton(clip.tracks[clip.rowTrack[row]]));
      this.body.replaceChildren(element("div", { className: "people" }, ...this.buttons), ...this._longest());
    }
    rows.forEach((row, index) => {
      const score = clip.score(row).toFixed(2);
      this.buttons[index].lastChild.textContent = score;
      this.buttons[index].ariaLabel = `${nameOf(clip.tracks[clip.rowTrack[row]])}, score ${score}`;
    });
  }

  /** A table of those who are there longest, so that somebody can be chosen in any frame. */
  _longest() {
    const { clip } = this;
    const known = clip.tracks.filter((track) => track.id > 0);
    if (!known.length) return [];
    const order = known.sort((a, b) => b.count - a.count).slice(0, LONGEST_SHOWN);
    const rows = order.map((track) => {
      const button = element("button", { type: "button", ariaLabel: `Choose ${nameOf(track)}` }, String(track.id));
      button.onclick = () => {
        this.player.select(track.index);
        if (clip.rowOf(track, this.player.slot) < 0) this.player.seek(clip.rowSlot[track.first]);
      };
      const from = formatTime(clip.timeOfRow(track.first), 1);
      const to = formatTime(clip.timeOfRow(track.first + track.count - 1), 1);
      return element("tr", {}, element("td", {}, button), ...[`${from} – ${to}`, String(track.count), clip.meanScore(track).toFixed(2)].map((text) => element("td", {}, text)));
    });
    const head = element("tr", {}, ...["id", "from – to", "frames", "mean score"].map((text) => element("th", { scope: "col" }, text)));
    return [element("h3", {}, "In the clip longest"), element("table", { className: "longest" }, element("thead", {}, head), element("tbody", {}, ...rows))];
  }

  _personButton(track) {
    const swatch = element("i");
    swatch.style.background = colourOfId(track.id);
    const button = element("button", { type: "button" }, swatch, `${track.id > 0 ? track.id : "no id"} ·`, element("span"));
    button.onclick = () => this.player.select(track.index);
    return button;
  }
}

class TrajectoryChart {
  constructor(canvas, title, clip, player, timeline, options) {
    Object.assign(this, { canvas, title, clip, player, timeline, options });
    canvas.onclick = (event) => {
      const share = (event.offsetX - LABEL_WIDTH) / Math.max(canvas.clientWidth - LABEL_WIDTH, 1);
      if (share >= 0) player.seekTime(timeline.from + share * (timeline.to - timeline.from));
    };
  }

  draw() {
    const { clip, player, canvas } = this;
    const { context, width, height } = fitCanvas(canvas);
    const tracks = player.track ? [player.track] : clip.tracks.filter((track) => track.id > 0);
    this.title.textContent = `${player.track ? nameOf(player.track) : "Everybody"}, x and y in pixels over the timeline's window`;
    const base = height - TIMES_HEIGHT;
    const half = base / 2;
    drawTimes(context, this.timeline, width, base);
    const slots = clip.slotAt(this.timeline.to) - clip.slotAt(this.timeline.from);
    this.step = Math.max(Math.ceil(slots / (2 * width)), Math.ceil((slots * tracks.length) / MOST_PATH_POINTS), 1);
    const paths = tracks.map((track) => ({ track, rows: this._rowsShown(track) }));
    this._drawPlot(context, "x", paths, (row) => clip.x(row, this.options.joint), 4, half - 10, width);
    this._drawPlot(context, "y", paths, (row) => clip.y(row, this.options.joint), half + 4, half - 4, width);
  }

  /** Rows of a track in the window whose joint is sure enough, every one or every `step`-th. */
  _rowsShown(track) {
    const { clip, timeline, options } = this;
    const begin = clip.rowFrom(track, clip.slotAt(timeline.from));
    const end = clip.rowFrom(track, clip.slotAt(timeline.to) + 1);
    const rows = [];
    for (let row = begin; row < end; row += this.step) {
      if (clip.jointScore(row, options.joint) >= options.leastScore) rows.push(row);
    }
    return rows;
  }

  _place(time, width) {
    const { from, to } = this.timeline;
    return LABEL_WIDTH + ((time - from) / (to - from)) * (width - LABEL_WIDTH);
  }

  _drawPlot(context, name, paths, value, top, height, width) {
    let low = Infinity;
    let high = -Infinity;
    for (const { rows } of paths) {
      for (const row of rows) {
        low = Math.min(low, value(row));
        high = Math.max(high, value(row));
      }
    }
    context.fillStyle = themeColour("--track");
    context.fillRect(LABEL_WIDTH, top, width - LABEL_WIDTH, height);
    context.fillStyle = themeColour("--quiet");
    context.font = "11px system-ui, sans-serif";
    context.fillText(name, 2, top + height / 2 + 4);
    if (low > high) return;
    // Rows of the picture count downwards, so y is drawn as it lies in the picture.
    const [above, below] = name === "x" ? [high, low] : [low, high];
    context.textAlign = "right";
    const placeOf = (number) => top + 3 + ((number - above) / (below - above || 1)) * (height - 6);
    for (const tick of roundTicks(low, high, height / 24)) {
      context.fillStyle = themeColour("--line");
      context.fillRect(LABEL_WIDTH, placeOf(tick), width - LABEL_WIDTH, 1);
      context.fillStyle = themeColour("--quiet");
      context.fillText(String(+tick.toFixed(2)), LABEL_WIDTH - 6, Math.min(Math.max(placeOf(tick) + 4, top + 9), top + height - 1));
    }
    context.textAlign = "left";
    const place = (row) => placeOf(value(row));
    for (const { track, rows } of paths) this._drawPath(context, track, rows, place, width);
  }

  _drawPath(context, track, rows, place, width) {
    const { clip } = this;
    context.strokeStyle = lineColourOfId(track.id);
    context.lineWidth = 1.5;
    context.beginPath();
    let before = -Infinity;
    for (const row of rows) {
      const x = this._place(clip.timeOfRow(row), width);
      if (clip.rowSlot[row] - before <= this.step) context.lineTo(x, place(row));
      else {
        context.moveTo(x, place(row));
        context.lineTo(x + 1, place(row));
      }
      before = clip.rowSlot[row];
    }
    context.stroke();
  }
}

function drawHistogram(canvas, { bins, highest }) {
  const { context, width, height } = fitCanvas(canvas);
  const total = bins.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...bins);
  const base = height - 20;
  const step = width / bins.length;
  context.font = "11px system-ui, sans-serif";
  const share = (100 * most) / Math.max(total, 1);
  for (const tick of total ? roundTicks(0, share, 4).slice(1) : []) {
    const y = base - (tick / share) * (base - 16);
    context.fillStyle = themeColour("--line");
    context.fillRect(0, y, width, 1);
    context.fillStyle = themeColour("--quiet");
    context.fillText(`${+tick.toFixed(2)} %`, 2, y + 12);
  }
  context.fillStyle = themeColour("--accent");
  bins.forEach((count, bin) => {
    const size = (count / most) * (base - 16);
    context.fillRect(bin * step + 1, base - size, step - 2, size);
  });
  context.fillStyle = themeColour("--line");
  context.fillRect(0, base, width, 1);
  context.fillStyle = themeColour("--quiet");
  const fullest = `${total.toLocaleString("en")} joints, fullest bar ${share.toFixed(0)} %`;
  context.fillText(total ? fullest : "no joints", 0, 10);
  for (let tick = 0; tick <= 4; tick++) {
    context.textAlign = ["left", "center", "center", "center", "right"][tick];
    context.fillText(((highest * tick) / 4).toFixed(2), (width * tick) / 4, height - 5);
  }
  context.textAlign = "left";
  canvas.ariaLabel = `Histogram of ${total} joint scores from 0 to ${highest.toFixed(2)}`;
}

/** The table of stages of the run that made the records; nothing without it. */
function fillStages(card, facts, table, timing) {
  const stages = timing.stages ?? [];
  card.hidden = !stages.length;
  if (!stages.length) return;
  facts.textContent = `${timing.frames} frames in ${timing.wall_s.toFixed(2)} s, ${timing.frames_per_s.toFixed(1)} frames a second; held back by ${timing.held_back_by}`;
  const head = element("tr", {}, ...["stage", "items", "busy", "busy s", "cpu s", "waits for input s", "waits for output s"].map((text) => element("th", { scope: "col" }, text)));
  const rows = stages.map((stage) => {
    const share = timing.wall_s > 0 ? stage.busy_s / (stage.workers ?? 1) / timing.wall_s : 0;
    const bar = element("b");
    bar.style.width = `${100 * Math.min(share, 1)}%`;
    const name = stage.workers > 1 ? `${stage.stage} ×${stage.workers}` : stage.stage;
    const numbers = [stage.busy_s, stage.cpu_s, stage.wait_input_s, stage.wait_output_s];
    return element("tr", { className: stage.stage === timing.held_back_by ? "slowest" : "" },
      element("td", {}, name), element("td", {}, String(stage.items)),
      element("td", {}, `${(100 * share).toFixed(0)} %`, element("span", { className: "share" }, bar)),
      ...numbers.map((seconds) => element("td", {}, seconds.toFixed(2))));
  });
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}
