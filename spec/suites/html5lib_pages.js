// Makes pages whose links are known out of html5lib's tokenizer and tree construction cases.
//   node html5lib_pages.js DIRECTORY
// Prints a line of JSON per page: `file`, `case` (from 1), `kind`, `page`, and `links`, what a browser sees; `tags`, where
// it differs, the links of all start tags that a tokenizer led by a tree has seen, also those that the tree drops.
// Kinds: `tokens` and `tree` take the links from the case itself, the others from parse5.
'use strict';
const fs = require('fs');
const path = require('path');
const { Parser, normal } = require('../support/node/page_links.js');

const BASE = 'http://example.com/dir/page';
const END = '<a href=/end>';
// What of this is seen shows the state that the text before it has left the tokenizer in.
const ENDS = `<a href=/0>'><a href=/1>"><a href=/2>--><a href=/3>]]><a href=/4></title><a href=/5></xmp><a href=/6>` +
  `</textarea><a href=/7></script><a href=/8></style></svg></math><p><a href=/9>`;
// state: what leads to it, and the element whose end tag leads out
const STATES = {
  'Data state': ['', ''], 'PLAINTEXT state': ['<plaintext>', 'plaintext'], 'RCDATA state': ['<title>', 'title'],
  'RAWTEXT state': ['<xmp>', 'xmp'], 'Script data state': ['<script>', 'script'],
  'CDATA section state': ['<svg><![CDATA[', ''],
};
const SWITCHES = new Set(['title', 'textarea', 'style', 'xmp', 'iframe', 'noembed', 'noframes', 'script', 'plaintext',
  'svg', 'math', 'base']);

const counts = {};

function unique(hrefs, base) {
  return [...new Set(hrefs.map(href => normal(href, base || BASE)).filter(link => link !== null))];
}

function is_link(name) {
  return name === 'a' || name === 'area';
}

function href_in(attrs) {
  const attribute = attrs.find(one => one.name === 'href' && !one.prefix);
  return attribute && attribute.value;
}

// [links of the tree, links of the start tags, in source order]
function by_parse5(page) {
  const seen = [];
  let base;
  class Watching extends Parser {
    onStartTag(token) {
      const href = href_in(token.attrs);
      if (href !== undefined && is_link(token.tagName)) seen.push({ href, at: token.location.startOffset });
      super.onStartTag(token);
    }
  }
  const tree = Watching.parse(page, { scriptingEnabled: false, sourceCodeLocationInfo: true });
  const found = new Map();
  const stack = [tree];
  while (stack.length) {
    const node = stack.pop();
    const href = node.attrs && node.sourceCodeLocation ? href_in(node.attrs) : undefined;
    if (href !== undefined && is_link(node.tagName)) found.set(node.sourceCodeLocation.startOffset, href);
    if (href !== undefined && node.tagName === 'base' && !base && node.namespaceURI.endsWith('xhtml') && normal(href, BASE)) {
      base = new URL(href, BASE).href;
    }
    stack.push(...((node.content || node).childNodes || []), ...(node.content ? node.childNodes : []));
  }
  const hrefs = [...found].sort((one, other) => one[0] - other[0]).map(one => one[1]);
  return [unique(hrefs, base), unique(seen.sort((one, other) => one.at - other.at).map(one => one.href), base)];
}

function put(file, number, kind, page, links, tags) {
  counts[kind] = (counts[kind] || 0) + 1;
  const same = JSON.stringify(links) === JSON.stringify(tags);
  console.log(JSON.stringify({ file, case: number, kind, page, links, tags: same ? undefined : tags }));
}

function put_by_parse5(file, number, kind, page) {
  put(file, number, kind, page, ...by_parse5(page));
}

function unescaped(value) {
  if (typeof value === 'string') return value.replace(/\\u([0-9A-Fa-f]{4})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  if (Array.isArray(value)) return value.map(unescaped);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [unescaped(key), unescaped(one)]));
  }
  return value;
}

// Whether END behind the case is a link, as far as its tokens show; undefined: they do not.
function end_is_seen(one, state) {
  const errors = (one.errors || []).map(error => error.code);
  const kinds = one.output.map(token => token[0]);
  const last = kinds[kinds.length - 1];
  const closed = one.input.endsWith('>');
  if (state === 'PLAINTEXT state') return false;
  if (state === 'CDATA section state') return errors.includes('eof-in-cdata') ? false : last === 'Character' ? true : undefined;
  if (state !== 'Data state') {
    if (!kinds.includes('EndTag')) return one.lastStartTag || !/<\/(title|xmp|script)/i.test(one.input) ? false : undefined;
    return last === 'EndTag' && closed ? true : undefined;
  }
  if (one.output.some(token => token[0] === 'StartTag' && SWITCHES.has(token[1]))) return undefined;
  if (errors.includes('eof-in-comment') || errors.includes('eof-in-doctype')) return false;
  if (errors.some(code => code.startsWith('eof'))) return undefined;
  return last === 'Character' || last === undefined || closed ? true : undefined;
}

// The case in its state, ended by one link: seen or not.
function put_state(file, number, one, state) {
  const [prefix, name] = STATES[state];
  const input = one.lastStartTag ? one.input.replace(new RegExp('</' + one.lastStartTag, 'gi'), '</' + name) : one.input;
  const seen = end_is_seen(one, state);
  const tags = one.output.filter(token => token[0] === 'StartTag' && is_link(token[1]) && token[2].href !== undefined);
  const hrefs = tags.map(token => token[2].href);
  if (seen !== undefined) put(file, number, 'tokens', prefix + input + END, unique(seen ? [...hrefs, '/end'] : hrefs));
  put_by_parse5(file, number, 'state', prefix + input + ENDS);
}

// The case with its elements a and attributes a made links.
function put_values(file, number, one) {
  const starts = one.output.filter(token => token[0] === 'StartTag');
  if (!starts.some(token => token[2].a !== undefined)) return;
  const page = one.input.replace(/^<[a-z]+(?=[\s/])/i, '<a').replace(/([\s/"'])a(?=[=\s/>\0])/i, '$1href') + END;
  const expected = unique([...starts.map(token => token[2].a).filter(value => value !== undefined), '/end']);
  const [links] = by_parse5(page);
  if (JSON.stringify(links) === JSON.stringify(expected)) put(file, number, 'tokens', page, expected);
  else put_by_parse5(file, number, 'value', page);
}

// The case's text in attribute values, in the three ways of writing them.
function put_references(file, number, one) {
  if (!one.input.includes('&') || /[<>]/.test(one.input)) return;
  const text = one.output.map(token => token[1]).join('');
  for (const quote of ['"', "'", '']) {
    if (quote ? one.input.includes(quote) : /[\s"'=`]/.test(one.input)) continue;
    const page = `<a href=${quote}/?${one.input}${quote}>${END}`;
    const expected = unique(['/?' + text, '/end']);
    const [links] = by_parse5(page);
    if (JSON.stringify(links) === JSON.stringify(expected)) put(file, number, 'tokens', page, expected);
    else put_by_parse5(file, number, 'value', page); // the ambiguous ampersand
  }
}

function tokenizer(directory) {
  for (const file of fs.readdirSync(directory).filter(name => name.endsWith('.test')).sort()) {
    const suite = JSON.parse(fs.readFileSync(path.join(directory, file)));
    if (suite.xmlViolationTests) continue; // of a mode that no browser has
    suite.tests.forEach((raw, i) => {
      const one = raw.doubleEscaped ? { ...raw, input: unescaped(raw.input), output: unescaped(raw.output) } : raw;
      const states = one.initialStates || ['Data state'];
      for (const state of states) put_state(file, i + 1, one, state);
      if (states.includes('Data state')) {
        put_values(file, i + 1, one);
        put_references(file, i + 1, one);
      }
      counts.cases = (counts.cases || 0) + states.length;
    });
  }
}

// One case of a .dat file as { data, document, fragment, ... }.
function sections(text) {
  const found = {};
  let name;
  for (const line of text.split('\n')) {
    const head = line.match(/^#(data|errors|new-errors|document-fragment|document|script-on|script-off)$/);
    if (head && !(head[1] === 'data' && found.data)) found[name = head[1]] = [];
    else if (name) found[name].push(line);
  }
  return found;
}

// href of a and area in an expected tree, in its order.
function hrefs_of_tree(lines) {
  const hrefs = [];
  let inside = false;
  const text = lines.join('\n');
  for (const [, depth, what] of text.matchAll(/^\|( +)([\s\S]*?)(?=\n\| |$(?![\s\S]))/gm)) {
    void depth;
    const tag = what.match(/^<(?:svg |math )?([^ >]+)>$/);
    const href = what.match(/^href="([\s\S]*)"$/);
    if (tag) inside = is_link(tag[1]);
    else if (href && inside) hrefs.push(href[1]);
  }
  return hrefs;
}

function put_tree(file, number, one) {
  const data = one.data.join('\n');
  const scripted = one['script-on'] && /<noscript/i.test(data); // rill runs no script
  const context = one['document-fragment'] ? one['document-fragment'][0].split(' ').map(name => `<${name}>`).join('') : '';
  if (!context && !scripted && !/<base/i.test(data)) put(file, number, 'tree', data, unique(hrefs_of_tree(one.document)), by_parse5(data)[1]);
  if (/<noframes/i.test(data)) return; // raw text (13.2.6.4.7), but parse5 7.1 reads it as markup in a body
  let count = 0;
  const marked = data.replace(/>/g, () => `><a href=/m${++count}></a>`);
  put_by_parse5(file, number, 'marked', context + marked + ENDS);
}

function trees(directory) {
  for (const file of fs.readdirSync(directory).filter(name => name.endsWith('.dat')).sort()) {
    const text = fs.readFileSync(path.join(directory, file), 'utf8').replace(/\n$/, '');
    text.split(/\n\n(?=#data\n)/).forEach((one, i) => {
      put_tree(file, i + 1, sections(one));
      counts.trees = (counts.trees || 0) + 1;
    });
  }
}

tokenizer(path.join(process.argv[2], 'tokenizer'));
trees(path.join(process.argv[2], 'tree-construction'));
console.log(JSON.stringify({ counts }));
