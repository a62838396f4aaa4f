/* Streams: a buffer in front of a descriptor. */
#ifndef STREAM_H
#define STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

struct __stream {
    int fd;
    int mode; /* _IOFBF, _IOLBF, _IONBF */
    char *buffer;
    size_t n_room;
    size_t n_used;
    bool is_at_end, has_error;
    pthread_mutex_t lock;
};

/* Puts bytes into the buffer, and out when it is full. With the lock held. */
void __stream_put(FILE *stream, const char *bytes, size_t n);

/* What a call has put is whole: a stream without a buffer, and a line that ended, go out. */
void __stream_end(FILE *stream);

#endif
