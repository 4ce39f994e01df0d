/* What a document does in pieces: reading, a question, a text; one at a time, on its fiber. */
#ifndef RILL_JOB_H
#define RILL_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/fiber.h"

typedef struct rill_job {
    rill_fibers *fibers; /* borrowed: where `fiber` comes from */
    rill_fiber *fiber;   /* of the job that has not returned; NULL: there is none */
    enum { RILL_JOB_NONE, RILL_JOB_READY, RILL_JOB_PAUSED, RILL_JOB_RUNS } state;
    bool stopping; /* nobody waits for it any more */
    long left;     /* operations until others have their turn */
} rill_job;

/* Called with each piece of work in operations, by what knows nothing else of it; false: no more is
 * wanted. */
typedef struct rill_tick {
    bool (*call)(void *arg, size_t operations);
    void *arg;
} rill_tick;

/* Prepares run(arg). The job before must have returned. False: out of memory. */
bool rill_job_begin(rill_job *job, void (*run)(void *), void *arg);

/* Goes on with it. True: it has not returned, others have their turn. */
bool rill_job_on(rill_job *job);

/* Called by what runs: counts its operations, some 20 to 50 ns each, and pauses where they are a
 * piece. False: it should return. */
bool rill_job_work(rill_job *job, unsigned long operations);

/* Lets what runs return at once; or it never goes on, where it holds nothing by itself. */
void rill_job_end(rill_job *job);
void rill_job_abandon(rill_job *job);
void rill_job_dispose(rill_job *job);

#endif
