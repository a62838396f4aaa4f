//! The Linux kernel to compare with: the distribution's, downloaded into the cache and unpacked there, or the user's.
//!
//! Nothing is installed. On Debian and what descends from it, `linux-image-amd64` is an empty package whose dependency is the
//! kernel of the day; that one is downloaded by `apt-get download` and unpacked by `dpkg-deb -x`, both of which need no root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::testing::child;

/// Debian's package that depends on the newest kernel of the full configuration; the one for clouds lacks the binder driver.
const META_PACKAGE: &str = "linux-image-amd64";

/// How long a download may take.
const TIME_LIMIT: Duration = Duration::from_secs(900);

/// What to do where there is no kernel to be had.
const ADVICE: &str = "\
give one with --linux-kernel PATH (a bzImage; its modules are looked for in lib/modules/VERSION beside its folder, then in /lib/modules/VERSION):
  Debian, Ubuntu:  apt-get update; then this command downloads linux-image-amd64 by itself
  Fedora:          dnf download kernel-core kernel-modules-core && for p in kernel-*.rpm; do rpm2cpio $p | cpio -id; done; the kernel is lib/modules/VERSION/vmlinuz
  Arch:            /boot/vmlinuz-linux        openSUSE, Alpine: /boot/vmlinuz, /boot/vmlinuz-lts
without the module binder_linux the rows of binder are left out";

/// A kernel and where its modules are.
#[derive(Debug)]
pub(super) struct LinuxKernel {
    /// The bzImage.
    pub(super) image: PathBuf,
    /// Its version, as its modules have it.
    pub(super) version: String,
    /// The folder of its modules, if there is one.
    pub(super) modules: Option<PathBuf>,
}

/// The kernel that the user named, else the distribution's, which is kept in `cache`.
///
/// # Errors
/// If there is none; the message says how to get one.
pub(super) fn find(named: Option<&Path>, cache: &Path) -> Result<LinuxKernel> {
    let image = match named {
        Some(path) => path.to_owned(),
        None => of_distribution(cache)
            .with_context(|| format!("there is no Linux kernel at hand; {ADVICE}"))?,
    };
    let bytes =
        fs::read(&image).with_context(|| format!("cannot read the kernel {}", image.display()))?;
    let Some(version) = version(&bytes) else {
        bail!("{} is not a Linux kernel (bzImage)", image.display());
    };
    let modules = module_folders(&image, &version)
        .into_iter()
        .find(|folder| folder.is_dir());
    Ok(LinuxKernel {
        image,
        version,
        modules,
    })
}

/// Where a kernel's modules may be: beside its folder, in its own folder, and where the host has its own.
fn module_folders(image: &Path, version: &str) -> Vec<PathBuf> {
    let own = image.parent().unwrap_or(Path::new("."));
    let below = |root: &Path| root.join("lib").join("modules").join(version);
    let mut folders = vec![below(&own.join(".."))];
    if own.ends_with(version) {
        folders.push(own.to_owned());
    }
    folders.push(below(Path::new("/")));
    folders
}

/// The distribution's kernel, downloaded if the cache does not have it.
fn of_distribution(cache: &Path) -> Result<PathBuf> {
    let package = match newest_package() {
        Ok(package) => package,
        // Without a network or without lists, what was downloaded once still serves.
        Err(error) => match unpacked(cache) {
            Some(image) => {
                eprintln!("{error:#}; using {}", image.display());
                return Ok(image);
            }
            None => return Err(error),
        },
    };
    let folder = cache.join(&package);
    if let Some(image) = image_in(&folder.join("boot")) {
        return Ok(image);
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    show_and_run(
        Command::new("apt-get")
            .args(["download", &package])
            .current_dir(cache),
    )?;
    let archive = fs::read_dir(cache)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| {
                name.starts_with(&format!("{package}_")) && name.ends_with(".deb")
            })
        })
        .with_context(|| format!("apt-get left no file of {package} in {}", cache.display()))?;
    // Unpacked beside its place first, so that what is at its place is whole.
    let partial = cache.join("unpacking");
    if partial.exists() {
        fs::remove_dir_all(&partial)
            .with_context(|| format!("cannot empty {}", partial.display()))?;
    }
    show_and_run(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&archive)
            .arg(&partial),
    )?;
    fs::rename(&partial, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))?;
    image_in(&folder.join("boot")).with_context(|| format!("{package} holds no kernel"))
}

/// The package that the empty one depends on.
fn newest_package() -> Result<String> {
    let output = Command::new("apt-cache")
        .args(["depends", "--important", META_PACKAGE])
        .output()
        .context("cannot start apt-cache")?;
    let text = String::from_utf8_lossy(&output.stdout);
    dependency(&text).map(ToOwned::to_owned).with_context(|| {
        format!("apt-cache knows no {META_PACKAGE} (apt-get update gets the lists)")
    })
}

/// The kernel's package among the dependencies that apt-cache lists.
fn dependency(listing: &str) -> Option<&str> {
    listing.lines().find_map(|line| {
        let package = line.trim().strip_prefix("Depends: ")?;
        package.starts_with("linux-image-").then_some(package)
    })
}

/// A kernel that was downloaded before.
fn unpacked(cache: &Path) -> Option<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(cache)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    folders
        .iter()
        .rev()
        .find_map(|folder| image_in(&folder.join("boot")))
}

/// The kernel in a folder.
fn image_in(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("vmlinuz"))
        })
}

/// Shows a command and runs it.
fn show_and_run(command: &mut Command) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    eprintln!("+ {line}");
    // `child::run` takes the command over.
    let command = std::mem::replace(command, Command::new("true"));
    let failure = child::run(command, TIME_LIMIT, |line| {
        eprintln!("  | {line}");
        Ok(())
    })?;
    match failure {
        Some(failure) => bail!("{line}: {failure}"),
        None => Ok(()),
    }
}

/// The version in a bzImage (Linux, Documentation/arch/x86/boot.rst: `HdrS` at 0x202; at 0x20e the place of the version,
/// counted from 0x200).
fn version(image: &[u8]) -> Option<String> {
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let place = u16::from_le_bytes(image.get(0x20e..0x210)?.try_into().ok()?);
    let text = image.get(usize::from(place) + 0x200..)?;
    let text = text.split(|byte| *byte == 0).next()?;
    let word = std::str::from_utf8(text).ok()?.split(' ').next()?;
    (!word.is_empty()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel is the package that the empty one depends on, whatever else is listed.
    #[test]
    fn the_dependency_is_followed() {
        let listing = "linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(dependency(listing), Some("linux-image-6.1.0-56-amd64"));
        assert_eq!(dependency("linux-image-amd64\n  Depends: firmware\n"), None);
    }

    /// The version is read from the header; another file has none.
    #[test]
    fn a_kernel_tells_its_version() {
        let mut image = vec![0; 0x400];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x20e] = 0x80;
        image[0x280..0x28e].copy_from_slice(b"6.1.0-1 (x@y)\0");
        assert_eq!(version(&image).as_deref(), Some("6.1.0-1"));
        image[0x202] = 0;
        assert_eq!(version(&image), None);
        assert_eq!(version(b"MZ"), None);
    }

    /// Modules are looked for beside the kernel's folder before the host's own.
    #[test]
    fn modules_are_beside_the_kernel() {
        let folders = module_folders(Path::new("/x/boot/vmlinuz-1"), "1");
        assert_eq!(folders[0], Path::new("/x/boot/../lib/modules/1"));
        assert_eq!(folders[1], Path::new("/lib/modules/1"));
        let folders = module_folders(Path::new("/x/lib/modules/1/vmlinuz"), "1");
        assert_eq!(folders[1], Path::new("/x/lib/modules/1"));
    }

    /// Without a kernel the message says how to get one.
    #[test]
    fn a_missing_kernel_is_named() {
        let error = find(Some(Path::new("/nowhere/vmlinuz")), Path::new("/nowhere")).unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/vmlinuz"));
        assert!(ADVICE.contains("--linux-kernel"));
    }
}
