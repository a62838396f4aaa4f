//! What the kinds of evidence share: see `docs/testing.md`, "Evidence for the core".
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its part of it"
)]

pub(crate) mod beside;
pub(crate) mod delay;
pub(crate) mod knowledge;
pub(crate) mod litmus;
pub(crate) mod program;
pub(crate) mod stage;
pub(crate) mod threads;

use proptest::test_runner::Config;

/// How often the long form repeats what the ordinary run does; 1 in the ordinary run. The long form is asked for by the
/// variable `OMNIBUS_LONG`, whose value is the factor (`OMNIBUS_LONG=100 cargo test`).
pub(crate) fn factor() -> u32 {
    let asked = std::env::var("OMNIBUS_LONG").ok();
    asked.map_or(1, |factor| {
        factor
            .parse()
            .unwrap_or_else(|error| panic!("OMNIBUS_LONG={factor}: {error}"))
    })
}

/// Properties on `n_cases` programs in the ordinary run, which leave no files behind. Whoever wants to know only whether one fails sets
/// `PROPTEST_MAX_SHRINK_ITERS=0`.
pub(crate) fn config(n_cases: u32) -> Config {
    let default = Config::default();
    Config {
        cases: n_cases * factor(),
        max_shrink_iters: default.max_shrink_iters.min(20_000),
        failure_persistence: None,
        ..default
    }
}
