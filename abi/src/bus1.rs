//! The structures of bus1 (`docs/model.md`, section 2): little endian, all fields `u64`, 8-aligned, no padding.

/// No id; also "the source peer" in [`CmdTransfer::to`].
pub const INVALID: u64 = u64::MAX;

/// Bit of an id that the kernel chose.
pub const MANAGED: u64 = 1;

/// [`Transfer::flags`]: make a node, and a handle to it.
pub const TRANSFER_FLAG_CREATE: u64 = 1;

/// [`Transfer::flags`], in messages: the id is not that of a handle, but the number of a capability. In a message that is sent the bits
/// from [`TRANSFER_WITHHELD_SHIFT`] on are the rights that the receiver does not get.
pub const TRANSFER_FLAG_CAPABILITY: u64 = 2;

/// See [`TRANSFER_FLAG_CAPABILITY`].
pub const TRANSFER_WITHHELD_SHIFT: u32 = 32;

/// [`CmdRecv::flags`]: remove the first message without receiving it (RCV-7).
pub const RECV_FLAG_DISCARD: u64 = 1 << 63;

/// [`Message::kind`] of a message that a peer sent.
pub const MESSAGE_TYPE_USER: u64 = 0;

/// [`Message::kind`] of the notice that the node of one's handle was released.
pub const MESSAGE_TYPE_NODE_RELEASE: u64 = 1;

/// [`Message::kind`] of the notice that the last handle of one's node was released.
pub const MESSAGE_TYPE_HANDLE_RELEASE: u64 = 2;

/// A structure that crosses the boundary: words in memory order, passed with its size so that it
/// can grow (STR-3).
pub trait Structure: Copy {
    /// Name in C.
    const NAME: &'static str;
    /// Bytes of version 1: a caller that passes less gets `EINVAL`.
    const FIRST_BYTES: u64;
    /// Today's words.
    type Words: AsRef<[u64]> + AsMut<[u64]> + Default + Copy;
    /// The structure from its words.
    fn from_words(words: Self::Words) -> Self;
    /// The words of the structure.
    fn to_words(self) -> Self::Words;
}

macro_rules! structures {
    ($($(#[$doc:meta])* struct $name:ident = $c_name:literal, $size:literal $(from $first:literal)? {
        $($(#[$field_doc:meta])* $field:ident @ $offset:literal,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            #[repr(C)]
            pub struct $name { $($(#[$field_doc])* pub $field: u64,)* }

            impl $name {
                /// Bytes of today's version.
                pub const SIZE: u64 = $size;

                /// The fields as words, in memory order.
                #[must_use]
                pub const fn to_words(self) -> [u64; $size / 8] { [$(self.$field),*] }

                /// The structure from its words, in memory order.
                #[must_use]
                pub const fn from_words(words: [u64; $size / 8]) -> Self {
                    Self { $($field: words[$offset / 8]),* }
                }
            }

            impl $crate::bus1::Structure for $name {
                const NAME: &'static str = $c_name;
                const FIRST_BYTES: u64 = $crate::bus1::first_bytes($size, &[$($first)?]);
                type Words = [u64; $size / 8];
                fn from_words(words: Self::Words) -> Self { Self::from_words(words) }
                fn to_words(self) -> Self::Words { self.to_words() }
            }

            const _: () = {
                assert!(size_of::<$name>() == $size);
                $(assert!(core::mem::offset_of!($name, $field) == $offset);)*
            };
        )*

        /// Every structure.
        pub const STRUCTURES: &[$crate::bus1::Layout] = &[$($crate::bus1::Layout {
            name: $c_name,
            n_bytes: $size,
            first_bytes: <$name as $crate::bus1::Structure>::FIRST_BYTES,
            fields: &[$((stringify!($field), $offset)),*],
        }),*];
    };
}
pub(crate) use structures;

/// A structure, as data.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Name in C.
    pub name: &'static str,
    /// Bytes of today's version.
    pub n_bytes: u64,
    /// Bytes of version 1.
    pub first_bytes: u64,
    /// Name and offset of each field, in their order.
    pub fields: &'static [(&'static str, u64)],
}

/// Bytes of version 1 of a structure that has `today` now: those that are named, if it has grown since.
pub(crate) const fn first_bytes(today: u64, first: &[u64]) -> u64 {
    match first {
        [first, ..] => {
            assert!(*first < today && first.is_multiple_of(8));
            *first
        }
        [] => today,
    }
}

structures! {
    /// One transfer of a handle: what to copy or make, and the id that came of it.
    struct Transfer = "bus1_transfer", 16 {
        /// 0, [`TRANSFER_FLAG_CREATE`], or in messages [`TRANSFER_FLAG_CAPABILITY`].
        flags @ 0,
        /// Id of a handle, [`INVALID`] with CREATE, or number of a capability.
        id @ 8,
    }

    /// Where a message came in, and from whom.
    struct Metadata = "bus1_metadata", 24 {
        /// 0.
        flags @ 0,
        /// The node the message came in on; the own handle or node of a notification (RCV-4).
        id @ 8,
        /// Account of the sender; [`INVALID`] for notifications.
        account @ 16,
    }

    /// A message: bytes in vectors, and handles.
    struct Message = "bus1_message", 56 {
        /// 0.
        flags @ 0,
        /// One of the `MESSAGE_TYPE_*`; `type` in C.
        kind @ 8,
        /// Entries at `ptr_transfers`.
        n_transfers @ 16,
        /// Address of an array of [`Transfer`].
        ptr_transfers @ 24,
        /// Bytes of payload.
        n_data @ 32,
        /// Entries at `ptr_data_vecs`, at most [`crate::limits::DATA_VECTORS_MAX`].
        n_data_vecs @ 40,
        /// Address of an array of [`IoVec`].
        ptr_data_vecs @ 48,
    }

    /// Argument of TRANSFER.
    struct CmdTransfer = "bus1_cmd_transfer", 40 {
        /// 0.
        flags @ 0,
        /// Capability of the destination peer, or [`INVALID`] for the source itself (TRA-3).
        to @ 8,
        /// Entries of both arrays.
        n_transfers @ 16,
        /// Address of an array of [`Transfer`]: what to copy or make.
        ptr_src @ 24,
        /// Address of an array of [`Transfer`]: the new handles.
        ptr_dst @ 32,
    }

    /// Argument of RELEASE.
    struct CmdRelease = "bus1_cmd_release", 24 {
        /// 0.
        flags @ 0,
        /// Entries at `ptr_ids`.
        n_ids @ 8,
        /// Address of an array of `u64` ids.
        ptr_ids @ 16,
    }

    /// Argument of SEND.
    struct CmdSend = "bus1_cmd_send", 40 {
        /// 0.
        flags @ 0,
        /// Entries at `ptr_destinations`.
        n_destinations @ 8,
        /// Address of an array of `u64` handle ids.
        ptr_destinations @ 16,
        /// Address of an array of `i32`, one for each destination, or 0 (SND-2).
        ptr_errors @ 24,
        /// Address of a [`Message`].
        ptr_message @ 32,
    }

    /// Argument of RECV.
    struct CmdRecv = "bus1_cmd_recv", 24 {
        /// 0 or [`RECV_FLAG_DISCARD`].
        flags @ 0,
        /// Address of a [`Metadata`].
        ptr_metadata @ 8,
        /// Address of a [`Message`].
        ptr_message @ 16,
    }

    /// One piece of a message's payload in the caller's memory.
    struct IoVec = "iovec", 16 {
        /// Address of the first byte.
        base @ 0,
        /// Bytes.
        length @ 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the structures are those of the 2026 Linux interface.
    #[test]
    fn abi_bus1_structure_sizes() {
        let sizes: Vec<_> = STRUCTURES
            .iter()
            .map(|layout| (layout.name, layout.n_bytes))
            .collect();
        assert_eq!(
            sizes,
            [
                ("bus1_transfer", 16),
                ("bus1_metadata", 24),
                ("bus1_message", 56),
                ("bus1_cmd_transfer", 40),
                ("bus1_cmd_release", 24),
                ("bus1_cmd_send", 40),
                ("bus1_cmd_recv", 24),
                ("iovec", 16),
            ]
        );
    }

    /// A structure read back from its words is the same structure.
    #[test]
    fn abi_words_round_trip() {
        let words = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(Message::from_words(words).to_words(), words);
    }
}
