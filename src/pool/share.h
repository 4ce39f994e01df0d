/* Coalescing (RFC 9113 section 9.1.1): an origin whose address an open HTTP/2 connection of another
 * one is connected to, and whose host that one's certificate covers, is a guest on it. All of a
 * client's origins have the same TLS options; those that come from another address, through a proxy
 * or in clear text share nothing. */
#ifndef RILL_SHARE_H
#define RILL_SHARE_H

#include "pool/origin.h"

/* Whether its dials are to ask, once they know where they lead. */
bool rill_share_wanted(const rill_origin *origin);

/* A connection has opened: others may be guests on it, where they may at all. */
void rill_share_offer(rill_origin *origin, rill_conn *conn);

/* After its dial has acted: one that knows where it leads is given up where a connection is there,
 * whose guest the origin becomes. */
void rill_share_act(rill_origin *origin, rill_conn *conn);

/* The connection that it is a guest on, where new streams may be opened on that; NULL: none. */
rill_conn *rill_share_of(rill_origin *origin);

/* It is no guest any more; its streams there go on. */
void rill_share_leave(rill_origin *origin);

/* It has filled what it is a guest on: is woken when streams have ended there. */
void rill_share_wait(rill_origin *origin);

/* There may be room for more streams, or (`closes`) the connection takes no more: guests act. */
void rill_share_wake(rill_conn *conn, bool closes);

/* The server says that it does not speak for this origin (421): it has connections of its own as
 * long as it is remembered. */
void rill_share_refuse(rill_origin *origin);

/* Whether a call was sent on another origin's connection. */
static inline bool rill_share_is_guest(const rill_call *call)
{
    return call->conn && call->conn->setup.mark != &call->origin->mark;
}

#endif
