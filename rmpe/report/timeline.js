// The timeline: people in a frame over the whole clip, and one lane per identity over a window.

const LANE_HEIGHT = 24;
const LABEL_WIDTH = 112;
const TIMES_HEIGHT = 18;
const SCORE_LEVELS = 8;
const TICK_STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600];

function formatTime(seconds, digits = 2) {
  const whole = Math.floor(seconds + 1e-9);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (seconds - 60 * Math.floor(whole / 60)).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Whole numbers for an axis from 0 to a highest count: the ends and perhaps the middle. */
function countTicks(highest) {
  const top = Math.floor(highest);
  return top < 1 ? [0] : top < 4 ? [0, top] : [0, Math.round(top / 2), top];
}

/** Ticks of a time axis that is `width` pixels wide: places from its left end, and words. */
function timeTicks(from, to, width) {
  const scale = width / (to - from);
  const step = TICK_STEPS_S.find((seconds) => seconds * scale >= 70) ?? 43200;
  const ticks = [];
  for (let tick = Math.ceil(from / step - 1e-6); tick * step <= to; tick++) {
    ticks.push({ x: (tick * step - from) * scale, text: formatTime(tick * step, step < 1 ? 1 : 0) });
  }
  return ticks;
}

/** Write the times under a plot whose lower edge is `base`. */
function drawTimes(context, { from, to }, width, base) {
  context.fillStyle = themeColour("--quiet");
  context.font = "11px system-ui, sans-serif";
  for (const { x, text } of timeTicks(from, to, width - LABEL_WIDTH)) {
    context.fillRect(LABEL_WIDTH + x, base, 1, 4);
    if (LABEL_WIDTH + x < width - 30) context.fillText(text, LABEL_WIDTH + x + 3, base + 13);
  }
}

/** About `wanted` round numbers between two values, for the ticks of an axis. */
function roundTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(wanted, 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough);
  const ticks = [];
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + 1e-9 * step; count++) ticks.push(count * step);
  return ticks;
}

function nameOf(track) { return track.id > 0 ? `Person ${track.id}` : "Without id"; }

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class Timeline {
  constructor(parts, clip, player, tooltip) {
    Object.assign(this, parts, { clip, player, tooltip });
    this.from = 0;
    this.to = clip.duration;
    this.perSecond = clip.peoplePerSecond();
    this.buttons = clip.tracks.map((track) => this._laneButton(track));
    this.list.replaceChildren(...this.buttons.map((button) => {
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
    this.lanes.onscroll = () => this._drawLanes();
    this._listenToPointer();
  }

  _laneButton(track) {
    const { clip } = this;
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.track = track.index;
    const swatch = document.createElement("i");
    swatch.style.background = colourOfId(track.id);
    button.append(swatch, track.id > 0 ? String(track.id) : "no id");
    const first = formatTime(clip.timeOfRow(track.first), 1);
    const last = formatTime(clip.timeOfRow(track.first + track.count - 1), 1);
    button.ariaLabel = `${nameOf(track)}: ${track.count} frames from ${first} to ${last}, mean score ${clip.meanScore(track).toFixed(2)}`;
    button.ariaPressed = "false";
    button.onclick = () => this.jumpTo(track);
    button.onfocus = () => this.player.hover(track.index);
    button.onblur = () => this.player.hover(-1);
    return button;
  }

  /** Select a track and, if it is not in the frame, go to where it next comes up. */
  jumpTo(track) {
    const { clip, player } = this;
    player.select(track.index);
    if (clip.rowOf(track, player.slot) >= 0) return;
    const end = track.first + track.count;
    const row = clip.rowFrom(track, player.slot);
    player.seek(clip.rowSlot[row < end ? row : track.first]);
  }

  _listenToPointer() {
    const timeAt = (event, whole) => {
      const share = Math.min(Math.max(event.offsetX / event.target.clientWidth, 0), 1);
      return whole ? share * this.clip.duration : this.from + share * (this.to - this.from);
    };
    const scrub = (canvas, whole) => {
      canvas.onpointerdown = (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.player.seekTime(timeAt(event, whole));
      };
      canvas.onpointermove = (event) => {
        if (event.buttons & 1) this.player.seekTime(timeAt(event, whole));
      };
    };
    scrub(this.counts, true);
    scrub(this.axis, false);
    const trackAt = (event) => this.clip.tracks[Math.floor((event.offsetY + this.lanes.scrollTop) / LANE_HEIGHT)];
    this.laneCanvas.onclick = (event) => {
      const track = trackAt(event);
      if (track) this.player.select(track.index);
      this.player.seekTime(timeAt(event));
    };
    this.laneCanvas.onpointermove = (event) => this._hover(event, trackAt(event), timeAt(event));
    this.laneCanvas.onpointerleave = () => {
      this.tooltip.hide();
      this.player.hover(-1);
    };
    this.laneCanvas.onwheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY / 300), timeAt(event));
    };
    this.counts.onmousemove = (event) => {
      const second = Math.min(Math.floor(timeAt(event, true)), this.perSecond.length - 1);
      this.tooltip.show(event, `${formatTime(second, 0)}  ${this.perSecond[second].toFixed(1)} people a frame`);
    };
    this.counts.onmouseleave = () => this.tooltip.hide();
  }

  _hover(event, track, time) {
    if (!track) {
      this.tooltip.hide();
      return;
    }
    const { clip } = this;
    const slot = clip.slotAt(time);
    const row = clip.rowOf(track, slot);
    const where = `${formatTime(clip.times[slot])} · frame ${clip.frames[slot]}`;
    this.tooltip.show(event, row < 0 ? `${nameOf(track)} · ${where}\nnot there` : `${nameOf(track)} · ${where}\n${scoresText(clip, row)}`);
    this.player.hover(track.index);
  }

  /** Multiply the length of the window by a factor around a time. */
  zoom(factor, around = this.player.time) {
    const { duration, frameDuration } = this.clip;
    const length = Math.min(Math.max((this.to - this.from) * factor, Math.min(20 * frameDuration, duration)), duration);
    const share = (around - this.from) / (this.to - this.from);
    this._setWindow(around - Math.min(Math.max(share, 0), 1) * length, length);
    this.draw();
    this.player.changed("window");
  }

  _setWindow(from, length) {
    this.from = Math.min(Math.max(from, 0), this.clip.duration - length);
    this.to = this.from + length;
  }

  /** Move the window when the playhead has left it; return whether it moved. */
  follow() {
    const { time } = this.player;
    const length = this.to - this.from;
    if (time >= this.from && time < this.to) return false;
    this._setWindow(time - 0.1 * length, length);
    return true;
  }

  draw() {
    // Everything over the same time ends where the lanes end, whether they have a scroll bar or not.
    const gutter = this.lanes.offsetWidth - this.lanes.clientWidth;
    document.documentElement.style.setProperty("--gutter", `${gutter}px`);
    this._drawCounts();
    this._drawAxis();
    this._drawLanes();
    this.drawPlayhead();
  }

  drawPlayhead() {
    const share = (this.player.time - this.from) / (this.to - this.from);
    for (const playhead of this.playheads) playhead.style.left = `${LABEL_WIDTH + share * this.axis.clientWidth}px`;
  }

  markSelected() {
    this.buttons.forEach((button, index) => { button.ariaPressed = String(index === this.player.selected); });
    const button = this.buttons[this.player.selected];
    if (button) {
      const top = this.player.selected * LANE_HEIGHT;
      if (top < this.lanes.scrollTop) this.lanes.scrollTop = top;
      const below = top + LANE_HEIGHT - this.lanes.clientHeight;
      if (below > this.lanes.scrollTop) this.lanes.scrollTop = below;
    }
    this._drawLanes();
  }

  _drawCounts() {
    const { context, width, height } = fitCanvas(this.counts);
    const most = Math.max(1, ...this.perSecond);
    const base = height - 6;
    const step = width / this.clip.duration;
    context.fillStyle = themeColour("--accent-soft");
    context.strokeStyle = themeColour("--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(0, base);
    this.perSecond.forEach((count, second) => {
      const y = base - (count / most) * (base - 14);
      context.lineTo(second * step, y);
      context.lineTo(Math.min((second + 1) * step, width), y);
    });
    context.stroke();
    context.lineTo(width, base);
    context.fill();
    context.fillStyle = themeColour("--quiet");
    context.font = "11px system-ui, sans-serif";
    const highest = Math.max(0, ...this.perSecond);
    context.fillText(highest ? `most ${+highest.toFixed(1)}, mean of a second` : "nobody", 2, 10);
    for (const tick of countTicks(highest)) {
      const y = base - (tick / most) * (base - 14);
      context.fillRect(width - 4, y, 4, 1);
      context.textAlign = "right";
      context.fillText(String(tick), width - 7, y + 4);
      context.textAlign = "left";
    }
    context.fillStyle = themeColour("--track");
    context.fillRect(0, height - 4, width, 3);
    context.fillStyle = themeColour("--accent");
    context.fillRect(this.from * step, height - 4, Math.max((this.to - this.from) * step, 2), 3);
  }

  _drawAxis() {
    const { context, width } = fitCanvas(this.axis);
    context.fillStyle = themeColour("--quiet");
    context.font = "11px system-ui, sans-serif";
    for (const { x, text } of timeTicks(this.from, this.to, width)) {
      context.fillRect(x, 17, 1, 7);
      if (x < width - 30) context.fillText(text, x + 3, 13);
    }
  }

  _drawLanes() {
    const { clip, lanes, laneCanvas } = this;
    laneCanvas.style.height = `${Math.max(Math.min(lanes.clientHeight, clip.tracks.length * LANE_HEIGHT), 1)}px`;
    const { context, width, height } = fitCanvas(laneCanvas);
    const first = Math.floor(lanes.scrollTop / LANE_HEIGHT);
    const selectedColour = themeColour("--accent-soft");
    const lineColour = themeColour("--track");
    for (let index = first; index < clip.tracks.length; index++) {
      const top = index * LANE_HEIGHT - lanes.scrollTop;
      if (top > height) break;
      context.fillStyle = index === this.player.selected ? selectedColour : lineColour;
      if (index === this.player.selected) context.fillRect(0, top, width, LANE_HEIGHT);
      else context.fillRect(0, top + LANE_HEIGHT / 2, width, 1);
      this._drawLane(context, clip.tracks[index], top, width);
    }
  }

  /** Bars where a track is there; each pixel's strength is the mean pose score under it. */
  _drawLane(context, track, top, width) {
    const { clip } = this;
    const scale = width / (this.to - this.from);
    const end = clip.rowFrom(track, clip.slotAt(this.to) + 1);
    const levels = new Float32Array(Math.ceil(width));
    const counts = new Uint16Array(levels.length);
    for (let row = clip.rowFrom(track, clip.slotAt(this.from)); row < end; row++) {
      const slot = clip.rowSlot[row];
      const next = slot + 1 < clip.slotCount ? clip.times[slot + 1] : clip.duration;
      const from = Math.max(Math.floor((clip.times[slot] - this.from) * scale), 0);
      const to = Math.max(Math.ceil((next - this.from) * scale), from + 1);
      for (let x = from; x < to && x < levels.length; x++) {
        levels[x] += clip.score(row);
        counts[x]++;
      }
    }
    context.fillStyle = colourOfId(track.id);
    const level = (x) => (counts[x] ? Math.ceil(Math.min(levels[x] / counts[x], 1) * SCORE_LEVELS) : -1);
    for (let x = 0; x < levels.length;) {
      const strength = level(x);
      let stop = x + 1;
      while (stop < levels.length && level(stop) === strength) stop++;
      context.globalAlpha = 0.25 + (0.75 * strength) / SCORE_LEVELS;
      if (strength >= 0) context.fillRect(x, top + 5, stop - x, LANE_HEIGHT - 10);
      x = stop;
    }
    context.globalAlpha = 1;
  }
}

function scoresText(clip, row) {
  let sum = 0;
  for (let joint = 0; joint < clip.jointCount; joint++) sum += clip.jointScore(row, joint);
  return `pose ${clip.score(row).toFixed(2)} · box ${clip.boxScore(row).toFixed(2)} · joints ${(sum / clip.jointCount).toFixed(2)}`;
}

/** The small box beside the pointer. */
class Tooltip {
  constructor(element) { this.element = element; }

  show(event, text) {
    this.element.textContent = text;
    this.element.hidden = false;
    const { width, height } = this.element.getBoundingClientRect();
    this.element.style.left = `${Math.min(event.clientX + 14, window.innerWidth - width - 8)}px`;
    this.element.style.top = `${Math.min(event.clientY + 16, window.innerHeight - height - 8)}px`;
  }

  hide() { this.element.hidden = true; }
}
