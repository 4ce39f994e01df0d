#include "api/lookup.h"

#include <string.h>

#include "base/error.h"
#include "net/resolve.h"

enum { ADDRESS_ROOM = 47 }; /* an address as text, and a line end or NUL */

struct rill_question {
    rill_entry entry;        /* first: rill_drop() finds it by that */
    rill_turn *turn;         /* borrowed */
    rill_member member;      /* in loop->questions */
    rill_resolver *resolver; /* owned */
    rill_lookup lookup;
    rill_mark mark;
};

static void report_when_answered(rill_question *question)
{
    if (!question->lookup.pending)
        rill_turn_report(question->turn, &question->entry, RILL_EVENT_ADDRESSES);
}

/* One family may have answered, the other not yet. */
static void on_mark(rill_mark *mark)
{
    report_when_answered(RILL_OWNER(mark, rill_question, mark));
}

rill_question *rill_question_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_question, member);
}

void rill_question_free(rill_question *question)
{
    rill_turn *turn = question->turn;
    rill_lookup_cancel(&question->lookup);
    rill_turn_unmark(&question->mark);
    rill_resolver_free(question->resolver);
    rill_turn_forget(turn, &question->entry);
    rill_list_leave(&question->member);
    rill_slab_free(&turn->slab, question);
}

/* --- what is reported ------------------------------------------------------------------------ */

/* Writes the addresses of a family, or all (AF_UNSPEC), each with a line end. */
static char *write_family(const rill_lookup *lookup, int family, char *out)
{
    for (uint32_t i = 0; i < lookup->count; i++) {
        if (family != AF_UNSPEC && lookup->addresses[i].any.sa_family != family)
            continue;
        rill_address_print(&lookup->addresses[i], out);
        out += strlen(out);
        *out++ = '\n';
    }
    return out;
}

/* In the order given, or IPv6 first where none was. NULL: out of memory. */
static const char *lend_addresses(rill_turn *turn, const rill_lookup *lookup)
{
    char *text = rill_turn_lend(turn, lookup->count * ADDRESS_ROOM);
    if (!text)
        return NULL;
    char *end = write_family(lookup, lookup->apart ? AF_INET6 : AF_UNSPEC, text);
    if (lookup->apart)
        end = write_family(lookup, AF_INET, end);
    end[-1] = 0;
    return text;
}

static const rill_error *lend_error(rill_turn *turn, const rill_error *error)
{
    rill_error *lent = rill_turn_lend(turn, sizeof(*lent));
    if (!lent)
        return &rill_error_no_memory;
    *lent = *error;
    return lent;
}

void rill_question_event(rill_question *question, rill_event *event)
{
    const rill_lookup *lookup = &question->lookup;
    event->text = lookup->count ? lend_addresses(question->turn, lookup) : NULL;
    if (!event->text) {
        event->errors =
            lookup->count ? &rill_error_no_memory : lend_error(question->turn, &lookup->error);
        event->error_count = 1;
        event->reason = (uint32_t)event->errors->reason;
    }
    rill_question_free(question);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* NULL with `err`: out of memory, or bad servers. */
static rill_question *new_question(rill_turn *turn, const char *servers, rill_error *err)
{
    rill_question *question = rill_slab_zalloc(&turn->slab, sizeof(*question));
    if (!question) {
        rill_error_memory(err);
        return NULL;
    }
    question->turn = turn;
    question->mark.act = on_mark;
    question->resolver = rill_resolver_new(turn, servers, err);
    if (question->resolver && !rill_turn_name(turn, &question->entry, ENTRY_QUESTION, err))
        return question;
    rill_question_free(question);
    return NULL;
}

int32_t rill_lookup_start(rill_loop *loop, const char *host, const char *dns_servers, rill_id *id,
                          rill_error *err)
{
    RILL_OWN_ERROR(err);
    if (rill_loop_check(loop, err) || rill_given_pointer(host, "host", err) ||
        rill_given_pointer(id, "id", err))
        return -RILL_ARGUMENT;
    rill_question *question = new_question(&loop->turn, dns_servers, err);
    if (!question)
        return -err->reason;
    rill_list_push_first(&loop->questions, &question->member);
    rill_resolver_lookup(question->resolver, &question->lookup, host, 0, AF_UNSPEC,
                         &question->mark);
    report_when_answered(question);
    rill_turn_wake(&loop->turn);
    *id = question->entry.id;
    return 0;
}
