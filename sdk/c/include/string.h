/* Memory and strings (C11 7.24, POSIX). */
#ifndef _OMNIBUS_STRING_H
#define _OMNIBUS_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *bytes, int value, size_t n);
int memcmp(const void *left, const void *right, size_t n);
void *memchr(const void *bytes, int value, size_t n);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t n);
char *strcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t n);
char *stpcpy(char *restrict to, const char *restrict from);
char *strcat(char *restrict to, const char *restrict from);
char *strncat(char *restrict to, const char *restrict from, size_t n);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t n);
int strcoll(const char *left, const char *right);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
char *strstr(const char *text, const char *part);
size_t strspn(const char *text, const char *accepted);
size_t strcspn(const char *text, const char *refused);
char *strpbrk(const char *text, const char *accepted);
char *strtok(char *restrict text, const char *restrict delimiters);
char *strtok_r(char *restrict text, const char *restrict delimiters, char **restrict rest);
char *strdup(const char *text);
char *strndup(const char *text, size_t n);
char *strerror(int number);
int strerror_r(int number, char *buffer, size_t n);

#endif
