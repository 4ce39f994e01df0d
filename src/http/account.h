/* The bytes of bodies that a client holds and has not handed over. Streams that have ended but were
 * not read may outlive their client: all of them share the account. */
#ifndef RILL_ACCOUNT_H
#define RILL_ACCOUNT_H

#include <stdint.h>

#include "base/slab.h"

typedef struct rill_account {
    uint64_t bytes;
    uint32_t references;
} rill_account;

/* With one reference. NULL when out of memory. */
rill_account *rill_account_new(rill_slab *slab);

static inline rill_account *rill_account_hold(rill_account *account)
{
    account->references++;
    return account;
}

/* Gives a reference back: the last one frees it. NULL is fine. */
void rill_account_release(rill_slab *slab, rill_account *account);

#endif
