/* Stands in for what nginx and its Lua module export, so that sanitizers see the core's half: a
 * worker with one watched descriptor, requests with what is called at their end, semaphores. */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct stub_end {
    void (*handler)(void *data);
    void *data;
    struct stub_end *next;
} stub_end;

typedef struct stub_request {
    stub_end *ends;
} stub_request;

typedef struct stub_sema {
    int posted, waiting;
} stub_sema;

void (*stub_handler)(void *event);
int stub_fd = -1, stub_attached; /* the last that was taken, how many were */
bool stub_refuses, stub_is_full; /* descriptors; what is to be called at a request's end */

intptr_t stub_add_channel_event(void *cycle, int fd, intptr_t event, void (*handler)(void *));
void *stub_cleanup_add(stub_request *request, size_t size);
void stub_finish(stub_request *request);
int stub_post(stub_sema *sema, int count);
int stub_count(const stub_sema *sema);
bool stub_turn(int ms);

intptr_t stub_add_channel_event(void *cycle, int fd, intptr_t event, void (*handler)(void *))
{
    (void)cycle, (void)event;
    if (stub_refuses)
        return -1;
    stub_attached++;
    stub_fd = fd;
    stub_handler = handler;
    return 0;
}

void *stub_cleanup_add(stub_request *request, size_t size)
{
    (void)size;
    stub_end *end = stub_is_full ? NULL : calloc(1, sizeof(*end));
    if (!end)
        return NULL;
    end->next = request->ends;
    request->ends = end;
    return end;
}

void stub_finish(stub_request *request)
{
    while (request->ends) {
        stub_end *end = request->ends;
        request->ends = end->next;
        end->handler(end->data);
        free(end);
    }
}

int stub_post(stub_sema *sema, int count)
{
    sema->posted += count;
    return 0;
}

int stub_count(const stub_sema *sema)
{
    return sema->posted - sema->waiting;
}

/* Lets the worker look once: whether there was something. */
bool stub_turn(int ms)
{
    struct pollfd ready = {.fd = stub_fd, .events = POLLIN};
    if (poll(&ready, 1, ms) != 1)
        return false;
    stub_handler(NULL);
    return true;
}
