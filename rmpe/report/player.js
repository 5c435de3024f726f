// What is shown now: the frame, the person, and the clock that moves them on.

/** Holds the state of the page; `changed` is called with the name of what changed. */
class Player {
  constructor(clip, film, changed) {
    Object.assign(this, { clip, changed, slot: 0, playing: false, speed: 1, selected: -1, hovered: -1 });
    this.film = clip.film ? film : null;
    this.closed = false;
    film.hidden = !this.film;
    if (this.film) {
      film.src = clip.film;
      film.onended = () => this.pause();
      film.onerror = () => this._dropFilm();
    } else {
      film.removeAttribute("src");
      film.load();
    }
  }

  get time() { return this.clip.slotCount ? this.clip.times[this.slot] : 0; }
  get track() { return this.clip.tracks[this.selected] ?? null; }

  seek(slot) {
    const target = Math.min(Math.max(slot, 0), Math.max(this.clip.slotCount - 1, 0));
    // Half a frame in, so that rounding in the film's container cannot give the frame before.
    if (this.film) this.film.currentTime = this.clip.times[target] + this.clip.frameDuration / 2;
    this._clockFrom = performance.now();
    this._timeFrom = this.clip.times[target];
    this._show(target);
  }

  seekTime(time) { this.seek(this.clip.slotAt(time)); }

  select(index) {
    this.selected = this.clip.tracks[index] ? index : -1;
    this.changed("selection");
  }

  hover(index) {
    if (index === this.hovered) return;
    this.hovered = index;
    this.changed("hover");
  }

  setSpeed(speed) {
    this.speed = speed;
    this._clockFrom = performance.now();
    this._timeFrom = this.time;
    if (this.film) this.film.playbackRate = speed;
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (!this.clip.slotCount) return;
    if (this.slot >= this.clip.slotCount - 1) this.seek(0);
    this.playing = true;
    this.setSpeed(this.speed);
    if (this.film) this.film.play().catch(() => this.pause());
    requestAnimationFrame(() => this._tick());
    this.changed("playing");
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    if (this.film) this.film.pause();
    this.changed("playing");
  }

  close() {
    this.closed = true;
    this.pause();
  }

  _show(slot) {
    this.slot = slot;
    this.changed("frame");
  }

  _tick() {
    if (!this.playing || this.closed) return;
    const passed = ((performance.now() - this._clockFrom) / 1000) * this.speed;
    const time = this.film ? this.film.currentTime : this._timeFrom + passed;
    const slot = this.clip.slotAt(time);
    if (slot !== this.slot) this._show(slot);
    if (!this.film && time >= this.clip.duration) this.pause();
    else requestAnimationFrame(() => this._tick());
  }

  /** A linked film that is gone or cannot be played: go on without it. */
  _dropFilm() {
    if (!this.film) return;
    this.film.hidden = true;
    this.film = null;
    this.pause();
    this.changed("film");
  }
}
