//! A call about to be made, as data: registers, the structures they point at, and what each value means, so that a
//! generator can change one of them and know what must come of it.

use crate::memory;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::call::{Access, Argument};
use omnibus_userland::abi::{Call, Errno, Kind, bus1, layout, native};
use omnibus_userland::check::Outcome;
use omnibus_userland::hostile::registers;
use omnibus_userland::raw::Registers;

/// What output structures hold before a call: it must not be read (STR-1).
const GARBAGE: u64 = 0xaaaa_5555_dead_beef;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An argument register, 0 to 5.
    Register(usize),
    /// A word of an object: index of the object, of the word.
    Word(usize, usize),
}

/// What a value means to the kernel.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// Nothing: it may be anything.
    Ignored,
    /// Flags, of which these are known; any other is `EINVAL`.
    Flags(u64),
    /// A capability of this kind with this right.
    Capability(Kind, u64),
    /// A capability of any kind.
    AnyCapability,
    /// The address of an object.
    Pointer(usize),
    /// Bytes of each element of these objects.
    Size(Vec<usize>),
    /// Number of elements of an object up to a bound, and the error above.
    Count(usize, u64, Errno),
    /// Values that are refused, with their errors and stages, and further ones that are as good.
    Value {
        /// Refused.
        bad: Vec<(u64, Errno, u8)>,
        /// Accepted.
        good: Vec<u64>,
    },
}

/// A value that the kernel looks at.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Name of the argument or field.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) place: Place,
    /// What it means.
    pub(crate) role: Role,
    /// When it is looked at: a lower stage decides first (ERR-2). Equal ones have no order.
    pub(crate) stage: u8,
}

/// Something in memory that a call reads or writes.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// How the kernel uses it.
    pub(crate) access: Access,
    /// Who holds its address.
    pub(crate) holder: Place,
    /// Bytes of an element, in today's version if it is a structure.
    pub(crate) element_bytes: u64,
    /// The same in version 1.
    pub(crate) first_bytes: u64,
    /// Its content; each element begins with a new word.
    pub(crate) words: Vec<u64>,
    /// Elements.
    pub(crate) n_elements: u64,
    /// Whether 0 means that there is none.
    pub(crate) is_optional: bool,
    placement: Placement,
    /// From one element to the next, and the last byte before it.
    stride: (u64, u8),
}

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In its region, at this many bytes from its beginning.
    At(u64),
    /// Across the border of two mapped pages.
    AcrossPages,
    /// Its last byte is the last of the region.
    AtTheEnd,
    /// Its last byte is the first behind the region, which is not mapped.
    OverTheEnd,
    /// Its first byte is the last before the region, which is not mapped.
    BeforeTheBeginning,
    /// At an address where it cannot be put.
    Raw(u64),
}

/// One change to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Another value.
    Set(Place, u64),
    /// Another place for an object.
    Move(usize, Placement),
    /// Another size of the elements of the objects whose bits are set, as passed at this place, and the last byte of the
    /// tail that this makes.
    Resize(Place, u16, u64, u8),
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    /// Which.
    pub(crate) call: Call,
    /// Its arguments; the addresses in them are filled in when it is made.
    pub(crate) registers: [u64; 6],
    /// What they point at, and what that points at.
    pub(crate) objects: Vec<Object>,
    /// Every value that the kernel looks at.
    pub(crate) slots: Vec<Slot>,
    /// Counts that may be 0, and the object whose address is then not looked at (STR-1).
    pub(crate) empties: Vec<(Place, usize)>,
    /// Faults that take several changes: the changes, the error, and its stage.
    pub(crate) others: Vec<(Vec<Change>, Errno, u8)>,
}

impl Invocation {
    /// A call with these arguments; `stages` says when each of them is looked at. Its objects follow by
    /// [`Invocation::object`], in the order of the arguments that point at them; arguments of role
    /// [`Argument::Value`] and deadlines get their meaning by [`Invocation::value`].
    pub(crate) fn new(call: Call, registers: [u64; 6], stages: &[u8]) -> Self {
        let specification = call.specification();
        assert_eq!(
            specification.arguments.len(),
            stages.len(),
            "{}",
            specification.name
        );
        let (mut slots, mut n_objects) = (Vec::new(), 0);
        let mut structures = Vec::new();
        for (index, (&(name, argument), &stage)) in
            specification.arguments.iter().zip(stages).enumerate()
        {
            let role = match argument {
                Argument::Capability(kind, right) => Role::Capability(kind, right),
                Argument::AnyCapability => Role::AnyCapability,
                Argument::Structure(structure, _) | Argument::Array(structure, _) => {
                    structures.push((structure, n_objects));
                    n_objects += 1;
                    Role::Pointer(n_objects - 1)
                }
                Argument::Bytes(_) => {
                    n_objects += 1;
                    Role::Pointer(n_objects - 1)
                }
                Argument::SizeOf(structure) => {
                    let found = structures.iter().find(|(name, _)| *name == structure);
                    // Of a structure that another one points at: the row says which.
                    found.map_or(Role::Ignored, |&(_, object)| Role::Size(vec![object]))
                }
                Argument::Count(bound, errno) => Role::Count(n_objects - 1, bound, errno),
                Argument::Deadline | Argument::Value => Role::Ignored,
            };
            let place = Place::Register(index);
            slots.push(Slot {
                name,
                place,
                role,
                stage,
            });
        }
        Self {
            call,
            registers,
            objects: Vec::new(),
            slots,
            empties: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds an object of `n_elements`, each `element_bytes` long, whose address is at `holder`.
    pub(crate) fn object(
        &mut self,
        holder: Place,
        access: Access,
        element_bytes: u64,
        n_elements: u64,
        words: &[u64],
    ) -> usize {
        let n_words = element_bytes.div_ceil(8) * n_elements;
        let words = if access == Access::Out {
            vec![GARBAGE; n_words as usize]
        } else {
            words.to_vec()
        };
        assert_eq!(words.len() as u64, n_words, "{:?}", self.call);
        self.objects.push(Object {
            access,
            holder,
            element_bytes,
            first_bytes: element_bytes,
            words,
            n_elements,
            is_optional: false,
            placement: Placement::At(64),
            stride: (element_bytes, 0),
        });
        self.objects.len() - 1
    }

    /// Adds `n_bytes` single bytes: the first of `words`.
    pub(crate) fn bytes(
        &mut self,
        holder: Place,
        access: Access,
        n_bytes: u64,
        words: &[u64],
    ) -> usize {
        let index = self.object(holder, access, 8, n_bytes.div_ceil(8), words);
        let object = &mut self.objects[index];
        (object.element_bytes, object.n_elements, object.stride) = (1, n_bytes, (1, 0));
        index
    }

    /// Adds a structure, or an array of them, and says what each field means. Every field of the ABI's structure
    /// has to be there, in order, for each element.
    pub(crate) fn structure(
        &mut self,
        holder: Place,
        access: Access,
        name: &str,
        words: &[u64],
        fields: &[(&'static str, Role, u8)],
    ) -> usize {
        let known = bus1::STRUCTURES.iter().chain(native::STRUCTURES);
        let found = known.copied().find(|layout| layout.name == name);
        let layout = found.expect("the structure is in the ABI");
        let (n_bytes, declared) = (layout.n_bytes, layout.fields);
        let n_elements = (words.len() as u64 * 8) / n_bytes;
        let object = self.object(holder, access, n_bytes, n_elements, words);
        self.objects[object].first_bytes = layout.first_bytes;
        if access != Access::Out {
            assert_eq!(fields.len(), words.len(), "{name}: a row for every field");
            let all = declared.iter().cycle().zip(fields).enumerate();
            for (word, ((declared, _), (field, role, stage))) in all {
                assert_eq!(declared, field, "{name}");
                self.slots.push(Slot {
                    name: field,
                    place: Place::Word(object, word),
                    role: role.clone(),
                    stage: *stage,
                });
            }
        }
        object
    }

    /// Adds an array of words or bytes that are values of their own.
    pub(crate) fn values(&mut self, object: usize, name: &'static str, role: &Role, stage: u8) {
        for word in 0..self.objects[object].words.len() {
            self.slots.push(Slot {
                name,
                place: Place::Word(object, word),
                role: role.clone(),
                stage,
            });
        }
    }

    /// Says what an argument means.
    pub(crate) fn value(&mut self, register: usize, role: Role) {
        self.slots[register].role = role;
    }

    /// Applies a change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Set(place, value) => self.set(place, value),
            Change::Move(object, placement) => self.objects[object].placement = placement,
            Change::Resize(place, objects, n_bytes, tail) => {
                self.set(place, n_bytes);
                for (index, object) in self.objects.iter_mut().enumerate() {
                    if objects >> index & 1 == 1 {
                        object.stride = (n_bytes, tail);
                    }
                }
            }
        }
    }

    fn set(&mut self, place: Place, value: u64) {
        match place {
            Place::Register(index) => self.registers[index] = value,
            Place::Word(object, word) => self.objects[object].words[word] = value,
        }
    }

    /// Where an object lies.
    pub(crate) fn address(&self, index: usize) -> u64 {
        let object = &self.objects[index];
        let (start, n_bytes) = (memory::region(index), object.n_bytes());
        let end = start + memory::REGION_BYTES;
        match object.placement {
            Placement::At(offset) => start + offset,
            Placement::AcrossPages => start + layout::PAGE_BYTES - n_bytes.div_ceil(2).min(4096),
            Placement::AtTheEnd => end - n_bytes,
            Placement::OverTheEnd => end - n_bytes + 1,
            Placement::BeforeTheBeginning => start - 1,
            Placement::Raw(address) => address,
        }
    }

    /// A word of an object, as it is in memory.
    pub(crate) fn read_back(&self, index: usize, word: u64) -> u64 {
        let object = &self.objects[index];
        let per_element = object.element_bytes.div_ceil(8);
        let offset = word / per_element * object.stride.0 + word % per_element * 8;
        memory::get(index, self.address(index) + offset)
    }

    /// Puts everything where it belongs and makes the call.
    pub(crate) fn make(&mut self) -> (Registers, Outcome) {
        for index in 0..self.objects.len() {
            let (holder, address) = (self.objects[index].holder, self.address(index));
            self.set(holder, address);
        }
        for (index, object) in self.objects.iter().enumerate() {
            object.render(index, self.address(index));
        }
        call_number(self.call as u64, self.registers)
    }
}

/// Makes a call by its number, with patterns in all other registers: the outcome says what became of those.
#[allow(unsafe_code)]
pub(crate) fn call_number(number: u64, arguments: [u64; 6]) -> (Registers, Outcome) {
    // SAFETY: what the kernel may write is in the regions, in which nothing of the program lies, and what a case maps,
    // unmaps or starts is its row's own.
    unsafe { registers::call(number, arguments) }
}

impl Object {
    /// Bytes from its first to its last.
    pub(crate) fn n_bytes(&self) -> u64 {
        let (stride, _) = self.stride;
        match self.n_elements {
            0 => 0,
            n => (n * stride.max(self.element_bytes)).min(memory::REGION_BYTES / 2),
        }
    }

    fn render(&self, index: usize, address: u64) {
        if matches!(self.placement, Placement::Raw(_)) {
            return;
        }
        let (stride, tail) = self.stride;
        if !self.element_bytes.is_multiple_of(8) {
            let mut bytes: Vec<u8> = self
                .words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect();
            bytes.truncate((self.element_bytes * self.n_elements) as usize);
            return memory::put(index, address, &bytes);
        }
        let n_words = self.element_bytes.div_ceil(8) as usize;
        let n_tail = stride.saturating_sub(self.element_bytes).min(1024) as usize;
        let mut at = address;
        for element in self.words.chunks(n_words.max(1)) {
            let mut bytes: Vec<u8> = element.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes.truncate(self.element_bytes as usize);
            bytes.resize(bytes.len() + n_tail, 0);
            if let Some(last) = bytes.last_mut().filter(|_| n_tail > 0) {
                *last = tail;
            }
            memory::put(index, at, &bytes);
            at = at.wrapping_add(stride);
        }
    }
}
