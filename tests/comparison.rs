//! The comparison rule by rule: every rule has its place, its test, and a source for what is said of others.

use std::collections::BTreeSet;
use std::path::Path;

/// Columns behind the rules and what Omnibus does: what is said of others.
const N_OTHERS: usize = 8;

/// Every rule of the model is in one row, no other is, and its link leads to a test that carries the rule's id.
#[test]
fn every_rule_has_a_row_and_a_test() {
    let mut found = BTreeSet::new();
    for row in rows() {
        for link in row[0].split("<br>") {
            let (rule, file, function) = parts(link);
            assert!(found.insert(rule.clone()), "{rule} is in two rows");
            let prefix = format!("{}_", rule.to_lowercase().replace('-', "_"));
            assert!(
                function.starts_with(&prefix),
                "{function} is no test of {rule}"
            );
            let text = read(&root().join("docs").join(&file));
            let definition = format!("fn {function}(");
            assert!(text.contains(&definition), "{file} has no test {function}");
        }
    }
    assert_eq!(found, rules());
}

/// Every cell about another system names a source, and every source is a public page, or what this project states or has seen itself.
#[test]
fn every_cell_about_others_has_a_source() {
    let sources = sources();
    let mut used = BTreeSet::new();
    for row in rows() {
        assert_eq!(row.len(), 2 + N_OTHERS, "{}: columns", row[0]);
        for cell in &row[2..] {
            let numbers: Vec<_> = numbers(cell).collect();
            assert!(!numbers.is_empty(), "{}: \"{cell}\" has no source", row[0]);
            for number in numbers {
                assert!(
                    (1..=sources.len()).contains(&number),
                    "there is no source {number}"
                );
                used.insert(number);
            }
        }
    }
    assert_eq!(used.len(), sources.len(), "a source is not used: {used:?}");
    for source in &sources {
        let is_page = source
            .split_once("<https://")
            .is_some_and(|(_, address)| address.ends_with('>'));
        assert!(is_page || is_ours(source), "{source}");
    }
}

/// Whether a source is a document of this project, or a section of the page itself.
fn is_ours(source: &str) -> bool {
    let target = || source.split_once("](")?.1.strip_suffix(')');
    target().is_some_and(|target| match target.strip_prefix('#') {
        Some(section) => read(&root().join("docs/comparison.md"))
            .lines()
            .filter_map(|line| line.trim_start_matches('#').strip_prefix(' '))
            .any(|heading| heading.to_lowercase().replace(' ', "-") == section),
        None => root().join("docs").join(target).is_file(),
    })
}

/// The rows of the tables of rules, as cells.
fn rows() -> Vec<Vec<String>> {
    let text = read(&root().join("docs/comparison.md"));
    let rows: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| [")?.strip_suffix(" |"))
        .map(|line| format!("[{line}"))
        .map(|line| line.split(" | ").map(str::to_owned).collect())
        .collect();
    assert!(!rows.is_empty(), "there are no tables");
    rows
}

/// A link to a test: the rule, the file, the function.
fn parts(link: &str) -> (String, String, String) {
    let parse = || {
        let (rule, rest) = link.strip_prefix('[')?.split_once("](")?;
        let (target, _) = rest.split_once(')')?;
        let (file, function) = target.split_once('#')?;
        Some((rule.to_owned(), file.to_owned(), function.to_owned()))
    };
    parse().unwrap_or_else(|| panic!("\"{link}\" is no link to a test"))
}

/// Numbers in brackets.
fn numbers(cell: &str) -> impl Iterator<Item = usize> + '_ {
    cell.split('[')
        .filter_map(|piece| piece.split_once(']')?.0.parse().ok())
}

/// The list at the end.
fn sources() -> Vec<String> {
    let text = read(&root().join("docs/comparison.md"));
    let (_, list) = text.split_once("## Sources\n").expect("there are sources");
    list.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The ids of the rules, from the model.
fn rules() -> BTreeSet<String> {
    read(&root().join("docs/model.md"))
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(id, _)| id.to_owned())
        .filter(|id| id.contains('-'))
        .collect()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
