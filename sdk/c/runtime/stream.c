/* The three streams. A line goes out in one piece if it fits in the buffer, so that lines of different
 * tasks do not mix. */
#include "stream.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static char output_buffer[BUFSIZ], error_buffer[BUFSIZ];

#define STREAM_LOCK {0, PTHREAD_MUTEX_RECURSIVE, NULL, 0}

static struct __stream input = {.fd = STDIN_FILENO, .lock = STREAM_LOCK};
static struct __stream output = {.fd = STDOUT_FILENO,
                                 .mode = _IOLBF,
                                 .buffer = output_buffer,
                                 .n_room = BUFSIZ,
                                 .lock = STREAM_LOCK};
static struct __stream errors = {.fd = STDERR_FILENO,
                                 .mode = _IONBF,
                                 .buffer = error_buffer,
                                 .n_room = BUFSIZ,
                                 .lock = STREAM_LOCK};

FILE *const stdin = &input;
FILE *const stdout = &output;
FILE *const stderr = &errors;

void flockfile(FILE *stream)
{
    pthread_mutex_lock(&stream->lock);
}

void funlockfile(FILE *stream)
{
    pthread_mutex_unlock(&stream->lock);
}

static void write_out(FILE *stream, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_written = write(stream->fd, bytes, n);
        if (n_written <= 0) {
            stream->has_error = true;
            return;
        }
        bytes += n_written;
        n -= (size_t)n_written;
    }
}

static void flush(FILE *stream)
{
    write_out(stream, stream->buffer, stream->n_used);
    stream->n_used = 0;
}

void __stream_put(FILE *stream, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t n_left = stream->n_room - stream->n_used, n_piece = n < n_left ? n : n_left;
        memcpy(stream->buffer + stream->n_used, bytes, n_piece);
        stream->n_used += n_piece;
        bytes += n_piece;
        n -= n_piece;
        if (stream->n_used == stream->n_room)
            flush(stream);
    }
}

/* What is behind the last line stays for the next call. */
void __stream_end(FILE *stream)
{
    size_t n = stream->n_used;
    if (stream->mode == _IOFBF)
        return;
    while (stream->mode == _IOLBF && n > 0 && stream->buffer[n - 1] != '\n')
        n--;
    write_out(stream, stream->buffer, n);
    stream->n_used -= n;
    memmove(stream->buffer, stream->buffer + n, stream->n_used);
}

int fflush(FILE *stream)
{
    if (stream == NULL) {
        int result = fflush(stdout);
        return fflush(stderr) == 0 ? result : EOF;
    }
    flockfile(stream);
    flush(stream);
    int result = stream->has_error ? EOF : 0;
    funlockfile(stream);
    return result;
}

int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t n)
{
    if (mode < _IOFBF || mode > _IONBF)
        return EOF;
    flockfile(stream);
    flush(stream);
    stream->mode = mode;
    if (buffer != NULL && n > 0) {
        stream->buffer = buffer;
        stream->n_room = n;
    }
    funlockfile(stream);
    return 0;
}

void setbuf(FILE *restrict stream, char *restrict buffer)
{
    setvbuf(stream, buffer, buffer ? _IOFBF : _IONBF, BUFSIZ);
}

size_t fwrite(const void *restrict bytes, size_t n_bytes, size_t n, FILE *restrict stream)
{
    if (n_bytes == 0 || n == 0)
        return 0;
    flockfile(stream);
    bool had_error = stream->has_error;
    stream->has_error = false;
    __stream_put(stream, bytes, n_bytes * n);
    __stream_end(stream);
    size_t n_written = stream->has_error ? 0 : n;
    stream->has_error |= had_error;
    funlockfile(stream);
    return n_written;
}

int fputs(const char *restrict text, FILE *restrict stream)
{
    size_t n = strlen(text);
    return fwrite(text, 1, n, stream) == n ? 0 : EOF;
}

int puts(const char *text)
{
    flockfile(stdout);
    int result = fputs(text, stdout) == EOF || fputc('\n', stdout) == EOF ? EOF : 0;
    funlockfile(stdout);
    return result;
}

int fputc(int character, FILE *stream)
{
    char byte = (char)character;
    return fwrite(&byte, 1, 1, stream) == 1 ? (unsigned char)byte : EOF;
}

int putc(int character, FILE *stream)
{
    return fputc(character, stream);
}

int putchar(int character)
{
    return fputc(character, stdout);
}

void perror(const char *prefix)
{
    const char *words = strerror(errno);
    if (prefix != NULL && *prefix != '\0')
        fprintf(stderr, "%s: %s\n", prefix, words);
    else
        fprintf(stderr, "%s\n", words);
}

size_t fread(void *restrict bytes, size_t n_bytes, size_t n, FILE *restrict stream)
{
    size_t n_read = 0, n_wanted = n_bytes * n;
    flockfile(stream);
    while (n_read < n_wanted && !stream->is_at_end && !stream->has_error) {
        ssize_t n_piece = read(stream->fd, (char *)bytes + n_read, n_wanted - n_read);
        stream->has_error |= n_piece < 0;
        stream->is_at_end |= n_piece == 0;
        n_read += n_piece > 0 ? (size_t)n_piece : 0;
    }
    funlockfile(stream);
    return n_bytes > 0 ? n_read / n_bytes : 0;
}

int fgetc(FILE *stream)
{
    unsigned char byte;
    return fread(&byte, 1, 1, stream) == 1 ? byte : EOF;
}

int getc(FILE *stream)
{
    return fgetc(stream);
}

int getchar(void)
{
    return fgetc(stdin);
}

char *fgets(char *restrict text, int n, FILE *restrict stream)
{
    int n_read = 0;
    for (int character; n_read + 1 < n && (character = fgetc(stream)) != EOF;) {
        text[n_read++] = (char)character;
        if (character == '\n')
            break;
    }
    if (n_read == 0)
        return NULL;
    text[n_read] = '\0';
    return text;
}

int feof(FILE *stream)
{
    return stream->is_at_end;
}

int ferror(FILE *stream)
{
    return stream->has_error;
}

void clearerr(FILE *stream)
{
    stream->is_at_end = stream->has_error = false;
}

int fileno(FILE *stream)
{
    return stream->fd;
}
