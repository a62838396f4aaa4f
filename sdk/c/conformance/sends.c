/* Section 4, SEND. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define NOWHERE 8 /* an address that is never mapped */
#define UNTOUCHED 77

/* SEND of so many bytes of these vectors. */
static int send_vectors(int fd, __u64 handle, const struct iovec *vectors, __u64 n, __u64 n_data)
{
    struct bus1_message message = {
        .n_data = n_data,
        .n_data_vecs = n,
        .ptr_data_vecs = BUS1_FROM_PTR(vectors),
    };
    struct bus1_cmd_send send = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    return ioctl(fd, BUS1_CMD_SEND, &send) == 0 ? 0 : errno;
}

/* SEND that tells which destination failed. */
static int send_errors(int fd, const __u64 *handles, __u64 n, __s32 *errors)
{
    struct bus1_message message = {0};
    struct bus1_cmd_send send = {
        .n_destinations = n,
        .ptr_destinations = BUS1_FROM_PTR(handles),
        .ptr_errors = BUS1_FROM_PTR(errors),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    return ioctl(fd, BUS1_CMD_SEND, &send) == 0 ? 0 : errno;
}

TEST(snd_1_gathers, "The payload is gathered from the vectors in their order.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    const struct iovec vectors[] = {{(void *)"in ", 3}, {(void *)"three ", 6}, {(void *)"pieces", 6}};
    EXPECT_OK(send_vectors(peer, pair.handle, vectors, 3, 15));
    EXPECT_MESSAGE(peer, pair.node, "in three pieces");
}

TEST(snd_1_only_n_data, "Only n_data bytes are sent, and vectors behind them may point nowhere.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    const struct iovec vectors[] = {{(void *)"shorter", 7}, {BUS1_TO_PTR(NOWHERE), 100}};
    EXPECT_OK(send_vectors(peer, pair.handle, vectors, 2, 5));
    EXPECT_MESSAGE(peer, pair.node, "short");
    EXPECT_OK(send_vectors(peer, pair.handle, vectors, 2, 7));
    EXPECT_MESSAGE(peer, pair.node, "shorter");
}

TEST(snd_1_too_little, "Vectors that hold less than n_data are EMSGSIZE.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    const struct iovec vector = {(void *)"text", 4};
    EXPECT_ERROR(send_vectors(peer, pair.handle, &vector, 1, 5), EMSGSIZE);
    EXPECT_ERROR(send_vectors(peer, pair.handle, NULL, 0, 1), EMSGSIZE);
    EXPECT_NOTHING(peer);
}

TEST(snd_2_success, "After success every entry of errors is 0.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 destinations[] = {pair.handle, pair.handle, pair.handle};
    __s32 errors[] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
    EXPECT_OK(send_errors(peer, destinations, 3, errors));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ("an entry", errors[i], 0);
    EXPECT_EQ("the one behind", errors[3], UNTOUCHED);
}

TEST(snd_2_unknown, "The entry of an unknown destination holds EBADRQC, those before it 0, those behind it are left.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 destinations[] = {pair.handle, 12345, 54321, pair.handle};
    __s32 errors[] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED};
    EXPECT_ERROR(send_errors(peer, destinations, 4, errors), EBADRQC);
    EXPECT_EQ("errors[0]", errors[0], 0);
    EXPECT_EQ("errors[1]", errors[1], EBADRQC);
    EXPECT_EQ("errors[2]", errors[2], UNTOUCHED);
    EXPECT_EQ("errors[3]", errors[3], UNTOUCHED);
}

TEST(snd_2_quota, "The entry of a destination that is out of quota holds EDQUOT.")
{
    int sender = open_peer(), receiver = open_peer();
    struct pair pair = create(receiver, sender);
    __u64 destinations[] = {pair.handle, pair.handle};
    __s32 errors[] = {UNTOUCHED, UNTOUCHED};
    EXPECT(flood(sender, pair.handle));
    EXPECT_ERROR(send_errors(sender, destinations, 2, errors), EDQUOT);
    EXPECT_EQ("errors[0]", errors[0], EDQUOT);
    EXPECT_EQ("errors[1]", errors[1], UNTOUCHED);
}

TEST(snd_3_own_copies, "Every destination gets its own copies of the carried handles.")
{
    int sender = open_peer(), receivers[2] = {open_peer(), open_peer()}, third = open_peer();
    struct pair first = create(receivers[0], sender), second = create(receivers[1], sender);
    struct pair carried = create(third, sender);
    __u64 destinations[] = {first.handle, second.handle};
    EXPECT_OK(send_with(sender, destinations, 2, "", &carried.handle, 1));
    EXPECT_OK(release_one(sender, carried.handle));
    for (int i = 0; i < 2; i++) {
        struct received received;
        EXPECT_NOTHING(third);
        EXPECT_OK(receive(receivers[i], &received));
        EXPECT_EQ("n_transfers", received.message.n_transfers, 1);
        EXPECT_OK(release_one(receivers[i], received.transfers[0].id));
    }
    EXPECT_HANDLE_RELEASE(third, carried.node);
}

TEST(snd_3_same_cargo_twice, "A handle that is carried twice arrives as two.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 carried[] = {pair.handle, pair.handle};
    struct received received;
    EXPECT_OK(send_with(peer, &pair.handle, 1, "", carried, 2));
    EXPECT_OK(receive(peer, &received));
    EXPECT_EQ("n_transfers", received.message.n_transfers, 2);
    EXPECT(received.transfers[0].id != received.transfers[1].id);
    EXPECT_OK(release_one(peer, received.transfers[0].id));
    EXPECT_OK(release_one(peer, received.transfers[1].id));
}

TEST(snd_3_same_destination_twice, "A destination that is named twice gets two messages.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 destinations[] = {pair.handle, pair.handle};
    EXPECT_OK(send_to(peer, destinations, 2, "twice"));
    EXPECT_MESSAGE(peer, pair.node, "twice");
    EXPECT_MESSAGE(peer, pair.node, "twice");
    EXPECT_NOTHING(peer);
}

TEST(snd_3_nobody, "Without destinations everything is checked and nothing is sent.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 unknown = 12345;
    EXPECT_OK(send_with(peer, NULL, 0, "nobody", &pair.handle, 1));
    EXPECT_ERROR(send_with(peer, NULL, 0, "nobody", &unknown, 1), EBADRQC);
    EXPECT_NOTHING(peer);
}

TEST(snd_3_empty, "An empty message is a message.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_OK(send_vectors(peer, pair.handle, NULL, 0, 0));
    EXPECT_MESSAGE(peer, pair.node, "");
}

TEST(snd_4_not_yet_told, "Sending to a node that is gone succeeds until the sender was told, and nothing arrives.")
{
    int owner = open_peer(), sender = open_peer();
    struct pair pair = create(owner, sender);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_OK(send_text(sender, pair.handle, "into the void"));
    EXPECT_NOTHING(owner);
    EXPECT_NODE_RELEASE(sender, pair.handle);
    EXPECT_ERROR(send_text(sender, pair.handle, "again"), EBADRQC);
}

TEST(snd_4_owner_closed, "The same if the node's owner was closed.")
{
    int owner = open_peer(), sender = open_peer();
    struct pair pair = create(owner, sender);
    close_peer(owner);
    EXPECT_OK(send_text(sender, pair.handle, "into the void"));
    EXPECT_NODE_RELEASE(sender, pair.handle);
    EXPECT_ERROR(send_text(sender, pair.handle, "again"), EBADRQC);
}

TEST(snd_4_not_charged, "What vanishes is not charged: it can be sent without end.")
{
    int owner = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair gone = create(owner, sender), full = create(receiver, sender);
    EXPECT_OK(release_one(owner, gone.node));
    EXPECT(flood(sender, full.handle));
    for (int i = 0; i < 100; i++)
        EXPECT_OK(send_text(sender, gone.handle, "into the void"));
    EXPECT_ERROR(send_text(sender, full.handle, ""), EDQUOT);
}

TEST(snd_5_type, "A message type other than that of a message is EINVAL.")
{
    int peer = open_peer();
    for (__u64 type = 1; type < 4; type++) {
        struct bus1_message message = {.type = type};
        struct bus1_cmd_send send = {.ptr_message = BUS1_FROM_PTR(&message)};
        EXPECT_EQ("SEND", ioctl(peer, BUS1_CMD_SEND, &send), -1);
        EXPECT_ERROR(errno, EINVAL);
    }
}

TEST(snd_5_payload_that_faults, "A payload that cannot be read is EFAULT, and nothing arrives.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    const struct iovec vectors[] = {{(void *)"good", 4}, {BUS1_TO_PTR(NOWHERE), 4}};
    EXPECT_ERROR(send_vectors(peer, pair.handle, vectors, 2, 8), EFAULT);
    EXPECT_NOTHING(peer);
    EXPECT_OK(send_vectors(peer, pair.handle, vectors, 1, 4));
    EXPECT_MESSAGE(peer, pair.node, "good");
}

TEST(snd_6_to_oneself, "A peer may send to its own node.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_OK(send_text(peer, pair.handle, "note to self"));
    EXPECT_MESSAGE(peer, pair.node, "note to self");
}

TEST(snd_6_carries_its_destination, "A message may carry the handle that it is sent through.")
{
    int owner = open_peer(), sender = open_peer();
    struct pair pair = create(owner, sender);
    struct received received;
    EXPECT_OK(send_with(sender, &pair.handle, 1, "", &pair.handle, 1));
    EXPECT_OK(receive(owner, &received));
    EXPECT_OK(send_text(owner, received.transfers[0].id, "through the copy"));
    EXPECT_MESSAGE(owner, pair.node, "through the copy");
}
