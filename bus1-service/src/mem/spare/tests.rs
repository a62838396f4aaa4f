//! Spare counts beside a plain model of them.

use std::sync::Arc;
use std::vec::Vec;

use omnibus_counted::NoBytes;
use proptest::prelude::*;

use super::super::locked::tests::{Host, Owner};
use super::super::{KeyedMutex, LockedBy};
use super::*;

struct Object {
    spare: LockedBy<Owner, Spare<Object>>,
    _is_alive: Arc<()>,
}

impl Block for Object {
    type Tail = NoBytes;
}

/// Two objects under a lock, and what tells for each whether it is alive.
fn two(lock: &Arc<KeyedMutex<Host, ()>>) -> ([Ref<Object>; 2], [Arc<()>; 2]) {
    let are_alive = [(); 2].map(|()| Arc::new(()));
    let objects = are_alive.each_ref().map(|is_alive| {
        let object = Object {
            spare: LockedBy::new(Owner(lock.clone()), Spare::new()),
            _is_alive: is_alive.clone(),
        };
        Ref::try_new(object).expect("memory")
    });
    (objects, are_alive)
}

/// Whether both live, or both have ended.
fn are_both(are_alive: &[Arc<()>; 2], is_expected: bool) -> bool {
    let is_alive = |witness| Arc::strong_count(witness) == 2;
    are_alive
        .iter()
        .all(|witness| is_alive(witness) == is_expected)
}

/// Counts that were given are taken for their own object only, as often as they were given; the object ends with its last pointer.
#[test]
fn spare_counts_are_taken_as_often_as_given() {
    let lock = Arc::new(KeyedMutex::new(()));
    let ([object, other], are_alive) = two(&lock);
    let mut guard = lock.lock();
    let key = guard.parts().1;
    for n_given in [0, 3, 1] {
        for _ in 0..n_given {
            let left = Spare::give(object.clone(), key, |object, key| {
                Some(object.spare.get(key))
            });
            assert!(left.is_none(), "the count is kept");
        }
        let of_other = object.spare.get(key).take(&other);
        assert!(of_other.ptr_eq(&other));
        let taken: Vec<_> = (0..2)
            .map(|_| object.spare.get(key).take(&object))
            .collect();
        assert!(taken.iter().all(|taken| taken.ptr_eq(&object)));
        drop((taken, of_other));
        assert!(are_both(&are_alive, true));
        object.spare.get(key).drain();
        drop(object.spare.get(key).take(&object));
        assert!(are_both(&are_alive, true));
    }
    drop(guard);
    drop((object, other));
    assert!(are_both(&are_alive, false));
}

/// What is given back where counts of another object lie is given back to the caller, and where none or its own lie is kept.
#[test]
fn spare_counts_of_two_objects_are_not_mixed() {
    let lock = Arc::new(KeyedMutex::<Host, ()>::new(()));
    let ([one, other], are_alive) = two(&lock);
    let give = |pointer: &Ref<Object>, key: &mut Key| {
        Spare::give(pointer.clone(), key, |object, key| {
            Some(object.spare.get(key))
        })
    };
    {
        let mut guard = lock.lock();
        let key = guard.parts().1;
        assert!(give(&one, key).is_none() && give(&one, key).is_none());
        assert_eq!(one.spare.get(key).n_counts, 2);
        one.spare.get(key).drain();
        assert!(one.spare.get(key).keep(other.clone()).is_none());
        assert!(give(&one, key).is_some_and(|left| left.ptr_eq(&one)));
        one.spare.get(key).drain();
    }
    drop((one, other));
    assert!(are_both(&are_alive, false), "kept for ever");
}

/// One operation on spare counts, which two objects share.
#[derive(Clone, Copy, Debug)]
enum Step {
    Take(usize),
    TakeStock(usize, usize),
    Give(usize),
    Keep(usize),
    Forget(usize),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    (0..8, 0..2_usize, 1..5_usize).prop_map(|(what, object, n)| match what {
        0 => Step::Take(object),
        1 => Step::TakeStock(object, n),
        2 | 3 => Step::Give(object),
        4 | 5 => Step::Keep(object),
        6 => Step::Forget(object),
        _ => Step::Drain,
    })
}

fn run(steps: &[Step]) {
    let lock = Arc::new(KeyedMutex::<Host, ()>::new(()));
    let (objects, are_alive) = two(&lock);
    // What lies ready: counts of which object, and how many.
    let mut model = (0, 0);
    let mut spare = LockedBy::new(Owner(lock.clone()), Spare::new());
    let mut taken = Vec::new();
    {
        let mut guard = lock.lock();
        let key = guard.parts().1;
        for &step in steps {
            match step {
                Step::Take(object) => {
                    taken.push(spare.get(key).take(&objects[object]));
                    if model.0 == object {
                        model.1 = model.1.max(1) - 1;
                    }
                }
                Step::TakeStock(object, n) => {
                    let mut stock = spare.get(key).take_stock(&objects[object], n);
                    taken.extend((1..n).map(|_| stock.take()));
                    taken.push(stock.into_one());
                    if model.0 == object {
                        model.1 -= model.1.min(n);
                    }
                }
                Step::Give(object) => {
                    // Those that an object keeps in itself are all its own.
                    let left = Spare::give(objects[object].clone(), key, |object, key| {
                        Some(object.spare.get(key))
                    });
                    assert!(left.is_none(), "{step:?}");
                    let again = objects[object].spare.get(key).take(&objects[object]);
                    assert!(again.ptr_eq(&objects[object]));
                    taken.push(again);
                }
                Step::Keep(object) => {
                    let left = spare.get(key).keep(objects[object].clone());
                    let before = model;
                    if model.1 == 0 || model.0 == object {
                        model = (object, model.1 + 1);
                    } else if model.1 == 1 {
                        model = (object, 1);
                    }
                    let expected = (before.1 > 0 && before.0 != object)
                        .then_some(if before.1 == 1 { before.0 } else { object });
                    let is_expected = match (&left, expected) {
                        (Some(left), Some(expected)) => left.ptr_eq(&objects[expected]),
                        (left, expected) => left.is_none() && expected.is_none(),
                    };
                    assert!(is_expected, "{step:?} with {before:?}");
                }
                Step::Forget(object) => {
                    spare.get(key).forget(&objects[object]);
                    if model.0 == object {
                        model.1 = 0;
                    }
                }
                Step::Drain => {
                    spare.get(key).drain();
                    model.1 = 0;
                }
            }
            let spare = spare.get(key);
            assert_eq!(spare.n_counts, model.1, "{step:?}");
            assert!(
                model.1 == 0 || spare.address == objects[model.0].address(),
                "{step:?}"
            );
        }
        assert!(
            taken
                .iter()
                .all(|taken| objects.iter().any(|object| object.ptr_eq(taken)))
        );
    }
    drop(taken);
    assert!(are_both(&are_alive, true), "ended early");
    spare.get_mut().drain();
    drop(objects);
    assert!(are_both(&are_alive, false), "kept for ever");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is taken, given back and kept, as many counts lie ready as were left, of the object used last, and the objects end when all
    /// pointers are gone.
    #[test]
    fn spare_counts_are_those_that_were_kept(steps in prop::collection::vec(step(), 1..40)) {
        run(&steps);
    }
}
