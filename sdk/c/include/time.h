/* Clocks and sleeping (C11 7.27, POSIX). There is no calendar: every clock starts at 0 when the
 * machine does. */
#ifndef _OMNIBUS_TIME_H
#define _OMNIBUS_TIME_H

#include <stddef.h>
#include <sys/types.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define TIMER_ABSTIME 1
#define TIME_UTC 1

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

time_t time(time_t *seconds);
double difftime(time_t end, time_t start);
int timespec_get(struct timespec *now, int base);
int clock_gettime(clockid_t clock, struct timespec *now);
int clock_getres(clockid_t clock, struct timespec *resolution);
int nanosleep(const struct timespec *duration, struct timespec *remaining);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                    struct timespec *remaining);

#endif
