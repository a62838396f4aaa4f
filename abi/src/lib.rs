//! The system-call ABI of Omnibus: numbers, structures, errors, layout constants.
#![no_std]
