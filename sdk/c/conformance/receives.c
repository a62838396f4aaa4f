/* Section 4, RECV. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NOWHERE 8 /* an address that is never mapped */

/* RECV with everything as it stands in `message`. */
static int recv_into(int fd, struct bus1_metadata *metadata, struct bus1_message *message)
{
    struct bus1_cmd_recv command = {0, BUS1_FROM_PTR(metadata), BUS1_FROM_PTR(message)};
    return ioctl(fd, BUS1_CMD_RECV, &command) == 0 ? 0 : errno;
}

TEST(rcv_1_empty, "An empty queue is EAGAIN, at once.")
{
    EXPECT_NOTHING(open_peer());
}

TEST(rcv_1_type_on_input, "A type other than the invalid one on input is EINVAL, before an empty queue is noticed.")
{
    struct bus1_metadata metadata;
    int peer = open_peer();
    for (__u64 type = 0; type < 4; type++) {
        struct bus1_message message = {.type = type};
        EXPECT_ERROR(recv_into(peer, &metadata, &message), EINVAL);
    }
}

TEST(rcv_1_notification_needs_no_room, "A notification is received whatever vectors the message names.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data_vecs = VECTORS_MAX + 1,
        .ptr_data_vecs = NOWHERE,
    };
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_OK(recv_into(holder, &metadata, &message));
    EXPECT_EQ("type", message.type, BUS1_MESSAGE_TYPE_NODE_RELEASE);
    EXPECT_EQ("n_data", message.n_data, 0);
    EXPECT_EQ("n_transfers", message.n_transfers, 0);
}

TEST(rcv_2_too_few_bytes, "Too little room for bytes is EMSGSIZE and tells what is needed; the message stays first.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    char room[8] = "~~~~~~~";
    struct iovec vector = {room, 4};
    struct bus1_metadata metadata = {9, 9, 9};
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data = 4,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    EXPECT_OK(send_text(peer, pair.handle, "too long"));
    EXPECT_ERROR(recv_into(peer, &metadata, &message), EMSGSIZE);
    EXPECT_EQ("n_data", message.n_data, 8);
    EXPECT_EQ("n_transfers", message.n_transfers, 0);
    EXPECT_EQ("metadata.id", metadata.id, pair.node);
    EXPECT(memcmp(room, "~~~~~~~", 7) == 0);
    EXPECT_MESSAGE(peer, pair.node, "too long");
}

TEST(rcv_2_too_few_transfers, "Too little room for handles is EMSGSIZE and tells what is needed; none is made.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 carried[] = {pair.handle, pair.handle};
    struct bus1_transfer room[2] = {{7, 7}, {7, 7}};
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_transfers = 1,
        .ptr_transfers = BUS1_FROM_PTR(room),
    };
    EXPECT_OK(send_with(peer, &pair.handle, 1, "", carried, 2));
    EXPECT_ERROR(recv_into(peer, &metadata, &message), EMSGSIZE);
    EXPECT_EQ("n_transfers", message.n_transfers, 2);
    EXPECT_EQ("room[0].id", room[0].id, 7);
    message = (struct bus1_message){
        .type = BUS1_INVALID,
        .n_transfers = 2,
        .ptr_transfers = BUS1_FROM_PTR(room),
    };
    EXPECT_OK(recv_into(peer, &metadata, &message));
    EXPECT(room[0].id != room[1].id);
}

TEST(rcv_3_exact_sizes, "After success sizes are those of the message, and bytes behind it are untouched.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct received received;
    memset(received.bytes, '~', sizeof received.bytes);
    EXPECT_OK(send_text(peer, pair.handle, "five!"));
    EXPECT_OK(receive(peer, &received));
    EXPECT_EQ("n_data", received.message.n_data, 5);
    EXPECT_EQ("n_transfers", received.message.n_transfers, 0);
    EXPECT_EQ("the byte behind", received.bytes[6], '~');
}

TEST(rcv_3_scatters, "The payload is scattered over the vectors in their order.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    char first[4] = "~~~", second[8] = "~~~~~~~";
    struct iovec vectors[] = {{first, 3}, {NULL, 0}, {second, 7}};
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data = 10,
        .n_data_vecs = 3,
        .ptr_data_vecs = BUS1_FROM_PTR(vectors),
    };
    EXPECT_OK(send_text(peer, pair.handle, "abcdefg"));
    EXPECT_OK(recv_into(peer, &metadata, &message));
    EXPECT(strcmp(first, "abc") == 0);
    EXPECT(strcmp(second, "defg~~~") == 0);
}

TEST(rcv_3_order_of_cargo, "Carried handles arrive in the sender's order.")
{
    int sender = open_peer(), receiver = open_peer(), third = open_peer();
    struct pair pair = create(receiver, sender), carried[3];
    __u64 handles[3];
    struct received received;
    for (int i = 0; i < 3; i++) {
        carried[i] = create(third, sender);
        handles[i] = carried[i].handle;
    }
    EXPECT_OK(send_with(sender, &pair.handle, 1, "", handles, 3));
    EXPECT_OK(receive(receiver, &received));
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ("flags", received.transfers[i].flags, 0);
        EXPECT_OK(send_text(receiver, received.transfers[i].id, ""));
        EXPECT_MESSAGE(third, carried[i].node, "");
    }
}

TEST(rcv_4_where_it_came_in, "metadata.id is the node that the message came in on.")
{
    int receiver = open_peer(), sender = open_peer();
    struct pair first = create(receiver, sender), second = create(receiver, sender);
    EXPECT_OK(send_text(sender, second.handle, "to the second"));
    EXPECT_OK(send_text(sender, first.handle, "to the first"));
    EXPECT_MESSAGE(receiver, second.node, "to the second");
    EXPECT_MESSAGE(receiver, first.node, "to the first");
}

TEST(rcv_4_notifications, "A notification names the own handle or the own node, and no account.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair first = create(owner, holder), second = create(owner, holder);
    struct received received;
    EXPECT_OK(release_one(owner, first.node));
    EXPECT_OK(receive(holder, &received));
    EXPECT_EQ("metadata.id", received.metadata.id, first.handle);
    EXPECT_EQ("metadata.account", received.metadata.account, BUS1_INVALID);
    EXPECT_OK(release_one(holder, second.handle));
    EXPECT_OK(receive(owner, &received));
    EXPECT_EQ("metadata.id", received.metadata.id, second.node);
    EXPECT_EQ("metadata.account", received.metadata.account, BUS1_INVALID);
}

TEST(rcv_5_node_release_frees_the_handle, "Once NODE_RELEASE was received the handle is unknown.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_NODE_RELEASE(holder, pair.handle);
    EXPECT_ERROR(release_one(holder, pair.handle), EBADRQC);
}

TEST(rcv_5_handle_release_frees_the_node, "Once HANDLE_RELEASE was received the node is unknown.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
    EXPECT_ERROR(release_one(owner, pair.node), EBADRQC);
}

TEST(rcv_6_readable, "A peer is readable exactly when there is something to receive.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT(!is_readable(peer));
    EXPECT_OK(send_text(peer, pair.handle, ""));
    EXPECT_OK(send_text(peer, pair.handle, ""));
    EXPECT(is_readable(peer));
    EXPECT_MESSAGE(peer, pair.node, "");
    EXPECT(is_readable(peer));
    EXPECT_MESSAGE(peer, pair.node, "");
    EXPECT(!is_readable(peer));
}

static void *send_later(void *argument)
{
    const struct { int fd; __u64 handle; } *sender = argument;
    usleep(5000);
    EXPECT_OK(send_text(sender->fd, sender->handle, "wake"));
    return NULL;
}

TEST(rcv_6_wait, "Who waits is woken by a message.")
{
    struct { int fd; __u64 handle; } sender = {open_peer(), 0};
    int receiver = open_peer();
    struct pair pair = create(receiver, sender.fd);
    sender.handle = pair.handle;
    struct thread *thread = start(send_later, &sender);
    struct pollfd item = {.fd = receiver, .events = POLLIN};
    EXPECT_EQ("poll", poll(&item, 1, PATIENCE_MS), 1);
    EXPECT_EQ("revents", item.revents & POLLIN, POLLIN);
    EXPECT_MESSAGE(receiver, pair.node, "wake");
    join(thread);
}

TEST(rcv_6_wait_for_a_notification, "Who waits is woken by a notification too.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT(!is_readable(owner));
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT(is_readable(owner));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
}

TEST(rcv_6_wait_for_several, "A wait for several peers tells which of them can be read.")
{
    int peers[3] = {open_peer(), open_peer(), open_peer()};
    struct pair pair = create(peers[1], peers[0]);
    struct pollfd items[3];
    for (int i = 0; i < 3; i++)
        items[i] = (struct pollfd){.fd = peers[i], .events = POLLIN};
    EXPECT_EQ("poll", poll(items, 3, 0), 0);
    EXPECT_OK(send_text(peers[0], pair.handle, ""));
    EXPECT_EQ("poll", poll(items, 3, PATIENCE_MS), 1);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ("revents", items[i].revents & POLLIN, i == 1 ? POLLIN : 0);
}

TEST(rcv_7_discard_is_not_here, "The flag that discards a message is EINVAL in this interface, and discards nothing.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_metadata metadata;
    struct bus1_message message = {.type = BUS1_INVALID};
    struct bus1_cmd_recv command = {(__u64)1 << 63, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, "stays"));
    EXPECT_EQ("RECV", ioctl(peer, BUS1_CMD_RECV, &command), -1);
    EXPECT_ERROR(errno, EINVAL);
    EXPECT_MESSAGE(peer, pair.node, "stays");
}
