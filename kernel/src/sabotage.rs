//! Mechanisms broken on purpose, to show that the tour notices: one for each of its chapters, chosen by the kernel word
//! `sabotage=a` to `sabotage=h`.
//!
//! Only the kernel that is built for that test has any of it (feature `sabotage`). In the shipped one [`breaks`] is the
//! constant `false`, every use of it is compiled away, and the word is refused.

/// A promise that can be broken. The number is the letter of the chapter that must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Promise {
    /// A read where nothing is mapped finds what another task has there.
    Isolation = b'a',
    /// The 65th byte of a message arrives changed.
    Payload = b'b',
    /// The handles that a message carries are left behind.
    CarriedHandles = b'c',
    /// One receiver puts the messages with several receivers in an order of its own.
    Order = b'd',
    /// Notices are dropped instead of received.
    Notices = b'e',
    /// The peers of a task that faulted stay open.
    Death = b'f',
    /// A capability's generation is not looked at.
    Generations = b'g',
    /// A new account has no limits.
    Quotas = b'h',
}

#[cfg(not(feature = "sabotage"))]
mod chosen {
    use super::Promise;

    /// Whether the promise is broken: never.
    #[must_use]
    pub const fn breaks(_: Promise) -> bool {
        false
    }

    /// Takes the kernel word: false, because this kernel cannot be broken.
    #[must_use]
    pub const fn choose(_: &str) -> bool {
        false
    }
}

#[cfg(feature = "sabotage")]
mod chosen {
    use super::Promise;
    use core::sync::atomic::{AtomicU8, Ordering};

    static LETTER: AtomicU8 = AtomicU8::new(0);

    /// Whether the promise is broken.
    #[must_use]
    pub fn breaks(promise: Promise) -> bool {
        LETTER.load(Ordering::Relaxed) == promise as u8
    }

    /// Takes the kernel word: false if it is not one letter from a to h.
    #[must_use]
    pub fn choose(value: &str) -> bool {
        let &[letter @ b'a'..=b'h'] = value.as_bytes() else {
            return false;
        };
        LETTER.store(letter, Ordering::Relaxed);
        if letter == Promise::Order as u8 {
            bus1_service::sabotage::break_order();
        }
        true
    }
}

pub use chosen::{breaks, choose};

/// Gives `thief` a copy of what another task has at the page of `address`; false if nobody has anything there.
#[cfg(all(feature = "sabotage", not(test)))]
pub fn lend(thief: &crate::task::task::Task, address: u64) -> bool {
    use crate::mm::address_space::Rights;
    use crate::mm::user;
    use crate::task::task::Task;
    use omnibus_abi::layout::PAGE_BYTES;

    /// Bytes that are copied, around the address.
    const PIECE: u64 = 256;

    let (page, piece) = (address & !(PAGE_BYTES - 1), address & !(PIECE - 1));
    let mut bytes = [0; PIECE as usize];
    let mut after = None;
    while let Some(task) = Task::after(after.as_ref()) {
        after = Some(task.clone());
        let is_owner = task.number != thief.number && task.space.is_own(page);
        if is_owner && task.space.activate() {
            let is_read = user::copy_from_user(&mut bytes, piece).is_ok();
            let fill = |page: &mut [u8; PAGE_BYTES as usize]| {
                let at = (piece % PAGE_BYTES) as usize;
                if let Some(place) = page.get_mut(at..at + PIECE as usize) {
                    place.copy_from_slice(&bytes);
                }
            };
            return thief.space.activate()
                && is_read
                && thief.space.map(page, Rights::Read, fill).is_ok();
        }
    }
    false
}
