//! The rules of the model and the tests that carry their ids.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every rule of sections 1 to 8 of the model has a test through real system calls whose id begins with the rule's.
#[test]
fn every_rule_is_tested_in_the_guest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = fs::read_to_string(root.join("docs/model.md")).unwrap();
    let rules = rules(&model);
    assert!(rules.len() >= 45, "the model has {} rules", rules.len());
    let mut names = BTreeSet::new();
    functions(&root.join("userland/src/bin"), &mut names);
    let untested: Vec<_> = rules
        .iter()
        .filter(|rule| {
            let name = rule.to_lowercase().replace('-', "_");
            !names
                .iter()
                .any(|found| found.starts_with(&format!("{name}_")))
        })
        .collect();
    assert!(
        untested.is_empty(),
        "rules without a test in the guest: {untested:?}"
    );
}

/// Ids of the rules, which the model sets in bold, before its section 9.
fn rules(model: &str) -> BTreeSet<String> {
    let end = model.find("## 9.").expect("the model has a section 9");
    model[..end]
        .split("**")
        .filter(|text| {
            text.split_once('-').is_some_and(|(group, number)| {
                group.len() == 3
                    && group.bytes().all(|byte| byte.is_ascii_uppercase())
                    && number.parse::<u32>().is_ok()
            })
        })
        .map(ToOwned::to_owned)
        .collect()
}

/// Names of the tests of all programs: the functions that take a bench or a pattern for one.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let tests = source
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("fn ")?.split_once('('))
                .filter(|(_, rest)| rest.starts_with("bench)") || rest.starts_with("_)"))
                .map(|(name, _)| name.to_owned());
            names.extend(tests);
        }
    }
}
