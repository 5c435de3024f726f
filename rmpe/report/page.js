// Wiring: which clip is shown, what is redrawn when something changes, keys and switches.

const $ = (id) => document.getElementById(id);

/** The panels of one clip, and what is to be drawn anew before the next screen refresh. */
class View {
  constructor(clip, options) {
    this.clip = clip;
    this.dirty = new Set();
    const changed = (what) => this.invalidate(what);
    this.player = new Player(clip, $("film"), changed);
    this.stage = new Stage($("stage"), $("overlay"), clip, this.player, options, () => changed("frame"));
    const parts = { counts: $("counts"), axis: $("axis"), lanes: $("lanes"), list: $("lane-list"), laneCanvas: $("lane-canvas"), playheads: [$("playhead"), $("trajectory-now"), $("measure-now")] };
    this.tooltip = new Tooltip($("tooltip"));
    this.timeline = new Timeline(parts, clip, this.player, this.tooltip);
    this.person = new PersonPanel($("person-title"), $("person-facts"), $("person"), clip, this.player);
    this.trajectory = new TrajectoryChart($("trajectory"), $("trajectory-title"), clip, this.player, this.timeline, this.stage.options);
    this.measure = new MeasurePanel({ card: $("measure-card"), canvas: $("measure"), title: $("measure-title"), table: $("measure-table"), choice: $("angle"), all: $("measure-all") }, clip, this.player, this.timeline, this.tooltip, this.stage.options);
    this.statistics = clip.scoreStatistics();
    $("joint-means").replaceChildren(scoreBars(clip.header.joints, this.statistics.means));
    $("joint").replaceChildren(...clip.header.joints.map((name, index) => new Option(name.replaceAll("_", " "), index)));
    $("joint").value = options.joint = Math.max(clip.header.joints.indexOf("right_ankle"), 0);
    fillStages($("stages-card"), $("run-facts"), $("stages"), clip.header.timing);
    $("facts").textContent = factsOf(clip);
    $("seek").max = Math.max(clip.slotCount - 1, 0);
    this._listenToStage();
    this.invalidate("all");
  }

  _listenToStage() {
    const stage = $("stage");
    const trackAt = (event) => {
      const area = stage.getBoundingClientRect();
      return this.stage.trackAt(event.clientX - area.left, event.clientY - area.top);
    };
    stage.onclick = (event) => this.player.select(trackAt(event));
    stage.onpointermove = (event) => {
      const index = trackAt(event);
      this.player.hover(index);
      const row = index < 0 ? -1 : this.clip.rowOf(this.clip.tracks[index], this.player.slot);
      if (row < 0) this.tooltip.hide();
      else this.tooltip.show(event, `${nameOf(this.clip.tracks[index])}\n${scoresText(this.clip, row)}`);
    };
    stage.onpointerleave = () => {
      this.player.hover(-1);
      this.tooltip.hide();
    };
  }

  /** Note a change; everything noted is drawn once, with the next refresh of the screen. */
  invalidate(what) {
    if (!this.dirty.size) requestAnimationFrame(() => this._draw());
    this.dirty.add(what);
  }

  _draw() {
    if (this.player.closed) return;
    const has = (...names) => this.dirty.has("all") || names.some((name) => this.dirty.has(name));
    if (has("frame") && this.timeline.follow()) this.dirty.add("window");
    this.stage.draw();
    if (has("window")) this.timeline.draw();
    else if (has("frame")) this.timeline.drawPlayhead();
    if (has("selection")) this.timeline.markSelected();
    if (has("frame", "selection")) this.person.draw();
    if (has("selection", "window", "options")) {
      this.trajectory.draw();
      this.measure.draw();
    }
    if (has()) drawHistogram($("histogram"), this.statistics);
    if (has("frame")) this._showPlace();
    if (has("playing")) this._showPlaying();
    this._describe();
    this.dirty.clear();
  }

  _showPlace() {
    const { clip, player } = this;
    $("seek").value = player.slot;
    $("clock").textContent = `${formatTime(player.time)} / ${formatTime(clip.duration)}`;
    if (clip.slotCount) $("seek").ariaValueText = `frame ${clip.frames[player.slot]}, ${formatTime(player.time)}`;
  }

  _showPlaying() {
    $("play").classList.toggle("playing", this.player.playing);
    $("play").ariaLabel = this.player.playing ? "Pause" : "Play";
  }

  /** Say where we are: for screen readers while nothing plays, and as data on the page. */
  _describe() {
    const { clip, player } = this;
    const main = $("main").dataset;
    main.frame = clip.slotCount ? clip.frames[player.slot] : "";
    main.selected = player.track ? player.track.id : "";
    main.playing = player.playing;
    main.film = player.film ? "film" : "none";
    if (player.playing || !clip.slotCount) return;
    const people = clip.rowsAt(player.slot).length;
    const chosen = player.track ? `, ${nameOf(player.track)} chosen` : "";
    $("status").textContent = `Frame ${main.frame}, ${formatTime(player.time)}, ${people} people${chosen}`;
  }

  selectNeighbour(step) {
    const count = this.clip.tracks.length;
    if (!count) return;
    const { selected } = this.player;
    const next = selected < 0 ? (step > 0 ? 0 : count - 1) : Math.min(Math.max(selected + step, 0), count - 1);
    const held = $("lane-list").contains(document.activeElement);
    this.timeline.jumpTo(this.clip.tracks[next]);
    if (held) this.timeline.buttons[next].focus({ preventScroll: true });
  }

  setOption(name, value) {
    this.stage.options[name] = value;
    this.invalidate("options");
  }

  close() {
    this.player.close();
    this.tooltip.hide();
  }
}

function factsOf(clip) {
  const { header } = clip;
  const ids = clip.tracks.filter((track) => track.id > 0).length;
  const size = header.width ? `${header.width} × ${header.height}` : "pictures of several sizes";
  const pictures = { embed: "clip in the page", link: "clip beside the page", strip: `${header.pictures.strip.length} pictures of the clip`, none: "without pictures" }[header.pictures.mode];
  const megabytes = (document.documentElement.dataset.bytes / 1e6).toFixed(1);
  return [header.source || header.name, size, `${clip.slotCount} frames`, formatTime(clip.duration, 1), header.fps ? `${+header.fps.toFixed(2)} fps` : "", `${ids} ${ids === 1 ? "identity" : "identities"}`, `${header.joints.length} joints (${header.skeleton})`, pictures, `page ${megabytes} MB`, header.complete ? "" : "the run was cut off"].filter(Boolean).join(" · ");
}

/** What a key does, by its name; true where it is ours. */
function pressKey(view, event) {
  const { player, clip, timeline } = view;
  const step = (sign) => (event.shiftKey ? player.seekTime(player.time + sign) : player.seek(player.slot + sign));
  const actions = {
    " ": () => player.toggle(),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => view.selectNeighbour(-1),
    ArrowDown: () => view.selectNeighbour(1),
    Home: () => player.seek(0),
    End: () => player.seek(clip.slotCount - 1),
    "+": () => timeline.zoom(0.5),
    "=": () => timeline.zoom(0.5),
    "-": () => timeline.zoom(2),
    0: () => timeline.zoom(Infinity),
    Escape: () => player.select(-1),
  };
  if (!(event.key in actions)) return false;
  actions[event.key]();
  return true;
}

function listen(current) {
  const when = (id, type, act) => $(id).addEventListener(type, (event) => current() && act(current(), event.target));
  when("play", "click", (view) => view.player.toggle());
  when("back", "click", (view) => view.player.seek(view.player.slot - 1));
  when("forward", "click", (view) => view.player.seek(view.player.slot + 1));
  when("seek", "input", (view, input) => view.player.seek(+input.value));
  when("speed", "change", (view, input) => view.player.setSpeed(+input.value));
  when("zoom-in", "click", (view) => view.timeline.zoom(0.5));
  when("zoom-out", "click", (view) => view.timeline.zoom(2));
  when("zoom-all", "click", (view) => view.timeline.zoom(Infinity));
  when("show-limbs", "change", (view, input) => view.setOption("limbs", input.checked));
  when("show-boxes", "change", (view, input) => view.setOption("boxes", input.checked));
  when("show-ids", "change", (view, input) => view.setOption("ids", input.checked));
  when("colour", "change", (view, input) => view.setOption("colour", input.value));
  when("trail", "change", (view, input) => view.setOption("trail", +input.value));
  when("angle", "change", (view, input) => view.setOption("angle", +input.value));
  when("measure-all", "click", (view) => view.measure.choose(null));
  when("measure-export", "click", (view) => view.measure.save());
  when("joint", "change", (view, input) => view.setOption("joint", +input.value));
  when("least-score", "input", (view, input) => {
    $("least-score-value").textContent = (+input.value).toFixed(2);
    view.setOption("leastScore", +input.value);
  });
  document.addEventListener("keydown", (event) => {
    const view = current();
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target.matches("select, input[type=range]")) return;
    if (event.key === " " && target.matches("button, input")) return;
    if (pressKey(view, event)) event.preventDefault();
  });
  new ResizeObserver(() => current()?.invalidate("all")).observe($("main"));
}

function startTheme(current) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement.dataset;
  const apply = (theme) => {
    root.theme = theme;
    $("theme").textContent = theme === "dark" ? "Light" : "Dark";
    $("theme").ariaPressed = String(theme === "dark");
    current()?.invalidate("all");
  };
  dark.addEventListener("change", () => apply(dark.matches ? "dark" : "light"));
  $("theme").onclick = () => apply(root.theme === "dark" ? "light" : "dark");
  apply(dark.matches ? "dark" : "light");
}

function say(error) {
  $("facts").textContent = `This page cannot be shown: ${error.message}`;
  $("main").ariaBusy = "false";
  throw error;
}

function start() {
  let view = null;
  const clips = new Map();
  const options = { limbs: true, boxes: true, ids: true, colour: "identity", leastScore: 0.3, trail: 1, joint: 0, angle: 0 };
  const headers = Array.from(document.querySelectorAll("script.clip"), (script) => JSON.parse(script.textContent));
  const oneName = (name) => headers.filter((header) => header.name === name).length === 1;
  $("clip-choice").replaceChildren(...headers.map(({ name, records }, number) =>
    new Option(oneName(name) ? name : `${name} · ${records}`, number)));
  $("clip-choice-label").hidden = headers.length < 2;
  const show = async (number) => {
    $("main").ariaBusy = "true";
    const before = performance.now();
    if (!clips.has(number)) clips.set(number, await unpackClip(number));
    view?.close();
    view = new View(clips.get(number), options);
    $("main").dataset.unpackedMs = Math.round(performance.now() - before);
    $("main").ariaBusy = "false";
  };
  listen(() => view);
  startTheme(() => view);
  $("clip-choice").onchange = (event) => show(+event.target.value).catch(say);
  show(0).catch(say);
}
