/* One attempt to carry one request: what was sent, what arrived, how it ended. The only place that
 * decides a close reason and whether the server acted on the request. */
#ifndef RILL_STREAM_H
#define RILL_STREAM_H

#include "base/bytes.h"
#include "base/list.h"
#include "http/inlet.h"
#include "http/limits.h"
#include "http/source.h"
#include "base/turn.h"

/* Sending and receiving are two halves (RFC 9113 section 5.1): IDLE > OPEN > CLOSED. */
enum stream_half { HALF_IDLE, HALF_OPEN, HALF_CLOSED };

typedef struct rill_stream rill_stream;

/* Bytes of one: so it fits its class of the slab, where one more would take 64. Each request on the
 * wire has one. */
enum { STREAM_MOST = 448 };

struct rill_stream {
    rill_turn *turn;    /* borrowed */
    rill_entry *entry;  /* borrowed: whose events these are */
    rill_member member; /* in one of its connection's lists */

    int32_t id;     /* on the wire; 0: none yet */
    int32_t code;   /* HTTP/2 error code that ended it, either way; -1: none */
    int32_t status; /* 0: no final head yet */
    enum stream_half local : 8, remote : 8;
    enum rill_reason reason : 8; /* RILL_OPEN until it closes, then never changed */
    bool on_wire : 1;            /* the session has it on the wire */
    bool peer_reset : 1;         /* by RST_STREAM */
    bool refused : 1;            /* the peer says it did not act on it */
    bool stale : 1;              /* its connection was used before, and ended without a word */
    bool pieces : 1;             /* read in pieces: HEAD and READABLE are reported */
    bool over : 1;        /* the peer has ended it; while it is open, it shows when its body is
                             decoded, or its file is wanted, how it closes */
    bool settles : 1;     /* somebody waits for that */
    bool decodes : 1;     /* content codings are undone */
    bool lenient_eof : 1; /* see rill_options */
    bool cut : 1;         /* so the body may lack its end */
    bool saved : 1;       /* the body stands in its file */
    bool hungry : 1;      /* the reader found nothing and waits for READABLE */
    bool is_head : 1;     /* HEAD: sizes do not apply, as with 204 and 304 */
    bool in_trailers : 1; /* fields that arrive now are trailers */
    bool malformed : 1;   /* nghttp2 refuses one of its fields */
    bool noted : 1;       /* that its head has come */
    bool reached_warnsize : 1, warn : 1;
    bool busy : 1;    /* 429 or 503 came: the head may ask for a pause, and nobody has looked yet */
    bool blocked : 1; /* its upload waits for the socket, or for the next turn */
    bool starved : 1; /* its upload waits for its source */
    bool elsewhere : 1;   /* its connection is another origin's: after a 421 it is sent again */
    bool misdirected : 1; /* that has come, and closed it */

    uint32_t data_frames; /* of the request, sent */
    uint32_t returned;    /* bytes of its window that the session has not returned yet */
    uint32_t stalled_local_ms, stalled_remote_ms;
    uint32_t error_count;

    const rill_limits *limits; /* borrowed: its call's */
    int64_t content_length;    /* announced; -1: not */
    uint64_t header_room;      /* bytes that heads may still have, in all */
    rill_bytes head;           /* header block as rill.h has it */
    struct stream_extras {
        rill_bytes trailers, informational;
    } * extras; /* owned: the blocks that most responses do without; NULL: neither */

    const char *save_path; /* borrowed; NULL: the body is not for a file */
    rill_inlet inlet;      /* where the body goes */
    uint64_t received;     /* DATA payload without padding */

    rill_source *source;                      /* of the request's body; borrowed; NULL: none */
    uint64_t active_ms;                       /* when something moved on it, either way */
    uint64_t update_ms;                       /* when it gave window back last */
    uint64_t local_since_ms, remote_since_ms; /* held back since then; 0: not */

    uint64_t sent_us, sent_all_us, head_us; /* instants; 0: has not happened */
    rill_timings timings;                   /* of its call: how long the phases took */
    rill_timer silence;                     /* read_timeout */
    rill_error *errors;  /* owned: why it failed, then the cause; NULL: it did not */
    rill_flight *flight; /* one reference: the last frames of the connection that ended with it,
                             or that took no new streams; NULL */
};

/* Sets up the response side of an attempt. The struct is overwritten; call rill_stream_dispose()
 * before doing it again. */
typedef struct rill_stream_setup {
    rill_turn *turn;
    rill_entry *entry;
    bool pieces, is_head, decodes, narrow, lenient_eof;
    const rill_limits *limits; /* outlives the stream, which takes a reference to the account */
    const char *save_path;
    rill_source *source;
} rill_stream_setup;
void rill_stream_init(rill_stream *stream, const rill_stream_setup *setup);
void rill_stream_dispose(rill_stream *stream);

/* Its body was handed over or nobody wants it: what is left of it counts no more. */
void rill_stream_uncount(rill_stream *stream);

/* Its end was reported. */
void rill_stream_told(rill_stream *stream);

/* Moves a stream to the front of another list (or out of any, NULL). */
void rill_stream_move(rill_stream *stream, rill_list *list);

/* What stands in such a list, and behind a stream of it; NULL: none. */
static inline rill_stream *rill_stream_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_stream, member);
}

static inline rill_stream *rill_stream_next(const rill_stream *stream)
{
    return RILL_OWNER(stream->member.next, rill_stream, member);
}

/* The peer has ended it: it closes as RILL_ENDED. A body that waits coded puts that off, and so
 * does a file whose reader has not seen the head: the stream is `over`. */
void rill_stream_end(rill_stream *stream);

/* Closes it otherwise: the first reason stays. `cause` (NULL: none) is copied as its error; else
 * the sentence becomes the error, except for RILL_STOPPED, which is none. What is unread is dropped
 * when a size was passed. */
void rill_stream_close(rill_stream *stream, enum rill_reason reason, int32_t code,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
void rill_stream_close_because(rill_stream *stream, const rill_error *cause);

/* The peer reset it and went on to break the connection before anybody knew that the stream had
 * closed: the connection's error becomes the stream's. Not for what was refused, which may be sent
 * again. */
void rill_stream_overrule(rill_stream *stream, const rill_error *error);

/* Keeps the last frames of the connection that has ended it. NULL is fine. */
void rill_stream_keep_flight(rill_stream *stream, rill_flight *flight);

/* Adds what led to the error: the connection's own. Once. */
void rill_stream_add_cause(rill_stream *stream, const rill_error *cause);

/* Whether the server acted on the request. */
enum rill_processed rill_stream_processed(const rill_stream *stream);

/* --- its halves: only these write `local`, and with rill_stream_end_head() `remote` ----------- */

/* The request's head is on its way, with `end` all of it; then the end of its body, or no more of
 * it is sent. */
void rill_stream_sent_head(rill_stream *stream, bool end);
void rill_stream_sent_end(rill_stream *stream);

/* Its connection has ended, and nothing of it had left. */
void rill_stream_unsent(rill_stream *stream);

/* The final head is here. */
void rill_stream_received_head(rill_stream *stream);
/* The last byte of the response is here: its close is the session's to decide. */
void rill_stream_received_end(rill_stream *stream);

/* --- what arrives; each may close the stream (look at `reason`) ------------------------------ */

/* A head begins: informational, final, or trailers. */
void rill_stream_begin_head(rill_stream *stream);
/* Its status; and a field of it, ":status" included. */
void rill_stream_receive_status(rill_stream *stream, int status);
void rill_stream_field(rill_stream *stream, const char *name, size_t name_length, const char *value,
                       size_t value_length);
/* It has more than `most` bytes. */
void rill_stream_refuse_head(rill_stream *stream, uint32_t most);
/* The head is complete; `ends`: and nothing follows it. */
void rill_stream_end_head(rill_stream *stream, bool ends);
/* Payload of DATA, without padding. Returns how many bytes of window may go back for it. */
size_t rill_stream_data(rill_stream *stream, const void *data, size_t length);

/* The peer waits for our reader, or goes on: from now on its silence is its own. */
void rill_stream_hold(rill_stream *stream, bool held);

/* Whether it is our turn: the peer waits for our reader to give window back, or for our body. */
bool rill_stream_waits_for_us(const rill_stream *stream);

/* Whether what it announces comes: that of HEAD, 204 and 304 does not. */
static inline bool rill_stream_has_body(const rill_stream *stream)
{
    return !stream->is_head && stream->status != 204 && stream->status != 304;
}

/* --- the reader ------------------------------------------------------------------------------ */

/* See rill_stream_read(): bytes taken from what arrived. `*released` is how many bytes of window
 * that gives back. May close the stream: its body was the last, or broken. */
size_t rill_stream_take(rill_stream *stream, size_t max, const char **data, size_t *released);

/* From now on the body is collected; what is unread becomes its start. False: out of memory, and
 * nothing has changed. May close the stream. */
bool rill_stream_keep(rill_stream *stream, size_t *released);

/* A body that is collected, or goes to a file, and waits coded: decodes as much of it as what the
 * client holds allows; with `all`, all of it. Returns how many bytes of window that gives back. May
 * close the stream. */
size_t rill_stream_relieve(rill_stream *stream, bool all);

/* From now on the body goes to a file; what is unread is written at once. The sink is taken over.
 * 0, or negative: so the stream has closed, or had closed and what was unread could not be written.
 * May close the stream. */
int32_t rill_stream_divert(rill_stream *stream, rill_sink *sink, size_t *released, rill_error *err);

/* Somebody asks how it ends: where that depends on its body, all of that is decoded now, or, with
 * `wait`, when it is there; but one that is collected waits for its turn. */
void rill_stream_settle(rill_stream *stream, bool wait);

/* Hands over the unread body; NULL: it is empty. False: out of memory, and nothing has changed. */
bool rill_stream_detach_body(rill_stream *stream, rill_body **body);

#endif
