//! Tasks, their threads and their capabilities.

use core::fmt;

use super::Cursor;
use crate::shared::Ref;
use crate::task::doing::State;
use crate::task::task::Task;
use crate::task::thread::Thread;

pub(super) fn task(
    out: &mut impl fmt::Write,
    after: Option<&Ref<Task>>,
) -> Result<Cursor, fmt::Error> {
    let Some(task) = Task::after(after) else {
        return Ok(Cursor::Peer(None));
    };
    let end = task.how_it_ended();
    let n_capabilities = task.capabilities.lock().n_used();
    writeln!(
        out,
        "task {} {} account {} priority {} threads {} capabilities {n_capabilities} frames {} end {end:?}",
        task.number,
        task.name.as_str(),
        task.account.number().as_u64(),
        task.priority().level(),
        task.n_threads(),
        task.space.n_frames(),
    )?;
    Ok(Cursor::Thread(task, None))
}

pub(super) fn thread(
    out: &mut impl fmt::Write,
    task: Ref<Task>,
    after: Option<&Ref<Thread>>,
) -> Result<Cursor, fmt::Error> {
    let Some(thread) = task.thread_after(after) else {
        return Ok(Cursor::Capability(task, 0));
    };
    writeln!(out, "  thread {} {}", thread.number, state(&thread))?;
    Ok(Cursor::Thread(task, Some(thread)))
}

fn state(thread: &Thread) -> &'static str {
    match thread.doing.state() {
        State::Ready { is_in_call: false } => "ready",
        State::Ready { is_in_call: true } => "ready, in a call",
        State::Running => "running",
        State::Blocked => "blocked",
        State::Ended => "ended",
    }
}

pub(super) fn capability(
    out: &mut impl fmt::Write,
    task: Ref<Task>,
    slot: u32,
) -> Result<Cursor, fmt::Error> {
    let capabilities = task.capabilities.lock();
    let Some((name, capability)) = capabilities.next_used(slot) else {
        drop(capabilities);
        return Ok(Cursor::Task(Some(task)));
    };
    writeln!(
        out,
        "  capability {name:?} {} {} rights {:#x}",
        capability.object.kind().name(),
        capability.object.number(),
        capability.rights,
    )?;
    drop(capabilities);
    Ok(Cursor::Capability(task, name.slot() + 1))
}
