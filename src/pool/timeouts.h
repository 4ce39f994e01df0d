/* The clocks of a call: queue_timeout and timeout, read_timeout, the wait for 100 (Continue). */
#ifndef RILL_TIMEOUTS_H
#define RILL_TIMEOUTS_H

#include "pool/origin.h"

/* A new call: its clocks know whose they are; none runs yet (see rill_call_assign()). */
void rill_timeouts_init(rill_call *call);

/* It has been sent: `timeout` runs if it did not yet, and those of the exchange do. */
void rill_timeouts_start(rill_call *call);

/* The connection that its attempt has waited for was dialled, or could not be: notes the part of
 * each phase of the dial that fell into the wait. */
void rill_timeouts_dialled(rill_call *call, const rill_conn *conn);

#endif
