#include "h2/frame_names.h"

#include "http/flight.h"

void rill_frame_names(const rill_frame *frame, char *name, char *flags)
{
    rill_flight_type(frame->type, name, FRAME_NAME);
    rill_flight_flags(frame->type, frame->flags, flags, FRAME_FLAGS);
}
