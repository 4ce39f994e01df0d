#include "http/account.h"

#include <stddef.h>

rill_account *rill_account_new(rill_turn *turn, rill_mark *relieve)
{
    rill_account *account = rill_slab_zalloc(&turn->slab, sizeof(*account));
    if (!account)
        return NULL;
    account->references = 1;
    account->most = UINT64_MAX;
    account->turn = turn;
    account->relieve = relieve;
    return account;
}

void rill_account_release(rill_account *account)
{
    if (account && !--account->references)
        rill_slab_free(&account->turn->slab, account);
}
