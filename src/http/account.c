#include "http/account.h"

#include <stddef.h>

rill_account *rill_account_new(rill_slab *slab)
{
    rill_account *account = rill_slab_zalloc(slab, sizeof(*account));
    if (account)
        account->references = 1;
    return account;
}

void rill_account_release(rill_slab *slab, rill_account *account)
{
    if (account && !--account->references)
        rill_slab_free(slab, account);
}
