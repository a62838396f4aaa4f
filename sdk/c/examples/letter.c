/* Sends a letter from one peer to another, and reads it: the smallest use of bus1 in C.
 *
 * It says nothing of Omnibus, and would be the same on a Linux that has the device:
 *
 *     ./run-qemu.sh cc sdk/c/examples/letter.c -o letter.elf
 *     ./run-qemu.sh run letter.elf
 */
#include <fcntl.h>
#include <linux/bus1.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int check(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(EXIT_FAILURE);
    }
    return result;
}

/* Makes a node on the peer `owner`, and a handle to it on the peer `sender`: returns the handle. */
static __u64 introduce(int owner, int sender)
{
    struct bus1_transfer node = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID}, handle;
    struct bus1_cmd_transfer command = {
        .to = (__u64)sender,
        .n_transfers = 1,
        .ptr_src = BUS1_FROM_PTR(&node),
        .ptr_dst = BUS1_FROM_PTR(&handle),
    };
    check("BUS1_CMD_TRANSFER", ioctl(owner, BUS1_CMD_TRANSFER, &command));
    return handle.id;
}

static void send(int sender, __u64 handle, char *text)
{
    struct iovec vector = {text, strlen(text)};
    struct bus1_message message = {
        .n_data = vector.iov_len,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_send command = {
        .n_destinations = 1,
        .ptr_destinations = BUS1_FROM_PTR(&handle),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    check("BUS1_CMD_SEND", ioctl(sender, BUS1_CMD_SEND, &command));
}

static void receive(int receiver, char *text, size_t n)
{
    struct iovec vector = {text, n - 1};
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data = vector.iov_len,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&vector),
    };
    struct bus1_cmd_recv command = {
        .ptr_metadata = BUS1_FROM_PTR(&metadata),
        .ptr_message = BUS1_FROM_PTR(&message),
    };
    struct pollfd waiting = {.fd = receiver, .events = POLLIN};
    check("poll", poll(&waiting, 1, -1));
    check("BUS1_CMD_RECV", ioctl(receiver, BUS1_CMD_RECV, &command));
    text[message.n_data] = '\0';
}

int main(void)
{
    char text[64];
    int anna = check("/dev/bus1", open("/dev/bus1", O_RDWR | O_CLOEXEC));
    int ben = check("/dev/bus1", open("/dev/bus1", O_RDWR | O_CLOEXEC));
    __u64 to_ben = introduce(ben, anna);
    send(anna, to_ben, "Dear Ben, this is a message.");
    receive(ben, text, sizeof text);
    printf("Ben reads: %s\n", text);
    return EXIT_SUCCESS;
}
