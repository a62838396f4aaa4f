/* The kernel as the C runtime sees it. Structures, numbers and bounds are in <omnibus/abi.h>, which
 * the build makes from the crate `abi`; what the calls mean is in docs/syscalls.md.
 *
 * Nothing here is for programs. Every name that the linker sees begins with two underscores, which
 * C leaves to its library.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <errno.h>
#include <omnibus/abi.h>
#include <stddef.h>
#include <stdint.h>

/* A deadline that never passes. */
#define NEVER UINT64_MAX

struct kernel_result {
    int64_t status; /* 0, or a negative error number */
    uint64_t value;
};

struct kernel_result __kernel_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                   uint64_t e, uint64_t f);
int __kernel_receive_short(uint64_t peer, uint64_t deadline_ns);

/* The result of a call that has no value: 0 or a (positive) error number. */
static inline int call0(uint64_t number)
{
    return (int)-__kernel_call(number, 0, 0, 0, 0, 0, 0).status;
}

static inline int call1(uint64_t number, uint64_t a)
{
    return (int)-__kernel_call(number, a, 0, 0, 0, 0, 0).status;
}

static inline int call2(uint64_t number, uint64_t a, uint64_t b)
{
    return (int)-__kernel_call(number, a, b, 0, 0, 0, 0).status;
}

static inline int call3(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    return (int)-__kernel_call(number, a, b, c, 0, 0, 0).status;
}

static inline uint64_t address_of(const volatile void *pointer)
{
    return (uint64_t)pointer;
}

/* What a C function returns that sets errno: 0, or -1 for an error number. */
static inline int result_of(int number)
{
    if (number == 0)
        return 0;
    errno = number;
    return -1;
}

/* What the task was given, found at the start. A capability that is missing is 0, which is none. */
struct environment {
    const struct omnibus_startup *startup;
    uint64_t account;
    uint64_t console;
};
extern struct environment __environment;

/* Makes `environ` from what the task was given; called once. */
void __environment_read(const struct omnibus_startup *startup);

/* Maps pages of zeros: at `address`, or where the kernel likes if that is 0. */
int __map_pages(uint64_t address, size_t n_bytes, uint64_t rights, void **mapped);

/* Nanoseconds since the machine started. */
uint64_t __now_ns(void);

#endif
