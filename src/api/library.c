/* What the library says of itself: whoever loads it looks whether it is the one that it knows. */
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
