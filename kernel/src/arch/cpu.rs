//! What this CPU can do, what of it is required, and the control registers that switch it on.
//!
//! Protections (no-execute, SMEP, SMAP, UMIP, write protection) are used where the CPU has them. Instructions that only some CPUs have are
//! assembled as if all had them and listed in `.cpu_sites`; at boot, while the text is still writable, those the CPU lacks become no-ops.

use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::sync::atomic::{AtomicBool, Ordering};
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::model_specific::{Efer, EferFlags};
use x86_64::registers::xcontrol::{XCr0, XCr0Flags};

/// True if 32-byte vector registers are in use. Read by assembly.
pub static HAS_AVX: AtomicBool = AtomicBool::new(false);
/// True if XSAVE saves the vector state; else FXSAVE does. Read by assembly.
pub static HAS_XSAVE: AtomicBool = AtomicBool::new(false);

/// Kind of a `.cpu_sites` entry: `stac` or `clac`, 3 bytes, no-op without SMAP.
pub const SITE_SMAP: u64 = 1;
/// Kind of a `.cpu_sites` entry: `vzeroupper`, 3 bytes, no-op without AVX.
pub const SITE_AVX: u64 = 2;

/// A feature bit of CPUID (SDM 2A, CPUID; AMD64 manual 3 for the extended leaves).
#[derive(Clone, Copy)]
struct Feature {
    name: &'static str,
    leaf: u32,
    register: Register,
    bit: u32,
}

#[derive(Clone, Copy)]
enum Register {
    B,
    C,
    D,
}

impl Feature {
    const fn new(name: &'static str, leaf: u32, register: Register, bit: u32) -> Self {
        Self {
            name,
            leaf,
            register,
            bit,
        }
    }

    fn is_present(self) -> bool {
        let last_leaf = __cpuid(self.leaf & 0x8000_0000).eax;
        if self.leaf > last_leaf {
            return false;
        }
        let values = __cpuid_count(self.leaf, 0);
        let value = match self.register {
            Register::B => values.ebx,
            Register::C => values.ecx,
            Register::D => values.edx,
        };
        value & (1 << self.bit) != 0
    }
}

const REQUIRED: [Feature; 10] = [
    Feature::new("fpu", 1, Register::D, 0),
    Feature::new("tsc", 1, Register::D, 4),
    Feature::new("msr", 1, Register::D, 5),
    Feature::new("apic", 1, Register::D, 9),
    Feature::new("pge", 1, Register::D, 13),
    Feature::new("cmov", 1, Register::D, 15),
    Feature::new("fxsr", 1, Register::D, 24),
    Feature::new("sse2", 1, Register::D, 26),
    Feature::new("syscall", 0x8000_0001, Register::D, 11),
    Feature::new("nx", 0x8000_0001, Register::D, 20),
];

const XSAVE: Feature = Feature::new("xsave", 1, Register::C, 26);
const AVX: Feature = Feature::new("avx", 1, Register::C, 28);
const SMEP: Feature = Feature::new("smep", 7, Register::B, 7);
const SMAP: Feature = Feature::new("smap", 7, Register::B, 20);
const UMIP: Feature = Feature::new("umip", 7, Register::C, 2);

/// The features that are used if the CPU has them, and whether it does.
#[derive(Clone, Copy)]
pub struct Optional {
    /// Supervisor-mode execution prevention.
    pub has_smep: bool,
    /// Supervisor-mode access prevention.
    pub has_smap: bool,
    /// User-mode instruction prevention.
    pub has_umip: bool,
    /// XSAVE.
    pub has_xsave: bool,
    /// 32-byte vector registers.
    pub has_avx: bool,
}

impl core::fmt::Display for Optional {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "nx wp")?;
        for (name, has) in [
            ("smep", self.has_smep),
            ("smap", self.has_smap),
            ("umip", self.has_umip),
            ("xsave", self.has_xsave),
            ("avx", self.has_avx),
        ] {
            write!(f, " {}{name}", if has { "" } else { "no-" })?;
        }
        Ok(())
    }
}

/// The CPU lacks a feature that the kernel requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(pub &'static str);

/// Checks the required features, switches on what the CPU has, and adapts the code to what it has not.
///
/// FSGSBASE stays off: user code then cannot put a kernel address into GS base, and the kernel can tell by the sign of GS base whose it is
/// (`docs/decisions/0008-fsgsbase-stays-off.md`). PKU and PCID stay off too. Alignment checks (CR0.AM) stay off: AC means SMAP alone.
///
/// # Errors
/// [`Missing`] names the first required feature that is absent.
///
/// # Safety
/// Called once per CPU at boot, while the text is writable (boot page tables) and no other code runs.
pub unsafe fn init() -> Result<Optional, Missing> {
    if let Some(feature) = REQUIRED.iter().find(|feature| !feature.is_present()) {
        return Err(Missing(feature.name));
    }
    let has_xsave = XSAVE.is_present();
    let optional = Optional {
        has_smep: SMEP.is_present(),
        has_smap: SMAP.is_present(),
        has_umip: UMIP.is_present(),
        has_xsave,
        has_avx: has_xsave && AVX.is_present(),
    };
    let mut cr4 = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
        | Cr4Flags::MACHINE_CHECK_EXCEPTION
        | Cr4Flags::PAGE_GLOBAL
        | Cr4Flags::OSFXSR
        | Cr4Flags::OSXMMEXCPT_ENABLE;
    cr4.set(
        Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION,
        optional.has_smep,
    );
    cr4.set(
        Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION,
        optional.has_umip,
    );
    cr4.set(Cr4Flags::OSXSAVE, optional.has_xsave);
    cr4.set(
        Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION,
        optional.has_smap,
    );
    // SAFETY: the CPU has every feature that is set; SMEP and SMAP forbid nothing the kernel does: no user page is mapped yet. XCR0 with x87
    // and SSE, and AVX only beside them, is valid (SDM 1 13.3).
    unsafe {
        Cr0::write(
            Cr0Flags::PROTECTED_MODE_ENABLE
                | Cr0Flags::MONITOR_COPROCESSOR
                | Cr0Flags::EXTENSION_TYPE
                | Cr0Flags::NUMERIC_ERROR
                | Cr0Flags::WRITE_PROTECT
                | Cr0Flags::PAGING,
        );
        Cr4::write(cr4);
        Efer::write(
            EferFlags::SYSTEM_CALL_EXTENSIONS
                | EferFlags::LONG_MODE_ENABLE
                | EferFlags::LONG_MODE_ACTIVE
                | EferFlags::NO_EXECUTE_ENABLE,
        );
        if optional.has_xsave {
            let mut components = XCr0Flags::X87 | XCr0Flags::SSE;
            components.set(XCr0Flags::AVX, optional.has_avx);
            XCr0::write(components);
        }
        patch(SITE_SMAP, optional.has_smap);
        patch(SITE_AVX, optional.has_avx);
    }
    HAS_AVX.store(optional.has_avx, Ordering::Relaxed);
    HAS_XSAVE.store(optional.has_xsave, Ordering::Relaxed);
    Ok(optional)
}

/// An entry of `.cpu_sites`: a 3-byte instruction and which feature it needs.
#[repr(C)]
struct Site {
    address: *mut [u8; 3],
    kind: u64,
}

unsafe extern "C" {
    static cpu_sites_start: [Site; 0];
    static cpu_sites_end: [Site; 0];
}

/// Replaces every site of `kind` by a 3-byte no-op (SDM 2B, NOP) unless the CPU has the feature.
///
/// # Safety
/// The text is writable and none of the sites is being executed.
unsafe fn patch(kind: u64, has_feature: bool) {
    if has_feature {
        return;
    }
    let start = (&raw const cpu_sites_start).cast::<Site>();
    let n_sites = ((&raw const cpu_sites_end) as usize - start as usize) / size_of::<Site>();
    // SAFETY: the linker script puts the bounds around an array of sites, each of which is the address of a 3-byte instruction.
    unsafe {
        for site in core::slice::from_raw_parts(start, n_sites) {
            if site.kind == kind {
                site.address.write([0x0f, 0x1f, 0x00]);
            }
        }
    }
}
