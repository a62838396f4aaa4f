//! The two headers as they stand in the file: where each field is, and what the file header must say.

use core::ops::Range;

use crate::refusal::{Place, Reason, Refusal};

/// Bytes of the file header, `Elf64_Ehdr`.
const FILE_HEADER_BYTES: usize = 64;

/// Bytes of a program header, `Elf64_Phdr`.
const PROGRAM_HEADER_BYTES: usize = 56;

/// The first four bytes of every ELF file.
const MAGIC: &[u8; 4] = b"\x7fELF";

/// Fields of the file header that have to have one of a few values: name, place, values, and what those mean.
#[rustfmt::skip]
const REQUIRED: [(&str, Range<usize>, &[u64], &str); 9] = [
    ("e_ident[EI_CLASS]",   4..5,   &[2],    "2 (64 bit)"),
    ("e_ident[EI_DATA]",    5..6,   &[1],    "1 (little endian)"),
    ("e_ident[EI_VERSION]", 6..7,   &[1],    "1"),
    ("e_ident[EI_OSABI]",   7..8,   &[0, 3], "0 (System V) or 3 (GNU)"),
    ("e_type",              16..18, &[2],    "2 (executable at fixed addresses; link with -no-pie)"),
    ("e_machine",           18..20, &[62],   "62 (x86-64)"),
    ("e_version",           20..24, &[1],    "1"),
    ("e_ehsize",            52..54, &[64],   "64"),
    ("e_phentsize",         54..56, &[56],   "56"),
];

const E_ENTRY: Range<usize> = 24..32;
const E_PHOFF: Range<usize> = 32..40;
const E_PHNUM: Range<usize> = 56..58;

const P_TYPE: Range<usize> = 0..4;
const P_FLAGS: Range<usize> = 4..8;
const P_OFFSET: Range<usize> = 8..16;
const P_VADDR: Range<usize> = 16..24;
const P_FILESZ: Range<usize> = 32..40;
const P_MEMSZ: Range<usize> = 40..48;
const P_ALIGN: Range<usize> = 48..56;

/// A segment to load.
pub(crate) const PT_LOAD: u64 = 1;
/// What the dynamic linker works on.
pub(crate) const PT_DYNAMIC: u64 = 2;
/// The path of the dynamic linker.
pub(crate) const PT_INTERP: u64 = 3;
/// The template of thread-local storage.
pub(crate) const PT_TLS: u64 = 7;
/// The rights of the stack.
pub(crate) const PT_GNU_STACK: u64 = 0x6474_e551;

/// `p_flags`: execute.
pub(crate) const PF_X: u64 = 1;
/// `p_flags`: write.
pub(crate) const PF_W: u64 = 2;
/// `p_flags`: read.
pub(crate) const PF_R: u64 = 4;

/// The little-endian number at `place`.
fn number(header: &[u8], place: Range<usize>) -> u64 {
    header[place]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What a sound file header says.
pub(crate) struct FileHeader {
    /// The address of the first instruction.
    pub(crate) entry: u64,
    /// The place of the program headers in the file.
    offset: u64,
    /// Their number.
    pub(crate) n_program_headers: u64,
}

impl FileHeader {
    /// Reads and checks the header of `file`.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, Refusal> {
        let refuse = |field, value, expected| {
            Err(Refusal {
                place: Place::FileHeader,
                field,
                value,
                reason: Reason::NotExpected { expected },
            })
        };
        if let Some(magic) = file.first_chunk()
            && magic != MAGIC
        {
            return refuse(
                "e_ident[EI_MAG0..4]",
                u32::from_be_bytes(*magic).into(),
                "0x7f454c46 (7f 'ELF')",
            );
        }
        let Some(header) = file.first_chunk::<FILE_HEADER_BYTES>() else {
            let reason = Reason::NotExpected {
                expected: "at least 0x40, the size of the file header",
            };
            return Err(Refusal {
                place: Place::File,
                field: "size",
                value: file.len() as u64,
                reason,
            });
        };
        for (field, place, accepted, expected) in REQUIRED {
            let value = number(header, place);
            if !accepted.contains(&value) {
                return refuse(field, value, expected);
            }
        }
        Ok(Self {
            entry: number(header, E_ENTRY),
            offset: number(header, E_PHOFF),
            n_program_headers: number(header, E_PHNUM),
        })
    }

    /// Finds the table of program headers in `file`.
    pub(crate) fn program_headers<'a>(
        &self,
        file: &'a [u8],
    ) -> Result<&'a [RawProgramHeader], Refusal> {
        let n_bytes = self.n_program_headers * PROGRAM_HEADER_BYTES as u64;
        let table = slice(file, self.offset, n_bytes).ok_or(Refusal {
            place: Place::FileHeader,
            field: "e_phoff",
            value: self.offset,
            reason: Reason::OutsideFile {
                n_bytes,
                n_bytes_file: file.len() as u64,
            },
        })?;
        Ok(table.as_chunks().0)
    }
}

/// A program header as it stands in the file.
pub(crate) type RawProgramHeader = [u8; PROGRAM_HEADER_BYTES];

/// A program header, with its fields by their names in the specification less the `p_`.
#[derive(Clone, Copy)]
pub(crate) struct ProgramHeader {
    index: usize,
    pub(crate) type_: u64,
    pub(crate) flags: u64,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
}

impl ProgramHeader {
    /// Reads the header at place `index` of the table.
    pub(crate) fn read((index, header): (usize, &RawProgramHeader)) -> Self {
        Self {
            index,
            type_: number(header, P_TYPE),
            flags: number(header, P_FLAGS),
            offset: number(header, P_OFFSET),
            vaddr: number(header, P_VADDR),
            filesz: number(header, P_FILESZ),
            memsz: number(header, P_MEMSZ),
            align: number(header, P_ALIGN),
        }
    }

    /// The refusal of a field of this header.
    pub(crate) fn refusal(&self, field: &'static str, value: u64, reason: Reason) -> Refusal {
        Refusal {
            place: Place::ProgramHeader(self.index),
            field,
            value,
            reason,
        }
    }

    /// The bytes of `file` that this header describes, once its sizes and alignment make sense.
    ///
    /// Where there are none, their place means nothing and is not looked at: linkers leave it as it happens to be.
    pub(crate) fn bytes<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let Self {
            offset,
            vaddr,
            filesz,
            memsz,
            align,
            ..
        } = *self;
        if filesz > memsz {
            return Err(self.refusal(
                "p_filesz",
                filesz,
                Reason::AboveMemorySize {
                    n_bytes_memory: memsz,
                },
            ));
        }
        if align != 0 && !align.is_power_of_two() {
            return Err(self.refusal("p_align", align, Reason::NotPowerOfTwo));
        }
        if filesz == 0 {
            return Ok(&[]);
        }
        if align != 0 && vaddr % align != offset % align {
            return Err(self.refusal(
                "p_vaddr",
                vaddr,
                Reason::NotCongruent {
                    offset,
                    n_bytes_alignment: align,
                },
            ));
        }
        let reason = Reason::OutsideFile {
            n_bytes: filesz,
            n_bytes_file: file.len() as u64,
        };
        slice(file, offset, filesz).ok_or(self.refusal("p_offset", offset, reason))
    }
}

/// The `n_bytes` of `file` from `offset`; `None` if they are not all inside.
fn slice(file: &[u8], offset: u64, n_bytes: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(n_bytes).ok()?)?;
    file.get(start..end)
}
