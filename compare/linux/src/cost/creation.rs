//! Making an endpoint and giving it up.

use std::error::Error;

use nix::mqueue::MQ_OFlag;
use omnibus_compare::CREATION;

use super::Subject;
use crate::binder::Binder;
use crate::channel::{Pipe, Queue, Socket};
use crate::guest::has_binder;
use crate::sys::Result;
use crate::teller::Teller;
use nix::sys::eventfd::EventFd;

pub(super) fn run(teller: &mut Teller) -> std::result::Result<(), Box<dyn Error>> {
    let mut subjects = vec![
        subject("pipe", || Pipe::new().map(drop)),
        subject("seqpacket", || Socket::new().map(drop)),
        subject("eventfd", || EventFd::new().map(drop)),
        subject("mqueue", || Queue::new(1, 64, MQ_OFlag::empty()).map(drop)),
    ];
    if has_binder() {
        subjects.push(subject("binder", || Binder::open().map(drop)));
    }
    Ok(teller.measure(CREATION, subjects)?)
}

fn subject<'a>(means: &'static str, mut make: impl FnMut() -> Result<()> + 'a) -> Subject<'a> {
    Subject {
        means,
        parameter: 0,
        n_rounds: 100,
        n_parts: 1,
        round: Box::new(move |_| make().map(|()| None)),
    }
}
