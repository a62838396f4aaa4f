/* scanf: text taken apart (C11 7.21.6.2). The text is a string always: the only stream to read from is at its end.
 *
 * A number is first measured, as far as the field may reach and the text looks like one, and then
 * converted by the functions of <stdlib.h>.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that are longer are copied to a block of their own. */
#define N_NUMBER 64

enum length { CHAR, SHORT, INT, LONG, LONG_DOUBLE };

struct conversion {
    bool is_stored;
    size_t width; /* 0: none was given */
    enum length length;
    char letter;
    const char *set, *set_end; /* of %[ */
};

static bool is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static const char *skip_space(const char *text)
{
    while (is_space(*text))
        text++;
    return text;
}

/* Reads what stands behind a percent sign; returns what is behind it. */
static const char *conversion_at(const char *at, struct conversion *conversion)
{
    *conversion = (struct conversion){.is_stored = *at != '*', .length = INT};
    at += *at == '*';
    for (; *at >= '0' && *at <= '9'; at++)
        conversion->width = conversion->width * 10 + (size_t)(*at - '0');
    if (at[0] == 'h') {
        conversion->length = at[1] == 'h' ? CHAR : SHORT;
        at += at[1] == 'h' ? 2 : 1;
    } else if (*at == 'l' || *at == 'j' || *at == 'z' || *at == 't') {
        conversion->length = LONG;
        at += at[0] == 'l' && at[1] == 'l' ? 2 : 1;
    } else if (*at == 'L') {
        conversion->length = LONG_DOUBLE;
        at++;
    }
    conversion->letter = *at;
    if (*at == '\0')
        return at;
    if (*at++ != '[')
        return at;
    conversion->set = at;
    at += *at == '^';
    at += *at == ']';
    while (*at != '\0' && *at != ']')
        at++;
    conversion->set_end = at;
    return at + (*at == ']');
}

/* Whether a character is in the set of %[. A hyphen between two characters means those between them, too. */
static bool is_in_set(const struct conversion *conversion, char character)
{
    const char *at = conversion->set, *end = conversion->set_end;
    bool is_inverted = at < end && *at == '^', is_found = false;
    for (at += is_inverted; at < end; at++) {
        bool is_range = end - at > 2 && at[1] == '-';
        unsigned char low = (unsigned char)at[0], high = (unsigned char)at[is_range ? 2 : 0];
        is_found |= (unsigned char)character >= low && (unsigned char)character <= high;
        at += is_range ? 2 : 0;
    }
    return is_found != is_inverted;
}

static bool is_digit(char character, int base)
{
    char lower = character | 0x20;
    if (character >= '0' && character <= '9')
        return character - '0' < base;
    return base == 16 && lower >= 'a' && lower <= 'f';
}

/* A part of the text, and how much of it the field may have. */
struct field {
    const char *at, *end;
};

static char first_of(const struct field *field)
{
    return field->at < field->end ? *field->at : '\0';
}

static bool skip_one_of(struct field *field, const char *characters)
{
    char first = first_of(field);
    bool is_there = first != '\0' && strchr(characters, first) != NULL;
    field->at += is_there;
    return is_there;
}

/* Digits; how many. */
static size_t skip_digits(struct field *field, int base)
{
    const char *start = field->at;
    while (is_digit(first_of(field), base))
        field->at++;
    return (size_t)(field->at - start);
}

/* Bytes of the integer at the start of the field; 0 if there is none. */
static size_t measure_integer(struct field field, int base)
{
    const char *start = field.at;
    skip_one_of(&field, "+-");
    size_t n_digits = 0;
    if ((base == 0 || base == 16) && skip_one_of(&field, "0")) {
        n_digits = 1;
        if (skip_one_of(&field, "xX")) {
            base = 16;
            n_digits = 0;
        } else if (base == 0) {
            base = 8;
        }
    }
    n_digits += skip_digits(&field, base == 0 ? 10 : base);
    return n_digits > 0 ? (size_t)(field.at - start) : 0;
}

/* A word of which every letter must be there, if the first is. */
static bool skip_word(struct field *field, const char *word)
{
    for (; *word != '\0'; word++, field->at++) {
        if ((first_of(field) | 0x20) != *word)
            return false;
    }
    return true;
}

/* Bytes of the floating-point number at the start of the field; 0 if there is none. */
static size_t measure_float(struct field field)
{
    const char *start = field.at;
    int base = 10;
    skip_one_of(&field, "+-");
    if ((first_of(&field) | 0x20) == 'n')
        return skip_word(&field, "nan") ? (size_t)(field.at - start) : 0;
    if ((first_of(&field) | 0x20) == 'i') {
        if (!skip_word(&field, "inf"))
            return 0;
        bool is_long = (first_of(&field) | 0x20) != 'i' || skip_word(&field, "inity");
        return is_long ? (size_t)(field.at - start) : 0;
    }
    size_t n_digits = 0;
    if (skip_one_of(&field, "0")) {
        n_digits = 1;
        if (skip_one_of(&field, "xX")) {
            base = 16;
            n_digits = 0;
        }
    }
    n_digits += skip_digits(&field, base);
    if (skip_one_of(&field, "."))
        n_digits += skip_digits(&field, base);
    if (n_digits == 0)
        return 0;
    if (skip_one_of(&field, base == 16 ? "pP" : "eE")) {
        skip_one_of(&field, "+-");
        if (skip_digits(&field, 10) == 0)
            return 0;
    }
    return (size_t)(field.at - start);
}

static void store_integer(void *to, enum length length, unsigned long long value)
{
    switch (length) {
    case CHAR:
        *(char *)to = (char)value;
        break;
    case SHORT:
        *(short *)to = (short)value;
        break;
    case INT:
        *(int *)to = (int)value;
        break;
    default:
        *(long *)to = (long)value;
    }
}

static int base_of(char letter)
{
    return letter == 'i' ? 0 : letter == 'o' ? 8 : letter == 'd' || letter == 'u' ? 10 : 16;
}

static bool is_integer(char letter)
{
    return letter != '\0' && strchr("diouxXp", letter) != NULL;
}

/* Converts a number that was measured. */
static void store_number(void *to, const struct conversion *conversion, const char *number)
{
    char letter = conversion->letter;
    if (is_integer(letter)) {
        bool is_signed = letter == 'd' || letter == 'i';
        enum length length = letter == 'p' ? LONG : conversion->length;
        store_integer(to, length,
                      is_signed ? (unsigned long long)strtoll(number, NULL, base_of(letter))
                                : strtoull(number, NULL, base_of(letter)));
    } else if (conversion->length == LONG) {
        *(double *)to = strtod(number, NULL);
    } else if (conversion->length == LONG_DOUBLE) {
        *(long double *)to = strtold(number, NULL);
    } else {
        *(float *)to = strtof(number, NULL);
    }
}

/* Bytes of the number at the start of the field, stored if it is to be; 0 if there is none, or no memory. */
static size_t scan_number(struct field field, const struct conversion *conversion, void *to)
{
    size_t n = is_integer(conversion->letter)
                   ? measure_integer(field, base_of(conversion->letter))
                   : measure_float(field);
    char small[N_NUMBER], *number = n < N_NUMBER ? small : malloc(n + 1);
    if (n == 0 || number == NULL)
        return 0;
    memcpy(number, field.at, n);
    number[n] = '\0';
    if (to != NULL)
        store_number(to, conversion, number);
    if (number != small)
        free(number);
    return n;
}

/* Bytes of the characters at the start of the field, stored if they are to be. */
static size_t scan_text(struct field field, const struct conversion *conversion, char *to)
{
    const char *at = field.at;
    char letter = conversion->letter;
    while (at < field.end && *at != '\0' &&
           (letter == 'c' || (letter == 's' ? !is_space(*at) : is_in_set(conversion, *at))))
        at++;
    size_t n = (size_t)(at - field.at);
    if (n == 0 || to == NULL)
        return n;
    memcpy(to, field.at, n);
    if (letter != 'c')
        to[n] = '\0';
    return n;
}

int vsscanf(const char *restrict text, const char *restrict format, va_list arguments)
{
    const char *at = text;
    int n_stored = 0;
    while (*format != '\0') {
        struct conversion conversion;
        if (is_space(*format)) {
            format = skip_space(format);
            at = skip_space(at);
            continue;
        }
        if (*format != '%' || format[1] == '%') {
            bool is_percent = *format == '%';
            at = is_percent ? skip_space(at) : at;
            if (*at != *format)
                return *at == '\0' && n_stored == 0 ? EOF : n_stored;
            format += is_percent ? 2 : 1;
            at++;
            continue;
        }
        format = conversion_at(format + 1, &conversion);
        void *to = conversion.is_stored ? va_arg(arguments, void *) : NULL;
        if (conversion.letter == 'n') {
            if (to != NULL)
                store_integer(to, conversion.length, (unsigned long long)(at - text));
            continue;
        }
        bool is_text = conversion.letter == 's' || conversion.letter == 'c' || conversion.letter == '[';
        if (conversion.letter != 'c' && conversion.letter != '[')
            at = skip_space(at);
        if (*at == '\0')
            return n_stored > 0 ? n_stored : EOF;
        if (conversion.width == 0)
            conversion.width = conversion.letter == 'c' ? 1 : SIZE_MAX;
        size_t n_field = strnlen(at, conversion.width);
        struct field field = {at, at + n_field};
        size_t n = is_text ? scan_text(field, &conversion, to) : scan_number(field, &conversion, to);
        if (n == 0)
            return n_stored;
        at += n;
        n_stored += to != NULL;
    }
    return n_stored;
}

int sscanf(const char *restrict text, const char *restrict format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n_stored = vsscanf(text, format, arguments);
    va_end(arguments);
    return n_stored;
}

int vfscanf(FILE *restrict stream, const char *restrict format, va_list arguments)
{
    fgetc(stream);
    return vsscanf("", format, arguments);
}

int fscanf(FILE *restrict stream, const char *restrict format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n_stored = vfscanf(stream, format, arguments);
    va_end(arguments);
    return n_stored;
}

int vscanf(const char *restrict format, va_list arguments)
{
    return vfscanf(stdin, format, arguments);
}

int scanf(const char *restrict format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n_stored = vscanf(format, arguments);
    va_end(arguments);
    return n_stored;
}
