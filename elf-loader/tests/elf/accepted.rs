//! What is accepted, and what it says.

use crate::builder::*;
use omnibus_elf_loader::{Image, Rights, Segment};

/// A program's segments, entry point, memory and thread-local storage are those of its headers.
#[test]
fn good_file_is_described() {
    let file = good().build();
    let image = Image::parse(&file, &limits()).expect("a good file");
    assert_eq!(image.entry(), 0x40_1010);
    assert_eq!(image.n_bytes_memory(), 0x1000 + 0x1000 + 0x4000);

    let segments: Vec<Segment<'_>> = image.segments().collect();
    let places: Vec<_> = segments
        .iter()
        .map(|it| (it.address, it.n_bytes_memory, it.rights))
        .collect();
    assert_eq!(
        places,
        [
            (0x40_0000, 0x300, Rights::Read),
            (0x40_1000, 0x234, Rights::ReadExecute),
            (0x40_3ff0, 0x2ff0, Rights::ReadWrite),
        ]
    );
    assert_eq!(segments[CODE].bytes, &file[0x1000..0x1234]);
    assert_eq!(segments[DATA].bytes, &file[0x1ff0..0x2010]);

    let tls = image.tls().expect("thread-local storage");
    assert_eq!(
        (
            tls.address,
            tls.n_bytes_template,
            tls.n_bytes_memory,
            tls.n_bytes_alignment
        ),
        (0x40_3ff8, 9, 0x18, 8)
    );
}

/// A page holds what the file has for it at its place, and nothing else of the file.
#[test]
fn pages_hold_their_part_of_the_file() {
    let file = good().build();
    let image = Image::parse(&file, &limits()).expect("a good file");
    let data = image.segments().nth(DATA).expect("the data");
    assert_eq!(data.pages(), 0x40_3000..0x40_7000);
    assert_eq!(
        data.bytes_of_page(0x40_3000),
        (0xff0, &file[0x1ff0..0x2000])
    );
    assert_eq!(data.bytes_of_page(0x40_4000), (0, &file[0x2000..0x2010]));
    assert_eq!(data.bytes_of_page(0x40_5000), (0, &[][..]));
    assert_eq!(data.bytes_of_page(0x40_6000), (0, &[][..]));
    for elsewhere in [0, 0x40_2000, 0x40_7000, u64::MAX - 0xfff] {
        assert_eq!(data.bytes_of_page(elsewhere), (0, &[][..]));
    }
}

/// The first and the last page granted can be used.
#[test]
fn outermost_pages_are_accepted() {
    let mut file = good();
    file.headers[CONSTANTS].vaddr = 0x1000;
    assert!(Image::parse(&file.build(), &limits()).is_ok());
    let mut file = good();
    file.headers[DATA] = Header {
        vaddr: 0x7fff_ffff_eff0,
        memsz: 0x10,
        filesz: 0x10,
        ..file.headers[DATA]
    };
    file.headers.remove(TLS);
    let file = file.build();
    let image = Image::parse(&file, &limits()).expect("the last page");
    assert_eq!(
        image.segments().last().expect("the data").pages(),
        0x7fff_ffff_e000..0x7fff_ffff_f000
    );
}

/// A limit can be used up to its last header and its last byte.
#[test]
fn limits_are_inclusive() {
    let mut limits = limits();
    limits.n_program_headers = 5;
    limits.n_bytes_memory = 0x6000;
    assert!(Image::parse(&good().build(), &limits).is_ok());
}

/// Where there are no bytes in the file, their place is not looked at; where there is no memory either, nothing is.
#[test]
fn place_of_nothing_means_nothing() {
    let mut file = good();
    file.headers[DATA] = Header {
        filesz: 0,
        offset: u64::MAX - 5,
        ..file.headers[DATA]
    };
    file.headers[CONSTANTS] = Header {
        filesz: 0,
        memsz: 0,
        flags: 0,
        vaddr: 3,
        ..file.headers[CONSTANTS]
    };
    file.headers[TLS] = Header {
        filesz: 0,
        offset: u64::MAX - 5,
        vaddr: 0,
        ..file.headers[TLS]
    };
    let file = file.build();
    let image = Image::parse(&file, &limits()).expect("nothing in odd places");
    assert_eq!(
        image
            .segments()
            .map(|segment| segment.bytes.len())
            .collect::<Vec<_>>(),
        [0x234, 0]
    );
    assert_eq!(image.tls().map(|tls| tls.n_bytes_template), Some(0));
}

/// Without program headers for the stack or thread-local storage a program has neither wish.
#[test]
fn stack_and_tls_headers_are_optional() {
    let mut file = good();
    file.headers.truncate(TLS);
    let file = file.build();
    assert_eq!(
        Image::parse(&file, &limits()).expect("a good file").tls(),
        None
    );
}

/// An alignment of 0 or 1 asks for none; thread-local storage then has an alignment of 1.
#[test]
fn no_alignment_is_accepted() {
    for align in [0, 1] {
        let mut file = good();
        file.headers[DATA].align = align;
        file.headers[DATA].offset += 3;
        file.headers[DATA].filesz -= 3;
        file.headers[TLS].align = align;
        let file = file.build();
        let image = Image::parse(&file, &limits()).expect("a good file");
        assert_eq!(image.tls().map(|tls| tls.n_bytes_alignment), Some(1));
    }
}

/// Program headers of other types and the system ABI of GNU change nothing.
#[test]
fn other_types_are_passed_over() {
    let mut file = good();
    file.headers.push(Header {
        type_: PT_NOTE,
        offset: u64::MAX,
        flags: u32::MAX,
        ..file.headers[DATA]
    });
    file.patches.push((EI_OSABI, 3));
    let file = file.build();
    assert_eq!(
        Image::parse(&file, &limits())
            .expect("a good file")
            .segments()
            .count(),
        3
    );
}

/// A template may end with the last byte of its segment.
#[test]
fn tls_at_the_end_of_a_segment_is_accepted() {
    let mut file = good();
    file.headers[TLS] = Header {
        offset: 0x1fe8,
        vaddr: 0x40_3ff0 + 0x2ff0 - 8,
        filesz: 8,
        ..file.headers[TLS]
    };
    let file = file.build();
    let image = Image::parse(&file, &limits()).expect("a good file");
    assert_eq!(image.tls().map(|tls| tls.address), Some(0x40_6fd8));
}
