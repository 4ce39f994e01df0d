#include "net/tls_pipe.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/error.h"
#include "base/trace.h"
#include "net/identity.h"

/* --- the BIO --------------------------------------------------------------------------------- */

static int on_bio_write(BIO *bio, const char *data, int length)
{
    rill_tls_pipe *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->reading) {
        tls->dry += (size_t)length;
        tls->answers += (size_t)length;
    }
    return tls->inner->calls->write(tls->inner, data, (size_t)length) ? -1 : length;
}

static int on_bio_read(BIO *bio, char *data, int length)
{
    rill_tls_pipe *tls = BIO_get_data(bio);
    rill_pipe *inner = tls->inner;
    BIO_clear_retry_flags(bio);
    if (length == SSL3_RT_HEADER_LENGTH) { /* the next record begins */
        tls->dry += tls->record;
        tls->record = 0;
    }
    inner->paused = tls->pipe.paused || tls->dry >= TLS_DRY_MAX;
    int64_t n = inner->calls->read(inner, data, (size_t)length, NULL);
    if (n <= 0) {
        if (n == 0)
            BIO_set_retry_read(bio);
        return n == 0 ? -1 : 0;
    }
    tls->record += (size_t)n;
    return (int)n;
}

/* Asked a dozen times a record, mostly whether the system does TLS: it does not. */
static long on_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return ((rill_tls_pipe *)BIO_get_data(bio))->inner->ended;
    case BIO_C_GET_FD:
        return pointer ? *(int *)pointer = ((rill_tls_pipe *)BIO_get_data(bio))->pipe.fd : 0;
    default:
        return 0;
    }
}

static BIO_METHOD *shared_method(rill_turn *turn)
{
    if (!turn->bio_method) {
        BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rill");
        if (!method)
            return NULL;
        BIO_meth_set_write(method, on_bio_write);
        BIO_meth_set_read(method, on_bio_read);
        BIO_meth_set_ctrl(method, on_bio_ctrl);
        turn->bio_method = method;
    }
    return turn->bio_method;
}

void rill_tls_pipe_dispose_shared(rill_turn *turn)
{
    BIO_meth_free(turn->bio_method);
    turn->bio_method = NULL;
}

/* --- in -------------------------------------------------------------------------------------- */

static const char *how_lost(const rill_tls_pipe *tls)
{
    if (tls->inner->error)
        return strerror(tls->inner->error);
    if (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN)
        return "the peer closed the connection (close_notify)";
    return "the peer closed the connection without close_notify";
}

/* TLS 1.3: that the server does without us comes after the handshake, and a reset may overtake its
 * alert. An end in order without one has another reason: it may have asked for a certificate that
 * it can do without. */
static int32_t lost(const rill_tls_pipe *tls, rill_error *err)
{
    bool missed = !tls->heard && rill_identity_is_missed(tls->ssl);
    int32_t code = rill_error_set(err, RILL_CONNECTION_LOST, "%s%s", how_lost(tls),
                                  missed ? rill_identity_note(tls->ssl) : "");
    if (err && missed && tls->inner->error)
        err->kind = RILL_KIND_TLS;
    return code;
}

/* One SSL_read(), and what it has cost without bringing anything. */
static int read_plain(rill_tls_pipe *tls, char *data, size_t room)
{
    size_t unsent = tls->inner->calls->blocked(tls->inner);
    if (tls->answers > unsent)
        tls->answers = unsent;
    if (ERR_peek_error()) /* clearing what is empty costs 800 instructions each time */
        ERR_clear_error();
    tls->reading = true;
    int n = SSL_read(tls->ssl, data, (int)room);
    tls->reading = false;
    if (n > 0) {
        tls->record = 0;
        tls->heard = true;
    }
    return n;
}

uint32_t rill_tls_pipe_take_dry(rill_tls_pipe *tls)
{
    uint32_t records = (uint32_t)(tls->dry / TLS_DRY_RECORD);
    tls->dry %= TLS_DRY_RECORD;
    return records;
}

static int32_t refuse_deaf(rill_error *err)
{
    int32_t code =
        rill_error_set(err, RILL_PROTOCOL_ERROR,
                       "the peer does not read what TLS must answer it (%d bytes)", TLS_UNSENT_MAX);
    if (err)
        err->code = rill_code_number("ENHANCE_YOUR_CALM");
    return code;
}

static int32_t fail(rill_tls_pipe *tls, rill_error *err)
{
    tls->failed = true;
    if (tls->inner->ended)
        return lost(tls, err);
    unsigned long reason = ERR_peek_last_error();
    const char *why = ERR_reason_error_string(reason);
    bool alert = ERR_GET_REASON(reason) > SSL_AD_REASON_OFFSET;
    int32_t code = rill_error_set(err, RILL_CONNECTION_LOST, "TLS failed: %s%s",
                                  why ? why : "unknown", alert ? rill_identity_note(tls->ssl) : "");
    if (err)
        err->kind = RILL_KIND_TLS;
    return code;
}

static int64_t read_bytes(rill_pipe *pipe, char *data, size_t room, rill_error *err)
{
    rill_tls_pipe *tls = (rill_tls_pipe *)pipe;
    int n = read_plain(tls, data, room);
    if (n > 0)
        return n;
    int result = SSL_get_error(tls->ssl, n);
    if (tls->answers > TLS_UNSENT_MAX)
        return refuse_deaf(err);
    if (result == SSL_ERROR_WANT_READ || result == SSL_ERROR_WANT_WRITE)
        return 0;
    pipe->ended = true;
    pipe->error = tls->inner->error;
    return result == SSL_ERROR_SSL ? fail(tls, err) : lost(tls, err);
}

/* --- out ------------------------------------------------------------------------------------- */

static int32_t write_bytes(rill_pipe *pipe, const void *data, size_t length)
{
    rill_tls_pipe *tls = (rill_tls_pipe *)pipe;
    if (tls->failed)
        return 0;
    ERR_set_mark(); /* TLS on top of it may be about to say why it fails */
    int n = SSL_write(tls->ssl, data, (int)length);
    ERR_pop_to_mark();
    return n == (int)length ? 0 : -RILL_ERROR;
}

static int32_t flush(rill_pipe *pipe, rill_error *err)
{
    rill_pipe *inner = ((rill_tls_pipe *)pipe)->inner;
    return inner->calls->flush(inner, err);
}

static size_t blocked(const rill_pipe *pipe)
{
    const rill_pipe *inner = ((const rill_tls_pipe *)pipe)->inner;
    return inner->calls->blocked(inner);
}

/* --- life ------------------------------------------------------------------------------------ */

static void close_tls(rill_pipe *pipe, bool polite)
{
    rill_tls_pipe *tls = (rill_tls_pipe *)pipe;
    if (polite && SSL_is_init_finished(tls->ssl) && !tls->failed) {
        ERR_clear_error();
        SSL_shutdown(tls->ssl); /* without it servers drop the session: no resumption */
    }
    tls->inner->calls->close(tls->inner, polite);
    SSL_free(tls->ssl);
    ERR_clear_error();
    rill_slab_free(&tls->turn->slab, tls);
}

static const rill_pipe_calls calls = {read_bytes, write_bytes, flush, blocked, close_tls};

rill_tls_pipe *rill_tls_pipe_new(rill_turn *turn, rill_pipe *inner, SSL *ssl, rill_error *err)
{
    BIO_METHOD *method = shared_method(turn);
    BIO *bio = method ? BIO_new(method) : NULL;
    rill_tls_pipe *tls = rill_slab_zalloc(&turn->slab, sizeof(*tls));
    if (!bio || !tls) {
        BIO_free(bio);
        rill_slab_free(&turn->slab, tls);
        SSL_free(ssl);
        inner->calls->close(inner, false);
        rill_error_memory(err);
        return NULL;
    }
    *tls = (rill_tls_pipe){
        .pipe = {.calls = &calls, .fd = inner->fd}, .turn = turn, .inner = inner, .ssl = ssl};
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    return tls;
}

/* OpenSSL's: each message of TLS, as it is in clear text. Alerts alone are shown. */
static void on_message(int sent, int version, int type, const void *data, size_t length, SSL *ssl,
                       void *arg)
{
    const rill_tls_pipe *tls = arg;
    const uint8_t *alert = data;
    (void)version, (void)ssl;
    if (type == SSL3_RT_ALERT && length == 2)
        RILL_TRACE(tls->turn, TRACE_TLS, tls->number, "alert %s: %s %s", sent ? "sent" : "recv",
                   SSL_alert_type_string_long(alert[0] << 8), SSL_alert_desc_string_long(alert[1]));
}

void rill_tls_pipe_trace(rill_tls_pipe *tls, uint32_t number)
{
    tls->number = number;
    SSL_set_msg_callback(tls->ssl, on_message);
    SSL_set_msg_callback_arg(tls->ssl, tls);
}

int rill_tls_pipe_handshake(rill_tls_pipe *tls, int *result)
{
    ERR_clear_error();
    int n = SSL_do_handshake(tls->ssl);
    tls->dry = tls->record = 0; /* of the handshake nothing was to be expected */
    if (n == 1)
        return 1;
    *result = SSL_get_error(tls->ssl, n);
    return *result == SSL_ERROR_WANT_READ || *result == SSL_ERROR_WANT_WRITE ? 0 : -1;
}
