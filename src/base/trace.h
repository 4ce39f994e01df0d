/* What happens, a line at a time on stderr, for who looks for a fault: RILL_TRACE=frames,dial says
 * which topics. Names, numbers, addresses and reasons are written, never field values, payload or
 * credentials. */
#ifndef RILL_TRACE_H
#define RILL_TRACE_H

#include "base/turn.h"

enum rill_trace_topic {
    TRACE_FRAMES = 1 << 0, /* each frame, either way */
    TRACE_DIAL = 1 << 1,   /* lookup, addresses, what came of them */
    TRACE_POOL = 1 << 2,   /* connections opened and closed; calls sent and repeated */
    TRACE_TLS = 1 << 3     /* version, cipher, resumption, alerts */
};

/* Whether a topic is traced. */
#define RILL_TRACES(turn, topic) __builtin_expect((turn)->trace &(topic), 0)

/* One line about connection `number` (0: none); costs one test when the topic is off. */
#define RILL_TRACE(turn, topic, number, ...)                                                       \
    do {                                                                                           \
        if (RILL_TRACES(turn, topic))                                                              \
            rill_trace_write(turn, topic, number, __VA_ARGS__);                                    \
    } while (0)

/* Reads RILL_TRACE: what it names is traced, words that nobody knows are warned of in one line. */
void rill_trace_init(rill_turn *turn);

/* Writes "rill TIME TOPIC conn NUMBER TEXT": TIME as rill.now() has it, what others have named
 * escaped, at most TRACE_LINE bytes. */
void rill_trace_write(const rill_turn *turn, enum rill_trace_topic topic, uint32_t number,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

enum { TRACE_LINE = 512 };

#endif
