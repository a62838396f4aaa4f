//! What we accept, the crate `object` reads the same way; and no file whatever makes the loader panic.

use std::collections::BTreeMap;

use crate::builder::*;
use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use omnibus_elf_loader::{Image, Rights};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The memory of a program: its pages by address.
type Memory = BTreeMap<u64, ([u8; 0x1000], Rights)>;

/// Memory as a kernel fills it from the image, page by page.
fn loaded(image: &Image<'_>) -> Memory {
    let mut memory = Memory::new();
    for segment in image.segments() {
        for page in segment.pages().step_by(0x1000) {
            let mut frame = [0; 0x1000];
            let (start, bytes) = segment.bytes_of_page(page);
            frame[start..][..bytes.len()].copy_from_slice(bytes);
            let earlier = memory.insert(page, (frame, segment.rights));
            assert_eq!(earlier, None, "page {page:#x} is loaded twice");
        }
    }
    memory
}

/// Memory as `object` describes it, byte by byte.
fn expected(file: &[u8]) -> (u64, Memory) {
    let header = FileHeader64::<LittleEndian>::parse(file).expect("object reads the file header");
    assert!(header.is_little_endian() && header.is_class_64());
    let mut memory = Memory::new();
    for header in header
        .program_headers(LittleEndian, file)
        .expect("object reads the program headers")
    {
        if header.p_type(LittleEndian) != object::elf::PT_LOAD || header.p_memsz(LittleEndian) == 0
        {
            continue;
        }
        let rights = match header.p_flags(LittleEndian).0 {
            4 => Rights::Read,
            5 => Rights::ReadExecute,
            6 => Rights::ReadWrite,
            flags => panic!("flags {flags:#x} were accepted"),
        };
        let (address, n_bytes) = (header.p_vaddr(LittleEndian), header.p_memsz(LittleEndian));
        let bytes = match header.p_filesz(LittleEndian) {
            0 => &[],
            _ => header
                .data(LittleEndian, file)
                .expect("object finds the bytes"),
        };
        for page in (address & !0xfff..address + n_bytes).step_by(0x1000) {
            memory.insert(page, ([0; 0x1000], rights));
        }
        for (address, byte) in (address..).zip(bytes) {
            let (page, _) = memory
                .get_mut(&(address & !0xfff))
                .expect("a page of the segment");
            page[(address & 0xfff) as usize] = *byte;
        }
    }
    (header.e_entry(LittleEndian), memory)
}

/// What must hold of any file whatever. Tells whether it was accepted.
fn check(file: &[u8]) -> Result<bool, TestCaseError> {
    let limits = omnibus_elf_loader::Limits {
        n_bytes_memory: 0x1_0000,
        ..limits()
    };
    match Image::parse(file, &limits) {
        Err(refused) => {
            prop_assert!(refused.to_string().contains(refused.field));
            Ok(false)
        }
        Ok(image) => {
            let (entry, memory) = expected(file);
            prop_assert_eq!(image.entry(), entry);
            let rights_of = |address| memory.get(&(address & !0xfff)).map(|(_, rights)| *rights);
            prop_assert_eq!(rights_of(entry), Some(Rights::ReadExecute));
            prop_assert_eq!(image.n_bytes_memory(), memory.len() as u64 * 0x1000);
            prop_assert!(memory.keys().all(|page| limits.addresses.contains(page)));
            prop_assert!(loaded(&image) == memory);
            if let Some(tls) = image.tls() {
                for address in tls.address..tls.address + tls.n_bytes_template {
                    prop_assert!(rights_of(address).is_some());
                }
            }
            Ok(true)
        }
    }
}

/// A segment of a generated program: the gap in pages before it, where on its page it starts, its length in the file
/// and what it has more in memory, its rights, where its bytes stand in the file.
type Part = (u64, u64, u64, u64, u32, u64);

/// Good programs: code, and up to three more segments anywhere above it.
fn program(parts: &[Part]) -> File {
    let mut file = good();
    file.headers.truncate(CODE + 1);
    let mut end = 0x40_2000;
    for (n_pages_gap, place, filesz, more, flags, n_pages_offset) in parts {
        let vaddr = end + n_pages_gap * 0x1000 + place;
        let (offset, memsz) = (n_pages_offset * 0x1000 + place, filesz + more);
        let header = Header {
            offset,
            vaddr,
            filesz: *filesz,
            memsz,
            flags: *flags,
            ..file.headers[CODE]
        };
        file.headers.push(header);
        end = (vaddr + memsz).next_multiple_of(0x1000);
    }
    file.n_bytes = 0x5000;
    file
}

proptest! {
    /// Every program laid out by the rules is accepted, and loads as `object` describes it.
    #[test]
    fn good_programs_load_as_object_says(
        parts in vec((0..3_u64, 0..0x1000_u64, 0..0x1800_u64, 1..0x1800_u64, select(vec![R, R | W, R | X]), 0..2_u64), 0..4)
    ) {
        let file = program(&parts).build();
        prop_assert!(check(&file)?, "{:?}", Image::parse(&file, &limits()).err());
    }

    /// A file with numbers of its headers replaced by likely wrong ones is refused, or loads as `object` says.
    #[test]
    fn changed_fields_load_as_object_says_or_not_at_all(
        changes in vec((0..5_usize, 0..7_usize, interesting()), 1..4)
    ) {
        let mut file = good();
        for (header, field, value) in changes {
            let header = &mut file.headers[header];
            match field {
                0 => header.type_ = value as u32,
                1 => header.flags = value as u32 % 16,
                2 => header.offset = value,
                3 => header.vaddr = value,
                4 => header.filesz = value,
                5 => header.memsz = value,
                _ => header.align = value,
            }
        }
        check(&file.build())?;
    }

    /// A file with bytes of its headers changed at random is refused, or loads as `object` says.
    #[test]
    fn changed_bytes_load_as_object_says_or_not_at_all(changes in vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut file = good().build();
        for (index, value) in changes {
            file[index.index(64 + 5 * 56)] = value;
        }
        check(&file)?;
    }

    /// Every beginning of a file is refused, or loads as `object` says.
    #[test]
    fn truncated_files_load_as_object_says_or_not_at_all(n_bytes in 0..0x2010_usize) {
        check(&good().build()[..n_bytes])?;
    }

    /// Noise is refused, also behind a good file header.
    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..400)) {
        check(&noise)?;
        let mut file = good().build();
        file[64..][..noise.len()].copy_from_slice(&noise);
        check(&file)?;
    }
}

/// Numbers near the edges that matter.
fn interesting() -> impl Strategy<Value = u64> {
    let edges: Vec<u64> = vec![
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        0x10,
        0x1000,
        0x2000,
        0x2010,
        0x40_0000,
        0x40_1000,
        0x40_2000,
        0x40_3000,
        0x40_3ff0,
        0x40_7000,
        0x7fff_ffff_f000,
        0x8000_0000_0000,
        0xffff_8000_0000_0000,
        1 << 63,
        0x6474_e551,
    ];
    (select(edges), -0x20_i64..=0x20, any::<bool>()).prop_map(|(edge, change, is_exact)| {
        if is_exact {
            edge
        } else {
            edge.wrapping_add_signed(change)
        }
    })
}
