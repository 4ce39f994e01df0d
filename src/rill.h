/* rill: an HTTP/2 client core. One loop, one thread, no callbacks.
 *
 * Commands go down as plain calls; what happened comes up as events, in batches. A loop and all
 * that runs on it belong to one thread; two loops never meet. Times are seconds (double), sizes
 * are bytes; byte counts that a script reads are doubles, exact up to 2^53.
 *
 * Whatever may end by itself (client, connection, request, timer, signal) is named by a rill_id. A
 * stale id is an error (or nothing to do), never a use after free.
 *
 * What is used wrongly is refused, not acted on: a NULL where a pointer is needed, a length without
 * bytes, a number out of its range (NaN too) are -RILL_ARGUMENT, an id that names nothing of its
 * kind is -RILL_CLOSED; calls that return nothing then do nothing. Only `err` may always be NULL.
 *
 * Text that is passed in is borrowed for the length of the call unless said otherwise. A header
 * block is flat text: for each field CR LF, its name in lower case, colon, space, its value.
 * So "\r\nname: " finds a field with a plain search. Field values hold no CR, LF or NUL (RFC 9113
 * section 8.2.1), so nothing in it needs escaping.
 *
 * This header is the one description of the interface: what LuaJIT's ffi.cdef reads is made from
 * it with the preprocessor (RILL_CDEF), so it holds enums, fixed-width integers and structs only.
 */
#ifndef RILL_H
#define RILL_H

#ifdef RILL_CDEF
#define RILL_API
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__GNUC__)
#define RILL_API __attribute__((visibility("default")))
#else
#define RILL_API
#endif
#ifdef __cplusplus
extern "C" {
#endif
#endif

/* Changes when anything below changes its meaning or layout. */
enum { RILL_ABI = 4 };
#ifndef RILL_CDEF
#define RILL_VERSION "0.2.0"
#endif

typedef struct rill_loop rill_loop;
typedef struct rill_body rill_body;
typedef struct rill_flight rill_flight;

/* What a handle names: a dense index, and which of its successive owners. A generation is never 0,
 * so {0, 0} is "nothing". */
typedef struct rill_id {
    uint32_t slot;
    uint32_t generation;
} rill_id;

/* --- what went wrong ------------------------------------------------------------------------- */

/* Why a stream closed, and the errors that no stream carries. rill_reason_name() gives the words
 * that scripts see: the name without RILL_, in lower case. */
enum rill_reason {
    RILL_OPEN, /* has not closed */
    RILL_ENDED,
    RILL_RESET,
    RILL_CONNECTION_LOST,
    RILL_MAXSIZE_EXCEEDED,
    RILL_MAXSIZE_EXCEEDED_ACTUAL,
    RILL_CANCELLED,
    RILL_INACTIVE,
    RILL_INVALID_HOSTNAME,
    RILL_STOPPED,
    RILL_TIMEOUT,
    RILL_PROTOCOL_ERROR,
    RILL_GOAWAY,
    RILL_CONNECT_FAILED,
    RILL_DECODE_ERROR,
    RILL_FILE_ERROR,
    RILL_BODY_ERROR,
    RILL_INVALID_URL,
    RILL_ARGUMENT, /* used wrongly: raised in Lua */
    RILL_CLOSED,   /* the id's object is gone: used after close, raised in Lua */
    RILL_ERROR,    /* the system's: out of memory, of descriptors */
    RILL_REASONS   /* how many there are */
};

/* Who said no to a connection: RILL_CONNECT_FAILED only. */
enum rill_kind {
    RILL_KIND_NONE,
    RILL_KIND_DNS,
    RILL_KIND_TCP,
    RILL_KIND_TLS,
    RILL_KIND_ALPN,
    RILL_KIND_PROXY,
    RILL_KIND_PREFACE,
    RILL_KIND_DENIED,
    RILL_KINDS
};

/* What was waited for when the time ran out: RILL_TIMEOUT only. */
enum rill_phase {
    RILL_PHASE_NONE,
    RILL_PHASE_QUEUE,
    RILL_PHASE_DNS,
    RILL_PHASE_CONNECT,
    RILL_PHASE_PROXY,
    RILL_PHASE_TLS,
    RILL_PHASE_SETTINGS,
    RILL_PHASE_HEADERS,
    RILL_PHASE_BODY,
    RILL_PHASE_IDLE,
    RILL_PHASES
};

/* Whether the server acted on the request. Only NO makes repeating it safe (RFC 9113 section 8.7).
 */
enum rill_processed {
    RILL_PROCESSED_NO,    /* never sent, REFUSED_STREAM, above the last id of a GOAWAY */
    RILL_PROCESSED_MAYBE, /* sent, and nothing came back */
    RILL_PROCESSED_YES    /* a response head had arrived */
};

/* A reason and a sentence. The first cause wins: nobody overwrites it on the way up. */
typedef struct rill_error {
    int32_t reason;    /* enum rill_reason */
    int32_t kind;      /* enum rill_kind */
    int32_t phase;     /* enum rill_phase */
    int32_t processed; /* enum rill_processed */
    int32_t code;      /* HTTP/2 error code (RFC 9113 section 7), its 32 bits; -1: there is none */
    int32_t status;    /* the response's, 0 before one arrived, 499 cancelled before one arrived */
    double expected;   /* bytes announced, for a limit that was passed; else 0 */
    double limit;      /* that limit */
    char message[256]; /* UTF-8, NUL-terminated, cut at the end if need be */
} rill_error;

RILL_API const char *rill_reason_name(int32_t reason); /* "connection_lost"; "" if unknown */
RILL_API const char *rill_kind_name(int32_t kind);     /* "alpn"; "" for none */
RILL_API const char *rill_phase_name(int32_t phase);   /* "headers"; "" for none */
RILL_API const char *rill_code_name(int32_t code);     /* "REFUSED_STREAM"; "" for -1 or unknown */
RILL_API int32_t rill_code_number(const char *name);   /* RFC 9113 section 7; -1 if unknown */

/* --- header blocks ---------------------------------------------------------------------------- */

/* The value of the first field of that name (upper and lower case aside, RFC 9110 section 5.1) in a
 * header block of `length` bytes; it lies in the block, ends without NUL, and is `*value_length`
 * bytes long. NULL, with 0: none has it. `headers` NULL is an empty block.
 *
 * The block goes on behind a value: for the next field of the same name ask in
 * (value + *value_length), which is (headers + length) - (value + *value_length) bytes long. */
RILL_API const char *rill_headers_find(const char *headers, size_t length, const char *name,
                                       size_t *value_length);

/* --- events ---------------------------------------------------------------------------------- */

enum rill_event_type {
    RILL_EVENT_RESPONSE = 1, /* a whole request: complete (ended or stopped); the id is released */
    RILL_EVENT_FAILED,       /* a whole request, with `errors`; the id is released */
    RILL_EVENT_HEAD,         /* a stream: its final response head arrived */
    RILL_EVENT_READABLE,     /* a stream: bytes to read after rill_stream_read() had none */
    RILL_EVENT_WRITABLE,     /* a stream: rill_stream_write() takes data again */
    RILL_EVENT_CONNECTED,    /* a connection from rill_connect() is usable */
    RILL_EVENT_CLOSED,       /* a stream or connection ended; `errors` unless all was well */
    RILL_EVENT_PONG,         /* a connection: answer to rill_connection_ping(); `seconds` */
    RILL_EVENT_WARNING,  /* a client or connection; the sentence is in `text`, its URL in `url` */
    RILL_EVENT_TIMER,    /* a timer ran out; the id is released */
    RILL_EVENT_SIGNAL,   /* a signal came; `status` is its number */
    RILL_EVENT_READY,    /* a descriptor is ready; the id is released */
    RILL_EVENT_NOTES,    /* a client or connection: rill_notes_take() has something. It comes with
                            other events, and wakes nobody by itself */
    RILL_EVENT_ADDRESSES /* a name was looked up: `text` or `errors`; the id is released */
};

/* Seconds spent in each phase of an exchange; 0 where a phase did not happen. */
typedef struct rill_timings {
    float queue;                         /* waiting for a connection or a slot; former attempts */
    float dns, connect, tls;             /* of a dial, as far as this request waited for it */
    float wait;                          /* from sent to the head of the response */
    float body;                          /* from there to the end */
    float stalled_local, stalled_remote; /* held back by our window; by the peer's */
    float total;                         /* these six, from queue to body */
    float left;                          /* of `timeout`; 0: the request has none */
} rill_timings;

/* What happened to the thing `slot`, `generation`. All pointers are borrowed: they are good until
 * the next rill_poll(), rill_events() or rill_loop_free() on this loop. */
typedef struct rill_event {
    uint32_t slot, generation;
    uint32_t type;                       /* enum rill_event_type */
    int32_t status;                      /* :status of the response head; number of the signal */
    uint32_t reason;                     /* enum rill_reason: how the stream closed */
    uint32_t attempts;                   /* streams this request has used */
    uint32_t peer_slot, peer_generation; /* the connection it used, see rill_peer_info_get() */
    const char *headers;                 /* final response head without :status */
    const char *trailers;                /* NULL: none */
    const char *informational; /* 1xx heads one after the other, each led by CR LF and its three
                                  digits; NULL: none */
    const char *body;          /* whole requests with at most 64 KiB; else NULL */
    rill_body *large;          /* a larger body: whoever is handed the event owns it, and calls
                                  rill_body_free() */
    const rill_error *errors;  /* the error, then its cause if there is one */
    rill_flight *flight;       /* with `errors` that a connection has ended with: its last frames;
                                  borrowed, rill_flight_hold() keeps them; NULL: none */
    const char *text;          /* a warning's sentence, or addresses; NUL-terminated */
    const rill_timings *timings;
    uint32_t headers_length, trailers_length, informational_length, body_length;
    uint32_t error_count;
    const char *decoded;   /* content codings undone, in that order: "br, gzip"; "" for none */
    uint32_t saved;        /* 1: the body is in the file of save_path */
    uint32_t cut;          /* 1: the body may lack its end: see lenient_eof */
    double bytes_received; /* DATA payload without padding, before decoding */
    double seconds;        /* a ping's round trip */
    const void *request;   /* for rill_event_info(); NULL: it is not about one */
} rill_event;

/* --- the loop -------------------------------------------------------------------------------- */

/* The ABI and sizeof(rill_event) this library was built with: compare both once at load. */
RILL_API int32_t rill_abi(void);
RILL_API uint32_t rill_event_size(void);
RILL_API const char *rill_version(void); /* "0.2.0" */

/* A function for Lua, to be had by package.loadlib: what is two calls above the one that calls it
 * (level 3 of debug.getinfo). Pushes that function and its current line, which is -1 in C; nothing
 * where there is none, or the program does not export LuaJIT's functions. */
struct lua_State;
RILL_API int rill_lua_caller(struct lua_State *L);

/* Makes a loop with one reference. NULL with `err` filled when the system refuses. */
RILL_API rill_loop *rill_loop_new(rill_error *err);

/* fork(): a loop is of no use in a child of the process that made it. There each call is
 * -RILL_ARGUMENT, or does nothing where it returns nothing, and freeing the loop closes the child's
 * copies of its descriptors: nothing is sent, and the parent's connections, timers and files go on.
 * The child makes a loop of its own; with rill_loop_renew() none of its ids is one of the old
 * loop's, which is only read. Signals stay with the parent until the child has freed the old loop.
 */
RILL_API rill_loop *rill_loop_renew(const rill_loop *old, rill_error *err);
RILL_API bool rill_loop_is_own(const rill_loop *loop); /* of the process that runs */
/* The loop's ids have slots from there on. */
RILL_API uint32_t rill_loop_first_slot(const rill_loop *loop);

/* Drops one reference (NULL is fine); the last one ends everything on the loop at once: sockets
 * are closed, nothing is reported. Handles hold references of their own. */
RILL_API void rill_loop_free(rill_loop *loop);

/* Waits for I/O, then reports what happened. Never calls back into the caller.
 *
 * events      caller's array of `max` elements (1 or more); overwritten. Their pointers are
 *             borrowed, see rill_event.
 * timeout_ms  0 returns at once; negative waits until something happens.
 *
 * Returns the number of events stored (0: timed out, or a signal handler of the process has run)
 * or a negative enum rill_reason. */
RILL_API int32_t rill_poll(rill_loop *loop, rill_event *events, int32_t max, int32_t timeout_ms);

/* One descriptor for a foreign event loop: readable when rill_loop_step() has work to do (I/O, a
 * due timer, commands given outside a step). Events that wait do not make it readable: after each
 * step take all of them. The loop's own: do not read or close it.
 * -1 with `err` filled where it is not found (may need /proc). */
RILL_API int32_t rill_loop_fd(rill_loop *loop, rill_error *err);

/* Does a bounded amount of work without waiting: when 256 KiB have been sent and received, or a
 * millisecond is over, the rest is left, and rill_loop_fd() stays readable. Returns how many events
 * are queued for rill_events(), or a negative enum rill_reason. With 256 of them queued nothing
 * more is read. */
RILL_API int32_t rill_loop_step(rill_loop *loop);

/* true: the caller steps again before it waits. Until false, neither commands nor what a step
 * leaves nor timers make the descriptor readable, which costs system calls. false: what is there by
 * then does, events included: take those of each step first. */
RILL_API void rill_loop_quiet(rill_loop *loop, bool quiet);

/* Hands over up to `max` (1 or more) queued events; returns how many, or a negative enum
 * rill_reason. */
RILL_API int32_t rill_events(rill_loop *loop, rill_event *events, int32_t max);

/* Monotonic seconds, as read now. */
RILL_API double rill_now(void);

/* Reports RILL_EVENT_TIMER after `seconds` (clamped to 0 ... 10 years, NaN is -RILL_ARGUMENT;
 * millisecond steps, never early; 0: in the next turn). Returns 0 or a negative enum rill_reason.
 */
RILL_API int32_t rill_timer_start(rill_loop *loop, double seconds, rill_id *id, rill_error *err);

/* Reports RILL_EVENT_SIGNAL each time `number` arrives, until dropped; then the former disposition
 * returns. One loop of a process at a time. */
RILL_API int32_t rill_signal_start(rill_loop *loop, int32_t number, rill_id *id, rill_error *err);

/* A write beyond `ulimit -f` fails with EFBIG from now on, where the kernel would have ended the
 * process with SIGXFSZ: it is ignored, in all of the process and in programs that it starts. Not
 * where it has a handler. */
RILL_API void rill_outlive_file_limit(void);

/* Has malloc() take up to 28 MiB of what it hands out next from large pages, where the system has
 * them for who asks (madvise()). For who is about to keep many bodies: the first touch of each
 * small page is an interruption. Nothing is allocated by it but addresses; but glibc's malloc()
 * keeps up to 60 MiB of what is freed from then on, and maps no block below 30 MiB by itself. Its
 * small blocks that are freed are joined at once (M_MXFAST 0). */
RILL_API void rill_expect_bodies(void);

/* Reports RILL_EVENT_READY once when descriptor `fd` can be read (its end included), or written; a
 * file is ready at once. The descriptor stays the caller's, who drops the id before closing it.
 * 0, -RILL_ARGUMENT: it is not open, or -RILL_ERROR. */
RILL_API int32_t rill_wait_start(rill_loop *loop, int32_t fd, bool writable, rill_id *id,
                                 rill_error *err);

/* Looks a name up, as requests do: hosts file and name servers, both families, without blocking,
 * but asks anew each time. Reports RILL_EVENT_ADDRESSES once: `text` has numeric addresses, at most
 * 32, one a line, to be tried in this order; else `errors` has RILL_CONNECT_FAILED of kind dns, or
 * RILL_ERROR. `host` is NUL-terminated ASCII, an address too, without brackets; `dns_servers` is as
 * in rill_options, NULL: the system's.
 * 0, -RILL_ARGUMENT, or -RILL_ERROR. */
RILL_API int32_t rill_lookup_start(rill_loop *loop, const char *host, const char *dns_servers,
                                   rill_id *id, rill_error *err);

/* Ends whatever `slot`, `generation` names, at once and without further events: a timer, a signal;
 * a request is cancelled; a connection drains; a client closes. A stale id is no error. */
RILL_API void rill_drop(rill_loop *loop, uint32_t slot, uint32_t generation);

/* What a garbage collector may own. rill_handle_hold() fills it in and takes a reference to the
 * loop; rill_handle_drop() is rill_drop() and gives that reference back, in any order with other
 * finalizers. Dropping twice is fine. */
typedef struct rill_handle {
    rill_loop *loop;
    rill_id id;
} rill_handle;
RILL_API void rill_handle_hold(rill_handle *handle, rill_loop *loop, uint32_t slot,
                               uint32_t generation);
RILL_API void rill_handle_drop(rill_handle *handle);

/* --- inside nginx ---------------------------------------------------------------------------- */

/* Addresses of what nginx and its Lua module export: the caller looks them up, nothing is linked.
 */
typedef struct rill_nginx_calls {
    void *cycle;             /* the value of ngx_cycle */
    void *add_channel_event; /* ngx_add_channel_event() */
    void *cleanup_add;       /* ngx_http_cleanup_add() */
    void *sema_post;         /* ngx_http_lua_ffi_sema_post() */
    void *sema_count;        /* ngx_http_lua_ffi_sema_count() */
} rill_nginx_calls;

typedef struct rill_session rill_session; /* what a request of nginx has, one after the other */
typedef struct rill_waiter rill_waiter;   /* a light thread that may wait, with its semaphore */

/* From now on the loop resumes light threads. `calls` is copied; the first two may be NULL, then it
 * cannot be attached. 0, or negative: RILL_ARGUMENT, RILL_ERROR. */
RILL_API int32_t rill_nginx_use(rill_loop *loop, const rill_nginx_calls *calls, rill_error *err);

/* Lets the worker step the loop whenever there is work. To be called in a worker. 0 (again: 0), or
 * -RILL_ERROR: nginx takes no descriptor more, or has no such call. Then light threads
 * that wait call rill_waiter_step(). */
RILL_API int32_t rill_nginx_attach(rill_loop *loop, rill_error *err);

/* Points to how many sessions have ended, and waiters were lost, that were not taken. */
RILL_API const uint32_t *rill_nginx_gone(const rill_loop *loop);

/* Makes a session that no request has. NULL: out of memory. It is freed with the
 * loop. */
RILL_API rill_session *rill_session_new(rill_loop *loop, uint32_t number);

/* An nginx request has it from now on. When that ends, whatever the reason, the session's streams
 * and what its waiters wait for are cancelled, and it is to be taken by its `number` (not 0).
 * False: out of memory. */
RILL_API bool rill_session_begin(rill_session *session, void *request);
RILL_API bool rill_session_own(rill_session *session, uint32_t slot, uint32_t generation);

RILL_API bool rill_session_has_ended(const rill_session *session); /* and was not taken */

/* The number of a session that has ended, which another request may have now; 0: none. */
RILL_API uint32_t rill_session_take_ended(rill_loop *loop);

/* Makes a waiter of a semaphore, which is borrowed as long as the waiter waits. NULL: out of
 * memory. It is freed with the loop, or while it does not wait. */
RILL_API rill_waiter *rill_waiter_new(rill_loop *loop, void *sema, uint32_t number);
RILL_API void rill_waiter_free(rill_waiter *waiter);

/* The light thread is about to wait for its semaphore: for what the id names ({0, 0}: for something
 * else), which ends when the light thread is killed. True: there is something to take first. */
RILL_API bool rill_waiter_park(rill_waiter *waiter, rill_session *session, uint32_t slot,
                               uint32_t generation);
RILL_API void rill_waiter_post(rill_waiter *waiter);  /* resumes it, if it waits */
RILL_API void rill_waiter_leave(rill_waiter *waiter); /* it was resumed */

/* The light thread steps the loop itself, and waits afterwards. As rill_loop_step(). */
RILL_API int32_t rill_waiter_step(rill_waiter *waiter);

/* The number of a waiter whose light thread was killed while it waited; 0: none. */
RILL_API uint32_t rill_waiter_take_lost(rill_loop *loop);

/* What the loop holds right now: all zero again when everything ended. */
typedef struct rill_counters {
    double bytes; /* memory from the loop's allocator in use */
    uint32_t clients, origins, connections, dials, requests, timers, signals, events, slots;
    uint32_t waiting; /* of the requests: not sent yet */
} rill_counters;
RILL_API void rill_loop_counters(const rill_loop *loop, rill_counters *counters);

/* Requests that wait to be sent, and that no connection is coming for. */
RILL_API uint32_t rill_loop_in_line(const rill_loop *loop);

/* --- clients --------------------------------------------------------------------------------- */

/* Files are PEM. NULL: the default, given in parentheses. */
typedef struct rill_tls_options {
    bool verify;        /* true: chain and host name (RFC 9525); false is warned of */
    bool session_cache; /* true: later connections to an origin resume */
    const char *ca_file, *ca_path, *ca_pem; /* trusted, all that are given: a file, a directory as
                                               c_rehash makes it, a text (the system's store) */
    const char *cert_file;    /* the client's certificate and what leads to its issuer (none) */
    const char *key_file;     /* its key (in cert_file) */
    const char *key_password; /* that opens the key (it is not encrypted) */
    const char *server_name;  /* for SNI and verification (the URL's host) */
    const char *min_version, *max_version; /* "1.2" or "1.3" ("1.2", "1.3") */
    const char *ciphers;      /* TLS 1.2, as openssl-ciphers(1) has them (ECDHE with AEAD) */
    const char *ciphersuites; /* TLS 1.3, colon-separated (OpenSSL's) */
    const char *groups;       /* colon-separated, in this order (OpenSSL's) */
    const char *keylog_file;  /* gets the sessions' secrets; "env": $SSLKEYLOGFILE (none). One that
                                 cannot be written is warned of */
    const char *pin_sha256; /* comma-separated base64 of SHA-256 of the leaf's SubjectPublicKeyInfo:
                               one must match, also without `verify` and when resumed (none) */
} rill_tls_options;

/* "host:port" goes to "ip", "ip:port" or "unix:/path"; entries for one host are tried in order. */
typedef struct rill_resolve {
    const char *host;
    const char *address;
} rill_resolve;

/* Politeness: how the requests of one origin follow each other, over all its connections. */
typedef struct rill_politeness {
    const char *origin;   /* "https://host:port", "host:port" or "host" (all that no other names) */
    uint32_t concurrency; /* streams at a time (0: any number) */
    double delay;         /* seconds from start to start (0) */
    double jitter;        /* the delay is times a random number from 1 - jitter to 1 + jitter (0) */
    bool retry_after;     /* a 429 or 503 that says for how long holds the next ones back, an hour
                             at most */
} rill_politeness;

/* rill_options_init() fills in the defaults, given in parentheses. 0 turns a timeout or limit off.
 * Seconds are 0 to 1e9, or INFINITY: none; sizes whole numbers from 0 to 2^53. */
typedef struct rill_options {
    const char *headers; /* header block sent with every request (none) */
    uint32_t headers_length;
    const char
        *user_agent;      /* ("rill/VERSION"); "" sends none; a user-agent in a header block wins */
    double timeout;       /* the whole call, from its assignment to a connection (180) */
    double queue_timeout; /* the wait before that (0) */
    double connect_timeout;   /* DNS, TCP, TLS, SETTINGS; not the wait for its turn (10) */
    double read_timeout;      /* silence of the peer on one stream (0) */
    double idle_timeout;      /* nothing moves on a connection, our slow readers aside (240) */
    double ping_after;        /* a connection silent for longer is asked before new requests (15) */
    double ping_timeout;      /* how long it may take to answer (3) */
    double maxsize;           /* body of a response (1 GiB) */
    double warnsize;          /* (32 MiB) */
    uint32_t max_header_list; /* header block of a response, all its heads together (64 KiB) */
    uint32_t max_connections; /* of this client (512) */
    double max_connections_per_origin; /* a further one is opened when all are full; 0: any number
                                          (negative: 1 of HTTP/2, 6 of HTTP/1.1) */
    const rill_politeness *per_origin; /* limits for origins (none) */
    uint32_t per_origin_count;
    const char *protocols; /* offered by ALPN in this order, comma-separated ("h2,http/1.1") */
    uint32_t retries;      /* of what fails without being processed (2) */
    bool retry_idempotent; /* GET, HEAD, OPTIONS too when the connection is lost (true) */
    int32_t idempotent; /* requests may be repeated as GET may: 1, 0, or negative: by method (-1) */
    bool lenient_eof;   /* over TLS a body that the connection's end alone ends needs no
                           close_notify (false) */
    bool decompress;    /* content codings of responses are undone (true); to be asked for
                           with rill_accept_encoding() in a header block */
    bool h2c;           /* http:// is HTTP/2 with prior knowledge (false: HTTP/1.1) */
    bool coalesce;      /* a host on the address, and of the certificate, of an open HTTP/2
                           connection uses that (false) */
    bool deny_private;  /* only globally reachable addresses, but for `resolve`'s (false) */
    int32_t family;     /* 0, 4 or 6: of the addresses that are dialled (0: any) */
    const char *bind_address; /* numeric address that connections come from (the system's choice) */
    uint32_t max_streams; /* open at a time on one connection; the peer's limit holds too (100) */
    uint32_t window;      /* receive window of a stream at first, 1 ... 2^31-1 (1 MiB) */
    uint32_t max_window;  /* 1 ... 2^31-1; what it grows to while the reader keeps up (16 MiB) */
    uint32_t max_frame_size; /* of frames that the peer may send, 16384 ... 2^24-1 (16384) */
    double max_buffered;     /* bytes of bodies, read in pieces or collected, and of what decodes
                                them, that are held, not handed over (256 MiB) */
    const rill_resolve *resolve;
    uint32_t resolve_count;
    const char *proxy; /* "http://", "https://", "socks5://" or "socks5h://" with [user[:password]@]
                          host[:port] (user and password percent-encoded); "env": as https_proxy,
                          http_proxy, all_proxy and no_proxy say (none) */
    const char *no_proxy; /* hosts that go without, with commas or blanks: a name and what is below
                             it, "name:port", an address, a network in CIDR, "*" (none) */
    const char *dns_servers; /* "ip" or "ip:port", comma-separated (the system's) */
    bool notes;              /* what happens is noted, for rill_notes_take() (false) */
    rill_tls_options tls;
} rill_options;
RILL_API void rill_options_init(rill_options *options);

/* Whether a client could be made of these options: reads the files that they name. As
 * rill_client_new(), without a loop. */
RILL_API int32_t rill_options_check(const rill_options *options, rill_error *err);

/* The content codings that can be undone, as accept-encoding lists them: those whose libraries are
 * found by a look at files, and have not failed to load. Static. */
RILL_API const char *rill_accept_encoding(void);

/* Counts since the client was made unless noted. */
typedef struct rill_stats {
    uint32_t connections, streams, pending; /* now */
    double connections_opened, handshakes, resumptions, requests, attempts, responses;
    double bytes_sent, bytes_received, retries, buffered;
    double closed[21]; /* by enum rill_reason; [0] unused */
} rill_stats;

/* Makes a client: options, TLS context, pool. Options are copied. Its id reports
 * RILL_EVENT_WARNING. Returns 0 or a negative enum rill_reason (RILL_ARGUMENT, RILL_FILE_ERROR). */
RILL_API int32_t rill_client_new(rill_loop *loop, const rill_options *options, rill_id *id,
                                 rill_error *err);

/* Idle connections close gracefully; sent requests end as cancelled, unsent ones as inactive, and
 * are told so. Later requests are RILL_CLOSED. May be called twice. */
RILL_API void rill_client_close(rill_loop *loop, uint32_t slot, uint32_t generation);

/* Returns 0, or -RILL_CLOSED for a stale id. */
RILL_API int32_t rill_client_stats(rill_loop *loop, uint32_t slot, uint32_t generation,
                                   rill_stats *stats);

/* --- requests -------------------------------------------------------------------------------- */

/* rill_request_init() fills in: GET, the client's headers and limits, whole, no body. */
/* A part of a body: bytes, or a regular file with the length that it has when the request is made.
 * It is opened again when its turn comes. */
typedef struct rill_body_part {
    const char *data, *file; /* file: NULL for bytes */
    size_t length;           /* of the bytes */
} rill_body_part;

typedef struct rill_request {
    const char *method, *url, *headers; /* headers: block that replaces the client's; NULL: that */
    uint32_t method_length, url_length, headers_length;
    bool stream;   /* read in pieces: HEAD, READABLE, CLOSED events; its id lives until dropped */
    bool repeat;   /* what was certainly not processed is sent again by itself */
    bool has_body; /* else END_STREAM goes with the headers */
    const char
        *body; /* borrowed until RESPONSE, FAILED, CLOSED or rill_drop(), not just the call */
    size_t body_length;
    const char *body_file; /* the body is read from this file; a regular one's length is announced,
                              and no more is sent. has_body without either: the body is fed by
                              rill_stream_write() and rill_stream_finish() */
    const rill_body_part *parts; /* the body is these, one after the other (copied; what they point
                               to is borrowed as `body` is). Its length is announced */
    uint32_t part_count;
    const char *trailers; /* header block sent after a body; NULL: none */
    uint32_t trailers_length;
    const char *save_path; /* the body of a 2xx response goes to this file, written beside it and
                              renamed when complete; copied; not for HEAD; NULL: it is kept in
                              memory */
    const char *types;     /* media types of bodies that are wanted, with commas between them: a
                              response that names another one is stopped behind its head
                              (RILL_STOPPED), but for a body without content-encoding whose
                              content-length is at most 16 KiB; copied; NULL: all are */
    bool head_first;       /* with `stream`: the peer may send 64 KiB at first, more when the first
                              read or rill_stream_collect() after the head shows that it is wanted;
                              no file gets its name before that, or rill_stream_decide() */
    bool expect_continue;  /* the body waits for 100 (Continue), at most a second */
    double timeout, queue_timeout, read_timeout, maxsize, warnsize; /* negative: the client's */
    int32_t retries, retry_idempotent, idempotent, lenient_eof, decompress; /* the same */
    const char *bind_address; /* numeric address that its connection comes from: requests that
                                 differ in it share none; NULL: the client's */
    const char *proxy; /* what it goes through instead, as in rill_options; "": none; NULL: the
                          client's */
} rill_request;
RILL_API void rill_request_init(rill_request *request);

/* Issues a request on a client (or on a connection from rill_connect()). It is queued, and sent by
 * the next step or poll. Returns 0, or negative: RILL_ARGUMENT (what Lua would raise),
 * RILL_INVALID_URL, RILL_CLOSED (the client), RILL_ERROR (memory). */
RILL_API int32_t rill_request_start(rill_loop *loop, const rill_id *client,
                                    const rill_request *request, rill_id *id, rill_error *err);

/* What a stream knows of itself; the pointers are good until it is dropped or closes. */
typedef struct rill_stream_info {
    int32_t id;      /* on the wire; 0 while it waits */
    int32_t status;  /* 0 before the head; 499 when cancelled before one */
    uint32_t reason; /* enum rill_reason; RILL_OPEN while open */
    int32_t code;    /* HTTP/2 error code; -1: none */
    uint32_t attempts;
    uint32_t peer_slot, peer_generation;
    const char *decoded; /* as in the event */
    bool saved;          /* the body is in the file of save_path */
    bool cut;            /* as in the event */
    bool head, request_sent, closed_local, closed_remote, reached_warnsize;
    const char *headers, *trailers, *informational;
    uint32_t headers_length, trailers_length, informational_length;
    uint32_t error_count;
    const rill_error *errors;
    rill_timings timings;
    double bytes_received, bytes_sent, readable;
    double request_content_length, remaining_content_length; /* -1: not known */
    double started;      /* as rill_now(): when the request was made */
    double sending;      /* seconds that head and body took to go; at its end a part of `wait` */
    uint32_t connection; /* its number, as in rill_note; 0: none */
} rill_stream_info;

/* Returns 0, or -RILL_CLOSED for a stale id. */
RILL_API int32_t rill_stream_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                                      rill_stream_info *info);

/* The same of the request that an event is about, also of a whole one, whose id is released by
 * then. The pointers are good as long as the event's. Returns 0, or -RILL_ARGUMENT: it is about
 * none. */
RILL_API int32_t rill_event_info(const rill_event *event, rill_stream_info *info);

/* Takes up to `max` bytes that arrived (at most 64 KiB at a time) and gives their window back.
 * `*data` is borrowed until the next call on this stream, poll or step. Returns the length; 0 when
 * there is nothing now: a READABLE or CLOSED event follows, unless the stream has closed; or
 * -RILL_CLOSED: a stale id, or that of a whole request. */
RILL_API int32_t rill_stream_read(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t max,
                                  const char **data);

/* From now on collects the rest of the body (bounded by maxsize) and returns its window on receipt;
 * when it has closed, rill_stream_body() hands it over. Returns 0, or negative: RILL_CLOSED
 * (as above), RILL_ERROR (memory: nothing has changed). */
RILL_API int32_t rill_stream_collect(rill_loop *loop, uint32_t slot, uint32_t generation);

/* From now on writes the rest of the body, decoded, to the descriptor `fd` (duplicated) of `path`,
 * which errors name; what has come and is unread at once. It keeps what was written, however the
 * stream ends; rill_stream_body() has nothing then. Once. Returns 0, or negative: RILL_CLOSED (as
 * above), RILL_FILE_ERROR, RILL_ERROR (memory), RILL_DECODE_ERROR, RILL_MAXSIZE_EXCEEDED_ACTUAL: an
 * open stream closes so, unless `fd` is no descriptor. */
RILL_API int32_t rill_stream_save(rill_loop *loop, uint32_t slot, uint32_t generation, int32_t fd,
                                  const char *path, rill_error *err);

/* Asks how a stream ends that is read in pieces: where the peer has ended it and its body waits
 * coded, all of that is decoded (bounded by maxsize), and CLOSED follows. With `wait` the same
 * happens when its end comes. Else CLOSED comes when its reader is through. */
RILL_API void rill_stream_decide(rill_loop *loop, uint32_t slot, uint32_t generation, bool wait);

/* The unread rest of a closed stream as one body, which the caller owns; NULL: it is empty. Returns
 * 0, or negative, with NULL: RILL_CLOSED (as above), RILL_ARGUMENT (the stream is open), RILL_ERROR
 * (memory: nothing has changed, the body can still be had). */
RILL_API int32_t rill_stream_body(rill_loop *loop, uint32_t slot, uint32_t generation,
                                  rill_body **body);

/* Ends a stream; CLOSED follows with RILL_CANCELLED. Unsent: never sent. Sent: RST_STREAM CANCEL.
 */
RILL_API void rill_stream_cancel(rill_loop *loop, uint32_t slot, uint32_t generation);

/* Ends a stream; all that has arrived is the response's body; closes as RILL_STOPPED. What was for
 * a file is not complete: there is none. */
RILL_API void rill_stream_stop(rill_loop *loop, uint32_t slot, uint32_t generation);

/* RST_STREAM with an HTTP/2 error code; CLOSED follows with RILL_RESET. Unsent: never sent. */
RILL_API void rill_stream_reset(rill_loop *loop, uint32_t slot, uint32_t generation, uint32_t code);

/* Feeds a piece of the body (copied). Returns 0; 1 when more than 256 KiB wait: a WRITABLE event
 * follows; or negative: RILL_CLOSED (stale, or the stream has closed), RILL_ARGUMENT (not a fed
 * body, or finished), RILL_BODY_ERROR (longer than the announced content-length; the stream closes
 * so), RILL_ERROR. */
RILL_API int32_t rill_stream_write(rill_loop *loop, uint32_t slot, uint32_t generation,
                                   const char *data, size_t length, rill_error *err);

/* Whether rill_stream_write() of so many bytes would return 1. */
RILL_API bool rill_stream_would_wait(rill_loop *loop, uint32_t slot, uint32_t generation,
                                     size_t length);

/* Ends a fed body, with trailers (a header block) or NULL. Negative as for rill_stream_write();
 * RILL_BODY_ERROR when it is shorter than announced. */
RILL_API int32_t rill_stream_finish(rill_loop *loop, uint32_t slot, uint32_t generation,
                                    const char *trailers, uint32_t trailers_length,
                                    rill_error *err);

/* The producer of a fed body has failed: the stream closes as RILL_BODY_ERROR with `message`. */
RILL_API void rill_stream_fail(rill_loop *loop, uint32_t slot, uint32_t generation,
                               const char *message);

/* A body outside the script's heap. Independent of the loop's other objects; free in any order. Its
 * data is for reading: the pages of a long one cannot be written to. */
RILL_API const char *rill_body_data(const rill_body *body);
RILL_API size_t rill_body_length(const rill_body *body);
RILL_API void rill_body_free(rill_body *body); /* NULL is fine */

/* Writes bytes to a file, at once: beside `path` first, then renamed, so that no part of them ever
 * stands under that name. `mode` 0: a file that is there keeps its own. A link to a file is
 * replaced, not followed; nothing is synced. 0, or negative: RILL_FILE_ERROR (what is there, or
 * behind a link, is no regular file, disk full, ...), RILL_ARGUMENT, RILL_ERROR; then what was
 * there is as it was. */
RILL_API int32_t rill_file_save(rill_loop *loop, const char *path, const void *data, size_t length,
                                uint32_t mode, rill_error *err);

/* Whether a file can be written in this place: there is none, or a regular one, or a link to one or
 * to none. 0, or -RILL_FILE_ERROR. */
RILL_API int32_t rill_file_check(const char *path, rill_error *err);

/* Moves a file to such a place, in the same folder; one that is there gives it its mode. 0, or
 * -RILL_FILE_ERROR. */
RILL_API int32_t rill_file_replace(const char *from, const char *path, rill_error *err);

/* Whether a body_file can be read a second time: false for a pipe or a terminal. What cannot be
 * looked at counts as one that can: opening it says what is wrong. */
RILL_API bool rill_file_repeats(const char *path);

/* --- connections ----------------------------------------------------------------------------- */

/* Dials one connection to the origin of `url`, with a client's options. Its id takes requests as a
 * client's does (only for its own origin: others close as RILL_INVALID_HOSTNAME; a `url` that
 * begins with "/" is a path on its own authority; nothing is repeated), and reports CONNECTED or
 * CLOSED, then CLOSED, PONG and WARNING. Returns 0, or negative: RILL_INVALID_URL, RILL_ARGUMENT,
 * RILL_FILE_ERROR, RILL_ERROR. */
RILL_API int32_t rill_connect(rill_loop *loop, const rill_options *options, const char *url,
                              uint32_t url_length, rill_id *id, rill_error *err);

/* Sends PING, as soon as the connection is usable; PONG follows, unless the connection closes. 0,
 * or -RILL_CLOSED. One at a time: a second joins the first. */
RILL_API int32_t rill_connection_ping(rill_loop *loop, uint32_t slot, uint32_t generation);

/* GOAWAY NO_ERROR: open streams finish, unsent ones close as inactive, then it closes. */
RILL_API void rill_connection_drain(rill_loop *loop, uint32_t slot, uint32_t generation);

/* GOAWAY with `code`, at once: sent streams close as cancelled, unsent ones as inactive. */
RILL_API void rill_connection_close(rill_loop *loop, uint32_t slot, uint32_t generation,
                                    uint32_t code);

/* A connection from rill_connect() as it is now. */
typedef struct rill_connection_state {
    bool connected, closed, goaway;   /* goaway: received from the peer */
    int32_t goaway_code, goaway_last; /* RFC 9113 section 6.8 */
    const char *goaway_debug;         /* printable, NUL-terminated; borrowed until the next poll,
                                         step or drop */
    uint32_t streams, pending;
    uint32_t peer_slot, peer_generation; /* for rill_peer_info_get() */
    /* the peer's SETTINGS, in the order of their numbers from 1: header_table_size, enable_push,
     * max_concurrent_streams, initial_window_size, max_frame_size, max_header_list_size */
    double peer_settings[6];
    const rill_error
        *error; /* why it closed; NULL: without error, or not at all; borrowed as above */
} rill_connection_state;
RILL_API int32_t rill_connection_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                                     rill_connection_state *state);

typedef struct rill_peer_info {
    char ip_address[46]; /* numeric; "" for a Unix socket */
    char protocol[12];   /* "h2", "h2c" or "http/1.1" */
    int32_t port;
    const char *certificate; /* the peer's leaf, DER; NULL without TLS; borrowed until the next
                                poll, step or drop */
    uint32_t certificate_length;
    bool resumed;
    const char *tls_version, *cipher; /* static; NULL without TLS */
} rill_peer_info;

/* The connection an event named, while it lives: ask when first seen, and once: each call makes a
 * copy of the certificate, all of which stay until the next poll. 0 or -RILL_CLOSED. */
RILL_API int32_t rill_peer_info_get(rill_loop *loop, uint32_t slot, uint32_t generation,
                                    rill_peer_info *info);

/* --- what happened --------------------------------------------------------------------------- */

enum rill_note_type {
    RILL_NOTE_DIAL = 1,  /* a connection is dialled: `text` is host:port */
    RILL_NOTE_CONNECTED, /* `protocol`, `text` is ip:port, `resumed`, `timings` of the dial */
    RILL_NOTE_FAILED,    /* a dial: `error` */
    RILL_NOTE_CLOSED,    /* a connection: `error` or NULL; `number` of streams sent on it */
    RILL_NOTE_GOAWAY,    /* received: `code`; `number` is the last stream */
    RILL_NOTE_REQUEST,   /* `text` is the method */
    RILL_NOTE_SENT,      /* `number` is the attempt */
    RILL_NOTE_HEAD,      /* `status` */
    RILL_NOTE_DONE,      /* `reason`, `status`, `bytes_received`, `timings`, `error` or NULL;
                            `with_head` */
    RILL_NOTE_RETRY,     /* `error` of the attempt before, `delay` */
    RILL_NOTE_REDIRECT,  /* `status`, `text` is the location: see rill_notes_redirect() */
    RILL_NOTE_WARNING,   /* `text` */
    RILL_NOTE_DROPPED    /* `number` of notes that nobody took in time */
};

/* What a type does not have is 0, or NULL; what stands behind `error` is set only where it has it.
 * All pointers are borrowed: they are good until notes of the same client are taken again, or it is
 * dropped. Texts are not NUL-terminated. */
typedef struct rill_note {
    double time;         /* as rill_now(); notes are in this order */
    int32_t type;        /* enum rill_note_type */
    uint32_t client;     /* its number, from 1 in the order of their making */
    uint32_t connection; /* its number, from 1 in the order of dials; 0: none */
    int32_t stream;      /* on the wire; 0: none */
    int32_t status, code;
    int32_t reason;
    uint32_t number;
    int32_t request; /* its number, the same in all notes of a request of this client; 0: none */
    int32_t text_length, url_length;
    int32_t with_head; /* 1: RILL_NOTE_HEAD, which has the same time, is no note of its own */
    const char *text, *url;
    const rill_error *error;
    double bytes_received, delay;
    rill_timings timings;
    bool resumed;
    char protocol[12];
} rill_note;

/* Takes notes of a client or connection, the oldest first: `*notes` gets an array, which is good
 * until the next time. At most 10,000 wait, then the oldest are dropped. Returns how many it took,
 * and is to be called again until that is 0, as it is where options do not ask for notes; or
 * negative: RILL_CLOSED, RILL_ARGUMENT. */
RILL_API int32_t rill_notes_take(rill_loop *loop, uint32_t slot, uint32_t generation,
                                 const rill_note **notes);

/* Notes that the caller follows a redirect. */
RILL_API void rill_notes_redirect(rill_loop *loop, uint32_t slot, uint32_t generation,
                                  const char *url, uint32_t url_length, int32_t status,
                                  const char *location, uint32_t location_length);

/* --- the last frames of a connection --------------------------------------------------------- */

/* A frame, or what HTTP/1.1 has in its place: a message (REQUEST, RESPONSE), or BYTES that belong
 * to none. Strings are NUL-terminated. There are no field values and no payload in it. */
typedef struct rill_flight_frame {
    double time; /* as rill_now() */
    bool sent;   /* else received */
    int32_t stream;
    uint32_t length; /* of the payload; of a message what has passed of it, head included */
    char type[16];   /* RFC 9113's name; "type 0xfa" for one that has none */
    char flags[64];  /* their names, a blank between; of a message "END": it was complete */
    char note[256];  /* error code, settings, increment, last stream; method; status; or "" */
} rill_flight_frame;

/* The connection's last 256 frames. Each reference (one comes with rill_connection_frames()) is
 * given back with rill_flight_free(); NULL is fine. They need no loop; those of an open connection
 * go on, those of an error do not. */
RILL_API rill_flight *rill_flight_hold(rill_flight *flight); /* returns it */
RILL_API void rill_flight_free(rill_flight *flight);
RILL_API uint32_t rill_flight_count(const rill_flight *flight);

/* The frame with this index, from 0, the oldest; false: there is none. */
RILL_API bool rill_flight_get(const rill_flight *flight, uint32_t index, rill_flight_frame *frame);

/* Those of a connection from rill_connect(). NULL: a stale id, or it was never connected. */
RILL_API rill_flight *rill_connection_frames(rill_loop *loop, uint32_t slot, uint32_t generation);

/* A certificate as people read it. Strings are NUL-terminated and live until rill_certificate_free.
 */
typedef struct rill_certificate {
    const char *subject, *issuer; /* RFC 2253 form */
    const char *names;            /* subject alternative names, one per line */
    const char *pem;
    char sha256[65];              /* of the DER, hex */
    double not_before, not_after; /* Unix time */
} rill_certificate;
RILL_API rill_certificate *rill_certificate_new(const char *der, uint32_t length);
RILL_API void rill_certificate_free(rill_certificate *certificate);

/* --- URLs ------------------------------------------------------------------------------------ */

/* Longest URL that is read, and that is written: what comes out can be read again. A result beyond
 * it (each byte may become %XX) is an error, so RILL_URL_ROOM bytes always suffice. */
enum { RILL_URL_MAX = 65536, RILL_URL_ROOM = RILL_URL_MAX };

/* Where the parts of a URL stand in the text it was written to: offsets and lengths in bytes; a
 * length of -1 means the part is missing (RFC 3986 tells "missing" from "empty"). `host` has no
 * brackets, `authority` is host[:port] as written, with brackets, without userinfo. */
typedef struct rill_url {
    int32_t scheme, scheme_length, userinfo, userinfo_length, authority, authority_length, host,
        host_length, path, path_length, query, query_length, fragment, fragment_length;
    int32_t port;   /* the scheme's default filled in; -1: none known */
    int32_t length; /* of the whole text */
} rill_url;

/* Splits an absolute URL, forgiving as browsers are with scraped links: outer blanks and controls,
 * tabs and line ends are stripped, what is not allowed is percent-encoded as UTF-8 (never twice),
 * scheme and host get lower case, a host beyond ASCII goes through UTS 46. Other control characters
 * fail. Between "http:" and its host any number of slashes may stand (doc/url.md). The cleaned
 * text is written to `out` (printable ASCII, not NUL-terminated; may not overlap what is read).
 * Schemes other than http and https need no host: a missing one has host_length -1. The path stays
 * as written, an empty one too. On failure `out` and `url` hold nothing of use.
 * Returns 0, or -RILL_INVALID_URL with a sentence that shows the URL without its userinfo (or
 * -RILL_ARGUMENT: a pointer is NULL; -RILL_ERROR: out of memory). */
RILL_API int32_t rill_url_parse(const char *text, uint32_t length, char *out, uint32_t room,
                                rill_url *url, rill_error *err);

/* RFC 3986 section 5: what `reference` means on the page `base`. Dot segments are removed; the
 * fragment stays. As rill_url_parse() otherwise. */
RILL_API int32_t rill_url_resolve(const char *base, uint32_t base_length, const char *reference,
                                  uint32_t reference_length, char *out, uint32_t room,
                                  rill_url *url, rill_error *err);

/* One spelling for equal URLs (RFC 3986 section 6.2.2 and 6.2.3): no default port, no dot segments,
 * "/" for an empty path, percent-encoding in upper case and only where needed, no fragment. */
RILL_API int32_t rill_url_normalize(const char *text, uint32_t length, char *out, uint32_t room,
                                    rill_url *url, rill_error *err);

/* A text that may be no URL, as it may be shown: without what could be userinfo, in printable ASCII
 * (other bytes become %XX), cut where `out` is full. For errors and logs; no URL in itself.
 * Returns the length written. */
RILL_API uint32_t rill_url_redact(const char *text, uint32_t length, char *out, uint32_t room);

/* --- text ------------------------------------------------------------------------------------ */

/* The text of a body, read in slices. Its encoding is named by a byte order mark, else by the
 * charset of the content-type field (labels of the Encoding Standard), else by what HTML pages say
 * in their first 1,024 bytes; where nothing is named it is UTF-8 if all of it is, else
 * windows-1252. Finding out whether it is reads the body once, at memory speed.
 * Bodies are borrowed until the text is freed; `content_type` may be NULL. NULL: out of memory. */
typedef struct rill_text rill_text;
RILL_API rill_text *rill_text_new(const char *body, uint64_t length, const char *content_type,
                                  uint32_t content_type_length);
RILL_API void rill_text_free(rill_text *text); /* NULL is fine */

/* The encoding's name in the Encoding Standard: "UTF-8", "Shift_JIS". Static. */
RILL_API const char *rill_text_charset(const rill_text *text);

/* Reads up to `slice` more bytes of the body. *data gets what they are in UTF-8, *length of it (a
 * cut character comes with the next slice), good until the next call. Bytes that mean nothing
 * become U+FFFD. The byte order mark is left out. UTF-8 that is good is not copied.
 * Returns 1, 0 at the end (then there is no data), -1 when memory ran out or a pointer is NULL. */
RILL_API int32_t rill_text_read(rill_text *text, uint32_t slice, const char **data,
                                uint64_t *length);

/* --- gzip files ------------------------------------------------------------------------------ */

/* Decodes a gzip file in pieces, several members too; it needs no loop. NULL: out of memory. */
typedef struct rill_gunzip rill_gunzip;
RILL_API rill_gunzip *rill_gunzip_new(void);
RILL_API void rill_gunzip_free(rill_gunzip *gunzip); /* NULL is fine */

typedef struct rill_gunzip_step {
    const char *data; /* what is to be decoded */
    size_t length;
    char *out; /* where it goes, at most `room` bytes */
    size_t room;
    size_t taken, made; /* results: bytes of both that were used */
} rill_gunzip_step;

/* Decodes until the data or the room is used up. With room left nothing waits inside. What was made
 * stays good when it fails. 0, -RILL_DECODE_ERROR: the data are broken, -RILL_ARGUMENT, or
 * -RILL_ERROR. */
RILL_API int32_t rill_gunzip_write(rill_gunzip *gunzip, rill_gunzip_step *step, rill_error *err);

/* The data have ended: 0, or -RILL_DECODE_ERROR: they are not complete. */
RILL_API int32_t rill_gunzip_finish(const rill_gunzip *gunzip, rill_error *err);

/* --- records of WARC files ------------------------------------------------------------------- */

/* Makes records of WARC 1.1 (ISO 28500:2017), each a gzip member, one behind the other; it needs no
 * loop. NULL: out of memory. */
typedef struct rill_warc rill_warc;
RILL_API rill_warc *rill_warc_new(void);
RILL_API void rill_warc_free(rill_warc *warc); /* NULL is fine */

/* A record. Its block is `head`, as the head of an HTTP message, and `payload` behind it. Version,
 * id, date, the block's digest and Content-Length are written without being named here. */
typedef struct rill_warc_record {
    const char *type;   /* WARC-Type, ends with NUL */
    double time;        /* seconds since 1970 */
    const char *fields; /* the other fields, each a line that ends with CR LF */
    size_t fields_length;
    const char *head;
    size_t head_length;
    const char *payload;
    size_t payload_length;
    int32_t with_digest;     /* 1: WARC-Payload-Digest is written, too */
    int32_t without_payload; /* 1: the payload is digested at most, as that of a revisit */
    int32_t concurrent;      /* 1: WARC-Concurrent-To names the last one that was complete */
} rill_warc_record;

/* Begins a record. One whose head and payload have at most 256 KiB is complete then: 0. Of a longer
 * one it returns 1 for "there is more to do", and what the record points to is borrowed until
 * rill_warc_continue(), which does some milliseconds of that, has returned 0. -RILL_ARGUMENT, or
 * -RILL_ERROR: there will be no such record; those before it are good. */
RILL_API int32_t rill_warc_add(rill_warc *warc, const rill_warc_record *record, rill_error *err);
RILL_API int32_t rill_warc_continue(rill_warc *warc, rill_error *err);

/* An exchange, of which two records are made. Of the URL user, password and fragment are left out.
 */
typedef struct rill_warc_exchange {
    double time;                       /* seconds since 1970 */
    const char *url;                   /* that was asked for */
    const char *ip_address, *protocol; /* of the peer, end with NUL; NULL or "": not known */
    const char *request;               /* header block that was sent (CR LF before each field,
                                          names in lower case) */
    const char *headers;               /* the one that was received */
    const char *fields;                /* more fields of the response's record, as above */
    const char *user_agent;            /* what is sent where the block has no such field, */
    const char *accept_encoding;       /* ends with NUL; NULL or "": none is */
    const char *payload;               /* the body, decoded */
    size_t payload_length, fields_length;
    uint32_t url_length, request_length, headers_length;
    int32_t status;
    int32_t without_payload; /* 1: a revisit; its payload is digested, where there is one */
} rill_warc_exchange;

/* Begins the record of the response, then that of the request. As rill_warc_add(). What `exchange`
 * points to is borrowed as long. Also -RILL_INVALID_URL. */
RILL_API int32_t rill_warc_add_response(rill_warc *warc, const rill_warc_exchange *exchange,
                                        rill_error *err);
RILL_API int32_t rill_warc_add_request(rill_warc *warc, const rill_warc_exchange *exchange,
                                       rill_error *err);

/* The members of complete records, good until the next of these calls. */
RILL_API const char *rill_warc_members(const rill_warc *warc, size_t *length);

/* Forgets them, and a record that is not complete. */
RILL_API void rill_warc_clear(rill_warc *warc);

/* --- links of HTML pages --------------------------------------------------------------------- */

/* Tags whose links can be had. Of <meta> that is the address of a refresh, of <img> and <source>
 * src and srcset, of <video> src and poster; of <a> in svg xlink:href as well. */
enum rill_html_tag {
    RILL_HTML_A,
    RILL_HTML_AREA,
    RILL_HTML_IFRAME,
    RILL_HTML_FRAME,
    RILL_HTML_LINK,
    RILL_HTML_IMG,
    RILL_HTML_SOURCE,
    RILL_HTML_SCRIPT,
    RILL_HTML_VIDEO,
    RILL_HTML_AUDIO,
    RILL_HTML_EMBED,
    RILL_HTML_OBJECT,
    RILL_HTML_FORM,
    RILL_HTML_META,
    RILL_HTML_TAGS
};

/* The tag's name; NULL: there is none of that number. */
RILL_API const char *rill_html_tag_name(uint32_t tag);

typedef struct rill_html_page {
    const char *body; /* borrowed, as all of this, until the next begin or free */
    size_t length;
    const char *url; /* absolute: where the page was got from */
    uint32_t url_length;
    uint32_t content_type_length;
    const char *content_type; /* the header field; NULL: none */
    uint32_t tags;            /* 1 << enum rill_html_tag each; <a> and <area> are one in `plain` */
    bool plain;        /* URLs only: what else there is to know of a page is not looked for */
    const char *agent; /* in lower case: <meta> of this name counts as name=robots; NULL: none */
    uint32_t window;   /* bytes that one step works off; 0: RILL_HTML_WINDOW */
} rill_html_page;

/* Bounds: bytes of a step; links of a page; bytes of URLs read and written for them, for each page
 * and for each byte of it; <base> elements looked at; bytes of a title, and of text for robots;
 * bytes that are kept of an address that is no link. */
enum {
    RILL_HTML_WINDOW = 1 << 20,
    RILL_HTML_LINKS = 1 << 20,
    RILL_HTML_WORK = 16 << 20,
    RILL_HTML_WORK_PER_BYTE = 32,
    RILL_HTML_BASES = 16,
    RILL_HTML_TEXT = 64 << 10,
    RILL_HTML_REFUSED = 2 << 10
};

/* Why an address is no link: it is no URL, it is one of another scheme than http and https, it is
 * longer than RILL_URL_MAX. */
enum rill_html_refusal { RILL_HTML_INVALID, RILL_HTML_SCHEME, RILL_HTML_LONG };

/* Where a text stands in rill_html_found.text; length -1: there is none. */
typedef struct rill_html_text {
    uint32_t at;
    int32_t length;
} rill_html_text;

typedef struct rill_html_link {
    rill_html_text url; /* absolute, http or https, as rill_url_normalize() writes it */
    const char *rel;    /* words in lower case, a space between; NULL: none */
    uint32_t rel_length;
    uint8_t tag;     /* enum rill_html_tag */
    bool nofollow;   /* each of its kind has one of rel=nofollow, ugc, sponsored */
    uint8_t refusal; /* enum rill_html_refusal; of those in `refused` */
    bool cut;        /* `url` is only its beginning; of those in `refused` */
} rill_html_link;

typedef struct rill_html_found {
    const char *text;
    const rill_html_link *links; /* each once for a tag (and the rel of a <link>), in order */
    uint32_t count;
    const rill_html_link *refused; /* addresses that are no links, as written; not in `plain` */
    uint32_t refused_count;
    bool cut; /* there were more than the bounds allow */
    rill_html_text base, canonical, robots, refresh, title;
} rill_html_found;

/* Reads pages, one after the other; its memory is used again. NULL: out of memory. It needs no
 * loop, and may be left in the middle of a page. */
typedef struct rill_html rill_html;
RILL_API rill_html *rill_html_new(void);
RILL_API void rill_html_free(rill_html *html); /* NULL is fine */

RILL_API void rill_html_begin(rill_html *html, const rill_html_page *page);

/* Works off a piece of the page, in a time that does not depend on its length. Returns 1 while
 * there is more to do, 0 at the end, or -RILL_ERROR: out of memory,
 * -RILL_ARGUMENT: what begin was given has a length without bytes. */
RILL_API int32_t rill_html_step(rill_html *html);

/* What there was, after the last step; valid until the next begin or free. */
RILL_API void rill_html_get(const rill_html *html, rill_html_found *found);

/* A map from numbers of 64 bits, in two halves, to numbers of 32. */
typedef struct rill_map rill_map;
RILL_API rill_map *rill_map_new(void);      /* NULL: out of memory */
RILL_API void rill_map_free(rill_map *map); /* NULL is fine */

/* The value of a key; -1: it is not there. */
RILL_API double rill_map_get(const rill_map *map, uint32_t high, uint32_t low);

/* 1: the key is new, 0: it was there, -RILL_ERROR: out of memory. */
RILL_API int32_t rill_map_set(rill_map *map, uint32_t high, uint32_t low, uint32_t value);

/* A hash of 64 bits from a secret that no two of these share: it means nothing beyond this object.
 * Of two texts that differ, chosen by somebody who has seen no hash, both have the same in at most
 * one case of 2^64 for each 16 bytes of the longer one, and two more. A child made by fork() has
 * its parent's secret. */
typedef struct rill_hasher rill_hasher;
RILL_API rill_hasher *rill_hasher_new(void);         /* NULL: out of memory, or no randomness */
RILL_API void rill_hasher_free(rill_hasher *hasher); /* NULL is fine */

/* Returns 0, -RILL_ERROR: out of memory, or -RILL_ARGUMENT. */
RILL_API int32_t rill_hasher_hash(rill_hasher *hasher, const void *data, size_t length,
                                  uint32_t halves[2]);

/* Texts that were seen before, such as the links that most pages of a site have in common. Only a
 * hash of each is kept, 64 bits from a secret seed: a new one is taken for one of those that are
 * there, `most` at the most, in that many of 2^64 cases. Where `most` are there and one more comes,
 * all are forgotten, as is one that there is no memory for. */
typedef struct rill_known rill_known;
RILL_API rill_known *rill_known_new(uint32_t most); /* NULL: out of memory */
RILL_API void rill_known_free(rill_known *known);   /* NULL is fine */
RILL_API void rill_known_clear(rill_known *known);
RILL_API void rill_known_add(rill_known *known, const char *text, uint32_t length);
RILL_API bool rill_known_has(const rill_known *known, const char *text, uint32_t length);

/* After the last step: what rill_html_get gives is without the links and the refused addresses that
 * are known; what it gave before is stale. Looks at a piece of them, as a step does of the page.
 * Returns 1 while there is more to do, 0 at the end. */
RILL_API int32_t rill_html_leave_out(rill_html *html, const rill_known *known);

#ifndef RILL_CDEF
#ifdef __cplusplus
}
#endif
#endif
#endif
