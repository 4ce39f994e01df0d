/* Whether and when a call is sent again by itself. */
#ifndef RILL_RETRY_H
#define RILL_RETRY_H

#include "pool/origin.h"

/* Repeats of what was certainly not processed that cost no retry; a server that refuses more often
 * will go on refusing. Those by a GOAWAY of a connection that took others are not counted. */
enum { CALL_REPEATS = 10 };

/* Back-off belongs to the origin: after a failure nothing is sent or dialled for a while that
 * doubles with each further one, half of it by chance, so that clients do not come in step. */
enum { BACKOFF_FIRST_MS = 200, BACKOFF_MOST_MS = 10000 };

/* The origin is new: no back-off runs. */
void rill_retry_init(rill_origin *origin);

/* Starts the origin's back-off; calls that fail while it runs share it. */
void rill_retry_back_off(rill_origin *origin);

/* A connection beside others did not come about: those carry the calls, and no further one is
 * dialled for a while that doubles as well. */
void rill_retry_be_content(rill_origin *origin);

/* No connection came about. Where ALPN was the cause, calls of the next ALPN_VERDICT_MS fail with
 * the same error. */
void rill_retry_remember_alpn(rill_origin *origin, const rill_error *error);

/* An attempt has ended. Where the peer had no memory for it, and said so with ENHANCE_YOUR_CALM,
 * fewer streams at a time are opened after a back-off, on another connection where some were cut
 * short. */
void rill_retry_heed_calm(const rill_call *call);

/* The one place that decides whether a call whose attempt has ended is sent again by itself, at
 * once or after back-off; its body is at its start again then, and the repeat is counted. */
enum call_next { CALL_DONE, CALL_REPEAT_NOW, CALL_REPEAT_LATER };
enum call_next rill_retry_next(rill_call *call);

/* The connection that a waiting call counted on has gone: whether the call waits for another one.
 * That counts as a repeat, unless the call was repeated since the origin dialled last, or a GOAWAY
 * let requests that went before go on. */
bool rill_retry_wait(rill_call *call, const rill_conn *gone);

/* How long it still backs off; 0: it does not. */
uint64_t rill_retry_delay_ms(const rill_origin *origin);

#endif
