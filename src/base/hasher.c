/* Hashes of bytes from a secret; the interface is in rill.h. It is GMAC: AES-GCM over what is
 * authenticated only, always with the same nonce, so that equal bytes have equal tags. With a nonce
 * that comes again a tag proves nothing to others. It need not: nobody else sees one. What is left
 * is the universal hash, whose collisions depend on the key alone. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "rill.h"

enum { KEY = 16, NONCE = 12, TAG = 16, PIECE = 1 << 30 };

struct rill_hasher {
    EVP_CIPHER_CTX *cipher; /* owned */
};

static const unsigned char nonce[NONCE];

rill_hasher *rill_hasher_new(void)
{
    unsigned char key[KEY];
    rill_hasher *hasher = calloc(1, sizeof(*hasher));
    if (!hasher)
        return NULL;
    hasher->cipher = EVP_CIPHER_CTX_new();
    bool made = hasher->cipher && RAND_bytes(key, KEY) == 1 &&
                EVP_EncryptInit_ex(hasher->cipher, EVP_aes_128_gcm(), NULL, key, nonce);
    OPENSSL_cleanse(key, KEY);
    if (made)
        return hasher;
    rill_hasher_free(hasher);
    return NULL;
}

void rill_hasher_free(rill_hasher *hasher)
{
    if (!hasher)
        return;
    EVP_CIPHER_CTX_free(hasher->cipher);
    free(hasher);
}

/* OpenSSL counts in int. */
static bool add(EVP_CIPHER_CTX *cipher, const unsigned char *data, size_t length)
{
    int none;
    for (size_t piece; length > 0; data += piece, length -= piece) {
        piece = length < PIECE ? length : PIECE;
        if (!EVP_EncryptUpdate(cipher, NULL, &none, data, (int)piece))
            return false;
    }
    return true;
}

int32_t rill_hasher_hash(rill_hasher *hasher, const void *data, size_t length, uint32_t halves[2])
{
    unsigned char tag[TAG];
    int none;
    if (!hasher || !halves || (!data && length))
        return -RILL_ARGUMENT;
    if (!EVP_EncryptInit_ex(hasher->cipher, NULL, NULL, NULL, nonce) ||
        !add(hasher->cipher, data, length) || !EVP_EncryptFinal_ex(hasher->cipher, tag, &none) ||
        !EVP_CIPHER_CTX_ctrl(hasher->cipher, EVP_CTRL_GCM_GET_TAG, TAG, tag))
        return -RILL_ERROR;
    memcpy(halves, tag, 2 * sizeof(*halves));
    return 0;
}
