/* The table of descriptors. */
#include "descriptor.h"
#include "peer.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static struct descriptor table[OPEN_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void __descriptors_open(void)
{
    table[STDIN_FILENO] = (struct descriptor){.kind = DESCRIPTOR_INPUT, .flags = O_RDONLY};
    table[STDOUT_FILENO] = (struct descriptor){.kind = DESCRIPTOR_CONSOLE, .flags = O_WRONLY};
    table[STDERR_FILENO] = (struct descriptor){.kind = DESCRIPTOR_CONSOLE, .flags = O_WRONLY};
}

/* Gives back what a descriptor stood for; a peer closes with the last capability that names it. */
static void give_back(const struct descriptor *descriptor)
{
    if (descriptor->kind == DESCRIPTOR_PEER)
        call1(OMNIBUS_CALL_CAPABILITY_DROP, descriptor->capability);
}

bool __descriptor_find(int fd, struct descriptor *found)
{
    if (fd < 0 || fd >= OPEN_MAX)
        return false;
    pthread_mutex_lock(&lock);
    *found = table[fd];
    pthread_mutex_unlock(&lock);
    return found->kind != DESCRIPTOR_FREE;
}

uint64_t __descriptor_any_peer(void)
{
    uint64_t capability = 0;
    pthread_mutex_lock(&lock);
    for (int fd = 0; fd < OPEN_MAX && capability == 0; fd++) {
        if (table[fd].kind == DESCRIPTOR_PEER)
            capability = table[fd].capability;
    }
    pthread_mutex_unlock(&lock);
    return capability;
}

int __descriptor_add(const struct descriptor *descriptor, int least)
{
    int fd = least;
    pthread_mutex_lock(&lock);
    while (fd < OPEN_MAX && table[fd].kind != DESCRIPTOR_FREE)
        fd++;
    if (fd < OPEN_MAX)
        table[fd] = *descriptor;
    pthread_mutex_unlock(&lock);
    if (fd < OPEN_MAX)
        return fd;
    give_back(descriptor);
    return result_of(EMFILE);
}

void __descriptor_set_flags(int fd, int flags, int fd_flags)
{
    pthread_mutex_lock(&lock);
    table[fd].flags = flags;
    table[fd].fd_flags = fd_flags;
    pthread_mutex_unlock(&lock);
}

/* Another descriptor for what `fd` stands for: a peer gets another capability. */
static int copy(int fd, struct descriptor *made)
{
    if (!__descriptor_find(fd, made))
        return EBADF;
    made->fd_flags = 0;
    if (made->kind != DESCRIPTOR_PEER)
        return 0;
    struct kernel_result result = __kernel_call(OMNIBUS_CALL_CAPABILITY_COPY, made->capability,
                                                OMNIBUS_PEER_ALL, 0, 0, 0, 0);
    made->capability = result.value;
    return (int)-result.status;
}

static int copy_to(int fd, int least)
{
    struct descriptor made;
    int error = copy(fd, &made);
    return error ? result_of(error) : __descriptor_add(&made, least);
}

int dup(int fd)
{
    return copy_to(fd, 0);
}

int dup2(int fd, int as)
{
    struct descriptor made, before;
    if (as < 0 || as >= OPEN_MAX)
        return result_of(EBADF);
    if (fd == as)
        return __descriptor_find(fd, &made) ? fd : result_of(EBADF);
    int error = copy(fd, &made);
    if (error != 0)
        return result_of(error);
    pthread_mutex_lock(&lock);
    before = table[as];
    table[as] = made;
    pthread_mutex_unlock(&lock);
    give_back(&before);
    return as;
}

int close(int fd)
{
    struct descriptor closed = {.kind = DESCRIPTOR_FREE};
    if (fd >= 0 && fd < OPEN_MAX) {
        pthread_mutex_lock(&lock);
        closed = table[fd];
        table[fd].kind = DESCRIPTOR_FREE;
        pthread_mutex_unlock(&lock);
    }
    if (closed.kind == DESCRIPTOR_FREE)
        return result_of(EBADF);
    give_back(&closed);
    return 0;
}

int open(const char *path, int flags, ...)
{
    struct descriptor opened = {.flags = flags & ~O_CLOEXEC,
                                .fd_flags = flags & O_CLOEXEC ? FD_CLOEXEC : 0};
    if (strcmp(path, "/dev/null") == 0) {
        opened.kind = DESCRIPTOR_NULL;
    } else if (strcmp(path, "/dev/bus1") == 0) {
        int error = __peer_new(&opened.capability);
        if (error != 0)
            return result_of(error);
        opened.kind = DESCRIPTOR_PEER;
    } else {
        return result_of(ENOENT);
    }
    return __descriptor_add(&opened, 0);
}

int fcntl(int fd, int command, ...)
{
    struct descriptor found;
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    if (!__descriptor_find(fd, &found))
        return result_of(EBADF);
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return argument < 0 || argument >= OPEN_MAX ? result_of(EINVAL) : copy_to(fd, argument);
    case F_GETFD:
        return found.fd_flags;
    case F_SETFD:
        __descriptor_set_flags(fd, found.flags, argument & FD_CLOEXEC);
        return 0;
    case F_GETFL:
        return found.flags;
    case F_SETFL:
        __descriptor_set_flags(fd, (found.flags & O_ACCMODE) | (argument & O_NONBLOCK),
                               found.fd_flags);
        return 0;
    default:
        return result_of(EINVAL);
    }
}
