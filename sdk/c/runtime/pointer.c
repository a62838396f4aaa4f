/* Pointers of programs.
 *
 * There is a call that reads memory and does nothing else: a SEND to nobody, which copies its payload in to find out
 * whether it can (SND-3, SND-5). And there is one that writes no more than a number: a SEND to handles that do not exist,
 * which looks whether all of its array of errors can be written before it says so in the first of them (SND-2, SND-5).
 */
#include "pointer.h"
#include "thread.h"
#include <string.h>
#include <sys/uio.h>

/* Not the id of anything: bit 0 is that of the kernel's ids, and nobody else chooses any. */
static const uint64_t nobody[OMNIBUS_DESTINATIONS_MAX];

int __send_natively(uint64_t peer, const struct bus1_cmd_send *command)
{
    return (int)-__kernel_call(OMNIBUS_CALL_SEND, peer, address_of(command), sizeof *command,
                               sizeof(struct bus1_message), sizeof(struct bus1_transfer), 0)
                     .status;
}

bool __is_on_stack(uint64_t address, size_t n)
{
    const struct __pthread *thread = current_thread();
    uint64_t start = address_of(thread->area), end = start + thread->n_area;
    return address >= start && address <= end && end - address >= n;
}

int __check_readable(uint64_t peer, uint64_t address, size_t n)
{
    if (__is_on_stack(address, n))
        return 0;
    struct iovec vector = {(void *)address, n};
    struct bus1_message message = {
        .n_data = n,
        .n_data_vecs = 1,
        .ptr_data_vecs = address_of(&vector),
    };
    struct bus1_cmd_send to_nobody = {.ptr_message = address_of(&message)};
    return __send_natively(peer, &to_nobody);
}

int __check_writable(uint64_t peer, uint64_t address, size_t n_numbers)
{
    struct bus1_message message = {0};
    struct bus1_cmd_send send = {
        .n_destinations = n_numbers,
        .ptr_destinations = address_of(nobody),
        .ptr_errors = address,
        .ptr_message = address_of(&message),
    };
    int error = __send_natively(peer, &send);
    return error == EBADRQC ? 0 : error;
}

int __copy_in(uint64_t peer, void *to, uint64_t address, size_t n)
{
    int error = __check_readable(peer, address, n);
    if (error == 0)
        memcpy(to, (const void *)address, n);
    return error;
}
