//! The public specification and the tests are kept together by name.
//!
//! `docs/model.md` defines rules (`ORD-2`) and litmus programs (`L3`). A test carries an id by its name: the function
//! that is the test starts with it, as in `ord_2_one_sender_is_fifo`, `l3_two_multicasts` or `litmus_l3`. On the host it
//! stands under `#[test]`, for QEMU in a `tests!` block of a program. This file reads both sides and fails if a
//! rule has no test there, or if a test names a rule that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Prefixes of rule ids, in the order of the model's sections.
const FAMILIES: [&str; 12] = [
    "OBJ", "STR", "ERR", "TRA", "REL", "SND", "RCV", "NOT", "EVT", "ORD", "CLO", "ACC",
];

/// Prefixes of the litmus programs.
const LITMUS: [&str; 3] = ["L", "R", "Q"];

/// Rules of the border between a task and the kernel, which a host has not: capabilities, pointers, interrupts.
const GUEST_ONLY: [&str; 5] = ["ERR-2", "TRA-3", "RCV-1", "RCV-2", "ORD-8"];

/// Every rule of the model and every litmus program has a test through real system calls.
#[test]
fn every_rule_has_a_test_in_the_guest() {
    let carried = carried_ids();
    expect_none(
        "tested in the guest",
        defined_ids()
            .into_iter()
            .filter(|id| !carried.guest.contains_key(id)),
    );
}

/// Every rule that has a meaning without a kernel, and every litmus program, has a test on the host.
#[test]
fn every_rule_has_a_test_on_the_host() {
    let carried = carried_ids();
    expect_none(
        "tested on the host",
        defined_ids()
            .into_iter()
            .filter(|id| !GUEST_ONLY.contains(&id.as_str()) && !carried.host.contains_key(id)),
    );
}

/// Fails with the ids that are left over.
fn expect_none(what: &str, missing: impl Iterator<Item = String>) {
    let missing: Vec<_> = missing.collect();
    assert!(
        missing.is_empty(),
        "{} ids of docs/model.md are not {what}: {}",
        missing.len(),
        missing.join(" ")
    );
}

/// No test claims an id that the model does not define.
#[test]
fn every_test_names_a_rule_that_exists() {
    let defined = defined_ids();
    let carried = carried_ids();
    let unknown: Vec<_> = carried
        .host
        .into_iter()
        .chain(carried.guest)
        .filter(|(id, _)| !defined.contains(id))
        .map(|(id, place)| format!("{id} in {}", place.display()))
        .collect();
    assert!(
        unknown.is_empty(),
        "docs/model.md does not define: {}",
        unknown.join(", ")
    );
}

/// The model numbers each family of ids from 1 without a gap, so none is lost by a slip of formatting.
#[test]
fn ids_are_numbered_without_gaps() {
    let defined = defined_ids();
    for family in FAMILIES.into_iter().chain(LITMUS) {
        let separator = if LITMUS.contains(&family) { "" } else { "-" };
        let count = defined
            .iter()
            .filter(|id| {
                id.trim_end_matches(|c: char| c.is_ascii_digit()) == format!("{family}{separator}")
            })
            .count();
        assert!(count > 0, "docs/model.md defines no {family}");
        for number in 1..=count {
            let id = format!("{family}{separator}{number}");
            assert!(
                defined.contains(&id),
                "{count} ids of {family}, but no {id}"
            );
        }
    }
}

/// The scanner counts test functions only, and reads ids from the start of a name only.
#[test]
fn scanner_takes_tests_and_nothing_else() {
    let source = "
        #[test]
        /// A sentence.
        fn ord_2_fifo() {}
        fn ord_3_helper() {}
        // #[test] fn ord_4_comment() {}
        #[test]
        /// A sentence.
        fn not_a_rule() {}
        #[test]
        #[cfg(unix)]
        /// A sentence.
        fn litmus_l3() {}
tests! {
    /// A sentence.
    fn snd_4_dropped(bench) {
        fn snd_5_inner() {}
    }

    /// A sentence.
    fn q1_receive(bench) {}
}
    fn snd_6_helper() {}
    ";
    let ids: Vec<_> = test_functions(source).filter_map(id_of_name).collect();
    assert_eq!(ids, ["ORD-2", "L3", "SND-4", "Q1"]);
    for other in [
        "ord_",
        "ord_2x",
        "ord",
        "litmus_x1",
        "l",
        "l3x_1",
        "recall_3",
    ] {
        assert_eq!(id_of_name(other), None, "{other}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Ids that the model defines: `- **ORD-2** …` for rules, a table row `| L3 | …` for litmus programs.
fn defined_ids() -> BTreeSet<String> {
    let model = read(&root().join("docs/model.md"));
    let rules = model
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(id, _)| id.to_string())
        .filter(|id| {
            FAMILIES
                .iter()
                .any(|family| id.starts_with(&format!("{family}-")))
        });
    let programs = model
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .filter(|(id, _)| id_of_name(id).as_deref() == Some(*id))
        .map(|(id, _)| id.to_string());
    rules.chain(programs).collect()
}

/// Ids that tests carry, each with one file that does.
#[derive(Default)]
struct Carried {
    host: BTreeMap<String, PathBuf>,
    guest: BTreeMap<String, PathBuf>,
}

fn carried_ids() -> Carried {
    let mut files = Vec::new();
    collect_rust_files(root(), &mut files);
    let programs = root().join("userland/src/bin");
    let mut carried = Carried::default();
    for path in files {
        // The examples in this file's own comments and tests are not evidence.
        if path.ends_with(file!()) {
            continue;
        }
        let source = read(&path);
        let place = path.strip_prefix(root()).unwrap_or(&path).to_path_buf();
        let side = if path.starts_with(&programs) {
            &mut carried.guest
        } else {
            &mut carried.host
        };
        for id in test_functions(&source).filter_map(id_of_name) {
            side.entry(id).or_insert_with(|| place.clone());
        }
    }
    carried
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect_rust_files(&path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

/// Names of the functions that are tests: those under a `#[test]`, and those directly in a `tests!` block.
fn test_functions(source: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    let mut is_in_block = false;
    source.lines().filter_map(move |line| {
        match line {
            "tests! {" => is_in_block = true,
            "}" => is_in_block = false,
            _ => {}
        }
        if is_in_block {
            return line.strip_prefix("    fn ").and_then(function_name);
        }
        let line = line.trim_start();
        if line.starts_with("#[test]") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            return std::mem::take(&mut is_test)
                .then_some(rest)
                .and_then(function_name);
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
        None
    })
}

fn function_name(rest: &str) -> Option<&str> {
    rest.split(['(', '<']).next()
}

/// The id at the start of a test's name: `ord_2_fifo` carries `ORD-2`, `l3_two_multicasts` and `litmus_l3` carry `L3`.
fn id_of_name(name: &str) -> Option<String> {
    let name = name.strip_prefix("litmus_").unwrap_or(name);
    let mut parts = name.split('_');
    let first = parts.next()?.to_ascii_uppercase();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((letter, digits)) = first.split_at_checked(1)
        && LITMUS.contains(&letter)
        && is_number(digits)
    {
        return Some(first);
    }
    let number = parts.next()?;
    (FAMILIES.contains(&first.as_str()) && is_number(number)).then(|| format!("{first}-{number}"))
}
