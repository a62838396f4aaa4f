/* Section 4, TRANSFER. */
#include "bus.h"
#include "suite.h"
#include <errno.h>

static const struct bus1_transfer new_node = {BUS1_TRANSFER_FLAG_CREATE, BUS1_INVALID};

TEST(tra_1_create, "CREATE writes the node's id to the source and clears its flags.")
{
    int peer = open_peer();
    struct bus1_transfer source = new_node, made;
    EXPECT_OK(transfer(peer, BUS1_INVALID, &source, &made, 1));
    EXPECT_EQ("source.flags", source.flags, 0);
    EXPECT(source.id != BUS1_INVALID && source.id != made.id);
    EXPECT_OK(send_text(peer, made.id, "made"));
    EXPECT_MESSAGE(peer, source.id, "made");
}

TEST(tra_1_create_with_an_id, "CREATE with an id is EINVAL.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_transfer source = {BUS1_TRANSFER_FLAG_CREATE, pair.handle}, made;
    EXPECT_ERROR(transfer(peer, BUS1_INVALID, &source, &made, 1), EINVAL);
}

TEST(tra_1_copy_of_nothing, "The invalid id without CREATE is EINVAL, and not unknown.")
{
    struct bus1_transfer source = {0, BUS1_INVALID}, made;
    EXPECT_ERROR(transfer(open_peer(), BUS1_INVALID, &source, &made, 1), EINVAL);
}

TEST(tra_1_source_of_a_copy, "A source that is copied is left as it is.")
{
    int peer = open_peer();
    struct pair pair = create(peer, peer);
    struct bus1_transfer source = {0, pair.handle}, made;
    EXPECT_OK(transfer(peer, BUS1_INVALID, &source, &made, 1));
    EXPECT_EQ("source.id", source.id, pair.handle);
    EXPECT_EQ("source.flags", source.flags, 0);
}

TEST(tra_1_mixed_entries, "One TRANSFER makes nodes and copies handles in the order of its entries.")
{
    int from = open_peer(), to = open_peer();
    struct pair pair = create(from, from);
    struct bus1_transfer source[] = {{0, pair.handle}, new_node, {0, pair.handle}}, made[3];
    EXPECT_OK(transfer(from, (__u64)to, source, made, 3));
    EXPECT_OK(send_text(to, made[1].id, "the new one"));
    EXPECT_MESSAGE(from, source[1].id, "the new one");
    EXPECT_OK(send_text(to, made[2].id, "the old one"));
    EXPECT_MESSAGE(from, pair.node, "the old one");
}

TEST(tra_2_results, "Each result has flags 0 and the new handle's id.")
{
    int peer = open_peer();
    struct bus1_transfer source[] = {new_node, new_node}, made[] = {{7, 7}, {7, 7}};
    EXPECT_OK(transfer(peer, BUS1_INVALID, source, made, 2));
    EXPECT_EQ("made[0].flags", made[0].flags, 0);
    EXPECT_EQ("made[1].flags", made[1].flags, 0);
    EXPECT(made[0].id != made[1].id);
}

TEST(tra_2_same_source_twice, "One handle named twice gives two.")
{
    int owner = open_peer(), from = open_peer(), to = open_peer();
    struct pair pair = create(owner, from);
    struct bus1_transfer source[] = {{0, pair.handle}, {0, pair.handle}}, made[2];
    EXPECT_OK(transfer(from, (__u64)to, source, made, 2));
    EXPECT(made[0].id != made[1].id);
    EXPECT_OK(release_one(to, made[0].id));
    EXPECT_OK(send_text(to, made[1].id, "the second"));
    EXPECT_MESSAGE(owner, pair.node, "the second");
}

TEST(tra_2_nothing, "TRANSFER of nothing succeeds, to oneself and to another.")
{
    int peer = open_peer(), other = open_peer();
    EXPECT_OK(transfer(peer, BUS1_INVALID, NULL, NULL, 0));
    EXPECT_OK(transfer(peer, (__u64)other, NULL, NULL, 0));
}

TEST(tra_3_to_oneself, "`to` invalid stands for the source peer.")
{
    int peer = open_peer();
    struct bus1_transfer source = new_node, made;
    EXPECT_OK(transfer(peer, BUS1_INVALID, &source, &made, 1));
    EXPECT_OK(release_one(peer, made.id));
    EXPECT_HANDLE_RELEASE(peer, source.id);
}

TEST(tra_3_to_nobody, "`to` that is not a descriptor is EBADF.")
{
    int peer = open_peer(), closed = open_peer();
    struct bus1_transfer source = new_node, made;
    close_peer(closed);
    EXPECT_ERROR(transfer(peer, (__u64)closed, &source, &made, 1), EBADF);
    EXPECT_ERROR(transfer(peer, 1 << 20, &source, &made, 1), EBADF);
    EXPECT_ERROR(transfer(peer, BUS1_INVALID - 1, &source, &made, 1), EBADF);
}

TEST(tra_3_to_something_else, "`to` that is no peer is EOPNOTSUPP.")
{
    int peer = open_peer();
    struct bus1_transfer source = new_node, made;
    EXPECT_ERROR(transfer(peer, (__u64)null_device(), &source, &made, 1), EOPNOTSUPP);
}

TEST(tra_4_all_or_nothing, "If one entry cannot be done no node is made for the others.")
{
    int from = open_peer(), to = open_peer();
    struct bus1_transfer source[] = {new_node, new_node, {0, 12345}}, made[3];
    EXPECT_ERROR(transfer(from, (__u64)to, source, made, 3), EBADRQC);
    EXPECT_NOTHING(from); /* no node lost its handle */
    EXPECT_NOTHING(to);
}

TEST(tra_5_released_node, "A copy of a handle whose node was released can be made, and learns of it.")
{
    int owner = open_peer(), holder = open_peer(), late = open_peer();
    struct pair pair = create(owner, holder);
    EXPECT_OK(release_one(owner, pair.node));
    __u64 handle = copy(holder, late, pair.handle);
    EXPECT_NODE_RELEASE(holder, pair.handle);
    EXPECT_NODE_RELEASE(late, handle);
}
