/* Descriptors: small numbers for what a program has opened. They exist in this library only; the
 * kernel knows capabilities. */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include "kernel.h"
#include <stdbool.h>

enum descriptor_kind {
    DESCRIPTOR_FREE,
    DESCRIPTOR_INPUT,   /* standard input, which is at its end */
    DESCRIPTOR_CONSOLE, /* takes bytes */
    DESCRIPTOR_NULL,    /* /dev/null */
    DESCRIPTOR_PEER,    /* /dev/bus1 */
};

struct descriptor {
    enum descriptor_kind kind;
    int flags;           /* of open */
    int fd_flags;        /* FD_CLOEXEC, which nothing here looks at */
    uint64_t capability; /* of a peer: this descriptor's own */
};

/* Opens descriptors 0, 1 and 2. */
void __descriptors_open(void);

/* What `fd` stands for; false if it is not open. */
bool __descriptor_find(int fd, struct descriptor *found);

/* The capability of any open peer; 0 if there is none. Another thread may close it at any time. */
uint64_t __descriptor_any_peer(void);

/* Gives `descriptor` the lowest free number that is at least `least`: -1 and EMFILE if there is none. */
int __descriptor_add(const struct descriptor *descriptor, int least);

/* Changes the flags of an open descriptor. */
void __descriptor_set_flags(int fd, int flags, int fd_flags);

#endif
