/* Section 7: what becomes of everything when a peer closes. */
#include "bus.h"
#include "suite.h"
#include <errno.h>

TEST(clo_1_nodes_first, "Who holds a handle to a closing peer, and gave it one, is told of the node before the handle.")
{
    int closing = open_peer(), other = open_peer();
    struct pair theirs = create(closing, other), ours = create(other, closing);
    close_peer(closing);
    EXPECT_NODE_RELEASE(other, theirs.handle);
    EXPECT_HANDLE_RELEASE(other, ours.node);
    EXPECT_NOTHING(other);
}

TEST(clo_1_all_nodes_at_once, "All nodes of a closing peer are released in one transaction.")
{
    int closing = open_peer(), other = open_peer(), third = open_peer();
    struct pair first = create(closing, other), second = create(closing, other);
    struct pair way = create(other, third);
    close_peer(closing);
    EXPECT_OK(send_text(third, way.handle, "behind both"));
    struct received received[2];
    EXPECT_OK(receive(other, &received[0]));
    EXPECT_OK(receive(other, &received[1]));
    EXPECT_EQ("both", received[0].metadata.id + received[1].metadata.id,
              first.handle + second.handle);
    EXPECT_MESSAGE(other, way.node, "behind both");
}

TEST(clo_1_drops_its_queue, "What a closing peer had not received is dropped, and what it carried is released.")
{
    int closing = open_peer(), sender = open_peer(), third = open_peer();
    struct pair way = create(closing, sender), carried = create(third, sender);
    EXPECT_OK(send_with(sender, &way.handle, 1, "", &carried.handle, 1));
    EXPECT_OK(release_one(sender, carried.handle));
    EXPECT_NOTHING(third);
    close_peer(closing);
    EXPECT_HANDLE_RELEASE(third, carried.node);
}

TEST(clo_2_sent_messages_stay, "What a peer sent before it closed is received.")
{
    int closing = open_peer(), receiver = open_peer();
    struct pair pair = create(receiver, closing);
    EXPECT_OK(send_text(closing, pair.handle, "my last words"));
    close_peer(closing);
    EXPECT_MESSAGE(receiver, pair.node, "my last words");
    EXPECT_HANDLE_RELEASE(receiver, pair.node);
}

TEST(clo_2_messages_on_their_way, "What is sent to a peer that closed vanishes, without an error.")
{
    int closing = open_peer(), sender = open_peer();
    struct pair pair = create(closing, sender);
    EXPECT_OK(send_text(sender, pair.handle, "before"));
    close_peer(closing);
    EXPECT_OK(send_text(sender, pair.handle, "after"));
    EXPECT_NODE_RELEASE(sender, pair.handle);
    EXPECT_NOTHING(sender);
}

#define N_CYCLES 200

TEST(clo_3_cycles, "Peers that hold each other's handles in messages leave nothing behind: it can be done without end.")
{
    for (int i = 0; i < N_CYCLES; i++) {
        int first = open_peer(), second = open_peer();
        struct pair to_second = create(second, first), to_first = create(first, second);
        for (int j = 0; j < 3; j++) {
            EXPECT_OK(send_with(first, &to_second.handle, 1, "", &to_second.handle, 1));
            EXPECT_OK(send_with(second, &to_first.handle, 1, "", &to_first.handle, 1));
        }
        close_peer(first);
        close_peer(second);
    }
}

TEST(clo_3_handle_in_its_owners_queue, "A handle in the queue of its own node's owner counts until it is received.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder), way = create(owner, holder);
    struct received received;
    EXPECT_OK(send_with(holder, &way.handle, 1, "", &pair.handle, 1));
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT_OK(receive(owner, &received));
    EXPECT_NOTHING(owner);
    EXPECT_OK(release_one(owner, received.transfers[0].id));
    EXPECT_HANDLE_RELEASE(owner, pair.node);
}

TEST(clo_4_without_quota, "A peer closes when the account has nothing left, and gives everything back.")
{
    int closing = open_peer(), sender = open_peer(), receiver = open_peer();
    struct pair full = create(closing, sender), other = create(receiver, sender);
    EXPECT(flood(sender, full.handle));
    EXPECT_ERROR(send_text(sender, full.handle, ""), EDQUOT);
    close_peer(closing);
    EXPECT_NODE_RELEASE(sender, full.handle);
    int error = EDQUOT;
    for (int i = 0; i < 1000 && error == EDQUOT; i++)
        error = send_text(sender, other.handle, "room again");
    EXPECT_ERROR(error, 0);
    EXPECT_MESSAGE(receiver, other.node, "room again");
}

#define N_CARRIED 500

TEST(clo_4_full_queue, "However much lies in the queue of a peer that closes, all of it is given back.")
{
    int closing = open_peer(), sender = open_peer(), third = open_peer();
    struct pair way = create(closing, sender);
    for (int i = 0; i < N_CARRIED; i++) {
        struct pair carried = create(third, sender);
        EXPECT_OK(send_with(sender, &way.handle, 1, "", &carried.handle, 1));
        EXPECT_OK(release_one(sender, carried.handle));
    }
    EXPECT_NOTHING(third);
    close_peer(closing);
    for (int i = 0; i < N_CARRIED; i++) {
        struct received received;
        EXPECT_OK(wait_and_receive(third, &received));
        EXPECT_EQ("type", received.message.type, BUS1_MESSAGE_TYPE_HANDLE_RELEASE);
    }
    EXPECT_NOTHING(third);
}

TEST(clo_5_first_step_when_close_returns, "When close returns the nodes are released.")
{
    int closing = open_peer(), holder = open_peer();
    struct pair pair = create(closing, holder);
    close_peer(closing);
    struct received received;
    EXPECT_OK(receive(holder, &received));
    EXPECT_EQ("type", received.message.type, BUS1_MESSAGE_TYPE_NODE_RELEASE);
    EXPECT_EQ("metadata.id", received.metadata.id, pair.handle);
}

TEST(clo_5_the_rest_follows, "The other steps follow without another call on the peer.")
{
    int closing = open_peer(), other = open_peer();
    struct pair pair = create(other, closing);
    close_peer(closing);
    EXPECT_HANDLE_RELEASE(other, pair.node);
}
