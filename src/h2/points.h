/* What a peer pays for frames of no use: see SESSION_POINTS. */
#ifndef RILL_POINTS_H
#define RILL_POINTS_H

#include "h2/session.h"

/* Takes points away. Debts stay, and one frame of the largest size is lent: whether it is of use
 * shows when its payload comes. False: the peer has used up its points, and `fatal` is set. */
bool rill_points_take(rill_session *session, int32_t points);

/* Every frame pays when it begins, by its payload's length. False: as above. */
bool rill_points_pay(rill_session *session, size_t length);

/* A useful frame of `length` bytes gives back what it cost. */
void rill_points_give(rill_session *session, size_t length);

/* Has the peer pay for what nghttp2 has read and reported to nobody: DATA for closed streams. What
 * was on its way when we reset a stream is free. False: `fatal` is set. */
bool rill_points_pay_ignored(rill_session *session);

/* DATA of `length` bytes was sent: the peer opens its windows for it. */
void rill_points_note_data(rill_session *session, size_t length);

/* The peer opens a window by `increment`: what it does for DATA costs it nothing. */
void rill_points_excuse_update(rill_session *session, uint32_t increment);

/* The peer has reset stream `id`. One that had its RST_STREAM may be sent no other, but for DATA
 * that was on its way. */
void rill_points_pay_reset(rill_session *session, int32_t id);

#endif
