#include "h2/points.h"

#include "base/error.h"

void rill_points_give(rill_session *session, size_t length)
{
    int64_t points = session->points + 1 + (int64_t)(length / SESSION_POINT_BYTES);
    session->points = points < SESSION_POINTS ? (int32_t)points : SESSION_POINTS;
}

static void give_time_points(rill_session *session)
{
    uint64_t now_ms = session->link.turn->now_ms;
    uint64_t points = (now_ms - session->points_ms) * SESSION_POINTS_PER_S / 1000;
    session->points_ms +=
        points * 1000 / SESSION_POINTS_PER_S; /* what made none goes on counting */
    int64_t sum = session->points + (int64_t)(points < INT32_MAX ? points : INT32_MAX);
    session->points = sum < SESSION_POINTS ? (int32_t)sum : SESSION_POINTS;
}

bool rill_points_take(rill_session *session, int32_t points)
{
    int32_t lent = 1 + (int32_t)(session->link.setup->max_frame_size / SESSION_POINT_BYTES);
    session->points -= points;
    if (session->points >= 0)
        return true;
    give_time_points(session);
    if (session->points >= -lent)
        return true;
    rill_error_set(&session->link.fatal, RILL_PROTOCOL_ERROR,
                   "the peer sends frames of no use, more than %d", SESSION_POINTS);
    session->link.fatal.code = NGHTTP2_ENHANCE_YOUR_CALM;
    return false;
}

bool rill_points_pay(rill_session *session, size_t length)
{
    session->frame_cost = 1 + (int32_t)(length / SESSION_POINT_BYTES);
    return rill_points_take(session, session->frame_cost);
}

static int64_t update_bytes(size_t length)
{
    return length > SESSION_POINT_BYTES ? (int64_t)length : SESSION_POINT_BYTES;
}

void rill_points_note_data(rill_session *session, size_t length)
{
    session->updates_due += 2 * update_bytes(length); /* the stream's window, the connection's */
    if (session->updates_due > SESSION_UPDATES)
        session->updates_due = SESSION_UPDATES;
}

void rill_points_excuse_update(rill_session *session, uint32_t increment)
{
    int64_t bytes = update_bytes(increment);
    if (session->updates_due < bytes)
        return;
    session->updates_due -= bytes;
    session->points++; /* what it costs when it begins */
}

void rill_points_pay_reset(rill_session *session, int32_t id)
{
    if (id != session->reset_last) {
        session->reset_last = id;
    } else if (session->resets_due) {
        session->resets_due--;
        session->points += session->frame_cost;
    } else {
        session->points -= SESSION_POINTS_RESET_AGAIN;
    }
}

bool rill_points_pay_ignored(rill_session *session)
{
    if (session->ignored < SESSION_POINT_BYTES)
        return true;
    int64_t free = session->ignored < session->in_flight ? session->ignored : session->in_flight;
    session->ignored -= free;
    session->in_flight -= free;
    int32_t points = (int32_t)(session->ignored / SESSION_POINT_BYTES);
    session->ignored %= SESSION_POINT_BYTES;
    return rill_points_take(session, points);
}
