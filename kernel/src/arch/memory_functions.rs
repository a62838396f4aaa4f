//! `memcpy` and its family under their C names, which the compiler and the prebuilt `core` call.

omnibus_memory_functions::export!();
