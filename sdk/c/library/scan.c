/* Text taken apart: floating-point numbers and scanf. */
#include "library.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static void convert(const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    printf("\"%.40s\": %a behind %ld, %d", text, value, (long)(end - text), errno);
    errno = 0;
    float small = strtof(text, &end);
    printf(", %a behind %ld, %d\n", (double)small, (long)(end - text), errno);
}

static const char *const decimals[] = {
    "", "x", ".", "0", "-0", "+1.", ".5", "-.5", "1e", "1e+", "1e5x", " \t12.5e-3z", "1e400", "-1e400", "1e-400",
    "1e99999999999999999999", "0e99999999999999999999", "9007199254740993", "9007199254740992.99999999999",
    "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072014e-308",
    "1.7976931348623157e308", "1.7976931348623159e308", "1.00000005960464477539062499999",
    "1.00000005960464477539062500001", "3.4028235677973366e38", "7.006492321624085e-46",
};

static const char *const others[] = {
    "inf", "-INFINITY", "infinit", "nan(12_a)x", "nan(", "0x", "0x.", "0x1.8p1", "-0X.8P-3", "0x1p-1074",
    "0x1p-1075", "0x1.8p-1075", "0x1.00000000000008p0", "0x1.000000000000080000000000000001p0", "0x1p1024",
    "0x1.fffffffffffff8p1023", "0x1p", "0x1p99999999999999999999",
};

/* Numbers of many digits, and halves between two doubles with a digit far behind. */
static void convert_at_random(void)
{
    char text[1100];
    unsigned long long state = 88172645463325252;
    for (int i = 0; i < 500; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double value;
        memcpy(&value, &state, sizeof value);
        if (!(value - value == 0))
            continue;
        snprintf(text, sizeof text, "%.*e", i % 40, value);
        convert(text);
        if (i % 20 == 0) {
            snprintf(text, sizeof text, "%.800f", value < 0 ? -1 / (value - 1) : 1 / (value + 1));
            convert(text);
        }
    }
    /* 2^53 + 1 is in the middle; 900 digits behind the point decide. */
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    text[950] = '\0';
    convert(text);
    text[949] = '1';
    convert(text);
}

/* Scans for one number and a word. */
#define SCAN(text, format, type, show)                                       \
    do {                                                                     \
        type value = 0;                                                      \
        char rest[16] = "-";                                                 \
        int n = sscanf(text, format "%9s", &value, rest);                    \
        printf("scan \"%s\" as \"%s\": %d " show " %s\n", text, format, n, value, rest); \
    } while (0)

static void scan_numbers(void)
{
    static const char *const texts[] = {
        "", " ", "12", "-12 x", "+0x1Fg", "017z", "08", "x", "99999999999999999999", "-", "- 1", "0", "007,5", "1.5e3z",
        ".5.5", "inf?", "-nan?", "0x1.8p1q",
    };
    for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
        const char *text = texts[i];
        SCAN(text, "%ld", long, "%ld");
        SCAN(text, "%li", long, "%ld");
        SCAN(text, "%lu", unsigned long, "%lu");
        SCAN(text, "%lo", unsigned long, "%lo");
        SCAN(text, "%2d", int, "%d");
        SCAN(text, "%1hhx", unsigned char, "%hhx");
        SCAN(text, "%3hd", short, "%hd");
        SCAN(text, "%" SCNd64, int64_t, "%" PRId64);
        SCAN(text, "%lf", double, "%a");
        SCAN(text, "%5f", float, "%a");
        SCAN(text, "%*d,%d", int, "%d");
        SCAN(text, "%Lf", long double, "%Lf");
    }
}

static void scan_texts(void)
{
    char first[32] = "-", second[32] = "-", pair[3] = "-";
    int n, at = -1, year = 0, month = 0;
    void *pointer = NULL;
    n = sscanf("  one two", "%s%31s%n", first, second, &at);
    printf("words %d %s %s %d\n", n, first, second, at);
    n = sscanf("ab cd", "%2c%c", pair, second);
    printf("characters %d %.2s %d\n", n, pair, second[0]);
    n = sscanf("key = [a-b]", "%[a-z] = %[]a[-]%n", first, second, &at);
    printf("sets %d %s %s %d\n", n, first, second, at);
    n = sscanf("word:rest", "%31[^:]:%s", first, second);
    printf("sets %d %s %s\n", n, first, second);
    n = sscanf("2026-11", "%4d-%2d", &year, &month);
    printf("date %d %d %d\n", n, year, month);
    n = sscanf("100% 7", "%d%% %d", &year, &month);
    printf("percent %d %d %d\n", n, year, month);
    n = sscanf("12;13", "%d,%d", &year, &month);
    printf("another sign %d %d\n", n, year);
    n = sscanf("0xabc", "%p", &pointer);
    printf("pointer %d %p\n", n, pointer);
    printf("skipped %d\n", sscanf("1 2", "%*d %*d"));
    printf("nothing wanted %d, at the end %d, of literals %d\n", sscanf("x", " "), sscanf("", "x"), sscanf("y", "x"));
    printf("standard input %d %d\n", scanf("%d", &year), fscanf(stdin, " "));
    printf("atof %a\n", atof(" 2.5x"));
}

void scans(void)
{
    for (size_t i = 0; i < N_ELEMENTS(decimals); i++)
        convert(decimals[i]);
    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        convert(others[i]);
    convert_at_random();
    scan_numbers();
    scan_texts();
}
