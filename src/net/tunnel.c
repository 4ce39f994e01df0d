#include "net/tunnel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

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

static void ask_connect(rill_tunnel *tunnel, rill_transport *transport, const char *user_agent)
{
    char authority[300], line[700];
    write_authority(tunnel, authority);
    snprintf(line, sizeof(line), "CONNECT %s HTTP/1.1\r\nhost: %s\r\n", authority, authority);
    write_text(transport, line);
    if (tunnel->proxy->authorization) {
        write_text(transport, "proxy-authorization: ");
        write_text(transport, tunnel->proxy->authorization);
        write_text(transport, "\r\n");
    }
    if (user_agent && *user_agent) {
        write_text(transport, "user-agent: ");
        write_text(transport, user_agent);
        write_text(transport, "\r\n");
    }
    write_text(transport, "\r\n");
}

static int32_t read_status(rill_tunnel *tunnel, rill_error *err)
{
    int status = 0, length = 0;
    const char *text = tunnel->text;
    sscanf(text, "HTTP/1.%*1[0-9] %3d%n", &status, &length);
    if (!length || status < 100 || (text[length] && text[length] != ' '))
        return REFUSE(err, "the proxy does not answer CONNECT as HTTP/1.1: \"%.80s\"", text);
    if (status >= 300)
        return REFUSE(err, "the proxy refuses: %s", text);
    if (status == 101)
        return REFUSE(err, "the proxy switches protocols, unasked: %s", text);
    tunnel->status = status;
    tunnel->state = TUNNEL_FIELDS;
    return 0;
}

/* A line of the head has ended. */
static int32_t end_line(rill_tunnel *tunnel, rill_error *err)
{
    uint32_t length = tunnel->line;
    tunnel->line = 0;
    if (tunnel->state == TUNNEL_STATUS) {
        tunnel->text[length < TUNNEL_LINE ? length : TUNNEL_LINE] = 0;
        return read_status(tunnel, err);
    }
    if (!length)
        tunnel->state = tunnel->status < 200 ? TUNNEL_STATUS : TUNNEL_OPEN;
    return 0;
}

static int32_t read_head(rill_tunnel *tunnel, char c, rill_error *err)
{
    if (++tunnel->taken > TUNNEL_HEAD_MAX)
        return REFUSE(err, "the proxy's answer has more than %d bytes", TUNNEL_HEAD_MAX);
    if (c == '\n')
        return end_line(tunnel, err);
    if (c == '\r')
        return 0;
    if (tunnel->state == TUNNEL_STATUS && tunnel->line < TUNNEL_LINE)
        tunnel->text[tunnel->line] = c;
    tunnel->line++;
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
    ask_connect(tunnel, transport, user_agent);
    return 0;
}

/* What stands behind the answer is nobody's: we have not spoken yet. */
static int32_t take(rill_tunnel *tunnel, rill_transport *transport, const char *data,
                    int64_t length, rill_error *err)
{
    bool socks = rill_proxy_is_socks(tunnel->proxy);
    for (int64_t i = 0; i < length; i++) {
        if (tunnel->state == TUNNEL_OPEN)
            return REFUSE(err, "the proxy sends more than its answer, before anything was asked");
        int32_t code =
            socks ? read_socks(tunnel, transport, data[i], err) : read_head(tunnel, data[i], err);
        if (code)
            return code;
    }
    return 0;
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
        int32_t code = length ? take(tunnel, transport, data, length, err) : 0;
        if (code)
            return code;
        if (rill_transport_flush(transport, &why))
            return REFUSE(err, "the connection to the proxy broke: %s", why.message);
        if (!length)
            return 0;
    }
    return 1;
}
