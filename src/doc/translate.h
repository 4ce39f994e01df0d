/* What translate() of XPath does: characters of a text become others, or go. */
#ifndef RILL_TRANSLATE_H
#define RILL_TRANSLATE_H

#include <libxml/xmlstring.h>
#include <stddef.h>

typedef struct rill_translation rill_translation;

/* The characters of `from` become those at the same places in `to`, which it may not have. Both are
 * UTF-8 and borrowed. NULL: out of memory. */
rill_translation *rill_translation_new(const xmlChar *from, const xmlChar *to);
void rill_translation_free(rill_translation *translation); /* NULL is fine */

/* What it would take to apply it, in operations. */
size_t rill_translation_work(const rill_translation *translation, const xmlChar *text);

/* For xmlFree(); NULL: out of memory. */
xmlChar *rill_translation_apply(const rill_translation *translation, const xmlChar *text);

#endif
