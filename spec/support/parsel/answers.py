"""What parsel answers: answers.py SELECTORS PAGES

SELECTORS: a file, "css SELECTOR" or "xpath EXPRESSION" a line. PAGES: a file, a path a line. Writes a line of JSON for
each page: for each selector the list of its results as strings, in order; {"error": ...} where it raises.
"""
import json
import sys

from parsel import Selector


def answer(page, line):
    kind, question = line.split(" ", 1)
    try:
        found = page.css(question) if kind == "css" else page.xpath(question)
        return [one.get() for one in found]
    except ValueError as error:
        return {"error": str(error)}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        selectors = file.read().splitlines()
    with open(sys.argv[2], encoding="utf-8") as file:
        paths = file.read().splitlines()
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            page = Selector(file.read())
        print(json.dumps([answer(page, line) for line in selectors]))


main()
