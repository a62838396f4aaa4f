//! Keeps the last lines that programs wrote, with who wrote them.
//!
//! Each argument is the name of a node of the plan: at `reader` lines are read, at all others written.
#![no_std]
#![no_main]

use omnibus_userland::calls::Result;
use omnibus_userland::part::Part;
use omnibus_userland::service::log::Log;
use omnibus_userland::service::server::{Limits, Server};
use omnibus_userland::{environment, program};

program!(main);

fn main() -> Result<()> {
    let part = Part::take()?;
    let mut log = Log::default();
    for name in environment::arguments() {
        log.add_door(part.node(name)?, name);
    }
    Server::new(log, &part.peer, Limits::COMMON).run()
}
