//! The words of the command line, one file each.

pub(crate) mod boot;
pub(crate) mod cc;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod shell;
