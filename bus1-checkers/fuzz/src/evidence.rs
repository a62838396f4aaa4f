//! What the kinds of evidence share (see `docs/testing.md`, "Evidence for the core").
#![allow(dead_code, reason = "this kind uses its part of it")]

#[path = "../../../bus1-service/tests/evidence/beside.rs"]
pub(crate) mod beside;
#[path = "../../../bus1-service/tests/evidence/knowledge.rs"]
pub(crate) mod knowledge;
#[path = "../../../bus1-service/tests/evidence/stage.rs"]
pub(crate) mod stage;
