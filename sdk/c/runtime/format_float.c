/* Floating-point numbers as text, exactly: a double is an integer times a power of two, and so has
 * finitely many decimal digits. All of them are written down, and then rounded to those wanted, half
 * to even, as the processor rounds. */
#include "format.h"
#include <stdint.h>
#include <string.h>

/* A double has at most 309 digits in front of the point, and 1074 behind it. Nine of them make a
 * word. The point is between two words. */
#define WORD 1000000000u
#define N_WORD_DIGITS 9
#define N_WORDS_BEFORE 35
#define N_WORDS_BEHIND 120
#define N_WORDS (N_WORDS_BEFORE + N_WORDS_BEHIND)
#define N_DIGITS (N_WORDS * N_WORD_DIGITS)

#define MANTISSA_BITS 52
#define EXPONENT_MASK 0x7ff
#define EXPONENT_BIAS 1075 /* of the mantissa taken as an integer */

/* 0.d₁d₂d₃… × 10^point; d₁ is not 0, unless there are no digits: then it is the number 0. */
struct decimal {
    int n;
    int point;
    char digits[N_DIGITS + 1]; /* with room for a carry */
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int raw_exponent(double value)
{
    return (int)(bits_of(value) >> MANTISSA_BITS) & EXPONENT_MASK;
}

/* The mantissa as an integer, and the exponent that belongs to it. A number without the implicit bit
 * has the exponent of the smallest with it. */
static uint64_t split(double value, int *exponent)
{
    uint64_t mantissa = bits_of(value) & ((1ull << MANTISSA_BITS) - 1);
    int raw = raw_exponent(value);
    if (raw != 0)
        mantissa |= 1ull << MANTISSA_BITS;
    *exponent = (raw ? raw : 1) - EXPONENT_BIAS;
    return mantissa;
}

/* A word times 2^29, and what is carried to it, fit in 64 bits. */
#define N_BITS_AT_ONCE 29

/* The words times 2^bits. */
static void multiply(uint32_t *words, int bits)
{
    uint64_t carry = 0;
    for (int i = N_WORDS_BEFORE - 1; i >= 0; i--) {
        uint64_t product = ((uint64_t)words[i] << bits) + carry;
        words[i] = (uint32_t)(product % WORD);
        carry = product / WORD;
    }
}

/* The words divided by 2^bits. Nothing is lost behind the last: there are words enough for a double. */
static void divide(uint32_t *words, int bits)
{
    uint64_t rest = 0;
    for (int i = 0; i < N_WORDS; i++) {
        uint64_t dividend = rest * WORD + words[i];
        words[i] = (uint32_t)(dividend >> bits);
        rest = dividend & ((1u << bits) - 1);
    }
}

static void expand(struct decimal *decimal, double value)
{
    uint32_t words[N_WORDS] = {0};
    int exponent;
    uint64_t mantissa = split(value, &exponent);
    words[N_WORDS_BEFORE - 1] = (uint32_t)(mantissa % WORD);
    words[N_WORDS_BEFORE - 2] = (uint32_t)(mantissa / WORD);
    for (int left = exponent; left > 0; left -= N_BITS_AT_ONCE)
        multiply(words, left < N_BITS_AT_ONCE ? left : N_BITS_AT_ONCE);
    for (int left = -exponent; left > 0; left -= N_BITS_AT_ONCE)
        divide(words, left < N_BITS_AT_ONCE ? left : N_BITS_AT_ONCE);

    int first = 0, n = 0;
    char all[N_DIGITS];
    for (int i = 0; i < N_WORDS; i++) {
        for (int digit = N_WORD_DIGITS - 1; digit >= 0; digit--) {
            all[i * N_WORD_DIGITS + digit] = (char)('0' + words[i] % 10);
            words[i] /= 10;
        }
    }
    while (first < N_DIGITS && all[first] == '0')
        first++;
    for (int i = first; i < N_DIGITS; i++) {
        if (all[i] != '0')
            n = i + 1 - first;
    }
    memcpy(decimal->digits, all + first, (size_t)n);
    decimal->n = n;
    decimal->point = n > 0 ? N_WORDS_BEFORE * N_WORD_DIGITS - first : 1;
}

static bool rounds_up(const struct decimal *decimal, int n_kept)
{
    char next = decimal->digits[n_kept];
    if (next != '5' || decimal->n > n_kept + 1)
        return next >= '5';
    return n_kept > 0 && decimal->digits[n_kept - 1] % 2 == 1;
}

/* Keeps `n_kept` digits, which may be none or less than none. */
static void round_to(struct decimal *decimal, long n_kept)
{
    if (n_kept >= decimal->n)
        return;
    if (n_kept < 0) {
        decimal->n = 0;
        decimal->point = 1;
        return;
    }
    int n = (int)n_kept;
    bool is_up = rounds_up(decimal, n);
    while (is_up && n > 0 && decimal->digits[n - 1] == '9')
        n--;
    if (is_up && n == 0) {
        decimal->digits[0] = '1';
        decimal->point++;
        n = 1;
    } else if (is_up) {
        decimal->digits[n - 1]++;
    }
    while (n > 0 && decimal->digits[n - 1] == '0')
        n--;
    decimal->n = n;
    if (n == 0)
        decimal->point = 1;
}

/* The parts of a number, in the order in which they stand. */
struct parts {
    char prefix[4]; /* sign, and 0x */
    const struct decimal *decimal;
    long n_before;   /* digits in front of the point, from `first` on */
    long n_behind;   /* digits behind it */
    long first;      /* index of the first digit: below 0 for zeros */
    bool has_point;
    char suffix[8]; /* the exponent */
};

/* Puts digits by their index; those that are not there are zeros. */
static void put_digits(struct sink *sink, const struct decimal *decimal, long first, long n)
{
    long n_zeros = first < 0 ? (-first < n ? -first : n) : 0;
    __put_many(sink, '0', n_zeros);
    first += n_zeros;
    n -= n_zeros;
    long n_there = decimal->n - first < n ? decimal->n - first : n;
    if (n_there > 0) {
        __put(sink, decimal->digits + first, (size_t)n_there);
        n -= n_there;
    }
    __put_many(sink, '0', n);
}

static void put_parts(struct sink *sink, const struct conversion *conversion,
                      const struct parts *parts)
{
    size_t n_prefix = strlen(parts->prefix), n_suffix = strlen(parts->suffix);
    long n_padding = conversion->width - (long)(n_prefix + n_suffix) - parts->n_before -
                     parts->n_behind - parts->has_point;
    bool has_zeros = conversion->has_zeros && !conversion->is_left;
    if (!has_zeros && !conversion->is_left)
        __put_many(sink, ' ', n_padding);
    __put(sink, parts->prefix, n_prefix);
    if (has_zeros)
        __put_many(sink, '0', n_padding);
    put_digits(sink, parts->decimal, parts->first, parts->n_before);
    if (parts->has_point)
        __put(sink, ".", 1);
    put_digits(sink, parts->decimal, parts->first + parts->n_before, parts->n_behind);
    __put(sink, parts->suffix, n_suffix);
    if (conversion->is_left)
        __put_many(sink, ' ', n_padding);
}

/* Writes an exponent, with at least `n_least` digits. */
static void write_exponent(char *suffix, char letter, int exponent, int n_least)
{
    int magnitude = exponent < 0 ? -exponent : exponent, n = 0;
    char reversed[4];
    do {
        reversed[n++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0 || n < n_least);
    *suffix++ = letter;
    *suffix++ = exponent < 0 ? '-' : '+';
    while (n > 0)
        *suffix++ = reversed[--n];
    *suffix = '\0';
}

/* %f: digits up to the point, and `precision` behind it. */
static void fixed(struct parts *parts, long precision)
{
    int point = parts->decimal->point;
    parts->n_before = point > 0 ? point : 1;
    parts->first = point > 0 ? 0 : point - 1;
    parts->n_behind = precision;
}

/* %e: one digit, and `precision` behind the point. */
static void scientific(struct parts *parts, long precision, char letter)
{
    parts->n_before = 1;
    parts->n_behind = precision;
    write_exponent(parts->suffix, letter, parts->decimal->n > 0 ? parts->decimal->point - 1 : 0, 2);
}

/* %g: whichever is shorter, with `precision` digits in all, and without zeros at the end. */
static void general(struct parts *parts, const struct conversion *conversion, long precision)
{
    const struct decimal *decimal = parts->decimal;
    long exponent = decimal->n > 0 ? decimal->point - 1 : 0;
    long n_digits = conversion->is_alternate ? precision : decimal->n > 0 ? decimal->n : 1;
    if (exponent >= -4 && exponent < precision) {
        long n_behind = n_digits - 1 - exponent;
        fixed(parts, n_behind > 0 ? n_behind : 0);
    } else {
        scientific(parts, n_digits - 1, conversion->letter == 'g' ? 'e' : 'E');
    }
}

/* %a: the bits as they are; what precision cuts off is rounded, half to even. */
static void hexadecimal(struct parts *parts, struct decimal *digits,
                        const struct conversion *conversion, double value)
{
    bool is_upper = conversion->letter == 'A';
    const char *set = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int exponent, precision = conversion->precision;
    uint64_t mantissa = split(value, &exponent);
    const int n_nibbles = MANTISSA_BITS / 4;
    if (precision >= 0 && precision < n_nibbles) {
        int n_cut = (n_nibbles - precision) * 4;
        uint64_t half = 1ull << (n_cut - 1), rest = mantissa & (2 * half - 1);
        mantissa -= rest;
        if (rest > half || (rest == half && (mantissa & (2 * half))))
            mantissa += 2 * half;
    }
    for (int i = 0; i <= n_nibbles; i++)
        digits->digits[i] = set[mantissa >> (MANTISSA_BITS - 4 * i) & 0xf];
    digits->n = n_nibbles + 1;
    while (digits->n > 1 && digits->digits[digits->n - 1] == '0')
        digits->n--;
    parts->n_before = 1;
    parts->n_behind = precision < 0 ? digits->n - 1 : precision;
    strcat(parts->prefix, is_upper ? "0X" : "0x");
    write_exponent(parts->suffix, is_upper ? 'P' : 'p',
                   value != 0 ? exponent + MANTISSA_BITS : 0, 1);
}

/* Digits that the letters e, f, g ask for and decimals that they round to. */
static void decimal_parts(struct parts *parts, struct decimal *decimal,
                          const struct conversion *conversion, double value)
{
    long precision = conversion->precision < 0 ? 6 : conversion->precision;
    expand(decimal, value);
    switch (conversion->letter) {
    case 'f':
    case 'F':
        round_to(decimal, decimal->point + precision);
        fixed(parts, precision);
        return;
    case 'e':
    case 'E':
        round_to(decimal, precision + 1);
        scientific(parts, precision, conversion->letter);
        return;
    default:
        if (precision == 0)
            precision = 1;
        round_to(decimal, precision);
        general(parts, conversion, precision);
    }
}

static bool is_upper_case(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

void __format_float(struct sink *sink, const struct conversion *conversion, double value)
{
    struct decimal decimal = {0};
    struct parts parts = {.decimal = &decimal};
    if (bits_of(value) >> 63)
        strcpy(parts.prefix, "-");
    else
        strcpy(parts.prefix, conversion->has_plus ? "+" : conversion->has_space ? " " : "");
    if (raw_exponent(value) == EXPONENT_MASK) {
        struct conversion plain = *conversion;
        plain.has_zeros = false;
        bool is_infinite = value == value, is_upper = is_upper_case(conversion->letter);
        strcpy(parts.suffix, is_infinite ? (is_upper ? "INF" : "inf") : (is_upper ? "NAN" : "nan"));
        put_parts(sink, &plain, &parts);
        return;
    }
    if (conversion->letter == 'a' || conversion->letter == 'A')
        hexadecimal(&parts, &decimal, conversion, value);
    else
        decimal_parts(&parts, &decimal, conversion, value);
    parts.has_point = parts.n_behind > 0 || conversion->is_alternate;
    put_parts(sink, conversion, &parts);
}
