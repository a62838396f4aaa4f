//! Messages in registers: what goes where in the calls `send_short`, `receive_short` and `call_short`.
//!
//! | register | on entry | on return |
//! |---|---|---|
//! | `rax` | the call's number; in its upper half the bytes to send, [`CARRY`] and [`TAKE`] | status |
//! | `rdi` | capability of the peer | of what was received, `metadata.id` (RCV-4) |
//! | `rsi` | id of the handle | `metadata.account` |
//! | `rbx` | the deadline, in nanoseconds | [`Descriptor`] |
//! | [`REGISTERS`] | the bytes to send | the bytes received |
//!
//! The bytes are those of the registers in memory order, little endian. What of a register lies behind the last byte of a message is
//! not sent, and is 0 in the receiver's; registers that no byte of the message is in are kept. After an error `rdx` is 0, `rbx` is the
//! descriptor, and all others are kept. `rcx` and `r11` are lost as always.

/// Most bytes of a short message.
pub const SHORT_BYTES_MAX: u64 = 64;

/// Most bytes of a short message with a handle, whose id is in the last of the [`REGISTERS`].
pub const SHORT_BYTES_BESIDE_MAX: u64 = SHORT_BYTES_MAX - 8;

/// Bit of `rax`: the message carries a copy of the handle whose id the last register holds.
pub const CARRY: u64 = 1 << 62;

/// Bit of `rax`: there is room for a handle that comes with the message received; its id goes to the last register.
pub const TAKE: u64 = 1 << 63;

/// Words of a short message.
pub const N_WORDS: usize = (SHORT_BYTES_MAX / 8) as usize;

/// The registers of a message, in the order of its bytes.
pub const REGISTERS: [&str; N_WORDS] = ["rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15"];

/// Where in `rax` the number of bytes begins.
pub const N_BYTES_SHIFT: u32 = 32;

/// What a call with a message in registers returns in `rbx`: what was received, and how far the call came.
///
/// Bits 0 to 31 are the bytes of the message, bits 32 to 47 the handles it carries, bits 48 to 49 its type (`MESSAGE_TYPE_*`). Bit 63
/// is set once the call has sent its message: an error that comes with it is one of receiving. With `EMSGSIZE` they tell what is
/// needed (RCV-2), with any other error they are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Descriptor(pub u64);

impl Descriptor {
    /// The bit that says that the message was sent.
    pub const SENT: u64 = 1 << 63;

    /// Of a message of this type, with so many bytes and handles.
    #[must_use]
    pub const fn new(kind: u64, n_data: u64, n_transfers: u64) -> Self {
        Self((kind & 3) << 48 | (n_transfers & 0xffff) << 32 | (n_data & 0xffff_ffff))
    }

    /// The same, with the message sent.
    #[must_use]
    pub const fn sent(self) -> Self {
        Self(self.0 | Self::SENT)
    }

    /// True if the call has sent its message.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        self.0 & Self::SENT != 0
    }

    /// Bytes of the message.
    #[must_use]
    pub const fn n_data(self) -> u64 {
        self.0 & 0xffff_ffff
    }

    /// Handles that it carries.
    #[must_use]
    pub const fn n_transfers(self) -> u64 {
        self.0 >> 32 & 0xffff
    }

    /// Its type.
    #[must_use]
    pub const fn kind(self) -> u64 {
        self.0 >> 48 & 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DATA_BYTES_MAX, TRANSFERS_MAX};

    /// A descriptor holds the largest message there is, and each part comes back as it was.
    #[test]
    fn abi_descriptors_hold_every_message() {
        for (kind, n_data, n_transfers) in
            [(0, 0, 0), (1, 7, 1), (2, DATA_BYTES_MAX, TRANSFERS_MAX)]
        {
            let plain = Descriptor::new(kind, n_data, n_transfers);
            for descriptor in [plain, plain.sent()] {
                let parts = (
                    descriptor.kind(),
                    descriptor.n_data(),
                    descriptor.n_transfers(),
                );
                assert_eq!(parts, (kind, n_data, n_transfers));
                assert_eq!(descriptor.is_sent(), descriptor != plain);
            }
        }
    }
}
