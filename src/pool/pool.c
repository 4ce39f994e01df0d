#include "pool/pool.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "pool/ending.h"
#include "pool/notes.h"

static rill_call *call_of(rill_inlet *inlet)
{
    return rill_call_of(RILL_OWNER(inlet, rill_stream, inlet));
}

/* Gives window to collected bodies that were held back and may have it now, and decodes them: one
 * at least, and where it is not to be `all`, as many as the step allows. */
static void relieve(rill_account *account, bool all)
{
    bool enough = false;
    for (rill_inlet *next, *inlet = rill_inlet_oldest(account); inlet; inlet = next) {
        next = rill_inlet_newer(inlet);
        if (!inlet->held_back)
            continue;
        if (enough && rill_inlet_is_coded(inlet)) {
            rill_turn_mark(account->turn, account->relieve);
            continue;
        }
        rill_ending_relieve(call_of(inlet), all);
        enough = !all && rill_turn_gives_way(account->turn);
    }
}

static void on_relief(rill_mark *mark)
{
    rill_pool *pool = RILL_OWNER(mark, rill_pool, relief);
    relieve(pool->account, false);
}

void rill_pool_close_ended(rill_pool *pool, const rill_error *error)
{
    rill_inlet *next, *inlet = pool->account ? rill_inlet_oldest(pool->account) : NULL;
    for (; inlet; inlet = next) {
        next = rill_inlet_newer(inlet);
        if (rill_call_undecided(call_of(inlet)))
            rill_ending_close(call_of(inlet), error);
    }
}

bool rill_pool_init(rill_pool *pool, rill_turn *turn)
{
    pool->turn = turn;
    rill_paces_init(&pool->paces, turn);
    pool->relief.act = on_relief;
    pool->account = rill_account_new(turn, &pool->relief);
    if (pool->account)
        pool->account->stats = &pool->stats;
    return pool->account != NULL;
}

void rill_pool_dispose(rill_pool *pool)
{
    if (pool->account)
        relieve(pool->account, true); /* nobody does it later */
    rill_turn_unmark(&pool->relief);
    rill_paces_dispose(&pool->paces);
    rill_slab_free(&pool->turn->slab, pool->warning);
    if (pool->account) {
        pool->account->relieve = NULL;
        pool->account->stats = NULL;
        rill_journal_free(pool->account->journal);
        pool->account->journal = NULL;
    }
    rill_account_release(pool->account);
}

/* Room for a sentence is kept for the one that says that others were dropped. */
void rill_pool_warn(rill_pool *pool, const char *format, ...)
{
    char text[WARNING_LENGTH];
    va_list args;
    va_start(args, format);
    rill_escape_print(text, sizeof(text), format, args);
    va_end(args);
    rill_notes_warning(rill_notes_of(pool), text);
    if (pool->warnings_dropped)
        return;
    if (pool->warning_length + 2 * WARNING_LENGTH > WARNINGS_MAX) {
        pool->warnings_dropped = true;
        snprintf(text, sizeof(text), "more warnings than anybody reads: some were dropped");
    }
    size_t size = strlen(text) + 1;
    char *grown = rill_slab_realloc(&pool->turn->slab, pool->warning, pool->warning_length + size);
    if (!grown)
        return;
    memcpy(grown + pool->warning_length, text, size);
    pool->warning = grown;
    pool->warning_length += size;
    rill_turn_report(pool->turn, pool->entry, RILL_EVENT_WARNING);
}

void rill_pool_warn_tls(rill_pool *pool)
{
    const char *text;
    while ((text = rill_tls_warning(pool->tls)))
        rill_pool_warn(pool, "%s", text);
}

const char *rill_pool_take_warning(rill_pool *pool, bool *more)
{
    size_t size = strlen(pool->warning) + 1; /* WARNING is reported when there is one */
    char *first = rill_turn_lend(pool->turn, size);
    if (first)
        memcpy(first, pool->warning, size);
    pool->warning_length -= size;
    *more = pool->warning_length > 0;
    if (*more) {
        memmove(pool->warning, pool->warning + size, pool->warning_length);
        return first;
    }
    rill_slab_free(&pool->turn->slab, pool->warning);
    pool->warning = NULL;
    pool->warnings_dropped = false;
    return first;
}

void rill_pool_leave_idle(rill_conn *conn)
{
    rill_list_leave(&conn->pool.idle);
}

void rill_pool_note_idle(rill_pool *pool, rill_conn *conn)
{
    if (!rill_conn_idle(conn))
        rill_pool_leave_idle(conn);
    else if (!conn->pool.idle.list)
        rill_list_push(&pool->idle, &conn->pool.idle);
}

bool rill_pool_make_room(rill_pool *pool)
{
    if (pool->connections < pool->max_connections)
        return true;
    rill_conn *oldest = RILL_OWNER(pool->idle.first, rill_conn, pool.idle);
    if (!oldest)
        return false;
    rill_pool_leave_idle(oldest);
    rill_conn_fail(oldest, NULL);
    rill_turn_mark(pool->turn, oldest->setup.mark); /* its origin frees it */
    pool->connections--;
    oldest->pool.given_back = true;
    return true;
}

/* What a new connection may be sent before it must wait: all of them together stay below
 * max_buffered, but for the least that HTTP/2 allows. */
static uint32_t window_left(const rill_pool *pool)
{
    uint64_t most = pool->link.max_buffered;
    uint64_t left = most > pool->granted ? most - pool->granted : 0;
    if (left > LINK_WINDOW)
        return LINK_WINDOW;
    return left < LINK_WINDOW_MIN ? LINK_WINDOW_MIN : (uint32_t)left;
}

rill_conn *rill_pool_dial(rill_pool *pool, rill_conn_setup *setup, rill_error *err)
{
    setup->turn = pool->turn;
    setup->target.resolver = pool->resolver;
    setup->target.options = &pool->dial;
    setup->link = pool->link;
    setup->link.conn_window = window_left(pool);
    setup->connect_timeout_ms = pool->connect_timeout_ms;
    setup->idle_timeout_ms = pool->idle_timeout_ms;
    setup->ping_after_ms = pool->ping_after_ms;
    setup->ping_timeout_ms = pool->ping_timeout_ms;
    setup->max_streams = pool->max_streams;
    rill_conn *conn = rill_conn_new(setup, err);
    if (!conn)
        return NULL;
    pool->granted += setup->link.conn_window;
    pool->connections++;
    return conn;
}

void rill_pool_retire(rill_pool *pool, rill_conn *conn)
{
    rill_pool_leave_idle(conn);
    pool->stats.bytes_sent += conn->transport.socket.bytes_sent;
    pool->stats.bytes_received += conn->transport.socket.bytes_received;
    pool->granted -= conn->setup.link.conn_window;
    if (!conn->pool.given_back)
        pool->connections--;
}
