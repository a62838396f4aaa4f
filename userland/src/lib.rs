//! Runtime library and programs of Omnibus.
#![no_std]
