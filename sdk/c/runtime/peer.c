/* What the library itself does with peers, one entry at a time. */
#include "peer.h"

int __peer_new(uint64_t *peer)
{
    struct kernel_result made =
        __kernel_call(OMNIBUS_CALL_PEER_NEW, __environment.account, 0, 0, 0, 0, 0);
    if (made.status == 0)
        *peer = made.value;
    return (int)-made.status;
}

uint64_t __transfer_one(uint64_t from, uint64_t to, uint64_t flags, uint64_t id)
{
    struct bus1_transfer source = {flags, id}, made = {0, BUS1_INVALID};
    struct bus1_cmd_transfer command = {
        .to = to,
        .n_transfers = 1,
        .ptr_src = address_of(&source),
        .ptr_dst = address_of(&made),
    };
    struct kernel_result result = __kernel_call(OMNIBUS_CALL_TRANSFER, from, address_of(&command),
                                                sizeof command, sizeof source, 0, 0);
    return result.status == 0 ? made.id : BUS1_INVALID;
}

void __release_one(uint64_t peer, uint64_t id)
{
    struct bus1_cmd_release command = {.n_ids = 1, .ptr_ids = address_of(&id)};
    call3(OMNIBUS_CALL_RELEASE, peer, address_of(&command), sizeof command);
}
