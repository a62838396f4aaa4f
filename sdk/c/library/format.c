/* What printf makes of integers, texts and floating-point numbers. The formats are not literals: the
 * compiler would warn of flags that mean nothing, and those are to be tried too. */
#include "library.h"
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Flags, width and precision, which every letter is tried with. */
static const char *const fields[] = {
    "",     "5",     "-5",   "05",    "+",     " ",     "#",     "+08",   "-+8",   "#08",
    ".0",   ".1",    ".3",   ".10",   "8.3",   "-8.3",  "08.3",  "#.0",   "+.2",   " 7.1",
    "#-9.4", "0-9.2", "# .1", "12.5", "#020.6",
};

/* Prints one value under one letter in every field. */
static void show(const char *letters, const char *length, const char *name, ...)
{
    for (; *letters != '\0'; letters++) {
        for (size_t i = 0; i < N_ELEMENTS(fields); i++) {
            char format[32], text[512];
            va_list arguments;
            snprintf(format, sizeof format, "%%%s%s%c", fields[i], length, *letters);
            va_start(arguments, name);
            int n = vsnprintf(text, sizeof text, format, arguments);
            va_end(arguments);
            printf("%s %s: [%s] %d\n", format, name, text, n);
        }
    }
}

void integers(void)
{
    static const int values[] = {0, 1, -1, 7, 42, -300, INT_MAX, INT_MIN};
    for (size_t i = 0; i < N_ELEMENTS(values); i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", values[i]);
        show("diouxX", "", name, values[i]);
    }
    show("diouxX", "hh", "-3 as char", -3);
    show("diouxX", "h", "-3 as short", -3);
    show("diouxX", "l", "LONG_MIN", LONG_MIN);
    show("diouxX", "ll", "LLONG_MAX", LLONG_MAX);
    show("diu", "j", "INTMAX_MIN", INTMAX_MIN);
    show("dux", "z", "SIZE_MAX", SIZE_MAX);
    show("d", "t", "a difference", (ptrdiff_t)-12);
    printf("%" PRId64 " %" PRIu32 " %" PRIx16 " %" PRIX8 " %" PRIdPTR "\n", INT64_MIN, UINT32_MAX,
           (uint16_t)0xbeef, (uint8_t)0xab, INTPTR_MAX);
}

void texts(void)
{
    int n_char = 0;
    long n_long = 0;
    char text[8];
    show("s", "", "\"\"", "");
    show("s", "", "\"omnibus\"", "omnibus");
    show("c", "", "'x'", 'x');
    printf("[%*d] [%-*d] [%.*s] [%*.*f]\n", 6, 42, 6, 42, 3, "abcdef", 9, 2, 3.14159);
    printf("[%*d] [%.*d]\n", -6, 42, -1, 42);
    printf("%d%%%n and %ln\n", 7, &n_char, &n_long);
    printf("%d %ld\n", n_char, n_long);
    for (size_t n = 0; n <= sizeof text; n++) {
        memset(text, '~', sizeof text);
        int n_needed = snprintf(n ? text : NULL, n, "%s", "123456");
        printf("%zu: %d [%.*s]\n", n, n_needed, (int)sizeof text, n ? text : "");
    }
}

void floats(void)
{
    static const double values[] = {
        0.0,     -0.0,    1.0,      -1.0,    0.5,       1.5,      2.5,     0.1,     1.0 / 3,
        2.0 / 3, 9.5,     9.995,    99.5,    999999.4,  123456.0, 1e6,     1e15,    1e16,
        1e21,    1e22,    1e23,     1e-4,    1e-5,      1.25e-7,  5e-324,  1e-310,  DBL_MIN,
        DBL_MAX, DBL_EPSILON, 4503599627370496.5, 9007199254740993.0, 0.000123456789, 1.9999999,
        123456789.987654321, 0.05, 0.25, 0.75, 4.35, 8.5e-5,
    };
    for (size_t i = 0; i < N_ELEMENTS(values); i++) {
        char name[32];
        snprintf(name, sizeof name, "%a", values[i]);
        show("feEgGaAF", "", name, values[i]);
    }
    show("fegaFEGA", "", "infinity", __builtin_inf());
    show("fegaFEGA", "", "-infinity", -__builtin_inf());
    show("feg", "", "nan", __builtin_nan(""));
    printf("%.1100f\n", 5e-324);
    printf("%.0f %.0f %.400e\n", DBL_MAX, -DBL_MAX, 1.0 / 3);
    printf("%Lf %Le %Lg\n", 1.5L, 1e300L, 0.0625L);
}
