//! Numbers and layouts of the driver's protocol (Linux, include/uapi/linux/android/binder.h).

use nix::errno::Errno;

use crate::sys::Result;

pub(super) const BC_TRANSACTION: u32 = 0x4040_6300;
pub(super) const BC_REPLY: u32 = 0x4040_6301;
pub(super) const BC_FREE_BUFFER: u32 = 0x4008_6303;
pub(super) const BC_ACQUIRE: u32 = 0x4004_6305;
pub(super) const BC_RELEASE: u32 = 0x4004_6306;
pub(super) const BC_INCREFS_DONE: u32 = 0x4010_6308;
pub(super) const BC_ACQUIRE_DONE: u32 = 0x4010_6309;
pub(super) const BC_ENTER_LOOPER: u32 = 0x630c;
pub(super) const BC_REQUEST_DEATH_NOTIFICATION: u32 = 0x400c_630e;

pub(super) const BR_TRANSACTION: u32 = 0x8040_7202;
pub(super) const BR_REPLY: u32 = 0x8040_7203;
pub(super) const BR_DEAD_REPLY: u32 = 0x7205;
pub(super) const BR_TRANSACTION_COMPLETE: u32 = 0x7206;
pub(super) const BR_INCREFS: u32 = 0x8010_7207;
pub(super) const BR_ACQUIRE: u32 = 0x8010_7208;
pub(super) const BR_RELEASE: u32 = 0x8010_7209;
pub(super) const BR_DEAD_BINDER: u32 = 0x8008_720f;
pub(super) const BR_FAILED_REPLY: u32 = 0x7211;

/// `BINDER_TYPE_BINDER`: a node of the sender's own.
pub(super) const OWN_NODE: u32 = 0x7362_2a85;
/// `BINDER_TYPE_HANDLE`: a handle of the sender's.
pub(super) const HELD_HANDLE: u32 = 0x7368_2a85;
/// Bytes of a `flat_binder_object`; its handle or node stands at byte 8.
pub(super) const N_OBJECT_BYTES: usize = 24;

/// `TF_ONE_WAY`: there will be no reply.
pub(super) const ONE_WAY: u32 = 1;

/// A payload in mapped memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// A number of the sender's choice.
    pub(crate) code: u32,
    flags: u32,
    pub(super) address: u64,
    pub(super) n_bytes: u64,
}

impl Message {
    /// Whether the sender waits for a reply.
    pub(crate) fn is_call(&self) -> bool {
        self.flags & ONE_WAY == 0
    }

    /// From what follows a `BR_TRANSACTION` or `BR_REPLY`.
    pub(super) fn of(data: &[u8]) -> Result<Self> {
        let word = |index: usize| {
            let bytes = data.get(8 * index..8 * index + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let (Some(code), Some(n_bytes), Some(address)) = (word(2), word(4), word(6)) else {
            return Err(Errno::EBADMSG);
        };
        Ok(Self {
            code: code as u32,
            flags: (code >> 32) as u32,
            address,
            n_bytes,
        })
    }
}
