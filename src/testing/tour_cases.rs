//! The tour as a test.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};

/// The last line of a tour that held.
const HELD: &str = "All 8 chapters held.";

/// The cases.
pub(crate) const CASES: &[Case] = &[Case {
    id: "tour.holds",
    sentence: "Every chapter of the tour holds.",
    kernel: Kernel::Omnibus("tour"),
    adjust: as_it_is,
    initrd: Initrd::Image,
    words: &[],
    time_limit_s: 60,
    expected: Expected {
        exit_code: 0,
        failure: "",
        console: HELD,
    },
}];
