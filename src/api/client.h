/* Options, TLS context, resolver and the origins it has talked to; what a script calls a client. */
#ifndef RILL_CLIENT_H
#define RILL_CLIENT_H

#include "pool/origin.h"

typedef struct rill_client rill_client;

/* See rill_client_new(). It joins `list`, its owner. NULL with `err`. */
rill_client *rill_client_create(rill_turn *turn, rill_list *list, const rill_options *options,
                                rill_error *err);

/* The first of a list, and the next; NULL: there is none. */
rill_client *rill_client_first(const rill_list *list);
rill_client *rill_client_next(const rill_client *client);

/* What its origins share; borrowed. */
const rill_pool *rill_client_pool(const rill_client *client);

rill_entry *rill_client_entry(rill_client *client);

/* Ends everything at once, without telling. */
void rill_client_free(rill_client *client);

/* Like rill_client_close(), and its id goes: what is open is reported, then it is freed. */
void rill_client_drop(rill_client *client);

/* See rill_client_close(). */
void rill_client_shut(rill_client *client);

/* Makes it a connection: dials the origin of `url`, its only one. See rill_connect(). */
int32_t rill_client_bind(rill_client *client, const char *url, uint32_t length, rill_error *err);

/* The connection of a bound client; NULL for other clients. */
rill_conn *rill_client_conn(const rill_client *client);

/* See rill_connection_drain() and rill_connection_close(). */
void rill_client_drain(rill_client *client);
void rill_client_end(rill_client *client, uint32_t code);

/* What the current answers of rill_connection_get() are. */
void rill_client_describe(const rill_client *client, rill_connection_state *state);

int32_t rill_client_request(rill_client *client, const rill_request *request, rill_id *id,
                            rill_error *err);

void rill_client_count(const rill_client *client, rill_stats *stats);

/* Fills in an event: WARNING, or of a connection CONNECTED, PONG, CLOSED. */
void rill_client_event(rill_client *client, enum rill_event_type type, rill_event *event);

#endif
