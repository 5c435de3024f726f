"""The page of several cameras: a tile for each, which leads to its own page."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.live.serving.page import HEAD, SCRIPT

_STYLE = """main { display: grid; gap: 1em; padding: 0 1.2em 1.2em; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); }
.tile { color: inherit; text-decoration: none; min-width: 0; }
.tile:hover .name, .tile:focus .name { text-decoration: underline; }
.said { font-size: 1.05rem; }
.about { display: flex; flex-wrap: wrap; gap: 0 .8em; padding: .3em .1em;
  font-variant-numeric: tabular-nums; }
.name { font-weight: 600; }
.figures { color: #93a1b3; }
@media (max-width: 600px) {
  header { padding: .5em .7em; }
  main { padding: 0 .7em .7em; }
}"""

_BODY = """<body>
<header><h1>rmpe live</h1><span id="state" role="status">connecting</span></header>
<main id="wall"></main>
<script nonce="NONCE">
SCRIPT
const NEXT_AFTER_MS = 100;
function part(kind, name, ...inside) {
  const made = document.createElement(kind);
  made.className = name;
  made.append(...inside);
  return made;
}
// Browsers open six connections to a server: a picture is asked for again and again, and only
// where there is a newer one, so that any number of cameras shares them.
class Tile {
  constructor(camera) {
    this.camera = camera;
    this.picture = this.newPicture();
    this.said = part("p", "said", "");
    this.view = part("div", "view", this.picture, this.said);
    this.figures = part("span", "figures", "");
    const about = part("div", "about", part("span", "name", camera), this.figures);
    this.whole = part("a", "tile", this.view, about);
    this.whole.id = camera;
    this.whole.href = `cameras/${camera}/`;
    this.isAsking = this.hasPicture = this.isFresh = false;
  }
  newPicture() {
    const picture = document.createElement("img");
    picture.alt = `The newest picture of ${this.camera}, people drawn on it`;
    return picture;
  }
  rest(pause) {
    setTimeout(() => { this.isAsking = false; this.ask(); }, pause);
  }
  ask() {
    if (this.isAsking || !(this.isFresh || (this.hasResult && !this.hasPicture))) return;
    this.isAsking = true;
    // The last picture stays until the next is whole: it may never come.
    const next = this.newPicture();
    next.onload = () => {
      this.picture.replaceWith(next);
      this.picture = next;
      this.hasPicture = true;
      this.rest(NEXT_AFTER_MS);
    };
    next.onerror = () => this.rest(10 * NEXT_AFTER_MS);
    next.src = `cameras/${this.camera}/picture.jpg?size=small&at=${Date.now()}`;
  }
  show(told) {
    const now = settled(told);
    const isGone = isAway(now);
    this.hasResult = now.last_result_age_s !== null;
    this.isFresh = this.hasResult && !isGone;
    this.view.className = isGone ? "view gone" : "view";
    this.said.textContent = isGone ? whyAway(now) : "";
    const people = `${now.people} ${now.people === 1 ? "person" : "people"}`;
    const ids = now.ids.length ? `: ${now.ids.join(" ")}` : "";
    this.figures.textContent = `${people}${ids}, ${now.results_per_s} a second`;
    this.ask();
  }
}
const tiles = new Map(NAMES.map((camera) => [camera, new Tile(camera)]));
element("wall").append(...[...tiles.values()].map((tile) => tile.whole));
function show(now) {
  const up = now.cameras.filter((camera) => !isAway(camera)).length;
  const all = now.cameras.length;
  say(now.end ? "the run is over" : `${up} of ${all} cameras give pictures`, up < all);
  for (const camera of now.cameras) {
    tiles.get(camera.camera).show(now.end ? {...camera, end: true} : camera);
  }
}
follow(show, () => tiles.forEach((tile) => { tile.hasPicture = false; }));
</script>
</body>
</html>
"""


def render_wall(nonce: str, cameras: Sequence[str]) -> str:
    """Return the page of several cameras; only what carries the nonce may run in it.

    Args:
        nonce: see above.
        cameras: their names; letters, digits, ``_`` and ``-`` only.
    """
    head = HEAD.replace("TITLE", "rmpe live").replace("STYLE", _STYLE)
    body = _BODY.replace("SCRIPT", SCRIPT).replace("NAMES", json.dumps(list(cameras)))
    return head.replace("NONCE", nonce) + body.replace("NONCE", nonce)
