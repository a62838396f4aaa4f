//! The sentences of the host's tests, read from the comments above them.
//!
//! The reader leans on rustfmt, which `test` checks first: a module's braces stand alone at the module's own indentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders of a package that have tests.
const TEST_FOLDERS: [&str; 2] = ["src", "tests"];

/// Every host test of the workspace at `root`, its id as `cargo test` has it, with its sentence (empty if it has none).
///
/// # Errors
/// If a folder or file cannot be read.
pub(crate) fn of_workspace(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut tests = BTreeMap::new();
    for package in packages(root)? {
        let manifest = package.join("Cargo.toml");
        let manifest = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let Some(name) = name_in(&manifest, "[lib]").or(name_in(&manifest, "[package]")) else {
            continue;
        };
        for folder in TEST_FOLDERS {
            let folder = package.join(folder);
            if folder.exists() {
                let of_package = (folder.ends_with("src")).then(|| name.replace('-', "_"));
                walk(&folder, of_package.as_deref(), &mut tests)?;
            }
        }
    }
    Ok(tests)
}

/// The folders with a manifest, at any depth, that are not what a build left.
fn packages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.join("Cargo.toml").exists() {
            packages.push(folder.clone());
        }
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let path = entry
                .with_context(|| format!("cannot list {}", folder.display()))?
                .path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                folders.push(path);
            }
        }
    }
    Ok(packages)
}

/// The `name` in a section of a manifest.
fn name_in<'a>(manifest: &'a str, section: &str) -> Option<&'a str> {
    manifest
        .lines()
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Reads the files of a folder. A file of `tests/` is a crate of its own, and so is `main.rs` or `lib.rs`, whose name is
/// the package's.
fn walk(folder: &Path, prefix: Option<&str>, tests: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry
            .with_context(|| format!("cannot list {}", folder.display()))?
            .path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
            continue;
        };
        let module = match (prefix, stem) {
            (Some(prefix), "main" | "lib" | "mod") => prefix.to_owned(),
            (Some(prefix), stem) => format!("{prefix}::{stem}"),
            (None, stem) => stem.to_owned(),
        };
        if path.is_dir() && prefix.is_none() {
            // What test programs share: no program of its own.
        } else if path.is_dir() {
            walk(&path, Some(&module), tests)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            tests.extend(of_source(&module, &source));
            for (name, path) in shared_modules(&source) {
                let path = folder.join(path);
                let source = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                tests.extend(of_source(&format!("{module}::{name}"), &source));
            }
        }
    }
    Ok(())
}

/// Modules that say themselves where their file is, and where: several test programs share it.
fn shared_modules(source: &str) -> Vec<(&str, &str)> {
    let lines = source.lines().zip(source.lines().skip(1));
    lines
        .filter_map(|(attribute, module)| {
            let path = attribute.strip_prefix("#[path = \"")?.strip_suffix("\"]")?;
            let name = module.strip_prefix("mod ")?.strip_suffix(';')?;
            Some((name, path))
        })
        .collect()
}

/// The tests of one file, whose module is `module`.
fn of_source(module: &str, source: &str) -> Vec<(String, String)> {
    let mut tests = Vec::new();
    let mut modules: Vec<(usize, &str)> = Vec::new();
    let mut sentence = Vec::new();
    let mut is_test = false;
    for line in source.lines() {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if let Some(comment) = text.strip_prefix("///") {
            sentence.push(comment.trim());
            continue;
        }
        if text.starts_with("#[") {
            is_test |= text == "#[test]";
            continue;
        }
        if let Some(name) = text
            .strip_prefix("fn ")
            .and_then(|rest| rest.split(['(', '<']).next())
            && is_test
        {
            let path = modules.iter().fold(module.to_owned(), |path, (_, name)| {
                format!("{path}::{name}")
            });
            tests.push((format!("{path}::{name}"), sentence.join(" ")));
        } else if let Some(name) = text
            .strip_suffix(" {")
            .and_then(|text| text.rsplit_once("mod "))
        {
            modules.push((indentation, name.1));
        } else if text == "}"
            && modules
                .last()
                .is_some_and(|(opened, _)| *opened == indentation)
        {
            modules.pop();
        }
        sentence.clear();
        is_test = false;
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules, attributes and comments of several lines are followed; functions that are no tests are not tests.
    #[test]
    fn reads_comments_above_tests() {
        let source = "/// Not a test.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    /// One\n    /// sentence.\n    \
                      #[test]\n    #[should_panic]\n    fn b() {\n    }\n    mod inner {\n        #[test]\n        fn \
                      c() {}\n    }\n    /// D.\n    #[test]\n    fn d() {}\n}\n/// E.\n#[test]\nfn e() {}\n";
        let expected = [
            ("x::tests::b", "One sentence."),
            ("x::tests::inner::c", ""),
            ("x::tests::d", "D."),
            ("x::e", "E."),
        ];
        let found = of_source("x", source);
        assert_eq!(
            found
                .iter()
                .map(|(id, text)| (id.as_str(), text.as_str()))
                .collect::<Vec<_>>(),
            expected
        );
    }

    /// A module whose file is named is found under the name of the module.
    #[test]
    fn follows_shared_modules() {
        let source = "mod a;\n#[path = \"../x/y.rs\"]\nmod b;\n";
        assert_eq!(shared_modules(source), [("b", "../x/y.rs")]);
    }

    /// A crate is called as its library is, and else as its package.
    #[test]
    fn finds_the_name_of_a_crate() {
        let manifest = "[package]\nname = \"a\"\n\n[lib]\nname = \"b\"\n[[bin]]\nname = \"c\"\n";
        assert_eq!(name_in(manifest, "[lib]"), Some("b"));
        assert_eq!(name_in(manifest, "[package]"), Some("a"));
        assert_eq!(name_in("[lib]\n[[bin]]\nname = \"c\"\n", "[lib]"), None);
    }

    /// Every test of the workspace has its sentence.
    #[test]
    fn every_test_has_a_sentence() {
        let tests = of_workspace(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(
            tests.contains_key("omnibus::testing::sentences::tests::every_test_has_a_sentence")
        );
        let mute = tests
            .iter()
            .filter(|(_, sentence)| sentence.is_empty())
            .map(|(id, _)| id)
            .collect::<Vec<_>>();
        assert!(
            mute.is_empty(),
            "tests without a sentence above them: {mute:#?}"
        );
    }
}
