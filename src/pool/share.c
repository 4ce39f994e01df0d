#include "pool/share.h"

#include <string.h>

#include "base/trace.h"

bool rill_share_wanted(const rill_origin *origin)
{
    return origin->pool->shareable.first && origin->tls && !origin->proxy && !origin->single &&
           !origin->alone && !origin->http11 && !origin->shared;
}

void rill_share_offer(rill_origin *origin, rill_conn *conn)
{
    rill_pool *pool = origin->pool;
    if (pool->coalesce && conn->session->protocol->shareable && origin->tls && !origin->proxy &&
        !origin->single)
        rill_list_push(&pool->shareable, &conn->pool.shareable);
}

static bool leads_to(const rill_dial *dial, const rill_address *address)
{
    for (uint32_t i = 0; i < dial->admitted; i++)
        if (rill_address_equal(&dial->lookup.addresses[i], address))
            return true;
    return false;
}

static bool suits(const rill_origin *origin, const rill_dial *dial, const rill_conn *conn)
{
    const rill_peer *peer = conn->peer;
    return conn->state == CONN_OPEN && rill_conn_usable(conn) && peer && peer->leaf &&
           leads_to(dial, &peer->address) &&
           rill_address_equal(&origin->from, conn->setup.target.from) &&
           rill_tls_covers(peer->leaf, origin->host);
}

static bool find(rill_origin *origin, const rill_conn *conn)
{
    rill_member *member = origin->pool->shareable.first;
    for (; member && !origin->shared; member = member->next) {
        rill_conn *other = RILL_OWNER(member, rill_conn, pool.shareable);
        if (other->setup.mark == &origin->mark || !suits(origin, conn->dial, other))
            continue;
        origin->shared = other;
        rill_list_push(&other->pool.guests, &origin->guest);
        RILL_TRACE(origin->pool->turn, TRACE_POOL, other->setup.link.number,
                   "serves %.80s:%u too: one address, one certificate", origin->host,
                   (unsigned)origin->port);
    }
    return origin->shared != NULL;
}

void rill_share_act(rill_origin *origin, rill_conn *conn)
{
    if (conn->state != CONN_DIALING || !conn->dial->waits)
        return;
    conn->pool.unneeded = find(origin, conn);
    if (conn->pool.unneeded) {
        rill_conn_fail(conn, NULL);
        return;
    }
    rill_dial_go_on(conn->dial);
    rill_conn_act(conn);
}

void rill_share_leave(rill_origin *origin)
{
    rill_list_leave(&origin->guest);
    rill_list_leave(&origin->guest_waiting);
    origin->shared = NULL;
}

rill_conn *rill_share_of(rill_origin *origin)
{
    rill_conn *conn = origin->shared;
    if (conn && (origin->alone || origin->http11 || !rill_conn_usable(conn)))
        rill_share_leave(origin);
    return origin->shared;
}

void rill_share_wait(rill_origin *origin)
{
    if (!origin->guest_waiting.list)
        rill_list_push(&origin->shared->pool.guests_waiting, &origin->guest_waiting);
}

void rill_share_wake(rill_conn *conn, bool closes)
{
    rill_member *member;
    rill_list *list = closes ? &conn->pool.guests : &conn->pool.guests_waiting;
    uint32_t room = closes                                   ? UINT32_MAX
                    : list->first && !conn->session->ping_ms ? rill_conn_room(conn)
                                                             : 0;
    while (room-- && (member = list->first)) {
        rill_origin *origin = closes ? RILL_OWNER(member, rill_origin, guest)
                                     : RILL_OWNER(member, rill_origin, guest_waiting);
        rill_list_leave(member);
        if (closes)
            rill_share_leave(origin);
        rill_turn_mark(origin->pool->turn, &origin->mark);
    }
}

void rill_share_refuse(rill_origin *origin)
{
    origin->alone = true;
    rill_share_leave(origin);
}
