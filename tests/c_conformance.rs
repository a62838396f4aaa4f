//! The conformance suite in C, built for this machine: it covers the rules, and says so where there is no bus1.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "../build/c_flags.rs"]
#[expect(dead_code, reason = "nothing here is for Omnibus")]
mod c_flags;

/// Least number of cases.
const N_CASES_LEAST: usize = 150;

/// Families of the rules of sections 1 to 7.
const FAMILIES: [&str; 10] = [
    "OBJ", "STR", "ERR", "TRA", "REL", "SND", "RCV", "NOT", "ORD", "CLO",
];

/// What the suite says on a machine without the device.
const NO_DEVICE: i32 = 77;

/// The suite compiles with the C library of this machine, without a warning, and with nothing of ours but `<linux/bus1.h>`; it
/// then says that there is no device, by its own exit status.
#[test]
fn suite_builds_for_linux() {
    let output = run("missing", &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    if Path::new("/dev/bus1").exists() {
        assert_eq!(output.status.code(), Some(0), "{said}");
    } else {
        assert_eq!(output.status.code(), Some(NO_DEVICE), "{said}");
        assert!(said.contains("/dev/bus1"), "{said}");
    }
}

/// A wrong argument is refused by name.
#[test]
fn suite_refuses_a_wrong_argument() {
    let output = run("wrong", &["--frob"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--frob"));
}

/// Every rule of sections 1 to 7 of the model has a case whose id names it first, every step of every order of checks has one, and there are at least 150 cases, each
/// with an id of its own and a sentence.
#[test]
fn suite_covers_the_rules() {
    // A machine with less memory than quotas has cases of its own.
    let list: String = [&["--list"][..], &["--list", "--overcommitted"]]
        .map(|arguments| run("list", arguments).stdout)
        .map(|output| String::from_utf8(output).expect("ids and sentences are UTF-8"))
        .concat();
    let cases: Vec<_> = list
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" | "))
        .collect();
    assert!(cases.len() >= N_CASES_LEAST, "{} cases", cases.len());
    assert!(cases.iter().all(|(_, sentence)| sentence.ends_with('.')));
    let ids: BTreeSet<_> = cases.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), cases.len(), "an id comes twice");
    let missing: Vec<_> = rules()
        .into_iter()
        .filter(|rule| {
            let prefix = format!("c-{}-", rule.to_lowercase());
            !ids.iter().any(|id| id.starts_with(&prefix))
        })
        .collect();
    assert!(missing.is_empty(), "rules without a case: {missing:?}");
    for (rule, steps) in STEPS {
        for (index, step) in steps.split(' ').enumerate() {
            let id = format!("c-{rule}-order-{:02}-{step}", index + 1);
            assert!(ids.contains(id.as_str()), "a step without a case: {id}");
        }
    }
}

/// The steps of each command's order of checks, as TRA-4, REL-1, SND-5 and RCV-1 of the model have them, with the common ones in front (ERR-2).
const STEPS: [(&str, &str); 4] = [
    (
        "tra-4",
        "descriptor command flags count to to-no-peer sources results entry unknown quota memory",
    ),
    ("rel-1", "descriptor command flags count ids unknown twice"),
    (
        "snd-5",
        "descriptor command flags count message message-flags message-type bounds bytes vector-count vectors vector-sum too-short cargo cargo-flags cargo-unknown destinations errors destination-unknown quota memory payload",
    ),
    (
        "rcv-1",
        "descriptor command flags message message-flags message-type nothing vector-count vectors vector-sum too-small too-few payload",
    ),
];

/// The ids of the rules, from the model.
fn rules() -> Vec<String> {
    let model = root().join("docs/model.md");
    let text = std::fs::read_to_string(&model).expect("the model is there");
    let rules: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(id, _)| id.to_owned())
        .filter(|id| FAMILIES.iter().any(|family| id.starts_with(family)))
        .collect();
    assert!(rules.len() > FAMILIES.len(), "the model has few rules");
    rules
}

/// Builds the suite under a name, and runs it.
fn run(name: &str, arguments: &[&str]) -> Output {
    let folder = root().join("sdk/c/conformance");
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut sources: Vec<_> = std::fs::read_dir(&folder)
        .expect("the suite is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    let output = c_flags::compiler()
        .arg("-D_GNU_SOURCE")
        .arg(c_flags::flags(&root().join("sdk/c"), "program"))
        .arg("-idirafter")
        .arg(root().join("sdk/c/include"))
        .args(sources)
        .args(["-lpthread", "-o"])
        .arg(&program)
        .output()
        .expect("there is a C compiler, or rustc could not link");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Command::new(program)
        .args(arguments)
        .output()
        .expect("the suite starts")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
