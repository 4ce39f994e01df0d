--- The waterfall page: its script. Whatever is foreign becomes text, never markup.
return [==[
"use strict";
const PHASES = [["blocked", "Queued"], ["dns", "DNS"], ["connect", "Connect"], ["tls", "TLS"], ["send", "Send"],
  ["wait", "Wait"], ["receive", "Receive"]];
const COLUMNS = [["#", "n", true], ["Request", "url"], ["Status", "status", true], ["Type", "type"],
  ["Size", "wire", true], ["Time", "took", true], ["Timeline", "start"]];
const KINDS = [["2xx", (r) => r.status >= 200 && r.status < 300], ["3xx", (r) => r.status >= 300 && r.status < 400],
  ["4xx", (r) => r.status >= 400 && r.status < 500], ["5xx", (r) => r.status >= 500],
  ["failed", (r) => r.failed]];
const byId = (id) => document.getElementById(id);

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}
const rounded = (value, digits) => value.toLocaleString("en", { maximumFractionDigits: digits,
  minimumFractionDigits: digits });
const time = (ms) => ms >= 10000 ? rounded(ms / 1000, 1) + " s" : ms >= 1000 ? rounded(ms / 1000, 2) + " s"
  : rounded(ms, ms < 10 ? 1 : 0) + " ms";
const bytes = (n) => n >= 1048576 ? rounded(n / 1048576, 1) + " MiB" : n >= 1024 ? rounded(n / 1024, 1) + " KiB"
  : n + " B";
const counted = (n, noun) => n.toLocaleString("en") + " " + noun + (n === 1 ? "" : "s");
const sum = (list) => list.reduce((a, b) => a + b, 0);

// --- what there is ---------------------------------------------------------------------------------------------
function read(list, i) {
  const [method, url, status, start, phases, wire, size, sent, type, connection, version, address, stream, attempts,
    error, to] = list;
  const split = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(url) || ["", "", url];
  return { n: i + 1, method, url, host: split[1], path: split[2] || "/", status, start, phases, wire, size, sent,
    type: type || "", connection, version, address, stream, attempts, error, to, took: sum(phases),
    failed: error !== "" || status === 0 };
}
const requests = JSON.parse(byId("data").textContent).map(read);
const total = requests.reduce((latest, r) => Math.max(latest, r.start + r.took), 1) * 1.02;
const connections = new Set(requests.map((r) => r.connection).filter((c) => c !== "")).size;
const view = { key: "start", down: false, kind: null, from: 0, to: total };

// --- rows ------------------------------------------------------------------------------------------------------
// The phases of a request as one bar: colours from place to place.
function bar(r) {
  const whole = r.took - r.phases[0];
  const made = element("i", "bar");
  let at = 0;
  const stops = [];
  PHASES.forEach(([name], i) => {
    if (i === 0 || r.phases[i] <= 0) return;
    const next = at + r.phases[i] / whole * 100;
    stops.push("var(--" + name + ") " + at.toFixed(2) + "% " + next.toFixed(2) + "%");
    at = next;
  });
  if (stops.length > 0) made.style.background = "linear-gradient(90deg," + stops.join(",") + ")";
  else made.style.background = "var(--blocked)";
  place(made, r.start + r.phases[0], whole);
  return made;
}

function place(node, start, width) {
  node.style.setProperty("--s", start.toFixed(3));
  if (width !== undefined) node.style.setProperty("--w", width.toFixed(3));
  return node;
}

function lane(r) {
  const made = element("div", "lane");
  if (r.phases[0] > 0) made.append(place(element("i", "queue"), r.start, r.phases[0]));
  made.append(bar(r));
  const before = (r.start + r.took) / total > 0.88;
  const label = element("em", before ? "label before" : "label", time(r.took));
  made.append(place(label, before ? r.start : r.start + r.took));
  return made;
}

function name(r) {
  const made = element("div", "name");
  made.setAttribute("role", "cell");
  if (r.method !== "GET") made.append(element("span", "method", r.method));
  made.append(r.path);
  if (r.to) made.append(element("span", "to", "\u2192 " + r.to));
  made.append(element("span", "host", r.host));
  return made;
}

function statusOf(r) {
  return element("div", "right-aligned " + (r.failed || r.status >= 400 ? "bad" : r.status >= 300 ? "moved" : ""),
    r.status ? String(r.status) : "failed");
}

function rowOf(r) {
  const made = element("div", "row request" + (r.failed ? " failed" : ""), element("div", "right-aligned soft",
    String(r.n)), name(r), statusOf(r), element("div", "soft", r.type), element("div", "right-aligned", bytes(r.wire)),
    element("div", "right-aligned", time(r.took)), lane(r));
  for (const cell of made.children) cell.setAttribute("role", "cell");
  made.setAttribute("role", "row");
  made.tabIndex = 0;
  made.dataset.n = r.n;
  return made;
}
for (const r of requests) r.row = rowOf(r);

function groupRow(connection, list) {
  const first = list.reduce((earliest, r) => Math.min(earliest, r.start), total);
  const last = list.reduce((latest, r) => Math.max(latest, r.start + r.took), 0);
  const hosts = [...new Set(list.map((r) => r.host))];
  const facts = [list[0].version, hosts.slice(0, 3).join(", ") + (hosts.length > 3 ? " \u2026" : ""), list[0].address,
    counted(list.length, "request"), bytes(sum(list.map((r) => r.wire)))].filter((text) => text);
  const what = element("div", "what", connection === "" ? "No connection" : "Connection " + connection,
    element("span", "", facts.join(" \u00b7 ")));
  const made = element("div", "row group", what,
    element("div", "lane", place(element("i", "life"), first, last - first)));
  made.setAttribute("role", "row");
  return made;
}

// --- details ---------------------------------------------------------------------------------------------------
function phaseTable(r) {
  const made = element("div", "phases");
  PHASES.forEach(([id, label], i) => {
    if (r.phases[i] <= 0) return;
    const line = element("u", id);
    line.style.width = r.phases[i] / r.took * 100 + "%";
    made.append(element("span", "soft", label), line, element("span", "time", time(r.phases[i])));
  });
  made.append(element("b", "", "Total"), element("span"), element("b", "time", time(r.took)));
  return made;
}

function factTable(r) {
  const made = element("div", "facts");
  const add = (label, text) => { if (text) made.append(element("span", "soft", label), element("span", "", text)); };
  add("Began at", time(r.start));
  add("Status", r.status ? String(r.status) : "none");
  add("Leads to", r.to);
  add("Received", bytes(r.wire) + (r.size !== r.wire ? ", " + bytes(r.size) + " decoded" : ""));
  add("Sent", r.sent > 0 ? bytes(r.sent) : "");
  add("Type", r.type);
  add("Protocol", r.version);
  add("Connection", r.connection + (r.stream ? ", stream " + r.stream : ""));
  add("Address", r.address);
  add("Attempts", r.attempts > 1 ? String(r.attempts) : "");
  return made;
}

function details(r) {
  const made = element("div", "details", element("div", "url", r.method + " " + r.url));
  if (r.error) made.append(element("div", "why", r.error));
  made.append(phaseTable(r), factTable(r));
  return made;
}

function toggle(r) {
  const open = r.row.classList.toggle("open");
  r.row.setAttribute("aria-expanded", String(open));
  if (r.details) r.details.remove();
  r.details = open ? details(r) : null;
  if (open) r.row.after(r.details);
}

function showTip(r, event) {
  const tip = byId("tip");
  tip.replaceChildren(element("div", "url", r.method + " " + r.url));
  if (r.error) tip.append(element("div", "why", r.error));
  tip.append(phaseTable(r));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const below = event.clientY + 20 + box.height < innerHeight;
  tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 12)) + "px";
  tip.style.top = Math.max(8, below ? event.clientY + 20 : event.clientY - box.height - 12) + "px";
}

const requestAt = (event) => {
  const row = event.target instanceof Element && event.target.closest(".request");
  return row ? requests[row.dataset.n - 1] : null;
};
byId("rows").addEventListener("click", (event) => {
  const r = requestAt(event);
  if (r && !String(getSelection())) toggle(r);
});
byId("rows").addEventListener("mousemove", (event) => {
  const r = event.target instanceof Element && event.target.closest(".lane") && requestAt(event);
  if (r) showTip(r, event); else byId("tip").hidden = true;
});
byId("rows").addEventListener("mouseleave", () => { byId("tip").hidden = true; });
byId("rows").addEventListener("keydown", (event) => {
  const r = requestAt(event);
  if (!r) return;
  if (event.key === "Enter" || event.key === " ") toggle(r);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const rows = [...document.querySelectorAll(".request")];
    const next = rows[rows.indexOf(r.row) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) next.focus();
  } else return;
  event.preventDefault();
});

// --- order, and what is shown ----------------------------------------------------------------------------------
function compare(a, b) {
  const x = a[view.key], y = b[view.key];
  const order = x < y ? -1 : x > y ? 1 : a.n - b.n;
  return view.down ? -order : order;
}

function matches(r, words) {
  if (view.kind && !KINDS.find(([label]) => label === view.kind)[1](r)) return false;
  const text = (r.method + " " + r.url + " " + (r.status || "failed") + " " + r.type + " " + r.error).toLowerCase();
  return words.every((word) => text.includes(word));
}

function draw() {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter((word) => word);
  const shown = requests.filter((r) => matches(r, words)).sort(compare);
  const grouped = byId("group").checked && view.key === "start" && connections > 0;
  const nodes = [];
  const add = (r, i) => {
    r.row.classList.toggle("even", i % 2 === 1);
    nodes.push(r.row);
    if (r.details) nodes.push(r.details);
  };
  if (grouped) {
    const by = new Map();
    for (const r of shown) {
      if (!by.has(r.connection)) by.set(r.connection, []);
      by.get(r.connection).push(r);
    }
    for (const [connection, list] of by) {
      nodes.push(groupRow(connection, list));
      list.forEach(add);
    }
  } else shown.forEach(add);
  byId("rows").replaceChildren(...nodes);
  byId("none").hidden = shown.length > 0;
  byId("group").disabled = view.key !== "start";
  for (const cell of byId("head").children) {
    if (cell.dataset.key === view.key) cell.setAttribute("aria-sort", view.down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  }
  paintOverview(new Set(shown));
}

function drawHead() {
  for (const [label, key, right] of COLUMNS) {
    const button = element("button", "", label);
    const cell = element("div", right ? "right-aligned" : "", button);
    cell.setAttribute("role", "columnheader");
    cell.dataset.key = key;
    if (key === "start") cell.id = "scale";
    button.addEventListener("click", () => {
      const numbers = key === "wire" || key === "took" || key === "status";
      view.down = view.key === key ? !view.down : numbers;
      view.key = key;
      draw();
    });
    byId("head").append(cell);
  }
}

// --- the time that is shown ------------------------------------------------------------------------------------
function stepOf(span) {
  const raw = span / 7, unit = Math.pow(10, Math.floor(Math.log10(raw)));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((step) => step >= raw);
}

function setTime(from, to) {
  view.from = from;
  view.to = to;
  const span = to - from, step = stepOf(span), style = document.body.style;
  style.setProperty("--v0", from.toFixed(3));
  style.setProperty("--k", 100 / span + "%");
  style.setProperty("--step", step / span * 100 + "%");
  for (const old of [...byId("scale").querySelectorAll("span")]) old.remove();
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    byId("scale").append(place(element("span", "", at ? time(at) : "0"), at));
  }
  const whole = span >= total * 0.999;
  byId("reset").hidden = byId("brush").hidden = whole;
  showBrush(from, to);
}

function showBrush(from, to) {
  byId("brush").style.left = from / total * 100 + "%";
  byId("brush").style.width = (to - from) / total * 100 + "%";
}

// Each request as a thin line, in its place among all; those that are filtered out are faint.
function paintOverview(shown) {
  const canvas = byId("overview"), scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth * scale, height = canvas.clientHeight * scale;
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colours = PHASES.map(([id]) => style.getPropertyValue("--" + id));
  const bad = style.getPropertyValue("--bad");
  const ordered = [...requests].sort((a, b) => a.start - b.start || a.n - b.n);
  const room = height - 8 * scale;
  const line = Math.max(scale, Math.min(3 * scale, room / Math.max(1, ordered.length) * 0.8));
  ordered.forEach((r, i) => {
    const y = 4 * scale + (ordered.length > 1 ? i / (ordered.length - 1) * (room - line) : 0);
    let x = r.start / total * width;
    pen.globalAlpha = shown.has(r) ? 1 : 0.15;
    r.phases.forEach((ms, phase) => {
      const length = ms / total * width;
      pen.fillStyle = r.failed ? bad : colours[phase];
      if (ms > 0) pen.fillRect(x, y, Math.max(length, scale * 0.7), line);
      x += length;
    });
  });
}

function watchMap() {
  const map = byId("map");
  let origin = null;
  const at = (event) => {
    const box = map.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * total;
  };
  map.addEventListener("pointerdown", (event) => {
    if (event.target === byId("reset")) return;
    origin = at(event);
    map.setPointerCapture(event.pointerId);
  });
  map.addEventListener("pointermove", (event) => {
    if (origin === null) return;
    byId("brush").hidden = false;
    showBrush(Math.min(origin, at(event)), Math.max(origin, at(event)));
  });
  map.addEventListener("pointerup", (event) => {
    if (origin === null) return;
    const from = Math.min(origin, at(event)), to = Math.max(origin, at(event));
    origin = null;
    if (to - from > total / 1000) setTime(from, to); else setTime(0, total);
  });
  byId("reset").addEventListener("click", () => setTime(0, total));
}

// --- the top ---------------------------------------------------------------------------------------------------
function drawTop() {
  const hosts = new Map();
  for (const r of requests) hosts.set(r.host, (hosts.get(r.host) || 0) + 1);
  const most = [...hosts].sort((a, b) => b[1] - a[1])[0];
  const others = hosts.size > 1 ? " and " + counted(hosts.size - 1, "other host") : "";
  if (most) byId("title").textContent = most[0] + others;
  if (most) document.title = "Waterfall of " + most[0];
  byId("facts").textContent = [counted(requests.length, "request"), counted(connections, "connection"),
    bytes(sum(requests.map((r) => r.wire))) + " received", time(total / 1.02)].join(" \u00b7 ");
  PHASES.forEach(([id, label], i) => {
    if (id === "send" && !requests.some((r) => r.phases[i] > 0)) return;
    byId("legend").append(element("span", "", element("i", id), label));
  });
  for (const [label, is] of KINDS) {
    const count = requests.filter(is).length;
    if (count === 0 || (label === "2xx" && count === requests.length)) continue;
    const button = element("button", "", label + " " + count.toLocaleString("en"));
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      view.kind = view.kind === label ? null : label;
      for (const each of byId("kinds").children) {
        each.setAttribute("aria-pressed", String(each === button && view.kind !== null));
      }
      draw();
    });
    byId("kinds").append(button);
  }
}

drawTop();
drawHead();
setTime(0, total);
draw();
watchMap();
byId("find").addEventListener("input", draw);
byId("group").addEventListener("change", draw);
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
]==]
