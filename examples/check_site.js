#!/usr/bin/env node
// Checks a crawl against the files that the server served, in a way that shares nothing with the crawler.
//
// usage: check_site.js ROOT START_URL PAGES.jsonl
//
// Follows links from START_URL as a static web server would answer them, reading the files under ROOT with
// parse5 and node's URL (spec/support/node/page_links.js), and compares: the pages found must be the same, each
// whole, once and with as many different links, and whatever has no file must have been a 404.
// Exit status 0: equal; 1: not; 2: wrong usage.
'use strict';
const fs = require('fs');
const path = require('path');
const { links } = require('../spec/support/node/page_links.js');

const SHOWN = 20; // complaints

// What a URL of the server leads to: { redirect } or { file }; file is undefined where there is none.
function locate(root, url) {
  const name = path.join(root, decodeURIComponent(new URL(url).pathname));
  const found = fs.existsSync(name) && fs.statSync(name);
  if (found && found.isFile()) return { file: name };
  if (!found || !found.isDirectory()) return {};
  if (!new URL(url).pathname.endsWith('/')) {
    const to = new URL(url);
    to.pathname += '/';
    return { redirect: to.href };
  }
  const index = path.join(name, 'index.html');
  return fs.existsSync(index) ? { file: index } : {};
}

// Map of URL to { bytes, links } of the page, or null for what has no file, for all that links lead to.
function on_disk(root, start) {
  const found = new Map();
  const seen = new Set([start]);
  for (const url of seen) { // a Set gives what is added on the way, too
    const { redirect, file } = locate(root, url);
    let linked = redirect ? [redirect] : [];
    if (!redirect && !file) found.set(url, null);
    if (file && /\.html?$/.test(file)) {
      const bytes = fs.readFileSync(file);
      linked = links(bytes, url);
      found.set(url, { bytes: bytes.length, links: linked.length });
    }
    for (const link of linked) {
      if (new URL(link).origin === new URL(start).origin) seen.add(link);
    }
  }
  return found;
}

// The same of the crawl's lines, and what is wrong with them by themselves.
function crawled(pages, start) {
  const found = new Map();
  const seen = new Set();
  const complaints = [];
  for (const line of fs.readFileSync(pages, 'utf8').trim().split('\n')) {
    const page = JSON.parse(line);
    if (new URL(page.url).origin !== new URL(start).origin) continue; // another site's
    if (seen.has(page.url)) complaints.push(`twice: ${page.url}`);
    seen.add(page.url);
    if (page.status === 404) found.set(page.url, null);
    if (page.status === undefined) complaints.push(`no answer: ${page.url} (${page.error})`);
    if (page.status === 200) found.set(page.url, { bytes: page.bytes, links: page.links });
  }
  return [found, complaints];
}

function compare(disk, crawl, complaints) {
  for (const [url, page] of disk) {
    const other = crawl.get(url);
    if (other === undefined) complaints.push(`not crawled: ${url}`);
    else if (JSON.stringify(page) !== JSON.stringify(other)) {
      complaints.push(`differs: ${url}: ${JSON.stringify(page)} on disk, ${JSON.stringify(other)} crawled`);
    }
  }
  for (const url of crawl.keys()) {
    if (!disk.has(url)) complaints.push(`not on disk: ${url}`);
  }
}

function main([root, start, pages, more]) {
  if (!pages || more) {
    console.error('usage: check_site.js ROOT START_URL PAGES.jsonl');
    return 2;
  }
  const disk = on_disk(root, start);
  const [crawl, complaints] = crawled(pages, start);
  compare(disk, crawl, complaints);
  for (const complaint of complaints.slice(0, SHOWN)) console.error(complaint);
  const there = [...disk.values()].filter(page => page);
  const sum = there.reduce((count, page) => count + page.links, 0);
  const verdict = complaints.length ? `${complaints.length} DIFFERENCES` : 'the same';
  const most = Math.max(...there.map(page => page.links));
  console.log(`check: ${start}: ${there.length} pages with ${sum} links (one with ${most}) and ${disk.size - there.length} broken links on disk, ` +
    `against the crawl: ${verdict}`);
  return complaints.length ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
