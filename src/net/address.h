/* Where a connection can go: an IP address with a port, or a Unix socket. */
#ifndef RILL_ADDRESS_H
#define RILL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/un.h>

typedef struct rill_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t length;
} rill_address;

/* From 4 (AF_INET) or 16 (AF_INET6) bytes in network order. */
void rill_address_set(rill_address *address, int family, const void *bytes, uint16_t port);

/* "ip", "ip:port", "[ip6]:port" or "unix:/path"; `port` where none is given. IPv4 has four decimal
 * parts. False if it is none of these. */
bool rill_address_parse(const char *text, uint16_t port, rill_address *address);

/* Whether two are the same one; two without length are. */
bool rill_address_equal(const rill_address *a, const rill_address *b);

/* Numeric form without port into `text` (46 bytes); "" for a Unix socket. */
void rill_address_print(const rill_address *address, char *text);
int32_t rill_address_port(const rill_address *address); /* 0 for a Unix socket */

/* Whether it is globally reachable unicast, by IANA's special-purpose address registries: private,
 * local, shared, documentation, multicast and reserved addresses are not, nor what nobody was
 * given. IPv4 addresses embedded in IPv6 (mapped, NAT64, 6to4, Teredo) count themselves. Unix
 * sockets are not. */
bool rill_address_is_global(const rill_address *address);

#endif
