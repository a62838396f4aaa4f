//! Tests of the loader on files assembled for them.

mod accepted;
mod against_object;
mod builder;
mod refused;
