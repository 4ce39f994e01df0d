/* What the peers of the line `links` have in common: everything but the parser. As rill does, each
 * page's values are cut at their fragment and looked at once, and so are its URLs. */
#ifndef BENCH_PAGES_H
#define BENCH_PAGES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pages pages; /* with the links of the page that is being read */

/* A parser calls these for each href of a and area, and for that of each base. */
void pages_href(pages *all, const char *value, size_t length);
void pages_base(pages *all, const char *value, size_t length);

/* Whether links stand on elements of that name. */
bool pages_is_link(const char *name);

typedef void pages_parse(pages *all, const char *bytes, size_t length);

/* Reads the files that argv[1] lists (lines of path, tab, URL), parses them argv[2] times and
 * prints MB of CPU time's second, links and pages. Returns the program's exit status. */
int pages_main(int argc, char **argv, pages_parse *parse);

#endif
