/* What the printf family has in common. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Where formatted text goes, piece by piece. */
struct sink {
    void (*put)(struct sink *sink, const char *bytes, size_t n);
    size_t n; /* bytes put so far */
};

/* One conversion: what stands between % and its letter. */
struct conversion {
    bool is_left, has_plus, has_space, has_zeros, is_alternate;
    int width;
    int precision; /* -1: none was given */
    char letter;
};

/* Puts `format` with its arguments; returns what printf returns: the number of bytes, or -1 and errno
 * if they are too many. */
int __format(struct sink *sink, const char *format, va_list arguments);

void __put(struct sink *sink, const char *bytes, size_t n);
void __put_many(struct sink *sink, char byte, long n);

/* Puts a floating-point number. */
void __format_float(struct sink *sink, const struct conversion *conversion, double value);

#endif
