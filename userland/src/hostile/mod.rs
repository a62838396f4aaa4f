//! What hostile tests need below the ABI's conventions: all registers of the CPU, before and after something.

#[allow(unsafe_code)]
pub mod machine;
pub mod registers;
