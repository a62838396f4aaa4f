//! How C is compiled and linked for Omnibus: one answer for `build.rs` and for the host tool's `cc`.
//!
//! The flags themselves stand in `sdk/c/*.flags`, in the form in which GCC and Clang read them from a file.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The C compiler of this machine, which rustc links with too; the variable `CC` names another one.
pub(crate) fn compiler() -> Command {
    Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

/// For compiling, in front of the files: no headers but ours, and no code that needs another C library. `source` is the folder `sdk/c`.
pub(crate) fn compile(source: &Path) -> Vec<OsString> {
    vec![
        flags(source, "compile"),
        "-isystem".into(),
        source.join("include").into(),
    ]
}

/// For linking, behind the files. `sdk` is the folder that `build.rs` made.
pub(crate) fn link(source: &Path, sdk: &Path) -> Vec<OsString> {
    vec![
        flags(source, "link"),
        "-T".into(),
        source.join("link.ld").into(),
        "-L".into(),
        sdk.join("lib").into(),
        "-lc".into(),
        "-lgcc".into(),
    ]
}

/// A file of flags, as the compiler's command line names one.
pub(crate) fn flags(source: &Path, name: &str) -> OsString {
    let mut argument = OsString::from("@");
    argument.push(source.join(name).with_extension("flags"));
    argument
}
