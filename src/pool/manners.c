#include "pool/manners.h"

#include <string.h>

#include "base/error.h"
#include "base/turn.h"

enum rule_scheme { RULE_ANY, RULE_HTTP, RULE_HTTPS };

typedef struct rill_rule {
    rill_item item;
    rill_manners manners;
    enum rule_scheme scheme;
    int32_t port; /* -1: any */
    uint32_t host_length;
    char host[];
} rill_rule;

/* How much of an origin a rule names: the more, the sooner it is taken. */
static int rank_of(const rill_rule *rule)
{
    return rule->scheme != RULE_ANY ? 3 : rule->port >= 0 ? 2 : 1;
}

static bool is_for(const rill_rule *rule, bool tls, const char *host, size_t length, int32_t port)
{
    return rule->host_length == length && !memcmp(rule->host, host, length) &&
           (rule->port < 0 || rule->port == port) &&
           (rule->scheme == RULE_ANY || (rule->scheme == RULE_HTTPS) == tls);
}

const rill_manners *rill_rules_of(const rill_rules *rules, bool tls, const char *host,
                                  size_t length, uint16_t port)
{
    const rill_rule *best = rules->of_the_rest;
    if (!rules->named.count)
        return best ? &best->manners : NULL;
    uint32_t hash = rill_table_hash(&rules->named, host, length, 0);
    for (rill_item *item = rill_table_bucket(&rules->named, hash); item; item = item->next) {
        const rill_rule *rule = RILL_OWNER(item, rill_rule, item);
        if (item->hash == hash && is_for(rule, tls, host, length, port) &&
            (!best || best == rules->of_the_rest || rank_of(rule) > rank_of(best)))
            best = rule;
    }
    return best ? &best->manners : NULL;
}

/* --- what is given --------------------------------------------------------------------------- */

static rill_manners manners_of(const rill_politeness *given)
{
    return (rill_manners){
        .concurrency = given->concurrency ? given->concurrency : UINT32_MAX,
        .delay_ms = rill_turn_limit_ms(given->delay),
        .jitter = given->jitter,
        .retry_after = given->retry_after,
    };
}

static rill_rule *new_rule(rill_slab *slab, const rill_politeness *given, const char *host,
                           size_t length, rill_error *err)
{
    rill_rule *rule = rill_slab_zalloc(slab, sizeof(*rule) + length);
    if (!rule) {
        rill_error_memory(err);
        return NULL;
    }
    rule->manners = manners_of(given);
    rule->port = -1;
    rule->host_length = (uint32_t)length;
    memcpy(rule->host, host, length);
    return rule;
}

/* Whether a parsed URL is an origin, and no more. */
static bool is_origin(const rill_url *url)
{
    return url->host_length > 0 && url->userinfo_length < 0 && url->query_length < 0 &&
           url->fragment_length < 0 && url->path_length <= 1;
}

/* Reads "https://host:port", "host:port" or "host". */
static int32_t read_rule(rill_slab *slab, const rill_politeness *given, rill_rule **rule,
                         rill_error *err)
{
    static const char before[] = "https://";
    const char *name = given->origin;
    bool whole = strstr(name, "://") != NULL;
    size_t length = strlen(name), lead = whole ? 0 : sizeof(before) - 1;
    if (length > RILL_URL_MAX - sizeof(before))
        return rill_error_set(err, RILL_ARGUMENT, "option per_origin: \"%.40s...\" is too long",
                              name);
    char *text = rill_slab_alloc(slab, lead + length + RILL_URL_ROOM);
    if (!text)
        return rill_error_memory(err);
    char *out = text + lead + length;
    rill_url url;
    memcpy(text, before, lead);
    memcpy(text + lead, name, length);
    int32_t code = rill_url_parse(text, (uint32_t)(lead + length), out, RILL_URL_ROOM, &url, NULL);
    bool http = !code && !memcmp(out + url.scheme, "http", 4) && url.scheme_length <= 5 &&
                (url.scheme_length == 4 || out[url.scheme + 4] == 's');
    if (!http || !is_origin(&url)) {
        rill_slab_free(slab, text);
        return rill_error_set(err, RILL_ARGUMENT,
                              "option per_origin: \"%.100s\" is no origin (https://host:port) or "
                              "host",
                              name);
    }
    *rule = new_rule(slab, given, out + url.host, (size_t)url.host_length, err);
    const char *behind = out + url.host + url.host_length;
    bool port = memchr(behind, ':', (size_t)(out + url.authority + url.authority_length - behind));
    if (*rule && whole)
        (*rule)->scheme = url.scheme_length == 5 ? RULE_HTTPS : RULE_HTTP;
    if (*rule && (whole || port))
        (*rule)->port = url.port;
    rill_slab_free(slab, text);
    return *rule ? 0 : -RILL_ERROR;
}

static int32_t add_rule(rill_rules *rules, const rill_politeness *given, rill_error *err)
{
    rill_slab *slab = rules->named.slab;
    rill_rule *rule = NULL;
    int32_t code = read_rule(slab, given, &rule, err);
    if (code)
        return code;
    uint32_t hash = rill_table_hash(&rules->named, rule->host, rule->host_length, 0);
    if (rill_table_add(&rules->named, &rule->item, hash))
        return 0;
    rill_slab_free(slab, rule);
    return rill_error_memory(err);
}

int32_t rill_rules_read(rill_rules *rules, const rill_politeness *given, uint32_t count,
                        rill_error *err)
{
    int32_t code = 0;
    for (uint32_t i = 0; !code && i < count; i++) {
        if (given[i].origin) {
            code = add_rule(rules, &given[i], err);
            continue;
        }
        rill_slab_free(rules->named.slab, rules->of_the_rest);
        rules->of_the_rest = new_rule(rules->named.slab, &given[i], "", 0, err);
        code = rules->of_the_rest ? 0 : -RILL_ERROR;
    }
    return code;
}

void rill_rules_dispose(rill_rules *rules)
{
    rill_slab_free(rules->named.slab, rules->of_the_rest);
    rules->of_the_rest = NULL;
    for (rill_item *next, *item = rill_table_next(&rules->named, NULL); item; item = next) {
        next = rill_table_next(&rules->named, item);
        rill_table_remove(&rules->named, item);
        rill_slab_free(rules->named.slab, RILL_OWNER(item, rill_rule, item));
    }
    rill_table_dispose(&rules->named);
}
