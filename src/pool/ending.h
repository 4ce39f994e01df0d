/* How a call's attempt ends, and the call. */
#ifndef RILL_ENDING_H
#define RILL_ENDING_H

#include "pool/origin.h"

/* An attempt has ended, and stands in no list: the call is repeated, or finished. */
void rill_ending_attempt(rill_call *call);

/* A call has ended for good: counts and reports it. */
void rill_ending_finish(rill_call *call);

/* Closes a call's stream as `error` says (on the wire too, if it was sent); its owner gets an
 * event. */
void rill_ending_close(rill_call *call, const rill_error *error);

/* Its stream was closed by its reader, who found its body to be broken or, once the peer had ended
 * it, whole. */
void rill_ending_note(rill_call *call);

/* Gives the peer window back for `released` bytes that a reader took or had decoded, and for what
 * is owed; or ends what that has closed. */
void rill_ending_go_on(rill_call *call, bool was_open, size_t released);

/* A collected body that was held back may go on: see rill_stream_relieve(). */
void rill_ending_relieve(rill_call *call, bool all);

/* Forgets a call: cancelled, without an event. */
void rill_ending_drop(rill_call *call);

#endif
