/* Section 4, RCV-6, through poll: many peers at once; and threads of an account that has nothing left. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define N_PEERS 200

/* Peers that are flooded, one after the other, until nothing is left: each takes half of what there is. */
#define N_FLOODED_MAX 40

/* Outside any stack, where a library may know what is mapped. */
static struct pollfd items[N_PEERS];

struct late_sender {
    int peer;
    __u64 handle;
};

static void *send_late(void *argument)
{
    const struct late_sender *sender = argument;
    poll(NULL, 0, 20);
    EXPECT_OK(send_text(sender->peer, sender->handle, "late"));
    return NULL;
}

TEST(rcv_6_many_peers, "poll of 200 peers tells of one that is readable, wherever it stands, and of no other.")
{
    for (int i = 0; i < N_PEERS; i++)
        items[i] = (struct pollfd){.fd = open_peer(), .events = POLLIN};
    EXPECT_EQ("poll", poll(items, N_PEERS, 0), 0);
    for (int i = 0; i < N_PEERS; i += 33) {
        struct pair pair = create(items[i].fd, items[i].fd);
        EXPECT_OK(send_text(items[i].fd, pair.handle, "now"));
        EXPECT_EQ("poll", poll(items, N_PEERS, 0), 1);
        for (int j = 0; j < N_PEERS; j++)
            EXPECT_EQ("revents", items[j].revents, j == i ? POLLIN : 0);
        EXPECT_MESSAGE(items[i].fd, pair.node, "now");
    }
}

TEST(rcv_6_wakes_among_many_peers, "A thread that waits for 200 peers wakes when the last becomes readable.")
{
    for (int i = 0; i < N_PEERS; i++)
        items[i] = (struct pollfd){.fd = open_peer(), .events = POLLIN};
    int last = items[N_PEERS - 1].fd;
    struct pair pair = create(last, last);
    struct late_sender sender = {last, pair.handle};
    struct thread *thread = start(send_late, &sender);
    EXPECT_EQ("poll", poll(items, N_PEERS, PATIENCE_MS), 1);
    EXPECT_EQ("revents", items[N_PEERS - 1].revents, POLLIN);
    join(thread);
    EXPECT_MESSAGE(last, pair.node, "late");
}

TEST(rcv_6_too_many_items, "poll of more items than there can be descriptors is EINVAL.")
{
    volatile nfds_t n_items = (nfds_t)-1; /* which the compiler is not to know */
    EXPECT_EQ("poll", poll(items, n_items, 0), -1);
    EXPECT_ERROR(errno, EINVAL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_bool is_exhausted;
static bool is_waiting, is_over;

static void *wait_while_exhausted(void *argument)
{
    while (!is_exhausted)
        poll(NULL, 0, 1);
    pthread_mutex_lock(&mutex);
    is_waiting = true;
    while (!is_over)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return argument;
}

TEST(err_4_threads_wake, "A thread that begins to wait when its account has nothing left is woken all the same.")
{
    is_exhausted = is_waiting = is_over = false;
    struct thread *thread = start(wait_while_exhausted, &is_over);
    int n_flooded = 0, fd;
    while (n_flooded < N_FLOODED_MAX && (fd = open("/dev/bus1", O_RDWR)) >= 0) {
        struct bus1_transfer source = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID}, made;
        keep(fd);
        n_flooded++;
        if (transfer(fd, BUS1_INVALID, &source, &made, 1) != 0 || !flood(fd, made.id))
            break;
    }
    /* Of the last, a few are too few for a peer, a node and a handle. */
    while (n_flooded < N_FLOODED_MAX && (fd = open("/dev/bus1", O_RDWR)) >= 0) {
        keep(fd);
        n_flooded++;
    }
    EXPECT_ERROR(errno, EDQUOT);
    is_exhausted = true;
    for (bool has_begun = false; !has_begun;) {
        poll(NULL, 0, 5);
        pthread_mutex_lock(&mutex);
        has_begun = is_waiting;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    is_over = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    EXPECT(join(thread) == &is_over);
}
