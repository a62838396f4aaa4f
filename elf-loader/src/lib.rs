//! A portable loader for static ELF64 executables that refuses with a reason.
#![no_std]
