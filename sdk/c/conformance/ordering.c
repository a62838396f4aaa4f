/* Section 6: one order for all. The programs have the names of the litmus tests of the model where
 * they are such; threads are preempted wherever the system likes. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ROUNDS 200

TEST(ord_1_returned_before_called, "What returned before another was called comes first, whoever sends.")
{
    int first = open_peer(), second = open_peer(), receiver = open_peer();
    struct pair of_first = create(receiver, first), of_second = create(receiver, second);
    for (int i = 0; i < N_ROUNDS; i++) {
        EXPECT_OK(send_text(first, of_first.handle, "a"));
        EXPECT_OK(send_text(second, of_second.handle, "b"));
        EXPECT_MESSAGE(receiver, of_first.node, "a");
        EXPECT_MESSAGE(receiver, of_second.node, "b");
    }
}

TEST(ord_1_received_before_called, "What was received before another was called comes first for every common receiver.")
{
    int first = open_peer(), relay = open_peer(), receiver = open_peer();
    struct pair to_relay = create(relay, first), to_receiver = create(receiver, first);
    struct pair onwards = create(receiver, relay);
    __u64 both[] = {to_relay.handle, to_receiver.handle};
    for (int i = 0; i < N_ROUNDS; i++) {
        EXPECT_OK(send_to(first, both, 2, "cause"));
        EXPECT_MESSAGE(relay, to_relay.node, "cause");
        EXPECT_OK(send_text(relay, onwards.handle, "effect"));
        EXPECT_MESSAGE(receiver, to_receiver.node, "cause");
        EXPECT_MESSAGE(receiver, onwards.node, "effect");
    }
}

TEST(ord_2_fifo, "What one sender sends to one receiver arrives in order, through whatever nodes.")
{
    int sender = open_peer(), receiver = open_peer();
    struct pair nodes[3];
    for (int i = 0; i < 3; i++)
        nodes[i] = create(receiver, sender);
    for (int i = 0; i < N_ROUNDS; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        EXPECT_OK(send_text(sender, nodes[i % 3].handle, text));
    }
    for (int i = 0; i < N_ROUNDS; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        EXPECT_MESSAGE(receiver, nodes[i % 3].node, text);
    }
}

/* A sender that sends one letter, many times, to all of its handles at once. */
struct multicast {
    int fd;
    const __u64 *handles;
    __u64 n;
    const char *text;
};

static void *send_rounds(void *argument)
{
    const struct multicast *multicast = argument;
    for (int i = 0; i < N_ROUNDS; i++) {
        EXPECT_OK(send_to(multicast->fd, multicast->handles, multicast->n, multicast->text));
        if (i % 8 == 0)
            sched_yield();
    }
    return NULL;
}

/* What a receiver got, letter by letter. */
static void receive_letters(int fd, char *letters, int n)
{
    struct received received;
    for (int i = 0; i < n; i++) {
        if (!EXPECT_OK(wait_and_receive(fd, &received)))
            break;
        letters[i] = received.bytes[0];
    }
}

#define N_RECEIVERS 3

TEST(ord_4_agreement, "Two senders that multicast at once are seen in one order by all receivers (L3, L8).")
{
    static char letters[N_RECEIVERS][2 * N_ROUNDS + 1];
    int senders[2] = {open_peer(), open_peer()}, receivers[N_RECEIVERS];
    __u64 handles[2][N_RECEIVERS];
    for (int i = 0; i < N_RECEIVERS; i++) {
        receivers[i] = open_peer();
        for (int j = 0; j < 2; j++)
            handles[j][i] = create(receivers[i], senders[j]).handle;
    }
    struct multicast multicasts[2] = {{senders[0], handles[0], N_RECEIVERS, "a"},
                                      {senders[1], handles[1], N_RECEIVERS, "b"}};
    struct thread *first = start(send_rounds, &multicasts[0]);
    struct thread *second = start(send_rounds, &multicasts[1]);
    for (int i = 0; i < N_RECEIVERS; i++)
        receive_letters(receivers[i], letters[i], 2 * N_ROUNDS);
    join(first);
    join(second);
    for (int i = 1; i < N_RECEIVERS; i++)
        EXPECT(strcmp(letters[0], letters[i]) == 0);
}

/* How many causes were sent, and how many effects. */
static atomic_int n_causes, n_effects;

static void *answer_causes(void *argument)
{
    const struct multicast *multicast = argument;
    for (int i = 1; i <= N_ROUNDS; i++) {
        while (atomic_load(&n_causes) < i)
            sched_yield();
        EXPECT_OK(send_to(multicast->fd, multicast->handles, multicast->n, multicast->text));
        atomic_store(&n_effects, i);
    }
    return NULL;
}

TEST(ord_3_side_channel, "A cause that went through shared memory comes before its effect (L5).")
{
    int first = open_peer(), second = open_peer(), receivers[2] = {open_peer(), open_peer()};
    struct pair cause = create(receivers[0], first), effect = create(receivers[0], second);
    __u64 both[] = {cause.handle, create(receivers[1], first).handle};
    struct multicast multicast = {second, &effect.handle, 1, "effect"};
    atomic_store(&n_causes, 0);
    atomic_store(&n_effects, 0);
    struct thread *thread = start(answer_causes, &multicast);
    for (int i = 1; i <= N_ROUNDS; i++) {
        EXPECT_OK(send_to(first, both, 2, "cause"));
        atomic_store(&n_causes, i);
        EXPECT_MESSAGE(receivers[0], cause.node, "cause");
        EXPECT_MESSAGE(receivers[0], effect.node, "effect");
    }
    join(thread);
    EXPECT_EQ("effects", atomic_load(&n_effects), N_ROUNDS);
}

TEST(ord_3_through_a_third, "A message that passes a third peer arrives behind what was sent before it (L11).")
{
    int first = open_peer(), relay = open_peer(), receiver = open_peer();
    struct pair direct = create(receiver, first), to_relay = create(relay, first);
    struct pair onwards = create(receiver, relay);
    for (int i = 0; i < N_ROUNDS; i++) {
        EXPECT_OK(send_text(first, direct.handle, "first"));
        EXPECT_OK(send_text(first, to_relay.handle, "go on"));
        EXPECT_MESSAGE(relay, to_relay.node, "go on");
        EXPECT_OK(send_text(relay, onwards.handle, "second"));
        EXPECT_MESSAGE(receiver, direct.node, "first");
        EXPECT_MESSAGE(receiver, onwards.node, "second");
    }
}

TEST(ord_5_members_are_adjacent, "Two messages of one transaction stand together, with nothing of others in between (L10).")
{
    static char letters[3 * N_ROUNDS + 1];
    int senders[2] = {open_peer(), open_peer()}, receiver = open_peer();
    struct pair pair = create(receiver, senders[0]);
    __u64 twice[] = {pair.handle, pair.handle}, other = create(receiver, senders[1]).handle;
    struct multicast doubled = {senders[0], twice, 2, "a"}, single = {senders[1], &other, 1, "b"};
    struct thread *first = start(send_rounds, &doubled), *second = start(send_rounds, &single);
    receive_letters(receiver, letters, 3 * N_ROUNDS);
    join(first);
    join(second);
    for (int i = 0; i < 3 * N_ROUNDS; i++) {
        if (letters[i] == 'a' && EXPECT(letters[i + 1] == 'a'))
            i++;
    }
}

TEST(ord_5_messages_before_notifications, "Of one transaction messages come first, in array order, then node releases, then handle releases.")
{
    int peer = open_peer(), other = open_peer(), sender = open_peer();
    struct pair handle_goes = create(peer, other), node_goes = create(other, peer);
    struct pair first = create(peer, sender), second = create(peer, sender);
    __u64 both[] = {handle_goes.handle, node_goes.node}, ways[] = {second.handle, first.handle};
    EXPECT_OK(release(other, both, 2));
    EXPECT_NODE_RELEASE(peer, node_goes.handle);
    EXPECT_HANDLE_RELEASE(peer, handle_goes.node);
    EXPECT_OK(send_to(sender, ways, 2, "in array order"));
    EXPECT_MESSAGE(peer, second.node, "in array order");
    EXPECT_MESSAGE(peer, first.node, "in array order");
}

TEST(ord_6_sees_what_returned, "RECV sees every SEND that returned before, while others send too (L13).")
{
    int sender = open_peer(), receiver = open_peer(), others[2] = {open_peer(), open_peer()};
    struct pair pair = create(receiver, sender);
    __u64 both[] = {create(receiver, others[0]).handle, create(others[1], others[0]).handle};
    struct multicast multicast = {others[0], both, 2, "noise"};
    struct thread *thread = start(send_rounds, &multicast);
    int n_noise = 0;
    for (int i = 0; i < N_ROUNDS; i++) {
        struct received received;
        EXPECT_OK(send_text(sender, pair.handle, "mine"));
        do {
            if (!EXPECT_OK(receive(receiver, &received)))
                break;
            n_noise += received.metadata.id != pair.node;
        } while (received.metadata.id != pair.node);
    }
    for (; n_noise < N_ROUNDS; n_noise++) {
        struct received received;
        if (!EXPECT_OK(wait_and_receive(receiver, &received)))
            break;
    }
    join(thread);
}

/* A pair of peers that have nothing in common with any other pair. */
static void *talk(void *argument)
{
    int *fds = argument;
    struct pair there = create(fds[1], fds[0]), back = create(fds[0], fds[1]);
    for (int i = 0; i < N_ROUNDS; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        EXPECT_OK(send_text(fds[0], there.handle, text));
        EXPECT_MESSAGE(fds[1], there.node, text);
        EXPECT_OK(send_text(fds[1], back.handle, text));
        EXPECT_MESSAGE(fds[0], back.node, text);
        EXPECT_NOTHING(fds[0]);
    }
    return NULL;
}

TEST(ord_7_disjoint_pairs, "Pairs of peers that have nothing in common do not hear of each other.")
{
    int first[2] = {open_peer(), open_peer()}, second[2] = {open_peer(), open_peer()};
    struct thread *threads[2] = {start(talk, first), start(talk, second)};
    join(threads[0]);
    join(threads[1]);
}

static atomic_int n_ticks;
static atomic_bool is_over;

static void *tick(void *argument)
{
    (void)argument;
    while (!atomic_load(&is_over)) {
        atomic_fetch_add(&n_ticks, 1);
        usleep(500);
    }
    return NULL;
}

#define N_LARGEST 64

TEST(ord_8_others_run, "While one thread makes the largest calls again and again another one that sleeps gets to run.")
{
    static __u64 destinations[DESTINATIONS_MAX];
    int sender = open_peer(), receiver = open_peer();
    atomic_store(&is_over, false);
    atomic_store(&n_ticks, 0);
    struct thread *thread = start(tick, NULL);
    /* Until the other has run in between, but not for ever: each round takes milliseconds. */
    for (int i = 0; i < N_LARGEST * 100 && (i < N_LARGEST || atomic_load(&n_ticks) < 3); i++) {
        struct pair pair = create(receiver, sender);
        for (int j = 0; j < DESTINATIONS_MAX; j++)
            destinations[j] = pair.handle;
        EXPECT_OK(send_to(sender, destinations, DESTINATIONS_MAX, "the largest"));
        EXPECT_OK(release_one(receiver, pair.node));
        EXPECT_NODE_RELEASE(sender, pair.handle);
    }
    EXPECT(atomic_load(&n_ticks) >= 3);
    atomic_store(&is_over, true);
    join(thread);
}

/* The litmus programs of the model about releases that one thread can show. */
TEST(ord_1_message_before_last_handle, "A message comes before the end of the handle that it was sent through (R1).")
{
    int owner = open_peer(), sender = open_peer();
    for (int i = 0; i < N_ROUNDS; i++) {
        struct pair pair = create(owner, sender);
        EXPECT_OK(send_text(sender, pair.handle, "last"));
        EXPECT_OK(release_one(sender, pair.handle));
        EXPECT_MESSAGE(owner, pair.node, "last");
        EXPECT_HANDLE_RELEASE(owner, pair.node);
    }
}

TEST(ord_1_message_before_node_release, "A message comes before the release that its sender made afterwards (R4).")
{
    int owner = open_peer(), holder = open_peer();
    struct pair way = create(holder, owner);
    for (int i = 0; i < N_ROUNDS; i++) {
        struct pair pair = create(owner, holder);
        EXPECT_OK(send_text(owner, way.handle, "before the end"));
        EXPECT_OK(release_one(owner, pair.node));
        EXPECT_MESSAGE(holder, way.node, "before the end");
        EXPECT_NODE_RELEASE(holder, pair.handle);
    }
}
