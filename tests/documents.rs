//! The documents and the files hold together: links lead somewhere, decisions are indexed, no file is too long to be read at once.

use std::fs;
use std::path::{Path, PathBuf};

/// Every relative link of a document leads to a file or folder of the repository.
#[test]
fn docs_links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = document.parent().unwrap_or(root());
        for target in link_targets(&read(&document)) {
            let path = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || path.is_empty();
            if !is_elsewhere && !folder.join(path).exists() {
                broken.push(format!("{}: {target}", name(&document)));
            }
        }
    }
    assert!(broken.is_empty(), "links to nothing: {broken:#?}");
}

/// Every document that a comment in the code refers to exists.
#[test]
fn docs_named_in_code_exist() {
    let mut missing = Vec::new();
    for path in rust_files(root()) {
        for document in documents_named(&read(&path)) {
            if !root().join(&document).exists() {
                missing.push(format!("{}: {document}", name(&path)));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "documents that do not exist: {missing:#?}"
    );
}

/// No file of Rust is longer than 500 lines: where one is, a module is missing.
#[test]
fn no_file_is_too_long() {
    let n_lines = |path: &Path| read(path).lines().count();
    let long: Vec<_> = rust_files(root())
        .iter()
        .map(|path| (name(path), n_lines(path)))
        .filter(|&(_, n_lines)| n_lines > 500)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// Every decision has a number of its own, says context, choice and consequence, and stands in the index.
#[test]
fn docs_decisions_are_indexed() {
    let folder = root().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    let mut numbers = Vec::new();
    for decision in markdown_files(&folder) {
        let file_name = file_name(&decision);
        if file_name == "README.md" {
            continue;
        }
        let number = file_name.split('-').next().unwrap_or_default().to_string();
        assert!(
            number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()),
            "{file_name}: not NNNN-title.md"
        );
        assert!(
            index.contains(&format!("({file_name})")),
            "{file_name} is not in docs/decisions/README.md"
        );
        let text = read(&decision);
        assert!(
            text.starts_with(&format!("# {number} ")),
            "{file_name}: the heading does not carry the number"
        );
        for part in ["Context", "Choice", "Consequence"] {
            assert!(
                text.contains(&format!("**{part}.**")),
                "{file_name}: no {part}"
            );
        }
        assert!(!numbers.contains(&number), "two decisions {number}");
        numbers.push(number);
    }
    assert!(!numbers.is_empty(), "no decisions found");
}

/// Every test that a table of `docs/testing.md` names by its id is a function of some program.
#[test]
fn docs_tests_that_are_named_exist() {
    let text = read(&root().join("docs/testing.md"));
    let (_, section) = text
        .split_once("\n## The capability system, sentence by sentence\n")
        .expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let ids: Vec<&str> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect();
    assert!(ids.len() > 40, "{} tests are named", ids.len());
    let programs = rust_files(&root().join("userland/src/bin"));
    let sources: String = programs.iter().map(|path| read(path)).collect();
    let is_missing = |id: &&&str| !sources.contains(&format!("fn {}(", id.replace('-', "_")));
    let missing: Vec<_> = ids.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

/// The scanners find the targets of inline links outside code, and documents by their path.
#[test]
fn docs_scanners_find_what_they_look_for() {
    let prefix = "docs/";
    let comment = format!("see `{prefix}a.md`, {prefix}b/c-d.md. Not {prefix}e.txt");
    assert_eq!(
        documents_named(&comment),
        [format!("{prefix}a.md"), format!("{prefix}b/c-d.md")]
    );
    let text = "See [a](b.md#c) and [d](e/f), not `[g](h)`.\n```\n[i](j)\n```\n    [k](l)\n";
    assert_eq!(link_targets(text), ["b.md#c", "e/f"]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The documents: at the root, in `docs/` and in `docs/decisions/`.
fn documents() -> Vec<PathBuf> {
    ["", "docs", "docs/decisions"]
        .into_iter()
        .flat_map(|folder| markdown_files(&root().join(folder)))
        .collect()
}

fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files
}

/// Every Rust file below `folder`, without what builds leave behind.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder) {
        let file_name = file_name(&path);
        if path.is_dir() {
            if file_name != "target" && !file_name.starts_with('.') {
                files.extend(rust_files(&path));
            }
        } else if file_name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| {
            entry
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
                .path()
        })
        .collect();
    paths.sort();
    paths
}

/// Paths of documents, `docs/….md`, in a text.
fn documents_named(text: &str) -> Vec<String> {
    text.split("docs/")
        .skip(1)
        .filter_map(|behind| {
            let path = behind
                .split(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c)))
                .next()?;
            let (stem, _) = path.split_once(".md")?;
            Some(format!("docs/{stem}.md"))
        })
        .collect()
}

/// Targets of the inline links of a Markdown text, in order.
fn link_targets(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code || line.starts_with("    ") {
            continue;
        }
        // Outside inline code, which lies between the odd and the even backticks.
        for prose in line.split('`').step_by(2) {
            let mut rest = prose;
            while let Some((_, behind)) = rest.split_once("](") {
                let Some((target, tail)) = behind.split_once(')') else {
                    break;
                };
                targets.push(target);
                rest = tail;
            }
        }
    }
    targets
}
