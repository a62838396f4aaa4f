//! `cc`: the machine's C compiler, told to compile and link for Omnibus.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::{c_flags, image, testing};

/// Runs the compiler with `arguments` between what makes them a program of Omnibus, and returns its exit code.
///
/// # Errors
/// If it cannot be started, or died of a signal.
pub(crate) fn compile(arguments: &[OsString]) -> Result<u8> {
    let source = testing::root().join("sdk/c");
    let mut command = c_flags::compiler();
    command
        .args(c_flags::compile(&source))
        .args(arguments)
        .args(c_flags::link(&source, &image::sdk()));
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start the C compiler {name}"))?;
    let code = status
        .code()
        .with_context(|| format!("the C compiler {name} ended by {status}"))?;
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
