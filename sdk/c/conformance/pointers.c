/* Section 3, ERR-3: every pointer of every command, bad in every way. A case for each.
 *
 * A place is one pointer of one command. Each has everything else right, and tells by another call
 * that nothing has changed on the bus.
 */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Everything that the commands point at, good; and where the commands point. */
struct scene {
    int owner, holder;
    struct pair pair; /* a node of the owner, a handle of the holder */
    __u64 destinations[2];
    __s32 errors[2];
    char bytes[64];
    struct iovec vectors[1];
    struct bus1_transfer source[1], made[1], carried[1], arrived[4];
    struct bus1_metadata metadata;
    struct bus1_message message;
    struct bus1_cmd_transfer transfer;
    struct bus1_cmd_release release;
    struct bus1_cmd_send send;
    struct bus1_cmd_recv receive;
    struct pollfd item;
};

/* Which command a place belongs to. */
enum command { TRANSFER, RELEASE, SEND, RECV, POLL };

struct place {
    const char *name;
    const char *what;
    enum command command;
    size_t n_bytes;             /* of what the pointer points at */
    size_t field;               /* where in the scene the pointer stands; 0: it is the argument itself */
    const void *read_only;      /* good content in memory that cannot be written, if it is written */
    bool may_be_null;
};

static const struct bus1_transfer read_only_source = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
static const struct bus1_message read_only_message = {.type = BUS1_INVALID};
static const struct pollfd read_only_item = {.fd = -1};
static const char read_only_bytes[64];

#define FIELD(member) offsetof(struct scene, member)

static const struct place places[] = {
    {"transfer_command", "the command of TRANSFER", TRANSFER, 40, 0, NULL, false},
    {"transfer_source", "the sources of TRANSFER", TRANSFER, 16, FIELD(transfer.ptr_src),
     &read_only_source, false},
    {"transfer_result", "the results of TRANSFER", TRANSFER, 16, FIELD(transfer.ptr_dst),
     read_only_bytes, false},
    {"release_command", "the command of RELEASE", RELEASE, 24, 0, NULL, false},
    {"release_ids", "the ids of RELEASE", RELEASE, 8, FIELD(release.ptr_ids), NULL, false},
    {"send_command", "the command of SEND", SEND, 40, 0, NULL, false},
    {"send_destinations", "the destinations of SEND", SEND, 16, FIELD(send.ptr_destinations), NULL,
     false},
    {"send_errors", "the errors of SEND", SEND, 8, FIELD(send.ptr_errors), read_only_bytes, true},
    {"send_message", "the message of SEND", SEND, 56, FIELD(send.ptr_message), NULL, false},
    {"send_transfers", "the transfers of a message in SEND", SEND, 16,
     FIELD(message.ptr_transfers), NULL, false},
    {"send_vectors", "the vectors of a message in SEND", SEND, 16, FIELD(message.ptr_data_vecs),
     NULL, false},
    {"send_payload", "the payload of a message in SEND", SEND, 16, FIELD(vectors[0].iov_base), NULL,
     false},
    {"recv_command", "the command of RECV", RECV, 24, 0, NULL, false},
    {"recv_metadata", "the metadata of RECV", RECV, 24, FIELD(receive.ptr_metadata), read_only_bytes,
     false},
    {"recv_message", "the message of RECV", RECV, 56, FIELD(receive.ptr_message),
     &read_only_message, false},
    {"recv_transfers", "the transfers of a message in RECV", RECV, 16, FIELD(message.ptr_transfers),
     read_only_bytes, false},
    {"recv_vectors", "the vectors of a message in RECV", RECV, 16, FIELD(message.ptr_data_vecs),
     NULL, false},
    {"recv_payload", "the payload of a message in RECV", RECV, 16, FIELD(vectors[0].iov_base),
     read_only_bytes, false},
    {"poll_items", "the items of poll", POLL, 8, 0, &read_only_item, false},
};

/* Ways of being bad. */
enum way {
    NULL_POINTER,
    FIRST_PAGE,
    UNMAPPED,
    CROSSING,
    READ_ONLY,
    PAST_USER,
    NON_CANONICAL,
    KERNEL_HALF,
    WRAPPING,
    N_WAYS,
};

static const struct {
    const char *name;
    const char *what;
} ways[N_WAYS] = {
    [NULL_POINTER] = {"null", "null"},
    [FIRST_PAGE] = {"first_page", "in the first page"},
    [UNMAPPED] = {"unmapped", "where nothing is mapped"},
    [CROSSING] = {"crossing", "across the end of what is mapped"},
    [READ_ONLY] = {"read_only", "where nothing can be written"},
    [PAST_USER] = {"past_user", "across the end of the user half"},
    [NON_CANONICAL] = {"non_canonical", "not canonical"},
    [KERNEL_HALF] = {"kernel", "in the kernel's half"},
    [WRAPPING] = {"wrapping", "across the end of all addresses"},
};

/* A page that is mapped, with one behind it that is not; the address of the second. */
static uint64_t end_of_mapped(void)
{
    static char *pages;
    size_t n_page = (size_t)sysconf(_SC_PAGESIZE);
    if (pages == NULL) {
        pages = mmap(NULL, 2 * n_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(pages != MAP_FAILED);
        EXPECT_EQ("munmap", munmap(pages + n_page, n_page), 0);
    }
    return BUS1_FROM_PTR(pages) + n_page;
}

static uint64_t address_of(const struct place *place, enum way way)
{
    switch (way) {
    case NULL_POINTER:
        return 0;
    case FIRST_PAGE:
        return 8;
    case UNMAPPED:
        return end_of_mapped();
    case CROSSING:
        return end_of_mapped() - place->n_bytes / 2;
    case READ_ONLY:
        return BUS1_FROM_PTR(place->read_only);
    case PAST_USER:
        return 0x0000800000000000 - place->n_bytes / 2;
    case NON_CANONICAL:
        return 0x0001000000000000;
    case KERNEL_HALF:
        return 0xffff800000001000;
    default:
        return -(uint64_t)(place->n_bytes / 2);
    }
}

static void set(struct scene *scene)
{
    scene->owner = open_peer();
    scene->holder = open_peer();
    scene->pair = create(scene->owner, scene->holder);
    scene->destinations[0] = scene->destinations[1] = scene->pair.handle;
    scene->carried[0] = (struct bus1_transfer){0, scene->pair.handle};
    scene->source[0] = (struct bus1_transfer){BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};
    scene->vectors[0] = (struct iovec){scene->bytes, 16};
    scene->message = (struct bus1_message){
        .n_transfers = 1,
        .ptr_transfers = BUS1_FROM_PTR(scene->carried),
        .n_data = 16,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(scene->vectors),
    };
    scene->transfer = (struct bus1_cmd_transfer){
        .to = BUS1_INVALID,
        .n_transfers = 1,
        .ptr_src = BUS1_FROM_PTR(scene->source),
        .ptr_dst = BUS1_FROM_PTR(scene->made),
    };
    scene->release = (struct bus1_cmd_release){
        .n_ids = 1,
        .ptr_ids = BUS1_FROM_PTR(scene->destinations),
    };
    scene->send = (struct bus1_cmd_send){
        .n_destinations = 2,
        .ptr_destinations = BUS1_FROM_PTR(scene->destinations),
        .ptr_errors = BUS1_FROM_PTR(scene->errors),
        .ptr_message = BUS1_FROM_PTR(&scene->message),
    };
    scene->receive = (struct bus1_cmd_recv){
        .ptr_metadata = BUS1_FROM_PTR(&scene->metadata),
        .ptr_message = BUS1_FROM_PTR(&scene->message),
    };
    scene->item = (struct pollfd){.fd = scene->owner, .events = POLLIN};
}

/* Puts a message of 16 bytes and one handle in the owner's queue, and makes the scene's message one to
 * receive it with. */
static void fill_queue(struct scene *scene)
{
    EXPECT_OK(send_with(scene->holder, &scene->pair.handle, 1, "sixteen bytes...",
                        &scene->pair.handle, 1));
    scene->message.type = BUS1_INVALID;
    scene->message.ptr_transfers = BUS1_FROM_PTR(scene->arrived);
}

/* The command with this pointer in this place. */
static int use(struct scene *scene, const struct place *place, uint64_t pointer)
{
    static const unsigned long numbers[] = {
        [TRANSFER] = BUS1_CMD_TRANSFER,
        [RELEASE] = BUS1_CMD_RELEASE,
        [SEND] = BUS1_CMD_SEND,
        [RECV] = BUS1_CMD_RECV,
    };
    void *const commands[] = {
        [TRANSFER] = &scene->transfer,
        [RELEASE] = &scene->release,
        [SEND] = &scene->send,
        [RECV] = &scene->receive,
        [POLL] = &scene->item,
    };
    int fd = place->command == RECV ? scene->owner : scene->holder;
    void *argument = commands[place->command];
    if (place->command == POLL)
        return poll(BUS1_TO_PTR(pointer), 1, 0) >= 0 ? 0 : errno;
    if (place->field == 0)
        argument = BUS1_TO_PTR(pointer);
    else
        memcpy((char *)scene + place->field, &pointer, sizeof pointer);
    return ioctl(fd, numbers[place->command], argument) == 0 ? 0 : errno;
}

/* What was true before is true still: the handle is there, and the queue has what it had. */
static void check_nothing_changed(struct scene *scene, enum command command)
{
    struct received received;
    if (command == RECV) {
        EXPECT_OK(receive(scene->owner, &received));
        EXPECT(strcmp(received.bytes, "sixteen bytes...") == 0);
        EXPECT_EQ("n_transfers", received.message.n_transfers, 1);
    }
    EXPECT_NOTHING(scene->owner);
    EXPECT_NOTHING(scene->holder);
    EXPECT_OK(send_text(scene->holder, scene->pair.handle, "still here"));
    EXPECT_MESSAGE(scene->owner, scene->pair.node, "still here");
}

#define N_PLACES (sizeof places / sizeof places[0])

static void try_pointer(const void *argument)
{
    size_t number = (size_t)argument;
    const struct place *place = &places[number / N_WAYS];
    struct scene scene;
    memset(&scene, 0, sizeof scene);
    set(&scene);
    if (place->command == RECV)
        fill_queue(&scene);
    EXPECT_ERROR(use(&scene, place, address_of(place, number % N_WAYS)), EFAULT);
    check_nothing_changed(&scene, place->command);
}

/* The same command with nothing bad succeeds: or the cases above would show nothing. */
static void try_good_pointers(const void *argument)
{
    const struct place *place = argument;
    struct scene scene;
    memset(&scene, 0, sizeof scene);
    set(&scene);
    if (place->command == RECV)
        fill_queue(&scene);
    char *at = (char *)&scene;
    void *const arguments[] = {&scene.transfer, &scene.release, &scene.send, &scene.receive,
                               &scene.item};
    uint64_t good = BUS1_FROM_PTR(arguments[place->command]);
    if (place->field != 0)
        memcpy(&good, at + place->field, sizeof good);
    EXPECT_OK(use(&scene, place, good));
}

void add_pointer_tests(void)
{
    char name[64], sentence[160];
    for (size_t i = 0; i < N_PLACES; i++) {
        snprintf(name, sizeof name, "err_3_%s_good", places[i].name);
        snprintf(sentence, sizeof sentence, "With %s and everything else right the call succeeds.",
                 places[i].what);
        add_test(name, sentence, try_good_pointers, &places[i]);
        for (size_t way = 0; way < N_WAYS; way++) {
            if ((way == NULL_POINTER && places[i].may_be_null) ||
                (way == READ_ONLY && places[i].read_only == NULL))
                continue;
            snprintf(name, sizeof name, "err_3_%s_%s", places[i].name, ways[way].name);
            snprintf(sentence, sizeof sentence, "If %s: %s: EFAULT, and nothing has changed.",
                     places[i].what, ways[way].what);
            add_test(name, sentence, try_pointer, (const void *)(i * N_WAYS + way));
        }
    }
}
