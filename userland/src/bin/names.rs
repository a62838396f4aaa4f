//! Serves names: handles by name, for those who hold a handle to a door.
//!
//! Each argument is the name of a node of the plan and what that door allows: `NODE=register,look-up:PREFIX`.
#![no_std]
#![no_main]

use omnibus_userland::abi::Errno;
use omnibus_userland::calls::Result;
use omnibus_userland::part::Part;
use omnibus_userland::service::names::{Names, Policy};
use omnibus_userland::service::server::{Limits, Server};
use omnibus_userland::{environment, program};

program!(main);

fn main() -> Result<()> {
    let part = Part::take()?;
    let mut names = Names::new(&part.peer);
    for argument in environment::arguments() {
        let (node, policy) = argument.split_once('=').ok_or(Errno::EINVAL)?;
        let policy = Policy::parse(policy).ok_or(Errno::EINVAL)?;
        names.add_door(part.node(node)?, policy);
    }
    Server::new(names, &part.peer, Limits::COMMON).run()
}
