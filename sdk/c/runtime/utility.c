/* Sorting, searching, chance, and what the task is. */
#include "kernel.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*comparison)(const void *, const void *);

static void swap(char *left, char *right, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char byte = left[i];
        left[i] = right[i];
        right[i] = byte;
    }
}

/* Lets the element at `root` sink until no child is larger. */
static void sink(char *elements, size_t root, size_t n, size_t n_bytes, comparison compare)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n &&
            compare(elements + child * n_bytes, elements + (child + 1) * n_bytes) < 0)
            child++;
        if (compare(elements + root * n_bytes, elements + child * n_bytes) >= 0)
            return;
        swap(elements + root * n_bytes, elements + child * n_bytes, n_bytes);
    }
}

/* Heap sort: in place, and never quadratic. */
void qsort(void *base, size_t n, size_t n_bytes, comparison compare)
{
    char *elements = base;
    for (size_t root = n / 2; root > 0; root--)
        sink(elements, root - 1, n, n_bytes, compare);
    for (size_t last = n; last > 1; last--) {
        swap(elements, elements + (last - 1) * n_bytes, n_bytes);
        sink(elements, 0, last - 1, n_bytes, compare);
    }
}

void *bsearch(const void *key, const void *base, size_t n, size_t n_bytes, comparison compare)
{
    const char *elements = base;
    while (n > 0) {
        const char *middle = elements + n / 2 * n_bytes;
        int order = compare(key, middle);
        if (order == 0)
            return (void *)middle;
        if (order > 0)
            elements = middle + n_bytes;
        n = order > 0 ? n - n / 2 - 1 : n / 2;
    }
    return NULL;
}

/* The generator that POSIX gives as an example has 15 bits; this one has the upper bits of a 64-bit
 * congruence (multiplier from Knuth's MMIX). */
static unsigned int next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned int)(*state >> 33);
}

static uint64_t random_state = 1;
static pthread_mutex_t random_lock = PTHREAD_MUTEX_INITIALIZER;

int rand(void)
{
    pthread_mutex_lock(&random_lock);
    unsigned int number = next(&random_state);
    pthread_mutex_unlock(&random_lock);
    return (int)number;
}

int rand_r(unsigned int *seed)
{
    uint64_t state = *seed;
    next(&state);
    *seed = (unsigned int)(state >> 32);
    return (int)(next(&state) & RAND_MAX);
}

void srand(unsigned int seed)
{
    pthread_mutex_lock(&random_lock);
    random_state = seed;
    pthread_mutex_unlock(&random_lock);
}

int sched_yield(void)
{
    return result_of(call0(OMNIBUS_CALL_YIELD));
}

pid_t getpid(void)
{
    return (pid_t)__environment.startup->task;
}

int getpagesize(void)
{
    return OMNIBUS_PAGE_BYTES;
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return OMNIBUS_PAGE_BYTES;
    case _SC_OPEN_MAX:
        return OPEN_MAX;
    case _SC_IOV_MAX:
        return IOV_MAX;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return 1;
    default:
        return result_of(EINVAL);
    }
}
