//! A directory for the files of one run.
//!
//! (The usual crate for it is avoided: it would switch on `std` in a crate that the kernel shares, and cargo would then
//! lint the kernel with that feature on.)

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

/// A directory of its own for this user alone, removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct ScratchDirectory {
    path: PathBuf,
}

impl ScratchDirectory {
    /// Makes one in the host's directory for temporary files.
    ///
    /// # Errors
    /// If the host refuses.
    pub(crate) fn new() -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path =
                std::env::temp_dir().join(format!("omnibus-{}-{number}", std::process::id()));
            // It must not be there yet, so nobody else can have prepared it.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make {}", path.display()));
                }
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        // What cannot be removed now is left to whoever cleans the host's temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two directories are two, closed to other users, and gone with their files afterwards.
    #[test]
    fn is_private_and_removed() {
        use std::os::unix::fs::PermissionsExt;
        let (a, b) = (
            ScratchDirectory::new().unwrap(),
            ScratchDirectory::new().unwrap(),
        );
        assert_ne!(a.path(), b.path());
        assert_eq!(
            fs::metadata(a.path()).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::write(a.path().join("file"), "x").unwrap();
        let path = a.path().to_owned();
        drop(a);
        assert!(!path.exists());
    }
}
