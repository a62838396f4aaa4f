//! The table by itself: ids that come and go, and memory that follows them.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::directory::{FIRST, PER_BLOCK};
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
    segments(table).map(|segment| segment.n_slots).sum()
}

/// All segments that something is known about.
fn segments(table: &Table<Host>) -> impl Iterator<Item = &Segment<Host>> {
    let blocks = table.segments.blocks();
    blocks.flat_map(|block| &block.segments)
}

/// Panics unless the segments with room are those of the list, each once, and each knows the one before it.
fn check(table: &Table<Host>) {
    let mut listed = Vec::new();
    let mut index = table.first_open;
    while let Some(segment) = table.segments.get(index) {
        assert!(!listed.contains(&index), "{index} is on the list twice");
        let before = listed.last().copied();
        assert!(before.is_none_or(|before| segment.previous_open == before));
        listed.push(index);
        index = segment.next_open;
    }
    listed.sort_unstable();
    let n_blocks = table.segments.blocks().count() as u32;
    let all = (0..n_blocks * PER_BLOCK).filter(|&index| table.has_room(index));
    assert_eq!(listed, Vec::from_iter(all));
}

/// A table of so many segments, all of them full, and their ids.
fn filled(n_segments: u32) -> (Table<Host>, Vec<Vec<Id>>) {
    let mut table = Table::new();
    let ids = reserve(&mut table, n_segments * REGULAR);
    let mut by_segment = Vec::from_iter((0..n_segments).map(|_| Vec::new()));
    for id in ids {
        by_segment[place(index(id)).0 as usize].push(id);
    }
    (table, by_segment)
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
    assert_eq!(table.segments.get(segment).unwrap().n_slots, REGULAR);
    let again = reserve(&mut table, 3 * REGULAR);
    assert!(!again.contains(&last));
    assert!(again.iter().all(|&id| super::index(id) != index));
}

/// The first segment grows by doubling, as its peer does; then whole segments come, for which the list of their block doubles, and that of
/// blocks. What is set aside for a list takes its place, and the old one is given back.
#[test]
fn obj_4_a_table_grows_by_doubling() {
    let mut table = Table::<Host>::new();
    let mut seen = Vec::new();
    for n_made in 0..4 * PER_BLOCK + 6 {
        let need = table.growth(table.n_free + 1).unwrap();
        seen.push((need.segment, need.n_slots, need.n_segments, need.n_blocks));
        let left_over = table.grow(need.take().unwrap());
        let old = [left_over.segments.capacity(), left_over.blocks.capacity()];
        assert_eq!(old, [need.n_segments / 2, need.n_blocks / 2]);
        assert_eq!(table.n_empty as usize, segments(&table).count());
        check(&table);
        let n_segments = n_made.saturating_sub(5).max(1);
        assert_eq!(segments(&table).count() as u32, n_segments);
        let n_blocks = table.segments.blocks().count() as u32;
        assert_eq!(n_blocks, n_segments.div_ceil(PER_BLOCK));
    }
    let doubled = (2..9).map(|shift| (0, 1 << shift, usize::from(shift == 2), 0));
    let whole = [(1, REGULAR, 2, 0), (2, REGULAR, 4, 0), (3, REGULAR, 0, 0)];
    assert_eq!(seen[..10], *doubled.chain(whole).collect::<Vec<_>>());
    let of_blocks = seen.iter().filter(|need| need.3 > 0);
    let of_blocks: Vec<_> = of_blocks.map(|need| (need.0, need.2, need.3)).collect();
    let [first, second, third] = [1, 2, 3].map(|block| block * PER_BLOCK);
    assert_eq!(of_blocks, [(first, 1, 1), (second, 1, 2), (third, 1, 4)]);
}

/// A promise that is taken back before anybody was told of it can be made again, with the same id.
#[test]
fn obj_4_a_promise_is_taken_back() {
    let mut table = Table::new();
    let ids = reserve(&mut table, 4);
    for &id in &ids {
        table.cancel(id);
        assert_eq!((table.reserve(), table.n_free), (Some(id), 0));
    }
    ids.iter().for_each(|&id| table.cancel(id));
    assert_eq!((table.n_free, table.n_empty), (4, 1));
    check(&table);
}

/// A slot that is freed while a release names it is given out again when the release is done with it.
#[test]
fn rel_1_a_named_slot_is_free_later() {
    let mut table = Table::new();
    let ids = reserve(&mut table, 4);
    let mut chain = Chain::EMPTY;
    ids.iter().for_each(|&id| table.push(&mut chain, index(id)));
    free(&mut table, &ids);
    assert_eq!((table.n_free, table.n_empty), (0, 0));
    while table.pop(&mut chain).is_some() {}
    assert_eq!((table.n_free, table.n_empty), (4, 1));
    let again = reserve(&mut table, 4);
    assert!(again.iter().all(|id| !ids.contains(id)));
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
    assert_eq!(table.segments.get(0).unwrap().n_slots, REGULAR);
    let again = reserve(&mut table, 5 * REGULAR);
    assert_eq!((segments(&table).count(), table.n_empty), (5, 0));
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
    assert_eq!(
        (table.segments.get(0).unwrap().n_slots, table.n_free),
        (2 * FIRST, 3)
    );
    let late = table.growth(4).unwrap().take().unwrap();
    while let Some(piece) = table.shrink() {
        drop(piece);
    }
    assert_eq!(table.grow(late).slots.capacity(), 4 * FIRST as usize);
    assert_eq!(n_kept(&mut table), 0);
}

/// A table grows until every index that an id has room for is a slot, but for those of the last segment, and no further.
#[test]
fn obj_4_a_table_ends_before_the_index_space() {
    let can_have = |segment| {
        let need = Need {
            segment,
            n_slots: REGULAR,
            n_segments: 0,
            n_blocks: 0,
        };
        need.take::<Host>().is_ok()
    };
    let n_segments = (1 << INDEX_BITS) / REGULAR;
    assert!(can_have(0) && can_have(n_segments - 2));
    assert!(!can_have(n_segments - 1) && !can_have(n_segments));
}

/// A block in which no segment has memory gives its list back; where one id is held, only that of its block stays. What is promised again
/// begins there, with ids that nobody had.
#[test]
fn obj_4_lists_follow_what_is_held() {
    let n_segments = 4 * PER_BLOCK;
    let (mut table, mut ids) = filled(n_segments);
    let seen: BTreeSet<Id> = ids.iter().flatten().copied().collect();
    let last = ids[n_segments as usize - 1].pop().unwrap();
    ids.iter().for_each(|ids| free(&mut table, ids));
    n_kept(&mut table);
    let lists = table
        .segments
        .blocks()
        .map(|block| block.segments.capacity());
    let n_lists = lists.filter(|&n| n > 0).count();
    // Of the last one, and where one empty segment stays, which is the first, or the last that was freed.
    assert!(n_lists <= 2, "{n_lists} lists for one id");
    let again = reserve(&mut table, n_segments * REGULAR - 1);
    assert!(again.iter().all(|id| !seen.contains(id)));
    assert_eq!(segments(&table).count(), n_segments as usize);
    free(&mut table, &again);
    free(&mut table, &[last]);
    assert!(n_kept(&mut table) <= 2 * REGULAR);
}

/// Segments that go and come in any order leave a table in which each slot is promised once, and no more memory than before.
#[test]
fn obj_4_segments_come_and_go_in_any_order() {
    let n_segments = 3 * PER_BLOCK + 5;
    let (mut table, mut ids) = filled(n_segments);
    let mut random = 7_u32;
    for _ in 0..100 {
        random = random.wrapping_mul(0x9e37_79b9).rotate_left(13);
        for which in 0..random % 40 {
            let segment = (random ^ which.wrapping_mul(77)) % n_segments;
            free(&mut table, &core::mem::take(&mut ids[segment as usize]));
        }
        n_kept(&mut table);
        if random & 1 == 0 {
            let n_missing = ids
                .iter()
                .map(|ids| REGULAR - ids.len() as u32)
                .sum::<u32>();
            for id in reserve(&mut table, n_missing / 2) {
                ids[place(index(id)).0 as usize].push(id);
            }
        }
        check(&table);
        let promised = ids.iter().flatten().map(|&id| index(id));
        let n_promised = ids.iter().map(Vec::len).sum::<usize>();
        assert_eq!(promised.collect::<BTreeSet<u32>>().len(), n_promised);
        let n_room: u32 = segments(&table).map(|segment| segment.n_slots).sum();
        assert_eq!(n_room, table.n_free + n_promised as u32);
        let n_present = segments(&table).filter(|segment| segment.n_slots > 0);
        assert!(n_present.count() <= ids.iter().filter(|ids| !ids.is_empty()).count() + 2);
    }
}

/// A table that closes gives back every segment and every list, also where some had been given back before.
#[test]
fn clo_4_every_piece_comes_back() {
    let (mut table, ids) = filled(3 * PER_BLOCK);
    for ids in &ids[PER_BLOCK as usize..2 * PER_BLOCK as usize + 9] {
        free(&mut table, ids);
    }
    n_kept(&mut table);
    let n_present = segments(&table)
        .filter(|segment| segment.n_slots > 0)
        .count();
    let (mut n_pieces, mut n_lists) = (0, 0);
    while let Some(piece) = table.shrink() {
        match piece {
            Piece::Segment { _slots, .. } => n_pieces += usize::from(_slots.capacity() > 0),
            Piece::Blocks { .. } => n_lists += 1,
        }
    }
    assert_eq!(n_lists, 1);
    assert_eq!(n_pieces, n_present);
    assert_eq!(segments(&table).count(), 0);
    assert!(table.at(0).is_none());
}

/// A walk over all slots ends behind the last segment there is, and passes over those that were given back.
#[test]
fn obj_4_walks_pass_over_what_was_given_back() {
    let (mut table, mut ids) = filled(2 * PER_BLOCK + 9);
    let kept = ids.pop().unwrap();
    ids.iter().for_each(|ids| free(&mut table, ids));
    n_kept(&mut table);
    let n_slots = (0..).take_while(|&index| table.at(index).is_some()).count();
    assert_eq!(n_slots as u32, (2 * PER_BLOCK + 9) * REGULAR);
    free(&mut table, &kept);
    n_kept(&mut table);
    assert!(table.at(0).is_some() && Table::<Host>::new().at(0).is_none());
}
