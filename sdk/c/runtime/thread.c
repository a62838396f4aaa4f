/* Threads: their memory, beginning and end. */
#include "thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Alignment of the description of a thread, if thread-local storage asks for no more. */
#define ALIGNMENT 64

/* Threads that have not ended. The first one is not made here. */
static _Atomic(unsigned int) n_threads = 1;

/* Held while a thread is made, so that nobody looks for its capability before it is there. */
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;

static size_t round_up(size_t n, size_t alignment)
{
    return (n + alignment - 1) & ~(alignment - 1);
}

static size_t tls_alignment(void)
{
    size_t alignment = __environment.startup->tls_alignment;
    return alignment > ALIGNMENT ? alignment : ALIGNMENT;
}

/* Bytes below the thread pointer: the offsets that the linker chose count from there. */
static size_t n_tls_bytes(void)
{
    const struct omnibus_startup *startup = __environment.startup;
    size_t alignment = startup->tls_alignment > 0 ? startup->tls_alignment : 1;
    return round_up(startup->n_tls_memory, alignment);
}

/* The kernel leaves a page unmapped between two ranges that it places, so an overflow of the stack
 * faults. */
struct __pthread *__thread_new(size_t n_stack)
{
    const struct omnibus_startup *startup = __environment.startup;
    size_t alignment = tls_alignment();
    size_t n_area =
        round_up(n_stack + n_tls_bytes() + alignment + sizeof(struct __pthread),
                 OMNIBUS_PAGE_BYTES);
    void *area;
    if (n_area < n_stack ||
        __map_pages(0, n_area, OMNIBUS_VM_READ | OMNIBUS_VM_WRITE, &area) != 0)
        return NULL;
    uintptr_t top = (uintptr_t)area + n_area - sizeof(struct __pthread);
    struct __pthread *thread = (struct __pthread *)(top & ~(alignment - 1));
    memcpy((char *)thread - n_tls_bytes(), (const void *)startup->ptr_tls, startup->n_tls_file);
    thread->self = thread;
    thread->area = area;
    thread->n_area = n_area;
    return thread;
}

void *__thread_stack(const struct __pthread *thread)
{
    return (char *)thread - round_up(n_tls_bytes(), 16);
}

void __thread_start(struct __pthread *thread)
{
    pthread_exit(thread->start(thread->argument));
}

void __thread_end(void)
{
    struct __pthread *thread = current_thread();
    __wait_end(thread);
    if (atomic_fetch_sub(&n_threads, 1) == 1)
        exit(EXIT_SUCCESS);
    unsigned int state = THREAD_JOINABLE;
    if (!atomic_compare_exchange_strong(&thread->state, &state, THREAD_ENDED))
        __unmap_and_exit(thread->area, thread->n_area);
    for (;;)
        call1(OMNIBUS_CALL_THREAD_EXIT, 0);
}

static int start(struct __pthread *thread)
{
    struct omnibus_thread_start native = {
        .entry = address_of((void *)__thread_entry),
        .stack = address_of(__thread_stack(thread)),
        .argument = address_of(thread),
        .tls_base = address_of(thread),
    };
    pthread_mutex_lock(&creating);
    bool is_detached = thread->state == THREAD_DETACHED;
    struct kernel_result result = __kernel_call(OMNIBUS_CALL_THREAD_NEW, address_of(&native),
                                                sizeof native, 0, 0, 0, 0);
    if (result.status == 0 && is_detached)
        call1(OMNIBUS_CALL_CAPABILITY_DROP, result.value);
    else if (result.status == 0)
        thread->capability = result.value;
    pthread_mutex_unlock(&creating);
    return result.status == 0 ? 0 : EAGAIN;
}

int pthread_create(pthread_t *restrict created, const pthread_attr_t *restrict attributes,
                   void *(*function)(void *), void *restrict argument)
{
    struct __pthread *thread = __thread_new(attributes ? attributes->__n_stack : STACK_BYTES);
    if (thread == NULL)
        return EAGAIN;
    thread->start = function;
    thread->argument = argument;
    thread->state = attributes && attributes->__is_detached ? THREAD_DETACHED : THREAD_JOINABLE;
    void *area = thread->area;
    size_t n_area = thread->n_area;
    atomic_fetch_add(&n_threads, 1);
    *created = thread;
    int error = start(thread);
    if (error != 0) {
        atomic_fetch_sub(&n_threads, 1);
        munmap(area, n_area);
    }
    return error;
}

static uint64_t capability_of(pthread_t thread)
{
    pthread_mutex_lock(&creating);
    uint64_t capability = thread->capability;
    pthread_mutex_unlock(&creating);
    return capability;
}

int pthread_join(pthread_t thread, void **result)
{
    uint64_t capability = capability_of(thread);
    int error = call2(OMNIBUS_CALL_THREAD_JOIN, capability, NEVER);
    if (error == EDEADLK)
        return error;
    if (error != 0 || thread->state == THREAD_DETACHED)
        return EINVAL;
    if (result != NULL)
        *result = thread->result;
    call1(OMNIBUS_CALL_CAPABILITY_DROP, capability);
    munmap(thread->area, thread->n_area);
    return 0;
}

int pthread_detach(pthread_t thread)
{
    uint64_t capability = capability_of(thread);
    unsigned int state = THREAD_JOINABLE;
    if (atomic_compare_exchange_strong(&thread->state, &state, THREAD_DETACHED)) {
        call1(OMNIBUS_CALL_CAPABILITY_DROP, capability);
        return 0;
    }
    return state == THREAD_ENDED ? pthread_join(thread, NULL) : EINVAL;
}

void pthread_exit(void *result)
{
    current_thread()->result = result;
    __thread_specific_end();
    __thread_end();
}

pthread_t pthread_self(void)
{
    return current_thread();
}

int pthread_equal(pthread_t left, pthread_t right)
{
    return left == right;
}
