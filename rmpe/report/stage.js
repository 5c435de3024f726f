// The picture: a frame of the strip if there is no film, and the people over it.

const SIDE_COLOURS = ["#6ef596", "#ff9628", "#32beff"];

/** Red, green and blue (0..255) of an identity, as in annotated clips: golden steps of the hue. */
function rgbOfId(id) {
  if (id <= 0) return [200, 200, 200];
  const hue = (0.02 + 0.61803398875 * (id - 1)) % 1;
  const value = Math.floor(id / 5) % 2 ? 0.82 : 1;
  const saturation = Math.floor(id / 3) % 2 ? 0.55 : 0.75;
  return [5, 3, 1].map((turn) => {
    const sector = (turn + 6 * hue) % 6;
    return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(sector, 4 - sector, 1))));
  });
}

function colourOfId(id) { return `rgb(${rgbOfId(id).join(" ")})`; }

/** Black or white, whichever can be read on the colour of an identity. */
function inkOnId(id) {
  const [red, green, blue] = rgbOfId(id);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128 ? "#10151c" : "#ffffff";
}

/** Colour of an identity for thin lines on the page: pale ones are darkened on a light page. */
function lineColourOfId(id) {
  const rgb = rgbOfId(id);
  const pale = inkOnId(id) !== "#ffffff" && document.documentElement.dataset.theme === "light";
  return `rgb(${rgb.map((part) => Math.round(part * (pale ? 0.72 : 1))).join(" ")})`;
}

/** Red at 0, yellow in the middle, green at 1. */
function colourOfScore(score) {
  return `hsl(${(120 * Math.min(Math.max(score, 0), 1)).toFixed(0)} 85% 55%)`;
}

/** Give a canvas as many pixels as it covers; return its context and size in CSS pixels. */
function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

class Stage {
  constructor(element, canvas, clip, player, options, redraw) {
    Object.assign(this, { element, canvas, clip, player, options });
    this.strip = clip.header.pictures.strip.map((item) => {
      const image = new Image();
      image.onload = redraw;
      image.src = item.data;
      return { ...item, image };
    });
    this._layOut();
  }

  /** Picture of the strip at or before a slot. */
  pictureAt(slot) {
    let chosen = null;
    for (const picture of this.strip) if (picture.slot <= slot || !chosen) chosen = picture;
    return chosen;
  }

  _layOut() {
    const picture = this.clip.header.width ? null : this.pictureAt(this.player.slot);
    this.width = picture ? picture.width : this.clip.width;
    this.height = picture ? picture.height : this.clip.height;
    this.element.style.aspectRatio = `${this.width} / ${this.height}`;
    this.element.style.maxWidth = `calc(70vh * ${this.width / this.height})`;
  }

  draw() {
    const { clip, player } = this;
    this._layOut();
    const { context, width } = fitCanvas(this.canvas);
    const scale = width / this.width;
    this.scale = scale;
    if (!player.film) this._drawBackground(context, scale);
    if (!clip.slotCount) return;
    const marked = player.hovered >= 0 ? player.hovered : player.selected;
    const rows = clip.rowsAt(player.slot);
    for (const row of rows) this._drawTrail(context, scale, row, marked);
    for (const row of rows) {
      const index = clip.rowTrack[row];
      context.globalAlpha = marked >= 0 && marked !== index ? 0.45 : 1;
      this._drawPerson(context, scale, row, index === marked);
    }
    context.globalAlpha = 1;
  }

  _drawBackground(context, scale) {
    const picture = this.pictureAt(this.player.slot);
    if (picture && picture.image.complete && picture.image.naturalWidth) {
      context.drawImage(picture.image, 0, 0, this.width * scale, this.height * scale);
      // A picture of another moment steps back behind the people.
      if (picture.slot !== this.player.slot) {
        context.fillStyle = "rgb(0 0 0 / 0.35)";
        context.fillRect(0, 0, this.width * scale, this.height * scale);
      }
      return;
    }
    context.strokeStyle = "rgb(255 255 255 / 0.07)";
    context.lineWidth = 1;
    context.beginPath();
    const step = this.width / 16;
    for (let x = step; x < this.width; x += step) { context.moveTo(x * scale, 0); context.lineTo(x * scale, this.height * scale); }
    for (let y = step; y < this.height; y += step) { context.moveTo(0, y * scale); context.lineTo(this.width * scale, y * scale); }
    context.stroke();
  }

  _drawPerson(context, scale, row, marked) {
    const { clip, options } = this;
    const id = clip.tracks[clip.rowTrack[row]].id;
    const colour = colourOfId(id);
    const [left, top, right, bottom] = clip.box(row).map((value) => value * scale);
    if (options.boxes) {
      context.strokeStyle = colour;
      context.lineWidth = marked ? 3 : 1.25;
      context.strokeRect(left, top, right - left, bottom - top);
    }
    if (options.limbs) {
      const size = Math.max(right - left, bottom - top);
      this._drawSkeleton(context, scale, row, colour, Math.min(Math.max(size / 70, 1.5), 5) + (marked ? 1 : 0));
    }
    if (options.ids && id > 0) this._drawLabel(context, id, left, top);
  }

  _drawSkeleton(context, scale, row, colour, thickness) {
    const { clip, options } = this;
    const shown = (joint) => clip.jointScore(row, joint) >= options.leastScore && clip.jointScore(row, joint) > 0;
    const paint = (joint, other = joint) => {
      if (options.colour === "side") return SIDE_COLOURS[clip.sides[joint] || clip.sides[other]];
      if (options.colour === "score") return colourOfScore(Math.min(clip.jointScore(row, joint), clip.jointScore(row, other)));
      return colour;
    };
    const limbs = clip.header.limbs.filter(([first, second]) => shown(first) && shown(second));
    const trace = ([first, second]) => {
      context.moveTo(clip.x(row, first) * scale, clip.y(row, first) * scale);
      context.lineTo(clip.x(row, second) * scale, clip.y(row, second) * scale);
    };
    context.lineCap = "round";
    context.lineWidth = thickness + 1.6;
    context.strokeStyle = "rgb(10 14 20 / 0.75)";
    context.beginPath();
    limbs.forEach(trace);
    context.stroke();
    context.lineWidth = thickness;
    for (const limb of limbs) {
      context.strokeStyle = paint(...limb);
      context.beginPath();
      trace(limb);
      context.stroke();
    }
    const radius = thickness * (clip.jointCount > 30 ? 0.45 : 0.85);
    for (let joint = 0; joint < clip.jointCount; joint++) {
      if (!shown(joint)) continue;
      context.fillStyle = paint(joint);
      context.beginPath();
      context.arc(clip.x(row, joint) * scale, clip.y(row, joint) * scale, radius, 0, 2 * Math.PI);
      context.fill();
    }
  }

  _drawLabel(context, id, left, top) {
    context.font = "600 12px system-ui, sans-serif";
    const width = context.measureText(String(id)).width + 10;
    const y = Math.max(top - 17, 0);
    context.fillStyle = colourOfId(id);
    context.fillRect(left - 0.6, y, width, 17);
    context.fillStyle = inkOnId(id);
    context.fillText(String(id), left + 4.5, y + 13);
  }

  /** Path of the chosen joint over the seconds before; of the marked person, or else of all. */
  _drawTrail(context, scale, row, marked) {
    const { clip, options } = this;
    const track = clip.tracks[clip.rowTrack[row]];
    if (!options.trail || track.id <= 0 || (marked >= 0 && marked !== track.index)) return;
    const first = clip.rowFrom(track, clip.slotAt(clip.timeOfRow(row) - options.trail));
    context.strokeStyle = colourOfId(track.id);
    context.lineWidth = 2;
    context.globalAlpha = 0.85;
    context.beginPath();
    let joined = false;
    for (let at = first; at <= row; at++) {
      const visible = clip.jointScore(at, options.joint) >= options.leastScore;
      const x = clip.x(at, options.joint) * scale;
      const y = clip.y(at, options.joint) * scale;
      if (visible && joined) context.lineTo(x, y);
      else if (visible) context.moveTo(x, y);
      joined = visible;
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Track of the smallest box around a point of the canvas (CSS pixels), or -1. */
  trackAt(x, y) {
    const { clip, player } = this;
    let best = -1;
    let smallest = Infinity;
    if (!clip.slotCount) return best;
    for (const row of clip.rowsAt(player.slot)) {
      const [left, top, right, bottom] = clip.box(row).map((value) => value * this.scale);
      const area = (right - left) * (bottom - top);
      if (x >= left && x <= right && y >= top && y <= bottom && area < smallest) {
        smallest = area;
        best = clip.rowTrack[row];
      }
    }
    return best;
  }
}
