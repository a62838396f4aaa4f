//! The initial RAM disk as a plain cpio archive: reader for the kernel, writer for the host.
#![no_std]
