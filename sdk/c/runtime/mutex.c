/* Mutexes: a word that is open, locked, or locked with others waiting. */
#include "clock.h"
#include "thread.h"
#include <errno.h>

enum { OPEN, LOCKED, CONTENDED };

int pthread_mutex_init(pthread_mutex_t *restrict mutex,
                       const pthread_mutexattr_t *restrict attributes)
{
    int type = attributes ? attributes->__type : PTHREAD_MUTEX_DEFAULT;
    *mutex = (pthread_mutex_t){OPEN, type, NULL, 0};
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return atomic_load(&mutex->__word) == OPEN ? 0 : EBUSY;
}

/* What a mutex with an owner says when the owner comes again; 0 if it is somebody else. */
static int come_again(pthread_mutex_t *mutex, int if_not_recursive)
{
    if (mutex->__type == PTHREAD_MUTEX_NORMAL || mutex->__owner != current_thread())
        return 0;
    return mutex->__type == PTHREAD_MUTEX_RECURSIVE ? EALREADY : if_not_recursive;
}

static void own(pthread_mutex_t *mutex)
{
    if (mutex->__type == PTHREAD_MUTEX_NORMAL)
        return;
    mutex->__owner = current_thread();
    mutex->__depth = 1;
}

static int deepen(pthread_mutex_t *mutex)
{
    if (mutex->__depth == UINT_MAX)
        return EAGAIN;
    mutex->__depth++;
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    unsigned int word = OPEN;
    int again = come_again(mutex, EBUSY);
    if (again == EALREADY)
        return deepen(mutex);
    if (again != 0 || !atomic_compare_exchange_strong_explicit(&mutex->__word, &word, LOCKED,
                                                               memory_order_acquire,
                                                               memory_order_relaxed))
        return EBUSY;
    own(mutex);
    return 0;
}

static int lock(pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    unsigned int word = OPEN;
    int again = come_again(mutex, EDEADLK);
    if (again != 0)
        return again == EALREADY ? deepen(mutex) : again;
    if (!atomic_compare_exchange_strong_explicit(&mutex->__word, &word, LOCKED,
                                                 memory_order_acquire, memory_order_relaxed)) {
        while (atomic_exchange_explicit(&mutex->__word, CONTENDED, memory_order_acquire) != OPEN) {
            if (__wait_for(&mutex->__word, CONTENDED, deadline_ns) == ETIMEDOUT)
                return ETIMEDOUT;
        }
    }
    own(mutex);
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return lock(mutex, NEVER);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
    if (!__is_time(until))
        return EINVAL;
    return lock(mutex, __nanoseconds(until));
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (mutex->__type != PTHREAD_MUTEX_NORMAL) {
        if (mutex->__owner != current_thread())
            return EPERM;
        if (--mutex->__depth > 0)
            return 0;
        mutex->__owner = NULL;
    }
    if (atomic_exchange_explicit(&mutex->__word, OPEN, memory_order_release) == CONTENDED)
        __wake(&mutex->__word, 1);
    return 0;
}
