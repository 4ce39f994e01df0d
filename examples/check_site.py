#!/usr/bin/python3
"""Checks a crawl against the files the server served, in a way that shares nothing with the crawler.

usage: check_site.py ROOT START_URL PAGES.jsonl

Follows links from START_URL as a static web server would answer them, reading the files under ROOT with
Python's own HTML parser, and compares: the pages found must be the same, each whole and once, and whatever
has no file must have been a 404. Exit status 0: equal; 1: not; 2: wrong usage.
"""

import json
import os
import sys
from collections import deque
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit


class Links(HTMLParser):
    """href of every <a> and <area> in document order, and of the first <base>."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.base, self.hrefs = None, []

    def handle_starttag(self, tag, attrs):
        href = dict(attrs).get("href")
        if href is None:
            return
        if tag == "base" and self.base is None:
            self.base = href
        elif tag in ("a", "area"):
            self.hrefs.append(href)


def links(path, url):
    with open(path, encoding="utf-8", errors="replace") as file:
        parser = Links()
        parser.feed(file.read())
        parser.close()
    base = urljoin(url, parser.base) if parser.base else url
    return [urljoin(base, href.strip()) for href in parser.hrefs]


def key(url):
    """What makes two URLs of one host the same page, whatever their spelling."""
    parts = urlsplit(url)
    return unquote(parts.path) or "/", parts.query


def on_disk(root, start):
    """Returns {key: size of the page, or None for what has no file} of all that links lead to."""
    first = urlsplit(start)
    found, queue, seen = {}, deque([start]), {key(start)}
    while queue:
        url = queue.popleft()
        path = os.path.join(root, key(url)[0].lstrip("/"))
        linked = []
        if os.path.isdir(path) and not url.endswith("/"):
            linked = [url + "/"]  # a server redirects there
        else:
            if os.path.isdir(path):
                path = os.path.join(path, "index.html")
            if not os.path.isfile(path):
                found[key(url)] = None
            elif path.endswith((".html", ".htm")):
                found[key(url)] = os.path.getsize(path)
                linked = links(path, url)
        for link in linked:
            parts = urlsplit(link)
            if (parts.scheme, parts.netloc) == (first.scheme, first.netloc) and key(link) not in seen:
                seen.add(key(link))
                queue.append(link)
    return found


def crawled(pages):
    """Returns ({key: bytes, or None for a 404}, complaints) of the crawl's lines."""
    found, seen, complaints = {}, set(), []
    with open(pages, encoding="utf-8") as file:
        for line in file:
            page = json.loads(line)
            where = key(page["url"])
            if where in seen:
                complaints.append(f"twice: {page['url']}")
            seen.add(where)
            html = (page["content_type"] or "").startswith("text/html")
            if page["status"] == 404:
                found[where] = None
            elif page["status"] == 200 and html:
                found[where] = page["bytes"]
                if page["close_reason"] != "ended":
                    complaints.append(f"not whole: {page['url']} ({page['close_reason']})")
            elif page["status"] is None:
                complaints.append(f"no answer: {page['url']} ({page['error']})")
    return found, complaints


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    root, start, pages = arguments
    disk = on_disk(root, start)
    crawl, complaints = crawled(pages)
    for where, size in disk.items():
        if where not in crawl:
            complaints.append(f"not crawled: {where}")
        elif crawl[where] != size:
            complaints.append(f"differs: {where}: {size} on disk, {crawl[where]} crawled")
    complaints += [f"not on disk: {where}" for where in crawl if where not in disk]
    for complaint in complaints[:20]:
        print(complaint, file=sys.stderr)
    there = sum(1 for size in disk.values() if size is not None)
    verdict = f"{len(complaints)} DIFFERENCES" if complaints else "the same"
    print(f"check: {there} pages and {len(disk) - there} broken links on disk, against the crawl: {verdict}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
