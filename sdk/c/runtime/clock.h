/* Times as the kernel counts them. */
#ifndef CLOCK_H
#define CLOCK_H

#include "kernel.h"
#include <stdbool.h>
#include <time.h>

/* True if the nanoseconds are fewer than a second and nothing is negative. */
bool __is_time(const struct timespec *time);

/* Nanoseconds; NEVER if they are too many to count. */
uint64_t __nanoseconds(const struct timespec *time);

/* Sleeps until a deadline. */
void __sleep_until(uint64_t deadline_ns);

#endif
