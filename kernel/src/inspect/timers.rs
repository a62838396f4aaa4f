//! Timers.

use core::fmt;

use super::{Cursor, accounts::Seek};
use crate::device::timers::Timer;
use crate::shared::Ref;

pub(super) fn timer(
    out: &mut impl fmt::Write,
    after: Option<&Ref<Timer>>,
) -> Result<Cursor, fmt::Error> {
    let Some(timer) = Timer::after(after) else {
        return Ok(Cursor::Account(Seek::START));
    };
    let is_armed = if timer.is_armed() { " armed" } else { "" };
    writeln!(
        out,
        "timer {} holds {}{is_armed}",
        timer.number,
        timer.n_holds()
    )?;
    Ok(Cursor::Timer(Some(timer)))
}
