/* A cleaner reads one text and writes a URL from it, part by part, escaping what a part may not
 * hold. The parts of a URL are split on it in url.c and authority.c. */
#ifndef RILL_CLEANER_H
#define RILL_CLEANER_H

#include "rill.h"

/* What a byte may be part of (RFC 3986 sections 2 and 3). */
enum rill_part {
    RILL_PART_SCHEME = 1 << 0,
    RILL_PART_UNRESERVED = 1 << 1, /* section 2.3: never needs escaping */
    RILL_PART_HOST = 1 << 2,
    RILL_PART_USERINFO = 1 << 3,
    RILL_PART_PATH = 1 << 4,
    RILL_PART_QUERY = 1 << 5,
    RILL_PART_FRAGMENT = 1 << 6,
    RILL_PART_PASSWORD = 1 << 7 /* as userinfo, but no colon */
};

typedef struct rill_span {
    const uint8_t *at, *end;
} rill_span;

/* Writing never fails: what does not fit is dropped and `full` says so in the end. */
typedef struct rill_cleaner {
    rill_span in;           /* what is left to read */
    char *out;              /* borrowed from the caller */
    uint32_t length, limit; /* bytes of `out` in use; that may be used */
    int32_t default_port;   /* of the scheme; -1: none known */
    bool http;              /* http or https: needs a host, reads a backslash as a slash */
    bool normalize;         /* equal URLs get one spelling */
    bool no_dots;           /* dot segments are removed */
    bool full;
    const char *why; /* what is wrong with the text: static; NULL: nothing yet */
    rill_url *url;   /* where the parts stand: the caller's */
} rill_cleaner;

/* Records what is wrong. Returns false, so that failing is one line. */
bool rill_cleaner_fail(rill_cleaner *c, const char *why);

void rill_cleaner_put(rill_cleaner *c, const void *bytes, size_t count);
void rill_cleaner_put_lower(rill_cleaner *c, const uint8_t *bytes, size_t count);

/* Copies userinfo, path, query or fragment up to what ends it. What may not stand there is escaped
 * ("%" only where no %XX begins); normalizing unescapes what needs no escape. False: a control
 * character, or `out` is full. */
bool rill_cleaner_copy(rill_cleaner *c, enum rill_part part);

/* Removes the dot segments (section 5.2.4) of the path that begins at url->path and is the last
 * thing written. One without a leading slash (mailto:, data:) is no hierarchy and stays. */
void rill_cleaner_remove_dots(rill_cleaner *c);

/* The byte that "%XX" at the start of `in` stands for; -1: there is none. */
int rill_cleaner_escaped_byte(rill_span in);

/* Writes %XX, three bytes; returns 3. */
uint32_t rill_cleaner_escape(char *out, uint8_t byte);

/* -1: not a hexadecimal digit. */
int rill_cleaner_hex_digit(uint8_t byte);

extern const uint8_t rill_cleaner_parts[256]; /* of each byte: the parts it may stand in */

static inline bool rill_cleaner_allows(enum rill_part part, uint8_t byte)
{
    return rill_cleaner_parts[byte] & part;
}

static inline bool rill_cleaner_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool rill_cleaner_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static inline uint8_t rill_cleaner_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

#endif
