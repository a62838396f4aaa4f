/* Numbers in text, and arithmetic of <stdlib.h> and <inttypes.h>. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* The value of a digit; larger than any base if it is none. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A' + 10;
    return INT_MAX;
}

/* A number as it stands in text: what it is without its sign, and whether that overflowed. */
struct parsed {
    unsigned long long magnitude;
    bool is_negative;
    bool is_too_large;
};

static struct parsed parse(const char *text, char **end, int base)
{
    struct parsed parsed = {0};
    const char *at = text;
    bool has_digits = false;
    if (end != NULL)
        *end = (char *)text;
    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return parsed;
    }
    while (is_space(*at))
        at++;
    if (*at == '+' || *at == '-')
        parsed.is_negative = *at++ == '-';
    bool is_hexadecimal = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit_value(at[2]) < 16;
    if ((base == 0 || base == 16) && is_hexadecimal) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = *at == '0' ? 8 : 10;
    }
    for (; digit_value(*at) < base; at++) {
        has_digits = true;
        parsed.is_too_large |=
            __builtin_mul_overflow(parsed.magnitude, (unsigned)base, &parsed.magnitude);
        parsed.is_too_large |= __builtin_add_overflow(
            parsed.magnitude, (unsigned)digit_value(*at), &parsed.magnitude);
    }
    if (has_digits && end != NULL)
        *end = (char *)at;
    return parsed;
}

unsigned long long strtoull(const char *restrict text, char **restrict end, int base)
{
    struct parsed parsed = parse(text, end, base);
    if (parsed.is_too_large) {
        errno = ERANGE;
        return ULLONG_MAX;
    }
    return parsed.is_negative ? -parsed.magnitude : parsed.magnitude;
}

long long strtoll(const char *restrict text, char **restrict end, int base)
{
    struct parsed parsed = parse(text, end, base);
    unsigned long long limit = (unsigned long long)LLONG_MAX + parsed.is_negative;
    if (parsed.is_too_large || parsed.magnitude > limit) {
        errno = ERANGE;
        return parsed.is_negative ? LLONG_MIN : LLONG_MAX;
    }
    return (long long)(parsed.is_negative ? -parsed.magnitude : parsed.magnitude);
}

unsigned long strtoul(const char *restrict text, char **restrict end, int base)
{
    return strtoull(text, end, base);
}

long strtol(const char *restrict text, char **restrict end, int base)
{
    return strtoll(text, end, base);
}

intmax_t strtoimax(const char *text, char **end, int base)
{
    return strtoll(text, end, base);
}

uintmax_t strtoumax(const char *text, char **end, int base)
{
    return strtoull(text, end, base);
}

int atoi(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

long atol(const char *text)
{
    return strtol(text, NULL, 10);
}

long long atoll(const char *text)
{
    return strtoll(text, NULL, 10);
}

int abs(int value)
{
    return value < 0 ? -value : value;
}

long labs(long value)
{
    return value < 0 ? -value : value;
}

long long llabs(long long value)
{
    return value < 0 ? -value : value;
}

intmax_t imaxabs(intmax_t value)
{
    return value < 0 ? -value : value;
}

div_t div(int numerator, int denominator)
{
    return (div_t){numerator / denominator, numerator % denominator};
}

ldiv_t ldiv(long numerator, long denominator)
{
    return (ldiv_t){numerator / denominator, numerator % denominator};
}

lldiv_t lldiv(long long numerator, long long denominator)
{
    return (lldiv_t){numerator / denominator, numerator % denominator};
}

imaxdiv_t imaxdiv(intmax_t numerator, intmax_t denominator)
{
    return (imaxdiv_t){numerator / denominator, numerator % denominator};
}
