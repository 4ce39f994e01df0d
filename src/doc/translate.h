/* What translate() of XPath does: characters of a text become others, or go. */
#ifndef RILL_TRANSLATE_H
#define RILL_TRANSLATE_H

#include <libxml/xmlstring.h>
#include <stddef.h>

#include "doc/job.h"

typedef struct rill_translation rill_translation;

/* The characters of `from` become those at the same places in `to`, which it may not have. Both are
 * UTF-8 and borrowed. NULL: out of memory, or no more was wanted. */
rill_translation *rill_translation_new(const xmlChar *from, const xmlChar *to,
                                       const rill_tick *tick);
void rill_translation_free(rill_translation *translation); /* NULL is fine */

/* For xmlFree(); NULL: out of memory, or no more was wanted. */
xmlChar *rill_translation_apply(const rill_translation *translation, const xmlChar *text,
                                const rill_tick *tick);

#endif
