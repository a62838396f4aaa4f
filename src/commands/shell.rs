//! `shell`: boot a plan, and have its console on the user's terminal.

use std::io::{self, IsTerminal};

use anyhow::Result;

use super::boot::{TIME_LIMIT, explain};
use crate::cli::Options;
use crate::guest::{self, Boot};
use crate::verdict::Ending;
use crate::{image, words};

/// Boots the plan, converses until its end, and returns the exit code.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn shell(plan: &str, options: &Options) -> Result<u8> {
    let machine = options.machine();
    let is_interactive = io::stdin().is_terminal();
    if is_interactive {
        eprintln!("booting the plan {plan} on {machine}; Ctrl-] leaves");
    }
    let boot = Boot {
        machine,
        kernel: options.kernel.clone().unwrap_or_else(image::kernel),
        initrd: Some(options.initrd.clone().unwrap_or_else(image::initrd)),
        words: words::command_line(image::STARTER, &[plan.to_owned()], &options.word)?,
        // Somebody who types knows how to leave.
        time_limit: options
            .time_limit()
            .or((!is_interactive).then_some(TIME_LIMIT)),
        is_debugged: false,
    };
    let run = guest::converse(&boot)?;
    match run.ending {
        Ending::Left => eprintln!("{}", run.failure().unwrap_or_default()),
        Ending::Status(_) if !is_interactive && run.report.first_cause.is_none() => {}
        _ => explain(&run),
    }
    Ok(run.exit_code())
}
