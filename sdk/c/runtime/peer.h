/* What the library itself does with peers, one entry at a time. */
#ifndef PEER_H
#define PEER_H

#include "kernel.h"
#include <linux/bus1.h>

/* Makes a peer for the account of the task: 0 or an error number. */
int __peer_new(uint64_t *peer);

/* Transfers an entry from peer to peer; the id that it has there, or BUS1_INVALID if that fails. */
uint64_t __transfer_one(uint64_t from, uint64_t to, uint64_t flags, uint64_t id);

/* Releases a node or handle. */
void __release_one(uint64_t peer, uint64_t id);

#endif
