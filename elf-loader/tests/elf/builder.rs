//! Assembles ELF files, good ones by default, with any number in any field.

use omnibus_elf_loader::Limits;

/// Fields of the file header by their place and length in bytes.
pub(crate) const EI_MAG0: (usize, usize) = (0, 1);
pub(crate) const EI_CLASS: (usize, usize) = (4, 1);
pub(crate) const EI_DATA: (usize, usize) = (5, 1);
pub(crate) const EI_VERSION: (usize, usize) = (6, 1);
pub(crate) const EI_OSABI: (usize, usize) = (7, 1);
pub(crate) const E_TYPE: (usize, usize) = (16, 2);
pub(crate) const E_MACHINE: (usize, usize) = (18, 2);
pub(crate) const E_VERSION: (usize, usize) = (20, 4);
pub(crate) const E_ENTRY: (usize, usize) = (24, 8);
pub(crate) const E_PHOFF: (usize, usize) = (32, 8);
pub(crate) const E_EHSIZE: (usize, usize) = (52, 2);
pub(crate) const E_PHENTSIZE: (usize, usize) = (54, 2);
pub(crate) const E_PHNUM: (usize, usize) = (56, 2);

pub(crate) const FILE_HEADER_BYTES: usize = 64;
pub(crate) const PROGRAM_HEADER_BYTES: usize = 56;

pub(crate) const PT_LOAD: u32 = 1;
pub(crate) const PT_DYNAMIC: u32 = 2;
pub(crate) const PT_INTERP: u32 = 3;
pub(crate) const PT_NOTE: u32 = 4;
pub(crate) const PT_TLS: u32 = 7;
pub(crate) const PT_GNU_STACK: u32 = 0x6474_e551;

pub(crate) const X: u32 = 1;
pub(crate) const W: u32 = 2;
pub(crate) const R: u32 = 4;

/// A program header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) type_: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
}

/// A file to be assembled.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) headers: Vec<Header>,
    pub(crate) entry: u64,
    pub(crate) n_bytes: usize,
    /// Numbers written last, over whatever is there: place and length in bytes, value.
    pub(crate) patches: Vec<((usize, usize), u64)>,
}

/// Indices into the headers of [`good`].
pub(crate) const CONSTANTS: usize = 0;
pub(crate) const CODE: usize = 1;
pub(crate) const DATA: usize = 2;
pub(crate) const TLS: usize = 3;
pub(crate) const STACK: usize = 4;

/// What the tests grant.
pub(crate) fn limits() -> Limits {
    Limits {
        addresses: 0x1000..0x7fff_ffff_f000,
        n_program_headers: 8,
        n_bytes_memory: 0x10_0000,
    }
}

/// A small program with one of everything. Its data start and end in the middle of pages, in the file and in memory.
pub(crate) fn good() -> File {
    let load = |flags, offset, vaddr, filesz, memsz| Header {
        type_: PT_LOAD,
        flags,
        offset,
        vaddr,
        filesz,
        memsz,
        align: 0x1000,
    };
    File {
        headers: vec![
            load(R, 0, 0x40_0000, 0x300, 0x300),
            load(R | X, 0x1000, 0x40_1000, 0x234, 0x234),
            load(R | W, 0x1ff0, 0x40_3ff0, 0x20, 0x2ff0),
            Header {
                type_: PT_TLS,
                align: 8,
                ..load(R, 0x1ff8, 0x40_3ff8, 0x9, 0x18)
            },
            Header {
                type_: PT_GNU_STACK,
                align: 16,
                ..load(R | W, 0, 0, 0, 0)
            },
        ],
        entry: 0x40_1010,
        n_bytes: 0x2010,
        patches: vec![],
    }
}

impl File {
    /// The file; bytes outside the headers are a pattern that is nowhere the same over a page.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut file: Vec<u8> = (0..self.n_bytes)
            .map(|index| (index % 251) as u8 | 1)
            .collect();
        let mut put = |(offset, n_bytes): (usize, usize), value: u64| {
            file[offset..][..n_bytes].copy_from_slice(&value.to_le_bytes()[..n_bytes]);
        };
        put((0, 4), u32::from_le_bytes(*b"\x7fELF").into());
        put(EI_CLASS, 2);
        put(EI_DATA, 1);
        put(EI_VERSION, 1);
        put(EI_OSABI, 0);
        put(E_TYPE, 2);
        put(E_MACHINE, 62);
        put(E_VERSION, 1);
        put(E_ENTRY, self.entry);
        put(E_PHOFF, FILE_HEADER_BYTES as u64);
        put(E_EHSIZE, FILE_HEADER_BYTES as u64);
        put(E_PHENTSIZE, PROGRAM_HEADER_BYTES as u64);
        put(E_PHNUM, self.headers.len() as u64);
        for (index, header) in self.headers.iter().enumerate() {
            let start = FILE_HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
            put((start, 4), header.type_.into());
            put((start + 4, 4), header.flags.into());
            put((start + 8, 8), header.offset);
            put((start + 16, 8), header.vaddr);
            put((start + 24, 8), header.vaddr);
            put((start + 32, 8), header.filesz);
            put((start + 40, 8), header.memsz);
            put((start + 48, 8), header.align);
        }
        for (place, value) in &self.patches {
            put(*place, *value);
        }
        file
    }
}
