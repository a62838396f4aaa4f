/* Floating-point numbers in text (C11 7.22.1.3), each rounded once, half to even, as the processor rounds.
 *
 * What the text says is a fraction of two natural numbers times a power of two: digits × 10^e is
 * digits × 5^e × 2^e, or digits / 5^-e × 2^e. The fraction is divided bit by bit, as far as the type has
 * bits; the rest says how to round. Nothing before that loses anything.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Digits that are looked at one by one. To tell a number from the middle between two doubles takes at most 768;
 * of those behind, only whether one is not 0 matters, and then a last 1 stands for all of them. */
#define N_DIGITS_MAX 800

/* Powers of ten of the first digit behind which every number is infinite, and before which it is 0. */
#define POINT_MAX 310
#define POINT_MIN (-330)

/* Exponents are counted up to here; what a text can have in digits is less. */
#define EXPONENT_MAX (LONG_MAX / 4)

/* 10^800, and 5^(800 + 330), have less than 2700 bits. */
#define N_WORDS 86

struct natural {
    int n; /* words in use; the last is not 0 */
    uint32_t words[N_WORDS];
};

/* A type (IEEE 754): the bits of its mantissa with the one that is not stored, those of its exponent, and the
 * exponent of its smallest number. */
struct format {
    int n_bits;
    int n_exponent_bits;
    int least;
};

static const struct format of_double = {53, 11, -1074}, of_float = {24, 8, -149};

static uint64_t infinity_of(const struct format *format)
{
    return ((1ull << format->n_exponent_bits) - 1) << (format->n_bits - 1);
}

static void multiply_add(struct natural *natural, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < natural->n; i++) {
        carry += (uint64_t)natural->words[i] * factor;
        natural->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        natural->words[natural->n++] = (uint32_t)carry;
}

static void multiply_by_power_of_5(struct natural *natural, long exponent)
{
    for (; exponent >= 13; exponent -= 13)
        multiply_add(natural, 1220703125, 0); /* 5^13 */
    for (; exponent > 0; exponent--)
        multiply_add(natural, 5, 0);
}

static int n_bits_of(const struct natural *natural)
{
    return natural->n * 32 - __builtin_clz(natural->words[natural->n - 1]);
}

static void shift_left(struct natural *natural, int n_bits)
{
    int n_words = n_bits / 32;
    if (natural->n == 0)
        return;
    memmove(natural->words + n_words, natural->words, (size_t)natural->n * sizeof(uint32_t));
    memset(natural->words, 0, (size_t)n_words * sizeof(uint32_t));
    natural->n += n_words;
    multiply_add(natural, 1u << n_bits % 32, 0);
}

static bool is_less(const struct natural *left, const struct natural *right)
{
    if (left->n != right->n)
        return left->n < right->n;
    for (int i = left->n - 1; i >= 0; i--) {
        if (left->words[i] != right->words[i])
            return left->words[i] < right->words[i];
    }
    return false;
}

/* Subtracts if it can; whether it could is the next bit of the quotient. */
static bool subtract(struct natural *from, const struct natural *natural)
{
    int64_t borrow = 0;
    if (is_less(from, natural))
        return false;
    for (int i = 0; i < from->n; i++) {
        borrow += (int64_t)from->words[i] - (i < natural->n ? natural->words[i] : 0);
        from->words[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (from->n > 0 && from->words[from->n - 1] == 0)
        from->n--;
    return true;
}

/* numerator / denominator × 2^exponent as the type has it, without a sign. Both numbers are used up. */
static uint64_t divide(struct natural *numerator, struct natural *denominator, long exponent,
                       const struct format *format)
{
    uint64_t mantissa = 0, infinity = infinity_of(format);
    if (numerator->n == 0)
        return 0;
    int shift = n_bits_of(denominator) - n_bits_of(numerator);
    shift_left(shift > 0 ? numerator : denominator, shift > 0 ? shift : -shift);
    exponent -= shift;
    if (is_less(numerator, denominator)) {
        shift_left(numerator, 1);
        exponent--;
    }
    /* Now the quotient is at least 1 and less than 2. Small numbers have fewer bits. */
    long n_kept = format->n_bits;
    if (exponent < format->least + n_kept - 1)
        n_kept = exponent - format->least + 1;
    for (long i = 0; i < n_kept; i++) {
        mantissa = mantissa << 1 | subtract(numerator, denominator);
        shift_left(numerator, 1);
    }
    bool is_half = n_kept >= 0 && subtract(numerator, denominator);
    bool is_exact = !is_half && numerator->n == 0;
    mantissa += is_half && (numerator->n > 0 || mantissa % 2 == 1);
    if (n_kept < 0)
        n_kept = 0;
    long last = n_kept == 0 ? format->least : exponent - n_kept + 1;
    if (last - format->least > 1 << 11) {
        errno = ERANGE;
        return infinity;
    }
    /* The leading bit of the mantissa adds 1 to the exponent in front of it. */
    uint64_t bits = ((uint64_t)(last - format->least) << (format->n_bits - 1)) + mantissa;
    if (bits >= infinity || (!is_exact && bits >> (format->n_bits - 1) == 0))
        errno = ERANGE;
    return bits < infinity ? bits : infinity;
}

static bool is_digit(char character, int base)
{
    char lower = character | 0x20;
    return (character >= '0' && character <= '9') || (base == 16 && lower >= 'a' && lower <= 'f');
}

static uint32_t value_of(char digit)
{
    return (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/* The exponent behind `mark`, if there is one. */
static long exponent_at(const char **at, char mark)
{
    const char *digit = *at + 1;
    long exponent = 0;
    if ((**at | 0x20) != mark)
        return 0;
    bool is_negative = *digit == '-';
    digit += *digit == '+' || *digit == '-';
    if (!is_digit(*digit, 10))
        return 0;
    for (; is_digit(*digit, 10); digit++) {
        if (exponent < EXPONENT_MAX / 10)
            exponent = exponent * 10 + (*digit - '0');
    }
    *at = digit;
    return is_negative ? -exponent : exponent;
}

/* Digits with a point among them, and an exponent; `*at` is moved behind them. */
static uint64_t number_at(const char **at, int base, const struct format *format)
{
    struct natural numerator = {0}, denominator = {1, {1}};
    long n_kept = 0, point = 0; /* digits in front of the point, less those that were left out behind it */
    bool is_behind = false, is_more = false;
    const char *digit = *at;
    for (; is_digit(*digit, base) || (*digit == '.' && !is_behind); digit++) {
        uint32_t value = *digit == '.' ? 0 : value_of(*digit);
        if (*digit == '.') {
            is_behind = true;
            continue;
        }
        point -= is_behind;
        if (n_kept == 0 && value == 0)
            continue;
        if (n_kept < N_DIGITS_MAX / (base == 16 ? 2 : 1)) {
            if (numerator.n == 0) {
                numerator.n = 1;
                numerator.words[0] = value;
            } else {
                multiply_add(&numerator, (uint32_t)base, value);
            }
            n_kept++;
        } else {
            is_more |= value != 0;
            point++;
        }
    }
    *at = digit;
    long exponent = exponent_at(at, base == 16 ? 'p' : 'e');
    if (is_more) {
        multiply_add(&numerator, (uint32_t)base, 1);
        point--;
    }
    if (base == 16)
        return divide(&numerator, &denominator, exponent + 4 * point, format);
    exponent += point;
    if (numerator.n == 0)
        return 0;
    if (n_kept + exponent > POINT_MAX)
        return divide(&denominator, &(struct natural){1, {1}}, EXPONENT_MAX, format);
    if (n_kept + exponent < POINT_MIN)
        return divide(&denominator, &(struct natural){1, {1}}, -EXPONENT_MAX, format);
    multiply_by_power_of_5(exponent > 0 ? &numerator : &denominator,
                           exponent > 0 ? exponent : -exponent);
    return divide(&numerator, &denominator, exponent, format);
}

/* Whether `word`, in small letters, stands at `*at`; then it is moved behind it. */
static bool skip_word(const char **at, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++) {
        if (((*at)[i] | 0x20) != word[i])
            return false;
    }
    *at += n;
    return true;
}

/* Behind "nan": letters, digits and underscores in parentheses, which mean nothing here. */
static void skip_payload(const char **at)
{
    const char *end = *at;
    if (*end != '(')
        return;
    do
        end++;
    while (is_digit(*end, 10) || ((*end | 0x20) >= 'a' && (*end | 0x20) <= 'z') || *end == '_');
    if (*end == ')')
        *at = end + 1;
}

/* The bits of the number in `text`. */
static uint64_t parse(const char *text, char **end, const struct format *format)
{
    const char *at = text;
    uint64_t bits = 0;
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    bool is_negative = *at == '-', is_number = true;
    at += *at == '+' || *at == '-';
    bool is_hexadecimal = at[0] == '0' && (at[1] | 0x20) == 'x' &&
                          is_digit(at[2 + (at[2] == '.')], 16);
    if (is_hexadecimal) {
        at += 2;
        bits = number_at(&at, 16, format);
    } else if (is_digit(at[*at == '.'], 10)) {
        bits = number_at(&at, 10, format);
    } else if (skip_word(&at, "infinity") || skip_word(&at, "inf")) {
        bits = infinity_of(format);
    } else if (skip_word(&at, "nan")) {
        skip_payload(&at);
        bits = infinity_of(format) | 1ull << (format->n_bits - 2);
    } else {
        is_number = false;
    }
    if (end != NULL)
        *end = (char *)(is_number ? at : text);
    return is_number ? bits | (uint64_t)is_negative << (format->n_bits + format->n_exponent_bits - 1) : 0;
}

double strtod(const char *restrict text, char **restrict end)
{
    uint64_t bits = parse(text, end, &of_double);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float strtof(const char *restrict text, char **restrict end)
{
    uint32_t bits = (uint32_t)parse(text, end, &of_float);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

long double strtold(const char *restrict text, char **restrict end)
{
    return strtod(text, end);
}

double atof(const char *text)
{
    return strtod(text, NULL);
}
