//! The words of the command line, one file each.

pub(crate) mod boot;
pub(crate) mod cc;
pub(crate) mod list;
pub(crate) mod new;

/// The program that boots when no word is given.
pub(crate) const DEFAULT_PROGRAM: &str = "tour";
