/* Bytes in memory. Copying and filling are string instructions: a loop might be compiled into a call
 * of the very function it is in. */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    char *to_last = (char *)to + n - 1;
    const char *from_last = (const char *)from + n - 1;
    __asm__ volatile("std; rep movsb; cld"
                     : "+D"(to_last), "+S"(from_last), "+c"(n)
                     :
                     : "memory");
    return to;
}

void *memset(void *bytes, int value, size_t n)
{
    void *at = bytes;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
    return bytes;
}

int memcmp(const void *left, const void *right, size_t n)
{
    const unsigned char *a = left, *b = right;
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return a[i] - b[i];
    }
    return 0;
}

void *memchr(const void *bytes, int value, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++) {
        if (at[i] == (unsigned char)value)
            return (void *)&at[i];
    }
    return NULL;
}
