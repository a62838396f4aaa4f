//! A tree of counted objects by number: linking one in needs no memory, and no walk is longer than 65 steps.
//!
//! It is a digital search tree: at depth d, bit d of the number (lowest first, since numbers are given out in sequence) chooses the
//! branch. Every object of a subtree shares the bits that lead to it, so any leaf of it may take the place of its root.

use crate::mem::{Block, Key, Ref};

/// An object that can be on a tree.
pub(super) trait Branch: Block {
    /// The number it is found by; unique on a tree, and the same as long as it is on it.
    fn number(&self) -> u64;
    /// The branches, under the lock that the tree is under.
    fn children<'a>(&'a self, key: &'a mut Key) -> &'a mut Children<Self>;
}

/// The two branches of an object.
pub(super) type Children<T> = [Option<Ref<T>>; 2];

/// A tree.
pub(super) struct Tree<T: Block> {
    root: Option<Ref<T>>,
}

/// The side on which `number` lies at `depth`.
fn side(number: u64, depth: u32) -> usize {
    usize::from(number.unbounded_shr(depth) & 1 == 1)
}

fn child<T: Branch>(object: &T, key: &mut Key, side: usize) -> Option<Ref<T>> {
    object.children(key).get(side).cloned().flatten()
}

fn set_child<T: Branch>(
    object: &T,
    key: &mut Key,
    side: usize,
    child: Option<Ref<T>>,
) -> Option<Ref<T>> {
    object
        .children(key)
        .get_mut(side)
        .and_then(|place| core::mem::replace(place, child))
}

impl<T: Branch> Tree<T> {
    pub(super) const fn new() -> Tree<T> {
        Tree { root: None }
    }

    pub(super) fn find(&self, key: &mut Key, number: u64) -> Option<Ref<T>> {
        let mut at = self.root.clone();
        let mut depth = 0;
        while let Some(object) = at {
            if object.number() == number {
                return Some(object);
            }
            at = child(&*object, key, side(number, depth));
            depth = depth.saturating_add(1);
        }
        None
    }

    /// Links in an object whose number is not on the tree.
    pub(super) fn insert(&mut self, key: &mut Key, new: Ref<T>) {
        let Some(mut at) = self.root.clone() else {
            self.root = Some(new);
            return;
        };
        let mut depth = 0;
        loop {
            let side = side(new.number(), depth);
            match child(&*at, key, side) {
                Some(next) => at = next,
                None => {
                    set_child(&*at, key, side, Some(new));
                    return;
                }
            }
            depth = depth.saturating_add(1);
        }
    }

    /// Takes out the object with `number`.
    pub(super) fn remove(&mut self, key: &mut Key, number: u64) -> Option<Ref<T>> {
        let (above, found) = self.find_with_parent(key, number)?;
        let leaf = self.take_leaf_below(key, &found);
        if let Some(leaf) = &leaf {
            for side in 0..2 {
                let branch = set_child(&*found, key, side, None);
                set_child(&**leaf, key, side, branch);
            }
        }
        match above {
            None => self.root = leaf,
            Some((parent, side)) => drop(set_child(&*parent, key, side, leaf)),
        }
        Some(found)
    }

    /// Takes out any leaf below `top`; `None` if `top` is a leaf.
    fn take_leaf_below(&mut self, key: &mut Key, top: &Ref<T>) -> Option<Ref<T>> {
        let mut parent = top.clone();
        let (mut at, mut side) = first_child(&*parent, key)?;
        while let Some((next, next_side)) = first_child(&*at, key) {
            parent = at;
            at = next;
            side = next_side;
        }
        set_child(&*parent, key, side, None)
    }

    #[expect(
        clippy::type_complexity,
        reason = "an object and the place it hangs at"
    )]
    fn find_with_parent(
        &self,
        key: &mut Key,
        number: u64,
    ) -> Option<(Option<(Ref<T>, usize)>, Ref<T>)> {
        let mut at = self.root.clone()?;
        let mut above = None;
        let mut depth = 0;
        while at.number() != number {
            let side = side(number, depth);
            let next = child(&*at, key, side)?;
            above = Some((at, side));
            at = next;
            depth = depth.saturating_add(1);
        }
        Some((above, at))
    }

    /// The first object whose place is `from` or behind, in the order of [`place`]; for read-outs that go on between locks.
    pub(super) fn next_from(&self, key: &mut Key, from: u64) -> Option<Ref<T>> {
        let wanted = from.reverse_bits();
        let mut best = None;
        let mut beside = None;
        let mut at = self.root.clone();
        let mut depth = 0;
        while let Some(object) = at {
            let side = side(wanted, depth);
            at = child(&*object, key, side);
            if side == 0 {
                // All of the other branch lies behind `from`; the deepest such branch is the nearest.
                beside = child(&*object, key, 1).or(beside);
            }
            best = nearer(best, object, from);
            depth = depth.saturating_add(1);
        }
        let mut at = beside;
        while let Some(object) = at {
            at = child(&*object, key, 0).or_else(|| child(&*object, key, 1));
            best = nearer(best, object, from);
        }
        best
    }
}

/// The place of an object in the order of a read-out.
pub(super) fn place<T: Branch>(object: &T) -> u64 {
    object.number().reverse_bits()
}

fn nearer<T: Branch>(best: Option<Ref<T>>, other: Ref<T>, from: u64) -> Option<Ref<T>> {
    let is_nearer = place(&*other) >= from
        && best
            .as_ref()
            .is_none_or(|best| place(&*other) < place(&**best));
    if is_nearer { Some(other) } else { best }
}

fn first_child<T: Branch>(object: &T, key: &mut Key) -> Option<(Ref<T>, usize)> {
    (0..2).find_map(|side| child(object, key, side).map(|child| (child, side)))
}
