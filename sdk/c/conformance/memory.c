/* A machine without memory: what is refused, and what works all the same. These cases need quotas that promise more than
 * there is.
 */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <stddef.h>

/* Peers with a message and two handles between them, when nothing more can be had. */
struct scene {
    int receiver, sender;
    struct pair first, other, flooded;
};

static struct scene exhausted(void)
{
    struct scene scene = {.receiver = open_peer(), .sender = open_peer()};
    scene.first = create(scene.receiver, scene.sender);
    scene.other = create(scene.receiver, scene.sender);
    scene.flooded = create(scene.receiver, scene.sender);
    EXPECT_OK(send_text(scene.sender, scene.first.handle, "before the flood"));
    EXPECT(exhaust(scene.sender, scene.flooded.handle));
    return scene;
}

/* ERR-4, ERR-1 */
static void refuses(const void *argument)
{
    struct scene scene = exhausted();
    (void)argument;
    EXPECT_ERROR(send_text(scene.sender, scene.first.handle, "too late"), ENOMEM);
    EXPECT_MESSAGE(scene.receiver, scene.first.node, "before the flood");
    EXPECT_OK(release_one(scene.receiver, scene.flooded.node));
    EXPECT_OK(send_text(scene.sender, scene.first.handle, "after the flood"));
    EXPECT_MESSAGE(scene.receiver, scene.first.node, "after the flood");
    EXPECT_NOTHING(scene.receiver);
}

/* REL-3, NOT-4 */
static void releases(const void *argument)
{
    struct scene scene = exhausted();
    (void)argument;
    EXPECT_MESSAGE(scene.receiver, scene.first.node, "before the flood");
    EXPECT_OK(release_one(scene.receiver, scene.first.node));
    EXPECT_NODE_RELEASE(scene.sender, scene.first.handle);
    EXPECT_OK(release_one(scene.sender, scene.other.handle));
    EXPECT_OK(release_one(scene.receiver, scene.flooded.node));
    EXPECT_HANDLE_RELEASE(scene.receiver, scene.other.node);
}

/* CLO-4 */
static void closes(const void *argument)
{
    struct scene scene = exhausted();
    (void)argument;
    close_peer(scene.receiver);
    EXPECT_NODE_RELEASE(scene.sender, scene.first.handle);
    EXPECT_NODE_RELEASE(scene.sender, scene.other.handle);
}

/* RCV-1: what RECV needs was set aside when the message was sent. */
static void receives(const void *argument)
{
    int receiver = open_peer(), sender = open_peer();
    struct pair pair = create(receiver, sender), flooded = create(receiver, sender);
    struct received received;
    (void)argument;
    EXPECT_OK(send_with(sender, &pair.handle, 1, "with a handle", &flooded.handle, 1));
    EXPECT(exhaust(sender, flooded.handle));
    EXPECT_OK(receive(receiver, &received));
    EXPECT_EQ("n_transfers", received.message.n_transfers, 1);
    EXPECT_OK(release_one(receiver, received.transfers[0].id));
}

void add_memory_tests(void)
{
    add_test("err_4_no_memory", "A machine without memory refuses with ENOMEM, and loses nothing.",
             refuses, NULL);
    add_test("rel_3_no_memory", "RELEASE and its notifications need no memory.", releases, NULL);
    add_test("clo_4_no_memory", "Closing a peer needs no memory.", closes, NULL);
    add_test("rcv_1_no_memory", "RECV needs no memory, for handles either.", receives, NULL);
}
