#include "pool/notice.h"

#include "pool/origin.h"
#include "pool/pace.h"

void rill_notice_streams(rill_conn *conn)
{
    const rill_list *const lists[] = {&conn->session->open, &conn->session->closed};
    conn->session->look = false;
    for (int i = 0; i < 2; i++) {
        for (rill_stream *stream = rill_stream_first(lists[i]); stream;
             stream = rill_stream_next(stream)) {
            rill_call *call = rill_call_of(stream);
            rill_pace_heed(call);
            if (!stream->warn)
                continue;
            char url[256];
            stream->warn = false;
            rill_call_url(call, url, sizeof(url));
            bool announced = stream->content_length > (int64_t)stream->limits->warnsize;
            rill_pool_warn(call->origin->pool, "%s: %s %llu bytes, more than warnsize (%llu)", url,
                           announced ? "announces" : "has sent",
                           (unsigned long long)(announced ? (uint64_t)stream->content_length
                                                          : stream->received),
                           (unsigned long long)stream->limits->warnsize);
        }
    }
}
