/* Section 1: peers, nodes, handles, ids. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_MANY 500

TEST(obj_1_peers_are_separate, "What is sent to a node of one peer does not arrive at another.")
{
    int sender = open_peer(), receiver = open_peer(), other = open_peer();
    struct pair pair = create(receiver, sender);
    create(other, sender);
    EXPECT_OK(send_text(sender, pair.handle, "mine"));
    EXPECT_NOTHING(other);
    EXPECT_MESSAGE(receiver, pair.node, "mine");
    EXPECT_NOTHING(sender);
}

TEST(obj_1_account_is_one_number, "Messages of two peers of one account show one number to two receivers.")
{
    int senders[2] = {open_peer(), open_peer()}, receivers[2] = {open_peer(), open_peer()};
    struct received received[4];
    for (int i = 0; i < 4; i++) {
        struct pair pair = create(receivers[i % 2], senders[i / 2]);
        EXPECT_OK(send_text(senders[i / 2], pair.handle, "who"));
        EXPECT_OK(receive(receivers[i % 2], &received[i]));
        EXPECT_EQ("account", received[i].metadata.account, received[0].metadata.account);
    }
    EXPECT(received[0].metadata.account != BUS1_INVALID);
}

TEST(obj_2_many_senders_one_receiver, "A node receives through every handle to it, and each message tells the node.")
{
    int receiver = open_peer(), senders[3] = {open_peer(), open_peer(), open_peer()};
    struct pair pair = create(receiver, senders[0]);
    for (int i = 0; i < 3; i++) {
        __u64 handle = i ? copy(senders[0], senders[i], pair.handle) : pair.handle;
        EXPECT_OK(send_text(senders[i], handle, "to the one node"));
        EXPECT_MESSAGE(receiver, pair.node, "to the one node");
    }
}

TEST(obj_3_copy_is_a_new_handle, "A copy of a handle has an id of its own, also on the peer that has the original.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    __u64 twin = copy(holder, holder, pair.handle);
    EXPECT(twin != pair.handle);
    EXPECT_OK(release_one(holder, pair.handle));
    EXPECT_OK(send_text(holder, twin, "still"));
    EXPECT_MESSAGE(owner, pair.node, "still");
}

TEST(obj_3_handle_comes_home, "A handle that travels to the owner of its node is a handle there, and not the node.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    __u64 home = copy(holder, owner, pair.handle);
    EXPECT(home != pair.node);
    EXPECT_OK(send_text(owner, home, "to myself"));
    EXPECT_MESSAGE(owner, pair.node, "to myself");
}

TEST(obj_3_no_handle_from_a_node, "A node's id does not make a handle.")
{
    int owner = open_peer(), other = open_peer();
    struct pair pair = create(owner, other);
    struct bus1_transfer source = {0, pair.node}, made;
    EXPECT_ERROR(transfer(owner, (__u64)other, &source, &made, 1), EBADRQC);
}

TEST(obj_4_ids_are_managed, "Ids that the kernel chose have bit 0 set, and none is the invalid id.")
{
    int peer = open_peer();
    for (int i = 0; i < 100; i++) {
        struct pair pair = create(peer, peer);
        EXPECT(pair.node & BUS1_MANAGED);
        EXPECT(pair.handle & BUS1_MANAGED);
        EXPECT(pair.node != BUS1_INVALID && pair.handle != BUS1_INVALID);
    }
}

TEST(obj_4_nodes_and_handles_share_ids, "No node of a peer has the id of one of its handles.")
{
    static __u64 ids[N_MANY][2];
    int peer = open_peer();
    for (int i = 0; i < N_MANY; i++) {
        struct pair pair = create(peer, peer);
        ids[i][0] = pair.node;
        ids[i][1] = pair.handle;
    }
    for (int i = 0; i < N_MANY; i++) {
        for (int j = 0; j < N_MANY; j++)
            EXPECT(ids[i][0] != ids[j][1] && (i == j || ids[i][0] != ids[j][0]));
    }
}

TEST(obj_4_ids_never_recur, "An id that was released is never given again.")
{
    static __u64 ids[2 * N_MANY];
    int peer = open_peer();
    for (int i = 0; i < N_MANY; i++) {
        struct pair pair = create(peer, peer);
        ids[2 * i] = pair.node;
        ids[2 * i + 1] = pair.handle;
        EXPECT_OK(release(peer, &ids[2 * i], 2));
    }
    for (int i = 0; i < 2 * N_MANY; i++) {
        for (int j = 0; j < i; j++)
            EXPECT(ids[i] != ids[j]);
    }
}

TEST(obj_4_ids_of_callers_are_reserved, "An id with bit 0 clear is unknown.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_ERROR(send_text(peer, pair.handle & ~BUS1_MANAGED, ""), EBADRQC);
    EXPECT_ERROR(release_one(peer, 0), EBADRQC);
    EXPECT_ERROR(release_one(peer, 2), EBADRQC);
}

TEST(obj_5_node_as_destination, "A node's id as a destination is unknown.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_ERROR(send_text(peer, pair.node, ""), EBADRQC);
    EXPECT_NOTHING(peer);
}

TEST(obj_5_node_as_cargo, "A node's id among the transfers of a message is unknown.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    EXPECT_ERROR(send_with(peer, &pair.handle, 1, "", &pair.node, 1), EBADRQC);
    EXPECT_NOTHING(peer);
}

TEST(obj_5_release_takes_both, "RELEASE takes nodes and handles alike.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair first = create(owner, holder), second = create(holder, owner);
    __u64 ids[] = {first.node, second.handle};
    EXPECT_OK(release(owner, ids, 2));
    EXPECT_NODE_RELEASE(holder, first.handle);
    EXPECT_HANDLE_RELEASE(holder, second.node);
}

TEST(obj_6_dup_is_the_same_peer, "A descriptor made by dup acts on the same peer.")
{
    int peer = open_peer(), twin = keep(dup(peer));
    struct pair pair = create(twin, peer);
    EXPECT_OK(send_text(twin, pair.handle, "one peer"));
    EXPECT_MESSAGE(peer, pair.node, "one peer");
}

TEST(obj_6_closes_with_the_last, "A peer stays open until its last descriptor is closed.")
{
    int owner = open_peer(), twin = keep(dup(owner)), holder = open_peer();
    struct pair pair = create(owner, holder);
    close_peer(owner);
    EXPECT_OK(send_text(holder, pair.handle, "open"));
    EXPECT_MESSAGE(twin, pair.node, "open");
    close_peer(twin);
    EXPECT_NODE_RELEASE(holder, pair.handle);
}

TEST(obj_6_dup2_closes_what_was_there, "dup2 over the last descriptor of a peer closes the peer.")
{
    int owner = open_peer(), other = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_EQ("dup2", dup2(other, owner), owner);
    EXPECT_NODE_RELEASE(holder, pair.handle);
    pair = create(owner, holder);
    EXPECT_OK(send_text(holder, pair.handle, "the other now"));
    EXPECT_MESSAGE(other, pair.node, "the other now");
}

TEST(obj_7_ids_of_others_mean_nothing, "The id of one peer's handle is unknown on another peer.")
{
    int owner = open_peer(), holder = open_peer(), stranger = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_ERROR(send_text(stranger, pair.handle, "let me in"), EBADRQC);
    EXPECT_ERROR(release_one(stranger, pair.handle), EBADRQC);
    EXPECT_ERROR(release_one(stranger, pair.node), EBADRQC);
    EXPECT_NOTHING(owner);
}

TEST(obj_7_nothing_can_be_guessed, "No guessed id works on a peer that has nothing.")
{
    int owner = open_peer(), stranger = open_peer(), n_right = 0;
    create(owner, owner);
    for (__u64 guess = 0; guess < 4096; guess++) {
        n_right += send_text(stranger, guess, "") != EBADRQC;
        n_right += send_text(stranger, guess << 20 | 1, "") != EBADRQC;
        n_right += send_text(stranger, guess << 32 | 1, "") != EBADRQC;
    }
    EXPECT_EQ("guesses that worked", n_right, 0);
    EXPECT_NOTHING(owner);
}

/* Two threads that use one peer at once. */
struct two_senders {
    int fd;
    __u64 handle;
    char letter;
};

static void *send_many(void *argument)
{
    const struct two_senders *sender = argument;
    char text[2] = {sender->letter};
    for (int i = 0; i < N_MANY; i++)
        EXPECT_OK(send_text(sender->fd, sender->handle, text));
    return NULL;
}

TEST(obj_8_calls_take_turns, "Of what two threads send through one peer at once nothing is lost or doubled.")
{
    int peer = open_peer(), receiver = open_peer(), n_seen[2] = {0, 0};
    struct pair pair = create(receiver, peer);
    struct two_senders senders[2] = {{peer, pair.handle, 'a'}, {peer, pair.handle, 'b'}};
    struct thread *first = start(send_many, &senders[0]), *second = start(send_many, &senders[1]);
    struct received received;
    for (int i = 0; i < 2 * N_MANY && EXPECT_OK(wait_and_receive(receiver, &received)); i++)
        n_seen[received.bytes[0] == 'b']++;
    join(first);
    join(second);
    EXPECT_EQ("from the first", n_seen[0], N_MANY);
    EXPECT_EQ("from the second", n_seen[1], N_MANY);
    EXPECT_NOTHING(receiver);
}

struct receiver {
    int fd;
    int n_received;
    int n_disordered;
};

/* Receives numbers until a negative one; there is one for each thread. */
static void *receive_numbers(void *argument)
{
    struct receiver *receiver = argument;
    struct received received;
    int last = 0;
    while (EXPECT_OK(wait_and_receive(receiver->fd, &received))) {
        int number = atoi(received.bytes);
        if (number < 0)
            return NULL;
        receiver->n_disordered += number <= last;
        last = number;
        receiver->n_received++;
    }
    return NULL;
}

TEST(obj_8_receiving_is_serial, "Two threads that receive on one peer get each message once, each thread in order.")
{
    int peer = open_peer(), sender = open_peer();
    struct pair pair = create(peer, sender);
    struct receiver receivers[2] = {{.fd = peer}, {.fd = peer}};
    struct thread *first = start(receive_numbers, &receivers[0]);
    struct thread *second = start(receive_numbers, &receivers[1]);
    for (int i = 1; i <= N_MANY + 2; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i <= N_MANY ? i : -1);
        EXPECT_OK(send_text(sender, pair.handle, text));
    }
    join(first);
    join(second);
    EXPECT_EQ("received", receivers[0].n_received + receivers[1].n_received, N_MANY);
    EXPECT_EQ("out of order", receivers[0].n_disordered + receivers[1].n_disordered, 0);
}
