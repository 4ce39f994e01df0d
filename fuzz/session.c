/* Any bytes from the server, after the preface, on a connection with streams of every kind. Where
 * they are cut, and what the client's owner does meanwhile, comes from the end of the input. */
#include "support/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DECISIONS_MOST = 40 };

/* Takes a byte off the end; 0 when decisions are used up. */
static uint32_t decide(const uint8_t *data, size_t *end, size_t floor)
{
    return *end > floor ? data[--*end] : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t floor = size - (size / 3 < DECISIONS_MOST ? size / 3 : DECISIONS_MOST);
    size_t at = 0, end = size;
    uint32_t choice = decide(data, &end, floor);
    choice |= decide(data, &end, floor) << 8;
    choice |= decide(data, &end, floor) << 16;
    uint32_t way_out = decide(data, &end, floor);
    world_begin(choice ? choice : 0x4320);
    while (at < floor) {
        size_t length = floor - at;
        if (end > floor) {
            uint32_t decision = decide(data, &end, floor);
            if (decision >= 128)
                world_do(decision, decide(data, &end, floor));
            else if (decision && decision < length)
                length = decision;
        }
        world_say(data + at, length);
        at += length;
    }
    while (end > floor) {
        uint32_t deed = decide(data, &end, floor);
        world_do(deed, decide(data, &end, floor));
    }
    world_end(way_out);
    return 0;
}
