// Opens a page in headless Chromium and asks it: node browser.js FILE DIRECTORY EXPRESSION ...
// Prints one JSON object: results (of the expressions, one after the other), errors (of the console, or uncaught),
// requests (all URLs that were asked for but the page's own).
'use strict';
const { spawn } = require('child_process');

const [file, directory, ...expressions] = process.argv.slice(2);
const child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
  '--remote-debugging-pipe', '--no-first-run', '--disable-background-networking', '--window-size=1400,900',
  `--user-data-dir=${directory}/profile`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  env: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_CACHE_HOME: directory } });
const waiting = new Map();
const heard = { results: [], errors: [], requests: [] };
let count = 0, loaded, rest = '';
const load = new Promise((resolve) => { loaded = resolve; });

function send(method, params = {}, sessionId) {
  count += 1;
  child.stdio[3].write(JSON.stringify({ id: count, method, params, sessionId }) + '\0');
  return new Promise((resolve, reject) => waiting.set(count, { resolve, reject }));
}

function hear(message) {
  if (message.id) {
    const { resolve, reject } = waiting.get(message.id);
    return message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  }
  const { method, params } = message;
  if (method === 'Runtime.exceptionThrown') heard.errors.push(params.exceptionDetails.exception.description);
  if (method === 'Runtime.consoleAPICalled') heard.errors.push(params.type);
  if (method === 'Log.entryAdded') heard.errors.push(params.entry.text);
  if (method === 'Page.loadEventFired') loaded();
  if (method === 'Network.requestWillBeSent' && !/^(data|blob):/.test(params.request.url)
    && params.request.url !== 'file://' + file) heard.requests.push(params.request.url);
}

child.stdio[4].setEncoding('utf8'); // a character may come in two pieces
child.stdio[4].on('data', (data) => {
  const messages = (rest + data).split('\0');
  rest = messages.pop();
  messages.forEach((text) => hear(JSON.parse(text)));
});
child.on('exit', () => process.exit(process.exitCode || 0));

async function main() {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  for (const domain of ['Runtime', 'Log', 'Network', 'Page']) await send(domain + '.enable', {}, sessionId);
  await send('Page.navigate', { url: 'file://' + file }, sessionId);
  await load;
  for (const expression of expressions) {
    const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, returnByValue: true }, sessionId);
    if (exceptionDetails) throw new Error(expression + ': ' + exceptionDetails.exception.description);
    heard.results.push(result.value === undefined ? null : result.value);
  }
  console.log(JSON.stringify(heard));
}

main().catch((error) => {
  console.log(error.stack);
  process.exitCode = 1;
}).then(() => send('Browser.close'));
