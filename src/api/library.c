/* Version and ABI of the library: who loads it checks that both sides were built from one version.
 */
#include "rill.h"

int32_t rill_abi(void)
{
    return RILL_ABI;
}

uint32_t rill_event_size(void)
{
    return sizeof(rill_event);
}

const char *rill_version(void)
{
    return RILL_VERSION;
}
