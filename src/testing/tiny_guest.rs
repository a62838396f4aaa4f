//! Guests of a few instructions, for testing the tool itself: each does one thing that a kernel should never do, or that
//! a kernel does at its very end.
//!
//! A guest is an ELF64 file with one loaded segment and the PVH note (Xen, `docs/misc/pvh.pandoc`: entry in 32-bit
//! protected mode, flat segments, paging off). The instructions are from the Intel SDM, Vol. 2.

/// One thing that a guest does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Writes text to the console, the UART at port 0x3f8.
    Console(&'static str),
    /// Writes text to the second channel, port 0xe9.
    Report(&'static str),
    /// Ends QEMU through the port 0xf4 of `isa-debug-exit`.
    Exit,
    /// Raises a breakpoint with an empty interrupt table, which the CPU answers by shutting down.
    TripleFault,
    /// Stops for ever, with interrupts off.
    Halt,
    /// Writes lines to the console for ever.
    Flood,
}

/// Where the file is loaded.
const LOAD_ADDRESS: u32 = 1 << 20;
/// Offset of the code in the file, behind the headers and the note; the six bytes in front of it are zero.
const CODE_OFFSET: u32 = 0x100;
/// Offset of the note in the file: behind the ELF header (64 bytes) and two program headers (56 bytes each).
const NOTE_OFFSET: u32 = 64 + 2 * 56;

/// The ELF file of a guest that does `steps`, one after the other, and then stops for ever.
pub(crate) fn build(steps: &[Step]) -> Vec<u8> {
    let mut code = Vec::new();
    for step in steps.iter().chain([&Step::Halt]) {
        assemble(*step, &mut code);
    }
    let note = note();
    let n_bytes = u64::from(CODE_OFFSET) + code.len() as u64;
    let mut file = elf_header();
    // PT_LOAD, R+W+X, the whole file.
    program_header(&mut file, 1, 7, 0, n_bytes);
    // PT_NOTE, R.
    program_header(&mut file, 4, 4, NOTE_OFFSET, note.len() as u64);
    file.extend_from_slice(&note);
    file.resize(CODE_OFFSET as usize, 0);
    file.extend_from_slice(&code);
    file
}

fn assemble(step: Step, code: &mut Vec<u8>) {
    match step {
        Step::Console(text) => {
            code.extend([0x66, 0xba, 0xf8, 0x03]); // mov dx, 0x3f8
            for byte in text.bytes() {
                code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
            }
        }
        Step::Report(text) => {
            for byte in text.bytes() {
                code.extend([0xb0, byte, 0xe6, 0xe9]); // mov al, byte; out 0xe9, al
            }
        }
        Step::Exit => code.extend([0xb0, 0x00, 0xe6, 0xf4]), // mov al, 0; out 0xf4, al
        Step::TripleFault => {
            code.extend([0x0f, 0x01, 0x1d]); // lidt [the six zero bytes in front of the code]
            code.extend((LOAD_ADDRESS + CODE_OFFSET - 8).to_le_bytes());
            code.push(0xcc); // int3
        }
        Step::Halt => code.extend([0xfa, 0xf4, 0xeb, 0xfd]), // cli; hlt; jmp to the hlt
        Step::Flood => {
            code.extend([0x66, 0xba, 0xf8, 0x03]); // mov dx, 0x3f8
            code.extend([0xb0, b'x', 0xee, 0xb0, b'\n', 0xee, 0xeb, 0xf8]); // both bytes, then back to the first
        }
    }
}

fn elf_header() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec(); // ELF64, little endian, version 1
    header.resize(16, 0);
    header.extend(2u16.to_le_bytes()); // e_type: ET_EXEC
    header.extend(62u16.to_le_bytes()); // e_machine: EM_X86_64
    header.extend(1u32.to_le_bytes()); // e_version
    header.extend(u64::from(LOAD_ADDRESS + CODE_OFFSET).to_le_bytes()); // e_entry
    header.extend(64u64.to_le_bytes()); // e_phoff
    header.extend(0u64.to_le_bytes()); // e_shoff
    header.extend(0u32.to_le_bytes()); // e_flags
    for field in [64u16, 56, 2, 0, 0, 0] {
        header.extend(field.to_le_bytes()); // e_ehsize, e_phentsize, e_phnum; no sections
    }
    header
}

fn program_header(file: &mut Vec<u8>, kind: u32, flags: u32, offset: u32, n_bytes: u64) {
    let address = u64::from(LOAD_ADDRESS + offset);
    file.extend(kind.to_le_bytes());
    file.extend(flags.to_le_bytes());
    for field in [u64::from(offset), address, address, n_bytes, n_bytes, 4] {
        file.extend(field.to_le_bytes());
    }
}

/// `XEN_ELFNOTE_PHYS32_ENTRY` (18): where a PVH guest begins.
fn note() -> Vec<u8> {
    let mut note = Vec::new();
    for field in [4u32, 8, 18] {
        note.extend(field.to_le_bytes()); // bytes of the name, bytes of the value, type
    }
    note.extend(b"Xen\0");
    note.extend(u64::from(LOAD_ADDRESS + CODE_OFFSET).to_le_bytes());
    note
}
