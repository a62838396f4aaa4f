//! Memory objects.

use core::fmt;

use super::Cursor;
use crate::memory::Memory;
use crate::shared::Ref;

pub(super) fn memory(
    out: &mut impl fmt::Write,
    after: Option<&Ref<Memory>>,
) -> Result<Cursor, fmt::Error> {
    let Some(memory) = Memory::after(after) else {
        return Ok(Cursor::Timer(None));
    };
    writeln!(
        out,
        "memory {} account {} pages {} holds {} mappings {}",
        memory.number,
        memory.account,
        memory.n_pages,
        memory.n_holds(),
        memory.n_mappings(),
    )?;
    Ok(Cursor::Memory(Some(memory)))
}
