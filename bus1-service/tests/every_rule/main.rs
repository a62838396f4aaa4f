//! The tests of one rule each as one program, for `./run-qemu.sh test --mutants`: with every change of the core it is built and linked
//! once, not once for each file.

// Each file brings the helpers that it shares with the others.
#![allow(clippy::duplicate_mod)]

#[path = "../rules_accounts.rs"]
mod rules_accounts;
#[path = "../rules_closing.rs"]
mod rules_closing;
#[path = "../rules_events.rs"]
mod rules_events;
#[path = "../rules_few.rs"]
mod rules_few;
#[path = "../rules_messages.rs"]
mod rules_messages;
#[path = "../rules_notifications.rs"]
mod rules_notifications;
#[path = "../rules_order.rs"]
mod rules_order;
#[path = "../rules_pair.rs"]
mod rules_pair;
#[path = "../rules_read_out.rs"]
mod rules_read_out;
#[path = "../rules_release.rs"]
mod rules_release;
#[path = "../rules_sub_accounts.rs"]
mod rules_sub_accounts;
#[path = "../rules_together.rs"]
mod rules_together;
#[path = "../rules_trace.rs"]
mod rules_trace;
#[path = "../rules_transfer.rs"]
mod rules_transfer;
#[path = "../rules_undecided.rs"]
mod rules_undecided;
