//! The corpus is replayed, and reaches every error that the core documents.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bus1_fuzz::{DOCUMENTED, Reached, Together, run};

/// Every program of the corpus runs, with the core and the model in agreement, and together they reach every documented error of every
/// operation, and all that becomes of a message that is handed over together.
#[test]
fn err_1_corpus_reaches_every_documented_error() {
    let mut reached = Reached::default();
    let programs = files(&folder("corpus"));
    for path in &programs {
        println!("{}", path.display());
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        reached.add(&run(&bytes));
    }
    let mut missed = Vec::new();
    for ((function, error), count) in DOCUMENTED.iter().zip(reached.counts()) {
        println!("{count:6} {function} {error}");
        if *count == 0 {
            missed.push(format!("{function} {error}"));
        }
    }
    for what in [Together::Given, Together::Dropped, Together::NotDecided] {
        let count = reached.n_together(what);
        println!("{count:6} together: {what:?}");
        if count == 0 {
            missed.push(format!("{what:?}"));
        }
    }
    assert!(
        missed.is_empty(),
        "{} programs never reach {missed:#?}",
        programs.len()
    );
}

/// The errors that are counted are those that the comments of the core's public functions name, and those of their phases.
#[test]
fn every_error_of_a_comment_is_counted() {
    let counted: BTreeSet<(String, String)> = DOCUMENTED
        .iter()
        .map(|(function, error)| (function.to_string(), error.to_string()))
        .collect();
    assert_eq!(counted.len(), DOCUMENTED.len(), "an error is listed twice");
    let mut named = BTreeSet::new();
    let mut hands_on = BTreeSet::new();
    for path in files(&folder("../../bus1-service/src")) {
        let source = fs::read_to_string(&path);
        let source = source.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (function, comment) in comments(&source) {
            if comment.contains("Those of") {
                hands_on.insert(function.clone());
            }
            let errors = errors_in(&comment);
            named.extend(errors.map(|error| (function.clone(), error)));
        }
    }
    let uncounted: Vec<_> = named.difference(&counted).collect();
    assert!(
        uncounted.is_empty(),
        "documented, not counted: {uncounted:?}"
    );
    let undocumented: Vec<_> = counted
        .difference(&named)
        .filter(|(function, _)| !hands_on.contains(function))
        .collect();
    assert!(
        undocumented.is_empty(),
        "counted, not documented: {undocumented:?}"
    );
}

/// `Type::function` of each public function with errors, and the part of its comment that is about them.
fn comments(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut owner, mut comment, mut is_about_errors) = (String::new(), String::new(), false);
    for line in source.lines() {
        let text = line.trim_start();
        if let Some(rest) = line.strip_prefix("impl") {
            let rest = rest.split_once("> ").map_or(rest, |(_, rest)| rest);
            owner = rest
                .trim()
                .split(['<', ' '])
                .next()
                .unwrap_or_default()
                .to_string();
        } else if let Some(words) = text.strip_prefix("///") {
            is_about_errors |= words == " # Errors";
            is_about_errors &= !words.is_empty();
            if is_about_errors {
                comment.push_str(words);
            }
        } else if let Some(rest) = text.strip_prefix("pub fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if !comment.is_empty() {
                found.push((format!("{owner}::{name}"), std::mem::take(&mut comment)));
            }
        } else if !text.starts_with("#[") {
            comment.clear();
        }
    }
    found
}

/// Names behind `[`Error::`, and `Retry`.
fn errors_in(comment: &str) -> impl Iterator<Item = String> {
    let links = comment.split("[`").skip(1);
    links.filter_map(|link| {
        let (name, _) = link.split_once('`')?;
        let error = name.strip_prefix("Error::");
        error
            .or((name == "Retry").then_some(name))
            .map(String::from)
    })
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of a folder and of those in it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry of a folder").path());
    let mut found: Vec<_> = paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    found.sort();
    found
}
