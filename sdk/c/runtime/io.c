/* Reading and writing descriptors. */
#include "console.h"
#include "descriptor.h"
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

/* Who was given no console of the driver's, or whose driver has gone, prints on the kernel's: until it refuses some; what was
 * written before counts. */
static ssize_t print(const char *bytes, size_t n)
{
    size_t n_done = __console_write(bytes, n);
    while (n_done < n) {
        size_t n_piece = n - n_done;
        if (n_piece > OMNIBUS_PRINT_BYTES_MAX)
            n_piece = OMNIBUS_PRINT_BYTES_MAX;
        int error = call3(OMNIBUS_CALL_DEBUG_PRINT, __environment.console,
                          address_of(bytes + n_done), n_piece);
        if (error != 0 && n_done == 0)
            return result_of(error);
        if (error != 0)
            break;
        n_done += n_piece;
    }
    return (ssize_t)n_done;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    struct descriptor found;
    if (!__descriptor_find(fd, &found) || found.kind == DESCRIPTOR_INPUT)
        return result_of(EBADF);
    if (n > SSIZE_MAX) /* which the result could not tell */
        return result_of(EINVAL);
    switch (found.kind) {
    case DESCRIPTOR_CONSOLE:
        return print(bytes, n);
    case DESCRIPTOR_NULL:
        return (ssize_t)n;
    default:
        return result_of(EINVAL);
    }
}

ssize_t read(int fd, void *bytes, size_t n)
{
    struct descriptor found;
    (void)bytes;
    if (!__descriptor_find(fd, &found) || found.kind == DESCRIPTOR_CONSOLE)
        return result_of(EBADF);
    if (n > SSIZE_MAX)
        return result_of(EINVAL);
    return found.kind == DESCRIPTOR_PEER ? result_of(EINVAL) : 0;
}

/* Both go through vectors until one is not served whole. */
static ssize_t each(int fd, const struct iovec *vectors, int n_vectors,
                    ssize_t (*move)(int, void *, size_t))
{
    ssize_t n_done = 0;
    size_t n_all = 0;
    if (n_vectors < 0 || n_vectors > IOV_MAX)
        return result_of(EINVAL);
    for (int i = 0; i < n_vectors; i++) {
        if (vectors[i].iov_len > SSIZE_MAX - n_all)
            return result_of(EINVAL);
        n_all += vectors[i].iov_len;
    }
    for (int i = 0; i < n_vectors; i++) {
        ssize_t n_moved = move(fd, vectors[i].iov_base, vectors[i].iov_len);
        if (n_moved < 0)
            return n_done > 0 ? n_done : n_moved;
        n_done += n_moved;
        if ((size_t)n_moved < vectors[i].iov_len)
            break;
    }
    return n_done;
}

static ssize_t write_piece(int fd, void *bytes, size_t n)
{
    return write(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *vectors, int n_vectors)
{
    return each(fd, vectors, n_vectors, write_piece);
}

ssize_t readv(int fd, const struct iovec *vectors, int n_vectors)
{
    return each(fd, vectors, n_vectors, read);
}

int isatty(int fd)
{
    struct descriptor found;
    if (!__descriptor_find(fd, &found))
        return result_of(EBADF), 0;
    if (found.kind == DESCRIPTOR_CONSOLE)
        return 1;
    return result_of(ENOTTY), 0;
}
