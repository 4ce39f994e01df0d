#include "url/authority.h"

#include <arpa/inet.h>
#include <string.h>

#include "url/idna.h"

/* Longest name in the DNS, and the longest UTF-8 that could become one. */
enum { HOST_MAX = 255, UNICODE_HOST_MAX = 4 * HOST_MAX };

/* "[address]", which inet_pton() knows best. */
static bool read_ip6(rill_cleaner *c)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const uint8_t *first = c->in.at + 1, *end = memchr(first, ']', (size_t)(c->in.end - first));
    if (!end || end - first >= (ptrdiff_t)sizeof(text))
        return rill_cleaner_fail(c, "its IPv6 address is wrong");
    size_t length = (size_t)(end - first);
    memcpy(text, first, length);
    text[length] = '\0';
    if (strlen(text) != length || inet_pton(AF_INET6, text, &address) != 1)
        return rill_cleaner_fail(c, "its IPv6 address is wrong");
    rill_cleaner_put(c, "[", 1);
    c->url->host = (int32_t)c->length;
    if (c->normalize && inet_ntop(AF_INET6, &address, text, sizeof(text)))
        rill_cleaner_put(c, text, strlen(text));
    else
        rill_cleaner_put_lower(c, first, length);
    c->url->host_length = (int32_t)c->length - c->url->host;
    rill_cleaner_put(c, "]", 1);
    c->in.at = end + 1;
    return true;
}

/* Writes a host that is plain now. What comes out of escapes and IDNA is checked, not what went in:
 * full-width forms turn into delimiters. */
static bool put_host(rill_cleaner *c, const char *host, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!rill_cleaner_allows(RILL_PART_HOST, (uint8_t)host[i]))
            return rill_cleaner_fail(c, "its host holds a character that no host may hold");
    rill_cleaner_put_lower(c, (const uint8_t *)host, length);
    return true;
}

/* A host that is not all plain ASCII: unescapes it and asks IDNA. */
static bool read_unicode_host(rill_cleaner *c, const uint8_t *end)
{
    uint8_t name[UNICODE_HOST_MAX + 1] = "";
    char ascii[RILL_IDNA_ROOM];
    size_t length = 0, ascii_length;
    for (rill_span in = {c->in.at, end}; in.at < end;) {
        int byte = rill_cleaner_escaped_byte(in);
        name[length] = byte < 0 ? *in.at : (uint8_t)byte;
        if (++length > UNICODE_HOST_MAX)
            return rill_cleaner_fail(c, "its host is longer than 255 bytes");
        in.at += byte < 0 ? 1 : 3;
    }
    if (!rill_idna_is_needed(name, length))
        return put_host(c, (const char *)name, length);
    if (!rill_idna_to_ascii(name, length, ascii, &ascii_length))
        return rill_cleaner_fail(c, rill_idna_is_there()
                                        ? "its host is no internationalized name"
                                        : "its host needs libidn2.so.0, which cannot be loaded: "
                                          "install Debian's libidn2-0");
    return put_host(c, ascii, ascii_length);
}

/* Whether a label is a number as inet_aton() reads them; it is in lower case. */
static bool is_number(const char *label, const char *end)
{
    bool hex = end - label > 1 && label[0] == '0' && label[1] == 'x';
    if (label == end)
        return false;
    for (const char *at = hex ? label + 2 : label; at < end; at++)
        if (hex ? rill_cleaner_hex_digit((uint8_t)*at) < 0 : !rill_cleaner_is_digit((uint8_t)*at))
            return false;
    return true;
}

/* Reads a number of an IPv4 address: decimal, octal behind "0", hexadecimal behind "0x". Returns
 * UINT64_MAX for what is none. */
static uint64_t read_number(const char *at, const char *end)
{
    uint64_t value = 0, base = 10;
    if (end - at >= 2 && at[0] == '0') {
        base = at[1] == 'x' ? 16 : 8;
        at += base == 16 ? 2 : 1;
    } else if (at == end) {
        return UINT64_MAX;
    }
    for (; at < end; at++) {
        int digit = rill_cleaner_hex_digit((uint8_t)*at);
        if (digit < 0 || (uint64_t)digit >= base)
            return UINT64_MAX;
        value = value * base + (uint64_t)digit;
        if (value > UINT32_MAX)
            return UINT64_MAX;
    }
    return value;
}

/* Reads one to four numbers; the last fills what bytes are left. */
static bool read_ip4(const char *at, const char *end, uint32_t *address)
{
    uint64_t value = 0;
    for (int count = 1; count <= 4; count++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        uint64_t number = read_number(at, dot ? dot : end);
        if (number > (dot ? 255 : UINT32_MAX >> 8 * (count - 1)))
            return false;
        value |= dot ? number << 8 * (4 - count) : number;
        *address = (uint32_t)value;
        if (!dot)
            return true;
        at = dot + 1;
    }
    return false;
}

/* Browsers take a host whose last label is a number for an IPv4 address, however it is spelled. No
 * name in the DNS looks like that, and so an address has one name only. */
static bool canonize_ip4(rill_cleaner *c)
{
    const char *host = c->out + c->url->host, *end = c->out + c->length;
    if (end > host && end[-1] == '.')
        end--;
    const char *label = end;
    while (label > host && label[-1] != '.')
        label--;
    if (!is_number(label, end))
        return true;
    uint32_t address;
    char text[INET_ADDRSTRLEN];
    if (!read_ip4(host, end, &address))
        return rill_cleaner_fail(c, "its IPv4 address is wrong");
    struct in_addr binary = {htonl(address)};
    inet_ntop(AF_INET, &binary, text, sizeof(text));
    c->length = (uint32_t)c->url->host;
    rill_cleaner_put(c, text, strlen(text));
    return true;
}

static bool read_host(rill_cleaner *c)
{
    if (c->in.at < c->in.end && *c->in.at == '[')
        return read_ip6(c);
    const uint8_t *at = c->in.at, *end = at;
    while (end < c->in.end && *end != ':')
        end++;
    c->url->host = (int32_t)c->length;
    while (at < end && rill_cleaner_allows(RILL_PART_HOST, *at))
        at++;
    if (at == end && !rill_idna_has_punycode(c->in.at, (size_t)(end - c->in.at)))
        rill_cleaner_put_lower(c, c->in.at, (size_t)(end - c->in.at));
    else if (!read_unicode_host(c, end))
        return false;
    c->in.at = end;
    if (c->http && !canonize_ip4(c))
        return false;
    c->url->host_length = (int32_t)c->length - c->url->host;
    if (c->url->host_length > HOST_MAX)
        return rill_cleaner_fail(c, "its host is longer than 255 bytes");
    if (c->http && !c->url->host_length)
        return rill_cleaner_fail(c, "it has no host");
    return true;
}

/* Reads ":port", or nothing. An empty port is the default one (section 3.2.3). */
static bool read_port(rill_cleaner *c)
{
    c->url->port = c->default_port;
    if (c->in.at == c->in.end)
        return true;
    if (*c->in.at != ':')
        return rill_cleaner_fail(c, "something stands between its host and its port");
    const uint8_t *first = c->in.at + 1, *end = c->in.end;
    int32_t port = 0;
    for (const uint8_t *at = first; at < end; at++) {
        if (!rill_cleaner_is_digit(*at))
            return rill_cleaner_fail(c, "its port is not a number");
        port = port * 10 + (*at - '0');
        if (port > 65535)
            return rill_cleaner_fail(c, "its port is above 65535");
    }
    c->in.at = end;
    if (first < end)
        c->url->port = port;
    if (c->normalize) {
        if (c->url->port == c->default_port)
            return true;
        while (end - first > 1 && *first == '0')
            first++;
        if (first == end)
            return true;
    }
    rill_cleaner_put(c, ":", 1);
    rill_cleaner_put(c, first, (size_t)(end - first));
    return true;
}

/* Copies user and password, which end at `end`. Of colons the first divides them, others are
 * escaped. */
static bool copy_userinfo(rill_cleaner *c, const uint8_t *end)
{
    const uint8_t *colon = memchr(c->in.at, ':', (size_t)(end - c->in.at));
    c->in.end = colon ? colon : end;
    if (!rill_cleaner_copy(c, RILL_PART_USERINFO))
        return false;
    if (!colon)
        return true;
    rill_cleaner_put(c, ":", 1);
    c->in = (rill_span){colon + 1, end};
    return rill_cleaner_copy(c, RILL_PART_PASSWORD);
}

bool rill_authority_read(rill_cleaner *c)
{
    rill_url *url = c->url;
    const uint8_t *const text_end = c->in.end, *end = c->in.at, *user_end = NULL;
    for (; end < text_end; end++) {
        if (*end == '@')
            user_end = end; /* the last one, as in browsers: passwords hold them */
        else if (*end == '/' || *end == '?' || *end == '#' || (*end == '\\' && c->http))
            break;
    }
    rill_cleaner_put(c, "//", 2);
    url->userinfo = 0;
    url->userinfo_length = -1;
    if (user_end && !(c->normalize && user_end == c->in.at)) {
        url->userinfo = (int32_t)c->length;
        if (!copy_userinfo(c, user_end))
            return false;
        url->userinfo_length = (int32_t)c->length - url->userinfo;
        rill_cleaner_put(c, "@", 1);
    }
    c->in = (rill_span){user_end ? user_end + 1 : c->in.at, end};
    url->authority = (int32_t)c->length;
    if (!read_host(c) || !read_port(c))
        return false;
    url->authority_length = (int32_t)c->length - url->authority;
    url->path = (int32_t)c->length;
    c->in.end = text_end;
    return true;
}
