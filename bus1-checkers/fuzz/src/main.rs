//! The target of libFuzzer: bytes in, and a crash if the core is wrong. It is told which documented errors were reached, beside
//! which code.
#![no_main]
#![allow(
    unsafe_code,
    reason = "the counters are found by the name of their section"
)]

use std::sync::atomic::{AtomicU8, Ordering};

use bus1_fuzz::DOCUMENTED;

/// Counters that libFuzzer reads, and clears, beside those of the instrumented code.
// SAFETY: the section holds bytes only, each of them a counter (libFuzzer, "extra counters").
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; DOCUMENTED.len()] = [const { AtomicU8::new(0) }; DOCUMENTED.len()];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let reached = bus1_fuzz::run(bytes);
    for (counter, &count) in REACHED.iter().zip(reached.counts()) {
        counter.store(u8::try_from(count).unwrap_or(u8::MAX), Ordering::Relaxed);
    }
});
