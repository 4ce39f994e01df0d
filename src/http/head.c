#include "http/head.h"

#include "http/fields.h"

/* A text that is left out unless it is wanted. */
static rill_chars only(bool wanted, rill_chars text)
{
    return wanted ? text : (rill_chars){0};
}

bool rill_head_write(const rill_head *head, bool chunked, rill_slab *slab, rill_bytes *out)
{
    /* a proxy is asked for the whole URL, which has no path where a server is asked for "*" (RFC
     * 9112 section 3.2.4) */
    bool whole = head->forward && !head->connect;
    bool pathless = head->connect || (whole && rill_fields_is(head->target, "*"));
    bool counted = head->length.length && !chunked, rights = head->proxy_authorization.length;
    const rill_bytes *defaults = head->block.data ? NULL : &head->defaults->block;
    const rill_chars parts[] = {
        head->method,
        RILL_CHARS(" "),
        only(whole, head->scheme),
        only(whole, RILL_CHARS("://")),
        only(whole || head->connect, head->authority),
        only(!pathless, head->target),
        RILL_CHARS(" HTTP/1.1\r\nhost: "),
        head->authority,
        only(rights, RILL_CHARS("\r\nproxy-authorization: ")),
        head->proxy_authorization,
        defaults ? (rill_chars){defaults->data, defaults->length} : head->block,
        only(chunked, RILL_CHARS("\r\ntransfer-encoding: chunked")),
        only(counted, RILL_CHARS("\r\ncontent-length: ")),
        only(counted, head->length),
        only(head->expect, RILL_CHARS("\r\nexpect: 100-continue")),
        RILL_CHARS("\r\n\r\n"),
    };
    return rill_bytes_join(slab, out, parts, sizeof(parts) / sizeof(*parts));
}
