/* What politeness asks for: limits for all origins of a client, or for those that are named. */
#ifndef RILL_MANNERS_H
#define RILL_MANNERS_H

#include "base/table.h"
#include "rill.h"

typedef struct rill_manners {
    uint32_t concurrency; /* requests at a time; UINT32_MAX: any number */
    uint64_t delay_ms;    /* from start to start; 0: none */
    double jitter;        /* of which so much, up and down, is chance: 0 to 1 */
    bool retry_after;     /* what a 429 or 503 asks for is heeded */
} rill_manners;

/* Zeroed but for the table's slab: nobody asks for politeness. */
typedef struct rill_rules {
    rill_table named;              /* by host; owned */
    struct rill_rule *of_the_rest; /* owned; NULL: the others have no limits */
} rill_rules;

/* Takes rill_options.per_origin, whose numbers were checked. 0, or -RILL_ARGUMENT or -RILL_ERROR:
 * rill_rules_dispose() ends them in any case. */
int32_t rill_rules_read(rill_rules *rules, const rill_politeness *given, uint32_t count,
                        rill_error *err);
void rill_rules_dispose(rill_rules *rules);

/* Whether no origin has limits. */
static inline bool rill_rules_none(const rill_rules *rules)
{
    return !rules->named.count && !rules->of_the_rest;
}

/* Those of an origin; its host is in lower case, without brackets. A rule for its scheme and port
 * comes before one for its port, and that before one for its host. NULL: it has no limits. */
const rill_manners *rill_rules_of(const rill_rules *rules, bool tls, const char *host,
                                  size_t length, uint16_t port);

#endif
