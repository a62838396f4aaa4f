//! The table of results.

use std::io::Write;

use anyhow::{Context, Result, bail};

use super::targets::TARGETS;

/// Prints every figure, in nanoseconds of the emulator if `is_wall`, else in instructions beside those of other systems.
///
/// # Errors
/// If the suite told a figure that nobody knows.
pub(super) fn print(out: &mut dyn Write, figures: &[(String, u64)], is_wall: bool) -> Result<()> {
    let mut lines = vec![if is_wall {
        "id               ns in the emulator  experiment".to_owned()
    } else {
        "id               Omnibus    seL4   ratio    Linux   ratio     must    goal            experiment".to_owned()
    }];
    for (id, figure) in figures {
        let Some(target) = TARGETS.iter().find(|target| target.id == id) else {
            bail!("the suite told a figure for \"{id}\", which is no experiment");
        };
        lines.push(if is_wall {
            format!("{id:<16} {figure:>18}  {}", target.text)
        } else {
            format!(
                "{id:<16} {figure:>7} {} {} {:>8} {:>7} {:<11} {}",
                beside(*figure, target.sel4, 7),
                beside(*figure, target.linux, 8),
                target.must,
                target.goal,
                judged(*figure, target.must, target.goal),
                target.text
            )
        });
    }
    lines.push(if is_wall {
        "Times of an emulator: they vary two-fold from boot to boot, and say little about any machine.".to_owned()
    } else {
        "Guest instructions per round, user and kernel; ratio: Omnibus to the other, below 1 is less.".to_owned()
    });
    for line in lines {
        writeln!(out, "{line}").context("cannot write to standard output")?;
    }
    Ok(())
}

/// The figure of another system and the ratio to it.
fn beside(figure: u64, other: Option<u64>, width: usize) -> String {
    match other {
        Some(other) => {
            let ratio = figure as f64 / other as f64;
            format!("{other:>width$} {ratio:>7.2}")
        }
        None => format!("{:>width$} {:>7}", "-", "-"),
    }
}

fn judged(figure: u64, must: u64, goal: u64) -> &'static str {
    if figure <= goal {
        "goal"
    } else if figure <= must {
        "must"
    } else {
        "MISSED"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A figure is judged by its bounds, which belong to what they allow.
    #[test]
    fn bounds_are_inclusive() {
        assert_eq!(judged(110, 140, 110), "goal");
        assert_eq!(judged(140, 140, 110), "must");
        assert_eq!(judged(141, 140, 110), "MISSED");
    }

    /// Every experiment has a goal no higher than its bound, and a name of its own.
    #[test]
    fn targets_are_sound() {
        for (index, target) in TARGETS.iter().enumerate() {
            assert!(
                0 < target.goal && target.goal <= target.must,
                "{}",
                target.id
            );
            assert!(TARGETS[..index].iter().all(|other| other.id != target.id));
        }
    }

    /// A figure that belongs to no experiment is refused by name.
    #[test]
    fn unknown_figures_are_refused() {
        let complaint = print(&mut Vec::new(), &[("frob".to_owned(), 1)], false);
        assert!(complaint.unwrap_err().to_string().contains("frob"));
    }
}
