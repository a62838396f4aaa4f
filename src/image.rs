//! What the guest boots: the files that `build.rs` left, and archives made from them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::WrongValue;
use anyhow::{Context, Result, bail};
use omnibus_abi::words::TRACE;
use omnibus_archive::{Archive, MODE_REGULAR_FILE, Writer};

/// A program of the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// Its name in the archive.
    pub(crate) name: &'static str,
    /// What it does, in one sentence.
    pub(crate) sentence: &'static str,
}

/// The programs of the image, sorted by name.
pub(crate) const PROGRAMS: &[Program] = include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// How the names of the programs begin that are suites of tests: these, and only these, take part in `test`.
const SUITE_PREFIX: &str = "test-";

/// The program that carries out boot plans.
pub(crate) const STARTER: &str = "init";

/// The tour, and the plan that starts it.
pub(crate) const TOUR: &str = "tour";

/// The plan that starts a program of the user's choice, with everything but the console's port.
const RUN_PLAN: &str = "run";

/// The first task, and its arguments, for a program to run: a suite, and the starter, are the first task themselves; for any other it is the
/// starter with the plan that takes a program.
pub(crate) fn way_to(program: &str, arguments: &[String]) -> (String, Vec<String>) {
    if program == STARTER || program.starts_with(SUITE_PREFIX) {
        return (program.to_owned(), arguments.to_vec());
    }
    let words = [RUN_PLAN, program].map(ToOwned::to_owned);
    (STARTER.to_owned(), [&words, arguments].concat())
}

/// The kernel with its symbols.
pub(crate) fn kernel() -> PathBuf {
    out().join("kernel.elf")
}

/// The kernel in which the word `sabotage` breaks the mechanism behind one chapter of the tour.
pub(crate) fn sabotaged_kernel() -> PathBuf {
    out().join("kernel-sabotage.elf")
}

/// The kernel for this command line: the one that can be watched, if a word asks for that.
pub(crate) fn kernel_for(line: &str) -> PathBuf {
    let is_traced = line
        .split(' ')
        .any(|word| word.split_once('=').is_some_and(|(key, _)| key == TRACE));
    if is_traced {
        out().join("kernel-trace.elf")
    } else {
        kernel()
    }
}

/// The archive with all programs.
pub(crate) fn initrd() -> PathBuf {
    out().join("initrd.cpio")
}

/// A program with its symbols, for a debugger.
pub(crate) fn program_with_symbols(name: &str) -> PathBuf {
    out().join("programs").join(name)
}

/// The C library and what belongs to it.
pub(crate) fn sdk() -> PathBuf {
    out().join("sdk")
}

/// The programs that are suites of tests.
pub(crate) fn suites() -> impl Iterator<Item = &'static Program> {
    PROGRAMS
        .iter()
        .filter(|program| program.name.starts_with(SUITE_PREFIX))
}

/// The first task of a boot, and the archive it is in.
#[derive(Debug)]
pub(crate) struct FirstTask {
    /// Its name in the archive.
    pub(crate) name: String,
    /// The archive: that of the image, or one with the program added.
    pub(crate) initrd: PathBuf,
    /// The program with its symbols.
    pub(crate) with_symbols: PathBuf,
}

/// Finds `program`: a path (with a `/`) is an ELF file of the host, other words are a program of the image first. A file
/// of the host is put into a copy of the archive, written into `directory`, under its file name.
///
/// # Errors
/// If there is no such program or file; the message says which programs there are.
pub(crate) fn first_task(program: &str, directory: &Path) -> Result<FirstTask> {
    if PROGRAMS.iter().any(|known| known.name == program) {
        let with_symbols = program_with_symbols(program);
        return Ok(FirstTask {
            name: program.to_owned(),
            initrd: initrd(),
            with_symbols,
        });
    }
    let file = Path::new(program);
    if !program.contains('/') && !file.exists() {
        let names = PROGRAMS
            .iter()
            .map(|program| program.name)
            .collect::<Vec<_>>()
            .join(", ");
        return Err(WrongValue(format!(
            "no program \"{program}\" in the image (there are: {names}), and no file of that name here"
        ))
        .into());
    }
    let bytes = fs::read(file).with_context(|| format!("cannot read the program {program}"))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Err(WrongValue(format!("{program} is not an ELF file")).into());
    }
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        bail!("the name of the program {program} is not UTF-8");
    };
    let initrd = directory.join("initrd.cpio");
    fs::write(&initrd, archive_with(name, 0o555, &bytes)?)
        .with_context(|| format!("cannot write {}", initrd.display()))?;
    Ok(FirstTask {
        name: name.to_owned(),
        initrd,
        with_symbols: file.to_owned(),
    })
}

/// The image's archive with a file of these permissions added, in place of one of the same name.
pub(crate) fn archive_with(name: &str, permissions: u32, bytes: &[u8]) -> Result<Vec<u8>> {
    let file = initrd();
    let image = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let archive =
        Archive::parse(&image).with_context(|| format!("{} is not an archive", file.display()))?;
    let mut writer = Writer::new();
    for entry in archive.entries().filter(|entry| entry.name != name) {
        writer.add(entry.name, entry.mode, entry.bytes)?;
    }
    writer.add(name, MODE_REGULAR_FILE | permissions, bytes)?;
    Ok(writer.finish())
}

fn out() -> &'static Path {
    Path::new(env!("OUT_DIR"))
}
