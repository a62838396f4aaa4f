/* Section 4, RELEASE. */
#include "bus.h"
#include "suite.h"
#include <errno.h>

TEST(rel_1_unknown, "An unknown id is EBADRQC.")
{
    EXPECT_ERROR(release_one(open_peer(), 12345), EBADRQC);
    EXPECT_ERROR(release_one(open_peer(), BUS1_INVALID), EBADRQC);
}

TEST(rel_1_twice, "An id named twice is ENOTUNIQ, and is not released.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    __u64 ids[] = {pair.handle, pair.handle};
    EXPECT_ERROR(release(holder, ids, 2), ENOTUNIQ);
    EXPECT_NOTHING(owner);
    EXPECT_OK(release(holder, ids, 1));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
}

TEST(rel_1_unknown_before_twice, "An id that is unknown comes before one that is named twice.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    __u64 ids[] = {pair.handle, pair.handle, 12345};
    EXPECT_ERROR(release(peer, ids, 3), EBADRQC);
}

TEST(rel_1_again, "An id that was released is unknown.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_OK(release_one(peer, pair.handle));
    EXPECT_ERROR(release_one(peer, pair.handle), EBADRQC);
}

TEST(rel_2_queued_messages, "A message in the queue for a node that was released is not delivered.")
{
    int owner = open_peer(), sender = open_peer();
    struct pair gone = create(owner, sender), kept = create(owner, sender);
    EXPECT_OK(send_text(sender, gone.handle, "lost"));
    EXPECT_OK(send_text(sender, kept.handle, "kept"));
    EXPECT_OK(release_one(owner, gone.node));
    EXPECT_MESSAGE(owner, kept.node, "kept");
    EXPECT_NOTHING(owner);
}

TEST(rel_2_queued_node_release, "A NODE_RELEASE in the queue for a handle that was released is not delivered.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT(is_readable(holder));
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT_NOTHING(holder);
    EXPECT(!is_readable(holder));
}

TEST(rel_2_queued_handle_release, "A HANDLE_RELEASE in the queue for a node that was released is not delivered.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT(is_readable(owner));
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_NOTHING(owner);
}

TEST(rel_2_cargo_of_a_dropped_message, "What a dropped message carried is released.")
{
    int owner = open_peer(), sender = open_peer(), third = open_peer();
    struct pair pair = create(owner, sender), carried = create(third, sender);
    EXPECT_OK(send_with(sender, &pair.handle, 1, "", &carried.handle, 1));
    EXPECT_OK(release_one(sender, carried.handle));
    EXPECT_NOTHING(third);
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_HANDLE_RELEASE(third, carried.node);
}

TEST(rel_3_without_quota, "RELEASE works when the account has nothing left.")
{
    int receiver = open_peer(), sender = open_peer();
    struct pair pair = create(receiver, sender), other = create(sender, receiver);
    EXPECT(flood(sender, pair.handle));
    EXPECT_ERROR(send_text(sender, pair.handle, ""), EDQUOT);
    EXPECT_OK(release_one(sender, pair.handle));
    EXPECT_OK(release_one(sender, other.node));
    EXPECT_OK(release_one(receiver, pair.node));
    EXPECT_NODE_RELEASE(receiver, other.handle);
}

#define N_PEERS 3
#define N_HANDLES 1000

TEST(rel_4_many_holders, "All holders of a node are told of its end, each handle once, when RELEASE returns.")
{
    static struct bus1_transfer source[N_HANDLES], made[N_HANDLES];
    int owner = open_peer(), holders[N_PEERS];
    struct pair pair = create(owner, owner);
    for (int i = 0; i < N_HANDLES; i++)
        source[i] = (struct bus1_transfer){0, pair.handle};
    for (int i = 0; i < N_PEERS; i++) {
        holders[i] = open_peer();
        EXPECT_OK(transfer(owner, (__u64)holders[i], source, made, N_HANDLES));
    }
    EXPECT_OK(release_one(owner, pair.node));
    struct received received;
    for (int i = 0; i < N_PEERS; i++) {
        for (int j = 0; j < N_HANDLES; j++) {
            EXPECT_OK(receive(holders[i], &received));
            EXPECT_EQ("type", received.message.type, BUS1_MESSAGE_TYPE_NODE_RELEASE);
        }
        EXPECT_NOTHING(holders[i]);
    }
    EXPECT_NODE_RELEASE(owner, pair.handle);
}
