/* Descriptors and the task (POSIX). */
#ifndef _OMNIBUS_UNISTD_H
#define _OMNIBUS_UNISTD_H

#include <stddef.h>
#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define _SC_OPEN_MAX 4
#define _SC_PAGESIZE 30
#define _SC_PAGE_SIZE _SC_PAGESIZE
#define _SC_IOV_MAX 60
#define _SC_NPROCESSORS_CONF 83
#define _SC_NPROCESSORS_ONLN 84

int close(int fd);
int dup(int fd);
int dup2(int fd, int as);
ssize_t read(int fd, void *bytes, size_t n);
ssize_t write(int fd, const void *bytes, size_t n);
int isatty(int fd);
pid_t getpid(void);
int getpagesize(void);
long sysconf(int name);
unsigned int sleep(unsigned int seconds);
int usleep(useconds_t microseconds);
__attribute__((__noreturn__)) void _exit(int status);

extern char **environ;

#endif
