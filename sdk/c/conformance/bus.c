/* The commands, and what cases share. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define N_KEPT_MAX 512

/* Messages that flood any account: each of them carries as many handles as it can. */
#define N_FLOOD_MAX 65536

static int kept[N_KEPT_MAX];
static size_t n_kept;

int keep(int fd)
{
    EXPECT(fd >= 0 && n_kept < N_KEPT_MAX);
    if (fd >= 0 && n_kept < N_KEPT_MAX)
        kept[n_kept++] = fd;
    return fd;
}

int open_peer(void)
{
    return keep(open("/dev/bus1", O_RDWR | O_CLOEXEC));
}

int null_device(void)
{
    return keep(open("/dev/null", O_RDWR | O_CLOEXEC));
}

void keep_open(int fd)
{
    for (size_t i = 0; i < n_kept; i++) {
        if (kept[i] == fd) {
            kept[i] = kept[--n_kept];
            break;
        }
    }
}

void close_peer(int fd)
{
    keep_open(fd);
    EXPECT_EQ("close", close(fd), 0);
}

void close_all(void)
{
    while (n_kept > 0)
        close(kept[--n_kept]);
}

static int command(int fd, unsigned long number, void *argument)
{
    return ioctl(fd, number, argument) == 0 ? 0 : errno;
}

int transfer(int from, __u64 to, struct bus1_transfer *source, struct bus1_transfer *made, __u64 n)
{
    struct bus1_cmd_transfer transfer = {
        .to = to,
        .n_transfers = n,
        .ptr_src = BUS1_FROM_PTR(source),
        .ptr_dst = BUS1_FROM_PTR(made),
    };
    return command(from, BUS1_CMD_TRANSFER, &transfer);
}

struct pair create(int from, int to)
{
    struct bus1_transfer source = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
    struct bus1_transfer made = {0, BUS1_INVALID};
    EXPECT_OK(transfer(from, (__u64)to, &source, &made, 1));
    return (struct pair){source.id, made.id};
}

__u64 copy(int from, int to, __u64 handle)
{
    struct bus1_transfer source = {0, handle}, made = {0, BUS1_INVALID};
    EXPECT_OK(transfer(from, (__u64)to, &source, &made, 1));
    return made.id;
}

int release(int fd, const __u64 *ids, __u64 n)
{
    struct bus1_cmd_release release = {.n_ids = n, .ptr_ids = BUS1_FROM_PTR(ids)};
    return command(fd, BUS1_CMD_RELEASE, &release);
}

int release_one(int fd, __u64 id)
{
    return release(fd, &id, 1);
}

int send_with(int fd, const __u64 *handles, __u64 n, const char *text, const __u64 *carried,
              __u64 n_carried)
{
    struct iovec vector = {(void *)text, strlen(text)};
    struct bus1_transfer transfers[ROOM_TRANSFERS];
    for (__u64 i = 0; i < n_carried; i++)
        transfers[i] = (struct bus1_transfer){0, carried[i]};
    struct bus1_message message = {
        .n_transfers = n_carried,
        .ptr_transfers = BUS1_FROM_PTR(transfers),
        .n_data = vector.iov_len,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_send send = {
        .n_destinations = n,
        .ptr_destinations = BUS1_FROM_PTR(handles),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    return command(fd, BUS1_CMD_SEND, &send);
}

int send_to(int fd, const __u64 *handles, __u64 n, const char *text)
{
    return send_with(fd, handles, n, text, NULL, 0);
}

int send_text(int fd, __u64 handle, const char *text)
{
    return send_to(fd, &handle, 1, text);
}

int receive(int fd, struct received *received)
{
    struct iovec vector = {received->bytes, sizeof received->bytes - 1};
    received->message = (struct bus1_message){
        .type = BUS1_INVALID,
        .n_transfers = ROOM_TRANSFERS,
        .ptr_transfers = BUS1_FROM_PTR(received->transfers),
        .n_data = vector.iov_len,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_recv receive = {
        .ptr_metadata = BUS1_FROM_PTR(&received->metadata),
        .ptr_message = BUS1_FROM_PTR(&received->message),
    };
    int error = command(fd, BUS1_CMD_RECV, &receive);
    if (error == 0)
        received->bytes[received->message.n_data] = '\0';
    return error;
}

static bool poll_for(int fd, int timeout_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, timeout_ms) == 1 && (item.revents & POLLIN);
}

bool is_readable(int fd)
{
    return poll_for(fd, 0);
}

int wait_and_receive(int fd, struct received *received)
{
    for (;;) {
        bool is_ready = poll_for(fd, PATIENCE_MS);
        int error = receive(fd, received);
        if (error != EAGAIN || !is_ready)
            return error;
    }
}

bool expect_message(const char *file, int line, int fd, __u64 node, const char *text)
{
    struct received received;
    if (!expect_error(file, line, "receiving", wait_and_receive(fd, &received), 0) ||
        !expect_number(file, line, "message.type", received.message.type, BUS1_MESSAGE_TYPE_USER) ||
        !expect_number(file, line, "metadata.id", received.metadata.id, node))
        return false;
    return expect_true(file, line, text, strcmp(received.bytes, text) == 0);
}

bool expect_notification(const char *file, int line, int fd, enum bus1_message_type type, __u64 id)
{
    struct received received;
    if (!expect_error(file, line, "receiving", wait_and_receive(fd, &received), 0) ||
        !expect_number(file, line, "message.type", received.message.type, type))
        return false;
    return expect_number(file, line, "metadata.id", received.metadata.id, id);
}

bool expect_nothing(const char *file, int line, int fd)
{
    struct received received;
    return expect_error(file, line, "receiving", receive(fd, &received), EAGAIN);
}

/* Messages with many handles first; then ever fewer fill the rest, until not even an empty one goes. */
bool flood(int fd, __u64 handle)
{
    static struct bus1_transfer carried[TRANSFERS_MAX];
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        carried[i] = (struct bus1_transfer){0, handle};
    struct bus1_message message = {
        .n_transfers = TRANSFERS_MAX,
        .ptr_transfers = BUS1_FROM_PTR(carried),
    };
    struct bus1_cmd_send send = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    for (int i = 0; i < N_FLOOD_MAX; i++) {
        int error = command(fd, BUS1_CMD_SEND, &send);
        if (error == EDQUOT && message.n_transfers == 0)
            return true;
        if (error == EDQUOT)
            message.n_transfers /= 2;
        else if (!EXPECT_OK(error))
            return false;
    }
    return false;
}

/* Sends until the machine has no memory for a message of so many bytes and so many copies of `handle`, nor for any smaller
 * one. */
static bool exhaust_by_sending(int fd, __u64 handle, __u64 n_data, __u64 n_transfers)
{
    static char bytes[DATA_BYTES_SURE];
    static struct bus1_transfer carried[TRANSFERS_MAX];
    struct iovec vector = {bytes, sizeof bytes};
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        carried[i] = (struct bus1_transfer){0, handle};
    struct bus1_message message = {
        .n_transfers = n_transfers,
        .ptr_transfers = BUS1_FROM_PTR(carried),
        .n_data = n_data,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_send send = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    for (int i = 0; i < N_FLOOD_MAX; i++) {
        int error = command(fd, BUS1_CMD_SEND, &send);
        if (error == ENOMEM && message.n_data == 0 && message.n_transfers == 0)
            return true;
        if (error == ENOMEM) {
            message.n_data /= 2;
            message.n_transfers /= 2;
        } else if (!EXPECT_OK(error)) {
            return false;
        }
    }
    return false;
}

/* The largest first, so that little is left for the smaller ones. */
bool exhaust(int fd, __u64 handle)
{
    struct bus1_transfer source = {0, handle}, made;
    int error;
    if (!exhaust_by_sending(fd, handle, DATA_BYTES_SURE, 0) ||
        !exhaust_by_sending(fd, handle, 0, TRANSFERS_MAX) || !exhaust_by_sending(fd, handle, 64, 8))
        return false;
    do {
        error = transfer(fd, BUS1_INVALID, &source, &made, 1);
    } while (error == 0);
    return EXPECT_ERROR(error, ENOMEM);
}

struct thread {
    pthread_t thread;
};

struct thread *start(void *(*function)(void *), void *argument)
{
    struct thread *thread = malloc(sizeof *thread);
    if (thread == NULL || !EXPECT_OK(pthread_create(&thread->thread, NULL, function, argument))) {
        perror("a thread");
        exit(EXIT_FAILURE);
    }
    return thread;
}

void *join(struct thread *thread)
{
    void *result = NULL;
    EXPECT_OK(pthread_join(thread->thread, &result));
    free(thread);
    return result;
}
