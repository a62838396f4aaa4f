//! Doubly linked lists whose links lie in the elements: linking and unlinking need no memory and cannot fail.
//!
//! A list owns one count of every element; the links themselves are bare addresses. Rules that keep them valid:
//! 1. An element is on at most one list through one link: pushing a linked element is refused.
//! 2. An element is taken out only if the ends agree: an element without predecessor must be this list's first, one without
//!    successor its last. An element in the middle may be taken out through any list, which changes nothing but its neighbours.
//! 3. All links of a list are under one lock: each access shows the key.
//!
//! The kernel's list is another thing: its elements carry its name, since its lists are under many locks and it never appends one.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::num::NonZeroUsize;
use core::ops::Deref;

use super::Key;

/// The link is on no list.
const UNLINKED: usize = 0;
/// No neighbour on this side.
const END: usize = 1;

/// A counted pointer, or an enumeration of some, that fits one word.
///
/// # Safety
/// `from_word(into_word(item))` is `item`; the word is above 7 and stays the same as long as the item lives; a word may be turned
/// into an item more than once if all but one are never dropped.
pub(super) unsafe trait Word: Sized {
    fn into_word(self) -> usize;
    /// # Safety
    /// The word came from `into_word` of the same type and still stands for a count.
    unsafe fn from_word(word: usize) -> Self;
}

/// Which link of an element a list goes through.
///
/// # Safety
/// `link` gives the same field of the element each time, and no other implementation gives that field.
#[expect(
    private_bounds,
    reason = "which types fit a word is decided in this directory"
)]
pub(crate) unsafe trait Adapter {
    type Item: Word;
    fn link<'a>(item: &'a Self::Item, key: &'a mut Key) -> &'a mut Link;
}

/// The place of an element on a list. Made once, with the element.
pub(crate) struct Link {
    previous: usize,
    next: usize,
}

impl Link {
    pub(crate) const fn new() -> Link {
        Link {
            previous: UNLINKED,
            next: UNLINKED,
        }
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.previous != UNLINKED
    }
}

/// A list through the links that `A` names.
pub(crate) struct List<A: Adapter> {
    first: usize,
    last: usize,
    _owns: PhantomData<fn() -> A>,
}

/// An element that somebody else owns.
pub(crate) struct Borrowed<'a, T> {
    item: ManuallyDrop<T>,
    _owner: PhantomData<&'a ()>,
}

impl<T> Deref for Borrowed<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.item
    }
}

impl<A: Adapter> Default for List<A> {
    fn default() -> Self {
        List::new()
    }
}

impl<A: Adapter> List<A> {
    pub(crate) const fn new() -> List<A> {
        List {
            first: END,
            last: END,
            _owns: PhantomData,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == END
    }

    /// Whether nothing is on any of them: one comparison for all.
    #[inline(always)]
    pub(crate) fn are_empty<const N: usize>(lists: [&List<A>; N]) -> bool {
        // The word of an element is above 7.
        lists.iter().fold(END, |words, list| words | list.first) == END
    }

    /// The first element.
    pub(crate) fn front(&self) -> Option<Borrowed<'_, A::Item>> {
        self.end(self.first)
    }

    /// The last element.
    pub(crate) fn back(&self) -> Option<Borrowed<'_, A::Item>> {
        self.end(self.last)
    }

    /// The element at one end, by its word.
    fn end(&self, word: usize) -> Option<Borrowed<'_, A::Item>> {
        if word == END {
            return None;
        }
        // SAFETY: the list owns a count of its first and of its last element, and neither can be taken out while `self` is
        // borrowed: through another list only elements in the middle can be (rule 2).
        let item = ManuallyDrop::new(unsafe { A::Item::from_word(word) });
        Some(Borrowed {
            item,
            _owner: PhantomData,
        })
    }

    /// The element, if there is exactly one.
    #[inline]
    pub(crate) fn only(&self) -> Option<Borrowed<'_, A::Item>> {
        if self.first == self.last {
            self.front()
        } else {
            None
        }
    }

    /// Puts `item` behind all others. An item that is on a list already stays there, and is dropped here.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, key: &mut Key, item: A::Item) {
        let link = A::link(&item, key);
        if link.is_linked() {
            debug_assert!(false, "pushed twice");
            return;
        }
        *link = Link {
            previous: self.last,
            next: END,
        };
        let word = item.into_word();
        if self.last == END {
            self.first = word;
        } else {
            Self::at(self.last, key, |link| link.next = word);
        }
        self.last = word;
    }

    /// The same for a list that lies in `owner` under the same lock, where `place` finds it: nothing is moved for that.
    #[inline(always)]
    pub(crate) fn push_back_in<O>(
        owner: &O,
        place: impl for<'a> Fn(&'a O, &'a mut Key) -> &'a mut List<A>,
        key: &mut Key,
        item: A::Item,
    ) {
        let last = place(owner, key).last;
        let link = A::link(&item, key);
        if link.is_linked() {
            debug_assert!(false, "pushed twice");
            return;
        }
        *link = Link {
            previous: last,
            next: END,
        };
        let word = item.into_word();
        let list = place(owner, key);
        list.last = word;
        if last == END {
            list.first = word;
        } else {
            Self::at(last, key, |link| link.next = word);
        }
    }

    /// Takes `item` out of a list that lies in `owner` under the same lock, where `place` finds it; as [`List::remove`].
    #[inline(always)]
    pub(crate) fn remove_in<O>(
        owner: &O,
        place: impl for<'a> Fn(&'a O, &'a mut Key) -> &'a mut List<A>,
        key: &mut Key,
        item: &A::Item,
    ) -> Option<A::Item> {
        let list = place(owner, key);
        let (mut first, mut last) = (list.first, list.last);
        let taken = Self::take(&mut first, &mut last, key, item);
        let list = place(owner, key);
        list.first = first;
        list.last = last;
        taken
    }

    /// Puts `item` before all others.
    pub(crate) fn push_front(&mut self, key: &mut Key, item: A::Item) {
        let mut others = core::mem::take(self);
        self.push_back(key, item);
        self.append(key, &mut others);
    }

    /// Takes the first element out.
    #[inline(always)]
    pub(crate) fn pop_front(&mut self, key: &mut Key) -> Option<A::Item> {
        if self.first == END {
            return None;
        }
        // SAFETY: the list owns a count of its first element, which is the caller's from here on: it is taken out below.
        let item = unsafe { A::Item::from_word(self.first) };
        let next = core::mem::replace(A::link(&item, key), Link::new()).next;
        self.first = next;
        if next == END {
            self.last = END;
        } else {
            Self::at(next, key, |link| link.previous = END);
        }
        Some(item)
    }

    /// Takes `item` out; `None` if it is on no list, or at the end of another.
    #[inline]
    pub(crate) fn remove(&mut self, key: &mut Key, item: &A::Item) -> Option<A::Item> {
        Self::take(&mut self.first, &mut self.last, key, item)
    }

    /// Puts all elements of `other` behind those of this list.
    #[inline]
    pub(crate) fn append(&mut self, key: &mut Key, other: &mut List<A>) {
        if self.is_empty() {
            core::mem::swap(self, other);
        } else if !other.is_empty() {
            self.append_to_some(key, other);
        }
    }

    #[inline(never)]
    fn append_to_some(&mut self, key: &mut Key, other: &mut List<A>) {
        Self::at(self.last, key, |link| link.next = other.first);
        Self::at(other.first, key, |link| link.previous = self.last);
        self.last = other.last;
        other.first = END;
        other.last = END;
    }

    /// Calls `visit` on the elements in order, until it says `false`. It cannot change any list: the key is lent to this walk.
    pub(crate) fn walk(&self, key: &mut Key, mut visit: impl FnMut(&A::Item) -> bool) {
        let mut word = self.first;
        while word != END {
            // SAFETY: the walk goes along this list, whose elements are alive: nothing is taken out while the key is lent.
            let item = ManuallyDrop::new(unsafe { A::Item::from_word(word) });
            if !visit(&item) {
                return;
            }
            word = A::link(&item, key).next;
        }
    }

    #[inline(always)]
    fn take(first: &mut usize, last: &mut usize, key: &mut Key, item: &A::Item) -> Option<A::Item> {
        let link = A::link(item, key);
        let Link { previous, next } = *link;
        // SAFETY: the word is only compared and, if the item is on this list, stands for the list's count of it. The item
        // lives since the caller has it; it is not dropped here.
        let word = unsafe { core::ptr::read(item) };
        let word = word.into_word();
        if previous == UNLINKED
            || (previous == END && *first != word)
            || (next == END && *last != word)
        {
            return None;
        }
        *A::link(item, key) = Link::new();
        if previous == END {
            *first = next;
        } else {
            Self::at(previous, key, |link| link.next = next);
        }
        if next == END {
            *last = previous;
        } else {
            Self::at(next, key, |link| link.previous = previous);
        }
        // SAFETY: the item was linked, so a list owned a count of it, which is the caller's from here on.
        Some(unsafe { A::Item::from_word(word) })
    }

    /// Changes the link of the element that `word` stands for, an element of a list.
    #[inline]
    fn at(word: usize, key: &mut Key, change: impl FnOnce(&mut Link)) {
        // SAFETY: `word` was read from a list or from the link of a listed element; listed elements are alive (their list owns a
        // count), and unlinking one removes its word from both neighbours.
        let item = ManuallyDrop::new(unsafe { A::Item::from_word(word) });
        change(A::link(&item, key));
    }
}

/// An item in one word.
#[expect(
    private_bounds,
    reason = "which types fit a word is decided in this directory"
)]
pub(crate) struct Packed<T: Word> {
    word: NonZeroUsize,
    _owns: PhantomData<T>,
}

#[expect(
    private_bounds,
    reason = "which types fit a word is decided in this directory"
)]
impl<T: Word> Packed<T> {
    pub(crate) fn new(item: T) -> Packed<T> {
        // SAFETY: a word is above 7.
        let word = unsafe { NonZeroUsize::new_unchecked(item.into_word()) };
        Packed {
            word,
            _owns: PhantomData,
        }
    }

    pub(crate) fn get(&self) -> Borrowed<'_, T> {
        // SAFETY: `self` owns the count and is borrowed.
        let item = ManuallyDrop::new(unsafe { T::from_word(self.word.get()) });
        Borrowed {
            item,
            _owner: PhantomData,
        }
    }
}

impl<T: Word> Drop for Packed<T> {
    fn drop(&mut self) {
        // SAFETY: `self` owned the count.
        drop(unsafe { T::from_word(self.word.get()) });
    }
}

#[cfg(test)]
mod tests;
