//! The C library of Omnibus, and the programs in C that are part of the image.
//!
//! Everything is compiled with the machine's C compiler, the one that links what rustc makes, by the flags that stand in
//! `sdk/c/*.flags`. The host tool's `cc` uses the same files. It finds in `OUT_DIR/sdk`:
//!
//! - `include/omnibus/abi.h`: the native ABI, for the runtime alone;
//! - `lib/libc.a`: the runtime; `libm.a`, `libpthread.a`, `librt.a`: empty, for whoever names them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::nested::Binary;
use super::{c_abi, c_flags};

/// An archive without members (`ar`'s manual, file format): what it would hold is all in `libc.a`.
const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

/// Libraries that programs for other systems name.
const EMPTY_LIBRARIES: [&str; 3] = ["libm.a", "libpthread.a", "librt.a"];

/// Programs of the image that are written in C: the name, and the folder below `sdk/c`.
const PROGRAMS: [(&str, &str); 2] = [
    ("c-library", "library"),
    ("test-c-interface", "conformance"),
];

/// Builds the library, then the programs, all below `out`.
///
/// # Errors
/// If a file cannot be read or written, or the compiler complains; it has then said why on standard error.
pub(crate) fn build(root: &Path, out: &Path) -> Result<Vec<Binary>> {
    let source = root.join("sdk/c");
    let sdk = out.join("sdk");
    let (include, library) = (sdk.join("include/omnibus"), sdk.join("lib"));
    for folder in [&include, &library] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    super::write(&include.join("abi.h"), c_abi::header()?.as_bytes())?;
    for name in EMPTY_LIBRARIES {
        super::write(&library.join(name), EMPTY_ARCHIVE)?;
    }
    let objects = compile_runtime(&source, &sdk)?;
    archive(&objects, &library.join("libc.a"))?;
    PROGRAMS
        .iter()
        .map(|(name, folder)| link(name, &source, folder, &sdk))
        .collect()
}

/// Compiles every file of the runtime; returns the objects.
fn compile_runtime(source: &Path, sdk: &Path) -> Result<Vec<PathBuf>> {
    let objects = sdk.join("objects");
    fs::create_dir_all(&objects).with_context(|| format!("cannot make {}", objects.display()))?;
    let mut made = Vec::new();
    for file in sources(&source.join("runtime"))? {
        let object = objects.join(file_name(&file)).with_extension("o");
        run(c_flags::compiler()
            .args(c_flags::compile(source))
            .arg(c_flags::flags(source, "runtime"))
            .arg("-I")
            .arg(sdk.join("include"))
            .arg("-c")
            .arg(&file)
            .arg("-o")
            .arg(&object))?;
        made.push(object);
    }
    Ok(made)
}

fn archive(objects: &[PathBuf], library: &Path) -> Result<()> {
    if library.exists() {
        fs::remove_file(library).with_context(|| format!("cannot remove {}", library.display()))?;
    }
    run(Command::new("ar").arg("rcsD").arg(library).args(objects))
}

/// Links a program of the image from all files of its folder; the first sentence of `main.c` says what it is.
fn link(name: &str, source: &Path, folder: &str, sdk: &Path) -> Result<Binary> {
    let folder = source.join(folder);
    let file = sdk.join(name);
    run(c_flags::compiler()
        .args(c_flags::compile(source))
        .arg(c_flags::flags(source, "program"))
        .args(sources(&folder)?)
        .args(c_flags::link(source, sdk))
        .arg("-o")
        .arg(&file))?;
    Ok(Binary {
        name: name.to_owned(),
        file,
        source: folder.join("main.c"),
    })
}

/// The sources in a folder, C and assembly, sorted.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry
            .with_context(|| format!("cannot list {}", folder.display()))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "c" || extension == "S")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(file: &Path) -> PathBuf {
    file.file_name().map(PathBuf::from).unwrap_or_default()
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status}); see above");
    }
    Ok(())
}
