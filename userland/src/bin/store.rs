//! Stores values by keys, which go when the client goes that put them: the example of a server.
//!
//! Its door is the node `door` of the plan.
#![no_std]
#![no_main]

use omnibus_userland::calls::Result;
use omnibus_userland::part::Part;
use omnibus_userland::program;
use omnibus_userland::service::server::{Limits, Server};
use omnibus_userland::service::store::Store;

program!(main);

const LIMITS: Limits = Limits {
    sessions: 32,
    sessions_per_account: 8,
};

fn main() -> Result<()> {
    let part = Part::take()?;
    let door = part.node("door")?;
    Server::new(Store::new(door.id()), &part.peer, LIMITS).run()
}
