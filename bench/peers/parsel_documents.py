"""What bench/documents.lua does, by parsel: lxml and cssselect."""
import sys
import time

from parsel import Selector

SELECTORS = [
    "title::text", "a::attr(href)", "h1, h2, h3", "div.section > p", "ul li a::text", "a[href^=http]::attr(href)",
    "table tr td:nth-child(2)::text", "p:not([class])", "dt + dd", "div.body p a code",
]


def main():
    pages = []
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            with open(line.split("\t")[0], "rb") as page:
                pages.append(page.read())
    passes, found, began = int(sys.argv[2]), 0, time.process_time()
    for _ in range(passes):
        for page in pages:
            selector = Selector(page.decode("utf-8", "replace"))
            for question in SELECTORS:
                results = selector.css(question)
                if "::" in question:
                    results = results.getall()
                found += len(results)
    seconds = time.process_time() - began
    total = sum(len(page) for page in pages) * passes
    print(f"mb_per_second {total / 1e6 / seconds:.3f}\nfound {found}\nunits {len(pages)}")


main()
