//! Bounds that the ABI states (STR-2): what must be atomic must be short.

/// Most data vectors of one message, `EINVAL` above.
pub const DATA_VECTORS_MAX: u64 = 1024;

/// Most carried handles of one message and entries of one transfer, `EMSGSIZE` above.
pub const TRANSFERS_MAX: u64 = 1024;

/// Most capabilities among the transfers of one message, `EMSGSIZE` above.
pub const CAPABILITIES_MAX: u64 = 256;

/// Most destinations of one send, `EMSGSIZE` above.
pub const DESTINATIONS_MAX: u64 = 1024;

/// Most carried handles times destinations of one send, `EMSGSIZE` above.
pub const COPIES_MAX: u64 = 4096;

/// Most ids of one release, `EMSGSIZE` above.
pub const IDS_MAX: u64 = 4096;

/// Most payload bytes of one message, `EMSGSIZE` above.
pub const DATA_BYTES_MAX: u64 = 1 << 20;

/// Most items of one wait, `EINVAL` above.
pub const WAIT_ITEMS_MAX: u64 = 64;

/// Most bytes of one print, `EMSGSIZE` above.
pub const PRINT_BYTES_MAX: u64 = 4096;

/// Most bytes of a task's name, `EMSGSIZE` above.
pub const NAME_BYTES_MAX: u64 = 255;

/// Most bytes of arguments that programs must take: who starts programs passes no more. The kernel does not look.
pub const ARGUMENT_BYTES_MAX: u64 = 4096;

/// Highest priority of a thread; 0 is the lowest.
pub const PRIORITY_MAX: u64 = 31;

/// Shortest period of a share of CPU time, in nanoseconds; `EINVAL` below.
pub const CPU_PERIOD_NS_MIN: u64 = 1_000_000;

/// Longest period of a share of CPU time, in nanoseconds; `EINVAL` above.
pub const CPU_PERIOD_NS_MAX: u64 = 1_000_000_000;

/// Most claims read by one `account_claims`, `EINVAL` above.
pub const CLAIMS_MAX: u64 = 1024;

/// Most bytes of a memory object, `EMSGSIZE` above.
pub const MEMORY_BYTES_MAX: u64 = 256 << 20;

/// Most mappings of memory objects in one task, `ENOMEM` above.
pub const MAPPINGS_MAX: u64 = 1024;

/// Highest exit status of a task.
pub const EXIT_STATUS_MAX: u64 = 255;

/// Most bytes of any structure, in any version to come; `E2BIG` above, whatever it holds.
pub const STRUCTURE_BYTES_MAX: u64 = 256;
