//! The word of a transaction: the single place where a transaction of several queues is decided (section 6).
//!
//! States: *open* with a floor, the greatest clock of the queues that know it; *done* with its stamp. The order of all
//! transactions is by (stamp, tag); the tag of a word is its address. Two words that exist at once have different addresses, and
//! that is all a tie needs: two transactions are compared only at a queue where both are pending, so both words exist. A later word
//! at the same address enters a common queue when the earlier was settled there, hence with a floor of at least its stamp.
//!
//! Rules:
//! 1. The floor only grows, and never after the decision.
//! 2. The stamp is above the floor at the decision.
//! 3. Messages that are handed over together ([`crate::hand_over`]) have a word that can be called off as long as it is open: it is *off* then.
//! 4. A release uses the word of its peer, again and again, since a peer has one release open at a time; it is opened again only when
//!    every queue that knew it was settled.

use omnibus_counted::OutOfMemory;

use crate::mem::{Ref, Stock, Vacant};
use crate::sync::{AtomicU64, Ordering, record};

/// Bit 0 of the word: decided.
const DONE: u64 = 1;

/// The word of what was called off: decided, as far as others can tell, with a stamp that there is not.
const OFF: u64 = u64::MAX;

/// One word per transaction, shared by all its members. Behind it lies the payload that they share, if there is one.
pub(crate) struct Transaction {
    /// Floor or stamp, shifted by one, and [`DONE`].
    word: AtomicU64,
    /// The tag under a model checker, which repeats executions and needs the same ties every time: addresses differ, the order
    /// of making does not.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    serial: usize,
}

impl Transaction {
    /// An open word, with room for `n_data` bytes behind it.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub(crate) fn try_new(n_data: usize) -> Result<Ref<Transaction>, OutOfMemory> {
        let transaction = Transaction {
            word: AtomicU64::new(0),
            #[cfg(any(feature = "loom", feature = "shuttle"))]
            serial: {
                use core::sync::atomic::AtomicUsize;
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                NEXT.fetch_add(1, Ordering::Relaxed)
            },
        };
        Ok(Vacant::try_new(n_data)?.occupy(transaction))
    }

    /// An open word without room behind it: `used`, if that is one that no message has any more, or a new one.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    #[inline(always)]
    pub(crate) fn try_open(
        used: Option<Ref<Transaction>>,
    ) -> Result<Ref<Transaction>, OutOfMemory> {
        let used = used.and_then(|mut word| {
            word.get_mut()?.word = AtomicU64::new(0);
            Some(word)
        });
        match used {
            Some(word) => Ok(word),
            None => Transaction::try_new(0),
        }
    }

    /// The stamp, if it is decided.
    #[inline]
    pub(crate) fn stamp(&self) -> Option<u64> {
        let word = self.word.load(Ordering::Acquire);
        (word & DONE != 0).then_some(word >> 1)
    }

    /// Raises the floor to `clock` at least; the stamp, if it was decided before that.
    pub(crate) fn raise(&self, clock: u64) -> Option<u64> {
        record(core::ptr::from_ref(self).addr());
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & DONE != 0 {
                return Some(word >> 1);
            }
            if word >> 1 >= clock {
                return None;
            }
            match self
                .word
                .compare_exchange(word, clock << 1, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return None,
                Err(now) => word = now,
            }
        }
    }

    /// Decides: the stamp is above the floor and above `after`. Only the transaction's own thread calls it, once.
    pub(crate) fn decide(&self, after: u64) -> u64 {
        record(core::ptr::from_ref(self).addr());
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            // Clocks count transactions: 2^63 of them are never reached.
            let stamp = (word >> 1).max(after).saturating_add(1);
            match self.word.compare_exchange(
                word,
                stamp << 1 | DONE,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return stamp,
                Err(now) => word = now,
            }
        }
    }

    /// Decides, as [`Transaction::decide`], unless it was called off: the stamp.
    pub(crate) fn decide_unless_off(&self, after: u64) -> Option<u64> {
        record(core::ptr::from_ref(self).addr());
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word == OFF {
                return None;
            }
            let stamp = (word >> 1).max(after).saturating_add(1);
            let decided = stamp << 1 | DONE;
            match self
                .word
                .compare_exchange(word, decided, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Some(stamp),
                Err(now) => word = now,
            }
        }
    }

    /// Calls it off, unless it was decided before: the stamp.
    pub(crate) fn call_off(&self) -> Option<u64> {
        record(core::ptr::from_ref(self).addr());
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word == OFF {
                return None;
            }
            if word & DONE != 0 {
                return Some(word >> 1);
            }
            match self
                .word
                .compare_exchange(word, OFF, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return None,
                Err(now) => word = now,
            }
        }
    }

    /// Opens the word for the next release of its peer (rule 4).
    pub(crate) fn reopen(&self) {
        record(core::ptr::from_ref(self).addr());
        self.word.store(0, Ordering::Release);
    }
}

/// A transaction that is being entered at its queues, by the thread that will decide it.
pub(crate) struct Entering {
    /// Its word, and counts of it for its members.
    pub(crate) word: Stock<Transaction>,
    /// The floor of the word is at least this.
    floor: u64,
}

impl Entering {
    /// Of this word, which is open.
    pub(crate) fn new(word: Ref<Transaction>) -> Entering {
        Entering {
            word: Stock::<Transaction>::new(word),
            floor: 0,
        }
    }

    /// A queue with this clock is to know it: the stamp will be above that.
    #[inline(always)]
    pub(crate) fn pass(&mut self, clock: u64) {
        if self.floor < clock {
            // Nobody else decides it.
            let _ = self.word.raise(clock);
            self.floor = clock;
        }
    }
}

/// What breaks a tie of two stamps.
pub(crate) fn tag(transaction: &Ref<Transaction>) -> usize {
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    return transaction.serial;
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    transaction.address()
}

#[cfg(all(test, not(any(feature = "loom", feature = "shuttle"))))]
mod tests {
    use super::*;

    /// A word with this floor.
    fn open(floor: u64) -> Ref<Transaction> {
        let word = Transaction::try_new(0).expect("memory");
        assert_eq!(word.raise(floor), None);
        word
    }

    /// A stamp is the next above the floor and above what its sender decided before, not more, and is what everybody is told from then on.
    #[test]
    fn ord_1_a_stamp_is_the_next_above_all_it_is_to_be_above() {
        for (floor, after, stamp) in [(5, 3, 6), (2, 7, 8), (0, 0, 1)] {
            let word = open(floor);
            assert_eq!((word.stamp(), word.decide(after)), (None, stamp));
            assert_eq!(word.stamp(), Some(stamp));
            assert_eq!(word.raise(100), Some(stamp), "it is decided");

            let word = open(floor);
            assert_eq!(word.decide_unless_off(after), Some(stamp));
            assert_eq!(word.stamp(), Some(stamp));
            assert_eq!(word.call_off(), Some(stamp), "it is decided");
        }
    }

    /// What was called off is never decided, and may be called off again.
    #[test]
    fn ord_1_what_is_called_off_is_not_decided() {
        let word = open(5);
        assert_eq!(word.call_off(), None);
        assert_eq!(word.decide_unless_off(7), None);
        assert_eq!(word.call_off(), None);
    }
}
