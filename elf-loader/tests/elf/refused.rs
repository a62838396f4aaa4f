//! One bad file, or a few, per reason to refuse.

use crate::builder::*;
use omnibus_elf_loader::{Image, Place, Reason, Refusal};

fn refusal(file: &File) -> Refusal {
    refusal_of(&file.build())
}

fn refusal_of(file: &[u8]) -> Refusal {
    Image::parse(file, &limits()).expect_err("a bad file")
}

/// The refusal of the good file with one number changed in its file header.
fn patched(place: (usize, usize), value: u64) -> Refusal {
    refusal(&File {
        patches: vec![(place, value)],
        ..good()
    })
}

/// The refusal of the good file with one program header changed.
fn changed(index: usize, change: impl FnOnce(&mut Header)) -> Refusal {
    let mut file = good();
    change(&mut file.headers[index]);
    refusal(&file)
}

fn of_header(index: usize, field: &'static str, value: u64, reason: Reason) -> Refusal {
    Refusal {
        place: Place::ProgramHeader(index),
        field,
        value,
        reason,
    }
}

fn of_file_header(field: &'static str, value: u64, reason: Reason) -> Refusal {
    Refusal {
        place: Place::FileHeader,
        field,
        value,
        reason,
    }
}

/// A file shorter than the header is refused by its size, if it is an ELF file as far as it goes.
#[test]
fn short_file_is_refused() {
    let file = good().build();
    for n_bytes in [0, 3, 4, 63] {
        let refused = refusal_of(&file[..n_bytes]);
        assert_eq!(
            (refused.place, refused.field, refused.value),
            (Place::File, "size", n_bytes as u64)
        );
    }
}

/// Other files, short or long, are refused by their magic.
#[test]
fn other_magic_is_refused() {
    assert_eq!(refusal_of(b"#!/bin/sh\n").value, 0x2321_2f62);
    assert_eq!(patched(EI_MAG0, 0x7e).value, 0x7e45_4c46);
}

/// Each field of the file header with one good value is refused with any other, by its name and value.
#[test]
fn unexpected_file_header_is_refused() {
    for (place, value, field) in [
        (EI_CLASS, 1, "e_ident[EI_CLASS]"),
        (EI_DATA, 2, "e_ident[EI_DATA]"),
        (EI_VERSION, 0, "e_ident[EI_VERSION]"),
        (EI_OSABI, 9, "e_ident[EI_OSABI]"),
        (E_TYPE, 1, "e_type"),
        (E_TYPE, 3, "e_type"),
        (E_MACHINE, 183, "e_machine"),
        (E_VERSION, 2, "e_version"),
        (E_EHSIZE, 52, "e_ehsize"),
        (E_PHENTSIZE, 32, "e_phentsize"),
    ] {
        let refused = patched(place, value);
        assert_eq!(
            (refused.place, refused.field, refused.value),
            (Place::FileHeader, field, value)
        );
        assert!(
            matches!(refused.reason, Reason::NotExpected { .. }),
            "{refused}"
        );
    }
}

/// A table of program headers that ends behind the end of the file, or wraps, is refused.
#[test]
fn table_outside_file_is_refused() {
    let reason = Reason::OutsideFile {
        n_bytes: 5 * 56,
        n_bytes_file: 0x2010,
    };
    for offset in [0x2010 - 5 * 56 + 1, 0x2011, u64::MAX, u64::MAX - 5 * 56 + 1] {
        assert_eq!(
            patched(E_PHOFF, offset),
            of_file_header("e_phoff", offset, reason)
        );
    }
}

/// More program headers than the limit are refused before they are looked for.
#[test]
fn too_many_program_headers_are_refused() {
    let expected = |value| of_file_header("e_phnum", value, Reason::AboveLimit { limit: 8 });
    assert_eq!(patched(E_PHNUM, 9), expected(9));
    assert_eq!(patched(E_PHNUM, 0xffff), expected(0xffff));
}

/// A file without anything to load is refused.
#[test]
fn nothing_to_load_is_refused() {
    assert_eq!(
        patched(E_PHNUM, 0),
        of_file_header("e_phnum", 0, Reason::NothingToLoad)
    );
    let file = File {
        headers: vec![good().headers[STACK]],
        ..good()
    };
    assert_eq!(
        refusal(&file),
        of_file_header("e_phnum", 1, Reason::NothingToLoad)
    );
}

/// A segment, or a template, with more bytes in the file than in memory is refused.
#[test]
fn file_size_above_memory_size_is_refused() {
    for index in [CODE, TLS] {
        let n_bytes_memory = good().headers[index].filesz - 1;
        let reason = Reason::AboveMemorySize { n_bytes_memory };
        let refused = changed(index, |header| header.memsz = n_bytes_memory);
        assert_eq!(
            refused,
            of_header(index, "p_filesz", n_bytes_memory + 1, reason)
        );
    }
    let reason = Reason::AboveMemorySize { n_bytes_memory: 0 };
    assert_eq!(
        changed(CODE, |header| header.memsz = 0),
        of_header(CODE, "p_filesz", 0x234, reason)
    );
}

/// A segment whose bytes are not all in the file, also because their end wraps, is refused.
#[test]
fn bytes_outside_file_are_refused() {
    let expected = |value, n_bytes| {
        of_header(
            DATA,
            "p_offset",
            value,
            Reason::OutsideFile {
                n_bytes,
                n_bytes_file: 0x2010,
            },
        )
    };
    assert_eq!(
        changed(DATA, |header| header.filesz = 0x21),
        expected(0x1ff0, 0x21)
    );
    assert_eq!(
        changed(DATA, |header| header.offset = 0x2ff0),
        expected(0x2ff0, 0x20)
    );
    assert_eq!(
        changed(DATA, |header| header.offset = u64::MAX - 0xf),
        expected(u64::MAX - 0xf, 0x20)
    );
}

/// A segment outside the addresses granted, by one page or by wrapping, is refused.
#[test]
fn address_outside_user_half_is_refused() {
    let expected = |index, value, n_bytes_memory| {
        let reason = Reason::OutsideAddresses {
            n_bytes_memory,
            start: 0x1000,
            end: 0x7fff_ffff_f000,
        };
        of_header(index, "p_vaddr", value, reason)
    };
    assert_eq!(
        changed(CONSTANTS, |header| header.vaddr = 0),
        expected(CONSTANTS, 0, 0x300)
    );
    for address in [
        0xff0,
        0x7fff_ffff_cff0,
        0x7fff_ffff_fff0,
        0xffff_8000_0000_0ff0,
        u64::MAX - 0xf,
    ] {
        assert_eq!(
            changed(DATA, |header| header.vaddr = address),
            expected(DATA, address, 0x2ff0)
        );
    }
    let n_bytes = u64::MAX - 0x40_3ff0;
    for n_bytes in [n_bytes, n_bytes + 1, u64::MAX] {
        assert_eq!(
            changed(DATA, |header| header.memsz = n_bytes),
            expected(DATA, 0x40_3ff0, n_bytes)
        );
    }
}

/// An alignment that is no power of two is refused.
#[test]
fn crooked_alignment_is_refused() {
    for index in [CODE, TLS] {
        let refused = changed(index, |header| header.align = 24);
        assert_eq!(
            refused,
            of_header(index, "p_align", 24, Reason::NotPowerOfTwo)
        );
    }
}

/// An address that is not congruent to the file offset is refused.
#[test]
fn incongruent_address_is_refused() {
    let reason = Reason::NotCongruent {
        offset: 0x1000,
        n_bytes_alignment: 0x1000,
    };
    assert_eq!(
        changed(CODE, |header| header.vaddr += 8),
        of_header(CODE, "p_vaddr", 0x40_1008, reason)
    );
    let reason = Reason::NotCongruent {
        offset: 0x1ff8,
        n_bytes_alignment: 8,
    };
    assert_eq!(
        changed(TLS, |header| header.vaddr += 4),
        of_header(TLS, "p_vaddr", 0x40_3ffc, reason)
    );
}

/// Flags beyond read, write and execute are refused.
#[test]
fn unknown_flags_are_refused() {
    let refused = changed(CODE, |header| header.flags |= 8);
    assert_eq!(
        refused,
        of_header(CODE, "p_flags", 0xd, Reason::UnknownFlags)
    );
}

/// Pages that are writable and executable are refused, readable or not.
#[test]
fn writable_code_is_refused() {
    for flags in [W | X, R | W | X] {
        let refused = changed(CODE, |header| header.flags = flags);
        assert_eq!(
            refused,
            of_header(CODE, "p_flags", flags.into(), Reason::WritableAndExecutable)
        );
    }
}

/// Pages without read access are refused.
#[test]
fn unreadable_pages_are_refused() {
    for flags in [0, W, X] {
        let refused = changed(CODE, |header| header.flags = flags);
        assert_eq!(
            refused,
            of_header(CODE, "p_flags", flags.into(), Reason::NotReadable)
        );
    }
}

/// Segments that overlap, that share a page without overlapping, or that are out of order are refused.
#[test]
fn segment_not_above_the_one_before_is_refused() {
    let refused = changed(DATA, |header| header.vaddr = 0x40_1ff0);
    assert_eq!(
        refused,
        of_header(
            DATA,
            "p_vaddr",
            0x40_1ff0,
            Reason::NotAbove { end: 0x40_2000 }
        )
    );
    let refused = changed(CONSTANTS, |header| header.memsz = 0x1001);
    assert_eq!(
        refused,
        of_header(
            CODE,
            "p_vaddr",
            0x40_1000,
            Reason::NotAbove { end: 0x40_2000 }
        )
    );
    let mut file = good();
    file.headers.swap(CONSTANTS, CODE);
    let reason = Reason::NotAbove { end: 0x40_2000 };
    assert_eq!(refusal(&file), of_header(1, "p_vaddr", 0x40_0000, reason));
}

/// A program that wants a dynamic linker is refused.
#[test]
fn dynamic_program_is_refused() {
    for type_ in [PT_INTERP, PT_DYNAMIC] {
        let refused = changed(STACK, |header| header.type_ = type_);
        assert_eq!(
            refused,
            of_header(STACK, "p_type", type_.into(), Reason::Dynamic)
        );
    }
}

/// A program that wants an executable stack is refused.
#[test]
fn executable_stack_is_refused() {
    let refused = changed(STACK, |header| header.flags = R | W | X);
    assert_eq!(
        refused,
        of_header(STACK, "p_flags", 7, Reason::ExecutableStack)
    );
}

/// A second template of thread-local storage is refused.
#[test]
fn second_tls_is_refused() {
    let mut file = good();
    file.headers.push(file.headers[TLS]);
    assert_eq!(
        refusal(&file),
        of_header(5, "p_type", PT_TLS.into(), Reason::Second)
    );
}

/// Thread-local storage larger than the limit, or aligned to more than a page, is refused.
#[test]
fn tls_above_limit_is_refused() {
    let refused = changed(TLS, |header| header.memsz = 0x10_0001);
    assert_eq!(
        refused,
        of_header(
            TLS,
            "p_memsz",
            0x10_0001,
            Reason::AboveLimit { limit: 0x10_0000 }
        )
    );
    let refused = changed(TLS, |header| {
        (header.align, header.offset) = (0x2000, 0x1ff8)
    });
    assert_eq!(
        refused,
        of_header(TLS, "p_align", 0x2000, Reason::AboveLimit { limit: 0x1000 })
    );
}

/// A template that no segment loads as a whole is refused, wherever its header stands.
#[test]
fn tls_outside_segments_is_refused() {
    for vaddr in [0, 0x40_1230, 0x40_3fe8, 0x40_6fd8, u64::MAX - 7] {
        let mut file = good();
        file.headers[TLS].vaddr = vaddr;
        let reason = Reason::NotLoaded { n_bytes: 9 };
        assert_eq!(refusal(&file), of_header(TLS, "p_vaddr", vaddr, reason));
        file.headers.rotate_right(2);
        assert_eq!(refusal(&file), of_header(0, "p_vaddr", vaddr, reason));
    }
}

/// An entry point outside code is refused: in data, before, behind, and at zero.
#[test]
fn entry_outside_code_is_refused() {
    for entry in [0, 0x40_0000, 0x40_0fff, 0x40_1234, 0x40_3ff0, u64::MAX] {
        assert_eq!(
            patched(E_ENTRY, entry),
            of_file_header("e_entry", entry, Reason::NotExecutable)
        );
    }
}

/// A program whose pages take more memory than the limit is refused with both numbers.
#[test]
fn too_much_memory_is_refused() {
    let refused = changed(DATA, |header| header.memsz = 0x10_0000);
    let reason = Reason::AboveLimit { limit: 0x10_0000 };
    let expected = Refusal {
        place: Place::File,
        field: "memory",
        value: 0x10_3000,
        reason,
    };
    assert_eq!(refused, expected);
}

/// A refusal is a sentence that names the header, the field, the value and what is wrong.
#[test]
fn refusal_reads_as_a_sentence() {
    assert_eq!(
        patched(E_TYPE, 3).to_string(),
        "ELF file header: e_type is 0x3: must be 2 (executable at fixed addresses; link with -no-pie)"
    );
    assert_eq!(
        changed(DATA, |header| header.filesz = 0x21).to_string(),
        "ELF program header 2: p_offset is 0x1ff0: 0x21 bytes from there are not inside the file of 0x2010 bytes"
    );
    assert_eq!(
        changed(CODE, |header| header.flags = 7).to_string(),
        "ELF program header 1: p_flags is 0x7: its pages would be writable and executable"
    );
}
