/* Condition variables: a number that every signal changes. Who waits for it to change and is late
 * finds it changed, so no signal is missed. */
#include "clock.h"
#include "thread.h"
#include <errno.h>

int pthread_cond_init(pthread_cond_t *restrict condition,
                      const pthread_condattr_t *restrict attributes)
{
    *condition = (pthread_cond_t){0, attributes ? attributes->__clock : CLOCK_REALTIME};
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

static int wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    unsigned int sequence = atomic_load(&condition->__sequence);
    int error = pthread_mutex_unlock(mutex);
    if (error != 0)
        return error;
    int waited = __wait_for(&condition->__sequence, sequence, deadline_ns);
    error = pthread_mutex_lock(mutex);
    return waited == ETIMEDOUT ? ETIMEDOUT : error;
}

int pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex)
{
    return wait(condition, mutex, NEVER);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    if (!__is_time(until))
        return EINVAL;
    return wait(condition, mutex, __nanoseconds(until));
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    atomic_fetch_add(&condition->__sequence, 1);
    __wake(&condition->__sequence, 1);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    atomic_fetch_add(&condition->__sequence, 1);
    __wake(&condition->__sequence, UINT_MAX);
    return 0;
}
