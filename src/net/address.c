#include "net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

void rill_address_set(rill_address *address, int family, const void *bytes, uint16_t port)
{
    memset(address, 0, sizeof(*address));
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        memcpy(&address->v4.sin_addr, bytes, sizeof(address->v4.sin_addr));
        address->v4.sin_port = htons(port);
        address->length = sizeof(address->v4);
    } else {
        memcpy(&address->v6.sin6_addr, bytes, sizeof(address->v6.sin6_addr));
        address->v6.sin6_port = htons(port);
        address->length = sizeof(address->v6);
    }
}

static bool parse_local(const char *path, rill_address *address)
{
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof(address->local.sun_path))
        return false;
    memset(address, 0, sizeof(*address));
    address->local.sun_family = AF_UNIX;
    memcpy(address->local.sun_path, path, length);
    address->length = sizeof(address->local);
    return true;
}

static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    for (; *text >= '0' && *text <= '9' && value <= UINT16_MAX; text++)
        value = value * 10 + (uint32_t)(*text - '0');
    if (*text || !value || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* The IP address in `text` up to `end`. */
static bool parse_ip(const char *text, const char *end, int family, uint16_t port,
                     rill_address *address)
{
    char ip[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    size_t length = (size_t)(end - text);
    if (length >= sizeof(ip))
        return false;
    memcpy(ip, text, length);
    ip[length] = 0;
    if (inet_pton(family, ip, bytes) != 1)
        return false;
    rill_address_set(address, family, bytes, port);
    return true;
}

bool rill_address_parse(const char *text, uint16_t port, rill_address *address)
{
    if (!strncmp(text, "unix:", 5))
        return parse_local(text + 5, address);
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] && (end[1] != ':' || !parse_port(end + 2, &port))))
            return false;
        return parse_ip(text + 1, end, AF_INET6, port, address);
    }
    const char *colon = strchr(text, ':');
    if (colon && strchr(colon + 1, ':')) /* two of them: IPv6 without a port */
        return parse_ip(text, text + strlen(text), AF_INET6, port, address);
    if (colon && !parse_port(colon + 1, &port))
        return false;
    return parse_ip(text, colon ? colon : text + strlen(text), AF_INET, port, address);
}

bool rill_address_equal(const rill_address *a, const rill_address *b)
{
    return a->length == b->length && !memcmp(&a->any, &b->any, a->length);
}

void rill_address_print(const rill_address *address, char *text)
{
    text[0] = 0;
    if (address->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &address->v4.sin_addr, text, INET6_ADDRSTRLEN);
    else if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->v6.sin6_addr, text, INET6_ADDRSTRLEN);
}

int32_t rill_address_port(const rill_address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    if (address->any.sa_family == AF_INET6)
        return ntohs(address->v6.sin6_port);
    return 0;
}

/* --- reach ----------------------------------------------------------------------------------- */

enum reach {
    REACH_NONE,
    REACH_GLOBAL,
    REACH_EMBEDDED, /* as far as the IPv4 address in it */
    REACH_TEREDO /* as far as both of them: the server's, and the client's, inverted (RFC 4380) */
};

struct block {
    const char *prefix;
    uint8_t bits;
    uint8_t reach;
    uint8_t at; /* REACH_EMBEDDED: the first byte of the IPv4 address */
};

/* IANA's special-purpose address registries (RFC 6890, RFC 8190) as of 2025, without what stands
 * inside a larger block of the same reach; exceptions stand before the block they are in. */
static const struct block v4_blocks[] = {
    {"0.0.0.0", 8, REACH_NONE, 0},       /* this network */
    {"10.0.0.0", 8, REACH_NONE, 0},      /* private use */
    {"100.64.0.0", 10, REACH_NONE, 0},   /* shared by carriers */
    {"127.0.0.0", 8, REACH_NONE, 0},     /* loopback */
    {"169.254.0.0", 16, REACH_NONE, 0},  /* link-local; clouds tell their secrets here */
    {"172.16.0.0", 12, REACH_NONE, 0},   /* private use */
    {"192.0.0.9", 32, REACH_GLOBAL, 0},  /* Port Control Protocol anycast */
    {"192.0.0.10", 32, REACH_GLOBAL, 0}, /* TURN anycast */
    {"192.0.0.0", 24, REACH_NONE, 0},    /* protocol assignments */
    {"192.0.2.0", 24, REACH_NONE, 0},    /* documentation */
    {"192.88.99.0", 24, REACH_NONE, 0},  /* 6to4 relay anycast, deprecated */
    {"192.168.0.0", 16, REACH_NONE, 0},  /* private use */
    {"198.18.0.0", 15, REACH_NONE, 0},   /* benchmarking */
    {"198.51.100.0", 24, REACH_NONE, 0}, /* documentation */
    {"203.0.113.0", 24, REACH_NONE, 0},  /* documentation */
    {"224.0.0.0", 3, REACH_NONE, 0},     /* multicast, reserved, broadcast */
    {"0.0.0.0", 0, REACH_GLOBAL, 0},
};

static const struct block v6_blocks[] = {
    {"::ffff:0:0", 96, REACH_EMBEDDED, 12}, /* IPv4-mapped */
    {"64:ff9b::", 96, REACH_EMBEDDED, 12},  /* NAT64 */
    {"2001::", 32, REACH_TEREDO, 0},        /* Teredo */
    {"2001:1::1", 128, REACH_GLOBAL, 0},    /* Port Control Protocol anycast */
    {"2001:1::2", 128, REACH_GLOBAL, 0},    /* TURN anycast */
    {"2001:1::3", 128, REACH_GLOBAL, 0},    /* DNS-SD registration anycast */
    {"2001:3::", 32, REACH_GLOBAL, 0},      /* AMT */
    {"2001:4:112::", 48, REACH_GLOBAL, 0},  /* AS112 */
    {"2001:20::", 28, REACH_GLOBAL, 0},     /* ORCHIDv2 */
    {"2001:30::", 28, REACH_GLOBAL, 0},     /* drone remote identification */
    {"2001::", 23, REACH_NONE, 0},          /* protocol assignments */
    {"2001:db8::", 32, REACH_NONE, 0},      /* documentation */
    {"2002::", 16, REACH_EMBEDDED, 2},      /* 6to4 */
    {"3fff::", 20, REACH_NONE, 0},          /* documentation */
    {"2000::", 3, REACH_GLOBAL, 0},         /* global unicast */
    {"::", 0, REACH_NONE, 0}, /* unspecified, loopback, IPv4-compatible, local NAT64, discard-only,
                                 segment routing, unique-local, link- and site-local, multicast,
                                 and what nobody was given */
};

static bool starts_with(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(bytes, prefix, whole) != 0)
        return false;
    return !rest || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

/* The first block that holds the address: the last one holds all. */
static const struct block *find_block(const struct block *block, int family, const uint8_t *bytes)
{
    for (;; block++) {
        uint8_t prefix[sizeof(struct in6_addr)];
        int parsed = inet_pton(family, block->prefix, prefix);
        assert(parsed == 1);
        if (starts_with(bytes, prefix, block->bits))
            return block;
    }
}

static bool v4_is_global(const uint8_t *bytes)
{
    return find_block(v4_blocks, AF_INET, bytes)->reach == REACH_GLOBAL;
}

static bool v6_is_global(const uint8_t *bytes)
{
    const struct block *block = find_block(v6_blocks, AF_INET6, bytes);
    if (block->reach == REACH_EMBEDDED)
        return v4_is_global(bytes + block->at);
    if (block->reach == REACH_TEREDO) {
        uint8_t client[4];
        for (int i = 0; i < 4; i++)
            client[i] = bytes[12 + i] ^ 0xff;
        return v4_is_global(bytes + 4) && v4_is_global(client);
    }
    return block->reach == REACH_GLOBAL;
}

bool rill_address_is_global(const rill_address *address)
{
    if (address->any.sa_family == AF_INET)
        return v4_is_global((const uint8_t *)&address->v4.sin_addr);
    if (address->any.sa_family == AF_INET6)
        return v6_is_global(address->v6.sin6_addr.s6_addr);
    return false;
}
