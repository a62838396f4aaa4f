/* Strings, and numbers in them. */
#include "library.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

/* Where in `text` something was found; -1: it was not. */
static long place(const char *text, const char *found)
{
    return found ? found - text : -1;
}

/* Words by their place in the list: one of them is no text that can be printed. */
static const char *const words[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "aab", "bab"};

static void compare(size_t i, size_t j)
{
    const char *left = words[i], *right = words[j];
    size_t n_left = strlen(left), n_right = strlen(right);
    printf("compare %zu %zu: %d", i, j, sign(strcmp(left, right)));
    for (size_t n = 0; n < 5; n++)
        printf(" %d", sign(strncmp(left, right, n)));
    printf(" %d\n", sign(memcmp(left, right, n_left < n_right ? n_left : n_right)));
}

static void find(size_t i, size_t j)
{
    const char *text = words[i], *part = words[j];
    printf("find %zu in %zu: %ld %ld %ld %zu %zu %ld\n", j, i, place(text, strstr(text, part)),
           place(text, strchr(text, part[0])), place(text, strrchr(text, part[0])),
           strspn(text, part), strcspn(text, part), place(text, strpbrk(text, part)));
}

void strings(void)
{
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        for (size_t j = 0; j < N_ELEMENTS(words); j++) {
            compare(i, j);
            find(i, j);
        }
    }
    char text[64] = "one";
    strcat(text, ", two");
    for (size_t n = 0; n < 5; n++)
        strncat(text, words[8], n);
    printf("%s %zu %zu\n", text, strlen(text), strnlen(text, 4));
    printf("%ld\n", place(text, stpcpy(text, "four, five")));
    memset(text + 20, '.', 20);
    strncpy(text + 20, "six", 6);
    for (int i = 20; i < 30; i++)
        printf("%d ", text[i]);
    printf("\n");
    char list[] = ";;a,b;;c;", *rest;
    for (char *token = strtok_r(list, ";,", &rest); token; token = strtok_r(NULL, ";,", &rest))
        printf("token %s\n", token);
    char *copy = strdup("copy"), *part = strndup("copy", 2);
    printf("%s %s\n", copy, part);
    free(copy);
    free(part);
    for (int n = 0; n < 24; n++) {
        char bytes[] = "abcdefghijklmnopqrstuvwx";
        memmove(bytes + n / 2, bytes + n / 3, (size_t)(24 - n));
        memmove(bytes, bytes + n / 4, 12);
        printf("%s %ld\n", bytes, place(bytes, memchr(bytes, 'c', sizeof bytes)));
    }
    static const int errors[] = {0, EPERM, EFAULT, EBADRQC, ENOTUNIQ, EDQUOT, EMSGSIZE, 9999};
    for (size_t i = 0; i < N_ELEMENTS(errors); i++)
        printf("%s\n", strerror(errors[i]));
}

static void convert(const char *text, int base)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, base);
    printf("\"%s\" in base %d: %ld %ld %d", text, base, value, place(text, end), errno);
    errno = 0;
    unsigned long magnitude = strtoul(text, &end, base);
    printf(", %lu %ld %d\n", magnitude, place(text, end), errno);
}

static int by_value(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

void numbers(void)
{
    static const char *const texts[] = {
        "",      "0",    "-0",   "12",   " \t\n+12x", "-12 ", "0x1F", "0x",   "0xg", "017", "08",
        "zz",    "- 1",  "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999999",
    };
    static const int bases[] = {0, 2, 8, 10, 16, 36};
    for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
        for (size_t j = 0; j < N_ELEMENTS(bases); j++)
            convert(texts[i], bases[j]);
    }
    printf("%d %ld %lld %" PRIdMAX "\n", atoi("-42x"), atol("77"), atoll(" 8"), strtoimax("-5", NULL, 0));
    printf("%d %ld %lld\n", abs(-3), labs(LONG_MIN + 1), llabs(5));
    printf("%d %d %ld %ld\n", div(-7, 2).quot, div(-7, 2).rem, ldiv(7, -2).quot, ldiv(7, -2).rem);

    int values[1000];
    unsigned int state = 1;
    for (size_t n = 0; n < N_ELEMENTS(values); n = n * 2 + 1) {
        for (size_t i = 0; i < n; i++) {
            state = state * 1103515245 + 12345;
            values[i] = (int)(state >> 16) % 100;
        }
        qsort(values, n, sizeof values[0], by_value);
        int n_wrong = 0, n_found = 0;
        for (size_t i = 1; i < n; i++)
            n_wrong += values[i - 1] > values[i];
        for (int key = -100; key < 200; key++) {
            const int *found = bsearch(&key, values, n, sizeof values[0], by_value);
            n_found += found && *found == key;
        }
        printf("sort %zu: %d wrong, %d found, %d to %d\n", n, n_wrong, n_found, n ? values[0] : 0,
               n ? values[n - 1] : 0);
    }
    for (int i = 0; i < 1000; i++) {
        if (rand() < 0)
            printf("a negative number of chance\n");
    }
}
