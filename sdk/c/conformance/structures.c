/* Section 2: flags, bounds, pointers of empty arrays, numbers of commands. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define UNKNOWN_FLAG ((__u64)1 << 40)
#define NOWHERE 8 /* an address that is never mapped */

static int call(int fd, unsigned long number, void *argument)
{
    return ioctl(fd, number, argument) == 0 ? 0 : errno;
}

TEST(str_1_flags_of_transfer, "An unknown flag of bus1_cmd_transfer is EINVAL.")
{
    struct bus1_cmd_transfer command = {.flags = UNKNOWN_FLAG, .to = BUS1_INVALID};
    EXPECT_ERROR(call(open_peer(), BUS1_CMD_TRANSFER, &command), EINVAL);
}

TEST(str_1_flags_of_an_entry, "An unknown flag of bus1_transfer is EINVAL in TRANSFER, alone and beside CREATE.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_transfer source = {UNKNOWN_FLAG, pair.handle}, made;
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, &source, &made, 1), EINVAL);
    source = (struct bus1_transfer){UNKNOWN_FLAG | BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, &source, &made, 1), EINVAL);
}

TEST(str_1_flags_of_release, "An unknown flag of bus1_cmd_release is EINVAL.")
{
    struct bus1_cmd_release command = {.flags = UNKNOWN_FLAG};
    EXPECT_ERROR(call(open_peer(), BUS1_CMD_RELEASE, &command), EINVAL);
}

TEST(str_1_flags_of_send, "An unknown flag of bus1_cmd_send is EINVAL.")
{
    struct bus1_message message = {0};
    struct bus1_cmd_send command = {.flags = UNKNOWN_FLAG, .ptr_message = BUS1_FROM_PTR(&message)};
    EXPECT_ERROR(call(open_peer(), BUS1_CMD_SEND, &command), EINVAL);
}

TEST(str_1_flags_of_a_message, "An unknown flag of bus1_message is EINVAL in SEND and in RECV.")
{
    struct bus1_metadata metadata;
    struct bus1_message message = {.flags = UNKNOWN_FLAG};
    struct bus1_cmd_send send = {.ptr_message = BUS1_FROM_PTR(&message)};
    struct bus1_cmd_recv receive = {BUS1_FROM_PTR(0), BUS1_FROM_PTR(&metadata),
                                    BUS1_FROM_PTR(&message)};
    int peer = open_peer();
    EXPECT_ERROR(call(peer, BUS1_CMD_SEND, &send), EINVAL);
    message.type = BUS1_INVALID;
    EXPECT_ERROR(call(peer, BUS1_CMD_RECV, &receive), EINVAL);
}

/* Sends one transfer with these flags. */
static int send_flagged(int fd, __u64 handle, __u64 flags)
{
    struct bus1_transfer carried = {flags, handle};
    struct bus1_message message = {.n_transfers = 1, .ptr_transfers = BUS1_FROM_PTR(&carried)};
    struct bus1_cmd_send send = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    return call(fd, BUS1_CMD_SEND, &send);
}

TEST(str_1_flags_of_cargo, "Any flag of a transfer in a message is EINVAL, CREATE too.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    for (int bit = 0; bit < 64; bit++)
        EXPECT_ERROR(send_flagged(peer, pair.handle, (__u64)1 << bit), EINVAL);
    EXPECT_OK(send_flagged(peer, pair.handle, 0));
}

TEST(str_1_flags_of_recv, "An unknown flag of bus1_cmd_recv is EINVAL.")
{
    struct bus1_metadata metadata;
    struct bus1_message message = {.type = BUS1_INVALID};
    struct bus1_cmd_recv command = {UNKNOWN_FLAG, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_ERROR(call(open_peer(), BUS1_CMD_RECV, &command), EINVAL);
}

TEST(str_1_empty_arrays_of_transfer, "TRANSFER of nothing does not look at its arrays.")
{
    EXPECT_OK(transfer(open_peer(), BUS1_INVALID, BUS1_TO_PTR(NOWHERE), BUS1_TO_PTR(NOWHERE), 0));
}

TEST(str_1_empty_arrays_of_release, "RELEASE of nothing does not look at its array.")
{
    EXPECT_OK(release(open_peer(), BUS1_TO_PTR(NOWHERE), 0));
}

TEST(str_1_empty_arrays_of_send, "SEND to nobody, of nothing, does not look at any array.")
{
    struct bus1_message message = {.ptr_transfers = NOWHERE, .ptr_data_vecs = NOWHERE};
    struct bus1_cmd_send send = {
        .ptr_destinations = NOWHERE,
        .ptr_errors = NOWHERE,
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    EXPECT_OK(call(open_peer(), BUS1_CMD_SEND, &send));
}

TEST(str_1_empty_arrays_of_recv, "RECV of an empty message into no room does not look at any array.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .ptr_transfers = NOWHERE,
        .ptr_data_vecs = NOWHERE,
    };
    struct bus1_cmd_recv command = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, ""));
    EXPECT_OK(call(peer, BUS1_CMD_RECV, &command));
}

TEST(str_1_empty_vectors, "A vector of no bytes may point anywhere.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct iovec vectors[] = {{BUS1_TO_PTR(NOWHERE), 0}, {(void *)"text", 4}, {NULL, 0}};
    struct bus1_message message = {
        .n_data = 4,
        .n_data_vecs = 3,
        .ptr_data_vecs = BUS1_FROM_PTR(vectors),
    };
    struct bus1_cmd_send send = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&pair.handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    EXPECT_OK(call(peer, BUS1_CMD_SEND, &send));
    EXPECT_MESSAGE(peer, pair.node, "text");
}

/* Everything that SEND reads, packed without a gap, so that at a crooked start nothing is aligned. */
struct __attribute__((packed)) crooked {
    char shift;
    char bytes[5];
    __u64 handle;
    struct iovec vector;
    struct bus1_message message;
    struct bus1_cmd_send send;
};

TEST(str_1_any_alignment, "Structures, arrays and payload may lie at any address.")
{
    char memory[sizeof(struct crooked) + 8];
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    for (size_t shift = 0; shift < 8; shift++) {
        struct crooked *crooked = (struct crooked *)(memory + shift);
        __u64 start = BUS1_FROM_PTR(crooked);
        *crooked = (struct crooked){
            .bytes = "crook",
            .handle = pair.handle,
            .vector = {BUS1_TO_PTR(start + offsetof(struct crooked, bytes)), 5},
            .message = {.n_data = 5,
                        .n_data_vecs = 1,
                        .ptr_data_vecs = start + offsetof(struct crooked, vector)},
            .send = {.n_destinations = 1,
                     .ptr_destinations = start + offsetof(struct crooked, handle),
                     .ptr_message = start + offsetof(struct crooked, message)},
        };
        EXPECT_OK(call(peer, BUS1_CMD_SEND, BUS1_TO_PTR(start + offsetof(struct crooked, send))));
        EXPECT_MESSAGE(peer, pair.node, "crook");
    }
}

TEST(str_1_outputs_are_not_read, "What is only written may hold anything.")
{
    int peer = open_peer();
    struct bus1_transfer source = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
    struct bus1_transfer made = {UNKNOWN_FLAG, 12345};
    EXPECT_OK(transfer(peer, BUS1_INVALID, &source, &made, 1));
    EXPECT_OK(send_with(peer, &made.id, 1, "x", &made.id, 1));
    struct received received;
    memset(&received, 0xff, sizeof received);
    EXPECT_OK(receive(peer, &received));
    EXPECT_EQ("transfers[0].flags", received.transfers[0].flags, 0);
    EXPECT_EQ("metadata.flags", received.metadata.flags, 0);
}

TEST(str_3_other_sizes, "A command whose number tells another size, magic or direction is ENOTTY.")
{
    struct bus1_cmd_transfer command = {.to = BUS1_INVALID};
    int peer = open_peer();
    EXPECT_OK(call(peer, BUS1_CMD_TRANSFER, &command));
    EXPECT_ERROR(call(peer, BUS1_CMD_TRANSFER + (8 << _IOC_SIZESHIFT), &command), ENOTTY);
    EXPECT_ERROR(call(peer, BUS1_CMD_TRANSFER - (8 << _IOC_SIZESHIFT), &command), ENOTTY);
    EXPECT_ERROR(call(peer, BUS1_CMD_TRANSFER ^ (1 << _IOC_TYPESHIFT), &command), ENOTTY);
    EXPECT_ERROR(call(peer, BUS1_CMD_TRANSFER ^ (_IOC_READ << _IOC_DIRSHIFT), &command), ENOTTY);
}

TEST(str_3_other_numbers, "No other number of the magic is a command.")
{
    char command[64] = {0};
    int peer = open_peer();
    for (unsigned int number = 4; number < 256; number++)
        EXPECT_ERROR(call(peer, _IOC(_IOC_READ | _IOC_WRITE, BUS1_IOCTL_MAGIC, number, 40), command),
                     ENOTTY);
}

TEST(str_3_other_files, "The commands are ENOTTY on what is no peer, and EBADF on what is not open.")
{
    struct bus1_cmd_transfer command = {.to = BUS1_INVALID};
    int peer = open_peer();
    EXPECT_ERROR(call(null_device(), BUS1_CMD_TRANSFER, &command), ENOTTY);
    EXPECT_ERROR(call(-1, BUS1_CMD_TRANSFER, &command), EBADF);
    close_peer(peer);
    EXPECT_ERROR(call(peer, BUS1_CMD_TRANSFER, &command), EBADF);
}
