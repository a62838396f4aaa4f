//! The table by itself: ids that come and go, and memory that follows them.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;

struct Host;

impl System for Host {
    type Watch = ();
    type Object = core::convert::Infallible;
    type Amounts = [u64; 2];
}

fn reserve(table: &mut Table<Host>, n: u32) -> Vec<Id> {
    while let Some(need) = table.growth(n) {
        drop(table.grow(need.take().unwrap()));
    }
    (0..n).map(|_| table.reserve().unwrap()).collect()
}

fn free(table: &mut Table<Host>, ids: &[Id]) {
    for &id in ids {
        assert!(table.free(id).is_none());
    }
}

/// Those of `ids` that lie in this segment, and the others.
fn in_segment(ids: &[Id], segment: u32) -> (Vec<Id>, Vec<Id>) {
    ids.iter().partition(|&&id| place(index(id)).0 == segment)
}

/// Gives back all memory that is not needed; how many slots there is still memory for.
fn n_kept(table: &mut Table<Host>) -> u32 {
    while let Some(piece) = table.take_empty() {
        drop(piece);
    }
    table.segments.iter().map(|segment| segment.n_slots).sum()
}

/// However many ids were promised at once, the memory that remains is that of what is still held, of the first segment and of one more.
#[test]
fn obj_4_memory_follows_what_is_held() {
    let mut table = Table::new();
    let mut held = Vec::new();
    for n in [1, 5, 255, 3_000, 40_000] {
        let ids = reserve(&mut table, n);
        let (kept, gone) = ids.split_at(n as usize / 4);
        free(&mut table, gone);
        held.extend_from_slice(kept);
        // At the edges of what was given back there may be segments of which a part is held.
        let n_segments = (held.len() as u32).div_ceil(REGULAR) + 8;
        let n_kept = n_kept(&mut table);
        assert!(
            n_kept <= n_segments * REGULAR,
            "{n_kept} slots for {} ids",
            held.len()
        );
    }
    free(&mut table, &held);
    assert!(n_kept(&mut table) <= 2 * REGULAR);
}

/// No id comes back, also if the memory of its slot went and came back in between, once or many times.
#[test]
fn obj_4_ids_of_given_back_memory_never_recur() {
    let mut table = Table::new();
    let mut seen = BTreeSet::new();
    for round in 0..40_u32 {
        let ids = reserve(&mut table, 600 + round * 37 % 500);
        for id in &ids {
            assert!(seen.insert(*id), "{id:?} was given out twice");
        }
        let (some, others) = ids.split_at(ids.len() / 3);
        free(&mut table, others);
        n_kept(&mut table);
        free(&mut table, some);
        n_kept(&mut table);
    }
}

/// A slot whose generations are used up is given out no more, and its segment stays.
#[test]
fn obj_4_used_up_slots_are_retired() {
    let mut table = Table::new();
    let ids = reserve(&mut table, 3 * REGULAR);
    let index = index(ids[REGULAR as usize]);
    table.slot_mut(index).unwrap().generation = u32::MAX;
    let last = id(index, u32::MAX);
    free(&mut table, &ids);
    n_kept(&mut table);
    let (segment, _) = place(index);
    assert_eq!(table.segments[segment as usize].n_slots, REGULAR);
    let again = reserve(&mut table, 3 * REGULAR);
    assert!(!again.contains(&last));
    assert!(again.iter().all(|&id| super::index(id) != index));
}

/// The first segment grows by doubling, as its peer does; then whole segments come, for which the list of them doubles.
#[test]
fn obj_4_a_table_grows_by_doubling() {
    let mut table = Table::<Host>::new();
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let need = table.growth(table.n_free + 1).unwrap();
        seen.push((need.segment, need.n_slots, need.n_segments));
        drop(table.grow(need.take().unwrap()));
        assert_eq!(table.n_empty as usize, table.segments.len());
    }
    let doubled = (2..9).map(|shift| (0, 1 << shift, usize::from(shift == 2)));
    let whole = [(1, REGULAR, 2), (2, REGULAR, 4), (3, REGULAR, 0)];
    assert_eq!(seen, doubled.chain(whole).collect::<Vec<_>>());
}

/// Of the segments in which nothing is held one stays, which is the first if it can be; where memory was given back, it is taken again first.
#[test]
fn obj_4_one_empty_segment_stays() {
    let mut table = Table::new();
    let (first, others) = in_segment(&reserve(&mut table, 5 * REGULAR), 0);
    free(&mut table, &first[1..]);
    free(&mut table, &others);
    assert_eq!(n_kept(&mut table), 2 * REGULAR);
    free(&mut table, &first[..1]);
    assert_eq!(n_kept(&mut table), REGULAR);
    assert_eq!(table.segments[0].n_slots, REGULAR);
    let again = reserve(&mut table, 5 * REGULAR);
    assert_eq!((table.segments.len(), table.n_empty), (5, 0));
    free(&mut table, &again);
    assert_eq!(n_kept(&mut table), REGULAR);
}

/// A segment that becomes empty again and again before its memory is given back is given back once.
#[test]
fn obj_4_a_segment_may_be_empty_often() {
    let mut table = Table::new();
    let (last, others) = in_segment(&reserve(&mut table, 3 * REGULAR), 2);
    free(&mut table, &last);
    for _ in 0..3 {
        let id = reserve(&mut table, 1);
        assert_eq!(place(index(id[0])).0, 2);
        free(&mut table, &id);
    }
    free(&mut table, &others);
    assert_eq!((n_kept(&mut table), table.n_empty), (REGULAR, 1));
}

/// Memory that was taken for a table that has grown meanwhile, or that has closed, comes back whole.
#[test]
fn obj_4_two_may_grow_at_once() {
    let mut table = Table::<Host>::new();
    let mut growths = Vec::from([(); 3].map(|()| table.growth(1).unwrap().take().unwrap()));
    assert!(table.grow(growths.pop().unwrap()).slots.capacity() == 0);
    let left_over = table.grow(growths.pop().unwrap());
    assert_eq!(left_over.slots.capacity(), FIRST as usize);
    assert_eq!(reserve(&mut table, 5).len(), 5);
    let left_over = table.grow(growths.pop().unwrap());
    assert_eq!(left_over.slots.capacity(), FIRST as usize);
    assert_eq!((table.segments[0].n_slots, table.n_free), (2 * FIRST, 3));
    let late = table.growth(4).unwrap().take().unwrap();
    drop(table.shrink());
    assert_eq!(table.grow(late).slots.capacity(), 4 * FIRST as usize);
    assert!(table.segments.is_empty());
}

/// A table grows until every index that an id has room for is a slot, but for those of the last segment, and no further.
#[test]
fn obj_4_a_table_ends_before_the_index_space() {
    let can_have = |segment| {
        let need = Need {
            segment,
            n_slots: REGULAR,
            n_segments: 0,
        };
        need.take::<Host>().is_ok()
    };
    let n_segments = (1 << INDEX_BITS) / REGULAR;
    assert!(can_have(0) && can_have(n_segments - 2));
    assert!(!can_have(n_segments - 1) && !can_have(n_segments));
}
