//! The walk over an archive that lies elsewhere finds what the reader finds, and refuses what it refuses.

use omnibus_archive::{Archive, MODE_REGULAR_FILE, Malformed, Place, Reason, Walk, Writer};
use proptest::prelude::*;

fn walk(bytes: &[u8]) -> Walk<impl FnMut(usize, &mut [u8])> {
    Walk::new(bytes.len(), |offset, into: &mut [u8]| {
        into.copy_from_slice(&bytes[offset..offset + into.len()]);
    })
}

fn all(bytes: &[u8]) -> Result<Vec<(String, Place)>, Malformed> {
    let mut walk = walk(bytes);
    let mut members = Vec::new();
    while let Some((name, place)) = walk.next_member()? {
        members.push((name.to_owned(), place));
    }
    Ok(members)
}

fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new();
    for (name, bytes) in members {
        writer
            .add(name, MODE_REGULAR_FILE | 0o444, bytes)
            .expect("a plain member");
    }
    writer.finish()
}

proptest! {
    /// Names and contents are those that the reader finds, and each name leads to its member.
    #[test]
    fn walk_agrees_with_the_reader(members in prop::collection::btree_map("[a-c]{1,9}", prop::collection::vec(any::<u8>(), 0..50), 0..6)) {
        let members: Vec<_> = members.into_iter().collect();
        let bytes = archive(&members);
        let found = all(&bytes).unwrap();
        let contents = |place: Place| &bytes[place.offset..][..place.n_bytes];
        let found: Vec<_> = found.into_iter().map(|(name, place)| (name, contents(place).to_vec())).collect();
        prop_assert_eq!(&found, &members);
        for (name, expected) in &members {
            prop_assert_eq!(contents(walk(&bytes).find(name).unwrap().unwrap()), expected);
        }
        prop_assert_eq!(walk(&bytes).find("d").unwrap(), None);
    }

    /// A damaged archive never panics, and the walk refuses nothing that the reader accepts.
    #[test]
    fn walk_survives_damage(at in 0_usize..400, to in any::<u8>(), cut in 0_usize..400) {
        let members = [("init".to_owned(), vec![1; 50]), ("second".to_owned(), vec![2; 7])];
        let mut bytes = archive(&members);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let walked = all(&bytes);
        if Archive::parse(&bytes).is_ok() {
            prop_assert!(walked.is_ok(), "{:?}", walked);
        }
    }
}

/// A name that is too long for a walk is refused at its place, and what lies before it is found.
#[test]
fn walk_refuses_a_long_name() {
    let bytes = archive(&[("a".into(), vec![0; 4]), ("n".repeat(300), vec![])]);
    assert!(walk(&bytes).find("a").unwrap().is_some());
    let error = all(&bytes).unwrap_err();
    assert_eq!((error.field, error.offset), ("name", 110 + 2 + 4 + 110));
    assert!(matches!(error.reason, Reason::Truncated { .. }));
}
