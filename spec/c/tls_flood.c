/* A TLS server that floods its client with handshake messages: tls_flood HOW CERTIFICATE KEY.
 *
 * HOW  hello   HelloRequest, TLS 1.2; the client's alerts are thrown away
 *      update  KeyUpdate, TLS 1.3, which asks for one in return
 *      ticket  NewSessionTicket, TLS 1.3
 *
 * It prints {"port": N} when it listens, and {"event": "end", "bytes": N} when a connection is
 * over. Any number of connections, one after the other; each has SETTINGS and nothing more of
 * HTTP/2. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { MOST_BYTES = 64 << 20 };

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *length,
                   const unsigned char *offered, unsigned offered_length, void *arg)
{
    (void)ssl, (void)offered, (void)offered_length, (void)arg;
    *out = (const unsigned char *)"h2";
    *length = 2;
    return SSL_TLSEXT_ERR_OK;
}

/* One message more; 0: the client has gone, and it was not written. */
static int flood_once(SSL *ssl, const char *how)
{
    uint64_t before = BIO_number_written(SSL_get_wbio(ssl));
    if (!strcmp(how, "hello"))
        return SSL_renegotiate(ssl) && SSL_do_handshake(ssl) == 1;
    if (!strcmp(how, "update"))
        return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) && SSL_do_handshake(ssl) == 1;
    return SSL_new_session_ticket(ssl) && SSL_do_handshake(ssl) == 1 &&
           BIO_number_written(SSL_get_wbio(ssl)) > before;
}

/* What the client has answered is not read. It must not fill the socket either: where a window is
 * closed the kernel drops segments that carry acknowledgements, and both sides stall. */
static void throw_away(int fd)
{
    char bytes[16384];
    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

static void serve(SSL_CTX *context, int fd, const char *how)
{
    static const unsigned char settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_write(ssl, settings, sizeof(settings)) > 0)
        while (BIO_number_written(SSL_get_wbio(ssl)) < MOST_BYTES && flood_once(ssl, how)) {
            throw_away(fd);
            ERR_clear_error();
        }
    printf("{\"event\": \"end\", \"bytes\": %llu}\n",
           (unsigned long long)BIO_number_written(SSL_get_wbio(ssl)));
    ERR_clear_error();
    SSL_free(ssl);
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (argc != 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    int version = strcmp(argv[1], "hello") ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1 ||
        bind(listener, (struct sockaddr *)&address, size) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return 1;
    printf("{\"port\": %u}\n", ntohs(address.sin_port));
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
        serve(context, fd, argv[1]);
    return 1;
}
