/* Records of WARC files, in bounded steps: first their digests, which stand in front, then the gzip
 * member. The interface is in rill.h. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "rill.h"

#include "base/error.h"
#include "warc/exchange.h"
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
    size_t done;             /* bytes of its block that are through this phase */
    rill_warc_head head;
    rill_warc_clock clock;
    EVP_MD_CTX *block, *payload; /* owned: the digests so far */
    rill_member member;
    rill_bytes text; /* what stands in front of the block; of a short record all of it */
    rill_warc_texts texts;
    rill_warc_ids ids;
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
    rill_warc_ids_init(&warc->ids);
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
    rill_warc_texts_dispose(&warc->slab, &warc->texts);
    rill_warc_ids_dispose(&warc->ids);
    rill_bytes_dispose(&warc->slab, &warc->text);
    rill_bytes_dispose(&warc->slab, &warc->out);
    rill_slab_dispose(&warc->slab);
    free(warc);
}

/* The record never will be complete: what was made of it goes, and none is concurrent to it. */
static void drop_record(rill_warc *warc)
{
    if (warc->phase != WARC_IDLE)
        memcpy(warc->head.id, warc->head.before, WARC_ID);
    warc->phase = WARC_IDLE;
    warc->out.length = warc->complete;
}

/* Out of memory, unless `err` names a cause. */
static int32_t fail(rill_warc *warc, rill_error *err)
{
    drop_record(warc);
    return rill_error_memory(err);
}

static size_t size_of(const rill_warc_record *record)
{
    return record->head_length + record->payload_length;
}

static bool is_in_head(const rill_warc *warc)
{
    return warc->done < warc->record.head_length;
}

/* The next bytes of the head or of the payload, as many as one step takes. */
static rill_chars next_piece(const rill_warc *warc, size_t most)
{
    const rill_warc_record *record = &warc->record;
    size_t at = is_in_head(warc) ? warc->done : warc->done - record->head_length;
    rill_chars part = is_in_head(warc) ? (rill_chars){record->head, record->head_length}
                                       : (rill_chars){record->payload, record->payload_length};
    if (at == part.length)
        return (rill_chars){NULL, 0}; /* an empty block */
    size_t left = part.length - at;
    return (rill_chars){part.data + at, left < most ? left : most};
}

static bool begin_digests(rill_warc *warc)
{
    return EVP_DigestInit_ex(warc->block, NULL, NULL) &&
           (!warc->record.with_digest || EVP_DigestInit_ex(warc->payload, NULL, NULL));
}

static bool add_to_digests(rill_warc *warc, rill_chars piece)
{
    const rill_warc_record *record = &warc->record;
    bool of_block = is_in_head(warc) || !record->without_payload;
    bool of_payload = !is_in_head(warc) && record->with_digest;
    return (!of_block || EVP_DigestUpdate(warc->block, piece.data, piece.length)) &&
           (!of_payload || EVP_DigestUpdate(warc->payload, piece.data, piece.length));
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

static bool begin_member(rill_warc *warc, rill_error *err)
{
    warc->done = 0;
    warc->phase = WARC_COMPRESSING;
    return rill_member_begin(&warc->member, warc->text.length + warc->head.block_length, err) &&
           append(warc, (rill_chars){warc->text.data, warc->text.length}, false);
}

static void end_member(rill_warc *warc)
{
    warc->complete = warc->out.length;
    warc->phase = WARC_IDLE;
}

/* A short record lies in one piece: zlib is faster with one than with four. */
static bool make_member(rill_warc *warc, rill_error *err)
{
    const rill_warc_record *record = &warc->record;
    rill_chars rest[] = {{record->head, record->head_length},
                         {record->payload, record->payload_length},
                         RILL_CHARS("\r\n\r\n")};
    if (!rill_bytes_join(&warc->slab, &warc->text, rest, sizeof(rest) / sizeof(rest[0])) ||
        !rill_member_make(&warc->member, &warc->slab, &warc->out,
                          (rill_chars){warc->text.data, warc->text.length}, err))
        return false;
    end_member(warc);
    return true;
}

static bool write_head(rill_warc *warc)
{
    rill_warc_record *record = &warc->record;
    if (record->without_payload)
        record->payload_length = 0; /* its digest is there */
    warc->head.block_length = size_of(record);
    warc->text.length = 0;
    return rill_warc_head_write(&warc->slab, &warc->text, &warc->clock, record, &warc->head);
}

static bool digest_more(rill_warc *warc, rill_error *err)
{
    rill_chars piece = next_piece(warc, DIGEST_STEP);
    if (!add_to_digests(warc, piece))
        return false;
    warc->done += piece.length;
    if (warc->done < size_of(&warc->record))
        return true;
    if (!end_digests(warc) || !write_head(warc))
        return false;
    return warc->head.block_length > COMPRESS_STEP ? begin_member(warc, err)
                                                   : make_member(warc, err);
}

static bool compress_more(rill_warc *warc)
{
    rill_chars piece = next_piece(warc, COMPRESS_STEP);
    if (!append(warc, piece, false))
        return false;
    warc->done += piece.length;
    if (warc->done < size_of(&warc->record))
        return true;
    if (!append(warc, RILL_CHARS("\r\n\r\n"), true))
        return false;
    end_member(warc);
    return true;
}

static bool make_more(rill_warc *warc, rill_error *err)
{
    return warc->phase == WARC_DIGESTING ? digest_more(warc, err) : compress_more(warc);
}

int32_t rill_warc_continue(rill_warc *warc, rill_error *err)
{
    if (!warc || warc->phase == WARC_IDLE)
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_continue: there is no record");
    if (!make_more(warc, err))
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
    if (!rill_warc_ids_take(&warc->ids, warc->head.id))
        return rill_error_set(err, RILL_ERROR, "the system has no random bytes");
    warc->record = *record;
    warc->done = 0;
    warc->phase = WARC_DIGESTING;
    if (!begin_digests(warc))
        return fail(warc, err);
    if (size_of(record) > COMPRESS_STEP)
        return 1;
    while (warc->phase != WARC_IDLE)
        if (!make_more(warc, err))
            return fail(warc, err);
    return 0;
}

static bool is_usable_exchange(const rill_warc_exchange *exchange)
{
    return exchange->url && exchange->request && exchange->headers &&
           (exchange->fields || !exchange->fields_length);
}

/* Makes a record of an exchange, or not. */
typedef int32_t record_cb(rill_slab *slab, rill_warc_texts *texts,
                          const rill_warc_exchange *exchange, rill_warc_record *record,
                          rill_error *err);

static int32_t add_half(rill_warc *warc, const rill_warc_exchange *exchange, record_cb *make,
                        rill_error *err)
{
    if (!warc || !exchange || !is_usable_exchange(exchange))
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_add_...: that is no exchange");
    if (warc->phase != WARC_IDLE) /* it borrows the texts */
        return rill_error_set(err, RILL_ARGUMENT, "rill_warc_add_...: a record is not complete");
    rill_warc_record record;
    int32_t code = make(&warc->slab, &warc->texts, exchange, &record, err);
    return code < 0 ? code : rill_warc_add(warc, &record, err);
}

int32_t rill_warc_add_response(rill_warc *warc, const rill_warc_exchange *exchange, rill_error *err)
{
    return add_half(warc, exchange, rill_warc_exchange_response, err);
}

int32_t rill_warc_add_request(rill_warc *warc, const rill_warc_exchange *exchange, rill_error *err)
{
    return add_half(warc, exchange, rill_warc_exchange_request, err);
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
    drop_record(warc);
    if (warc->out.room > KEPT)
        rill_bytes_dispose(&warc->slab, &warc->out);
    if (warc->texts.head.room > KEPT)
        rill_bytes_dispose(&warc->slab, &warc->texts.head);
}
