/* The prescan of a page's first bytes for the encoding that it declares (HTML Standard, section
 * 13.2.3.2). It is no tokenizer and has rules of its own. */
#ifndef RILL_PRESCAN_H
#define RILL_PRESCAN_H

#include "html/charset.h"

enum { RILL_PRESCAN_MAX = 1024 }; /* bytes of the page that are read */

/* By a meta element, else by an XML declaration. utf-16 named there means utf-8: the name could be
 * read. NULL: nothing is declared, or a tag or comment is cut at the end. */
const rill_charset *rill_prescan(const char *page, size_t length);

#endif
