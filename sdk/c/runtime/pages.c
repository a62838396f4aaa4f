/* Anonymous memory, by the page. */
#include "kernel.h"
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

int __map_pages(uint64_t address, size_t n_bytes, uint64_t rights, void **mapped)
{
    struct omnibus_vm_map map = {.address = address, .n_bytes = n_bytes, .rights = rights};
    struct kernel_result result =
        __kernel_call(OMNIBUS_CALL_VM_MAP, address_of(&map), sizeof map, 0, 0, 0, 0);
    *mapped = (void *)result.value;
    return (int)-result.status;
}

static bool is_page(uint64_t address)
{
    return address % OMNIBUS_PAGE_BYTES == 0;
}

/* Bytes of whole pages; 0 if they are none or too many to count. */
static size_t whole_pages(size_t n)
{
    return (n + OMNIBUS_PAGE_BYTES - 1) & ~(size_t)(OMNIBUS_PAGE_BYTES - 1);
}

/* What the kernel calls a protection. Writing and executing imply reading, on this processor and on
 * Linux too. */
static uint64_t rights_of(int protection)
{
    uint64_t rights = protection ? OMNIBUS_VM_READ : 0;
    if (protection & PROT_WRITE)
        rights |= OMNIBUS_VM_WRITE;
    if (protection & PROT_EXEC)
        rights |= OMNIBUS_VM_EXECUTE;
    return rights;
}

/* The kernel wants every page of a range mapped, POSIX none of them. */
static void unmap(uint64_t address, size_t n)
{
    if (call2(OMNIBUS_CALL_VM_UNMAP, address, n) == 0)
        return;
    for (size_t done = 0; done < n; done += OMNIBUS_PAGE_BYTES)
        call2(OMNIBUS_CALL_VM_UNMAP, address + done, OMNIBUS_PAGE_BYTES);
}

static int protect(uint64_t address, size_t n, int protection)
{
    return call3(OMNIBUS_CALL_VM_PROTECT, address, n, rights_of(protection));
}

static int check(int protection)
{
    if (protection & ~PROT_ALL)
        return EINVAL;
    return (protection & PROT_WRITE) && (protection & PROT_EXEC) ? ENOTSUP : 0;
}

static int map(uint64_t address, size_t n, int protection, int flags, void **mapped)
{
    int sharing = flags & (MAP_SHARED | MAP_PRIVATE);
    bool is_fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    int error = check(protection);
    if (error != 0)
        return error;
    if (!(flags & MAP_ANONYMOUS))
        return ENODEV;
    if (sharing != MAP_SHARED && sharing != MAP_PRIVATE)
        return EINVAL;
    if (n == 0 || (is_fixed && !is_page(address)))
        return EINVAL;
    n = whole_pages(n);
    if (n == 0)
        return ENOMEM;
    if (flags & MAP_FIXED)
        unmap(address, n);
    error = __map_pages(is_fixed ? address : 0, n, rights_of(protection) | OMNIBUS_VM_READ, mapped);
    if (error == EDQUOT)
        return ENOMEM;
    if (error == 0 && protection == PROT_NONE)
        error = protect(address_of(*mapped), n, protection);
    return error;
}

/* A task does not fork, so memory that is shared and memory that is private are the same. */
void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
    void *mapped;
    (void)fd;
    (void)offset;
    int error = map(address_of(address), n, protection, flags, &mapped);
    if (error == 0)
        return mapped;
    errno = error;
    return MAP_FAILED;
}

int munmap(void *address, size_t n)
{
    if (!is_page(address_of(address)) || whole_pages(n) == 0 ||
        address_of(address) + whole_pages(n) > OMNIBUS_USER_END)
        return result_of(EINVAL);
    unmap(address_of(address), whole_pages(n));
    return 0;
}

/* Memory that is not mapped is ENOMEM in POSIX. */
int mprotect(void *address, size_t n, int protection)
{
    int error = check(protection);
    if (error != 0 || !is_page(address_of(address)))
        return result_of(error ? error : EINVAL);
    if (n == 0)
        return 0;
    error = protect(address_of(address), whole_pages(n), protection);
    return result_of(error == EINVAL ? ENOMEM : error);
}
