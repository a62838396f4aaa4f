/* Section 2, STR-2: how much fits in one command, to the last element. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

/* A message and a SEND of it that a case changes. */
struct sending {
    struct iovec vectors[VECTORS_MAX + 1];
    struct bus1_transfer transfers[TRANSFERS_MAX + 1];
    __u64 destinations[DESTINATIONS_MAX + 1];
    struct bus1_message message;
    struct bus1_cmd_send send;
};

static char bytes[DATA_BYTES_SURE + 1];

/* One that sends nothing to nobody through `handle`, and has everything in its arrays. */
static struct sending *prepare(__u64 handle)
{
    static struct sending sending;
    for (size_t i = 0; i < VECTORS_MAX + 1; i++)
        sending.vectors[i] = (struct iovec){bytes, 1};
    for (size_t i = 0; i < TRANSFERS_MAX + 1; i++)
        sending.transfers[i] = (struct bus1_transfer){0, handle};
    for (size_t i = 0; i < DESTINATIONS_MAX + 1; i++)
        sending.destinations[i] = handle;
    sending.message = (struct bus1_message){
        .ptr_transfers = BUS1_FROM_PTR(sending.transfers),
        .ptr_data_vecs = BUS1_FROM_PTR(sending.vectors),
    };
    sending.send = (struct bus1_cmd_send){
        .ptr_destinations = BUS1_FROM_PTR(sending.destinations),
        .ptr_message = BUS1_FROM_PTR(&sending.message),
    };
    return &sending;
}

static int send(int fd, struct sending *sending)
{
    return ioctl(fd, BUS1_CMD_SEND, &sending->send) == 0 ? 0 : errno;
}

/* Receives and forgets `n` messages of any size. */
static void drain(int fd, __u64 n)
{
    static struct bus1_transfer transfers[TRANSFERS_MAX];
    struct bus1_metadata metadata;
    struct iovec vector = {bytes, sizeof bytes};
    for (; n > 0; n--) {
        struct bus1_message message = {
            .type = BUS1_INVALID,
            .n_transfers = TRANSFERS_MAX,
            .ptr_transfers = BUS1_FROM_PTR(transfers),
            .n_data = sizeof bytes,
            .n_data_vecs = 1,
            .ptr_data_vecs = BUS1_FROM_PTR(&vector),
        };
        struct bus1_cmd_recv receive = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
        EXPECT_EQ("RECV", ioctl(fd, BUS1_CMD_RECV, &receive), 0);
    }
}

TEST(str_2_transfers, "1024 entries of one TRANSFER are taken, 1025 are EMSGSIZE.")
{
    static struct bus1_transfer source[TRANSFERS_MAX + 1], made[TRANSFERS_MAX + 1];
    int peer = open_peer();
    for (size_t i = 0; i < TRANSFERS_MAX + 1; i++)
        source[i] = (struct bus1_transfer){BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, source, made, TRANSFERS_MAX + 1), EMSGSIZE);
    EXPECT_EQ("source[0].id", source[0].id, BUS1_INVALID);
    EXPECT_OK(transfer(peer, BUS1_INVALID, source, made, TRANSFERS_MAX));
    EXPECT_OK(release_one(peer, made[TRANSFERS_MAX - 1].id));
}

TEST(str_2_ids, "4096 ids of one RELEASE are taken, 4097 are EMSGSIZE.")
{
    static __u64 ids[IDS_MAX + 1];
    static struct bus1_transfer source[TRANSFERS_MAX], made[TRANSFERS_MAX];
    int peer = open_peer();
    size_t n = 0;
    while (n < IDS_MAX) {
        for (size_t i = 0; i < TRANSFERS_MAX; i++)
            source[i] = (struct bus1_transfer){BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
        EXPECT_OK(transfer(peer, BUS1_INVALID, source, made, TRANSFERS_MAX));
        for (size_t i = 0; i < TRANSFERS_MAX && n < IDS_MAX; i++) {
            ids[n++] = source[i].id;
            ids[n++] = made[i].id;
        }
    }
    EXPECT_ERROR(release(peer, ids, IDS_MAX + 1), EMSGSIZE);
    EXPECT_OK(release(peer, ids, IDS_MAX));
    EXPECT_ERROR(release_one(peer, ids[0]), EBADRQC);
}

TEST(str_2_vectors_of_send, "1024 vectors of a message are taken, 1025 are EINVAL.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->send.n_destinations = 1;
    sending->message.n_data = VECTORS_MAX;
    sending->message.n_data_vecs = VECTORS_MAX + 1;
    EXPECT_ERROR(send(peer, sending), EINVAL);
    sending->message.n_data_vecs = VECTORS_MAX;
    EXPECT_OK(send(peer, sending));
    drain(peer, 1);
}

TEST(str_2_vectors_of_recv, "1025 vectors of room are EINVAL.")
{
    static struct iovec vectors[VECTORS_MAX + 1];
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data_vecs = VECTORS_MAX + 1,
        .ptr_data_vecs = BUS1_FROM_PTR(vectors),
    };
    struct bus1_cmd_recv receive = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, ""));
    EXPECT_EQ("RECV", ioctl(peer, BUS1_CMD_RECV, &receive), -1);
    EXPECT_ERROR(errno, EINVAL);
    EXPECT_MESSAGE(peer, pair.node, "");
}

TEST(str_2_cargo, "1024 transfers of a message are taken, 1025 are EMSGSIZE.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->send.n_destinations = 1;
    sending->message.n_transfers = TRANSFERS_MAX + 1;
    EXPECT_ERROR(send(peer, sending), EMSGSIZE);
    sending->message.n_transfers = TRANSFERS_MAX;
    EXPECT_OK(send(peer, sending));
    drain(peer, 1);
}

TEST(str_2_destinations, "1024 destinations are taken, 1025 are EMSGSIZE.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->send.n_destinations = DESTINATIONS_MAX + 1;
    EXPECT_ERROR(send(peer, sending), EMSGSIZE);
    EXPECT_NOTHING(peer);
    sending->send.n_destinations = DESTINATIONS_MAX;
    EXPECT_OK(send(peer, sending));
    drain(peer, DESTINATIONS_MAX);
    EXPECT_NOTHING(peer);
}

TEST(str_2_copies, "4096 copies of handles in one SEND are taken, more are EMSGSIZE.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->send.n_destinations = 64;
    sending->message.n_transfers = COPIES_MAX / 64 + 1;
    EXPECT_ERROR(send(peer, sending), EMSGSIZE);
    sending->message.n_transfers = COPIES_MAX / 64;
    EXPECT_OK(send(peer, sending));
    drain(peer, 64);
    EXPECT_NOTHING(peer);
}

TEST(str_2_payload, "1 MiB is taken, and arrives whole.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    memset(bytes, 'b', DATA_BYTES_SURE);
    sending->vectors[0].iov_len = DATA_BYTES_SURE;
    sending->send.n_destinations = 1;
    sending->message.n_data = DATA_BYTES_SURE;
    sending->message.n_data_vecs = 1;
    EXPECT_OK(send(peer, sending));
    memset(bytes, 0, sizeof bytes);
    drain(peer, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        EXPECT_EQ("a byte", bytes[i], i < DATA_BYTES_SURE ? 'b' : 0);
}

TEST(str_2_too_much_payload, "More than 0x7ffff000 bytes are EMSGSIZE.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->vectors[0].iov_len = SIZE_MAX;
    sending->message.n_data_vecs = 1;
    sending->message.n_data = DATA_BYTES_MAX + 1;
    EXPECT_ERROR(send(peer, sending), EMSGSIZE);
    sending->message.n_data = UINT64_MAX;
    EXPECT_ERROR(send(peer, sending), EMSGSIZE);
}

TEST(str_2_sum_of_vectors, "Vectors whose lengths add up to more than 2^64-1 are EINVAL.")
{
    int peer = open_peer();
    struct sending *sending = prepare(create(peer, peer).handle);
    sending->vectors[0].iov_len = SIZE_MAX;
    sending->vectors[1].iov_len = 1;
    sending->message.n_data = 1;
    sending->message.n_data_vecs = 2;
    EXPECT_ERROR(send(peer, sending), EINVAL);
    sending->message.n_data_vecs = 1;
    EXPECT_OK(send(peer, sending));
}

TEST(str_2_capacities_may_be_larger, "RECV takes a capacity that no message could fill.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    char byte = 0;
    struct iovec vector = {&byte, SIZE_MAX};
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_transfers = UINT64_MAX,
        .n_data = UINT64_MAX,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_recv receive = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, "y"));
    EXPECT_EQ("RECV", ioctl(peer, BUS1_CMD_RECV, &receive), 0);
    EXPECT_EQ("the byte", byte, 'y');
    EXPECT_EQ("n_data", message.n_data, 1);
    EXPECT_EQ("n_transfers", message.n_transfers, 0);
}
