//! Messages in memory that registers tell of: what goes where in the calls `receive_long` and `call_long`.
//!
//! | register | on entry | on return |
//! |---|---|---|
//! | `rax` | the call's number; in its upper half the bytes of a `bus1_transfer` | status |
//! | `rdi` | capability of the peer | of what was received, `metadata.id` (RCV-4) |
//! | `rsi` | id of the handle | `metadata.account` |
//! | `rbx` | the deadline, in nanoseconds | [`Descriptor`](crate::short::Descriptor) |
//! | `rdx` `r8` | address and number of the bytes to send | kept |
//! | `r9` `r10` | address and number of the transfers to send | kept |
//! | `r12` `r13` | address and number of the bytes that there is room for | kept |
//! | `r14` `r15` | address and number of the transfers that there is room for | kept |
//!
//! The eight that are kept are the [`REGISTERS`](crate::short::REGISTERS) of a short message, in the order of [`Memory::to_words`]. After an
//! error `rdx` is 0, `rbx` is the descriptor, and all others are kept. `rcx` and `r11` are lost as always.

use crate::short::N_WORDS;

/// Where in `rax` the size of a transfer begins.
pub const TRANSFER_SIZE_SHIFT: u32 = crate::short::N_BYTES_SHIFT;

/// An array: its address, and how many elements it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Its address; anything if it is empty.
    pub address: u64,
    /// Elements.
    pub n: u64,
}

/// The memory of a call: what is sent from there, and received to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The bytes to send.
    pub data: Range,
    /// The transfers to send.
    pub transfers: Range,
    /// Room for bytes.
    pub into: Range,
    /// Room for transfers.
    pub into_transfers: Range,
}

impl Memory {
    /// As it is in the message registers.
    #[inline(always)]
    #[must_use]
    pub const fn to_words(self) -> [u64; N_WORDS] {
        [
            self.data.address,
            self.data.n,
            self.transfers.address,
            self.transfers.n,
            self.into.address,
            self.into.n,
            self.into_transfers.address,
            self.into_transfers.n,
        ]
    }

    /// What the message registers say.
    #[inline(always)]
    #[must_use]
    pub const fn from_words(words: [u64; N_WORDS]) -> Self {
        let [
            data,
            n_data,
            transfers,
            n_transfers,
            into,
            n_into,
            into_transfers,
            n_into_transfers,
        ] = words;
        const fn range(address: u64, n: u64) -> Range {
            Range { address, n }
        }
        Self {
            data: range(data, n_data),
            transfers: range(transfers, n_transfers),
            into: range(into, n_into),
            into_transfers: range(into_transfers, n_into_transfers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::short::REGISTERS;

    /// The memory of a call goes through the message registers unchanged, in the registers that the call's description names.
    #[test]
    fn abi_memory_is_in_the_message_registers() {
        let words = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(Memory::from_words(words).to_words(), words);
        let described = Call::CallLong.specification().registers();
        assert_eq!(described[3..11], REGISTERS);
    }
}
