#include "net/certificate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/escape.h"

/* Text of one alternative name; what is longer is no host name (RFC 1035 section 2.3.4: 255). */
enum { NAME_ROOM = 256 };

/* Text of a distinguished name that is kept. */
enum { SUBJECT_ROOM = 1024 };

void rill_certificate_print_name(BIO *out, const X509_NAME *name)
{
    BIO *plain = BIO_new(BIO_s_mem());
    char *text, escaped[SUBJECT_ROOM];
    if (!plain)
        return;
    X509_NAME_print_ex(plain, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    long length = BIO_get_mem_data(plain, &text);
    rill_escape_text(escaped, sizeof(escaped), text, length > 0 ? (size_t)length : 0);
    BIO_puts(out, escaped);
    BIO_free(plain);
}

/* False for kinds of names that no host is checked against. */
static bool name_text(const GENERAL_NAME *name, char *text)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return false;
    const unsigned char *data = ASN1_STRING_get0_data(value);
    int length = ASN1_STRING_length(value);
    if (type == GEN_IPADD) {
        int family = length == 4 ? AF_INET : AF_INET6;
        return (length == 4 || length == 16) && inet_ntop(family, data, text, NAME_ROOM);
    }
    if (length <= 0 || length >= NAME_ROOM)
        return false;
    for (int i = 0; i < length; i++)
        text[i] = data[i] > ' ' && data[i] < 0x7f ? (char)data[i] : '?';
    text[length] = 0;
    return true;
}

int rill_certificate_print_names(BIO *out, const X509 *certificate, const char *between,
                                 size_t most)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int written = 0;
    size_t bytes = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) { /* -1 for NULL */
        char text[NAME_ROOM];
        if (!name_text(sk_GENERAL_NAME_value(names, i), text))
            continue;
        bytes += strlen(between) + strlen(text);
        if (most && bytes > most) {
            BIO_printf(out, "%s...", written ? between : "");
            written++;
            break;
        }
        BIO_printf(out, "%s%s", written ? between : "", text);
        written++;
    }
    GENERAL_NAMES_free(names);
    return written;
}

bool rill_certificate_has_wildcard(const X509 *certificate, const char *rest)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        char text[NAME_ROOM];
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        found = name->type == GEN_DNS && name_text(name, text) && text[0] == '*' &&
                !strcasecmp(text + 1, rest);
    }
    GENERAL_NAMES_free(names);
    return found;
}

void rill_certificate_print_date(BIO *out, const ASN1_TIME *time)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm))
        BIO_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    else
        BIO_puts(out, "an unreadable date");
}

int32_t rill_certificate_file_failure(const char *path, const char *otherwise, rill_error *err)
{
    unsigned long code = ERR_get_error();
    const char *why = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : otherwise;
    ERR_clear_error();
    return rill_error_set(err, RILL_FILE_ERROR, "%s: %s", path, why);
}

static double unix_time(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) ? (double)timegm(&tm) : 0;
}

static void end_string(BIO *out)
{
    BIO_write(out, "", 1);
}

/* Where the string after `text` starts. */
static const char *after(const char *text)
{
    return text + strlen(text) + 1;
}

/* The strings stand behind the struct, in one block. */
static rill_certificate *assemble(const char *strings, size_t length)
{
    rill_certificate *result = calloc(1, sizeof(*result) + length);
    if (!result)
        return NULL;
    char *copy = memcpy(result + 1, strings, length);
    result->subject = copy;
    result->issuer = after(result->subject);
    result->names = after(result->issuer);
    result->pem = after(result->names);
    return result;
}

static rill_certificate *read_certificate(X509 *x509, BIO *out)
{
    rill_certificate_print_name(out, X509_get_subject_name(x509));
    end_string(out);
    rill_certificate_print_name(out, X509_get_issuer_name(x509));
    end_string(out);
    rill_certificate_print_names(out, x509, "\n", 0);
    end_string(out);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length;
    if (!PEM_write_bio_X509(out, x509) || !X509_digest(x509, EVP_sha256(), digest, &digest_length))
        return NULL;
    end_string(out);
    char *strings;
    long length = BIO_get_mem_data(out, &strings);
    rill_certificate *result = assemble(strings, (size_t)length);
    if (!result)
        return NULL;
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < digest_length; i++) {
        result->sha256[2 * i] = digits[digest[i] >> 4];
        result->sha256[2 * i + 1] = digits[digest[i] & 15];
    }
    result->not_before = unix_time(X509_get0_notBefore(x509));
    result->not_after = unix_time(X509_get0_notAfter(x509));
    return result;
}

rill_certificate *rill_certificate_new(const char *der, uint32_t length)
{
    const unsigned char *at = (const unsigned char *)der;
    X509 *x509 = der ? d2i_X509(NULL, &at, (long)length) : NULL;
    BIO *out = BIO_new(BIO_s_mem());
    rill_certificate *result = x509 && out ? read_certificate(x509, out) : NULL;
    BIO_free(out);
    X509_free(x509);
    ERR_clear_error();
    return result;
}

void rill_certificate_free(rill_certificate *certificate)
{
    free(certificate);
}
