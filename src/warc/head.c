#include "warc/head.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHA1_TEXT = 37, MICROSECONDS = 1000000, DATE_TEXT = 27, NUMBER_TEXT = 20, PARTS = 20 };

enum { ID_RANDOM = 16 }; /* bytes of an id */

void rill_warc_ids_init(rill_warc_ids *ids)
{
    ids->left = 0;
    rill_process_init(&ids->process);
}

void rill_warc_ids_dispose(rill_warc_ids *ids)
{
    rill_process_dispose(&ids->process);
}

/* 16 bytes that no other id has. NULL: the system has none. */
static const uint8_t *take_random(rill_warc_ids *ids)
{
    if (!rill_process_is_own(&ids->process)) {
        rill_warc_ids_dispose(ids);
        rill_warc_ids_init(ids);
    }
    if (ids->left < ID_RANDOM) {
        if (getentropy(ids->random, WARC_RANDOM))
            return NULL;
        ids->left = WARC_RANDOM;
    }
    ids->left -= ID_RANDOM;
    return ids->random + ids->left;
}

bool rill_warc_ids_take(rill_warc_ids *ids, char id[WARC_ID])
{
    static const char digits[] = "0123456789abcdef";
    static const char form[] = "<urn:uuid:xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx>"; /* RFC 4122 */
    const uint8_t *random = take_random(ids);
    if (!random)
        return false;
    size_t taken = 0; /* half bytes */
    for (int i = 0; i < WARC_ID; i++) {
        id[i] = form[i];
        if (form[i] == 'x') {
            id[i] = digits[random[taken / 2] >> (taken % 2 * 4) & 15];
            taken++;
        }
    }
    return true;
}

/* "sha1:" and base32 (RFC 4648): five bytes are eight letters. */
static rill_chars write_digest(char text[SHA1_TEXT], const uint8_t digest[WARC_SHA1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char *to = text;
    memcpy(to, "sha1:", 5);
    to += 5;
    for (const uint8_t *from = digest; from < digest + WARC_SHA1; from += 5) {
        uint64_t bits = 0;
        for (int i = 0; i < 5; i++)
            bits = bits << 8 | from[i];
        for (int shift = 35; shift >= 0; shift -= 5)
            *to++ = letters[bits >> shift & 31];
    }
    return (rill_chars){text, SHA1_TEXT};
}

static rill_chars write_date(char text[DATE_TEXT + 1], rill_warc_clock *clock, double time)
{
    time_t second = (time_t)time;
    if (second != clock->second || !clock->text[0]) {
        struct tm date;
        gmtime_r(&second, &date);
        strftime(clock->text, sizeof(clock->text), "%Y-%m-%dT%H:%M:%S", &date);
        clock->second = second;
    }
    int32_t left = (int32_t)((time - (double)second) * MICROSECONDS);
    memcpy(text, clock->text, sizeof(clock->text) - 1);
    char *to = text + sizeof(clock->text) - 1;
    *to = '.';
    to[7] = 'Z';
    for (int i = 6; i > 0; i--, left /= 10)
        to[i] = (char)('0' + left % 10);
    return (rill_chars){text, DATE_TEXT};
}

static rill_chars write_number(char text[NUMBER_TEXT], size_t number)
{
    char *to = text + NUMBER_TEXT;
    do
        *--to = (char)('0' + number % 10);
    while (number /= 10);
    return (rill_chars){to, (size_t)(text + NUMBER_TEXT - to)};
}

bool rill_warc_head_write(rill_slab *slab, rill_bytes *out, rill_warc_clock *clock,
                          const rill_warc_record *record, const rill_warc_head *head)
{
    char date[DATE_TEXT + 1], block[SHA1_TEXT], payload[SHA1_TEXT], length[NUMBER_TEXT];
    rill_chars parts[PARTS];
    size_t n = 0;
    parts[n++] = RILL_CHARS("WARC/1.1\r\nWARC-Type: ");
    parts[n++] = (rill_chars){record->type, strlen(record->type)};
    parts[n++] = RILL_CHARS("\r\nWARC-Record-ID: ");
    parts[n++] = (rill_chars){head->id, WARC_ID};
    parts[n++] = RILL_CHARS("\r\nWARC-Date: ");
    parts[n++] = write_date(date, clock, record->time);
    if (record->concurrent) {
        parts[n++] = RILL_CHARS("\r\nWARC-Concurrent-To: ");
        parts[n++] = (rill_chars){head->before, WARC_ID};
    }
    parts[n++] = RILL_CHARS("\r\n");
    parts[n++] = (rill_chars){record->fields, record->fields_length};
    if (record->with_digest) {
        parts[n++] = RILL_CHARS("WARC-Payload-Digest: ");
        parts[n++] = write_digest(payload, head->payload_digest);
        parts[n++] = RILL_CHARS("\r\n");
    }
    parts[n++] = RILL_CHARS("WARC-Block-Digest: ");
    parts[n++] = write_digest(block, head->block_digest);
    parts[n++] = RILL_CHARS("\r\nContent-Length: ");
    parts[n++] = write_number(length, head->block_length);
    parts[n++] = RILL_CHARS("\r\n\r\n");
    return rill_bytes_join(slab, out, parts, n);
}
