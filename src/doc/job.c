#include "doc/job.h"

#include "doc/doc.h"

static void give_back(rill_job *job)
{
    rill_fibers_give(job->fibers, job->fiber);
    job->fiber = NULL;
}

bool rill_job_begin(rill_job *job, void (*run)(void *), void *arg)
{
    job->fiber = rill_fibers_take(job->fibers);
    if (!job->fiber)
        return false;
    rill_fiber_start(job->fiber, run, arg);
    job->state = RILL_JOB_READY;
    job->left = RILL_DOC_SLICE;
    return true;
}

bool rill_job_on(rill_job *job)
{
    if (job->state == RILL_JOB_NONE)
        return false;
    job->state = RILL_JOB_RUNS;
    job->state = rill_fiber_resume(job->fiber) ? RILL_JOB_PAUSED : RILL_JOB_NONE;
    if (job->state == RILL_JOB_NONE)
        give_back(job);
    return job->state == RILL_JOB_PAUSED;
}

bool rill_job_work(rill_job *job, unsigned long operations)
{
    job->left -= (long)operations;
    if (job->left <= 0) {
        job->left = RILL_DOC_SLICE;
        if (job->state == RILL_JOB_RUNS && !job->stopping)
            rill_fiber_pause(job->fiber);
    }
    return !job->stopping;
}

void rill_job_end(rill_job *job)
{
    job->stopping = true;
    if (job->state == RILL_JOB_PAUSED)
        rill_job_on(job);
    job->state = RILL_JOB_NONE;
    job->stopping = false;
    give_back(job);
}

void rill_job_abandon(rill_job *job)
{
    job->state = RILL_JOB_NONE;
    rill_fiber_free(job->fiber);
    job->fiber = NULL;
}

void rill_job_dispose(rill_job *job)
{
    rill_job_end(job);
}
