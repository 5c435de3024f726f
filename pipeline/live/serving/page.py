"""The page of the live view: one document, nothing loaded from anywhere else."""

from __future__ import annotations

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rmpe live</title>
<link rel="icon" href="favicon.svg">
<style nonce="NONCE">
:root { color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: #14171c; color: #e4e7eb; font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; gap: 1em; align-items: baseline; padding: .7em 1.2em; }
h1 { font-size: 1.05rem; margin: 0; }
h2 { font-size: .8rem; margin: 1.1em 0 .3em; color: #93a1b3; text-transform: uppercase; }
#state { color: #93a1b3; }
#state.bad { color: #ffb454; }
main { display: flex; flex-wrap: wrap; gap: 1.2em; padding: 0 1.2em 1.2em; }
#view { flex: 3 1 480px; min-width: 0; align-self: flex-start; position: relative; }
#gone { position: absolute; inset: 0; display: grid; place-items: center; font-size: 1.3rem;
  text-align: center; padding: 1em; text-shadow: 0 0 6px #000; }
#gone:empty { display: none; }
.gone #picture { filter: grayscale(1) brightness(.45); }
#picture { min-width: 0; align-self: flex-start; background: #000;
  border-radius: 6px; width: 100%; }
aside { flex: 1 1 260px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td { padding: .12em 0; }
td + td { text-align: right; }
progress { width: 6em; height: .7em; vertical-align: middle; accent-color: #5aa9ff; }
</style>
</head>
<body>
<header><h1>rmpe live</h1><span id="state" role="status">connecting</span></header>
<main>
<div id="view"><img id="picture" alt="The newest picture, people drawn on it">
<p id="gone" role="alert"></p></div>
<aside>
<h2>Latency</h2><table><tbody id="latency"></tbody></table>
<h2>Frames</h2><table><tbody id="frames"></tbody></table>
<h2>People</h2><table><tbody id="people"></tbody></table>
<h2>Stages</h2><table><tbody id="stages"></tbody></table>
</aside>
</main>
<script nonce="NONCE">
"use strict";
const query = location.search;
const element = (id) => document.getElementById(id);
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
const ms = (value) => value === null ? "-" : `${Math.round(value)} ms`;
function say(text, bad) {
  element("state").textContent = text;
  element("state").className = bad ? "bad" : "";
}
function gone(now) {
  const age = now.last_result_age_s;
  const away = !now.end && (now.source_state === "lost" || (age !== null && age > 3));
  element("view").className = away || now.end ? "gone" : "";
  const seconds = age === null || age === undefined ? "" : ` for ${Math.round(age)} s`;
  element("gone").textContent = now.end ? "the run is over"
    : away ? `no picture from the source${seconds}` : "";
}
const status = new EventSource("status" + query);
status.onmessage = (message) => {
  const now = JSON.parse(message.data);
  gone(now);
  const going = `${now.source}, ${now.results_per_s} results a second`;
  say(now.end ? "the run is over" : going, now.end);
  const late = now.latency_ms;
  fill("latency", [["half within", ms(late.p50)], ["95 % within", ms(late.p95)],
    ["99 % within", ms(late.p99)]]);
  const dropped = Object.entries(now.dropped).map(([why, count]) =>
    [`dropped: ${why.replaceAll("_", " ")}`, count]);
  fill("frames", [["captured", now.captured], ["processed", now.processed], ...dropped,
    ["source lost", `${now.losses} times`], ["viewers", now.viewers]]);
  fill("people", [["in the picture", now.people], ["ids", now.ids.join(" ") || "-"]]);
  fill("stages", now.stages.map((stage) => [stage.stage, load(stage.busy)]));
  if (now.end) status.close();
};
status.onerror = () => say("not connected", true);
element("picture").src = "picture.mjpg" + query;
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


def render_page(nonce: str) -> str:
    """Return the page; only style and script that carry the nonce may run in it."""
    return _PAGE.replace("NONCE", nonce)
