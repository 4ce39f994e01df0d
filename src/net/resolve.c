#include "net/resolve.h"

#include <string.h>
#include <strings.h>

#include <ares.h>

#include "net/channel.h"
#include "base/error.h"
#include "net/names.h"

enum {
    HOST_SHOWN = 192, /* bytes of a message (256) that a host may take: the cause must fit, too */
    HOST_MOST = 254   /* RFC 1035 section 2.3.4, and a final dot */
};

struct rill_resolver {
    rill_turn *turn; /* borrowed */
    rill_channel channel;
    rill_names names;
};

/* --- answers --------------------------------------------------------------------------------- */

/* Takes an address of c-ares's answer unless there is no room for its family (`most`), or it is
 * there already: hosts files repeat themselves. */
static void keep_address(rill_name *name, const struct ares_addrinfo_node *node, uint32_t most)
{
    rill_name_address address = {.family = node->ai_family};
    if (node->ai_family == AF_INET)
        memcpy(address.bytes, &((struct sockaddr_in *)(void *)node->ai_addr)->sin_addr, 4);
    else
        memcpy(address.bytes, &((struct sockaddr_in6 *)(void *)node->ai_addr)->sin6_addr, 16);
    uint32_t same_family = 0;
    for (uint32_t i = 0; i < name->count; i++) {
        if (name->addresses[i].family != address.family)
            continue;
        same_family++;
        if (!memcmp(name->addresses[i].bytes, address.bytes, sizeof(address.bytes)))
            return;
    }
    if (same_family < most)
        name->addresses[name->count++] = address;
}

/* Keeps what c-ares found, and returns for how many seconds. */
static int32_t keep_addresses(rill_name *name, const struct ares_addrinfo *found)
{
    uint32_t v4 = 0, v6 = 0;
    int32_t ttl = RESOLVE_TTL_MAX_S;
    for (struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next) {
        if (node->ai_family == AF_INET)
            v4++;
        else if (node->ai_family == AF_INET6)
            v6++;
        if (node->ai_ttl < ttl)
            ttl = node->ai_ttl;
    }
    for (struct ares_addrinfo_cname *cname = found->cnames; cname; cname = cname->next)
        if (cname->ttl < ttl)
            ttl = cname->ttl;
    uint32_t half = LOOKUP_ADDRESSES / 2; /* no family crowds out the other */
    uint32_t most4 = LOOKUP_ADDRESSES - (v6 < half ? v6 : half);
    uint32_t most6 = LOOKUP_ADDRESSES - (v4 < half ? v4 : half);
    uint32_t room = (v4 < most4 ? v4 : most4) + (v6 < most6 ? v6 : most6);
    name->addresses =
        rill_slab_zalloc(name->resolver->names.slab, (room ? room : 1) * sizeof(*name->addresses));
    name->status = name->addresses ? ARES_SUCCESS : ARES_ENOMEM;
    if (!name->addresses)
        return 0;
    for (struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next)
        if (node->ai_family == AF_INET || node->ai_family == AF_INET6)
            keep_address(name, node, node->ai_family == AF_INET ? most4 : most6);
    if (!name->count)
        name->status = ARES_ENODATA;
    return ttl < RESOLVE_TTL_MIN_S ? RESOLVE_TTL_MIN_S : ttl;
}

static const char *why(int status, int family)
{
    switch (status) { /* c-ares's numbers are no enum */
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
        return "no such name";
    case ARES_ENODATA:
        return family == AF_INET    ? "the name has no IPv4 address"
               : family == AF_INET6 ? "the name has no IPv6 address"
                                    : "the name has no address";
    case ARES_ETIMEOUT:
        return "the name servers did not answer";
    case ARES_ECONNREFUSED: /* c-ares 1.18 also says so when all answered SERVFAIL or REFUSED */
        return "the name servers cannot be reached, or failed";
    case ARES_ESERVFAIL:
        return "the name servers failed to find out (SERVFAIL)";
    case ARES_EREFUSED:
        return "the name servers refused to answer";
    case ARES_EFORMERR:
    case ARES_ENOTIMP:
    case ARES_EBADRESP:
        return "the name servers' answer makes no sense";
    case ARES_EBADNAME:
        return "not a valid host name";
    default:
        return rill_channel_text(status);
    }
}

static void fail(rill_lookup *lookup, const char *host, const char *what)
{
    rill_error_connect(&lookup->error, RILL_KIND_DNS, "%.*s: %s", HOST_SHOWN, host, what);
}

/* One half's answer: its addresses go behind those that are there. That a name has no address of
 * one family says less than any other failure. */
static void give_answer(rill_lookup *lookup, const rill_name *name)
{
    if (lookup->status == ARES_SUCCESS || lookup->status == ARES_ENODATA)
        lookup->status = name->status;
    for (uint32_t i = 0; i < name->count; i++)
        rill_address_set(&lookup->addresses[lookup->count++], name->addresses[i].family,
                         name->addresses[i].bytes, lookup->port);
}

/* What failed is an error when no half is waited for any more and none has brought an address. */
static void check_ended(rill_lookup *lookup, const char *host)
{
    lookup->pending = lookup->halves[0].member.list || lookup->halves[1].member.list;
    if (lookup->pending || lookup->count || lookup->status == ARES_SUCCESS)
        return;
    if (lookup->status == ARES_ENOMEM)
        rill_error_set(&lookup->error, RILL_ERROR, "%.*s: out of memory", HOST_SHOWN, host);
    else
        fail(lookup, host, why(lookup->status, lookup->family));
}

/* That a name has addresses of one family alone is worth as much as they are, almost. */
static void keep_empty_half(rill_resolver *resolver, rill_name *name)
{
    int other_family = name->family == AF_INET ? AF_INET6 : AF_INET;
    rill_name *other = name->family == AF_UNSPEC
                           ? NULL
                           : rill_names_find(&resolver->names, name->host, other_family);
    if (!other || other->pending || !other->count == !name->count)
        return;
    rill_name *empty = name->count ? other : name;
    if (empty->status == ARES_ENODATA)
        empty->expires_ms = rill_turn_clock_ms() + (uint64_t)RESOLVE_EMPTY_S * 1000;
}

/* May come while rill_channel_ask() is still on the stack, and from rill_channel_dispose(). */
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    rill_name *name = arg;
    rill_resolver *resolver = name->resolver;
    if (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND)
        rill_channel_note(&resolver->channel, timeouts);
    int32_t seconds = RESOLVE_FAILURE_S;
    name->status = status;
    if (status == ARES_SUCCESS)
        seconds = keep_addresses(name, found);
    if (name->status == ARES_ENOMEM)
        seconds = 0;
    rill_channel_free_answer(found);
    name->expires_ms = rill_turn_clock_ms() + (uint64_t)seconds * 1000;
    rill_names_use(&resolver->names, name);
    keep_empty_half(resolver, name);
    while (name->waiting.first) {
        rill_lookup *lookup = RILL_OWNER(name->waiting.first, rill_lookup_half, member)->lookup;
        rill_list_leave(name->waiting.first);
        give_answer(lookup, name);
        check_ended(lookup, name->host);
        rill_turn_mark(resolver->turn, lookup->mark);
    }
}

/* --- lookups --------------------------------------------------------------------------------- */

/* Whether `host` is `domain` or below it. */
static bool is_under(const char *host, const char *domain)
{
    size_t length = strlen(host), tail = strlen(domain);
    if (length && host[length - 1] == '.')
        length--;
    return length >= tail && !strncasecmp(host + length - tail, domain, tail) &&
           (length == tail || host[length - tail - 1] == '.');
}

/* Loopback, whatever hosts files and name servers say (RFC 6761 section 6.3). */
static void answer_loopback(rill_lookup *lookup, int family)
{
    static const unsigned char v4[] = {127, 0, 0, 1};
    if (family != AF_INET6)
        rill_address_set(&lookup->addresses[lookup->count++], AF_INET, v4, lookup->port);
    if (family != AF_INET)
        rill_address_set(&lookup->addresses[lookup->count++], AF_INET6, &in6addr_loopback,
                         lookup->port);
}

/* Answers what needs no resolver: literals, names that cannot be, that never exist (RFC 6761
 * section 6.4, RFC 7686), and loopback. */
static bool answer_special(rill_lookup *lookup, const char *host, int family)
{
    if (rill_address_parse(host, lookup->port, &lookup->addresses[0]) &&
        lookup->addresses[0].any.sa_family != AF_UNIX) {
        if (family == AF_UNSPEC || family == lookup->addresses[0].any.sa_family)
            lookup->count = 1;
        else
            fail(lookup, host, why(ARES_ENODATA, family));
    } else if (!host[0] || host[0] == '.' || strlen(host) > HOST_MOST) {
        fail(lookup, host, why(ARES_EBADNAME, family));
    } else if (is_under(host, "invalid") || is_under(host, "onion")) {
        fail(lookup, host, why(ARES_ENOTFOUND, family));
    } else if (is_under(host, "localhost")) {
        answer_loopback(lookup, family);
    } else {
        return false;
    }
    return true;
}

/* The name as known or being asked for, with its answer if that came at once; NULL: out of memory.
 */
static rill_name *ask(rill_resolver *resolver, const char *host, int family)
{
    rill_name *name = rill_names_find(&resolver->names, host, family);
    if (name && name->pending)
        return name;
    if (name && name->expires_ms > rill_turn_clock_ms()) {
        rill_names_use(&resolver->names, name);
        return name;
    }
    if (name)
        rill_names_forget(&resolver->names, name);
    else
        name = rill_names_add(&resolver->names, host, family);
    if (!name)
        return NULL;
    name->resolver = resolver;
    rill_channel_ask(&resolver->channel, name->host, family, on_answer, name);
    return name;
}

rill_resolver *rill_resolver_new(rill_turn *turn, const char *servers, rill_error *err)
{
    rill_resolver *resolver = rill_slab_zalloc(&turn->slab, sizeof(*resolver));
    if (!resolver) {
        rill_error_memory(err);
        return NULL;
    }
    resolver->turn = turn;
    rill_names_init(&resolver->names, &turn->slab, 2 * RESOLVE_CACHE_NAMES);
    if (rill_channel_init(&resolver->channel, turn, servers, err)) {
        rill_resolver_free(resolver);
        return NULL;
    }
    return resolver;
}

void rill_resolver_free(rill_resolver *resolver)
{
    if (!resolver)
        return;
    rill_channel_dispose(&resolver->channel); /* first: it answers names */
    rill_names_dispose(&resolver->names);
    rill_slab_free(&resolver->turn->slab, resolver);
}

/* Whether the hosts file answers for both families: then no name server is asked for either. */
static bool is_in_hosts(rill_resolver *resolver, const char *host)
{
    return !rill_names_find(&resolver->names, host, AF_INET) &&
           rill_channel_has_host(&resolver->channel, host);
}

/* False: out of memory. */
static bool wait_for(rill_lookup_half *half, rill_lookup *lookup, rill_name *name)
{
    if (!name) {
        rill_error_memory(&lookup->error);
        return false;
    }
    half->lookup = lookup;
    if (!name->pending)
        return true;
    rill_list_push_first(&name->waiting, &half->member);
    return true;
}

void rill_resolver_lookup(rill_resolver *resolver, rill_lookup *lookup, const char *host,
                          uint16_t port, int family, rill_mark *mark)
{
    rill_lookup_cancel(lookup);
    lookup->mark = mark;
    lookup->port = port;
    lookup->count = 0;
    lookup->apart = false;
    lookup->family = family;
    lookup->status = ARES_SUCCESS;
    rill_error_clear(&lookup->error);
    if (answer_special(lookup, host, family) ||
        rill_channel_open(&resolver->channel, &lookup->error))
        return;
    bool both = family == AF_UNSPEC && !is_in_hosts(resolver, host);
    lookup->apart = both;
    rill_name *names[2] = {ask(resolver, host, both ? AF_INET6 : family),
                           both ? ask(resolver, host, AF_INET) : NULL};
    int count = both ? 2 : 1;
    for (int i = 0; i < count; i++)
        if (!wait_for(&lookup->halves[i], lookup, names[i]))
            return;
    for (int i = 0; i < count; i++)
        if (!names[i]->pending)
            give_answer(lookup, names[i]);
    check_ended(lookup, host);
}

void rill_lookup_cancel(rill_lookup *lookup)
{
    rill_list_leave(&lookup->halves[0].member);
    rill_list_leave(&lookup->halves[1].member);
    lookup->pending = false;
}
