/* Header fields of a response, from C: one that there is once, and one that there may be several
 * of.
 *
 *   cc -o headers headers.c $(pkg-config --cflags --libs rill)
 *   ./headers https://example.com/
 */
#include <stdio.h>
#include <string.h>

#include <rill.h>

static void show(const rill_event *event)
{
    const char *end = event->headers + event->headers_length;
    size_t length;
    const char *value =
        rill_headers_find(event->headers, event->headers_length, "content-type", &length);
    printf("%d, content-type: %.*s\n", (int)event->status, (int)length, value ? value : "");

    const char *rest = event->headers;
    while ((value = rill_headers_find(rest, (size_t)(end - rest), "set-cookie", &length))) {
        printf("cookie: %.*s\n", (int)length, value);
        rest = value + length;
    }
}

int main(int argc, char **argv)
{
    rill_error err;
    rill_options options;
    rill_request request;
    rill_id client, id;
    rill_event event;
    if (argc != 2) {
        fprintf(stderr, "usage: headers URL\n");
        return 2;
    }
    rill_loop *loop = rill_loop_new(&err);
    rill_options_init(&options);
    rill_request_init(&request);
    request.url = argv[1];
    request.url_length = (uint32_t)strlen(argv[1]);
    if (!loop || rill_client_new(loop, &options, &client, &err) ||
        rill_request_start(loop, &client, &request, &id, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int status = 1;
    while (rill_poll(loop, &event, 1, -1) >= 0) {
        if (event.type == RILL_EVENT_RESPONSE) {
            show(&event);
            status = 0;
        } else if (event.type == RILL_EVENT_FAILED) {
            fprintf(stderr, "%s\n", event.errors->message);
        } else {
            continue; /* a warning */
        }
        rill_body_free(event.large);
        break;
    }
    rill_loop_free(loop);
    return status;
}
