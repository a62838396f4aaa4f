/* Clocks and sleeping. There is one clock, and it starts with the machine. */
#include "clock.h"
#include <unistd.h>

#define NS_PER_SECOND 1000000000u
#define NS_PER_US 1000u

uint64_t __now_ns(void)
{
    return __kernel_call(OMNIBUS_CALL_CLOCK, 0, 0, 0, 0, 0, 0).value;
}

bool __is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && (unsigned long)time->tv_nsec < NS_PER_SECOND;
}

uint64_t __nanoseconds(const struct timespec *time)
{
    uint64_t ns;
    if (__builtin_mul_overflow((uint64_t)time->tv_sec, NS_PER_SECOND, &ns) ||
        __builtin_add_overflow(ns, (uint64_t)time->tv_nsec, &ns))
        return NEVER;
    return ns;
}

void __sleep_until(uint64_t deadline_ns)
{
    while (__now_ns() < deadline_ns)
        __kernel_call(OMNIBUS_CALL_WAIT, 0, 0, sizeof(struct omnibus_wait_item), deadline_ns, 0, 0);
}

static bool is_clock(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC ||
           (clock >= CLOCK_MONOTONIC_RAW && clock <= CLOCK_BOOTTIME);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!is_clock(clock))
        return result_of(EINVAL);
    uint64_t ns = __now_ns();
    *now = (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    if (!is_clock(clock))
        return result_of(EINVAL);
    if (resolution != NULL)
        *resolution = (struct timespec){0, 1};
    return 0;
}

/* Unlike the functions around it this one returns the error number (POSIX). Nothing interrupts it,
 * so nothing ever remains. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                    struct timespec *remaining)
{
    (void)remaining;
    if (!is_clock(clock) || !__is_time(until))
        return EINVAL;
    uint64_t deadline_ns = __nanoseconds(until);
    if (!(flags & TIMER_ABSTIME) && __builtin_add_overflow(__now_ns(), deadline_ns, &deadline_ns))
        deadline_ns = NEVER;
    __sleep_until(deadline_ns);
    return 0;
}

int nanosleep(const struct timespec *duration, struct timespec *remaining)
{
    return result_of(clock_nanosleep(CLOCK_MONOTONIC, 0, duration, remaining));
}

unsigned int sleep(unsigned int seconds)
{
    nanosleep(&(struct timespec){seconds, 0}, NULL);
    return 0;
}

int usleep(useconds_t microseconds)
{
    uint64_t ns = (uint64_t)microseconds * NS_PER_US;
    return nanosleep(&(struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)},
                     NULL);
}

time_t time(time_t *seconds)
{
    time_t now = (time_t)(__now_ns() / NS_PER_SECOND);
    if (seconds != NULL)
        *seconds = now;
    return now;
}

double difftime(time_t end, time_t start)
{
    return (double)end - (double)start;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}
