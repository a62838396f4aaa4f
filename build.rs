//! Builds what the guest runs, as a nested cargo build, and packs it for the host tool.
//!
//! Kernel and programs are `no_std` binaries for the host triple with code-generation flags of their own, which cargo
//! cannot give to some members of a workspace only; hence a build of their own, in a target directory of its own, with
//! the flags in its environment. The tool finds in `OUT_DIR`:
//!
//! - `kernel.elf`: the kernel with its symbols, as QEMU loads it and gdb reads it;
//! - `kernel-sabotage.elf`: the kernel in which a word breaks the mechanism behind one chapter of the tour, for tests;
//! - `kernel-trace.elf`: the kernel that keeps its last events if a word says so;
//! - `initrd.cpio`: the programs without their symbols, the boot plans, and `kernel.sym` and `kernel-trace.sym` for backtraces;
//! - `programs/NAME`: the programs with their symbols, for gdb;
//! - `programs.rs`: the names of the programs, each with its sentence;
//! - `sdk/`: the C library (`build/c_sdk.rs`).
//!
//! Cargo runs this again only when something below changed; the nested cargo then decides what to build.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use omnibus_archive::{MODE_REGULAR_FILE, Writer};

#[path = "build/c_abi.rs"]
mod c_abi;
#[path = "build/c_flags.rs"]
mod c_flags;
#[path = "build/c_sdk.rs"]
mod c_sdk;
#[path = "build/nested.rs"]
mod nested;
#[path = "build/object_file.rs"]
mod object_file;
#[path = "build/plans.rs"]
mod plans;
#[path = "build/sentence.rs"]
mod sentence;

/// What every build depends on besides the folders of the packages.
const COMMON_SOURCES: [&str; 5] = [
    "build",
    "sdk",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

/// Flags for the kernel: linked at an address in the top 2 GiB (`code-model=kernel` of the System V ABI, AMD64
/// supplement, section 3.5.1), no red zone because a handler may run on the same stack, frame pointers for backtraces.
const KERNEL_FLAGS: [&str; 4] = [
    "-Crelocation-model=static",
    "-Ccode-model=kernel",
    "-Cno-redzone=yes",
    "-Cforce-frame-pointers=yes",
];

/// Flags for the programs: linked at one fixed address in the low 2 GiB.
const PROGRAM_FLAGS: [&str; 3] = [
    "-Crelocation-model=static",
    "-Ccode-model=small",
    "-Cforce-frame-pointers=yes",
];

fn main() -> Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").context("not run by cargo")?);
    watch(&root)?;
    // For `new`, whose programs are compiled as those of the image.
    println!(
        "cargo::rustc-env=OMNIBUS_PROGRAM_FLAGS={}",
        PROGRAM_FLAGS.join(" ")
    );

    // One directory for all the outer builds (cargo's own, clippy's, the tests'), which have an `OUT_DIR` each.
    let guest = target_directory(&out).join("guest");
    let kernel = build_kernel(&root, &guest, &[], &out.join("kernel.elf"))?;
    build_kernel(
        &root,
        &guest,
        &["--features", "sabotage"],
        &out.join("kernel-sabotage.elf"),
    )?;
    let traced = build_kernel(
        &root,
        &guest,
        &["--features", "trace"],
        &out.join("kernel-trace.elf"),
    )?;
    let mut programs = nested::build(
        &root,
        "omnibus-userland",
        "release",
        &[],
        &PROGRAM_FLAGS,
        &guest.join("programs"),
    )?;
    programs.extend(c_sdk::build(&root, &out)?);
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    let kernels = [("kernel.sym", &kernel), ("kernel-trace.sym", &traced)];
    pack(kernels, &programs, &root, &out)
}

/// Builds the kernel into `file`, and returns the bytes of that.
fn build_kernel(root: &Path, guest: &Path, arguments: &[&str], file: &Path) -> Result<Vec<u8>> {
    let kernels = nested::build(
        root,
        "omnibus-kernel",
        "kernel",
        arguments,
        &KERNEL_FLAGS,
        &guest.join("kernel"),
    )?;
    let [kernel] = kernels.as_slice() else {
        bail!(
            "the package omnibus-kernel has {} binaries and should have one",
            kernels.len()
        );
    };
    copy(&kernel.file, file)?;
    read(file)
}

/// The outer build's target directory: `OUT_DIR` is somewhere below `TARGET/PROFILE/build`.
fn target_directory(out: &Path) -> &Path {
    out.ancestors()
        .find(|folder| folder.ends_with("build"))
        .and_then(|folder| folder.ancestors().nth(2))
        .unwrap_or(out)
}

/// Tells cargo what to watch: the folder of every package, so that a new one is not forgotten.
fn watch(root: &Path) -> Result<()> {
    for source in COMMON_SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    for entry in fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))? {
        let folder = entry
            .with_context(|| format!("cannot list {}", root.display()))?
            .path();
        if folder.join("Cargo.toml").exists() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
    }
    Ok(())
}

fn pack(
    kernels: [(&str, &Vec<u8>); 2],
    programs: &[nested::Binary],
    root: &Path,
    out: &Path,
) -> Result<()> {
    let mut archive = Writer::new();
    for (name, kernel) in kernels {
        let symbols = object_file::symbols(kernel).context("cannot read the kernel's symbols")?;
        archive.add(name, MODE_REGULAR_FILE | 0o444, symbols.as_bytes())?;
    }

    let folder = out.join("programs");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut table = String::from("&[\n");
    for program in programs {
        let name = &program.name;
        let bytes = read(&program.file)?;
        let stripped = object_file::without_sections(&bytes)
            .with_context(|| format!("cannot strip {name}"))?;
        archive.add(name, MODE_REGULAR_FILE | 0o555, &stripped)?;
        copy(&program.file, &folder.join(name))?;
        table.push_str(&table_entry(program)?);
    }
    table.push_str("]\n");
    for (name, text) in plans::all(&root.join("userland/plans"), programs)? {
        archive.add(&name, MODE_REGULAR_FILE | 0o444, text.as_bytes())?;
    }
    write(&out.join("initrd.cpio"), &archive.finish())?;
    write(&out.join("programs.rs"), table.as_bytes())
}

/// A program as the host tool's source has it: its name, and the sentence that its own source opens with.
fn table_entry(program: &nested::Binary) -> Result<String> {
    let nested::Binary { name, source, .. } = program;
    let text =
        fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    let sentence = sentence::of_program(&text)
        .with_context(|| format!("{} does not open with a `//!` sentence", source.display()))?;
    Ok(format!(
        "    Program {{ name: {name:?}, sentence: {sentence:?} }},\n"
    ))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
