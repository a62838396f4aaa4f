/* Section 3: what a failing call leaves as it was. */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <sys/ioctl.h>

#define NOWHERE 8 /* an address that is never mapped */

TEST(err_1_failed_transfer, "A TRANSFER that fails at its last entry has made nothing.")
{
    int peer = open_peer(), other = open_peer();
    struct pair pair = create(other, peer);
    struct bus1_transfer source[] = {{0, pair.handle}, {0, pair.handle}, {0, 12345}}, made[3];
    EXPECT_ERROR(transfer(peer, (__u64)other, source, made, 3), EBADRQC);
    EXPECT_OK(release_one(peer, pair.handle));
    EXPECT_HANDLE_RELEASE(other, pair.node); /* it was the only handle */
}

TEST(err_1_failed_send, "A SEND that fails at its last destination has sent nothing to the others.")
{
    int receiver = open_peer(), sender = open_peer();
    struct pair pair = create(receiver, sender);
    __u64 destinations[] = {pair.handle, pair.handle, 12345};
    EXPECT_ERROR(send_with(sender, destinations, 3, "x", &pair.handle, 1), EBADRQC);
    EXPECT_NOTHING(receiver);
    EXPECT_OK(release_one(sender, pair.handle));
    EXPECT_HANDLE_RELEASE(receiver, pair.node);
}

TEST(err_1_failed_release, "A RELEASE that fails at its last id has released nothing.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    __u64 ids[] = {pair.node, 12345};
    EXPECT_ERROR(release(owner, ids, 2), EBADRQC);
    EXPECT_NOTHING(holder);
    EXPECT_OK(send_text(holder, pair.handle, "all there"));
    EXPECT_MESSAGE(owner, pair.node, "all there");
}

TEST(err_1_failed_recv, "A RECV that fails leaves the queue as it was.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_message message = {.type = BUS1_MESSAGE_TYPE_USER};
    struct bus1_metadata metadata;
    struct bus1_cmd_recv command = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, "first"));
    EXPECT_OK(send_text(peer, pair.handle, "second"));
    EXPECT_EQ("RECV", ioctl(peer, BUS1_CMD_RECV, &command), -1);
    EXPECT_ERROR(errno, EINVAL);
    EXPECT_MESSAGE(peer, pair.node, "first");
    EXPECT_MESSAGE(peer, pair.node, "second");
}

TEST(err_2_first_failure_decides, "Of several things that are wrong the one that is checked first is the error.")
{
    struct bus1_transfer source = {(__u64)1 << 9, 12345}, made;
    int peer = open_peer();
    EXPECT_ERROR(transfer(peer, 9999, &source, &made, TRANSFERS_MAX + 1), EMSGSIZE);
    EXPECT_ERROR(transfer(peer, 9999, &source, &made, 1), EBADF);
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, &source, &made, 1), EINVAL);
    source.flags = 0;
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, &source, &made, 1), EBADRQC);
}

TEST(err_3_message_stays_first, "A message that could not be copied out is still the first.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct iovec nowhere = {BUS1_TO_PTR(NOWHERE), 16};
    struct bus1_metadata metadata;
    struct bus1_message message = {
        .type = BUS1_INVALID,
        .n_data = 16,
        .n_data_vecs = 1,
        .ptr_data_vecs = BUS1_FROM_PTR(&nowhere),
    };
    struct bus1_cmd_recv command = {0, BUS1_FROM_PTR(&metadata), BUS1_FROM_PTR(&message)};
    EXPECT_OK(send_text(peer, pair.handle, "first"));
    EXPECT_OK(send_text(peer, pair.handle, "second"));
    EXPECT_EQ("RECV", ioctl(peer, BUS1_CMD_RECV, &command), -1);
    EXPECT_ERROR(errno, EFAULT);
    EXPECT_MESSAGE(peer, pair.node, "first");
    EXPECT_MESSAGE(peer, pair.node, "second");
}

TEST(err_3_notification_stays_first, "A notification that could not be copied out is still the first.")
{
    int owner = open_peer(), holder = open_peer();
    struct pair pair = create(owner, holder);
    struct bus1_message message = {.type = BUS1_INVALID};
    struct bus1_cmd_recv command = {0, NOWHERE, BUS1_FROM_PTR(&message)};
    EXPECT_OK(release_one(owner, pair.node));
    EXPECT_EQ("RECV", ioctl(holder, BUS1_CMD_RECV, &command), -1);
    EXPECT_ERROR(errno, EFAULT);
    EXPECT_NODE_RELEASE(holder, pair.handle);
}

TEST(err_4_refused_for_quota, "An account that is exhausted refuses, and loses nothing of what it holds.")
{
    int receiver = open_peer(), sender = open_peer();
    struct pair first = create(receiver, sender), flooded = create(receiver, sender);
    EXPECT_OK(send_text(sender, first.handle, "before the flood"));
    EXPECT(flood(sender, flooded.handle));
    EXPECT_ERROR(send_text(sender, first.handle, "too late"), EDQUOT);
    EXPECT_MESSAGE(receiver, first.node, "before the flood");
    EXPECT_OK(release_one(receiver, flooded.node));
    EXPECT_OK(send_text(sender, first.handle, "after the flood"));
    EXPECT_MESSAGE(receiver, first.node, "after the flood");
}
