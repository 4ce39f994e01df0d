/* One connection to one origin, in a script's own hands: see rill_connect(). Its public calls stand
 * in connection.c. */
#ifndef RILL_CONNECTION_H
#define RILL_CONNECTION_H

#include "api/endpoint.h"

/* See rill_request_start(). */
int32_t rill_connection_request(rill_endpoint *connection, const rill_request *request, rill_id *id,
                                rill_error *err);

/* It drains, and its id goes: what is open is reported, then it is freed. */
void rill_connection_drop(rill_endpoint *connection);

/* Fills in an event: WARNING, CONNECTED, PONG, CLOSED. */
void rill_connection_event(rill_endpoint *connection, enum rill_event_type type, rill_event *event);

#endif
