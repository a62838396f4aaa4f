//! Lists beside a plain model of them: two lists, a few elements, every operation at random.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::Vec;

use omnibus_counted::NoBytes;
use proptest::prelude::*;

use super::super::locked::tests::{Host, Owner};
use super::super::{Block, KeyedMutex, LockedBy, Ref};
use super::*;

const N_ITEMS: usize = 6;

struct Item {
    number: usize,
    link: LockedBy<Owner, Link>,
    _is_alive: Arc<()>,
}

impl Block for Item {
    type Tail = NoBytes;
}

struct Linked;

// SAFETY: a field of the item, used by no other adapter.
unsafe impl Adapter for Linked {
    type Item = Ref<Item>;
    fn link<'a>(item: &'a Ref<Item>, key: &'a mut Key) -> &'a mut Link {
        item.link.get(key)
    }
}

/// What two lists lie in.
struct Shelf([LockedBy<Owner, List<Linked>>; 2]);

impl Shelf {
    fn first<'a>(&'a self, key: &'a mut Key) -> &'a mut List<Linked> {
        self.0[0].get(key)
    }

    fn second<'a>(&'a self, key: &'a mut Key) -> &'a mut List<Linked> {
        self.0[1].get(key)
    }

    /// Does something to one list with the key, which is taken out of its place for that, or to both.
    fn with<R>(
        &self,
        key: &mut Key,
        work: impl FnOnce([&mut List<Linked>; 2], &mut Key) -> R,
    ) -> R {
        let [mut first, mut second] = [0, 1].map(|which| core::mem::take(self.0[which].get(key)));
        let result = work([&mut first, &mut second], key);
        *self.0[0].get(key) = first;
        *self.0[1].get(key) = second;
        result
    }
}

/// One operation on one of the lists, with an element by number.
#[derive(Clone, Copy, Debug)]
enum Step {
    PushBack(usize, usize),
    PushBackIn(usize, usize),
    PushFront(usize, usize),
    PopFront(usize),
    Remove(usize, usize),
    RemoveIn(usize, usize),
    /// The other list's elements come behind this one's.
    Append(usize),
    /// Visits so many at most.
    Walk(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    (0..8, 0..2_usize, 0..N_ITEMS).prop_map(|(what, list, item)| match what {
        0 => Step::PushBack(list, item),
        1 => Step::PushBackIn(list, item),
        2 => Step::PushFront(list, item),
        3 => Step::PopFront(list),
        4 => Step::Remove(list, item),
        5 => Step::RemoveIn(list, item),
        6 => Step::Append(list),
        _ => Step::Walk(list, item),
    })
}

/// Takes `item` out of the model as [`List::remove`] does out of `list`: also out of the middle of the other.
fn remove(model: &mut [VecDeque<usize>; 2], list: usize, item: usize) -> bool {
    for (which, others) in model.iter_mut().enumerate() {
        let Some(place) = others.iter().position(|&other| other == item) else {
            continue;
        };
        let is_inside = place > 0 && place + 1 < others.len();
        if which == list || is_inside {
            others.remove(place);
            return true;
        }
    }
    false
}

fn run(steps: &[Step]) {
    let lock = Arc::new(KeyedMutex::<Host, ()>::new(()));
    let shelf = Shelf([(); 2].map(|()| LockedBy::new(Owner(lock.clone()), List::new())));
    let is_alive = Arc::new(());
    let items: Vec<_> = (0..N_ITEMS)
        .map(|number| {
            let item = Ref::try_new(Item {
                number,
                link: LockedBy::new(Owner(lock.clone()), Link::new()),
                _is_alive: is_alive.clone(),
            });
            item.expect("memory")
        })
        .collect();
    let mut model = [VecDeque::new(), VecDeque::new()];
    let mut guard = lock.lock();
    let key = guard.parts().1;
    let places: [for<'a> fn(&'a Shelf, &'a mut Key) -> &'a mut List<Linked>; 2] =
        [Shelf::first, Shelf::second];
    for &step in steps {
        match step {
            Step::PushBack(_, item) | Step::PushBackIn(_, item) | Step::PushFront(_, item)
                if items[item].link.get(key).is_linked() => {}
            Step::PushBack(list, item) => {
                shelf.with(key, |lists, key| {
                    lists[list].push_back(key, items[item].clone())
                });
                model[list].push_back(item);
            }
            Step::PushBackIn(list, item) => {
                List::push_back_in(&shelf, places[list], key, items[item].clone());
                model[list].push_back(item);
            }
            Step::PushFront(list, item) => {
                shelf.with(key, |lists, key| {
                    lists[list].push_front(key, items[item].clone())
                });
                model[list].push_front(item);
            }
            Step::PopFront(list) => {
                let popped = shelf.with(key, |lists, key| lists[list].pop_front(key));
                assert_eq!(popped.map(|item| item.number), model[list].pop_front());
            }
            Step::Remove(list, item) | Step::RemoveIn(list, item) => {
                let removed = if matches!(step, Step::Remove(..)) {
                    shelf.with(key, |lists, key| lists[list].remove(key, &items[item]))
                } else {
                    List::remove_in(&shelf, places[list], key, &items[item])
                };
                let expected = remove(&mut model, list, item).then_some(item);
                assert_eq!(removed.map(|item| item.number), expected, "{step:?}");
            }
            Step::Append(list) => {
                shelf.with(key, |[first, second], key| match list {
                    0 => first.append(key, second),
                    _ => second.append(key, first),
                });
                let others = core::mem::take(&mut model[1 - list]);
                model[list].extend(others);
            }
            Step::Walk(list, n_max) => {
                let mut seen = Vec::new();
                let list_of = |item: &Ref<Item>| {
                    seen.push(item.number);
                    seen.len() <= n_max
                };
                shelf.with(key, |lists, key| lists[list].walk(key, list_of));
                let expected = model[list].iter().take(n_max + 1).copied();
                assert_eq!(seen, expected.collect::<Vec<_>>());
            }
        }
        shelf.with(key, |lists, key| {
            for (list, model) in lists.iter().zip(&model) {
                let number = |item: Option<Borrowed<'_, Ref<Item>>>| item.map(|item| item.number);
                assert_eq!(number(list.front()), model.front().copied(), "{step:?}");
                assert_eq!(number(list.back()), model.back().copied(), "{step:?}");
                let only = model.front().copied().filter(|_| model.len() == 1);
                assert_eq!(number(list.only()), only, "{step:?}");
                assert_eq!(list.is_empty(), model.is_empty(), "{step:?}");
                assert_eq!(List::are_empty([&**list]), model.is_empty(), "{step:?}");
                let mut all = Vec::new();
                list.walk(key, |item| {
                    all.push(item.number);
                    true
                });
                assert_eq!(all, model.iter().copied().collect::<Vec<_>>(), "{step:?}");
            }
            let are_empty = model.iter().all(VecDeque::is_empty);
            assert_eq!(List::are_empty([&*lists[0], &*lists[1]]), are_empty);
        });
        for (number, item) in items.iter().enumerate() {
            let is_linked = model.iter().any(|list| list.contains(&number));
            assert_eq!(item.link.get(key).is_linked(), is_linked, "{step:?}");
        }
    }
    for place in places {
        while let Some(item) = place(&shelf, key).front().map(|item| item.clone()) {
            assert!(List::remove_in(&shelf, place, key, &item).is_some());
        }
    }
    drop(items);
    assert_eq!(
        Arc::strong_count(&is_alive),
        1,
        "an element is counted twice or not at all"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is pushed, taken out and appended, two lists hold what a plain model of them holds, in its order, and own it once.
    #[test]
    fn lists_hold_what_was_pushed_in_order(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps);
    }
}
