/* Records of WARC files, in bounded steps: first their digests, which stand in front, then the gzip
 * member. The interface is in rill.h. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "rill.h"

#include "base/error.h"
#include "warc/head.h"
#include "warc/member.h"

/* What one step takes in: some milliseconds each. */
enum { DIGEST_STEP = 2 << 20, COMPRESS_STEP = 256 << 10 };

enum { HEAD_MOST = 1 << 30 }; /* bytes that zlib takes at once, and more than any head has */

enum { KEPT = 1 << 20 }; /* room for members that stays when they are forgotten */

/* The date has four digits for the year. */
static const double last_time = 253402300799.0;

enum phase { WARC_IDLE, WARC_DIGESTING, WARC_COMPRESSING };

struct rill_warc {
    rill_slab slab;
    enum phase phase;
    rill_warc_record record; /* what points in it is borrowed, until the phase is idle */
    size_t done;             /* bytes of its payload that are through this phase */
    rill_warc_head head;
    rill_warc_clock clock;
    EVP_MD_CTX *block, *payload; /* owned: the digests so far */
    rill_member member;
    rill_bytes text; /* the head as text */
    rill_bytes out;  /* members */
    size_t complete; /* of their bytes: those of complete ones */
};

rill_warc *rill_warc_new(void)
{
    rill_warc *warc = calloc(1, sizeof(*warc));
    if (!warc)
        return NULL;
    warc->block = EVP_MD_CTX_new();
    warc->payload = EVP_MD_CTX_new();
    if (warc->block && warc->payload && EVP_DigestInit_ex(warc->block, EVP_sha1(), NULL) &&
        EVP_DigestInit_ex(warc->payload, EVP_sha1(), NULL))
        return warc;
    rill_warc_free(warc);
    return NULL;
}

void rill_warc_free(rill_warc *warc)
{
    if (!warc)
        return;
    EVP_MD_CTX_free(warc->block);
    EVP_MD_CTX_free(warc->payload);
    rill_member_dispose(&warc->member);
    rill_bytes_dispose(&warc->slab, &warc->text);
    rill_bytes_dispose(&warc->slab, &warc->out);
    rill_slab_dispose(&warc->slab);
    free(warc);
}

/* The record is complete, or never will be: what was made of it goes. */
static void end_record(rill_warc *warc)
{
    warc->phase = WARC_IDLE;
    warc->out.length = warc->complete;
}

static int32_t fail(rill_warc *warc, rill_error *err)
{
    end_record(warc);
    return rill_error_memory(err);
}

/* The next bytes of the payload, as many as one step takes. */
static rill_chars next_piece(const rill_warc *warc, size_t most)
{
    size_t left = warc->record.payload_length - warc->done;
    return (rill_chars){warc->record.payload + warc->done, left < most ? left : most};
}

static bool begin_digests(rill_warc *warc)
{
    const rill_warc_record *record = &warc->record;
    return EVP_DigestInit_ex(warc->block, NULL, NULL) &&
           EVP_DigestUpdate(warc->block, record->head, record->head_length) &&
           (!record->with_digest || EVP_DigestInit_ex(warc->payload, NULL, NULL));
}

static bool add_to_digests(rill_warc *warc, rill_chars piece)
{
    const rill_warc_record *record = &warc->record;
    return (record->without_payload || EVP_DigestUpdate(warc->block, piece.data, piece.length)) &&
           (!record->with_digest || EVP_DigestUpdate(warc->payload, piece.data, piece.length));
}

static bool end_digests(rill_warc *warc)
{
    return EVP_DigestFinal_ex(warc->block, warc->head.block_digest, NULL) &&
           (!warc->record.with_digest ||
            EVP_DigestFinal_ex(warc->payload, warc->head.payload_digest, NULL));
}

/* To the member. */
static bool append(rill_warc *warc, rill_chars data, bool last)
{
    return rill_member_write(&warc->member, &warc->slab, &warc->out, data, last);
}

static bool begin_member(rill_warc *warc)
{
    rill_warc_record *record = &warc->record;
    if (record->without_payload)
        record->payload_length = 0; /* its digest is there */
    warc->done = 0;
    warc->head.block_length = record->head_length + record->payload_length;
    warc->text.length = 0;
    return rill_warc_head_write(&warc->slab, &warc->text, &warc->clock, record, &warc->head) &&
           rill_member_begin(&warc->member, warc->text.length + warc->head.block_length) &&
           append(warc, (rill_chars){warc->text.data, warc->text.length}, false) &&
           append(warc, (rill_chars){record->head, record->head_length}, false);
}

static bool digest_more(rill_warc *warc)
{
    rill_chars piece = next_piece(warc, DIGEST_STEP);
    if (!add_to_digests(warc, piece))
        return false;
    warc->done += piece.length;
    if (warc->done < warc->record.payload_length)
        return true;
    warc->phase = WARC_COMPRESSING;
    return end_digests(warc) && begin_member(warc);
}

static bool compress_more(rill_warc *warc)
{
    rill_chars piece = next_piece(warc, COMPRESS_STEP);
    if (!append(warc, piece, false))
        return false;
    warc->done += piece.length;
    if (warc->done < warc->record.payload_length)
        return true;
    if (!append(warc, RILL_CHARS("\r\n\r\n"), true))
        return false;
    warc->complete = warc->out.length;
    end_record(warc);
    return true;
}

int32_t rill_warc_continue(rill_warc *warc, rill_error *err)
{
    if (!warc || warc->phase == WARC_IDLE)
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_continue: there is no record");
    if (!(warc->phase == WARC_DIGESTING ? digest_more(warc) : compress_more(warc)))
        return fail(warc, err);
    return warc->phase != WARC_IDLE;
}

static bool is_usable(const rill_warc *warc, const rill_warc_record *record)
{
    return record->type && (record->fields || !record->fields_length) &&
           (record->head || !record->head_length) && (record->payload || !record->payload_length) &&
           record->fields_length <= HEAD_MOST && record->head_length <= HEAD_MOST &&
           record->time >= 0 && record->time <= last_time &&
           (!record->concurrent || warc->head.id[0]);
}

int32_t rill_warc_add(rill_warc *warc, const rill_warc_record *record, rill_error *err)
{
    if (!warc || !record || !is_usable(warc, record))
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_add: that is no record");
    if (warc->phase != WARC_IDLE)
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_add: a record is not complete");
    memcpy(warc->head.before, warc->head.id, WARC_ID);
    if (!rill_warc_head_new_id(warc->head.id))
        return rill_error_set(err, RILL_ERROR, "the system has no random bytes");
    warc->record = *record;
    warc->done = 0;
    warc->phase = WARC_DIGESTING;
    if (!begin_digests(warc))
        return fail(warc, err);
    if (record->payload_length > COMPRESS_STEP)
        return 1;
    return digest_more(warc) && compress_more(warc) ? 0 : fail(warc, err);
}

const char *rill_warc_members(const rill_warc *warc, size_t *length)
{
    if (length)
        *length = warc ? warc->complete : 0;
    return warc ? warc->out.data : NULL;
}

void rill_warc_clear(rill_warc *warc)
{
    if (!warc)
        return;
    warc->complete = 0;
    end_record(warc);
    if (warc->out.room > KEPT)
        rill_bytes_dispose(&warc->slab, &warc->out);
}
