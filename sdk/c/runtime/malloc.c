/* The heap.
 *
 * Small blocks have the size of a power of two and come from a list for each size, which grows by
 * chunks; what is freed goes back to its list and stays. Larger ones are mapped and unmapped. Every
 * block has 16 bytes in front of it that say how large it is and where it begins.
 */
#include "kernel.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEADER_BYTES 16
#define SMALLEST_SHIFT 5 /* a block of 32 bytes has room for 16 */
#define LARGEST_SHIFT 16
#define N_SIZES (LARGEST_SHIFT - SMALLEST_SHIFT + 1)
#define CHUNK_BYTES ((size_t)256 << 10)

/* In front of what the program gets. */
struct header {
    size_t n_bytes; /* of the whole block */
    void *block;    /* where it begins: the header itself, unless alignment put it further up */
};

struct free_block {
    struct free_block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct free_block *lists[N_SIZES];

/* What is left of the last chunk. */
static char *chunk;
static size_t n_chunk;

static struct header *header_of(void *bytes)
{
    return (struct header *)((char *)bytes - HEADER_BYTES);
}

/* Bytes that the program may use from `bytes` on. */
static size_t capacity(void *bytes)
{
    const struct header *header = header_of(bytes);
    return (size_t)((char *)header->block + header->n_bytes - (char *)bytes);
}

/* Which of the lists has blocks of at least `n` bytes. */
static int size_index(size_t n)
{
    int shift = SMALLEST_SHIFT;
    while (((size_t)1 << shift) < n)
        shift++;
    return shift - SMALLEST_SHIFT;
}

static void *map(size_t n_bytes)
{
    void *mapped;
    uint64_t rights = OMNIBUS_VM_READ | OMNIBUS_VM_WRITE;
    return __map_pages(0, n_bytes, rights, &mapped) == 0 ? mapped : NULL;
}

/* A small block from its list, or cut from a chunk. What is left of a chunk that is too small for the
 * block is less than the block, and lost. */
static void *take_small(int index)
{
    size_t n_bytes = (size_t)1 << (index + SMALLEST_SHIFT);
    pthread_mutex_lock(&lock);
    void *block = lists[index];
    if (block != NULL) {
        lists[index] = lists[index]->next;
    } else {
        if (n_chunk < n_bytes) {
            chunk = map(CHUNK_BYTES);
            n_chunk = chunk ? CHUNK_BYTES : 0;
        }
        if (n_chunk >= n_bytes) {
            block = chunk;
            chunk += n_bytes;
            n_chunk -= n_bytes;
        }
    }
    pthread_mutex_unlock(&lock);
    return block;
}

/* A block with `n` bytes at a multiple of `alignment`, a power of two. */
static void *allocate(size_t n, size_t alignment)
{
    size_t n_slack = alignment > HEADER_BYTES ? alignment : 0, n_bytes;
    if (__builtin_add_overflow(n, HEADER_BYTES + n_slack, &n_bytes) || n_bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    void *block;
    if (n_bytes <= (size_t)1 << LARGEST_SHIFT) {
        int index = size_index(n_bytes);
        n_bytes = (size_t)1 << (index + SMALLEST_SHIFT);
        block = take_small(index);
    } else {
        n_bytes = (n_bytes + OMNIBUS_PAGE_BYTES - 1) & ~(size_t)(OMNIBUS_PAGE_BYTES - 1);
        block = map(n_bytes);
    }
    if (block == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t bytes = (uintptr_t)block + HEADER_BYTES;
    if (n_slack > 0)
        bytes = (bytes + alignment - 1) & ~(alignment - 1);
    *header_of((void *)bytes) = (struct header){n_bytes, block};
    return (void *)bytes;
}

void *malloc(size_t n)
{
    return allocate(n, HEADER_BYTES);
}

void free(void *bytes)
{
    if (bytes == NULL)
        return;
    struct header header = *header_of(bytes);
    if (header.n_bytes > (size_t)1 << LARGEST_SHIFT) {
        int before = errno;
        munmap(header.block, header.n_bytes);
        errno = before;
        return;
    }
    struct free_block *freed = header.block;
    int index = size_index(header.n_bytes);
    pthread_mutex_lock(&lock);
    freed->next = lists[index];
    lists[index] = freed;
    pthread_mutex_unlock(&lock);
}

void *calloc(size_t n_elements, size_t n_bytes)
{
    size_t n;
    if (__builtin_mul_overflow(n_elements, n_bytes, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    void *bytes = malloc(n);
    return bytes ? memset(bytes, 0, n) : NULL;
}

void *realloc(void *bytes, size_t n)
{
    if (bytes != NULL && n > 0 && n <= capacity(bytes))
        return bytes;
    void *larger = malloc(n);
    if (larger == NULL || bytes == NULL)
        return larger;
    memcpy(larger, bytes, n < capacity(bytes) ? n : capacity(bytes));
    free(bytes);
    return larger;
}

static bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

void *aligned_alloc(size_t alignment, size_t n)
{
    if (is_power_of_two(alignment))
        return allocate(n, alignment);
    errno = EINVAL;
    return NULL;
}

int posix_memalign(void **bytes, size_t alignment, size_t n)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int before = errno;
    void *made = allocate(n, alignment);
    errno = before;
    if (made == NULL)
        return ENOMEM;
    *bytes = made;
    return 0;
}
