/* What an option set means: checked, copied, and put where it is used. */
#ifndef RILL_SETTINGS_H
#define RILL_SETTINGS_H

#include "api/proxies.h"
#include "pool/pool.h"

/* What a request takes from its client where it says nothing itself. */
typedef struct rill_settings {
    char *user_agent;      /* owned */
    char *proxy_agent;     /* owned: user-agent for proxies; NULL: none */
    rill_proxies proxies;  /* owned */
    rill_resolve *resolve; /* owned, with its texts */
    uint64_t timeout_ms, queue_timeout_ms, read_timeout_ms;
    rill_limits limits;
    uint32_t retries;
    int32_t idempotent; /* negative: by method */
    bool retry_idempotent, lenient_eof, decompress;
    bool clear_text; /* http:// can be spoken */
} rill_settings;

/* Fills in both from `options`, which rill_given_options() has passed, and opens the pool's
 * resolver and TLS context. 0, or negative as rill_client_new() has it; dispose in any case. Both
 * were zeroed, but for pool->turn. */
int32_t rill_settings_init(rill_settings *settings, rill_pool *pool, const rill_options *options,
                           rill_error *err);
void rill_settings_dispose(rill_settings *settings, rill_pool *pool);

/* Warns of what is ignored in them: once the client has a name. */
void rill_settings_warn(const rill_settings *settings, rill_pool *pool);

/* Reads an address that connections are to come from. 0 or -RILL_ARGUMENT. */
int32_t rill_settings_bind(const char *text, rill_address *from, rill_error *err);

/* A size in bytes as scripts give it; 0 where it is none, or no limit. */
uint64_t rill_bytes_of(double size);

#endif
