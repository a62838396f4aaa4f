//! `inspect`: the text of [`crate::inspect`], copied out line by line.

use core::fmt;

use omnibus_abi::Errno;
use omnibus_abi::capability::system;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::user::WriteClaim;
use crate::cap::select;
use crate::inspect::Cursor;

/// Most bytes of the buffer.
const BUFFER_BYTES_MAX: u64 = 1 << 20;

/// Lines made in one batch.
const BATCH: u32 = 8;

/// A text on its way.
pub struct Inspect {
    out: WriteClaim,
    cursor: Cursor,
    /// Bytes of the text so far, whether they fitted or not.
    n_bytes: u64,
}

/// `inspect(system, ptr, n_bytes)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EMSGSIZE`; `EFAULT`.
pub fn begin(caller: &mut Caller<'_>, [number, address, n_bytes, ..]: Arguments) -> Outcome {
    let prepared = caller
        .check(number, system::INSPECT, select::system)
        .and_then(|()| {
            if n_bytes > BUFFER_BYTES_MAX {
                return Err(Errno::EMSGSIZE);
            }
            Ok(WriteClaim::new(address, n_bytes)?)
        });
    match prepared {
        Ok(out) => Inspect {
            out,
            cursor: Cursor::START,
            n_bytes: 0,
        }
        .step(caller),
        Err(errno) => errno.into(),
    }
}

/// Text that is cut off where the room ends; a line always fits.
struct Line<'a> {
    room: &'a mut [u8],
    n_bytes: usize,
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.n_bytes + text.len();
        let room = self.room.get_mut(self.n_bytes..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.n_bytes = end;
        Ok(())
    }
}

impl Inspect {
    /// Makes a batch of lines.
    pub fn step(mut self, caller: &mut Caller<'_>) -> Outcome {
        for _ in 0..BATCH {
            if self.cursor.is_at_end() {
                return Outcome::Done(Ok(self.n_bytes));
            }
            let mut line = Line {
                room: &mut caller.scratch.bytes,
                n_bytes: 0,
            };
            match core::mem::replace(&mut self.cursor, Cursor::End).line(&mut line) {
                Ok(cursor) => self.cursor = cursor,
                Err(fmt::Error) => return Errno::EMSGSIZE.into(),
            }
            let n_line = line.n_bytes as u64;
            let n_room = self.out.n_bytes().saturating_sub(self.n_bytes);
            let n_out = n_line.min(n_room) as usize;
            let text = caller.scratch.bytes.get(..n_out).unwrap_or_default();
            if let Err(fault) = self.out.write_at(&caller.memory, self.n_bytes, text) {
                return Errno::from(fault).into();
            }
            self.n_bytes += n_line;
        }
        Outcome::More(Operation::Inspect(self))
    }
}
