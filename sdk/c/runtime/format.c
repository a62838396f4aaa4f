/* The printf family's language: flags, width, precision, length, letter (C11 7.21.6.1). */
#include "format.h"
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* An integer in base 8 needs the most digits. */
#define N_DIGITS_MAX 22

enum length { CHAR, SHORT, INT, LONG, LONG_DOUBLE };

void __put(struct sink *sink, const char *bytes, size_t n)
{
    sink->put(sink, bytes, n);
    sink->n += n;
}

void __put_many(struct sink *sink, char byte, long n)
{
    char bytes[32];
    memset(bytes, byte, sizeof bytes);
    for (; n > 0; n -= (long)sizeof bytes)
        __put(sink, bytes, n < (long)sizeof bytes ? (size_t)n : sizeof bytes);
}

/* Text in its field. */
static void put_text(struct sink *sink, const struct conversion *conversion, const char *text,
                     size_t n)
{
    long n_padding = conversion->width - (long)n;
    if (!conversion->is_left)
        __put_many(sink, ' ', n_padding);
    __put(sink, text, n);
    if (conversion->is_left)
        __put_many(sink, ' ', n_padding);
}

/* A number without its sign: prefix, leading zeros, digits. A precision makes the flag 0 mean
 * nothing; precision 0 gives the number 0 no digits. */
static void put_number(struct sink *sink, const struct conversion *conversion, const char *prefix,
                       uintmax_t value, unsigned int base)
{
    const char *set = conversion->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[N_DIGITS_MAX];
    char *first = digits + sizeof digits;
    for (uintmax_t rest = value; rest > 0; rest /= base)
        *--first = set[rest % base];
    long n_digits = digits + sizeof digits - first, n_prefix = (long)strlen(prefix);
    long n_zeros = (conversion->precision < 0 ? 1 : conversion->precision) - n_digits;
    if (conversion->letter == 'o' && conversion->is_alternate && n_zeros <= 0)
        n_zeros = value == 0 && n_digits > 0 ? 0 : 1;
    if (n_zeros < 0)
        n_zeros = 0;
    long n_padding = conversion->width - n_prefix - n_zeros - n_digits;
    if (conversion->has_zeros && !conversion->is_left && conversion->precision < 0 &&
        n_padding > 0) {
        n_zeros += n_padding;
        n_padding = 0;
    }
    if (!conversion->is_left)
        __put_many(sink, ' ', n_padding);
    __put(sink, prefix, (size_t)n_prefix);
    __put_many(sink, '0', n_zeros);
    __put(sink, first, (size_t)n_digits);
    if (conversion->is_left)
        __put_many(sink, ' ', n_padding);
}

static const char *sign_of(const struct conversion *conversion, bool is_negative)
{
    if (is_negative)
        return "-";
    return conversion->has_plus ? "+" : conversion->has_space ? " " : "";
}

static intmax_t signed_argument(va_list *arguments, enum length length)
{
    switch (length) {
    case CHAR:
        return (signed char)va_arg(*arguments, int);
    case SHORT:
        return (short)va_arg(*arguments, int);
    case INT:
        return va_arg(*arguments, int);
    default:
        return va_arg(*arguments, long);
    }
}

static uintmax_t unsigned_argument(va_list *arguments, enum length length)
{
    switch (length) {
    case CHAR:
        return (unsigned char)va_arg(*arguments, int);
    case SHORT:
        return (unsigned short)va_arg(*arguments, int);
    case INT:
        return va_arg(*arguments, unsigned int);
    default:
        return va_arg(*arguments, unsigned long);
    }
}

static void put_signed(struct sink *sink, const struct conversion *conversion, intmax_t value)
{
    uintmax_t magnitude = value < 0 ? -(uintmax_t)value : (uintmax_t)value;
    put_number(sink, conversion, sign_of(conversion, value < 0), magnitude, 10);
}

static void put_unsigned(struct sink *sink, const struct conversion *conversion, uintmax_t value)
{
    bool has_prefix = conversion->is_alternate && value != 0;
    switch (conversion->letter) {
    case 'o':
        put_number(sink, conversion, "", value, 8);
        return;
    case 'x':
        put_number(sink, conversion, has_prefix ? "0x" : "", value, 16);
        return;
    case 'X':
        put_number(sink, conversion, has_prefix ? "0X" : "", value, 16);
        return;
    default:
        put_number(sink, conversion, "", value, 10);
    }
}

static void put_string(struct sink *sink, const struct conversion *conversion, const char *text)
{
    if (text == NULL)
        text = conversion->precision < 0 || conversion->precision >= 6 ? "(null)" : "";
    size_t n_max = conversion->precision < 0 ? SIZE_MAX : (size_t)conversion->precision;
    put_text(sink, conversion, text, strnlen(text, n_max));
}

static void put_pointer(struct sink *sink, struct conversion conversion, const void *pointer)
{
    if (pointer == NULL) {
        put_text(sink, &conversion, "(nil)", 5);
        return;
    }
    conversion.letter = 'x';
    put_number(sink, &conversion, "0x", (uintptr_t)pointer, 16);
}

static void store_count(va_list *arguments, enum length length, size_t n)
{
    switch (length) {
    case CHAR:
        *va_arg(*arguments, signed char *) = (signed char)n;
        return;
    case SHORT:
        *va_arg(*arguments, short *) = (short)n;
        return;
    case INT:
        *va_arg(*arguments, int *) = (int)n;
        return;
    default:
        *va_arg(*arguments, long *) = (long)n;
    }
}

static void put_float(struct sink *sink, const struct conversion *conversion, va_list *arguments,
                      enum length length)
{
    double value = length == LONG_DOUBLE ? (double)va_arg(*arguments, long double)
                                         : va_arg(*arguments, double);
    __format_float(sink, conversion, value);
}

/* One conversion with its argument; a letter that is none is put as it stands. */
static void convert(struct sink *sink, const struct conversion *conversion, enum length length,
                    va_list *arguments)
{
    char character;
    switch (conversion->letter) {
    case 'd':
    case 'i':
        put_signed(sink, conversion, signed_argument(arguments, length));
        return;
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(sink, conversion, unsigned_argument(arguments, length));
        return;
    case 'c':
        character = (char)va_arg(*arguments, int);
        put_text(sink, conversion, &character, 1);
        return;
    case 's':
        put_string(sink, conversion, va_arg(*arguments, const char *));
        return;
    case 'p':
        put_pointer(sink, *conversion, va_arg(*arguments, void *));
        return;
    case 'n':
        store_count(arguments, length, sink->n);
        return;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        put_float(sink, conversion, arguments, length);
        return;
    default:
        __put(sink, &conversion->letter, 1);
    }
}

/* A number in the format, or * for one among the arguments. */
static int read_number(const char **format, va_list *arguments)
{
    int number = 0;
    if (**format == '*') {
        ++*format;
        return va_arg(*arguments, int);
    }
    for (; **format >= '0' && **format <= '9'; ++*format) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **format - '0', &number))
            number = INT_MAX;
    }
    return number;
}

static void read_flags(const char **format, struct conversion *conversion)
{
    for (;; ++*format) {
        switch (**format) {
        case '-':
            conversion->is_left = true;
            break;
        case '+':
            conversion->has_plus = true;
            break;
        case ' ':
            conversion->has_space = true;
            break;
        case '0':
            conversion->has_zeros = true;
            break;
        case '#':
            conversion->is_alternate = true;
            break;
        default:
            return;
        }
    }
}

static enum length read_length(const char **format)
{
    switch (*(*format)++) {
    case 'h':
        if (**format != 'h')
            return SHORT;
        ++*format;
        return CHAR;
    case 'l':
        *format += **format == 'l';
        return LONG;
    case 'j':
    case 'z':
    case 't':
        return LONG;
    case 'L':
        return LONG_DOUBLE;
    default:
        --*format;
        return INT;
    }
}

/* Reads a conversion, whose % has been read, and puts it. */
static void put_conversion(struct sink *sink, const char **format, va_list *arguments)
{
    struct conversion conversion = {.precision = -1};
    read_flags(format, &conversion);
    conversion.width = read_number(format, arguments);
    if (conversion.width < 0) {
        conversion.is_left = true;
        conversion.width = conversion.width == INT_MIN ? INT_MAX : -conversion.width;
    }
    if (**format == '.') {
        ++*format;
        conversion.precision = read_number(format, arguments);
        if (conversion.precision < 0)
            conversion.precision = -1;
    }
    enum length length = read_length(format);
    conversion.letter = **format;
    if (conversion.letter == '\0')
        return;
    ++*format;
    convert(sink, &conversion, length, arguments);
}

int __format(struct sink *sink, const char *format, va_list arguments)
{
    va_list rest;
    va_copy(rest, arguments);
    while (*format != '\0') {
        size_t n = strcspn(format, "%");
        __put(sink, format, n);
        format += n;
        if (*format == '%') {
            format++;
            put_conversion(sink, &format, &rest);
        }
    }
    va_end(rest);
    if (sink->n <= INT_MAX)
        return (int)sink->n;
    errno = EOVERFLOW;
    return -1;
}
