/* The one budget for all bodies of a client: what it holds and has not handed over. Streams that
 * have ended but were not read may outlive their client: all of them share the account. */
#ifndef RILL_ACCOUNT_H
#define RILL_ACCOUNT_H

#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "base/turn.h"
#include "rill.h"

typedef struct rill_account {
    uint64_t bytes;   /* of bodies, read in pieces or collected, and what their decoders hold */
    uint64_t most;    /* beyond it only some get window: see rill_inlet_grants() */
    uint64_t windows; /* receive windows of the bodies that have begun */
    uint64_t widened; /* what they may still let come beyond their first ones, files aside */
    uint32_t references;
    uint32_t held_back;  /* collected bodies that are owed window, or wait coded */
    uint32_t done;       /* collected bodies that have closed, and have not been reported yet */
    rill_list collected; /* bodies that are being collected, the oldest first */
    rill_turn *turn;     /* borrowed */
    rill_mark *relieve;  /* borrowed: gives held-back bodies what they may have now; NULL: its
                            client has gone, and all streams are closed */
    rill_stats *stats;   /* borrowed: the client's counts; NULL: it has gone */
    struct rill_journal *journal; /* borrowed: the client's; NULL: it has none, or has gone */
} rill_account;

/* With one reference. NULL when out of memory. */
rill_account *rill_account_new(rill_turn *turn, rill_mark *relieve);

static inline rill_account *rill_account_hold(rill_account *account)
{
    account->references++;
    return account;
}

/* Gives a reference back: the last one frees it. NULL is fine. */
void rill_account_release(rill_account *account);

#endif
