#include "http/frame.h"

#include "base/trace.h"
#include "http/protocol.h"

void rill_frame_note(rill_link *link, const rill_frame *frame)
{
    char name[FRAME_NAME], flags[FRAME_FLAGS];
    if (!RILL_TRACES(link->turn, TRACE_FRAMES))
        return;
    link->protocol->name_frame(frame, name, flags);
    rill_trace_write(link->turn, TRACE_FRAMES, link->setup->number,
                     "%s %s stream %d length %u%s%s%s", frame->sent ? "sent" : "recv", name,
                     (int)frame->stream, (unsigned)frame->length, flags, frame->note[0] ? " " : "",
                     frame->note);
}
