/* The commands of bus1.
 *
 * RELEASE goes to the kernel as it is. The others differ from the native calls in three ways, so
 * their structures are read here: `to` of TRANSFER is a descriptor, and neither DISCARD of RECV
 * (RCV-7) nor the transfer of capabilities exists in this interface.
 */
#include "descriptor.h"
#include "pointer.h"
#include <linux/bus1.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

/* A flag of bus1_transfer that is not defined. */
#define REFUSED_FLAG ((uint64_t)1 << 63)

/* The capability for the descriptor `to`; one that the kernel refuses with the right error, and in the
 * right order, if it is not a peer's (TRA-3). */
static uint64_t capability_of(uint64_t to)
{
    struct descriptor found;
    if (to == BUS1_INVALID)
        return to;
    if (to > INT_MAX || !__descriptor_find((int)to, &found))
        return 0;
    return found.kind == DESCRIPTOR_PEER ? found.capability : __environment.account;
}

static int transfer(uint64_t peer, uint64_t argument)
{
    struct bus1_cmd_transfer command;
    int error = __copy_in(peer, &command, argument, sizeof command);
    if (error != 0)
        return error;
    command.to = capability_of(command.to);
    return (int)-__kernel_call(OMNIBUS_CALL_TRANSFER, peer, address_of(&command), sizeof command,
                               sizeof(struct bus1_transfer), 0, 0)
                     .status;
}

static int release(uint64_t peer, uint64_t argument)
{
    return call3(OMNIBUS_CALL_RELEASE, peer, argument, sizeof(struct bus1_cmd_release));
}

/* True if the message names a capability where it should name a handle. Arrays that the kernel
 * refuses anyway are not looked at. */
static bool carries_capability(uint64_t peer, const struct bus1_message *message)
{
    const struct bus1_transfer *transfers = BUS1_TO_PTR(message->ptr_transfers);
    size_t n = message->n_transfers;
    if (n == 0 || n > OMNIBUS_TRANSFERS_MAX ||
        __check_readable(peer, message->ptr_transfers, n * sizeof *transfers) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct bus1_transfer transfer;
        memcpy(&transfer, &transfers[i], sizeof transfer);
        if (transfer.flags & OMNIBUS_TRANSFER_FLAG_CAPABILITY)
            return true;
    }
    return false;
}

static int send(uint64_t peer, uint64_t argument)
{
    struct bus1_cmd_send command;
    struct bus1_message message;
    int error = __copy_in(peer, &command, argument, sizeof command);
    if (error != 0)
        return error;
    if (__copy_in(peer, &message, command.ptr_message, sizeof message) == 0) {
        static const struct bus1_transfer refused = {REFUSED_FLAG, BUS1_INVALID};
        if (carries_capability(peer, &message) &&
            message.n_transfers * command.n_destinations <= OMNIBUS_COPIES_MAX) {
            message.n_transfers = 1;
            message.ptr_transfers = address_of(&refused);
        }
        command.ptr_message = address_of(&message);
    }
    return __send_natively(peer, &command);
}

static int receive(uint64_t peer, uint64_t argument)
{
    struct bus1_cmd_recv command;
    int error = __copy_in(peer, &command, argument, sizeof command);
    if (error != 0)
        return error;
    if (command.flags != 0)
        return EINVAL;
    return (int)-__kernel_call(OMNIBUS_CALL_RECV, peer, address_of(&command), sizeof command,
                               sizeof(struct bus1_metadata), sizeof(struct bus1_message),
                               sizeof(struct bus1_transfer))
                     .status;
}

int ioctl(int fd, unsigned long command, ...)
{
    struct descriptor found;
    va_list arguments;
    va_start(arguments, command);
    uint64_t argument = va_arg(arguments, uint64_t);
    va_end(arguments);
    if (!__descriptor_find(fd, &found))
        return result_of(EBADF);
    if (found.kind != DESCRIPTOR_PEER)
        return result_of(ENOTTY);
    switch (command) {
    case BUS1_CMD_TRANSFER:
        return result_of(transfer(found.capability, argument));
    case BUS1_CMD_RELEASE:
        return result_of(release(found.capability, argument));
    case BUS1_CMD_SEND:
        return result_of(send(found.capability, argument));
    case BUS1_CMD_RECV:
        return result_of(receive(found.capability, argument));
    default:
        return result_of(ENOTTY);
    }
}
