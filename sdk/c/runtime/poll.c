/* poll, on the kernel's `wait`. */
#include "descriptor.h"
#include <poll.h>
#include <stdlib.h>

#define NS_PER_MS 1000000u

/* What can be said of a descriptor without the kernel; 0 for a peer. */
static short events_of(const struct pollfd *fd, struct descriptor *found)
{
    short wanted = fd->events;
    if (!__descriptor_find(fd->fd, found))
        return POLLNVAL;
    switch (found->kind) {
    case DESCRIPTOR_PEER:
        return 0;
    case DESCRIPTOR_CONSOLE:
        return wanted & (POLLOUT | POLLWRNORM);
    case DESCRIPTOR_INPUT:
        return wanted & (POLLIN | POLLRDNORM);
    default:
        return wanted & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    }
}

static short events_from(uint64_t events, short wanted)
{
    short seen = 0;
    if (events & OMNIBUS_EVENT_READABLE)
        seen |= wanted & (POLLIN | POLLRDNORM);
    if (events & OMNIBUS_EVENT_HANG_UP)
        seen |= POLLHUP;
    return seen;
}

static uint64_t deadline_of(int timeout_ms)
{
    if (timeout_ms < 0)
        return NEVER;
    return timeout_ms == 0 ? 0 : __now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
}

/* EBADF if somebody closed one of the descriptors since it was looked up. */
static int poll_until(struct pollfd *fds, nfds_t n_fds, uint64_t deadline_ns, int *n_ready)
{
    struct omnibus_wait_item items[OMNIBUS_WAIT_ITEMS_MAX];
    nfds_t of_item[OMNIBUS_WAIT_ITEMS_MAX];
    size_t n_items = 0;
    *n_ready = 0;
    for (nfds_t i = 0; i < n_fds; i++) {
        struct descriptor found;
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        fds[i].revents = events_of(&fds[i], &found);
        *n_ready += fds[i].revents != 0;
        if (fds[i].revents != 0 || found.kind != DESCRIPTOR_PEER ||
            !(fds[i].events & (POLLIN | POLLRDNORM)))
            continue;
        if (n_items == OMNIBUS_WAIT_ITEMS_MAX)
            return EINVAL;
        of_item[n_items] = i;
        items[n_items++] = (struct omnibus_wait_item){.capability = found.capability};
    }
    if (*n_ready > 0)
        deadline_ns = 0;
    struct kernel_result result =
        __kernel_call(OMNIBUS_CALL_WAIT, address_of(items), n_items, sizeof items[0], deadline_ns,
                      0, 0);
    int error = (int)-result.status;
    if (error != 0)
        return error == ETIMEDOUT ? 0 : error;
    for (size_t i = 0; i < n_items; i++) {
        struct pollfd *fd = &fds[of_item[i]];
        fd->revents = events_from(items[i].events, fd->events);
        *n_ready += fd->revents != 0;
    }
    return 0;
}

int poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
    uint64_t deadline_ns = deadline_of(timeout_ms);
    int n_ready, error;
    do {
        error = poll_until(fds, n_fds, deadline_ns, &n_ready);
    } while (error == EBADF);
    return error ? result_of(error) : n_ready;
}
