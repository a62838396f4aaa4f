//! A nested cargo build of one package's binaries.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The only target: the one whose `core` and `alloc` every stable toolchain on a PC has.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A linked binary.
pub(crate) struct Binary {
    /// Its name, as cargo knows it.
    pub(crate) name: String,
    /// The ELF file.
    pub(crate) file: PathBuf,
    /// Its main source file.
    pub(crate) source: PathBuf,
}

/// Builds the binaries of `package` in `profile` with exactly `flags` and with further `arguments` for cargo, sorted by name.
///
/// # Errors
/// If the build fails; the compiler's messages are then on standard error, which the outer cargo shows.
pub(crate) fn build(
    root: &Path,
    package: &str,
    profile: &str,
    arguments: &[&str],
    flags: &[&str],
    target_directory: &Path,
) -> Result<Vec<Binary>> {
    // In a build cargo says which one it is; the host tool is called without it, by a script that has found one.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args([
            "build",
            "--profile",
            profile,
            "--locked",
            "--bins",
            "--package",
            package,
        ])
        // With a target named, the flags reach neither build scripts nor procedural macros.
        .args([
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
            "--target-dir",
        ])
        .arg(target_directory)
        .args(arguments);
    // The outer build's flags, wrappers (clippy is one), directories and profiles are not meant for the guest.
    for (name, _) in env::vars_os() {
        let is_outer = name.to_str().is_some_and(|name| {
            ["RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC_WORKSPACE_WRAPPER"].contains(&name)
                || ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_ENCODED_"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        });
        if is_outer {
            command.env_remove(name);
        }
    }
    // The encoded form separates by 0x1f (cargo's manual, "Environment Variables") and beats every other source of flags.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));

    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start cargo for {package}"))?;
    if !output.status.success() {
        bail!(
            "the build of {package} for the guest failed ({}); see above",
            output.status
        );
    }
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    let mut binaries = messages
        .lines()
        .filter_map(|line| binary(line).transpose())
        .collect::<Result<Vec<_>>>()?;
    binaries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(binaries)
}

/// The binary that one line of cargo's messages tells of, if it does.
fn binary(line: &str) -> Result<Option<Binary>> {
    let message: Value =
        serde_json::from_str(line).with_context(|| format!("not a message of cargo: {line}"))?;
    if message["reason"] != "compiler-artifact" {
        return Ok(None);
    }
    let Some(file) = message["executable"].as_str() else {
        return Ok(None);
    };
    let target = &message["target"];
    let (Some(name), Some(source)) = (target["name"].as_str(), target["src_path"].as_str()) else {
        bail!("a message of cargo without the target's name or source: {line}");
    };
    Ok(Some(Binary {
        name: name.to_owned(),
        file: file.into(),
        source: source.into(),
    }))
}
