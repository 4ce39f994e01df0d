/* Politeness: how many requests of one origin are on their way at a time, how soon one may follow
 * another, and for how long a server wants to be left alone. An origin here is the scheme, host and
 * port of a URL, whatever way its requests take: through a proxy many share one rill_origin, and
 * from several addresses one has many.
 *
 * A call that may go stands in its rill_origin's queue, like every call where nobody asks for
 * politeness; one that may not stands in its pace's, and holds nothing of the pool's. */
#ifndef RILL_PACE_H
#define RILL_PACE_H

#include "pool/manners.h"
#include "pool/queue.h"

/* Paces that no request uses, but may not start one yet. Beyond, the first one is forgotten, with
 * the pause that it is in. */
enum { PACES_UNUSED = 65536 };

/* A server is left alone no longer, whatever it asks for. */
enum { PACE_RETRY_MS = 3600 * 1000 };

typedef struct rill_paces {
    rill_turn *turn;
    rill_rules rules;
    rill_table table; /* all, by origin; owned */
    rill_list unused; /* those without a call, kept for their pause; they are looked at in turn */
    uint32_t unused_count;
    uint32_t waiting;         /* calls, in all */
    struct rill_pace *latest; /* borrowed: of the last request; NULL: none, or it is gone */
} rill_paces;

struct rill_pace {
    rill_paces *paces; /* borrowed */
    rill_item item;    /* in paces->table */
    rill_member unused;
    const rill_manners *manners; /* borrowed from the rules */
    rill_queue waiting;          /* calls that may not go yet */
    rill_list granted;           /* calls that may go, and have not been sent */
    uint32_t running;            /* calls that may go, sent or not */
    uint32_t calls;              /* all that have not ended */
    uint64_t ready_ms;           /* nothing starts before */
    rill_timer timer;            /* runs while a call waits for that */
    bool tls;
    uint16_t port;
    uint32_t host_length;
    char host[];
};

/* What a call has to do with its pace. */
struct rill_paced {
    rill_call *call;    /* borrowed: its owner */
    rill_pace *pace;    /* borrowed */
    rill_member member; /* among its origin's parked calls, or its pace's granted ones */
    bool granted;       /* it may go, or is on its way: one of `running` */
};

static inline rill_paced *rill_paced_first(const rill_list *list)
{
    return RILL_OWNER(list->first, rill_paced, member);
}

void rill_paces_init(rill_paces *paces, rill_turn *turn);

/* All calls must have ended. */
void rill_paces_dispose(rill_paces *paces);

/* The pace of an origin, whose host is in lower case, without brackets; `*pace` is NULL where it
 * has no limits. False: out of memory. */
bool rill_paces_find(rill_paces *paces, bool tls, const char *host, size_t length, uint16_t port,
                     rill_pace **pace);

/* A new call goes by it (NULL: by none). False: out of memory. */
bool rill_pace_join(rill_pace *pace, rill_call *call);

/* A call is to be sent: it goes to its origin's queue, now or when it may. */
void rill_pace_enter(rill_call *call);

/* It leaves the queue in which it waits. */
void rill_pace_withdraw(rill_call *call);

/* It leaves its origin's queue, and is sent. */
void rill_pace_sent(rill_call *call);

/* Its attempt is over; another one is to enter next. */
void rill_pace_release(rill_call *call);

/* It has ended. */
void rill_pace_end(rill_call *call);

/* Its response may say that the server is too busy: heeds for how long. */
void rill_pace_heed(rill_call *call);

/* The first call that waits at this origin, in its queue or for its pace; NULL: none does. */
rill_call *rill_pace_first(const rill_origin *origin);

#endif
