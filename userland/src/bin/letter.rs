//! Sends itself a message: the smallest program that uses bus1.
#![no_std]
#![no_main]

use omnibus_userland::{
    abi::Kind, account::Account, bus::Peer, calls::Result, environment, println, program,
};

program!(main);

fn main() -> Result<()> {
    let account = environment::find(Kind::Account).expect("the first task has an account");
    let peer = Peer::new(&Account::from_capability(account))?;
    let (_node, handle) = peer.node()?;
    handle.send(b"hello")?;
    if let Some(message) = peer.recv()?.message() {
        println!(
            "on node {:#x}: {}",
            message.node,
            message.data.escape_ascii()
        );
    }
    Ok(())
}
