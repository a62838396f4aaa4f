/* poll, on the kernel's `wait`.
 *
 * The kernel waits for 64 things at once. Who polls more peers than that looks at all of them, 64 at a time, and then
 * waits for the first 64 for a millisecond.
 */
#include "descriptor.h"
#include "peer.h"
#include "pointer.h"
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

#define NS_PER_MS 1000000u

/* Items whose pointers are looked at in one call; all but the first number of each are written. */
#define CHECKED_AT_ONCE (OMNIBUS_DESTINATIONS_MAX / 2)

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

/* The peers of some items, and where the next one stands. */
struct peers {
    struct omnibus_wait_item items[OMNIBUS_WAIT_ITEMS_MAX];
    struct pollfd *of_item[OMNIBUS_WAIT_ITEMS_MAX];
    size_t n;
    struct pollfd *next;
};

/* Takes as many peers as one call waits for, from `at` on. What is ready without the kernel is counted. */
static struct peers gather(struct pollfd *at, const struct pollfd *end, int *n_ready)
{
    struct peers peers;
    for (peers.n = 0; at < end && peers.n < OMNIBUS_WAIT_ITEMS_MAX; at++) {
        struct descriptor found;
        at->revents = at->fd < 0 ? 0 : events_of(at, &found);
        *n_ready += at->revents != 0;
        if (at->fd < 0 || at->revents != 0 || found.kind != DESCRIPTOR_PEER ||
            !(at->events & (POLLIN | POLLRDNORM)))
            continue;
        peers.of_item[peers.n] = at;
        peers.items[peers.n++] = (struct omnibus_wait_item){.capability = found.capability};
    }
    peers.next = at;
    return peers;
}

/* Waits for one of the peers, and counts those that are ready. EBADF if somebody closed one meanwhile. */
static int wait_for(struct peers *peers, uint64_t deadline_ns, int *n_ready)
{
    struct kernel_result result = __kernel_call(OMNIBUS_CALL_WAIT, address_of(peers->items), peers->n,
                                                sizeof peers->items[0], deadline_ns, 0, 0);
    int error = (int)-result.status;
    if (error != 0)
        return error == ETIMEDOUT ? 0 : error;
    for (size_t i = 0; i < peers->n; i++) {
        struct pollfd *fd = peers->of_item[i];
        fd->revents = events_from(peers->items[i].events, fd->events);
        *n_ready += fd->revents != 0;
    }
    return 0;
}

/* Looks at everything once, and waits if nothing is ready. */
static int poll_once(struct pollfd *fds, nfds_t n_fds, uint64_t deadline_ns, int *n_ready)
{
    const struct pollfd *end = fds + n_fds;
    *n_ready = 0;
    struct peers first = gather(fds, end, n_ready);
    bool is_all = first.next == end;
    int error = 0;
    if (!is_all || *n_ready > 0)
        error = wait_for(&first, 0, n_ready);
    for (struct pollfd *at = first.next; at < end && error == 0;) {
        struct peers peers = gather(at, end, n_ready);
        error = wait_for(&peers, 0, n_ready);
        at = peers.next;
    }
    if (error != 0 || *n_ready > 0)
        return error;
    uint64_t next_ns = is_all ? NEVER : __now_ns() + NS_PER_MS;
    return wait_for(&first, next_ns < deadline_ns ? next_ns : deadline_ns, n_ready);
}

/* 0 if the items can be read and written, or EFAULT. What is looked at by writing it is then as it was. */
static int check_items(uint64_t peer, struct pollfd *fds, nfds_t n_fds)
{
    for (nfds_t n; n_fds > 0; fds += n, n_fds -= n) {
        n = n_fds < CHECKED_AT_ONCE ? n_fds : CHECKED_AT_ONCE;
        uint64_t address = address_of(fds);
        int error = __check_readable(peer, address, n * sizeof *fds);
        if (error != 0)
            return error;
        short events = fds->events, revents = fds->revents;
        error = __check_writable(peer, address + sizeof fds->fd, 2 * n - 1);
        if (error != 0)
            return error;
        fds->events = events;
        fds->revents = revents;
    }
    return 0;
}

static int check_pointer(struct pollfd *fds, nfds_t n_fds)
{
    int error;
    if (n_fds == 0 || __is_on_stack(address_of(fds), n_fds * sizeof *fds))
        return 0;
    do {
        uint64_t peer = __descriptor_any_peer(), made = 0;
        if (peer == 0) {
            if (__peer_new(&made) != 0)
                return ENOMEM;
            peer = made;
        }
        error = check_items(peer, fds, n_fds);
        if (made != 0)
            call1(OMNIBUS_CALL_CAPABILITY_DROP, made);
    } while (error == EBADF);
    return error;
}

int poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
    uint64_t deadline_ns = deadline_of(timeout_ms);
    int n_ready, error = n_fds > OPEN_MAX ? EINVAL : check_pointer(fds, n_fds);
    while (error == 0 || error == EBADF) {
        error = poll_once(fds, n_fds, deadline_ns, &n_ready);
        if (error == 0 && (n_ready > 0 || __now_ns() >= deadline_ns))
            return n_ready;
    }
    return result_of(error);
}
