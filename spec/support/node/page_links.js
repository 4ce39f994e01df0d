// The links of pages as another parser and another URL library see them: parse5 (Debian: node-parse5) and node's URL.
// A module of examples/site_links.js and a program for specs:
//   node page_links.js LIST      LIST: a file of lines "path<TAB>url"; prints a line of JSON per page, with
//                                `links`, the http and https URLs of a and area, each once, in source order
'use strict';
const fs = require('fs');
process.env.NODE_PATH = '/usr/share/nodejs'; // where Debian puts modules; only its own node looks there by itself
require('module')._initPaths();
const parse5 = require('parse5');

const SVG = 'http://www.w3.org/2000/svg';
const UNRESERVED = /[A-Za-z0-9._~-]/;
const IN_PATH = /[A-Za-z0-9._~!$&'()*+,;=:@/-]/; // RFC 3986 section 3.3
const IN_QUERY = /[A-Za-z0-9._~!$&'()*+,;=:@/?-]/; // section 3.4

// RFC 3986 section 6.2.2: escapes in upper case, none where it is not needed, one where it is.
function spelled(text, allowed) {
  return text.replace(/%([0-9a-fA-F]{2})|[\s\S]/g, (found, hex) => {
    if (hex !== undefined) {
      const char = String.fromCharCode(parseInt(hex, 16));
      return UNRESERVED.test(char) ? char : found.toUpperCase();
    }
    return allowed.test(found) ? found : '%' + found.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
  });
}

// A quote stays in a query: the Standard escapes it for the sake of HTML attributes.
function raw_quotes(query, raw) {
  return raw.includes("'") ? query.replace(/%27/g, "'") : query;
}

// One spelling of an http or https URL, without its fragment; null for what is none.
function normal(reference, base) {
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(reference.replace(/^[\0- ]+|[\0- ]+$/g, ''))) return null; // refused
  let url;
  try {
    url = new URL(reference, base);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const user = url.username || url.password ? url.username + (url.password && ':' + url.password) + '@' : '';
  const query = raw_quotes(url.search.slice(1), reference);
  const asked = url.href.replace(/#.*/, '').includes('?');
  return url.protocol + '//' + user + url.host + spelled(url.pathname, IN_PATH) +
    (asked ? '?' + spelled(query, IN_QUERY) : '');
}

// The encoding that the page names in its first 1,024 bytes, as far as real pages go; else UTF-8 if it is that.
function decoded(bytes) {
  const head = bytes.subarray(0, 1024).toString('latin1').replace(/<!--[\s\S]*?-->/g, '');
  const meta = head.match(/<meta[^>]*charset\s*=\s*["']?\s*([\w:.-]+)/i);
  if (meta) return new TextDecoder(meta[1]).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function href_of(node) {
  const attribute = node.attrs.find(one => one.name === 'href' && !one.prefix);
  return attribute && attribute.value;
}

// Calls visit(element) for all below node; a form of recursion that deep pages do not break.
function walk(node, visit) {
  const stack = [node];
  while (stack.length) {
    const one = stack.pop();
    if (one.tagName) visit(one);
    const below = (one.content || one).childNodes || [];
    for (let i = below.length - 1; i >= 0; i--) stack.push(below[i]);
  }
}

// Elements a and area with an href, as { href, offset }, in source order, and the href of the first usable base.
function read(text, url) {
  const tree = parse5.parse(text, { sourceCodeLocationInfo: true, scriptingEnabled: false });
  const hrefs = [];
  let base;
  walk(tree, node => {
    const href = href_of(node);
    if (href === undefined || !node.sourceCodeLocation) return; // a copy of an element that was closed wrongly
    if (node.tagName === 'a' || node.tagName === 'area') hrefs.push({ href, offset: node.sourceCodeLocation.startOffset });
    if (node.tagName === 'base' && node.namespaceURI !== SVG && base === undefined && normal(href, url)) {
      base = new URL(href, url).href;
    }
  });
  hrefs.sort((one, other) => one.offset - other.offset);
  return { hrefs: hrefs.map(one => one.href), base: base || url };
}

function links(bytes, url) {
  const page = read(decoded(bytes), url);
  return [...new Set(page.hrefs.map(href => normal(href, page.base)).filter(link => link !== null))];
}

module.exports = { Parser: parse5.Parser, links, normal };

if (require.main === module) {
  for (const line of fs.readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
    const [path, url] = line.split('\t');
    console.log(JSON.stringify({ path, links: links(fs.readFileSync(path), url) }));
  }
}
