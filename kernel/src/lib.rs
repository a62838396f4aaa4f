//! The Omnibus microkernel.
#![no_std]
