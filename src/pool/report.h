/* What is reported of a call: as an event, as information, and how long its phases took. */
#ifndef RILL_REPORT_H
#define RILL_REPORT_H

#include "pool/call.h"

/* How long its phases have taken so far. They add up to the total: what the dial took is in
 * `timings` already, and `queue` is the rest of the time before it was sent. */
void rill_report_time(const rill_call *call, rill_timings *timings);

/* Fills in an event. True: it was the last one, the id is to be released. */
bool rill_report_event(rill_call *call, enum rill_event_type type, rill_event *event);

void rill_report_info(const rill_call *call, rill_stream_info *info);

#endif
