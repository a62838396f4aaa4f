//! `new`: a program of one's own to begin with, as a package outside the repository.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::exit::WrongValue;
use crate::testing;

/// The program.
const MAIN: &str = include_str!("../../templates/program/main.rs");

/// Its build script.
const BUILD: &str = include_str!("../../templates/program/build.rs.in");

/// How programs of the image are compiled.
const FLAGS: &str = env!("OMNIBUS_PROGRAM_FLAGS");

/// Writes the package into `folder`, and returns the exit code.
///
/// # Errors
/// If there is something already, the name is none, or the host refuses to write.
pub(crate) fn create(folder: &Path) -> Result<u8> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| is_name(name)).ok_or_else(|| {
        WrongValue(format!(
            "{}: a program's name begins with a letter and has letters, digits, - and _",
            folder.display()
        ))
    })?;
    if folder.exists() {
        return Err(WrongValue(format!("{} is there already", folder.display())).into());
    }
    let root = testing::root();
    let copied = |file: &str| {
        let path = root.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    for (file, text) in [
        ("Cargo.toml", manifest(name, &root.join("userland"))),
        (".cargo/config.toml", configuration()),
        ("build.rs", BUILD.to_owned()),
        ("src/main.rs", MAIN.to_owned()),
        (".gitignore", "/target\n".to_owned()),
        // The same compiler and the same versions, so that nothing is fetched that is not here.
        ("rust-toolchain.toml", copied("rust-toolchain.toml")?),
        ("Cargo.lock", copied("Cargo.lock")?),
    ] {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!(
        "{} is written; its program is src/main.rs",
        folder.display()
    );
    Ok(0)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn manifest(name: &str, runtime: &Path) -> String {
    // Debug writes a path as a basic string of TOML as long as it has no control characters.
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"

# It runs on Omnibus only, so there is nothing for `cargo test` to start.
[[bin]]
name = "{name}"
path = "src/main.rs"
test = false
bench = false

[dependencies]
omnibus-userland = {{ path = {runtime:?} }}

# A program cannot unwind.
[profile.dev]
panic = "abort"

[profile.release]
panic = "abort"
debug = "line-tables-only"

# It is no member of a workspace that happens to be around it.
[workspace]
"#
    )
}

fn configuration() -> String {
    let flags: Vec<_> = FLAGS.split(' ').map(|flag| format!("{flag:?}")).collect();
    format!(
        "# As the programs of the image are compiled. With a target named, the flags do not reach build scripts.\n\
         [build]\n\
         target = \"x86_64-unknown-linux-gnu\"\n\
         rustflags = [{}]\n",
        flags.join(", ")
    )
}
