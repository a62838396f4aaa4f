//! A portable loader for static ELF64 executables that refuses with a reason.
//!
//! [`Image::parse`] looks at all of a file that matters for loading it and either accepts it or names the header, the
//! field, its value and what is wrong. An image in hand is sound, so that a kernel that follows its [`Segment`]s cannot
//! fail except for want of memory. The crate maps nothing itself; it knows no kernel and runs on any machine.
//!
//! What is accepted follows these rules:
//! 1. An executable at fixed addresses (`ET_EXEC`) for x86-64, little endian, linked statically.
//! 2. Loadable segments stand in ascending order (as the ELF specification demands), inside the file and inside the
//!    addresses and the memory that [`Limits`] grant, and **no page belongs to two of them**: every page has one set of
//!    rights and one source, and is mapped once.
//! 3. [`Rights`] has no value for writable and executable pages, and none for pages that x86-64 cannot protect so
//!    (without read access).
//! 4. The entry point lies in an executable segment.
//! 5. The stack is never executable: a `PT_GNU_STACK` that asks for it is refused, one that is absent asks for nothing.
//! 6. Section headers and program headers of other types are not looked at.
//!
//! Sources: the ELF specification (System V ABI, gABI 4.1, chapters "ELF Header" and "Program Header"), its x86-64
//! supplement for `EM_X86_64`, and "ELF Handling For Thread-Local Storage" for `PT_TLS`.
#![no_std]
#![forbid(unsafe_code)]

mod header;
mod image;
mod refusal;
mod segment;
mod tls;

pub use image::{Image, Limits};
pub use refusal::{Place, Reason, Refusal};
pub use segment::{Rights, Segment};
pub use tls::Tls;
