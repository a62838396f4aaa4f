//! Tasks, their threads and their capabilities.

use core::fmt;

use super::Cursor;
use crate::task::task::Task;
use crate::task::thread::{Doing, Thread, Work};

pub(super) fn task(out: &mut impl fmt::Write, after: u64) -> Result<Cursor, fmt::Error> {
    let Some(task) = Task::after(after) else {
        return Ok(Cursor::Peer(0));
    };
    let end = task.how_it_ended();
    let n_capabilities = task.capabilities.lock().n_used();
    writeln!(
        out,
        "task {} {} account {} priority {} threads {} capabilities {n_capabilities} frames {} end {end:?}",
        task.number,
        task.name.as_str(),
        task.account.number().as_u64(),
        task.priority.level(),
        task.n_threads(),
        task.space.n_frames(),
    )?;
    Ok(Cursor::Thread(task.number, 0))
}

/// The task of this number, if it has not ended.
fn find(number: u64) -> Option<crate::shared::Ref<Task>> {
    Task::after(number - 1).filter(|task| task.number == number)
}

pub(super) fn thread(
    out: &mut impl fmt::Write,
    task: u64,
    after: u64,
) -> Result<Cursor, fmt::Error> {
    let found = find(task).and_then(|task| {
        let mut at = task.first_thread();
        while let Some(thread) = at {
            if thread.number > after {
                return Some(thread);
            }
            at = task.next_thread(&thread);
        }
        None
    });
    let Some(thread) = found else {
        return Ok(Cursor::Capability(task, 0));
    };
    writeln!(out, "  thread {} {}", thread.number, state(&thread))?;
    Ok(Cursor::Thread(task, thread.number))
}

fn state(thread: &Thread) -> &'static str {
    match &*thread.doing.lock() {
        Doing::Ready(Work::User) => "ready",
        Doing::Ready(Work::Call(_)) => "ready, in a call",
        Doing::Running { .. } => "running",
        Doing::Blocked(_) => "blocked",
        Doing::Ended { .. } => "ended",
    }
}

pub(super) fn capability(
    out: &mut impl fmt::Write,
    number: u64,
    slot: u32,
) -> Result<Cursor, fmt::Error> {
    let Some(task) = find(number) else {
        return Ok(Cursor::Task(number));
    };
    let capabilities = task.capabilities.lock();
    let Some((name, capability)) = capabilities.next_used(slot) else {
        return Ok(Cursor::Task(number));
    };
    writeln!(
        out,
        "  capability {name:?} {} {} rights {:#x}",
        capability.object.kind().name(),
        capability.object.number(),
        capability.rights,
    )?;
    Ok(Cursor::Capability(number, name.slot() + 1))
}
