//! Bounds of one command (STR-2): what must be atomic must be short. They are constants of the ABI.

use omnibus_abi::limits;

/// Handles that one message or one transfer may carry.
pub const TRANSFERS_MAX: usize = limits::TRANSFERS_MAX as usize;
/// Destinations of one message.
pub const DESTINATIONS_MAX: usize = limits::DESTINATIONS_MAX as usize;
/// Ids that one RELEASE may name.
pub const RELEASE_IDS_MAX: usize = limits::IDS_MAX as usize;
/// Carried handles times destinations of one message.
pub const COPIES_MAX: usize = limits::COPIES_MAX as usize;
