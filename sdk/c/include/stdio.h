/* Input and output (C11 7.21, POSIX). There are three streams and no files: standard output and standard
 * error are the console, standard input is at its end. */
#ifndef _OMNIBUS_STDIO_H
#define _OMNIBUS_STDIO_H

#include <stdarg.h>
#include <sys/types.h>

typedef struct __stream FILE;

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;
#define stdin stdin
#define stdout stdout
#define stderr stderr

#define EOF (-1)
#define BUFSIZ 1024
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

#define __FORMAT(format, first) __attribute__((__format__(__printf__, format, first)))

int printf(const char *restrict format, ...) __FORMAT(1, 2);
int fprintf(FILE *restrict stream, const char *restrict format, ...) __FORMAT(2, 3);
int dprintf(int fd, const char *restrict format, ...) __FORMAT(2, 3);
int sprintf(char *restrict buffer, const char *restrict format, ...) __FORMAT(2, 3);
int snprintf(char *restrict buffer, size_t n, const char *restrict format, ...) __FORMAT(3, 4);
int asprintf(char **restrict text, const char *restrict format, ...) __FORMAT(2, 3);
int vprintf(const char *restrict format, va_list arguments) __FORMAT(1, 0);
int vfprintf(FILE *restrict stream, const char *restrict format, va_list arguments) __FORMAT(2, 0);
int vdprintf(int fd, const char *restrict format, va_list arguments) __FORMAT(2, 0);
int vsprintf(char *restrict buffer, const char *restrict format, va_list arguments) __FORMAT(2, 0);
int vsnprintf(char *restrict buffer, size_t n, const char *restrict format, va_list arguments)
    __FORMAT(3, 0);
int vasprintf(char **restrict text, const char *restrict format, va_list arguments) __FORMAT(2, 0);

int fputc(int character, FILE *stream);
int putc(int character, FILE *stream);
int putchar(int character);
int fputs(const char *restrict text, FILE *restrict stream);
int puts(const char *text);
size_t fwrite(const void *restrict bytes, size_t n_bytes, size_t n, FILE *restrict stream);
void perror(const char *prefix);

int fgetc(FILE *stream);
int getc(FILE *stream);
int getchar(void);
char *fgets(char *restrict text, int n, FILE *restrict stream);
size_t fread(void *restrict bytes, size_t n_bytes, size_t n, FILE *restrict stream);

int fflush(FILE *stream);
int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t n);
void setbuf(FILE *restrict stream, char *restrict buffer);
int feof(FILE *stream);
int ferror(FILE *stream);
void clearerr(FILE *stream);
int fileno(FILE *stream);
void flockfile(FILE *stream);
void funlockfile(FILE *stream);

#undef __FORMAT
#define __FORMAT(format, first) __attribute__((__format__(__scanf__, format, first)))

int sscanf(const char *restrict text, const char *restrict format, ...) __FORMAT(2, 3);
int vsscanf(const char *restrict text, const char *restrict format, va_list arguments)
    __FORMAT(2, 0);
int fscanf(FILE *restrict stream, const char *restrict format, ...) __FORMAT(2, 3);
int vfscanf(FILE *restrict stream, const char *restrict format, va_list arguments) __FORMAT(2, 0);
int scanf(const char *restrict format, ...) __FORMAT(1, 2);
int vscanf(const char *restrict format, va_list arguments) __FORMAT(1, 0);

#undef __FORMAT

#endif
