/* Strings. */
#include <stdlib.h>
#include <string.h>

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    return n;
}

size_t strnlen(const char *text, size_t n_max)
{
    size_t n = 0;
    while (n < n_max && text[n] != '\0')
        n++;
    return n;
}

char *stpcpy(char *restrict to, const char *restrict from)
{
    size_t n = strlen(from);
    memcpy(to, from, n + 1);
    return to + n;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    stpcpy(to, from);
    return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t n)
{
    size_t n_copied = strnlen(from, n);
    memcpy(to, from, n_copied);
    memset(to + n_copied, 0, n - n_copied);
    return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
    stpcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t n)
{
    char *end = to + strlen(to);
    size_t n_copied = strnlen(from, n);
    memcpy(end, from, n_copied);
    end[n_copied] = '\0';
    return to;
}

int strncmp(const char *left, const char *right, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char a = (unsigned char)left[i], b = (unsigned char)right[i];
        if (a != b)
            return a - b;
        if (a == '\0')
            break;
    }
    return 0;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, (size_t)-1);
}

int strcoll(const char *left, const char *right)
{
    return strcmp(left, right);
}

char *strchr(const char *text, int character)
{
    return memchr(text, character, strlen(text) + 1);
}

char *strrchr(const char *text, int character)
{
    for (size_t n = strlen(text) + 1; n > 0; n--) {
        if (text[n - 1] == (char)character)
            return (char *)&text[n - 1];
    }
    return NULL;
}

char *strstr(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; strnlen(text, n) == n; text++) {
        if (memcmp(text, part, n) == 0)
            return (char *)text;
    }
    return NULL;
}

size_t strspn(const char *text, const char *accepted)
{
    size_t n = 0;
    while (text[n] != '\0' && strchr(accepted, text[n]) != NULL)
        n++;
    return n;
}

size_t strcspn(const char *text, const char *refused)
{
    size_t n = 0;
    while (text[n] != '\0' && strchr(refused, text[n]) == NULL)
        n++;
    return n;
}

char *strpbrk(const char *text, const char *accepted)
{
    text += strcspn(text, accepted);
    return *text != '\0' ? (char *)text : NULL;
}

char *strtok_r(char *restrict text, const char *restrict delimiters, char **restrict rest)
{
    char *start = text ? text : *rest;
    start += strspn(start, delimiters);
    char *end = start + strcspn(start, delimiters);
    *rest = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return *start != '\0' ? start : NULL;
}

char *strtok(char *restrict text, const char *restrict delimiters)
{
    static char *rest;
    return strtok_r(text, delimiters, &rest);
}

char *strndup(const char *text, size_t n_max)
{
    size_t n = strnlen(text, n_max);
    char *copy = malloc(n + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}
