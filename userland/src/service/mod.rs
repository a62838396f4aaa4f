//! How programs serve others: sessions, requests and replies over bus1.
//!
//! A server has *doors*, nodes to which a client holds a handle because somebody gave it one. The client opens a *session* there:
//!
//! ```text
//!  client                                   server
//!    OPEN, a handle to its reply node ──────> door
//!    reply node <────────── reply, a handle to a node of its own
//!    request, handles ──────────────────────> its own node
//!    reply node <────────── reply, handles
//! ```
//!
//! So the node that a message comes in on says who is speaking, and the door that a session was opened at says what he may do:
//! nothing in a message has to be believed. Both ends learn of the other's end, however it came, by the notifications of bus1: the server
//! by the HANDLE_RELEASE of the client's node, the client by the NODE_RELEASE of its handle; there is nothing to time out.
//!
//! * [`frame`]: what is in a message; * [`exchange`], [`session`]: the client's end, without the heap and with it; * [`server`]: the server's loop, with the limits that keep one client
//!   from taking what is there for all; * [`names`], [`log`], [`store`]: the state of the servers of those names, which knows no machine
//!   and is tested on the host, and their clients' ends; * [`reach`]: a service by its name, also after it was started again.

pub mod exchange;
pub mod frame;
pub mod log;
pub mod names;
pub mod reach;
pub mod server;
pub mod session;
pub mod store;
pub mod supervisor;
