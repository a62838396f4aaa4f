/* Vectors of bytes (POSIX). */
#ifndef _OMNIBUS_SYS_UIO_H
#define _OMNIBUS_SYS_UIO_H

#include <sys/types.h>

struct iovec {
    void *iov_base;
    size_t iov_len;
};

ssize_t readv(int fd, const struct iovec *vectors, int n_vectors);
ssize_t writev(int fd, const struct iovec *vectors, int n_vectors);

#endif
