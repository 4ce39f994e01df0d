#!/usr/bin/python3
"""A whole site with Scrapy, from its first page: URL and title of each page as JSON Lines. usage: URL CA COUNT LEAST

As fast as it goes: 64 requests at a time, no delay, no robots.txt, no log. Scrapy speaks HTTP/1.1 and verifies no
certificate, as it comes."""
import sys

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor

SETTINGS = {
    "AUTOTHROTTLE_ENABLED": False,
    "CONCURRENT_REQUESTS": 64,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
    "COOKIES_ENABLED": False,
    "FEEDS": {"/dev/null": {"format": "jsonlines"}},
    "LOG_ENABLED": False,
    "RETRY_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "TELNETCONSOLE_ENABLED": False,
}


class Site(scrapy.Spider):
    name = "site"
    links = LinkExtractor()

    def parse(self, response):
        if not isinstance(response, scrapy.http.HtmlResponse):
            return
        yield {"url": response.url, "title": response.css("title::text").get()}
        for link in self.links.extract_links(response):
            yield response.follow(link)


url, _, count, least = sys.argv[1:5]
process = CrawlerProcess(SETTINGS)
crawler = process.create_crawler(Site)
process.crawl(crawler, start_urls=[url], allowed_domains=["localhost"])
process.start()
pages = crawler.stats.get_value("item_scraped_count", 0)
assert pages >= int(least), "%d pages" % pages
print("pages %d" % pages)
print("units %s" % count)
