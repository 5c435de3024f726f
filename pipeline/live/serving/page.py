"""The page of one camera's live view: one document, nothing loaded from anywhere else."""

from __future__ import annotations

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<link rel="icon" href="favicon.svg">
<style nonce="NONCE">
:root { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: #14171c; color: #e4e7eb; font: 15px/1.45 system-ui, sans-serif; }
a { color: #8cc2ff; }
header { display: flex; flex-wrap: wrap; gap: .2em 1em; align-items: baseline;
  padding: .7em 1.2em; }
h1 { font-size: 1.05rem; margin: 0; }
h2 { font-size: .8rem; margin: 1.1em 0 .3em; color: #93a1b3; text-transform: uppercase; }
#state { color: #93a1b3; overflow-wrap: anywhere; }
#state.bad { color: #ffb454; }
.view { position: relative; min-height: 8em; background: #000; border-radius: 6px; }
.view img { display: block; width: 100%; border-radius: 6px; }
.view img:not([src]) { display: none; }
.said { position: absolute; inset: 0; margin: 0; display: grid; place-items: center;
  font-size: 1.3rem; text-align: center; padding: .7em; text-shadow: 0 0 6px #000;
  overflow-wrap: anywhere; }
.said:empty { display: none; }
.gone img { filter: grayscale(1) brightness(.45); }
STYLE
</style>
</head>
"""
"""How every page begins."""

SCRIPT = """"use strict";
const element = (id) => document.getElementById(id);
function say(text, bad) {
  element("state").textContent = text;
  element("state").className = bad ? "bad" : "";
}
function isAway(now) {
  const age = now.last_result_age_s;
  return now.end || now.source_state !== "up" || (age !== null && age > 3);
}
function settled(now) {
  return isAway(now) ? {...now, people: 0, ids: [], results_per_s: 0} : now;
}
function whyAway(now) {
  if (now.source_state === "loading") return "the networks are loading";
  if (now.source_state === "opening") return "waiting for the source";
  if (now.failure) return now.failure;
  if (now.end || now.source_state === "ended") return "the run is over";
  const age = now.last_result_age_s;
  const known = age !== null && age !== undefined;
  return `no picture from the source${known ? ` for ${Math.round(age)} s` : ""}`;
}
// A run that is started again has the same address: its figures, then its picture, come back.
function follow(show, comesBack) {
  let isOver = false, isLost = false;
  const status = new EventSource("status");
  status.onmessage = (message) => {
    const now = JSON.parse(message.data);
    if (isLost && !now.end) comesBack();
    isLost = isOver = Boolean(now.end);
    show(now);
  };
  status.onerror = () => {
    isLost = true;
    if (!isOver) say("not connected", true);
  };
}
"""
"""What the scripts of every page begin with."""

_STYLE = """main { display: flex; flex-wrap: wrap; gap: 1.2em; padding: 0 1.2em 1.2em; }
.view { flex: 3 1 480px; min-width: 0; align-self: flex-start; }
aside { flex: 1 1 260px; min-width: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td { padding: .12em 0; }
td + td { text-align: right; }
progress { width: 6em; height: .7em; vertical-align: middle; accent-color: #5aa9ff; }
@media (max-width: 600px) {
  header { padding: .5em .7em; }
  main { padding: 0 .7em .7em; gap: 0; }
  .view, aside { flex-basis: 100%; }
  #ids { font-size: 1.25rem; }
}"""

_BODY = """<body>
<header><h1>NAME</h1>BACK<span id="state" role="status">connecting</span></header>
<main>
<div class="view" id="view"><img id="picture" alt="The newest picture, people drawn on it">
<p class="said" id="gone" role="alert"></p></div>
<aside>
<h2>People</h2><table><tbody id="people"></tbody></table>
<h2>Latency</h2><table><tbody id="latency"></tbody></table>
<h2>Frames</h2><table><tbody id="frames"></tbody></table>
<h2>Stages</h2><table><tbody id="stages"></tbody></table>
</aside>
</main>
<script nonce="NONCE">
SCRIPT
function fill(id, rows) {
  element(id).replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("tr");
    for (const content of [name, value]) {
      const cell = document.createElement("td");
      cell.append(content);
      row.append(cell);
    }
    return row;
  }));
}
function load(share) {
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = share;
  const cell = document.createElement("span");
  cell.append(bar, ` ${Math.round(100 * share)} %`);
  return cell;
}
function identities(ids) {
  const cell = document.createElement("span");
  cell.id = "ids";
  cell.append(ids.join(" ") || "-");
  return cell;
}
const ms = (value) => value === null ? "-" : `${Math.round(value)} ms`;
function show(told) {
  const now = settled(told);
  element("view").className = isAway(now) ? "view gone" : "view";
  element("gone").textContent = isAway(now) ? whyAway(now) : "";
  const going = `${now.source}, ${now.results_per_s} results a second`;
  say(isAway(now) ? whyAway(now) : going, isAway(now));
  const late = now.latency_ms;
  fill("people", [["in the picture", now.people], ["ids", identities(now.ids)]]);
  fill("latency", [["half within", ms(late.p50)], ["95 % within", ms(late.p95)],
    ["99 % within", ms(late.p99)]]);
  const dropped = Object.entries(now.dropped).map(([why, count]) =>
    [`dropped: ${why.replaceAll("_", " ")}`, count]);
  fill("frames", [["captured", now.captured], ["processed", now.processed], ...dropped,
    ...(now.recorded === null || now.recorded === undefined ? [] : [["recorded", now.recorded]]),
    ["source lost", `${now.losses} times`], ["viewers", now.viewers]]);
  fill("stages", now.stages.map((stage) => [stage.stage, load(stage.busy)]));
}
const isNarrow = matchMedia("(max-width: 600px)");
let isLooking = false;
function look() {
  isLooking = true;
  const size = isNarrow.matches ? "small" : "large";
  element("picture").src = `picture.mjpg?size=${size}&from=${Date.now()}`;
}
isNarrow.addEventListener("change", () => { if (isLooking) look(); });
follow((now) => {
  // A picture that is waited for would keep the page from being loaded.
  if (!isLooking && now.last_result_age_s !== null) look();
  show(now);
}, () => { isLooking = false; });
</script>
</body>
</html>
"""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" '
    'rx="3" fill="#14171c"/><g stroke="#5aa9ff" stroke-width="1.6" stroke-linecap="round" '
    'fill="none"><circle cx="8" cy="3.6" r="1.5"/><path d="M8 5.5v4M4 7l4-1 4 1M5 14l3-4.5 3 4.5"/>'
    "</g></svg>"
)


def render_page(nonce: str, camera: str = "") -> str:
    """Return the page of one camera; only style and script that carry the nonce may run in it.

    Args:
        nonce: see above.
        camera: its name, if there are several; letters, digits, ``_`` and ``-`` only.
    """
    back = '<a href="../../">all cameras</a>' if camera else ""
    title = f"{camera}, rmpe live" if camera else "rmpe live"
    body = _BODY.replace("NAME", camera or "rmpe live").replace("BACK", back)
    head = HEAD.replace("TITLE", title).replace("STYLE", _STYLE)
    return head.replace("NONCE", nonce) + body.replace("SCRIPT", SCRIPT).replace("NONCE", nonce)
