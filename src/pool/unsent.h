/* An origin's calls that have not been sent: how many a connection is coming for, and what becomes
 * of them when there is none. */
#ifndef RILL_UNSENT_H
#define RILL_UNSENT_H

#include "pool/origin.h"

/* Every waiting call has one failed attempt more, those that wait for their turn too: there is no
 * connection. `conn` is what was dialled for them; NULL: nothing. */
void rill_unsent_fail(rill_origin *origin, const rill_conn *conn, const rill_error *error);

/* The one connection takes no new streams: says why. */
void rill_unsent_refuse(rill_origin *origin, const rill_conn *conn);

/* How many waiting calls a connection is held to be coming for. One that grants no slot at all
 * counts: else its calls would wait for ever without a clock. `unfilled`: those that are open have
 * not been given what waits, so their room counts too. */
uint32_t rill_unsent_expected(const rill_origin *origin, bool unfilled);

/* What a closed connection means to those who wait: one that could not be made fails them, unless
 * there are others, the only one refuses them, and one that was lost is replaced. */
void rill_unsent_lose(rill_origin *origin, const rill_conn *conn);

#endif
