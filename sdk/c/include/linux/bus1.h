/* The bus1 interface: structures and commands of /dev/bus1, as proposed for Linux in 2026.
 *
 * The rules are in docs/model.md, the C side of it in docs/c-interface.md. Every field is 64 bits
 * wide and little endian; pointers travel as numbers (BUS1_FROM_PTR). Programs for Linux may use
 * this header too: it needs <linux/types.h> and <linux/ioctl.h> and nothing else.
 */
#ifndef _LINUX_BUS1_H
#define _LINUX_BUS1_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BUS1_IOCTL_MAGIC 0x97

/* No id. In bus1_cmd_transfer.to: the peer that the command is given to. */
#define BUS1_INVALID ((__u64)-1)

/* Bit of an id that the kernel chose. */
#define BUS1_MANAGED ((__u64)1)

#define BUS1_FROM_PTR(v) ((__u64)(unsigned long)(v))
#define BUS1_TO_PTR(v) ((void *)(unsigned long)(v))

/* bus1_transfer.flags: make a node, and a handle to it. */
#define BUS1_TRANSFER_FLAG_CREATE ((__u64)1)

enum bus1_message_type {
    BUS1_MESSAGE_TYPE_USER = 0,           /* a message that a peer sent */
    BUS1_MESSAGE_TYPE_NODE_RELEASE = 1,   /* the node of a handle was released */
    BUS1_MESSAGE_TYPE_HANDLE_RELEASE = 2, /* the last handle of a node was released */
};

struct bus1_transfer {
    __u64 flags;
    __u64 id;
};

struct bus1_metadata {
    __u64 flags;
    __u64 id;      /* own node; of NODE_RELEASE, own handle */
    __u64 account; /* of the sender; BUS1_INVALID for notifications */
};

struct bus1_message {
    __u64 flags;
    __u64 type; /* enum bus1_message_type; BUS1_INVALID when a message is asked for */
    __u64 n_transfers;
    __u64 ptr_transfers; /* struct bus1_transfer[] */
    __u64 n_data;
    __u64 n_data_vecs;
    __u64 ptr_data_vecs; /* struct iovec[] */
};

struct bus1_cmd_transfer {
    __u64 flags;
    __u64 to; /* descriptor of a peer, or BUS1_INVALID */
    __u64 n_transfers;
    __u64 ptr_src; /* struct bus1_transfer[]: what to copy or make */
    __u64 ptr_dst; /* struct bus1_transfer[]: the new handles */
};

struct bus1_cmd_release {
    __u64 flags;
    __u64 n_ids;
    __u64 ptr_ids; /* __u64[] */
};

struct bus1_cmd_send {
    __u64 flags;
    __u64 n_destinations;
    __u64 ptr_destinations; /* __u64[]: handles */
    __u64 ptr_errors;       /* __s32[], or 0 */
    __u64 ptr_message;      /* struct bus1_message */
};

struct bus1_cmd_recv {
    __u64 flags;
    __u64 ptr_metadata; /* struct bus1_metadata */
    __u64 ptr_message;  /* struct bus1_message */
};

#define BUS1_CMD_TRANSFER _IOWR(BUS1_IOCTL_MAGIC, 0x00, struct bus1_cmd_transfer)
#define BUS1_CMD_RELEASE _IOWR(BUS1_IOCTL_MAGIC, 0x01, struct bus1_cmd_release)
#define BUS1_CMD_SEND _IOWR(BUS1_IOCTL_MAGIC, 0x02, struct bus1_cmd_send)
#define BUS1_CMD_RECV _IOWR(BUS1_IOCTL_MAGIC, 0x03, struct bus1_cmd_recv)

#endif
