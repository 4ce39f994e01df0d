/* An exchange as two records of a WARC file: the response as it came, the request as it was sent,
 * both as the text that HTTP/1.1 has. */
#ifndef RILL_WARC_EXCHANGE_H
#define RILL_WARC_EXCHANGE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "rill.h"

/* What records are made of. Zeroed: nothing yet. */
typedef struct rill_warc_texts {
    char *url; /* owned: the last one, cleaned; NULL before the first */
    rill_url parts;
    rill_bytes fields, head; /* of the record that was made last */
} rill_warc_texts;

/* Makes its record, which borrows from `texts` and from the exchange. 0, -RILL_INVALID_URL, or
 * -RILL_ERROR: out of memory. */
int32_t rill_warc_exchange_response(rill_slab *slab, rill_warc_texts *texts,
                                    const rill_warc_exchange *exchange, rill_warc_record *record,
                                    rill_error *err);
int32_t rill_warc_exchange_request(rill_slab *slab, rill_warc_texts *texts,
                                   const rill_warc_exchange *exchange, rill_warc_record *record,
                                   rill_error *err);

void rill_warc_texts_dispose(rill_slab *slab, rill_warc_texts *texts);

#endif
