#include "pool/queue.h"

#include <assert.h>

#include "base/trace.h"

/* A new call belongs at the end, a repeated one near the front: few steps either way. */
static rill_call *find_younger(const rill_queue *queue, const rill_call *call)
{
    rill_call *last = rill_queue_call(queue->calls.last);
    if (last && last->number < call->number)
        return NULL;
    rill_call *before = rill_queue_first(queue);
    while (before && before->number < call->number)
        before = rill_queue_call(before->queued.next);
    return before;
}

void rill_call_assign(rill_call *call, bool assigned)
{
    rill_turn *turn = call->turn;
    rill_call_stop_clock(call);
    rill_call_move(call, assigned ? CALL_ASSIGNED : CALL_WAITING);
    uint64_t left_ms = assigned ? call->timeout_ms : call->queue_ms;
    if (left_ms)
        rill_wheel_start(&turn->wheel, &call->timer, turn->now_ms + left_ms);
}

/* `by`: 1, a call comes; -1, it leaves. */
static void count(rill_queue *queue, const rill_call *call, int by)
{
    rill_turn *turn = call->turn;
    turn->counters.waiting += by;
    queue->count += by;
    *(call->state == CALL_ASSIGNED ? &queue->assigned : &turn->in_line) += by;
}

void rill_queue_add(rill_queue *queue, rill_call *call)
{
    rill_call *before = find_younger(queue, call);
    rill_list_insert(&queue->calls, &call->queued, before ? &before->queued : NULL);
    rill_call *next = rill_queue_call(call->queued.next);
    if (call->state == CALL_WAITING && next && next->state == CALL_ASSIGNED)
        rill_call_assign(call, true); /* the first ones are */
    count(queue, call, 1);
}

void rill_queue_remove(rill_queue *queue, rill_call *call)
{
    assert(call->queued.list == &queue->calls);
    rill_list_leave(&call->queued);
    count(queue, call, -1);
}

void rill_queue_take_all(rill_queue *queue, rill_list *taken)
{
    rill_call *call;
    while ((call = rill_queue_first(queue))) {
        rill_queue_remove(queue, call);
        rill_list_push(taken, &call->queued);
    }
}

void rill_queue_assign(rill_queue *queue, uint32_t most)
{
    uint32_t seen = 0;
    for (rill_call *call = rill_queue_first(queue); call;
         call = rill_queue_call(call->queued.next)) {
        bool wanted = seen++ < most;
        if (!wanted && queue->assigned <= most)
            break; /* nobody behind counts as assigned */
        if (wanted == (call->state == CALL_ASSIGNED))
            continue;
        rill_call_assign(call, wanted);
        if (RILL_TRACES(call->turn, TRACE_POOL))
            rill_call_trace(call, 0,
                            wanted ? "assigned to a connection that is coming"
                                   : "waits: no connection is coming for it");
        queue->assigned += wanted ? 1 : (uint32_t)-1;
        call->turn->in_line -= wanted ? 1 : (uint32_t)-1;
    }
}
