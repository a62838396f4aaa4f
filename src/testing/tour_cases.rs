//! The tour as a test: it holds, and when the mechanism behind a chapter is broken it says which.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};
use crate::image::TOUR;

/// The last line of a tour that held.
const HELD: &str = "All 8 chapters held.";

/// The tour on the kernel as it is.
pub(crate) const HOLDS: Case = Case {
    id: "tour.holds",
    sentence: "Every chapter of the tour holds, as a program of the plan that boots without a word.",
    kernel: Kernel::Planned(&[TOUR]),
    adjust: as_it_is,
    initrd: Initrd::Image,
    words: &[],
    time_limit_s: 60,
    expected: Expected {
        exit_code: 0,
        failure: "",
        console: HELD,
    },
};

/// A tour on the kernel that breaks what a chapter shows: the tour ends with the chapter's number and names its letter.
macro_rules! broken {
    ($letter:literal, $chapter:literal, $sentence:literal) => {
        Case {
            id: concat!("tour.notices-", $letter),
            sentence: $sentence,
            kernel: Kernel::Sabotaged("tour"),
            words: &[concat!("sabotage=", $letter)],
            expected: Expected {
                exit_code: $chapter,
                failure: "",
                console: concat!("Chapter (", $letter, ") does not hold"),
            },
            ..HOLDS
        }
    };
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    HOLDS,
    Case {
        id: "tour.holds-unbroken",
        sentence: "The kernel that can be broken holds every chapter as long as nothing is.",
        kernel: Kernel::Sabotaged("tour"),
        ..HOLDS
    },
    broken!(
        "a",
        1,
        "The tour notices that a task can read what another has in memory."
    ),
    broken!("b", 2, "The tour notices that a message arrives changed."),
    broken!(
        "c",
        3,
        "The tour notices that messages leave the handles they carry behind."
    ),
    broken!(
        "d",
        4,
        "The tour notices that one receiver has an order of its own."
    ),
    broken!("e", 5, "The tour notices that releases are not announced."),
    broken!(
        "f",
        6,
        "The tour notices that a crashed task's peers stay open."
    ),
    broken!(
        "g",
        7,
        "The tour notices that a guessed capability number works."
    ),
    broken!("h", 8, "The tour notices that accounts have no limits."),
    Case {
        id: "kernel.cannot-be-broken",
        sentence: "The shipped kernel refuses the word that breaks the other one.",
        words: &["sabotage=a"],
        expected: Expected {
            exit_code: 102,
            failure: "sabotage",
            console: "",
        },
        ..HOLDS
    },
];
