//! Tests the services: names, log, store and supervisor, their limits, their clients' ends and their own.
#![no_std]
#![no_main]

extern crate alloc;

mod full;
mod limits;
mod logs;
mod names;
mod restarts;
mod stage;

omnibus_userland::suite! {
    "test-services"; names::TESTS, logs::TESTS, restarts::TESTS, limits::TESTS, full::TESTS
}
