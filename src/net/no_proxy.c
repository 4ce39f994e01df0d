/* Which hosts go without a proxy: names with what is below them, addresses and their networks. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/proxy.h"

enum { ENTRY_MAX = 300 };

#define SEPARATORS ", \t\r\n"

typedef struct exempt {
    char name[ENTRY_MAX]; /* without port, prefix, brackets and outer dots; "*": all */
    int32_t port;         /* 0: any */
    int family;           /* AF_UNSPEC: a name */
    int prefix;           /* bits of the address that count */
    uint8_t address[16];
} exempt;

/* A number up to `most`; -1: it is none. */
static int32_t number_of(const char *text, int32_t most)
{
    char *end;
    long value = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;
    return value < 0 || *end || value > most ? -1 : (int32_t)value;
}

static int parse_address(const char *text, uint8_t *address)
{
    return inet_pton(AF_INET, text, address) == 1    ? AF_INET
           : inet_pton(AF_INET6, text, address) == 1 ? AF_INET6
                                                     : AF_UNSPEC;
}

/* Takes ":port" off, or the brackets with it. False: neither is right. */
static bool take_port(exempt *entry)
{
    char *name = entry->name, *colon = strrchr(name, ':');
    if (name[0] == '[') {
        char *end = strchr(name, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        entry->port = end[1] ? number_of(end + 2, UINT16_MAX) : 0;
        *end = 0;
        memmove(name, name + 1, strlen(name));
        return entry->port >= 0;
    }
    if (!colon || strchr(name, ':') != colon)
        return true; /* no port, or IPv6 */
    *colon = 0;
    entry->port = number_of(colon + 1, UINT16_MAX);
    return entry->port > 0;
}

static bool take_prefix(exempt *entry)
{
    char *slash = strchr(entry->name, '/');
    if (slash)
        *slash = 0;
    entry->family = parse_address(entry->name, entry->address);
    int most = entry->family == AF_INET6 ? 128 : 32;
    entry->prefix = slash ? number_of(slash + 1, most) : most;
    return !slash || (entry->family != AF_UNSPEC && entry->prefix >= 0);
}

/* Takes outer dots off: what stands for a name stands for what is below it too. */
static bool take_dots(exempt *entry)
{
    char *name = entry->name;
    size_t length = strlen(name);
    if (length && name[length - 1] == '.')
        name[--length] = 0;
    if (name[0] == '*' && name[1] == '.')
        memmove(name, name + 1, length--);
    if (name[0] == '.')
        memmove(name, name + 1, length--);
    if (!strcmp(name, "*"))
        return true;
    for (size_t i = 0; i < length; i++)
        if (strchr("*/?#@\\[]\"", name[i]) || (unsigned char)name[i] <= ' ')
            return false;
    return length > 0;
}

static bool read_entry(const char *text, size_t length, exempt *entry)
{
    *entry = (exempt){0};
    if (length >= ENTRY_MAX)
        return false;
    memcpy(entry->name, text, length);
    return take_port(entry) && take_prefix(entry) &&
           (entry->family != AF_UNSPEC || take_dots(entry));
}

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
    int bytes = bits / 8, rest = bits % 8;
    return !memcmp(a, b, (size_t)bytes) && (!rest || !((a[bytes] ^ b[bytes]) >> (8 - rest)));
}

/* `host` has no final dot. */
static bool is_below(const char *name, const char *host)
{
    size_t length = strlen(host), own = strlen(name);
    if (length < own || strcasecmp(host + length - own, name) != 0)
        return false;
    return length == own || host[length - own - 1] == '.';
}

static bool matches(const exempt *entry, const char *host, int family, const uint8_t *address,
                    uint16_t port)
{
    if (entry->port && entry->port != port)
        return false;
    if (!strcmp(entry->name, "*"))
        return true;
    if (entry->family != AF_UNSPEC || family != AF_UNSPEC)
        return entry->family == family && same_bits(entry->address, address, entry->prefix);
    return is_below(entry->name, host);
}

bool rill_no_proxy_has(const char *list, const char *host, size_t host_length, uint16_t port)
{
    char name[ENTRY_MAX];
    uint8_t address[16];
    if (!list || !host_length || host_length >= sizeof(name))
        return false;
    memcpy(name, host, host_length);
    name[host_length - (host[host_length - 1] == '.')] = 0;
    name[host_length] = 0;
    int family = parse_address(name, address);
    exempt entry;
    for (list += strspn(list, SEPARATORS); *list; list += strspn(list, SEPARATORS)) {
        size_t length = strcspn(list, SEPARATORS);
        if (read_entry(list, length, &entry) && matches(&entry, name, family, address, port))
            return true;
        list += length;
    }
    return false;
}

size_t rill_no_proxy_bad(const char *list, size_t *at, const char **entry)
{
    exempt read;
    while (list[ *at += strspn(list + *at, SEPARATORS)]) {
        size_t length = strcspn(list + *at, SEPARATORS);
        *entry = list + *at;
        *at += length;
        if (!read_entry(*entry, length, &read))
            return length;
    }
    return 0;
}
