#include "address.h"

#include <arpa/inet.h>
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
