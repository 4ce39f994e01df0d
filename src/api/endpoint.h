/* What a client and a connection of one's own have in common: options, what their origins share,
 * where URLs are parsed to, and how a request becomes a call. */
#ifndef RILL_ENDPOINT_H
#define RILL_ENDPOINT_H

#include "api/settings.h"
#include "pool/origin.h"
#include "url/url.h"

/* Embedded first. */
typedef struct rill_endpoint {
    rill_entry entry; /* first */
    rill_pool pool;
    rill_member member; /* in the loop's list */
    rill_mark mark;     /* to free itself once closed and empty */
    bool closed;
    rill_settings settings;
    char *url_text; /* owned: where URLs are parsed to */
    rill_url url;   /* where the parts of the last one stand */
} rill_endpoint;

/* Makes what it is embedded in, of `size` bytes; it joins `list`, its owner, and acts by
 * rill_endpoint_act() unless its mark is set otherwise. NULL with `err`: see rill_client_new(). */
rill_endpoint *rill_endpoint_new(rill_turn *turn, rill_list *list, size_t size,
                                 enum rill_entry_kind kind, const rill_options *options,
                                 rill_error *err);

/* Ends everything at once, without an event. */
void rill_endpoint_free(rill_endpoint *endpoint);

/* Frees origins that nobody uses, and itself once it was dropped and has none. */
void rill_endpoint_act(rill_mark *mark);

/* The first of a list, and the next; NULL: there is none. */
static inline rill_endpoint *rill_endpoint_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_endpoint, member);
}

static inline rill_endpoint *rill_endpoint_next(const rill_endpoint *endpoint)
{
    return RILL_OWNER(endpoint->member.next, rill_endpoint, member);
}

/* See rill_client_close(). */
void rill_endpoint_shut(rill_endpoint *endpoint);

/* No request is taken from now on; what runs goes on. */
void rill_endpoint_refuse(rill_endpoint *endpoint);

/* Like rill_client_close(), and its id goes: what is open is reported, then it is freed. */
void rill_endpoint_drop(rill_endpoint *endpoint);

/* --- requests -------------------------------------------------------------------------------- */

/* Whether requests are taken, and this is one. 0, -RILL_CLOSED, -RILL_ARGUMENT. */
int32_t rill_endpoint_check(rill_endpoint *endpoint, const rill_request *request, rill_error *err);

/* Parses a URL of http or https. 0 or -RILL_INVALID_URL. */
int32_t rill_endpoint_parse(rill_endpoint *endpoint, const char *text, uint32_t length,
                            rill_error *err);

/* Whether the parsed URL's scheme may be spoken. 0 or -RILL_INVALID_URL. */
int32_t rill_endpoint_speaks(const rill_endpoint *endpoint, rill_error *err);

/* Parses a request's URL where it goes where the one before went (measured: 1,130 instructions of
 * 5,390 a request). Returns that origin; NULL: it does not, or nobody knows. */
rill_origin *rill_endpoint_follow(rill_endpoint *endpoint, const rill_request *request);

/* Makes the call of a request whose URL was parsed, with the endpoint's settings where the request
 * has none. NULL with `err`. */
rill_call *rill_endpoint_call(rill_endpoint *endpoint, const rill_request *request,
                              rill_error *err);

/* Gives it to its origin (NULL: out of memory). 0, or negative: it was freed. */
int32_t rill_endpoint_add(rill_endpoint *endpoint, rill_origin *origin, rill_call *call,
                          rill_id *id, rill_error *err);

/* --- reports --------------------------------------------------------------------------------- */

/* See rill_client_stats(). */
void rill_endpoint_count(const rill_endpoint *endpoint, rill_stats *stats);

/* Fills in a WARNING. */
void rill_endpoint_warning(rill_endpoint *endpoint, rill_event *event);

#endif
