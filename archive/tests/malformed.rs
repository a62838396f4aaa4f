//! One bad archive per reason, each made by damaging one place of a good one.

use omnibus_archive::{Archive, MODE_REGULAR_FILE, Malformed, Reason, Writer};

/// Bytes in a header.
const HEADER: usize = 110;
/// Where the contents of the member stand: behind its header and `init\0` with padding (110 + 5 + 1).
const CONTENTS: usize = 116;
/// Where the trailer's header stands: behind the contents `abcde` with padding.
const TRAILER: usize = 124;

/// An archive with one member, `init`, holding `abcde`.
fn good() -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .add("init", MODE_REGULAR_FILE | 0o644, b"abcde")
        .expect("a plain member");
    writer.finish()
}

/// Overwrites the good archive at `offset` and tells how it is refused.
fn refusal(offset: usize, bytes: &[u8]) -> Malformed {
    let mut archive = good();
    archive[offset..][..bytes.len()].copy_from_slice(bytes);
    Archive::parse(&archive).expect_err("a damaged archive")
}

/// An archive of zero bytes lacks its trailer.
#[test]
fn empty_archive_has_no_trailer() {
    let expected = Malformed {
        offset: 0,
        field: "trailer",
        reason: Reason::NoTrailer,
    };
    assert_eq!(Archive::parse(&[]).expect_err("empty"), expected);
}

/// An archive that ends after a member is refused at its end.
#[test]
fn missing_trailer_is_refused() {
    let expected = Malformed {
        offset: TRAILER,
        field: "trailer",
        reason: Reason::NoTrailer,
    };
    assert_eq!(
        Archive::parse(&good()[..TRAILER]).expect_err("no trailer"),
        expected
    );
}

/// Another magic, also that of the variant with checksums, is refused.
#[test]
fn other_magic_is_refused() {
    let expected = Malformed {
        offset: 0,
        field: "c_magic",
        reason: Reason::NotNewc,
    };
    assert_eq!(refusal(0, b"070702"), expected);
    assert_eq!(refusal(0, b"\x7fELF\x02\x01"), expected);
}

/// A character that is no hexadecimal digit is refused in each of the thirteen numbers, naming the number.
#[test]
fn number_with_other_digits_is_refused() {
    let fields = [
        "c_ino",
        "c_mode",
        "c_nlink",
        "c_uid",
        "c_gid",
        "c_mtime",
        "c_filesize",
        "c_devmajor",
        "c_devminor",
        "c_rdevmajor",
        "c_rdevminor",
        "c_namesize",
        "c_check",
    ];
    for (index, field) in fields.into_iter().enumerate() {
        let offset = 6 + 8 * index;
        for bad in [b'g', b'+', b'-', b' ', b'\0', 0xff] {
            let expected = Malformed {
                offset,
                field,
                reason: Reason::NotHexadecimal,
            };
            assert_eq!(refusal(offset, &[bad]), expected);
            assert_eq!(refusal(offset + 7, &[bad]), expected);
        }
    }
}

/// A name of length 0, and one that is only its NUL, is refused as empty.
#[test]
fn empty_name_is_refused() {
    let expected = Malformed {
        offset: HEADER,
        field: "name",
        reason: Reason::NameEmpty,
    };
    assert_eq!(refusal(94, b"00000000"), expected);
    let mut archive = good();
    archive[94..102].copy_from_slice(b"00000001");
    archive[HEADER] = 0;
    assert_eq!(Archive::parse(&archive).expect_err("empty name"), expected);
}

/// A name without a NUL, with something behind its NUL, or not in UTF-8 is refused.
#[test]
fn bad_name_is_refused() {
    let refused = |reason| Malformed {
        offset: HEADER,
        field: "name",
        reason,
    };
    assert_eq!(
        refusal(HEADER + 4, b"x"),
        refused(Reason::NameNotTerminated)
    );
    assert_eq!(refusal(HEADER + 1, b"\0"), refused(Reason::NameHasNul));
    assert_eq!(refusal(HEADER + 1, b"\xff"), refused(Reason::NameNotUtf8));
}

/// A name or contents longer than the archive are refused with both lengths.
#[test]
fn too_long_is_refused() {
    let n_bytes_needed = 0xffff_ffff;
    let n_bytes_left = good().len() - HEADER;
    let reason = Reason::Truncated {
        n_bytes_needed,
        n_bytes_left,
    };
    assert_eq!(
        refusal(94, b"ffffffff"),
        Malformed {
            offset: HEADER,
            field: "name",
            reason
        }
    );
    let n_bytes_left = good().len() - CONTENTS;
    let reason = Reason::Truncated {
        n_bytes_needed,
        n_bytes_left,
    };
    assert_eq!(
        refusal(54, b"FFFFFFFF"),
        Malformed {
            offset: CONTENTS,
            field: "contents",
            reason
        }
    );
}

/// A hard link is refused: its contents may stand with another member.
#[test]
fn hard_link_is_refused() {
    let expected = Malformed {
        offset: 22,
        field: "c_nlink",
        reason: Reason::HardLink { n_links: 2 },
    };
    assert_eq!(refusal(22, b"00000002"), expected);
}

/// A directory has several links by nature and is accepted.
#[test]
fn directory_with_links_is_accepted() {
    let mut archive = good();
    archive[14..22].copy_from_slice(b"000041ED");
    archive[22..30].copy_from_slice(b"00000002");
    let archive = Archive::parse(&archive).expect("a directory");
    assert!(!archive.find("init").expect("the member").is_regular_file());
}

/// Padding that is not zero is refused behind a name and behind contents.
#[test]
fn padding_must_be_zero() {
    let refused = |offset| Malformed {
        offset,
        field: "padding",
        reason: Reason::NotZero { value: 7 },
    };
    assert_eq!(refusal(HEADER + 5, &[7]), refused(HEADER + 5));
    assert_eq!(refusal(CONTENTS + 6, &[7]), refused(CONTENTS + 6));
}

/// A trailer with contents is refused.
#[test]
fn trailer_with_contents_is_refused() {
    let reason = Reason::TrailerHasContents { n_bytes: 4 };
    let expected = Malformed {
        offset: TRAILER + 54,
        field: "c_filesize",
        reason,
    };
    assert_eq!(refusal(TRAILER + 54, b"00000004"), expected);
}

/// Zeros may follow the trailer; anything else, such as a second archive, is refused.
#[test]
fn only_zeros_follow_the_trailer() {
    let mut archive = good();
    let end = archive.len();
    archive.resize(end + 512, 0);
    assert!(Archive::parse(&archive).is_ok());
    archive[end + 300] = b'0';
    let reason = Reason::NotZero { value: b'0' };
    let expected = Malformed {
        offset: end + 300,
        field: "trailer",
        reason,
    };
    assert_eq!(
        Archive::parse(&archive).expect_err("more than zeros"),
        expected
    );
}

/// A refusal is a sentence that names the byte, the field and the reason.
#[test]
fn refusal_reads_as_a_sentence() {
    assert_eq!(
        refusal(94, b"000000c8").to_string(),
        "cpio archive, byte 110, name: needs 200 bytes, but the archive ends after 138"
    );
    assert_eq!(
        refusal(22, b"00000002").to_string(),
        "cpio archive, byte 22, c_nlink: is 2 for a regular file, but hard links are not supported"
    );
}
