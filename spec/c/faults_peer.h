/* A small HTTP/2 server in a process of its own, which hangs up after so many bytes. It answers
 * every request with 200: streams 1, 5, 9, ... with a short body, the others with one in pieces and
 * trailers. It may be a proxy first, which leads to itself. */
#ifndef FAULTS_PEER_H
#define FAULTS_PEER_H

#include <stdint.h>
#include <sys/types.h>

enum peer_way {
    PEER_ORIGIN,      /* no proxy */
    PEER_CONNECT,     /* one that is asked by CONNECT */
    PEER_CONNECT_TLS, /* the same over TLS, with the certificate of the origin */
    PEER_SOCKS        /* SOCKS5, with a password */
};

/* Shared with that process. */
typedef struct peer_plan {
    volatile int64_t cut;    /* bytes sent on a connection before it goes: even with FIN, odd reset;
                                -1: it stays */
    volatile uint32_t piece; /* bytes of each of the three pieces of a long body */
    volatile int64_t sent;   /* bytes, on the last connection */
    volatile int64_t requests;
    enum peer_way way;
} peer_plan;

/* Starts it on a port of 127.0.0.1; TLS when `cert` is not NULL. The process ends with this one.
 * Exits when the system refuses. */
peer_plan *peer_start(enum peer_way way, const char *cert, const char *key, uint16_t *port,
                      pid_t *pid);

#endif
