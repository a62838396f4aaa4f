//! What the pointer promises its two users.

use super::*;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::rc::Rc;
use std::vec::Vec;

struct Plain;
impl Kind for Plain {
    type Tail = NoBytes;
    const IS_OFTEN_LAST: bool = false;
}

struct Payload;
impl Kind for Payload {
    type Tail = Bytes;
    const IS_OFTEN_LAST: bool = true;
}

/// A value that can be counted while it lives.
fn witnessed<K: Kind<Tail = NoBytes>>(witness: &Rc<()>) -> Ref<Rc<()>, K> {
    Ref::try_new(witness.clone()).unwrap()
}

/// The last pointer, and no earlier one, drops the value; a bare pointer keeps its count.
#[test]
fn counted_last_pointer_ends_the_object() {
    let witness = Rc::new(());
    let first = witnessed::<Plain>(&witness);
    let second = first.clone();
    assert!(first.ptr_eq(&second) && !first.ptr_eq(&witnessed(&witness)));
    drop(first);
    let raw = second.into_raw();
    assert_eq!(Rc::strong_count(&witness), 2);
    // SAFETY: the count that was given up, once.
    drop(unsafe { Ref::<Rc<()>, Plain>::from_raw(raw) });
    assert_eq!(Rc::strong_count(&witness), 1);
}

/// Only the only pointer gives the value or its bytes out to be changed.
#[test]
fn counted_shared_objects_do_not_change() {
    let mut first = Vacant::<u32, Payload>::try_new(4).unwrap().occupy(1);
    *first.get_mut().unwrap() = 2;
    first.fill().unwrap().extend(b"ab");
    let mut second = first.clone_unique();
    assert!(first.get_mut().is_none() && second.fill().is_none());
    second.drop_beside(&mut first);
    first.fill().unwrap().extend(b"cdef");
    let third = first.clone();
    third.clone().drop_beside(&mut first);
    drop(third);
    assert!(first.get_mut().is_some());
    assert_eq!((*first, first.bytes()), (2, &b"abcd"[..]));
}

/// A stock gives out as many pointers as it has counts, and the one to the object; those that nobody takes are given back.
#[test]
fn counted_stock_gives_back_what_is_left() {
    for n_taken in 0..=4 {
        let witness = Rc::new(());
        let mut stock = Stock::new(witnessed::<Plain>(&witness));
        stock.fill_up(3);
        let mut pointers = stock.into_iter();
        assert_eq!(pointers.len(), 4);
        let taken: Vec<_> = pointers.by_ref().take(n_taken).collect();
        assert_eq!((taken.len(), pointers.len()), (n_taken, 4 - n_taken));
        drop(pointers);
        assert_eq!(Rc::strong_count(&witness), 1 + usize::from(n_taken > 0));
        drop(taken);
        assert_eq!(Rc::strong_count(&witness), 1);
    }
}

/// More bytes than an allocation can have are an error, and the value of a block that is not occupied is never dropped.
#[test]
fn counted_memory_can_be_short() {
    for n_bytes in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 7] {
        let refused = Vacant::<u64, Payload>::try_new(n_bytes);
        assert_eq!(refused.err(), Some(OutOfMemory));
    }
    drop(Vacant::<Rc<()>, Payload>::try_new(100).unwrap());
}

/// The only pointer of its type is written through, and ends its object.
#[test]
fn counted_unique_pointers_are_written_through() {
    let witness = Rc::new(());
    let mut unique = Unique::<_, Plain>::try_new((1, witness.clone())).unwrap();
    unique.0 = 2;
    assert_eq!((unique.0, Rc::strong_count(&witness)), (2, 2));
    drop(unique);
    assert_eq!(Rc::strong_count(&witness), 1);
}

/// What all threads did with an object happens before its end, in the thread that drops the last pointer.
#[test]
fn counted_threads_share_an_object() {
    struct Sum<'a>(AtomicUsize, &'a AtomicUsize);
    impl Drop for Sum<'_> {
        fn drop(&mut self) {
            self.1.fetch_add(*self.0.get_mut(), Ordering::Relaxed);
        }
    }
    fn run<K: Kind<Tail = NoBytes>>() -> usize {
        let total = AtomicUsize::new(0);
        let object = Ref::<_, K>::try_new(Sum(AtomicUsize::new(0), &total)).unwrap();
        let clones: Vec<_> = (0..4).map(|_| object.clone()).collect();
        drop(object);
        std::thread::scope(|scope| {
            for clone in clones {
                scope.spawn(move || {
                    for _ in 0..1000 {
                        clone.clone().0.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        total.into_inner()
    }
    struct OftenLast;
    impl Kind for OftenLast {
        type Tail = NoBytes;
        const IS_OFTEN_LAST: bool = true;
    }
    assert_eq!((run::<Plain>(), run::<OftenLast>()), (4000, 4000));
}

/// A kind is told of each shared count that is written, with the object's address; the only pointer's end writes none.
#[test]
fn counted_kind_is_told_of_writes() {
    std::thread_local! {
        static TOLD: core::cell::RefCell<Vec<usize>> = const { core::cell::RefCell::new(Vec::new()) };
    }
    struct Telling;
    impl Kind for Telling {
        type Tail = NoBytes;
        const IS_OFTEN_LAST: bool = true;
        fn before_write(address: usize) {
            TOLD.with_borrow_mut(|told| told.push(address));
        }
    }
    let first = Ref::<_, Telling>::try_new(0_u8).unwrap();
    let address = first.address();
    drop(first.clone());
    drop(first);
    assert_eq!(TOLD.take(), [address; 2]);
}
