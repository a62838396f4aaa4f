/* Memory of the task (POSIX): anonymous memory only. The numbers are those of Linux. */
#ifndef _OMNIBUS_SYS_MMAN_H
#define _OMNIBUS_SYS_MMAN_H

#include <sys/types.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON MAP_ANONYMOUS
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_STACK 0x20000
#define MAP_FIXED_NOREPLACE 0x100000
#define MAP_FAILED ((void *)-1)

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t n);
int mprotect(void *address, size_t n, int protection);

#endif
