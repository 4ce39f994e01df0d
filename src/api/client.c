#include "api/client.h"

#include "api/route.h"
#include "base/error.h"

rill_endpoint *rill_client_create(rill_turn *turn, rill_list *list, const rill_options *options,
                                  rill_error *err)
{
    return rill_endpoint_new(turn, list, sizeof(rill_endpoint), ENTRY_CLIENT, options, err);
}

/* Parses the request's URL; `*origin` is where it goes, NULL: to be found by its way. */
static int32_t read_url(rill_endpoint *client, const rill_request *request, rill_origin **origin,
                        rill_error *err)
{
    *origin = rill_endpoint_follow(client, request);
    if (*origin)
        return 0;
    int32_t code = rill_endpoint_parse(client, request->url, request->url_length, err);
    return code ? code : rill_endpoint_speaks(client, err);
}

/* Where the one before went, unless one of them has a way of its own. */
static bool same_way(const rill_endpoint *client, const rill_request *request,
                     const rill_origin *origin)
{
    return origin && !request->bind_address && !request->proxy &&
           rill_address_equal(&origin->from, &client->pool.dial.bind_address);
}

int32_t rill_client_request(rill_endpoint *client, const rill_request *request, rill_id *id,
                            rill_error *err)
{
    rill_origin *origin;
    rill_route route;
    route.proxy = NULL;
    int32_t code = rill_endpoint_check(client, request, err);
    if (!code)
        code = read_url(client, request, &origin, err);
    if (code)
        return code;
    if (!same_way(client, request, origin)) {
        origin = NULL;
        code = rill_route_read(&route, client, request, err);
    }
    if (code)
        return code;
    rill_call *call = rill_endpoint_call(client, request, err);
    if (call && !origin)
        origin = rill_route_origin(&route, client, false);
    rill_route_release(&route);
    if (!call)
        return err && err->reason ? -err->reason : -RILL_ERROR;
    client->pool.latest = request->proxy ? NULL : origin;
    return rill_endpoint_add(client, origin, call, id, err);
}
