/* Section 5: who is told of what, and how often. */
#include "bus.h"
#include "suite.h"
#include <errno.h>

TEST(not_1_every_handle, "Each handle of a released node is told of once, on the peer that holds it.")
{
    int owner = open_peer(), holder = open_peer(), other = open_peer();
    struct pair pair = create(owner, holder);
    __u64 twin = copy(holder, holder, pair.handle), third = copy(holder, other, pair.handle);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_NODE_RELEASE(other, third);
    EXPECT_NOTHING(other);
    struct received received[2];
    EXPECT_OK(receive(holder, &received[0]));
    EXPECT_OK(receive(holder, &received[1]));
    EXPECT_EQ("both", received[0].metadata.id + received[1].metadata.id, pair.handle + twin);
    EXPECT_NOTHING(holder);
}

TEST(not_1_own_handles, "The owner of the node is told of its own handles too.")
{
    int owner = open_peer();
    struct pair pair = create(owner, owner);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_NODE_RELEASE(owner, pair.handle);
    EXPECT_NOTHING(owner);
}

TEST(not_1_copy_after_the_release, "A copy that is sent after the release is told of behind its message.")
{
    int owner = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair gone = create(owner, sender), way = create(receiver, sender);
    struct received received;
    EXPECT_OK(release_one(owner, gone.node));
    EXPECT_OK(send_with(sender, &way.handle, 1, "carries", &gone.handle, 1));
    EXPECT_OK(receive(receiver, &received));
    EXPECT_EQ("n_transfers", received.message.n_transfers, 1);
    EXPECT_NODE_RELEASE(receiver, received.transfers[0].id);
    EXPECT_NOTHING(receiver);
}

TEST(not_1_copy_in_the_queue, "A handle that is in a queue when its node is released is told of when it has arrived.")
{
    int owner = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair gone = create(owner, sender), way = create(receiver, sender);
    struct received received;
    EXPECT_OK(send_with(sender, &way.handle, 1, "carries", &gone.handle, 1));
    EXPECT_OK(release_one(owner, gone.node));
    EXPECT_OK(receive(receiver, &received));
    EXPECT_EQ("n_transfers", received.message.n_transfers, 1);
    EXPECT_NODE_RELEASE(receiver, received.transfers[0].id);
}

TEST(not_1_copy_that_vanished, "If the message that carries a handle is dropped nobody is told of that handle.")
{
    int owner = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair gone = create(owner, sender), way = create(receiver, sender);
    EXPECT_OK(send_with(sender, &way.handle, 1, "carries", &gone.handle, 1));
    EXPECT_OK(release_one(owner, gone.node));
    EXPECT_OK(release_one(receiver, way.node));
    EXPECT_NOTHING(receiver);
}

TEST(not_2_last_handle, "The owner is told when the last handle goes, and not before, once.")
{
    int owner = open_peer(), first = open_peer(), second = open_peer();
    struct pair pair = create(owner, first);
    __u64 twin = copy(first, first, pair.handle), other = copy(first, second, pair.handle);
    EXPECT_OK(release_one(first, pair.handle));
    EXPECT_OK(release_one(second, other));
    EXPECT_NOTHING(owner);
    EXPECT_OK(release_one(first, twin));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
    EXPECT_NOTHING(owner);
}

TEST(not_2_travelling_handle, "A handle in a queue counts.")
{
    int owner = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair pair = create(owner, sender), way = create(receiver, sender);
    struct received received;
    EXPECT_OK(send_with(sender, &way.handle, 1, "", &pair.handle, 1));
    EXPECT_OK(release_one(sender, pair.handle));
    EXPECT_NOTHING(owner);
    EXPECT_OK(receive(receiver, &received));
    EXPECT_NOTHING(owner);
    EXPECT_OK(release_one(receiver, received.transfers[0].id));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
}

TEST(not_2_own_handle, "The owner's own handle counts.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    __u64 own = copy(holder, owner, pair.handle);
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT_NOTHING(owner);
    EXPECT_OK(release_one(owner, own));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
}

TEST(not_2_closing_holder, "Handles of a peer that closes are released.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair first = create(owner, holder), second = create(owner, holder);
    close_peer(holder);
    struct received received[2];
    EXPECT_OK(wait_and_receive(owner, &received[0]));
    EXPECT_OK(wait_and_receive(owner, &received[1]));
    EXPECT_EQ("type", received[0].message.type, BUS1_MESSAGE_TYPE_HANDLE_RELEASE);
    EXPECT_EQ("both", received[0].metadata.id + received[1].metadata.id, first.node + second.node);
}

TEST(not_3_among_messages, "Notifications stand in the queue among messages, in the order of their causes.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair kept = create(owner, holder), gone = create(owner, holder);
    EXPECT_OK(send_text(holder, kept.handle, "before"));
    EXPECT_OK(release_one(holder, gone.handle));
    EXPECT_OK(send_text(holder, kept.handle, "after"));
    EXPECT_MESSAGE(owner, kept.node, "before");
    EXPECT_HANDLE_RELEASE(owner, gone.node);
    EXPECT_MESSAGE(owner, kept.node, "after");
}

TEST(not_4_without_quota, "Notifications come when the account has nothing left.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair full = create(owner, holder), first = create(owner, holder);
    struct pair second = create(holder, owner);
    EXPECT(flood(holder, full.handle));
    EXPECT_ERROR(send_text(holder, full.handle, ""), EDQUOT);
    EXPECT_OK(release_one(owner, full.node)); /* so that it does not stand in front */
    EXPECT_NODE_RELEASE(holder, full.handle);
    EXPECT_OK(release_one(holder, first.handle));
    EXPECT_HANDLE_RELEASE(owner, first.node);
    EXPECT_OK(release_one(owner, second.handle));
    EXPECT_HANDLE_RELEASE(holder, second.node);
}
