//! The generator: from what each value of a call means to every bad value for it, and to odd values that are good.

use crate::invocation::{Change, Invocation, Object, Place, Placement, Role, Slot};
use crate::memory;
use crate::world::World;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::call::Access;
use omnibus_userland::abi::limits::STRUCTURE_BYTES_MAX;

/// What registers that a call does not use may hold.
const GARBAGE: [u64; 10] = [
    1,
    2,
    u64::MAX,
    1 << 63,
    1 << 32,
    memory::HOLE,
    0xffff_8000_0000_0000,
    0xffff_ffff_8020_0000,
    0x0000_8000_0000_0000,
    0x7fff_ffff_ffff_ffff,
];

/// A call with something changed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The argument or field that is changed.
    pub(crate) name: &'static str,
    /// What is changed.
    pub(crate) changes: Vec<Change>,
    /// When the kernel sees it.
    pub(crate) stage: u8,
    /// What must come of it.
    pub(crate) outcome: Result<(), Errno>,
}

/// All cases of a call: those that fail, and those that do not.
pub(crate) fn generate(base: &Invocation, world: &World) -> (Vec<Case>, Vec<Case>) {
    let mut cases = Vec::new();
    for slot in &base.slots {
        Generator {
            base,
            slot,
            cases: &mut cases,
        }
        .all(world);
    }
    for register in base.call.specification().arguments.len()..6 {
        for value in GARBAGE {
            cases.push(Case {
                name: "unused register",
                changes: vec![Change::Set(Place::Register(register), value)],
                stage: 0,
                outcome: Ok(()),
            });
        }
    }
    for &(count, object) in &base.empties {
        for address in memory::unreadable(8) {
            cases.push(Case {
                name: "address of nothing",
                changes: vec![
                    Change::Set(count, 0),
                    Change::Move(object, Placement::Raw(address)),
                ],
                stage: 0,
                outcome: Ok(()),
            });
        }
    }
    for (changes, errno, stage) in &base.others {
        cases.push(Case {
            name: "several",
            changes: changes.clone(),
            stage: *stage,
            outcome: Err(*errno),
        });
    }
    cases.into_iter().partition(|case| case.outcome.is_err())
}

struct Generator<'a> {
    base: &'a Invocation,
    slot: &'a Slot,
    cases: &'a mut Vec<Case>,
}

impl Generator<'_> {
    fn add(&mut self, changes: Vec<Change>, stage: u8, outcome: Result<(), Errno>) {
        self.cases.push(Case {
            name: self.slot.name,
            changes,
            stage,
            outcome,
        });
    }

    fn bad(&mut self, value: u64, errno: Errno) {
        let change = Change::Set(self.slot.place, value);
        self.add(vec![change], self.slot.stage, Err(errno));
    }

    fn good(&mut self, value: u64) {
        let change = Change::Set(self.slot.place, value);
        self.add(vec![change], self.slot.stage, Ok(()));
    }

    fn all(&mut self, world: &World) {
        match &self.slot.role {
            Role::Ignored => GARBAGE.into_iter().for_each(|value| self.good(value)),
            Role::Flags(known) => {
                for flag in (0..64).map(|bit| 1 << bit) {
                    if flag & known == 0 {
                        self.bad(flag, Errno::EINVAL);
                    } else {
                        self.good(flag);
                    }
                }
            }
            Role::Capability(kind, right) => {
                for (value, errno) in world.bad_capabilities(*kind, *right) {
                    self.bad(value, errno);
                }
            }
            Role::AnyCapability => {
                for value in world.no_capabilities() {
                    self.bad(value, Errno::EBADF);
                }
            }
            Role::Pointer(object) => self.pointer(*object),
            Role::Size(objects) => self.size(objects),
            Role::Count(object, bound, errno) => self.count(*object, *bound, *errno),
            Role::Value { bad, good } => {
                for &(value, errno, stage) in bad {
                    let change = Change::Set(self.slot.place, value);
                    self.add(vec![change], stage, Err(errno));
                }
                good.iter().for_each(|&value| self.good(value));
            }
        }
    }

    fn object(&self, index: usize) -> &Object {
        &self.base.objects[index]
    }

    fn pointer(&mut self, index: usize) {
        let (n_bytes, access) = (self.object(index).n_bytes(), self.object(index).access);
        let mut addresses = memory::unreadable(n_bytes);
        if self.object(index).is_optional {
            addresses.retain(|&address| address != 0);
        }
        if access != Access::In {
            addresses.extend(memory::unwritable(n_bytes));
        }
        // What is read is not there then, so only what is written can be tried in read-only memory.
        if access == Access::InOut {
            addresses.retain(|address| !memory::unwritable(n_bytes).contains(address));
        }
        let mut placements: Vec<_> = addresses.into_iter().map(Placement::Raw).collect();
        placements.extend([Placement::OverTheEnd, Placement::BeforeTheBeginning]);
        for placement in placements {
            let change = Change::Move(index, placement);
            self.add(vec![change], self.slot.stage, Err(Errno::EFAULT));
        }
        let unaligned = (1..8).map(|n| Placement::At(64 + n));
        for placement in unaligned.chain([Placement::AcrossPages, Placement::AtTheEnd]) {
            let change = Change::Move(index, placement);
            self.add(vec![change], self.slot.stage, Ok(()));
        }
    }

    /// When an object is read.
    fn stage_of(&self, object: usize) -> u8 {
        let points = |slot: &&Slot| matches!(slot.role, Role::Pointer(other) if other == object);
        self.base
            .slots
            .iter()
            .find(points)
            .map_or(self.slot.stage, |slot| slot.stage)
    }

    fn size(&mut self, objects: &[usize]) {
        let (place, first) = (self.slot.place, objects[0]);
        let known = self.object(first).element_bytes;
        let is_read = self.object(first).access != Access::Out;
        let mask = objects.iter().fold(0, |mask, object| mask | 1 << object);
        let resize = |n_bytes, tail| vec![Change::Resize(place, mask, n_bytes, tail)];
        let version_1 = self.object(first).first_bytes;
        for n_bytes in [0, 1, version_1 / 2, version_1 - 8, version_1 - 1] {
            self.add(resize(n_bytes, 0), self.slot.stage, Err(Errno::EINVAL));
        }
        // What an older program does not pass counts as 0, which every later field takes.
        for n_bytes in (version_1..known).step_by(8) {
            self.add(resize(n_bytes, 0), self.slot.stage, Ok(()));
        }
        let too_large = [
            STRUCTURE_BYTES_MAX + 1,
            1 << 16,
            1 << 32,
            (1 << 32) + known,
            1 << 63,
            (1 << 63) + known,
            u64::MAX - 7,
            u64::MAX,
        ];
        for n_bytes in too_large {
            self.add(resize(n_bytes, 0), self.slot.stage, Err(Errno::E2BIG));
        }
        let larger = [
            known + 1,
            known + 7,
            known + 8,
            known + 64,
            STRUCTURE_BYTES_MAX,
        ];
        for n_bytes in larger {
            self.add(resize(n_bytes, 0), self.slot.stage, Ok(()));
            for tail in [1, 0x80] {
                let (stage, outcome) = if is_read {
                    (self.stage_of(first), Err(Errno::E2BIG))
                } else {
                    (self.slot.stage, Ok(()))
                };
                self.add(resize(n_bytes, tail), stage, outcome);
            }
        }
    }

    fn count(&mut self, index: usize, bound: u64, errno: Errno) {
        let too_many = [
            bound + 1,
            bound + 2,
            1 << 31,
            1 << 32,
            (1 << 32) + 1,
            1 << 59,
            1 << 60,
            1 << 61,
            1 << 63,
            u64::MAX - 1,
            u64::MAX,
        ];
        too_many
            .into_iter()
            .for_each(|count| self.bad(count, errno));
        let object = self.object(index);
        let is_filled = object.access != Access::Out || object.element_bytes == 1;
        let n_elements = object.n_elements;
        if is_filled {
            let changes = vec![
                Change::Set(self.slot.place, n_elements + 1),
                Change::Move(index, Placement::AtTheEnd),
            ];
            self.add(changes, self.stage_of(index), Err(Errno::EFAULT));
        }
    }
}
