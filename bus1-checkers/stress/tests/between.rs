//! What happens between two steps of one operation, put there on purpose: the few places that schedules at random do not find.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/common/mod.rs"]
mod common;

use bus1_service::{Error, Kind, Place};
use common::*;

/// Does `between` when this thread comes to `place` in `operation`.
fn at<T>(
    place: &'static str,
    between: impl FnOnce() + 'static,
    operation: impl FnOnce() -> T,
) -> T {
    let mut between = Some(between);
    bus1_service::hooks::set(Some(Box::new(move |here| {
        if let Some(between) = between.take_if(|_| here == place) {
            between();
        }
    })));
    let result = operation();
    bus1_service::hooks::set(None);
    result
}

/// An event that is bound while its node is released is told to nobody and charged to nobody (SND-4).
#[test]
fn evt_4_a_node_released_while_an_event_is_bound_hears_nothing() {
    let world = World::new(2);
    let [server, client] = world.first();
    let (id, handle) = node(server, client);
    let owner = server.clone();
    let event = at(
        "event: charged",
        move || release(&owner, &[id]).unwrap(),
        || client.new_event(handle, 1),
    );
    event
        .unwrap()
        .fire(&[1], &mut |bell, wake| ring(bell, wake));
    assert!(!server.is_readable());
    assert_eq!(recv_note(client), (Kind::NodeRelease, handle));
    world.end();
}

/// Binding an event fails, and is charged to nobody then or later, if its handle is released meanwhile.
#[test]
fn evt_4_a_handle_released_while_an_event_is_bound_refuses_it() {
    let mut world = World::new(1);
    let other = world.account(MAXIMA);
    let client = world.peer(other);
    let server = world.peers[0].clone();
    let (_, elsewhere) = node(&server, &client);
    send(&client, &[elsewhere], &[], b"charged to the same").unwrap();
    let charged = || {
        let trace = server.account().inspect_trace(client.account().number(), 0);
        trace.map(|(trace, _)| trace.claimed)
    };
    let before = charged();
    assert!(before.is_some());
    let (id, handle) = node(&server, &client);
    let holder = client.clone();
    let event = at(
        "event: charged",
        move || release(&holder, &[handle]).unwrap(),
        || client.new_event(handle, 1),
    );
    let unknown = Error::UnknownId(Place::Destination(0), handle);
    assert_eq!(event.err(), Some(unknown));
    release(&server, &[id]).unwrap();
    assert_eq!(charged(), before);
    world.end();
}
