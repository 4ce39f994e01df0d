/* Options, TLS context, resolver and the origins it has talked to; what a script calls a client. */
#ifndef RILL_CLIENT_H
#define RILL_CLIENT_H

#include "api/endpoint.h"

/* See rill_client_new(). It joins `list`, its owner. NULL with `err`. */
rill_endpoint *rill_client_create(rill_turn *turn, rill_list *list, const rill_options *options,
                                  rill_error *err);

/* See rill_request_start(). */
int32_t rill_client_request(rill_endpoint *client, const rill_request *request, rill_id *id,
                            rill_error *err);

#endif
