/* A thread, and how threads wait for each other.
 *
 * A thread's area is one mapping: its stack, above it its thread-local storage, above that this
 * description, which the thread pointer (fs) points at. So the ABI wants it (System V ABI, AMD64
 * supplement, and "ELF Handling For Thread-Local Storage", section 3.4.6, variant II).
 */
#ifndef THREAD_H
#define THREAD_H

#include "kernel.h"
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Bytes of the stacks of the first and of every other thread. The kernel maps them whole. */
#define MAIN_STACK_BYTES ((size_t)1 << 20)
#define STACK_BYTES ((size_t)256 << 10)

enum thread_state {
    THREAD_JOINABLE,
    THREAD_DETACHED,
    THREAD_ENDED, /* and somebody is to join it */
};

struct __pthread {
    struct __pthread *self; /* must be first: the word at the thread pointer is its own address */
    void *area;
    size_t n_area;
    uint64_t capability;
    void *(*start)(void *);
    void *argument;
    void *result;
    _Atomic(unsigned int) state;

    /* Waiting (wait.c): a peer of the thread's own, and a handle to a node of it. */
    uint64_t peer;
    uint64_t handle;
    const _Atomic(unsigned int) *waits_for;
    struct __pthread *next;
    atomic_bool is_woken;

    struct {
        unsigned int sequence; /* of the key when the value was set */
        void *value;
    } specific[PTHREAD_KEYS_MAX];
};

/* The thread that runs. */
static inline struct __pthread *current_thread(void)
{
    struct __pthread *thread;
    __asm__("movq %%fs:0, %0" : "=r"(thread));
    return thread;
}

/* Makes the area of a thread with a stack of `n_stack` bytes; NULL if there is no memory. */
struct __pthread *__thread_new(size_t n_stack);

/* Where the stack of a thread begins. */
void *__thread_stack(const struct __pthread *thread);

/* Calls the destructors of the thread's keys. */
void __thread_specific_end(void);

/* Ends the calling thread; the program if it is the last one. */
__attribute__((__noreturn__)) void __thread_end(void);

/* Waits until another thread wakes those who wait for `word`, unless it is not `expected`. Returns 0
 * when woken, EAGAIN if it was another number, ETIMEDOUT. */
int __wait_for(const _Atomic(unsigned int) *word, unsigned int expected, uint64_t deadline_ns);

/* Wakes at most `n` of the threads that wait for `word`, in the order of their coming. */
void __wake(const _Atomic(unsigned int) *word, unsigned int n);

/* Gives back what waiting has made for the thread. */
void __wait_end(struct __pthread *thread);

void __run_on_stack(void *argument, void *stack, void (*function)(void *));
void __thread_entry(void);
__attribute__((__noreturn__)) void __thread_start(struct __pthread *thread);
__attribute__((__noreturn__)) void __unmap_and_exit(void *area, size_t n_bytes);

#endif
