/* Memory, descriptors and clocks. */
#include "library.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define N_BLOCKS 64

/* A block holds its own number in every byte. */
static int is_whole(const unsigned char *block, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++) {
        if (block[i] != value)
            return 0;
    }
    return 1;
}

void blocks(void)
{
    unsigned char *kept[N_BLOCKS] = {NULL};
    size_t n_bytes[N_BLOCKS] = {0};
    int n_damaged = 0, n_crooked = 0;
    unsigned int state = 7;
    for (int turn = 0; turn < 4000; turn++) {
        state = state * 1103515245 + 12345;
        int i = (int)(state >> 8) % N_BLOCKS;
        size_t n = (size_t)(state >> 16) % (turn % 50 == 0 ? 300000 : 3000) + 1;
        n_damaged += !is_whole(kept[i], n_bytes[i], (unsigned char)i);
        if (turn % 3 == 0) {
            size_t n_common = n < n_bytes[i] ? n : n_bytes[i];
            kept[i] = realloc(kept[i], n);
            n_damaged += !is_whole(kept[i], n_common, (unsigned char)i);
        } else {
            free(kept[i]);
            kept[i] = turn % 3 == 1 ? malloc(n) : aligned_alloc(256, (n + 255) / 256 * 256);
        }
        n_crooked += (uintptr_t)kept[i] % (turn % 3 == 2 ? 256 : 16) != 0;
        n_bytes[i] = n;
        memset(kept[i], i, n);
    }
    for (int i = 0; i < N_BLOCKS; i++)
        free(kept[i]);
    printf("blocks: %d damaged, %d crooked\n", n_damaged, n_crooked);
    unsigned char *zeros = calloc(1000, 3);
    say("zeros", is_whole(zeros, 3000, 0));
    free(zeros);
    volatile size_t too_much = SIZE_MAX / 2;
    errno = 0;
    say("too much", malloc(too_much + 1) == NULL);
    say("is ENOMEM", errno == ENOMEM);
    say("too much", calloc(too_much, 3) == NULL);
    void *aligned = NULL;
    say("aligned", posix_memalign(&aligned, 4096, 100));
    say("to a page", (long)((uintptr_t)aligned % 4096));
    free(aligned);
    say("no power of two", posix_memalign(&aligned, 24, 100));
    say("less than a pointer", posix_memalign(&aligned, 4, 100));
}

static void show_poll(const char *what, int fd, short events)
{
    struct pollfd item = {fd, events, 0};
    int n_ready = poll(&item, 1, 0);
    printf("poll %s: %d %#x\n", what, n_ready, (unsigned)item.revents);
}

/* True if a call failed like this. */
static int failed(long result, int error)
{
    return result == -1 && errno == error;
}

void descriptors(void)
{
    char byte = 'x';
    struct iovec pieces[] = {{(void *)"ab", 2}, {NULL, 0}, {(void *)"cde", 3}};
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC), copy = dup(fd);
    say("opened", fd >= 3);
    say("copied", copy > fd);
    say("flags", fcntl(fd, F_GETFD));
    say("write", write(fd, "abc", 3));
    say("read", read(fd, &byte, 1));
    say("which changes nothing", byte);
    say("writev", writev(fd, pieces, 3));
    say("writev of nothing", writev(fd, pieces, 0));
    volatile size_t too_much = (size_t)SSIZE_MAX + 1; /* which the compiler is not to know */
    pieces[1].iov_base = &byte;
    pieces[1].iov_len = too_much - 1;
    say("write of more than there can be", write(fd, &byte, too_much));
    say("read of more than there can be", read(fd, &byte, too_much));
    say("writev of more than there can be", writev(fd, pieces, 3));
    show_poll("null", fd, POLLIN | POLLOUT);
    say("dup2", dup2(fd, 100));
    say("dup2 of itself", dup2(100, 100));
    say("close", close(fd));
    say("close again", failed(close(fd), EBADF));
    show_poll("closed", fd, POLLIN);
    show_poll("none", -1, POLLIN);
    show_poll("the copy", 100, POLLOUT);
    int other = open("/dev/null", O_WRONLY);
    say("the lowest number", other == fd);
    say("at least 200", fcntl(100, F_DUPFD, 200));
    say("close", close(copy));
    say("close", close(100));
    say("close", close(200));
    say("close", close(other));
    static struct pollfd outside_the_stack;
    struct pollfd *volatile nowhere = (struct pollfd *)8; /* which the compiler is not to know */
    say("poll nowhere", failed(poll(nowhere, 1, 0), EFAULT));
    say("poll outside the stack", poll(&outside_the_stack, 1, 0));
    say("dup of none", failed(dup(1234), EBADF));
    say("dup2 to none", failed(dup2(1, -1), EBADF));
    say("write to none", failed(write(-1, "", 0), EBADF));
    say("open nothing", failed(open("/nowhere/at/all", O_RDONLY), ENOENT));
}

static char *map(void *address, size_t n, int flags)
{
    return mmap(address, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

void memory(void)
{
    size_t n_page = (size_t)sysconf(_SC_PAGESIZE), n = 4 * n_page;
    char *pages = map(NULL, n, 0), *second = pages + n_page;
    say("bytes of a page", (long)n_page);
    say("mapped and zero", pages != MAP_FAILED && is_whole((unsigned char *)pages, n, 0));
    memset(pages, 'm', n);
    say("read only", mprotect(second, n_page, PROT_READ));
    say("still there", *second == 'm');
    say("nothing", mprotect(second, n_page, PROT_NONE));
    say("everything", mprotect(second, n_page, PROT_READ | PROT_WRITE));
    ++*second;
    say("still there", *second);
    say("unmap", munmap(second, n_page));
    say("unmap more", munmap(second, 2 * n_page));
    say("protect a hole", failed(mprotect(pages, n, PROT_READ), ENOMEM));
    say("map the hole", map(second, n_page, MAP_FIXED) == second);
    say("which is zero", *second);
    say("map over it", map(pages, n, MAP_FIXED) == pages);
    say("which is zero", is_whole((unsigned char *)pages, n, 0));
    say("unmap", munmap(pages, n));
    say("map nothing", map(NULL, 0, 0) == MAP_FAILED && errno == EINVAL);
    say("map more than there is", map(NULL, (size_t)1 << 46, 0) == MAP_FAILED && errno == ENOMEM);
    say("unmap no page", failed(munmap((void *)1, 1), EINVAL));
}

/* Nanoseconds since `start`. */
static long elapsed_ns(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)(now.tv_sec - start->tv_sec) * 1000000000 + now.tv_nsec - start->tv_nsec;
}

void clocks(void)
{
    struct timespec start, nap = {0, 3000000}, bad = {0, 1000000000};
    clock_gettime(CLOCK_MONOTONIC, &start);
    say("sleep", nanosleep(&nap, NULL));
    say("long enough", elapsed_ns(&start) >= nap.tv_nsec);
    say("no time", failed(nanosleep(&bad, NULL), EINVAL));
    say("no clock", failed(clock_gettime(-77, &start), EINVAL));
    clock_gettime(CLOCK_MONOTONIC, &start);
    say("poll waits", poll(NULL, 0, 3));
    say("long enough", elapsed_ns(&start) >= nap.tv_nsec);
}
