/* Calls that wait for a connection, first in first out, and the two clocks that run for them. */
#ifndef RILL_QUEUE_H
#define RILL_QUEUE_H

#include "pool/call.h"

typedef struct rill_queue {
    rill_list calls;
    uint32_t count;
    uint32_t assigned; /* how many count as assigned to a connection: always the first ones */
} rill_queue;

/* A call of the queue, or of a list that was taken from one; NULL: none. */
static inline rill_call *rill_queue_call(rill_member *member)
{
    return RILL_OWNER(member, rill_call, queued);
}

static inline rill_call *rill_queue_first(const rill_queue *queue)
{
    return rill_queue_call(queue->calls.first);
}

/* Where its number belongs: the older ones are sent first, repeated ones too. Before one that
 * counts as assigned it does so too. */
void rill_queue_add(rill_queue *queue, rill_call *call);
void rill_queue_remove(rill_queue *queue, rill_call *call);

/* Moves all calls to the end of a list. */
void rill_queue_take_all(rill_queue *queue, rill_list *taken);

/* Lets the first `most` count as assigned: their `timeout` runs; for the others queue_timeout does.
 * A clock that stops keeps what it has left. */
void rill_queue_assign(rill_queue *queue, uint32_t most);

/* The same for one call. */
void rill_call_assign(rill_call *call, bool assigned);

#endif
