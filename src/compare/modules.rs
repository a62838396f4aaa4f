//! Modules for the Linux guest: one by its name, and before it those that it depends on.
//!
//! The package of a kernel has no list of dependencies yet (depmod makes it when the package is installed), so they are read from
//! the modules themselves: section `.modinfo`, `depends=`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection};

/// A module as it is inserted.
#[derive(Debug)]
pub(super) struct Module {
    /// Its name.
    pub(super) name: String,
    /// The ELF file, not compressed.
    pub(super) bytes: Vec<u8>,
}

/// The module `name` of those below `folder` and what it depends on, in the order of insertion; none if there is no such module.
///
/// # Errors
/// If one cannot be read, or depends on one that is not there.
pub(super) fn with_dependencies(folder: &Path, name: &str) -> Result<Vec<Module>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut modules = Vec::new();
    if file_of(&files, name).is_some() {
        add(&files, name, &mut modules)?;
    }
    Ok(modules)
}

fn add(files: &[PathBuf], name: &str, modules: &mut Vec<Module>) -> Result<()> {
    if modules.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let Some(file) = file_of(files, name) else {
        bail!("there is no module {name}");
    };
    let bytes = contents(file)?;
    let needs =
        dependencies(&bytes).with_context(|| format!("{} is not a module", file.display()))?;
    for needed in needs {
        add(files, &needed, modules).with_context(|| format!("{name} needs {needed}"))?;
    }
    modules.push(Module {
        name: name.to_owned(),
        bytes,
    });
    Ok(())
}

/// Every module below `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot list {}", folder.display()))?
            .path();
        // A link to the sources of the kernel leads elsewhere.
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn file_of<'a>(files: &'a [PathBuf], name: &str) -> Option<&'a PathBuf> {
    files.iter().find(|file| {
        let file = file.file_name().and_then(|file| file.to_str());
        file.is_some_and(|file| stem(file).as_deref() == Some(name))
    })
}

/// The module's name from that of its file: hyphens count as underscores, and it may be compressed.
fn stem(file: &str) -> Option<String> {
    let (stem, ending) = file.split_once(".ko")?;
    ["", ".xz", ".zst", ".gz"]
        .contains(&ending)
        .then(|| stem.replace('-', "_"))
}

fn contents(file: &Path) -> Result<Vec<u8>> {
    let program = match file.extension().and_then(|ending| ending.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return fs::read(file).with_context(|| format!("cannot read {}", file.display())),
    };
    let output = Command::new(program)
        .arg("-dc")
        .arg(file)
        .output()
        .with_context(|| format!("cannot start {program}, which {} needs", file.display()))?;
    if !output.status.success() {
        bail!(
            "{program} cannot read {}: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

fn dependencies(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module)?;
    let section = file
        .section_by_name(".modinfo")
        .context("it has no section .modinfo")?;
    Ok(depends(section.data()?))
}

/// The names behind `depends=` among strings with a NUL behind each.
fn depends(information: &[u8]) -> Vec<String> {
    let list = information
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(b"depends="))
        .unwrap_or_default();
    String::from_utf8_lossy(list)
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchDirectory;

    /// Names are found behind `depends=`, none where nothing stands.
    #[test]
    fn dependencies_are_read() {
        assert_eq!(
            depends(b"license=GPL\0depends=a-b,c\0name=x\0"),
            ["a_b", "c"]
        );
        assert_eq!(depends(b"depends=\0name=x\0"), [""; 0]);
        assert_eq!(depends(b""), [""; 0]);
    }

    /// A file's name tells the module, compressed or not; others are none.
    #[test]
    fn files_tell_their_modules() {
        assert_eq!(stem("binder_linux.ko").as_deref(), Some("binder_linux"));
        assert_eq!(stem("snd-pcm.ko.xz").as_deref(), Some("snd_pcm"));
        assert_eq!(stem("modules.order"), None);
        assert_eq!(stem("a.ko.sig"), None);
    }

    /// A folder without the module has none; a module that is no ELF file is refused by name.
    #[test]
    fn a_missing_module_is_none_and_a_broken_one_is_named() {
        let folder = ScratchDirectory::new().unwrap();
        assert!(
            with_dependencies(folder.path(), "binder_linux")
                .unwrap()
                .is_empty()
        );
        fs::write(folder.path().join("binder_linux.ko"), "x").unwrap();
        let error = with_dependencies(folder.path(), "binder_linux").unwrap_err();
        assert!(
            format!("{error:#}").contains("binder_linux.ko"),
            "{error:#}"
        );
    }
}
