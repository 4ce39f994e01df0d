#include "pool/clocks.h"

#include "base/error.h"
#include "http/code.h"

static void on_timer(rill_timer *timer)
{
    rill_conn *conn = RILL_OWNER(timer, rill_conn, timer);
    rill_turn_mark(conn->setup.turn, conn->setup.mark);
}

/* How long nothing may move on it: the peer may keep what is not used for less. 0: no matter. */
static uint64_t idle_of(const rill_conn *conn)
{
    uint64_t own_ms = conn->setup.idle_timeout_ms, its_ms = conn->session->idle_ms;
    return its_ms && !conn->session->open.first && (!own_ms || its_ms < own_ms) ? its_ms : own_ms;
}

void rill_clocks_idle(rill_conn *conn)
{
    uint64_t idle_ms = idle_of(conn);
    if (idle_ms)
        rill_wheel_start(&conn->setup.turn->wheel, &conn->timer, conn->active_ms + idle_ms);
    else
        rill_wheel_stop(&conn->setup.turn->wheel, &conn->timer);
}

static void report_unconnected(const rill_conn *conn, rill_error *error)
{
    enum rill_phase phase = rill_conn_phase(conn);
    rill_error_set(error, RILL_TIMEOUT, "%s:%u: no connection within %.3g s (waiting for %s)",
                   conn->setup.target.host, conn->setup.target.port,
                   (double)conn->setup.connect_timeout_ms / 1000, rill_phase_name((int)phase));
    error->phase = (int32_t)phase;
}

/* Whether there are streams, and each of them waits for our reader or for our body. */
static bool waits_for_us(const rill_link *session)
{
    for (const rill_stream *stream = rill_stream_first(&session->open); stream;
         stream = rill_stream_next(stream))
        if (!rill_stream_waits_for_us(stream))
            return false;
    return session->open.first != NULL;
}

/* Whether nothing has moved for long. Without streams it is not needed any more: no error. */
static bool idleness_ran_out(rill_conn *conn, rill_error *error)
{
    if (waits_for_us(conn->session))
        conn->active_ms = conn->setup.turn->now_ms; /* our reader or our writer is slow */
    if (conn->setup.turn->now_ms < conn->active_ms + idle_of(conn)) {
        rill_clocks_idle(conn); /* something has moved since it was armed */
        return false;
    }
    if (!conn->session->open.first)
        return true;
    rill_error_set(error, RILL_TIMEOUT, "nothing moved on the connection for %.3g s",
                   (double)conn->setup.idle_timeout_ms / 1000);
    error->phase = RILL_PHASE_IDLE;
    error->code = CODE_PROTOCOL_ERROR;
    return true;
}

/* A timer that does not run though there is a limit has run out, or is held. */
bool rill_clocks_ran_out(rill_conn *conn, rill_error *error)
{
    if (rill_timer_running(&conn->timer) || conn->left_ms)
        return false;
    if (rill_conn_greeted(conn))
        return idle_of(conn) && idleness_ran_out(conn, error);
    if (conn->setup.connect_timeout_ms)
        report_unconnected(conn, error);
    return conn->setup.connect_timeout_ms != 0;
}

static void on_ping_timer(rill_timer *timer)
{
    rill_conn *conn = RILL_OWNER(timer, rill_conn, ping_timer);
    conn->ping = CONN_PING_OVERDUE;
    rill_turn_mark(conn->setup.turn, conn->setup.mark);
}

void rill_clocks_ping(rill_conn *conn)
{
    rill_turn *turn = conn->setup.turn;
    if (conn->session && !conn->session->protocol->ping)
        return;
    if (!rill_conn_greeted(conn)) { /* until then connect_timeout holds */
        conn->ping = CONN_PING_WANTED;
        return;
    }
    conn->session->protocol->ping(conn->session);
    if (conn->setup.ping_timeout_ms && !rill_timer_running(&conn->ping_timer))
        rill_wheel_start(&turn->wheel, &conn->ping_timer,
                         turn->now_ms + conn->setup.ping_timeout_ms);
    rill_turn_mark(turn, conn->setup.mark);
}

void rill_clocks_ping_wanted(rill_conn *conn)
{
    if (conn->ping != CONN_PING_WANTED)
        return;
    conn->ping = CONN_PING_NONE;
    rill_clocks_ping(conn);
}

void rill_clocks_look_for_answer(rill_conn *conn)
{
    if (!conn->session->ping_ms)
        rill_wheel_stop(&conn->setup.turn->wheel, &conn->ping_timer);
}

bool rill_clocks_ping_ran_out(rill_conn *conn, rill_error *error)
{
    if (conn->ping != CONN_PING_OVERDUE)
        return false;
    conn->ping = CONN_PING_NONE;
    if (!conn->session->ping_ms)
        return false; /* it was answered meanwhile */
    rill_error_set(error, RILL_CONNECTION_LOST, "no answer to PING within %.3g s",
                   (double)conn->setup.ping_timeout_ms / 1000);
    return true;
}

/* --- all of them ----------------------------------------------------------------------------- */

void rill_clocks_start(rill_conn *conn)
{
    rill_turn *turn = conn->setup.turn;
    uint64_t limit_ms = conn->setup.connect_timeout_ms;
    conn->timer.expire = on_timer;
    conn->ping_timer.expire = on_ping_timer;
    if (limit_ms)
        rill_wheel_start(&turn->wheel, &conn->timer, turn->now_ms + limit_ms);
}

void rill_clocks_hold(rill_conn *conn)
{
    rill_turn *turn = conn->setup.turn;
    bool hold = conn->dial && rill_dial_is_held(conn->dial);
    if (hold && rill_timer_running(&conn->timer)) {
        uint64_t deadline_ms = conn->timer.deadline_ms;
        conn->left_ms = deadline_ms > turn->now_ms ? deadline_ms - turn->now_ms : 1;
        rill_wheel_stop(&turn->wheel, &conn->timer);
    } else if (!hold && conn->left_ms) {
        rill_wheel_start(&turn->wheel, &conn->timer, turn->now_ms + conn->left_ms);
        conn->left_ms = 0;
    }
}

void rill_clocks_stop(rill_conn *conn)
{
    conn->left_ms = 0;
    rill_wheel_stop(&conn->setup.turn->wheel, &conn->timer);
    rill_wheel_stop(&conn->setup.turn->wheel, &conn->ping_timer);
}
