--- The waterfall page: how it looks, in the light and in the dark.
return [==[
:root {
  color-scheme: light dark;
  --bg: #ffffff; --fg: #1b2330; --soft: #667085; --faint: #98a2b3; --line: #e8ebf0; --band: #f7f8fa;
  --hover: #eef4ff; --accent: #2f6fed; --bad: #d92d20; --badbg: #fef3f2; --moved: #b54708; --good: #067647;
  --blocked: #c4cbd8; --dns: #0e9f9a; --connect: #f2a01c; --tls: #a35bd6; --send: #e0559a; --wait: #3fae69;
  --receive: #3f83f0; --shadow: 0 8px 30px #10182833;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #12151b; --fg: #e6e9ef; --soft: #98a2b3; --faint: #667085; --line: #262c37; --band: #171b22;
    --hover: #1f2837; --accent: #6ea1ff; --bad: #ff7a70; --badbg: #2b1818; --moved: #f5b266; --good: #6fd39c;
    --blocked: #4a5364; --dns: #2bbdb6; --connect: #f4b04a; --tls: #b983e6; --send: #ee7db2; --wait: #56c280;
    --receive: #5c9bff; --shadow: 0 8px 30px #000000aa;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 13px/1.45 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "DejaVu Sans", sans-serif; --v0: 0; --k: 0%; --step: 10%; }
header { padding: 20px 20px 10px; }
.top { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; }
h1 { margin: 0; font-size: 20px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
#facts { margin: 0; color: var(--soft); font-variant-numeric: tabular-nums; }
.tools { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 10px 20px;
  margin: 14px 0 12px; }
#legend, .right, #kinds { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; }
#legend span { display: inline-flex; align-items: center; gap: 6px; color: var(--soft); white-space: nowrap; }
#legend i { width: 18px; height: 10px; border-radius: 3px; }
#legend i.blocked { height: 4px; }
#kinds { gap: 4px; }
button { font: inherit; color: inherit; cursor: pointer; }
#kinds button { padding: 3px 9px; border: 1px solid var(--line); border-radius: 999px; background: none;
  color: var(--soft); font-variant-numeric: tabular-nums; }
#kinds button:hover { border-color: var(--faint); }
#kinds button[aria-pressed=true] { background: var(--accent); border-color: var(--accent); color: var(--bg); }
.check { display: inline-flex; align-items: center; gap: 6px; color: var(--soft); cursor: pointer; }
.check input { accent-color: var(--accent); margin: 0; }
#find { width: 230px; padding: 5px 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--band);
  color: inherit; font: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#map { position: relative; height: 54px; border: 1px solid var(--line); border-radius: 8px; background: var(--band);
  overflow: hidden; cursor: crosshair; touch-action: none; }
#overview { display: block; width: 100%; height: 100%; }
#brush { position: absolute; top: 0; bottom: 0; border: solid var(--accent); border-width: 0 1px; pointer-events: none;
  background: color-mix(in srgb, var(--accent) 16%, transparent); }
#reset { position: absolute; top: 6px; right: 6px; padding: 1px 8px; border: 1px solid var(--line);
  border-radius: 6px; background: var(--bg); color: var(--soft); font-size: 12px; }
main { padding: 0 20px 60px; }
.row { display: grid; grid-template-columns: 58px minmax(200px, 30%) 76px 124px 86px 78px minmax(240px, 1fr); }
.row > * { min-width: 0; padding: 0 8px; line-height: 24px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.request { content-visibility: auto; contain-intrinsic-size: auto 24px; cursor: default; border-radius: 4px; }
.request.even { background: var(--band); }
.request:hover, .request.open { background: var(--hover); }
.request:focus-visible { outline-offset: -2px; }
.head { position: sticky; top: 0; z-index: 3; background: var(--bg); border-bottom: 1px solid var(--line); }
.head > * { padding: 0; line-height: 30px; }
.head button { width: 100%; padding: 0 8px; border: 0; background: none; color: var(--soft); font-weight: 600;
  text-align: inherit; line-height: inherit; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.head [aria-sort=ascending] button::after { content: " \2191"; color: var(--accent); }
.head [aria-sort=descending] button::after { content: " \2193"; color: var(--accent); }
.right-aligned { text-align: right; font-variant-numeric: tabular-nums; }
.soft { color: var(--soft); }
.name .host { color: var(--faint); margin-left: 8px; }
.name .to { color: var(--moved); margin-left: 8px; }
.method { margin-right: 6px; padding: 1px 5px; border-radius: 4px; background: var(--line); font-size: 11px;
  font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.moved { color: var(--moved); }
.row > .lane { position: relative; padding: 0; overflow: hidden; border-left: 1px solid var(--line); background:
  linear-gradient(90deg, var(--line) 1px, transparent 1px) calc(-1px - var(--v0) * var(--k)) 0 / var(--step) 100%; }
.bar, .queue, .life, .label { position: absolute; left: calc((var(--s) - var(--v0)) * var(--k)); }
.bar { top: 6px; height: 12px; width: calc(var(--w) * var(--k)); min-width: 2px; border-radius: 3px;
  background: var(--wait); }
.queue { top: 10px; height: 4px; width: calc(var(--w) * var(--k)); border-radius: 2px; background: var(--blocked); }
.failed .bar { box-shadow: inset 0 0 0 1px var(--bad), 2px 0 0 1px var(--bad); }
.label { padding-left: 6px; color: var(--soft); font-size: 11px; font-style: normal;
  font-variant-numeric: tabular-nums; }
.label.before { transform: translateX(-100%); padding: 0 6px 0 0; }
.group { margin-top: 10px; border-bottom: 1px solid var(--line); }
.group > .what { grid-column: 1 / 7; font-weight: 600; }
.group .what span { margin-left: 10px; color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
.life { top: 11px; height: 2px; width: calc(var(--w) * var(--k)); border-radius: 1px; background: var(--faint); }
#scale { position: relative; overflow: hidden; border-left: 1px solid var(--line); }
#scale button { position: absolute; z-index: 1; right: 0; width: auto; background: var(--bg); }
#scale span { position: absolute; left: calc((var(--s) - var(--v0)) * var(--k)); padding-left: 5px;
  border-left: 1px solid var(--line); color: var(--faint); font-size: 11px; font-variant-numeric: tabular-nums; }
.details { margin: 2px 0 10px 58px; padding: 12px 16px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--bg); display: grid; grid-template-columns: minmax(260px, 420px) 1fr; gap: 8px 40px; }
.details .url { grid-column: 1 / -1; overflow-wrap: anywhere; font-weight: 600; }
.details .why { grid-column: 1 / -1; overflow-wrap: anywhere; color: var(--bad); background: var(--badbg);
  padding: 6px 10px; border-radius: 6px; }
.phases, .facts { display: grid; grid-template-columns: auto 1fr auto; gap: 3px 12px; align-items: center;
  align-content: start; }
.phases u { height: 8px; border-radius: 3px; text-decoration: none; min-width: 2px; }
.phases b { font-weight: 600; }
.phases .time { text-align: right; font-variant-numeric: tabular-nums; }
.facts { grid-template-columns: auto 1fr; }
.facts span:nth-child(even) { overflow-wrap: anywhere; }
#tip { position: fixed; z-index: 9; width: 320px; padding: 10px 12px; border: 1px solid var(--line);
  border-radius: 10px; background: var(--bg); box-shadow: var(--shadow); pointer-events: none; }
#tip .url { margin-bottom: 6px; font-weight: 600; overflow-wrap: anywhere; max-height: 4.4em; overflow: hidden; }
#tip .why { margin-bottom: 6px; color: var(--bad); overflow-wrap: anywhere; max-height: 4.4em; overflow: hidden; }
#none { padding: 40px 8px; color: var(--soft); }
.blocked { background: var(--blocked); } .dns { background: var(--dns); } .connect { background: var(--connect); }
.tls { background: var(--tls); } .send { background: var(--send); } .wait { background: var(--wait); }
.receive { background: var(--receive); }
@media (max-width: 1000px) {
  .row { grid-template-columns: 44px minmax(140px, 34%) 70px 0 82px 72px minmax(160px, 1fr); }
  .row > :nth-child(4) { padding: 0; visibility: hidden; }
  .group > .what { visibility: visible; }
  .details { grid-template-columns: 1fr; margin-left: 0; }
}
]==]
