#include "net/identity.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "net/certificate.h"
#include "base/error.h"

struct password {
    const char *text; /* borrowed; NULL: none was given */
    bool asked;
};

static int on_password(char *out, int room, int writing, void *arg)
{
    (void)writing;
    struct password *password = arg;
    password->asked = true;
    size_t length = password->text ? strlen(password->text) : 0;
    if (!password->text || length > (size_t)room)
        return -1;
    memcpy(out, password->text, length);
    return (int)length;
}

static int32_t key_failure(const char *path, const struct password *password, bool own,
                           rill_error *err)
{
    if (!password->asked)
        return rill_certificate_file_failure(
            path,
            own ? "no private key in it" : "no private key in it, and tls.key_file names none",
            err);
    ERR_clear_error();
    return rill_error_set(err, RILL_FILE_ERROR, "%s: %s", path,
                          password->text
                              ? "tls.key_password does not open the key"
                              : "the key is encrypted, and tls.key_password is not given");
}

/* `own`: the file is of the key alone. */
static EVP_PKEY *read_key(const char *path, const char *password_text, bool own, rill_error *err)
{
    struct password password = {.text = password_text};
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, on_password, &password) : NULL;
    BIO_free(file);
    if (!key)
        key_failure(path, &password, own, err);
    ERR_clear_error();
    return key;
}

static int32_t use_key(SSL_CTX *context, EVP_PKEY *key, const char *path, const char *cert_file,
                       rill_error *err)
{
    int matches = X509_check_private_key(SSL_CTX_get0_certificate(context), key);
    if (matches == 1 && SSL_CTX_use_PrivateKey(context, key))
        return 0;
    ERR_clear_error();
    return rill_error_set(err, RILL_FILE_ERROR, "%s: not the key of the certificate in %s", path,
                          cert_file);
}

int32_t rill_identity_load(SSL_CTX *context, const rill_tls_options *options, rill_error *err)
{
    if (!options->cert_file && (options->key_file || options->key_password))
        return rill_error_set(err, RILL_ARGUMENT, "option tls.%s: needs tls.cert_file",
                              options->key_file ? "key_file" : "key_password");
    if (!options->cert_file)
        return 0;
    /* a certificate that claims to be encrypted must not make OpenSSL ask on the terminal */
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)"");
    if (!SSL_CTX_use_certificate_chain_file(context, options->cert_file))
        return rill_certificate_file_failure(options->cert_file, "no certificate in it", err);
    const char *path = options->key_file ? options->key_file : options->cert_file;
    EVP_PKEY *key = read_key(path, options->key_password, options->key_file, err);
    if (!key)
        return -RILL_FILE_ERROR;
    int32_t code = use_key(context, key, path, options->cert_file, err);
    EVP_PKEY_free(key);
    return code;
}

bool rill_identity_is_missed(SSL *ssl)
{
    /* what the server's CertificateRequest has brought */
    return !SSL_get_certificate(ssl) && SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL) > 0;
}

const char *rill_identity_note(SSL *ssl)
{
    return rill_identity_is_missed(ssl)
               ? ": the server asked for a certificate, and tls.cert_file names none"
               : "";
}
