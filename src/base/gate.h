/* Lets in a few at a time: each leaves when it is done, and then the next one comes in. Where those
 * inside take long, others come in at a low rate all the same: nobody can close it for all.
 */
#ifndef RILL_GATE_H
#define RILL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timer.h"

enum {
    /* TLS handshakes under way on one loop. Each takes 30 KiB until it is done, most of it a buffer
     * of OpenSSL's: 1,000 at once took 25 MB (measured) */
    GATE_MOST = 64,
    /* beyond these one begins each GATE_EVERY_MS: a full one takes a millisecond of the
     * processor's time, so where servers are far away or silent this loses little */
    GATE_EVERY_MS = 2
};

typedef struct rill_turn rill_turn;
typedef struct rill_mark rill_mark;

/* Zeroed but for `timer.expire`: nobody is inside. */
typedef struct rill_gate {
    uint32_t inside;
    uint64_t counted_ms; /* when the last one came in, or the first began to wait */
    rill_list waiting;   /* in the order in which they came */
    rill_timer timer;    /* runs while there are any */
} rill_gate;

/* Embedded in who comes. Zeroed: outside. */
typedef struct rill_visit {
    enum rill_visit_state { VISIT_OUTSIDE, VISIT_WAITING, VISIT_INSIDE } state;
    rill_member member; /* in `waiting` */
    rill_mark *mark;    /* borrowed: marked when it is let in */
} rill_visit;

void rill_gate_init(rill_gate *gate);

/* Whether it is inside now. If not, `mark` is marked when it is, or already was let in. */
bool rill_gate_enter(rill_turn *turn, rill_visit *visit, rill_mark *mark);

/* Fine in any state. */
void rill_gate_leave(rill_turn *turn, rill_visit *visit);

#endif
