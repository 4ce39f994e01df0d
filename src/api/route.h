/* Where connections come from and what they go through: together with a URL that names an origin.
 */
#ifndef RILL_ROUTE_H
#define RILL_ROUTE_H

#include "api/endpoint.h"

typedef struct rill_route {
    rill_address from;
    rill_proxy *proxy; /* one reference; NULL: none */
} rill_route;

/* The way that a request (NULL: none in particular) takes to endpoint->url. 0, or negative with
 * nothing to release: RILL_ARGUMENT, RILL_ERROR. */
int32_t rill_route_read(rill_route *route, const rill_endpoint *endpoint,
                        const rill_request *request, rill_error *err);
void rill_route_release(rill_route *route);

/* The origin of endpoint->url for connections that take this way; a proxy is asked for nothing but
 * a `tunnel`, or may be asked for the URL itself. NULL: out of memory. */
rill_origin *rill_route_origin(const rill_route *route, rill_endpoint *endpoint, bool tunnel);

#endif
