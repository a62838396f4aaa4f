//! The native system-call ABI for the C runtime, as a header made from the crate `abi`.
//!
//! The runtime in `sdk/c/runtime` is the only reader; programs are written to `<linux/bus1.h>` and POSIX.

use std::fmt::Write;

use anyhow::{Result, anyhow};
use omnibus_abi::bus1::TRANSFER_FLAG_CAPABILITY;
use omnibus_abi::{Kind, call, layout, limits, native};

/// Numbers that the runtime uses, beside those of calls and kinds.
const CONSTANTS: &[(&str, u64)] = &[
    ("ARGUMENT_BYTES_MAX", limits::ARGUMENT_BYTES_MAX),
    ("COPIES_MAX", limits::COPIES_MAX),
    ("DESTINATIONS_MAX", limits::DESTINATIONS_MAX),
    ("EVENT_HANG_UP", native::EVENT_HANG_UP),
    ("EVENT_READABLE", native::EVENT_READABLE),
    ("PAGE_BYTES", layout::PAGE_BYTES),
    ("PRINT_BYTES_MAX", limits::PRINT_BYTES_MAX),
    ("TRANSFERS_MAX", limits::TRANSFERS_MAX),
    ("TRANSFER_FLAG_CAPABILITY", TRANSFER_FLAG_CAPABILITY),
    ("USER_END", layout::USER_END),
    ("VM_EXECUTE", native::VM_EXECUTE),
    ("VM_READ", native::VM_READ),
    ("VM_WRITE", native::VM_WRITE),
    ("WAIT_ITEMS_MAX", limits::WAIT_ITEMS_MAX),
];

/// The header's text.
///
/// # Errors
/// None that can be: a string takes what is written.
pub(crate) fn header() -> Result<String> {
    let mut text = String::from(
        "/* Made by build.rs from the crate `abi`; docs/syscalls.md says what it means. */\n\
         #ifndef OMNIBUS_ABI_H\n#define OMNIBUS_ABI_H\n\n",
    );
    write_header(&mut text).map_err(|error| anyhow!("cannot write the ABI in C: {error}"))?;
    Ok(text)
}

fn write_header(text: &mut String) -> std::fmt::Result {
    for specification in call::SPECIFICATIONS {
        let name = specification.name.to_uppercase();
        writeln!(
            text,
            "#define OMNIBUS_CALL_{name} {}",
            specification.call as u64
        )?;
    }
    writeln!(text)?;
    for kind in Kind::ALL {
        let name = kind.name().to_uppercase();
        writeln!(text, "#define OMNIBUS_KIND_{name} {}", kind as u64)?;
        writeln!(text, "#define OMNIBUS_{name}_ALL {}", kind.all_rights())?;
    }
    writeln!(text)?;
    for (name, value) in CONSTANTS {
        writeln!(text, "#define OMNIBUS_{name} {value:#x}")?;
    }
    writeln!(text, "\n#ifndef __ASSEMBLER__\n#include <stdint.h>")?;
    for structure in native::STRUCTURES {
        writeln!(text, "\nstruct {} {{", structure.name)?;
        for (field, _) in structure.fields {
            writeln!(text, "    uint64_t {field};")?;
        }
        writeln!(text, "}};")?;
    }
    writeln!(text, "\n#endif\n#endif")
}
