/* How threads wait for each other.
 *
 * A thread that has to wait for a number in memory to change puts itself on a list and then waits
 * for a notification; who changes the number takes threads off the list and notifies them. Each
 * thread has a peer of its own for that, with one node and one handle. To notify is to release the
 * handle: the node's owner, the same peer, gets HANDLE_RELEASE (NOT-2). That needs no memory and no
 * quota (REL-3, NOT-4), so that a wake-up is never lost for want of them. Who was woken makes node
 * and handle anew when it waits again. If that is refused, because the account is exhausted, the
 * thread looks every millisecond whether it was woken.
 *
 * The list is guarded by a flag that is held for some ten instructions for each waiting thread, and
 * never while the kernel is called. Who finds it taken lets the others run; all threads of a task
 * have one priority, so the one that holds it runs too.
 */
#include "peer.h"
#include "thread.h"

/* How long a thread sleeps that nobody can notify. */
#define POLL_NS 1000000

static atomic_bool is_taken;
static struct __pthread *first;

static void enter(void)
{
    while (atomic_exchange_explicit(&is_taken, true, memory_order_acquire))
        call0(OMNIBUS_CALL_YIELD);
}

static void leave(void)
{
    atomic_store_explicit(&is_taken, false, memory_order_release);
}

/* Puts the thread at the end of the list. */
static void append(struct __pthread *thread)
{
    struct __pthread **end = &first;
    while (*end != NULL)
        end = &(*end)->next;
    thread->next = NULL;
    *end = thread;
}

/* Makes the peer if there is none, and node and handle if they were used up. */
static void prepare(struct __pthread *thread)
{
    if (thread->peer == 0 && __peer_new(&thread->peer) != 0)
        return;
    if (thread->handle != 0)
        return;
    uint64_t made =
        __transfer_one(thread->peer, BUS1_INVALID, BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID);
    if (made != BUS1_INVALID)
        thread->handle = made;
}

/* Waits until the thread was woken or the deadline passes. */
static void rest(struct __pthread *thread, uint64_t deadline_ns)
{
    if (thread->handle != 0) {
        __kernel_receive_short(thread->peer, deadline_ns);
        return;
    }
    uint64_t next_ns = __now_ns() + POLL_NS;
    if (next_ns > deadline_ns)
        next_ns = deadline_ns;
    __kernel_call(OMNIBUS_CALL_WAIT, 0, 0, sizeof(struct omnibus_wait_item), next_ns, 0, 0);
}

/* Takes the thread off the list; false if it was woken before. */
static bool give_up(struct __pthread *thread)
{
    bool is_listed = false;
    enter();
    for (struct __pthread **at = &first; *at != NULL; at = &(*at)->next) {
        if (*at == thread) {
            *at = thread->next;
            is_listed = true;
            break;
        }
    }
    leave();
    return is_listed;
}

int __wait_for(const _Atomic(unsigned int) *word, unsigned int expected, uint64_t deadline_ns)
{
    struct __pthread *thread = current_thread();
    prepare(thread);
    enter();
    if (atomic_load_explicit(word, memory_order_relaxed) != expected) {
        leave();
        return EAGAIN;
    }
    thread->waits_for = word;
    atomic_store_explicit(&thread->is_woken, false, memory_order_relaxed);
    append(thread);
    leave();
    while (!atomic_load_explicit(&thread->is_woken, memory_order_acquire)) {
        rest(thread, deadline_ns);
        if (deadline_ns == NEVER || __now_ns() < deadline_ns)
            continue;
        if (give_up(thread))
            return ETIMEDOUT;
        deadline_ns = NEVER; /* somebody is about to notify it */
    }
    return 0;
}

/* Who is woken may end at once: nothing of the thread is touched behind the last step. */
static void notify(struct __pthread *thread)
{
    uint64_t peer = thread->peer, handle = thread->handle;
    thread->handle = 0;
    atomic_store_explicit(&thread->is_woken, true, memory_order_release);
    if (handle != 0)
        __release_one(peer, handle);
}

void __wake(const _Atomic(unsigned int) *word, unsigned int n)
{
    struct __pthread *woken = NULL, **end = &woken;
    enter();
    for (struct __pthread **at = &first; *at != NULL && n > 0;) {
        struct __pthread *thread = *at;
        if (thread->waits_for != word) {
            at = &thread->next;
            continue;
        }
        *at = thread->next;
        thread->next = NULL;
        *end = thread;
        end = &thread->next;
        n--;
    }
    leave();
    while (woken != NULL) {
        struct __pthread *thread = woken;
        woken = thread->next;
        notify(thread);
    }
}

void __wait_end(struct __pthread *thread)
{
    if (thread->peer != 0)
        call1(OMNIBUS_CALL_CAPABILITY_DROP, thread->peer);
    thread->peer = 0;
    thread->handle = 0;
}
