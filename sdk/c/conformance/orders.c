/* The orders of checks (ERR-2, TRA-4, REL-1, SND-5, RCV-1): a case for each step.
 *
 * A step is a way to spoil a command. In its case everything that is checked later is spoilt too, so
 * the step's own error can only come if it is looked for before all of those.
 */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NOWHERE 8 /* an address that is never mapped */
#define UNKNOWN_ID 12345
#define UNKNOWN_FLAG ((__u64)1 << 40)

/* A command with everything that it points at. */
struct call {
    int fd;
    void *argument;
    int peer;
    struct pair pair, full; /* of the peer with itself, and with one that is flooded */
    struct bus1_transfer source[2], made[2];
    __u64 ids[3];
    __s32 errors[2];
    char bytes[16];
    struct iovec vectors[2];
    struct bus1_metadata metadata;
    struct bus1_message message;
    union {
        struct bus1_cmd_transfer transfer;
        struct bus1_cmd_release release;
        struct bus1_cmd_send send;
        struct bus1_cmd_recv receive;
    };
};

struct step {
    const char *name;
    const char *what;
    int error;
    void (*spoil)(struct call *call);
};

static void no_descriptor(struct call *call)
{
    call->fd = -1;
}

static void no_command(struct call *call)
{
    call->argument = BUS1_TO_PTR(NOWHERE);
}

/* The flags are the first word of every command. */
static void command_flags(struct call *call)
{
    call->transfer.flags = UNKNOWN_FLAG;
}

static void transfer_count(struct call *call)
{
    call->transfer.n_transfers = TRANSFERS_MAX + 1;
}

static void transfer_to_nobody(struct call *call)
{
    call->transfer.to = 1 << 20;
}

static void transfer_to_no_peer(struct call *call)
{
    call->transfer.to = (__u64)null_device();
}

static void transfer_results(struct call *call)
{
    call->transfer.ptr_dst = NOWHERE;
}

static void transfer_sources(struct call *call)
{
    call->transfer.ptr_src = NOWHERE;
}

static void transfer_entry(struct call *call)
{
    call->source[1].flags = UNKNOWN_FLAG;
}

static void transfer_unknown(struct call *call)
{
    call->source[0].id = UNKNOWN_ID;
}

/* Nothing is to do: the peers were chosen so. */
static void exhausted(struct call *call)
{
    (void)call;
}

static const struct step transfer_steps[] = {
    {"descriptor", "the descriptor", EBADF, no_descriptor},
    {"command", "the command's address", EFAULT, no_command},
    {"flags", "the command's flags", EINVAL, command_flags},
    {"count", "the number of entries", EMSGSIZE, transfer_count},
    {"to", "`to` that is not open", EBADF, transfer_to_nobody},
    {"to_no_peer", "`to` that is no peer", EOPNOTSUPP, transfer_to_no_peer},
    {"sources", "the sources' address", EFAULT, transfer_sources},
    {"results", "the results' address", EFAULT, transfer_results},
    {"entry", "the flags of any entry", EINVAL, transfer_entry},
    {"unknown", "an id that is unknown", EBADRQC, transfer_unknown},
    {"quota", "the quota", EDQUOT, exhausted},
    {"memory", "the machine's memory", ENOMEM, exhausted},
};

static void prepare_transfer(struct call *call)
{
    call->source[0] = call->source[1] = (struct bus1_transfer){0, call->pair.handle};
    call->transfer = (struct bus1_cmd_transfer){
        .to = BUS1_INVALID,
        .n_transfers = 2,
        .ptr_src = BUS1_FROM_PTR(call->source),
        .ptr_dst = BUS1_FROM_PTR(call->made),
    };
}

static void release_count(struct call *call)
{
    call->release.n_ids = IDS_MAX + 1;
}

static void release_ids(struct call *call)
{
    call->release.ptr_ids = NOWHERE;
}

static void release_unknown(struct call *call)
{
    call->ids[2] = UNKNOWN_ID;
}

static void release_twice(struct call *call)
{
    call->ids[1] = call->ids[0];
}

static const struct step release_steps[] = {
    {"descriptor", "the descriptor", EBADF, no_descriptor},
    {"command", "the command's address", EFAULT, no_command},
    {"flags", "the command's flags", EINVAL, command_flags},
    {"count", "the number of ids", EMSGSIZE, release_count},
    {"ids", "the ids' address", EFAULT, release_ids},
    {"unknown", "an id that is unknown", EBADRQC, release_unknown},
    {"twice", "an id that is named twice", ENOTUNIQ, release_twice},
};

static void prepare_release(struct call *call)
{
    call->ids[0] = call->pair.handle;
    call->ids[1] = call->pair.node;
    call->ids[2] = create(call->peer, call->peer).handle;
    call->release = (struct bus1_cmd_release){.n_ids = 3, .ptr_ids = BUS1_FROM_PTR(call->ids)};
}

static void send_count(struct call *call)
{
    call->send.n_destinations = DESTINATIONS_MAX + 1;
}

static void send_message(struct call *call)
{
    call->send.ptr_message = NOWHERE;
}

static void message_flags(struct call *call)
{
    call->message.flags = UNKNOWN_FLAG;
}

static void message_type(struct call *call)
{
    call->message.type = BUS1_MESSAGE_TYPE_NODE_RELEASE;
}

static void message_bounds(struct call *call)
{
    call->message.n_transfers = TRANSFERS_MAX + 1;
}

static void message_data(struct call *call)
{
    call->message.n_data = DATA_BYTES_MAX + 1;
}

static void vector_count(struct call *call)
{
    call->message.n_data_vecs = VECTORS_MAX + 1;
}

static void vector_address(struct call *call)
{
    call->message.ptr_data_vecs = NOWHERE;
}

static void vector_sum(struct call *call)
{
    call->vectors[0].iov_len = SIZE_MAX;
    call->vectors[1].iov_len = 1;
}

static void vectors_too_short(struct call *call)
{
    call->vectors[0].iov_len = 4;
    call->vectors[1].iov_len = 4;
}

static void cargo_address(struct call *call)
{
    call->message.ptr_transfers = NOWHERE;
}

static void cargo_flags(struct call *call)
{
    call->source[1].flags = UNKNOWN_FLAG;
}

static void cargo_unknown(struct call *call)
{
    call->source[0].id = UNKNOWN_ID;
}

static void destinations_address(struct call *call)
{
    call->send.ptr_destinations = NOWHERE;
}

static void errors_address(struct call *call)
{
    call->send.ptr_errors = NOWHERE;
}

static void destination_unknown(struct call *call)
{
    call->ids[1] = UNKNOWN_ID;
}

static void payload_address(struct call *call)
{
    call->vectors[1].iov_base = BUS1_TO_PTR(NOWHERE);
}

static const struct step send_steps[] = {
    {"descriptor", "the descriptor", EBADF, no_descriptor},
    {"command", "the command's address", EFAULT, no_command},
    {"flags", "the command's flags", EINVAL, command_flags},
    {"count", "the number of destinations", EMSGSIZE, send_count},
    {"message", "the message's address", EFAULT, send_message},
    {"message_flags", "the message's flags", EINVAL, message_flags},
    {"message_type", "the message's type", EINVAL, message_type},
    {"bounds", "the number of transfers", EMSGSIZE, message_bounds},
    {"bytes", "the number of bytes", EMSGSIZE, message_data},
    {"vector_count", "the number of vectors", EINVAL, vector_count},
    {"vectors", "the vectors' address", EFAULT, vector_address},
    {"vector_sum", "the sum of the vectors", EINVAL, vector_sum},
    {"too_short", "vectors that hold too little", EMSGSIZE, vectors_too_short},
    {"cargo", "the transfers' address", EFAULT, cargo_address},
    {"cargo_flags", "the flags of any transfer", EINVAL, cargo_flags},
    {"cargo_unknown", "a transfer that is unknown", EBADRQC, cargo_unknown},
    {"destinations", "the destinations' address", EFAULT, destinations_address},
    {"errors", "the errors' address", EFAULT, errors_address},
    {"destination_unknown", "a destination that is unknown", EBADRQC, destination_unknown},
    {"quota", "the quota", EDQUOT, exhausted},
    {"memory", "the machine's memory", ENOMEM, exhausted},
    {"payload", "the payload's address", EFAULT, payload_address},
};

static void prepare_send(struct call *call)
{
    call->source[0] = call->source[1] = (struct bus1_transfer){0, call->pair.handle};
    call->ids[0] = call->ids[1] = call->full.handle;
    call->vectors[0] = (struct iovec){call->bytes, 8};
    call->vectors[1] = (struct iovec){call->bytes, 8};
    call->message = (struct bus1_message){
        .n_transfers = 2,
        .ptr_transfers = BUS1_FROM_PTR(call->source),
        .n_data = 16,
        .n_data_vecs = 2,
        .ptr_data_vecs = BUS1_FROM_PTR(call->vectors),
    };
    call->send = (struct bus1_cmd_send){
        .n_destinations = 2,
        .ptr_destinations = BUS1_FROM_PTR(call->ids),
        .ptr_errors = BUS1_FROM_PTR(call->errors),
        .ptr_message = BUS1_FROM_PTR(&call->message),
    };
}

static void recv_message(struct call *call)
{
    call->receive.ptr_message = NOWHERE;
}

/* The message that was put in the queue is taken out. */
static void recv_nothing(struct call *call)
{
    struct received received;
    EXPECT_OK(receive(call->peer, &received));
}

static void room_too_small(struct call *call)
{
    call->message.n_data = 4;
}

static void too_few_transfers(struct call *call)
{
    call->message.n_transfers = 1;
}

static void copy_out(struct call *call)
{
    call->vectors[0].iov_base = BUS1_TO_PTR(NOWHERE);
}

static const struct step recv_steps[] = {
    {"descriptor", "the descriptor", EBADF, no_descriptor},
    {"command", "the command's address", EFAULT, no_command},
    {"flags", "the command's flags", EINVAL, command_flags},
    {"message", "the message's address", EFAULT, recv_message},
    {"message_flags", "the message's flags", EINVAL, message_flags},
    {"message_type", "the message's type", EINVAL, message_type},
    {"nothing", "an empty queue", EAGAIN, recv_nothing},
    {"vector_count", "the number of vectors", EINVAL, vector_count},
    {"vectors", "the vectors' address", EFAULT, vector_address},
    {"vector_sum", "the sum of the vectors", EINVAL, vector_sum},
    {"too_small", "too little room for bytes", EMSGSIZE, room_too_small},
    {"too_few", "too little room for transfers", EMSGSIZE, too_few_transfers},
    {"payload", "the payload's address", EFAULT, copy_out},
};

static void prepare_recv(struct call *call)
{
    __u64 carried[] = {call->pair.handle, call->pair.handle};
    EXPECT_OK(send_with(call->peer, &call->pair.handle, 1, "sixteen bytes...", carried, 2));
    call->vectors[0] = (struct iovec){call->bytes, 8};
    call->vectors[1] = (struct iovec){call->bytes, 8};
    call->message = (struct bus1_message){
        .type = BUS1_INVALID,
        .n_transfers = 2,
        .ptr_transfers = BUS1_FROM_PTR(call->made),
        .n_data = 16,
        .n_data_vecs = 2,
        .ptr_data_vecs = BUS1_FROM_PTR(call->vectors),
    };
    call->receive = (struct bus1_cmd_recv){
        .ptr_metadata = BUS1_FROM_PTR(&call->metadata),
        .ptr_message = BUS1_FROM_PTR(&call->message),
    };
}

#define STEPS(steps) steps, sizeof(steps) / sizeof((steps)[0])

static const struct command {
    const char *rule; /* that gives the order */
    const char *name;
    unsigned long number;
    void (*prepare)(struct call *call);
    const struct step *steps;
    size_t n_steps;
} commands[] = {
    {"tra_4", "TRANSFER", BUS1_CMD_TRANSFER, prepare_transfer, STEPS(transfer_steps)},
    {"rel_1", "RELEASE", BUS1_CMD_RELEASE, prepare_release, STEPS(release_steps)},
    {"snd_5", "SEND", BUS1_CMD_SEND, prepare_send, STEPS(send_steps)},
    {"rcv_1", "RECV", BUS1_CMD_RECV, prepare_recv, STEPS(recv_steps)},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])
#define N_STEPS_MAX 32

/* Peers that a call is made with: one of its own, and one that it may flood. */
struct peers {
    int peer, receiver;
    struct pair pair, full; /* of the peer with itself, and with the receiver */
};

static struct peers open_peers(void)
{
    struct peers peers = {.peer = open_peer(), .receiver = open_peer()};
    peers.pair = create(peers.peer, peers.peer);
    peers.full = create(peers.receiver, peers.peer);
    return peers;
}

/* Filling an account takes long, and the cases of one command follow each other: they share peers of
 * which one has filled its account's share, from the first case that needs them to the last. */
static struct peers flooded = {.peer = -1};

static void open_flooded(void)
{
    if (flooded.peer >= 0)
        return;
    flooded = open_peers();
    EXPECT(flood(flooded.peer, flooded.full.handle));
    keep_open(flooded.peer);
    keep_open(flooded.receiver);
}

static void close_flooded(void)
{
    close(flooded.peer);
    close(flooded.receiver);
    flooded.peer = -1;
}

/* Where the step with this error stands among those of a command; behind them all if there is none. */
static size_t step_of(const struct command *command, int error)
{
    size_t step = 0;
    while (step < command->n_steps && command->steps[step].error != error)
        step++;
    return step;
}

/* Makes the call with all steps from `first` on spoilt, from the last to the first: what an earlier step
 * needs is there when it is spoilt. */
static int call_spoilt(const struct command *command, size_t first)
{
    struct call call;
    size_t quota = step_of(command, EDQUOT), memory = step_of(command, ENOMEM);
    bool is_flooded = quota < command->n_steps && first <= quota;
    memset(&call, 0, sizeof call);
    if (is_flooded)
        open_flooded();
    struct peers peers = is_flooded ? flooded : open_peers();
    call.fd = call.peer = peers.peer;
    call.pair = peers.pair;
    call.full = peers.full;
    call.argument = &call.transfer;
    command->prepare(&call);
    if (first == memory && first < command->n_steps)
        EXPECT(exhaust(call.peer, call.full.handle));
    for (size_t i = command->n_steps; i > first; i--)
        command->steps[i - 1].spoil(&call);
    int error = ioctl(call.fd, command->number, call.argument) == 0 ? 0 : errno;
    if (is_flooded && first == quota)
        close_flooded();
    return error;
}

static void try_step(const void *argument)
{
    size_t number = (size_t)argument, step = number % N_STEPS_MAX;
    const struct command *command = &commands[number / N_STEPS_MAX];
    EXPECT_ERROR(call_spoilt(command, step), command->steps[step].error);
}

/* Nothing is spoilt: or the steps would show nothing. */
static void try_nothing_spoilt(const void *argument)
{
    const struct command *command = argument;
    EXPECT_OK(call_spoilt(command, command->n_steps));
}

static void add_step(const struct command *command, size_t step)
{
    char name[64], sentence[160];
    size_t i = (size_t)(command - commands);
    snprintf(name, sizeof name, "%s_order_%02zu_%s", command->rule, step + 1,
             command->steps[step].name);
    snprintf(sentence, sizeof sentence, "%s looks at %s before all that comes later.",
             command->name, command->steps[step].what);
    add_test(name, sentence, try_step, (const void *)(i * N_STEPS_MAX + step));
}

void add_order_tests(void)
{
    char name[64], sentence[160];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *command = &commands[i];
        snprintf(name, sizeof name, "%s_order_00_good", command->rule);
        snprintf(sentence, sizeof sentence, "%s with nothing wrong succeeds.", command->name);
        add_test(name, sentence, try_nothing_spoilt, command);
        for (size_t j = 0; j < command->n_steps; j++) {
            if (command->steps[j].error != ENOMEM)
                add_step(command, j);
        }
    }
}

void add_memory_order_tests(void)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t step = step_of(&commands[i], ENOMEM);
        if (step < commands[i].n_steps)
            add_step(&commands[i], step);
    }
}
