//! Killing a task, until another knows.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec::Vec;
use omnibus_compare::N_DEATHS;
use omnibus_userland::abi::bus1::MESSAGE_TYPE_NODE_RELEASE;
use omnibus_userland::bench_server::{Host, Pair, order};
use omnibus_userland::check::Outcome;
use omnibus_userland::{check_eq, raw};

pub(super) fn subjects(host: Host<'_>) -> Outcome<Vec<Subject<'_>>> {
    Ok(alloc::vec![
        subject("handle", move || by_handle(host)),
        subject("task", move || by_task(host)),
    ])
}

/// A subject of which only what `death` times counts.
fn subject<'a>(means: &'static str, death: impl Fn() -> Outcome<u64> + 'a) -> Subject<'a> {
    Subject {
        means,
        parameter: 0,
        n_rounds: N_DEATHS,
        n_parts: 1,
        round: Box::new(move |_| death().map(Some)),
    }
}

/// A server that has said that it runs, and now waits.
fn victim(host: Host<'_>) -> Outcome<Pair> {
    let pair = Pair::start(host, "count", &[])?;
    pair.port().send(pair.server.to, &[order::REPORT], &[])?;
    pair.port().next(&mut [0; 8], &mut [])?;
    Ok(pair)
}

/// The notice that the node behind a handle is gone.
fn by_handle(host: Host<'_>) -> Outcome<u64> {
    let pair = victim(host)?;
    let began = raw::counter();
    pair.server.task.kill()?;
    let notice = pair.port().next(&mut [], &mut [])?;
    let took = raw::counter() - began;
    check_eq!(notice.message.kind, MESSAGE_TYPE_NODE_RELEASE, "a notice");
    check_eq!(notice.metadata.id, pair.server.to, "the handle it is about");
    Ok(took)
}

/// The end of the task, when it has given everything back.
fn by_task(host: Host<'_>) -> Outcome<u64> {
    let pair = victim(host)?;
    let began = raw::counter();
    pair.server.task.kill()?;
    pair.server.task.wait()?;
    Ok(raw::counter() - began)
}
