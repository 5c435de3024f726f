// Unpacking of the poses that the page carries. The layout is described in rmpe/report/packing.py.

const ARRAY_TYPES = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, uint32: Uint32Array };
const HISTOGRAM_BINS = 25;

function bytesOfBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Put the bytes of every number together again and sum up the differences to the row before. */
function restore(bytes, offset, type, shape) {
  const length = shape.reduce((product, side) => product * side, 1);
  const width = length / Math.max(shape[0], 1);
  const values = new ARRAY_TYPES[type](length);
  const size = values.BYTES_PER_ELEMENT;
  for (let i = 0; i < length; i++) {
    let value = 0;
    for (let byte = 0; byte < size; byte++) value |= bytes[offset + byte * length + i] << (8 * byte);
    values[i] = value;
  }
  for (let i = width; i < length; i++) values[i] += values[i - width];
  return [values, offset + length * size];
}

/** The text of an element that is needed once only; it is taken out of the page. */
function takeText(id) {
  const element = document.getElementById(id);
  const text = element.textContent;
  element.remove();
  return text;
}

async function unpackClip(number) {
  const header = JSON.parse(takeText(`clip-${number}`));
  const bytes = await inflate(bytesOfBase64(takeText(`clip-${number}-poses`)));
  const arrays = {};
  let offset = 0;
  for (const { name, type, shape } of header.layout) {
    [arrays[name], offset] = restore(bytes, offset, type, shape);
  }
  let film = "";
  if (header.pictures.mode === "embed") {
    const content = bytesOfBase64(takeText(`clip-${number}-film`));
    film = URL.createObjectURL(new Blob([content], { type: header.pictures.mime }));
  } else if (header.pictures.mode === "link") {
    film = header.pictures.address;
  }
  return new Clip(header, arrays, film);
}

/** One clip: rows are people in frames, sorted by track and time; slots are the stored frames. */
class Clip {
  constructor(header, arrays, film) {
    Object.assign(this, { header, film });
    this.jointCount = header.joints.length;
    this.frames = arrays.slot_frame;
    this.times = Float64Array.from(arrays.slot_time, (tick) => tick / header.ticks_per_s);
    this.slotCount = this.times.length;
    this.rowSlot = arrays.row_slot;
    this.jointSteps = arrays.joints;
    this.boxSteps = arrays.boxes;
    this.jointScores = arrays.joint_scores;
    this.rowScores = arrays.row_scores;
    this.quantum = header.quantum_px;
    this.scoreStep = header.score_step;
    this.tracks = header.tracks.map(([id, first, count], index) => ({ index, id, first, count }));
    this.sides = header.joints.map((name) => (name.startsWith("left") ? 1 : name.startsWith("right") ? 2 : 0));
    this._orderByFrame();
    const last = this.slotCount ? this.times[this.slotCount - 1] : 0;
    this.frameDuration = this.slotCount > 1 ? last / (this.slotCount - 1) : 1 / (header.fps || 25);
    this.duration = last + this.frameDuration;
    [this.width, this.height] = this._pictureSize();
  }

  _orderByFrame() {
    this.rowTrack = new Int32Array(this.rowSlot.length);
    for (const track of this.tracks) this.rowTrack.fill(track.index, track.first, track.first + track.count);
    this.slotStart = new Int32Array(this.slotCount + 1);
    for (const slot of this.rowSlot) this.slotStart[slot + 1]++;
    for (let slot = 0; slot < this.slotCount; slot++) this.slotStart[slot + 1] += this.slotStart[slot];
    const next = this.slotStart.slice();
    this.rowsByFrame = new Int32Array(this.rowSlot.length);
    for (let row = 0; row < this.rowSlot.length; row++) this.rowsByFrame[next[this.rowSlot[row]]++] = row;
  }

  /** Size of the picture; where no record tells it, everything that is stored fits in. */
  _pictureSize() {
    const { width, height } = this.header;
    if (width && height) return [width, height];
    let right = 0;
    let bottom = 0;
    for (let i = 0; i < this.boxSteps.length; i += 4) {
      right = Math.max(right, this.boxSteps[i + 2]);
      bottom = Math.max(bottom, this.boxSteps[i + 3]);
    }
    return [Math.max(right * this.quantum, 16), Math.max(bottom * this.quantum, 9)];
  }

  rowsAt(slot) {
    return this.rowsByFrame.subarray(this.slotStart[slot], this.slotStart[slot + 1]);
  }

  /** Last slot whose time is not after `time`; 0 before the first. */
  slotAt(time) {
    let low = 0;
    let high = this.slotCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= time + 1e-4) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** First row of a track at or behind a slot; the end of the track if there is none. */
  rowFrom(track, slot) {
    let low = track.first;
    let high = track.first + track.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rowSlot[middle] < slot) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Row of a track in a slot, or -1. */
  rowOf(track, slot) {
    const row = this.rowFrom(track, slot);
    return row < track.first + track.count && this.rowSlot[row] === slot ? row : -1;
  }

  timeOfRow(row) { return this.times[this.rowSlot[row]]; }
  x(row, joint) { return this.jointSteps[2 * (row * this.jointCount + joint)] * this.quantum; }
  y(row, joint) { return this.jointSteps[2 * (row * this.jointCount + joint) + 1] * this.quantum; }
  jointScore(row, joint) { return this.jointScores[row * this.jointCount + joint] * this.scoreStep; }
  score(row) { return this.rowScores[2 * row] * this.scoreStep; }
  boxScore(row) { return this.rowScores[2 * row + 1] * this.scoreStep; }
  box(row) { return Array.from(this.boxSteps.subarray(4 * row, 4 * row + 4), (step) => step * this.quantum); }

  meanScore(track) {
    let sum = 0;
    for (let row = track.first; row < track.first + track.count; row++) sum += this.score(row);
    return sum / track.count;
  }

  /** Mean number of people in the frames of each second. */
  peoplePerSecond() {
    const people = new Float64Array(Math.max(Math.ceil(this.duration), 1));
    const frames = new Float64Array(people.length);
    for (let slot = 0; slot < this.slotCount; slot++) {
      const second = Math.floor(this.times[slot]);
      people[second] += this.slotStart[slot + 1] - this.slotStart[slot];
      frames[second]++;
    }
    return people.map((count, second) => (frames[second] ? count / frames[second] : 0));
  }

  /** Counts of all joint scores in equal bins, and the mean of every joint. */
  scoreStatistics() {
    const bySteps = new Float64Array(256);
    const sums = new Float64Array(this.jointCount);
    for (let i = 0, joint = 0; i < this.jointScores.length; i++) {
      bySteps[this.jointScores[i]]++;
      sums[joint] += this.jointScores[i];
      if (++joint === this.jointCount) joint = 0;
    }
    let top = 255;
    while (top > 0 && !bySteps[top]) top--;
    const highest = Math.max(1, top * this.scoreStep);
    const bins = new Float64Array(HISTOGRAM_BINS);
    bySteps.forEach((count, step) => {
      const bin = Math.floor(((step * this.scoreStep) / highest) * HISTOGRAM_BINS + 1e-9);
      bins[Math.min(bin, HISTOGRAM_BINS - 1)] += count;
    });
    return { bins, highest, means: Array.from(sums, (sum) => (sum * this.scoreStep) / this.rowSlot.length) };
  }
}
