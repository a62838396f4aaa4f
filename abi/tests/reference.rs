//! `docs/syscalls.md` and the tables of `docs/model.md` say what this crate says.
//!
//! The reference has one section per call, headed by its number and name, with a table of arguments by register, a line for the
//! value, and the errors as code. Whatever a section states and the ABI does not, or the other way round, is a failure
//! that names the call.

use std::collections::BTreeSet;
use std::fs;

use omnibus_abi::call::{Argument, SPECIFICATIONS, Specification};
use omnibus_abi::{Kind, bus1, errno, native};

/// The reference has a section for every call, by number and name, and for no other.
#[test]
fn docs_syscalls_has_every_call() {
    let reference = document("syscalls.md");
    let headings: Vec<_> = sections(&reference).map(|(heading, _)| heading).collect();
    let calls: Vec<_> = SPECIFICATIONS.iter().map(|call| heading_of(call)).collect();
    assert_eq!(headings, calls);
}

/// Each section names the call's arguments by register, and what each one holds.
#[test]
fn docs_syscalls_states_the_arguments() {
    for_each_call(|call, section| {
        let rows: Vec<_> = section.lines().filter_map(argument_row).collect();
        assert_eq!(rows.len(), call.arguments.len(), "{}: arguments", call.name);
        for (index, (&(name, argument), row)) in call.arguments.iter().zip(&rows).enumerate() {
            let [register, argument_name, holds] = row;
            assert_eq!(
                (*register, *argument_name),
                (call.registers()[index], name),
                "{}",
                call.name
            );
            for word in words_of(argument) {
                assert!(
                    holds.contains(&word),
                    "{}, {name}: {word:?} is not in {holds:?}",
                    call.name
                );
            }
        }
    });
}

/// Each section states the value, if there is one.
#[test]
fn docs_syscalls_states_the_value() {
    for_each_call(|call, section| {
        let value = section
            .lines()
            .find_map(|line| line.strip_prefix("Value: "));
        match value {
            None => assert_eq!(call.value, "", "{}: no value stated", call.name),
            Some(value) => assert!(
                !call.value.is_empty() && value.starts_with(call.value),
                "{}: {value:?} instead of {:?}",
                call.name,
                call.value
            ),
        }
    });
}

/// Each section lists exactly the errors that the call can give.
#[test]
fn docs_syscalls_states_the_errors() {
    for_each_call(|call, section| {
        let list = section.split_once("Errors").map_or("", |(_, list)| list);
        let stated: BTreeSet<_> = list
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| errno::NAMED.iter().any(|(_, symbol)| symbol == code))
            .collect();
        let given: BTreeSet<_> = call.errors.iter().map(|error| error.symbol()).collect();
        assert_eq!(stated, given, "{}", call.name);
    });
}

/// The tables of structures state size, fields and offsets as the ABI has them.
#[test]
fn docs_structures_are_those_of_the_abi() {
    for (file, structures) in [
        ("model.md", bus1::STRUCTURES),
        ("syscalls.md", native::STRUCTURES),
    ] {
        let text = document(file);
        for layout in structures {
            let (name, n_bytes, fields) = (layout.name, layout.n_bytes, layout.fields);
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}`")))
                .unwrap_or_else(|| panic!("docs/{file} has no structure {name}"));
            let fields: Vec<_> = fields
                .iter()
                // A field that C calls `type` cannot have that name in Rust.
                .map(|(field, offset)| {
                    (
                        if *field == "kind" && name == "bus1_message" {
                            "type"
                        } else {
                            field
                        },
                        offset,
                    )
                })
                .map(|(field, offset)| format!("`{field}` {offset}"))
                .collect();
            let end = format!("| {n_bytes} | {} |", fields.join(", "));
            assert!(
                row.ends_with(&end),
                "docs/{file}, {name}: {row:?} does not end with {end:?}"
            );
        }
    }
}

/// The table of kinds gives each its number and every one of its rights, by name and bit.
#[test]
fn docs_syscalls_states_the_rights() {
    let reference = document("syscalls.md");
    for kind in Kind::ALL {
        let start = format!("| {} | {} | ", kind.name(), kind as u64);
        let row = reference
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap_or_else(|| panic!("no row {start:?}"));
        let stated: Vec<_> = row
            .split(" · ")
            .filter_map(|right| right.split(':').next()?.trim().rsplit_once(' '))
            .filter_map(|(name, bit)| Some((name, bit.parse::<u64>().ok()?)))
            .collect();
        assert_eq!(stated, kind.rights(), "{}", kind.name());
    }
}

fn document(name: &str) -> String {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn heading_of(call: &Specification) -> String {
    format!("{} `{}`", call.call as u64, call.name)
}

/// The headings of the third level and what stands below each.
fn sections(reference: &str) -> impl Iterator<Item = (&str, &str)> {
    let calls = reference
        .split_once("\n## The calls\n")
        .expect("a section of the calls")
        .1;
    let calls = calls.split("\n## ").next().unwrap_or_default();
    calls
        .split("\n### ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
}

fn for_each_call(mut check: impl FnMut(&Specification, &str)) {
    let reference = document("syscalls.md");
    for call in SPECIFICATIONS {
        let heading = heading_of(call);
        let (_, section) = sections(&reference)
            .find(|(found, _)| *found == heading)
            .unwrap_or_else(|| panic!("docs/syscalls.md has no section {heading:?}"));
        check(call, section);
    }
}

/// Register, name and content of a row of a table of arguments.
fn argument_row(line: &str) -> Option<[&str; 3]> {
    let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
    let register = cells.next()?.strip_suffix('`')?;
    let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some([register, name, cells.next()?])
}

/// What the description of an argument must say.
fn words_of(argument: Argument) -> Vec<String> {
    match argument {
        Argument::Capability(kind, _) => vec![format!("capability: {}, with ", kind.name())],
        Argument::AnyCapability => vec!["capability of any kind".into()],
        Argument::Structure(name, access) => {
            vec!["address".into(), format!("`{name}`"), access_words(access)]
        }
        Argument::Array(name, access) => vec![
            "address of an array".into(),
            format!("`{name}`"),
            access_words(access),
        ],
        Argument::Bytes(access) => vec!["address of bytes".into(), access_words(access)],
        Argument::SizeOf(name) => vec!["size of a".into(), format!("`{name}`")],
        Argument::Count(most, _) => vec![format!("at most {most}")],
        Argument::Deadline => vec!["deadline".into()],
        Argument::Value => Vec::new(),
    }
}

fn access_words(access: omnibus_abi::call::Access) -> String {
    use omnibus_abi::call::Access;
    match access {
        Access::In => ", read",
        Access::Out => ", written",
        Access::InOut => ", read and written",
    }
    .into()
}
