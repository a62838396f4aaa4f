/* The console as a session with the program that drives the line (docs/services.md, "The console").
 *
 * The session is opened at the first write, on a peer of its own, through the handle that the environment names. A
 * request is a word, a sequence number and bytes with their length before them; its reply, a word that is 0 or an error
 * number and the sequence number, says that the driver has the bytes. Nothing is taken from malloc: a program that has no
 * memory left can still say so.
 */
#include "console.h"
#include "kernel.h"
#include "peer.h"
#include "pointer.h"
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* Requests. */
#define OPEN 0
#define WRITE 1

/* What the driver takes in one request. */
#define PIECE_BYTES 1024

/* The sequence number of a reply to a request that was not read. */
#define UNREAD UINT32_MAX

/* How long to wait for a reply, and before trying again if our account has had its share of the driver's queue. */
#define PATIENCE_NS 60000000000u
#define PAUSE_NS 1000000u

struct request {
    uint32_t operation, sequence, n_bytes;
    char bytes[PIECE_BYTES];
};

struct reply {
    uint32_t error, sequence;
};

/* What came in. */
struct arrival {
    uint64_t type, id, transfer;
    struct reply reply;
};

static struct {
    enum { UNOPENED, OPENED, MISSING } state;
    uint64_t peer, driver;
    uint32_t n_requests;
} session;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A number of the environment; BUS1_INVALID if it is not there. */
static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || *text == '\0')
        return BUS1_INVALID;
    uint64_t number = strtoull(text, &end, 10);
    return *end == '\0' ? number : BUS1_INVALID;
}

static void wait_until(uint64_t deadline_ns, bool for_message)
{
    struct omnibus_wait_item item = {.capability = session.peer};
    __kernel_call(OMNIBUS_CALL_WAIT, address_of(&item), for_message, sizeof item, deadline_ns, 0, 0);
}

/* Sends a request, and a handle with it unless that is BUS1_INVALID; false if it cannot be. */
static bool send(const struct request *request, uint64_t carried, uint64_t deadline_ns)
{
    struct iovec vector = {(void *)request, request->operation == WRITE
                                                ? offsetof(struct request, bytes) + request->n_bytes
                                                : offsetof(struct request, n_bytes)};
    struct bus1_transfer entry = {0, carried};
    struct bus1_message message = {
        .n_transfers = carried != BUS1_INVALID,
        .ptr_transfers = address_of(&entry),
        .n_data = vector.iov_len,
        .n_data_vecs = 1,
        .ptr_data_vecs = address_of(&vector),
    };
    struct bus1_cmd_send command = {
        .n_destinations = 1,
        .ptr_destinations = address_of(&session.driver),
        .ptr_message = address_of(&message),
    };
    int error;
    while ((error = __send_natively(session.peer, &command)) == EDQUOT && __now_ns() < deadline_ns)
        wait_until(__now_ns() + PAUSE_NS, false);
    return error == 0;
}

/* Receives what comes next; false if nothing does. */
static bool receive(struct arrival *arrived, uint64_t deadline_ns)
{
    struct iovec vector = {&arrived->reply, sizeof arrived->reply};
    struct bus1_transfer entry = {0, BUS1_INVALID};
    struct bus1_metadata metadata;
    struct bus1_message message;
    struct bus1_cmd_recv command = {
        .ptr_metadata = address_of(&metadata),
        .ptr_message = address_of(&message),
    };
    for (;;) {
        /* What is shorter than a reply is none. */
        arrived->reply = (struct reply){EINVAL, UNREAD};
        metadata = (struct bus1_metadata){0};
        message = (struct bus1_message){
            .type = BUS1_INVALID,
            .n_transfers = 1,
            .ptr_transfers = address_of(&entry),
            .n_data = vector.iov_len,
            .n_data_vecs = 1,
            .ptr_data_vecs = address_of(&vector),
        };
        int error = (int)-__kernel_call(OMNIBUS_CALL_RECV, session.peer, address_of(&command),
                                        sizeof command, sizeof metadata, sizeof message,
                                        sizeof entry)
                             .status;
        if (error != EAGAIN) {
            arrived->type = message.type;
            arrived->id = metadata.id;
            arrived->transfer = entry.id;
            return error == 0;
        }
        if (__now_ns() >= deadline_ns)
            return false;
        wait_until(deadline_ns, true);
    }
}

/* Makes a request and waits for its reply; `given` is the handle that comes with it. */
static bool call(struct request *request, uint64_t carried, uint64_t *given)
{
    uint64_t deadline_ns = __now_ns() + PATIENCE_NS;
    struct arrival arrived;
    request->sequence = session.n_requests;
    session.n_requests = (session.n_requests + 1) % UNREAD;
    if (!send(request, carried, deadline_ns))
        return false;
    while (receive(&arrived, deadline_ns)) {
        if (arrived.type == BUS1_MESSAGE_TYPE_NODE_RELEASE && arrived.id == session.driver)
            return false;
        if (arrived.type != BUS1_MESSAGE_TYPE_USER ||
            (arrived.reply.sequence != request->sequence && arrived.reply.sequence != UNREAD))
            continue;
        *given = arrived.transfer;
        return arrived.reply.error == 0;
    }
    return false;
}

static bool open_session(void)
{
    uint64_t door = number_of("handle.console"), at = number_of("capability.peer");
    if (door == BUS1_INVALID || at == BUS1_INVALID)
        return false;
    if (__peer_new(&session.peer) != 0)
        return false;
    door = session.driver = __transfer_one(at, session.peer, 0, door);
    uint64_t way_back =
        __transfer_one(session.peer, BUS1_INVALID, BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID);
    static struct request request = {.operation = OPEN};
    bool is_open = door != BUS1_INVALID && way_back != BUS1_INVALID &&
                   call(&request, way_back, &session.driver);
    if (is_open) {
        __release_one(session.peer, door);
        __release_one(session.peer, way_back);
    } else {
        call1(OMNIBUS_CALL_CAPABILITY_DROP, session.peer);
    }
    return is_open;
}

static bool write_piece(const char *bytes, size_t n)
{
    static struct request request = {.operation = WRITE};
    uint64_t nothing;
    request.n_bytes = (uint32_t)n;
    memcpy(request.bytes, bytes, n);
    return call(&request, BUS1_INVALID, &nothing);
}

size_t __console_write(const char *bytes, size_t n)
{
    size_t n_done = 0;
    pthread_mutex_lock(&lock);
    if (session.state == UNOPENED)
        session.state = open_session() ? OPENED : MISSING;
    while (session.state == OPENED && n_done < n) {
        size_t n_piece = n - n_done < PIECE_BYTES ? n - n_done : PIECE_BYTES;
        if (write_piece(bytes + n_done, n_piece))
            n_done += n_piece;
        else
            session.state = MISSING;
    }
    pthread_mutex_unlock(&lock);
    return n_done;
}
