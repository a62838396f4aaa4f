/* The commands as functions that return an error number, 0 for success, and what cases share. */
#ifndef BUS_H
#define BUS_H

#include <linux/bus1.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Bounds of the interface (STR-2). */
#define VECTORS_MAX 1024
#define TRANSFERS_MAX 1024
#define DESTINATIONS_MAX 1024
#define IDS_MAX 4096
#define COPIES_MAX 4096
#define DATA_BYTES_SURE ((size_t)1 << 20) /* every system takes these many */
#define DATA_BYTES_MAX 0x7ffff000ull      /* and none more than these */

/* How long something may take that is sure to happen. */
#define PATIENCE_MS 10000

/* A descriptor of a new peer; it is closed when the case ends. */
int open_peer(void);

/* Closes it before. */
void close_peer(int fd);

/* Keeps a descriptor that the case got otherwise. */
int keep(int fd);

/* Leaves a descriptor open when the case ends. */
void keep_open(int fd);

/* Closes what the case opened. */
void close_all(void);

/* A descriptor that is not a peer's. */
int null_device(void);

struct pair {
    __u64 node;   /* on one peer */
    __u64 handle; /* to it, on another */
};

/* Makes a node on `from` and a handle on `to`. */
struct pair create(int from, int to);

/* Copies a handle from one peer to another; its id there. */
__u64 copy(int from, int to, __u64 handle);

int transfer(int from, __u64 to, struct bus1_transfer *source, struct bus1_transfer *made, __u64 n);
int release(int fd, const __u64 *ids, __u64 n);
int release_one(int fd, __u64 id);

/* Sends bytes to one handle, to several, or with handles to several. */
int send_text(int fd, __u64 handle, const char *text);
int send_to(int fd, const __u64 *handles, __u64 n, const char *text);
int send_with(int fd, const __u64 *handles, __u64 n, const char *text, const __u64 *carried,
              __u64 n_carried);

#define ROOM_BYTES 256
#define ROOM_TRANSFERS 16

struct received {
    struct bus1_metadata metadata;
    struct bus1_message message;
    char bytes[ROOM_BYTES];
    struct bus1_transfer transfers[ROOM_TRANSFERS];
};

/* Receives what is first, if it fits in the room there is. */
int receive(int fd, struct received *received);

/* Waits until there is something, and receives it. */
int wait_and_receive(int fd, struct received *received);

/* True if poll says that the descriptor can be read. */
bool is_readable(int fd);

/* Checks that the next is this, waiting for it. */
#define EXPECT_MESSAGE(fd, node, text) expect_message(__FILE__, __LINE__, fd, node, text)
#define EXPECT_NODE_RELEASE(fd, handle) \
    expect_notification(__FILE__, __LINE__, fd, BUS1_MESSAGE_TYPE_NODE_RELEASE, handle)
#define EXPECT_HANDLE_RELEASE(fd, node) \
    expect_notification(__FILE__, __LINE__, fd, BUS1_MESSAGE_TYPE_HANDLE_RELEASE, node)
#define EXPECT_NOTHING(fd) expect_nothing(__FILE__, __LINE__, fd)

bool expect_message(const char *file, int line, int fd, __u64 node, const char *text);
bool expect_notification(const char *file, int line, int fd, enum bus1_message_type type, __u64 id);
bool expect_nothing(const char *file, int line, int fd);

/* Sends through `handle` until the account refuses; false if it never does. */
bool flood(int fd, __u64 handle);

/* Sends through `handle`, and copies it, until the machine has no memory for any of that; false if something else comes
 * before. */
bool exhaust(int fd, __u64 handle);

/* A thread that runs `function`, and its end. */
struct thread;
struct thread *start(void *(*function)(void *), void *argument);
void *join(struct thread *thread);

#endif
