/* The printf family: the same language to streams, descriptors and memory. */
#include "format.h"
#include "stream.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct memory_sink {
    struct sink sink;
    char *buffer;
    size_t n_room; /* the last byte of it is for the end */
};

static void put_to_memory(struct sink *sink, const char *bytes, size_t n)
{
    struct memory_sink *memory = (struct memory_sink *)sink;
    if (memory->n_room <= sink->n + 1)
        return;
    size_t n_left = memory->n_room - 1 - sink->n;
    memcpy(memory->buffer + sink->n, bytes, n < n_left ? n : n_left);
}

int vsnprintf(char *restrict buffer, size_t n, const char *restrict format, va_list arguments)
{
    struct memory_sink memory = {{put_to_memory, 0}, buffer, n};
    int n_needed = __format(&memory.sink, format, arguments);
    if (n > 0)
        buffer[memory.sink.n < n ? memory.sink.n : n - 1] = '\0';
    return n_needed;
}

int vsprintf(char *restrict buffer, const char *restrict format, va_list arguments)
{
    return vsnprintf(buffer, SIZE_MAX, format, arguments);
}

int vasprintf(char **restrict text, const char *restrict format, va_list arguments)
{
    int n = vsnprintf(NULL, 0, format, arguments);
    if (n < 0)
        return n;
    *text = malloc((size_t)n + 1);
    return *text ? vsnprintf(*text, (size_t)n + 1, format, arguments) : -1;
}

struct stream_sink {
    struct sink sink;
    FILE *stream;
};

static void put_to_stream(struct sink *sink, const char *bytes, size_t n)
{
    __stream_put(((struct stream_sink *)sink)->stream, bytes, n);
}

int vfprintf(FILE *restrict stream, const char *restrict format, va_list arguments)
{
    struct stream_sink to = {{put_to_stream, 0}, stream};
    flockfile(stream);
    bool had_error = ferror(stream);
    clearerr(stream);
    int n = __format(&to.sink, format, arguments);
    __stream_end(stream);
    if (ferror(stream))
        n = -1;
    stream->has_error |= had_error;
    funlockfile(stream);
    return n;
}

int vprintf(const char *restrict format, va_list arguments)
{
    return vfprintf(stdout, format, arguments);
}

int vdprintf(int fd, const char *restrict format, va_list arguments)
{
    char buffer[BUFSIZ];
    struct __stream stream = {.fd = fd, .mode = _IOFBF, .buffer = buffer, .n_room = sizeof buffer};
    stream.lock = (pthread_mutex_t){0, PTHREAD_MUTEX_RECURSIVE, NULL, 0};
    int n = vfprintf(&stream, format, arguments);
    return fflush(&stream) == 0 ? n : -1;
}

#define FORWARD(call)               \
    va_list arguments;              \
    va_start(arguments, format);    \
    int result = call;              \
    va_end(arguments);              \
    return result

int printf(const char *restrict format, ...)
{
    FORWARD(vfprintf(stdout, format, arguments));
}

int fprintf(FILE *restrict stream, const char *restrict format, ...)
{
    FORWARD(vfprintf(stream, format, arguments));
}

int dprintf(int fd, const char *restrict format, ...)
{
    FORWARD(vdprintf(fd, format, arguments));
}

int sprintf(char *restrict buffer, const char *restrict format, ...)
{
    FORWARD(vsprintf(buffer, format, arguments));
}

int snprintf(char *restrict buffer, size_t n, const char *restrict format, ...)
{
    FORWARD(vsnprintf(buffer, n, format, arguments));
}

int asprintf(char **restrict text, const char *restrict format, ...)
{
    FORWARD(vasprintf(text, format, arguments));
}
