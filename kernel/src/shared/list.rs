//! A queue whose links lie in its elements.
//!
//! 1. A list owns one count of each of its elements, so elements are alive.
//! 2. A link names the list it is on. Only a `&mut` to that list changes the link, or the links of its
//!    neighbours; any other list finds another name there and keeps off.
//! 3. Names of lists are never used again, so a list that was moved keeps its elements, and one that
//!    was dropped (dropping its elements) cannot be mistaken for another.
//!
//! The core's list is another thing: it proves its lock by a key instead, and its elements do not know it.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::Ref;

/// An element's place on one list at a time.
#[derive(Debug, Default)]
pub struct Link {
    /// Name of the list, 0 for none.
    list: AtomicU64,
    previous: AtomicPtr<()>,
    next: AtomicPtr<()>,
}

impl Link {
    /// On no list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: AtomicU64::new(0),
            previous: AtomicPtr::new(null_mut()),
            next: AtomicPtr::new(null_mut()),
        }
    }
}

/// Elements that have a link for lists of the purpose `P`.
pub trait Linked<P>: Sized {
    /// The link; the same one each time.
    fn link(&self) -> &Link;
}

/// A queue of counted pointers, through the link for `P`.
pub struct List<T: Linked<P>, P> {
    name: u64,
    first: *mut (),
    last: *mut (),
    _elements: PhantomData<Ref<T>>,
    _purpose: PhantomData<fn(P)>,
}

// SAFETY: the list owns `Ref<T>`s and nothing else; it may go where they may.
unsafe impl<T: Linked<P>, P> Send for List<T, P> where Ref<T>: Send {}
// SAFETY: a `&List` gives `&T` only.
unsafe impl<T: Linked<P>, P> Sync for List<T, P> where Ref<T>: Sync {}

static NAMES: AtomicU64 = AtomicU64::new(1);

impl<T: Linked<P>, P> Default for List<T, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Linked<P>, P> List<T, P> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: 0,
            first: null_mut(),
            last: null_mut(),
            _elements: PhantomData,
            _purpose: PhantomData,
        }
    }

    /// True if nothing is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Puts `element` behind all others; false if it is on a list already and stays there.
    pub fn push_back(&mut self, element: Ref<T>) -> bool {
        if self.name == 0 {
            self.name = NAMES.fetch_add(1, Ordering::Relaxed);
        }
        let link = element.link();
        let taken = link
            .list
            .compare_exchange(0, self.name, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            return false;
        }
        link.previous.store(self.last, Ordering::Relaxed);
        link.next.store(null_mut(), Ordering::Relaxed);
        let raw = element.into_raw().as_ptr();
        match NonNull::new(self.last) {
            // SAFETY: the last element of this list.
            Some(last) => unsafe { neighbour::<T, P>(&last) }
                .next
                .store(raw, Ordering::Relaxed),
            None => self.first = raw,
        }
        self.last = raw;
        true
    }

    /// The first element.
    #[must_use]
    pub fn front(&self) -> Option<Ref<T>> {
        let first = NonNull::new(self.first)?;
        // SAFETY: `first` came from `into_raw` and the list owns its count, which stays with the list.
        let element = core::mem::ManuallyDrop::new(unsafe { Ref::<T>::from_raw(first) });
        Some(Ref::clone(&element))
    }

    /// The element behind `element`, which must be on this list.
    #[must_use]
    pub fn next(&self, element: &Ref<T>) -> Option<Ref<T>> {
        let link = element.link();
        if !self.has(element) {
            return None;
        }
        let next = NonNull::new(link.next.load(Ordering::Relaxed))?;
        // SAFETY: a neighbour on this list, as for `front`.
        let element = core::mem::ManuallyDrop::new(unsafe { Ref::<T>::from_raw(next) });
        Some(Ref::clone(&element))
    }

    /// True if `element` is on this list.
    #[must_use]
    pub fn has(&self, element: &Ref<T>) -> bool {
        self.name != 0 && element.link().list.load(Ordering::Relaxed) == self.name
    }

    /// The element behind `element`, or the first, on a list in ascending order of `number`; also if `element` was taken out meanwhile.
    pub fn behind(&self, element: Option<&Ref<T>>, number: impl Fn(&T) -> u64) -> Option<Ref<T>> {
        match element {
            None => self.front(),
            Some(element) if self.has(element) => self.next(element),
            Some(element) => self.find(|other| number(other) > number(element)),
        }
    }

    /// The first element that `is_wanted`.
    pub fn find(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Ref<T>> {
        let mut at = self.front();
        while let Some(element) = at {
            if is_wanted(&element) {
                return Some(element);
            }
            at = self.next(&element);
        }
        None
    }

    /// Takes the first element out.
    pub fn pop_front(&mut self) -> Option<Ref<T>> {
        let first = self.front()?;
        self.remove(&first)
    }

    /// Takes `element` out, if it is on this list.
    pub fn remove(&mut self, element: &Ref<T>) -> Option<Ref<T>> {
        let link = element.link();
        if !self.has(element) {
            return None;
        }
        let previous = link.previous.load(Ordering::Relaxed);
        let next = link.next.load(Ordering::Relaxed);
        match NonNull::new(previous) {
            // SAFETY: a neighbour on this list.
            Some(previous) => unsafe { neighbour::<T, P>(&previous) }
                .next
                .store(next, Ordering::Relaxed),
            None => self.first = next,
        }
        match NonNull::new(next) {
            // SAFETY: a neighbour on this list.
            Some(next) => unsafe { neighbour::<T, P>(&next) }
                .previous
                .store(previous, Ordering::Relaxed),
            None => self.last = previous,
        }
        // From here on another list may take it.
        link.list.store(0, Ordering::Release);
        // SAFETY: the element was on this list, which owned a count of it and gives it to the caller.
        Some(unsafe { Ref::from_raw(element.as_raw()) })
    }
}

/// The link of an element of a list that the caller has a `&mut` to.
///
/// # Safety
/// `raw` is an element of that list: it came from `into_raw` of a `Ref<T>` and the list owns its count.
unsafe fn neighbour<T: Linked<P>, P>(raw: &NonNull<()>) -> &Link {
    // SAFETY: the list's count keeps the element alive as long as the caller's borrow of the list, which outlives `raw`'s use.
    let element = core::mem::ManuallyDrop::new(unsafe { Ref::<T>::from_raw(*raw) });
    let link: *const Link = element.link();
    // SAFETY: `link` is a field of the element, alive as above.
    unsafe { &*link }
}

impl<T: Linked<P>, P> Drop for List<T, P> {
    fn drop(&mut self) {
        while self.pop_front().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Element(u32, Link);
    struct Purpose;

    impl Linked<Purpose> for Element {
        fn link(&self) -> &Link {
            &self.1
        }
    }

    fn elements(n: u32) -> Vec<Ref<Element>> {
        (0..n)
            .map(|i| Ref::try_new(Element(i, Link::new())).unwrap_or_else(|_| unreachable!()))
            .collect()
    }

    fn drain(list: &mut List<Element, Purpose>) -> Vec<u32> {
        core::iter::from_fn(|| list.pop_front().map(|e| e.0)).collect()
    }

    /// Elements leave in the order in which they came, from the middle and the ends alike.
    #[test]
    fn shared_list_keeps_its_order() {
        let all = elements(6);
        let mut list = List::new();
        for element in &all {
            assert!(list.push_back(element.clone()));
        }
        for index in [0, 3, 5] {
            assert!(list.remove(&all[index]).is_some());
            assert!(list.remove(&all[index]).is_none());
        }
        list.push_back(all[3].clone());
        assert_eq!(drain(&mut list), [1, 2, 4, 3]);
        assert!(list.is_empty());
    }

    /// An element is on one list at a time: a second list neither takes nor removes it.
    #[test]
    fn shared_list_keeps_off_other_lists() {
        let all = elements(3);
        let (mut first, mut second) = (List::new(), List::new());
        all.iter().for_each(|e| assert!(first.push_back(e.clone())));
        assert!(!second.push_back(all[1].clone()));
        assert!(second.remove(&all[1]).is_none());
        assert!(second.next(&all[1]).is_none());
        assert_eq!(drain(&mut first), [0, 1, 2]);
        assert!(second.push_back(all[1].clone()));
        assert_eq!(drain(&mut second), [1]);
    }

    /// A list can be walked without being changed, and moved without losing anything.
    #[test]
    fn shared_list_can_be_walked_and_moved() {
        let all = elements(4);
        let mut list = List::new();
        all.iter().for_each(|e| assert!(list.push_back(e.clone())));
        let mut moved = list;
        let mut seen = Vec::new();
        let mut at = moved.front();
        while let Some(element) = at {
            seen.push(element.0);
            at = moved.next(&element);
        }
        assert_eq!(seen, [0, 1, 2, 3]);
        assert!(moved.remove(&all[2]).is_some());
        assert_eq!(drain(&mut moved), [0, 1, 3]);
    }

    /// The last pointer frees the object, and a dropped list gives its counts back.
    #[test]
    fn shared_counts_come_back() {
        struct Counted {
            _witness: std::rc::Rc<()>,
            link: Link,
        }
        impl Linked<Purpose> for Counted {
            fn link(&self) -> &Link {
                &self.link
            }
        }
        let witness = std::rc::Rc::new(());
        let mut list = List::<Counted, Purpose>::new();
        for _ in 0..5 {
            let element = Ref::try_new(Counted {
                _witness: witness.clone(),
                link: Link::new(),
            });
            list.push_back(element.unwrap_or_else(|_| unreachable!()));
        }
        let kept = list.pop_front();
        assert_eq!(std::rc::Rc::strong_count(&witness), 6);
        drop(list);
        assert_eq!(std::rc::Rc::strong_count(&witness), 2);
        drop(kept);
        assert_eq!(std::rc::Rc::strong_count(&witness), 1);
    }
}
