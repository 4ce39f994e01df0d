#include "net/tunnel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "http/head.h"

#define REFUSE(err, ...) rill_error_connect(err, RILL_KIND_PROXY, __VA_ARGS__)

static void write_text(rill_transport *transport, const char *text)
{
    rill_transport_write(transport, text, strlen(text));
}

/* --- CONNECT --------------------------------------------------------------------------------- */

/* "host:port" as it is asked for; `text` has room for 300 bytes. */
static void write_authority(const rill_tunnel *tunnel, char *text)
{
    char address[46];
    const char *host = tunnel->host;
    if (tunnel->address) {
        rill_address_print(tunnel->address, address);
        host = address;
    }
    snprintf(text, 300, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, tunnel->port);
}

static int32_t ask_connect(rill_tunnel *tunnel, rill_transport *transport, const char *user_agent,
                           rill_error *err)
{
    rill_slab *slab = &transport->socket.turn->slab;
    const char *rights = tunnel->proxy->authorization;
    char authority[300];
    rill_bytes fields = {0}, out = {0};
    write_authority(tunnel, authority);
    bool whole = !user_agent || !*user_agent ||
                 rill_fields_add(slab, &fields, "user-agent", user_agent, strlen(user_agent));
    rill_head head = {.method = RILL_CHARS("CONNECT"),
                      .authority = {authority, strlen(authority)},
                      .connect = true,
                      .proxy_authorization = {rights, rights ? strlen(rights) : 0},
                      .block = {fields.data ? fields.data : "", fields.length}};
    whole = whole && rill_head_write(&head, false, slab, &out) &&
            !rill_transport_write(transport, out.data, out.length);
    rill_bytes_dispose(slab, &fields);
    rill_bytes_dispose(slab, &out);
    return whole ? 0 : rill_error_memory(err);
}

static int32_t judge(rill_tunnel *tunnel, rill_error *err)
{
    const rill_lines *lines = &tunnel->lines;
    int length = lines->first.length < TUNNEL_LINE ? (int)lines->first.length : TUNNEL_LINE;
    const char *text = lines->first.data;
    if (lines->state == LINES_FIRST)
        return REFUSE(err, "the proxy does not answer CONNECT as HTTP/1.1: \"%.*s\"",
                      length < 80 ? length : 80, text);
    if (lines->status >= 300)
        return REFUSE(err, "the proxy refuses: %.*s", length, text);
    if (lines->status == 101)
        return REFUSE(err, "the proxy switches protocols, unasked: %.*s", length, text);
    return 0;
}

/* Its fields are ignored, good or bad. */
static int32_t read_head(rill_tunnel *tunnel, rill_slab *slab, rill_chars *in, rill_error *err)
{
    rill_lines *lines = &tunnel->lines;
    size_t had = in->length;
    enum rill_lines_found found = rill_lines_next(lines, slab, in, TUNNEL_HEAD_MAX);
    tunnel->taken += (uint32_t)(had - in->length);
    if (tunnel->taken > TUNNEL_HEAD_MAX)
        return REFUSE(err, "the proxy's answer has more than %d bytes", TUNNEL_HEAD_MAX);
    if (found == LINES_NO_MEMORY)
        return rill_error_memory(err);
    if (found == LINES_STATUS || (found == LINES_BROKEN && lines->state == LINES_FIRST))
        return judge(tunnel, err);
    if (found == LINES_END && lines->status >= 200)
        tunnel->state = TUNNEL_OPEN;
    else if (found == LINES_END)
        *lines = (rill_lines){0}; /* 1xx: another head follows */
    return 0;
}

/* --- SOCKS5 ---------------------------------------------------------------------------------- */

enum { VERSION = 5, NO_RIGHTS = 0, PASSWORD = 2, NONE_WILL_DO = 0xff, RIGHTS_VERSION = 1 };
enum { COMMAND_CONNECT = 1, TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };

static void await(rill_tunnel *tunnel, enum tunnel_state state, uint32_t wanted)
{
    tunnel->state = state;
    tunnel->taken = 0;
    tunnel->wanted = wanted;
}

static int32_t ask_socks(rill_tunnel *tunnel, rill_transport *transport, rill_error *err)
{
    const rill_proxy *proxy = tunnel->proxy;
    if (proxy->user && (strlen(proxy->user) > TUNNEL_TEXT || strlen(proxy->password) > TUNNEL_TEXT))
        return REFUSE(err, "SOCKS carries no user or password above %d bytes", TUNNEL_TEXT);
    uint8_t methods[] = {VERSION, proxy->user ? 2 : 1, NO_RIGHTS, PASSWORD};
    rill_transport_write(transport, methods, 2u + methods[1]);
    await(tunnel, TUNNEL_METHOD, 2);
    return 0;
}

static void show_rights(rill_tunnel *tunnel, rill_transport *transport)
{
    const rill_proxy *proxy = tunnel->proxy;
    uint8_t head[] = {RIGHTS_VERSION, (uint8_t)strlen(proxy->user)};
    uint8_t length = (uint8_t)strlen(proxy->password);
    rill_transport_write(transport, head, 2);
    write_text(transport, proxy->user);
    rill_transport_write(transport, &length, 1);
    write_text(transport, proxy->password);
    await(tunnel, TUNNEL_RIGHTS, 2);
}

static void ask_target(rill_tunnel *tunnel, rill_transport *transport)
{
    const rill_address *to = tunnel->address;
    rill_address literal;
    if (!to && rill_address_parse(tunnel->host, 0, &literal) && literal.any.sa_family != AF_UNIX)
        to = &literal;
    uint8_t head[] = {VERSION, COMMAND_CONNECT, 0, TYPE_NAME};
    uint8_t port[] = {(uint8_t)(tunnel->port >> 8), (uint8_t)tunnel->port};
    if (to)
        head[3] = to->any.sa_family == AF_INET6 ? TYPE_IPV6 : TYPE_IPV4;
    rill_transport_write(transport, head, sizeof(head));
    if (head[3] == TYPE_IPV6) {
        rill_transport_write(transport, &to->v6.sin6_addr, 16);
    } else if (to) {
        rill_transport_write(transport, &to->v4.sin_addr, 4);
    } else {
        uint8_t length = (uint8_t)strlen(tunnel->host);
        rill_transport_write(transport, &length, 1);
        write_text(transport, tunnel->host);
    }
    rill_transport_write(transport, port, 2);
    await(tunnel, TUNNEL_REPLY, 5); /* with the first byte of the address: a name's length */
}

static int32_t end_method(rill_tunnel *tunnel, rill_transport *transport, uint8_t method,
                          rill_error *err)
{
    if (method == PASSWORD && tunnel->proxy->user)
        show_rights(tunnel, transport);
    else if (method == NO_RIGHTS)
        ask_target(tunnel, transport);
    else
        return REFUSE(err, "the proxy accepts %s",
                      tunnel->proxy->user ? "no user and password"
                                          : "nobody without user and password");
    return 0;
}

/* RFC 1928 section 6. */
static int32_t refuse_reply(uint8_t reply, rill_error *err)
{
    static const char *const replies[] = {"",
                                          "it has failed",
                                          "its rules do not allow it",
                                          "network unreachable",
                                          "host unreachable",
                                          "connection refused",
                                          "time to live expired",
                                          "it knows no CONNECT",
                                          "it knows no such address"};
    if (reply < sizeof(replies) / sizeof(*replies))
        return REFUSE(err, "the proxy refuses: %s (%u)", replies[reply], reply);
    return REFUSE(err, "the proxy refuses: reply %u", reply);
}

static int32_t end_reply(rill_tunnel *tunnel, rill_error *err)
{
    const uint8_t *answer = (const uint8_t *)tunnel->text;
    if (answer[1])
        return refuse_reply(answer[1], err);
    if (tunnel->wanted == 5) {
        uint8_t type = answer[3];
        if (type != TYPE_IPV4 && type != TYPE_IPV6 && type != TYPE_NAME)
            return REFUSE(err, "the proxy answers with an address of type %u", type);
        tunnel->wanted = 6 + (type == TYPE_IPV4 ? 4u : type == TYPE_IPV6 ? 16u : answer[4] + 1u);
    }
    if (tunnel->taken == tunnel->wanted)
        tunnel->state = TUNNEL_OPEN;
    return 0;
}

static int32_t read_socks(rill_tunnel *tunnel, rill_transport *transport, char c, rill_error *err)
{
    const uint8_t *answer = (const uint8_t *)tunnel->text;
    if (tunnel->taken < TUNNEL_LINE) /* what is behind is the address that it comes from */
        tunnel->text[tunnel->taken] = c;
    if (++tunnel->taken < tunnel->wanted)
        return 0;
    uint8_t version = tunnel->state == TUNNEL_RIGHTS ? RIGHTS_VERSION : VERSION;
    if (answer[0] != version)
        return REFUSE(err, "the proxy does not answer as SOCKS5 does");
    if (tunnel->state == TUNNEL_METHOD)
        return end_method(tunnel, transport, answer[1], err);
    if (tunnel->state == TUNNEL_REPLY)
        return end_reply(tunnel, err);
    if (answer[1])
        return REFUSE(err, "the proxy refuses user and password");
    ask_target(tunnel, transport);
    return 0;
}

/* --- both ------------------------------------------------------------------------------------ */

int32_t rill_tunnel_begin(rill_tunnel *tunnel, rill_transport *transport, const rill_proxy *proxy,
                          const char *host, uint16_t port, const rill_address *address,
                          const char *user_agent, rill_error *err)
{
    *tunnel = (rill_tunnel){.proxy = proxy, .host = host, .port = port, .address = address};
    if (!address && strlen(host) > TUNNEL_TEXT)
        return REFUSE(err, "a proxy is asked for no name above %d bytes", TUNNEL_TEXT);
    if (rill_proxy_is_socks(proxy))
        return ask_socks(tunnel, transport, err);
    return ask_connect(tunnel, transport, user_agent, err);
}

void rill_tunnel_dispose(rill_tunnel *tunnel, rill_slab *slab)
{
    rill_bytes_dispose(slab, &tunnel->lines.line);
}

/* What stands behind the answer is nobody's: we have not spoken yet. */
static int32_t take(rill_tunnel *tunnel, rill_transport *transport, rill_chars in, rill_error *err)
{
    bool socks = rill_proxy_is_socks(tunnel->proxy);
    int32_t code = 0;
    while (!code && in.length) {
        if (tunnel->state == TUNNEL_OPEN)
            return REFUSE(err, "the proxy sends more than its answer, before anything was asked");
        if (!socks) {
            code = read_head(tunnel, &transport->socket.turn->slab, &in, err);
            continue;
        }
        code = read_socks(tunnel, transport, *in.data++, err);
        in.length--;
    }
    return code;
}

int32_t rill_tunnel_act(rill_tunnel *tunnel, rill_transport *transport, rill_error *err)
{
    char data[16 << 10];
    rill_error why = {0};
    rill_transport_begin(transport);
    while (tunnel->state != TUNNEL_OPEN) {
        int64_t length = rill_transport_read(transport, data, sizeof(data), &why);
        if (length < 0)
            return REFUSE(err, "the proxy has ended it before the tunnel was open: %s",
                          why.message);
        rill_chars in = {data, (size_t)length};
        int32_t code = take(tunnel, transport, in, err);
        if (code)
            return code;
        if (rill_transport_flush(transport, &why))
            return REFUSE(err, "the connection to the proxy broke: %s", why.message);
        if (!length)
            return 0;
    }
    return 1;
}
