//! What holds for every archive: it reads back as written, and no damage can make the reader panic or lie.

use omnibus_archive::{Archive, MODE_REGULAR_FILE, Writer};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// Members in the order of their names.
type Members = std::collections::BTreeMap<String, (u32, Vec<u8>)>;

fn members() -> impl Strategy<Value = Members> {
    let name = "[a-zA-Z0-9_./é-]{1,20}";
    // Executables are moved to pages, which makes archives too long to try each of their bytes.
    let mode = any::<u32>().prop_map(|mode| mode & !0o111);
    btree_map(name, (mode, vec(any::<u8>(), 0..40)), 0..6)
}

fn written(members: &Members) -> Vec<u8> {
    let mut writer = Writer::new();
    for (name, (mode, bytes)) in members {
        writer.add(name, *mode, bytes).expect("a plain member");
    }
    writer.finish()
}

/// The smallest archive there is, byte for byte.
#[test]
fn bytes_of_the_format_are_pinned() {
    let mut writer = Writer::new();
    writer
        .add("a", MODE_REGULAR_FILE | 0o644, b"hi")
        .expect("a plain member");
    let expected = concat!(
        "070701",
        "00000001",
        "000081A4",
        "00000001",
        "00000000",
        "00000000",
        "00000000",
        "00000002",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "00000002",
        "00000000",
        "a\0",
        "hi\0\0",
        "070701",
        "00000000",
        "00000000",
        "00000001",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "00000000",
        "0000000B",
        "00000000",
        "TRAILER!!!\0",
        "\0\0\0",
    );
    assert_eq!(String::from_utf8(writer.finish()).expect("ASCII"), expected);
}

/// What may be executed starts at a multiple of 4096 bytes, whatever is before it, and reads back as it was; what may not is not moved.
#[test]
fn executables_start_at_pages() {
    let mut writer = Writer::new();
    for (name, mode) in [
        ("plain", 0o644),
        ("first", 0o755),
        ("again", 0o001),
        ("last", 0o444),
    ] {
        writer
            .add(name, MODE_REGULAR_FILE | mode, name.as_bytes())
            .expect("a plain member");
    }
    let bytes = writer.finish();
    let archive = Archive::parse(&bytes).expect("sound");
    let start = |name: &str| {
        let entry = archive.find(name).expect("it was added");
        assert_eq!(entry.bytes, name.as_bytes());
        entry.bytes.as_ptr() as usize - bytes.as_ptr() as usize
    };
    let starts = ["plain", "first", "again", "last"].map(start);
    assert_eq!(starts, [116, 4096, 8192, 8316]);
}

/// A member that the format or the reader could not take is refused by name and leaves the archive as it was.
#[test]
fn writer_refuses_what_could_not_be_read() {
    let mut writer = Writer::new();
    writer
        .add("init", MODE_REGULAR_FILE, b"1")
        .expect("a plain member");
    for name in ["", "a\0b", "TRAILER!!!", "init"] {
        let refused = writer
            .add(name, MODE_REGULAR_FILE, b"2")
            .expect_err("a bad name");
        assert_eq!(refused.name, name);
        assert!(refused.to_string().contains(&format!("{name:?}")));
    }
    let bytes = writer.finish();
    let archive = Archive::parse(&bytes).expect("sound");
    assert_eq!(
        archive
            .entries()
            .map(|entry| (entry.name, entry.bytes))
            .collect::<Vec<_>>(),
        [("init", &b"1"[..])]
    );
}

proptest! {
    /// What was written is read back: names, modes and contents, in order and by name.
    #[test]
    fn written_archive_reads_back(members in members(), other in "[a-z]{21}") {
        let bytes = written(&members);
        let archive = Archive::parse(&bytes).expect("a written archive is sound");
        let read: Vec<_> = archive.entries().map(|entry| (entry.name, entry.mode, entry.bytes)).collect();
        let expected: Vec<_> =
            members.iter().map(|(name, (mode, bytes))| (name.as_str(), *mode, bytes.as_slice())).collect();
        prop_assert_eq!(read, expected);
        for (name, (_, bytes)) in &members {
            prop_assert_eq!(archive.find(name).map(|entry| entry.bytes), Some(bytes.as_slice()));
        }
        prop_assert_eq!(archive.find(&other), None);
    }

    /// Every proper beginning of an archive is refused, at a byte that is inside it or its end.
    #[test]
    fn every_truncation_is_refused(members in members()) {
        let bytes = written(&members);
        for n_bytes in 0..bytes.len() {
            let refused = Archive::parse(&bytes[..n_bytes]).expect_err("a truncated archive");
            prop_assert!(refused.offset <= n_bytes, "{refused}");
        }
    }

    /// However bytes are damaged, the reader refuses inside the archive or yields members that lie inside it.
    #[test]
    fn corruption_never_panics(
        members in members(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = written(&members);
        for (index, value) in damage {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        check(&bytes)?;
    }

    /// A digit changed for another digit reaches deeper than random damage, and is as harmless.
    #[test]
    fn changed_digits_never_panic(
        members in members(),
        damage in vec((any::<prop::sample::Index>(), "[0-9a-fA-F]"), 1..4),
    ) {
        let mut bytes = written(&members);
        for (index, digit) in damage {
            let index = index.index(bytes.len());
            bytes[index] = digit.as_bytes()[0];
        }
        check(&bytes)?;
    }

    /// Bytes that never were an archive are refused or read, without a panic.
    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..300)) {
        check(&bytes)?;
    }
}

/// What must hold of any bytes whatever.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Archive::parse(bytes) {
        Err(refused) => prop_assert!(refused.offset <= bytes.len(), "{refused}"),
        Ok(archive) => {
            let inside = bytes.as_ptr_range();
            for entry in archive.entries() {
                let contents = entry.bytes.as_ptr_range();
                prop_assert!(inside.start <= contents.start && contents.end <= inside.end);
                prop_assert!(!entry.name.is_empty());
                prop_assert!(archive.find(entry.name).is_some());
            }
        }
    }
    Ok(())
}
