//! Memory: which frames there are, who maps them, and how the kernel reaches a user's bytes.
//!
//! ```text
//! hvm_start_info ─> start_info ─> memory_map ─> frames ─┬─> kernel_space (direct map, image W^X, guarded stacks) ─> heap
//!                                                        └─> address_space (one per task) <─ user (copies, faults as errors)
//! ```
//!
//! | from                  | what                                                                 |
//! |-----------------------|----------------------------------------------------------------------|
//! | `0x1000`              | the task's own half, to `0x0000_7fff_ffff_f000`                       |
//! | `0xffff_8000_0000_0000` | direct map: physical address `p` at `DIRECT_MAP + p`, never executable |
//! | `0xffff_c000_0000_0000` | stacks of the CPUs, each with unmapped memory below it                |
//! | `0xffff_c100_0000_0000` | device registers, uncached                                            |
//! | `0xffff_d000_0000_0000` | heap of the boot                                                     |
//! | `0xffff_d100_0000_0000` | large blocks of the heap, 512 GiB of addresses for each of 16 sizes    |
//! | `0xffff_ffff_8000_0000` | kernel image                                                         |

pub mod address_space;
pub mod crossing;
pub mod frames;
#[cfg(not(test))]
pub mod heap;
#[cfg(not(test))]
pub mod image;
#[cfg(not(test))]
pub mod kernel_space;
pub mod large;
pub mod memory_map;
pub mod page;
pub mod paging;
pub mod physical;
pub mod slab;
pub mod stacks;
#[cfg(not(test))]
pub mod start_info;
pub mod user;

pub use address_space::AddressSpace;
pub use frames::Frame;

/// Bytes of a page and of a frame.
pub const PAGE_BYTES: u64 = omnibus_abi::layout::PAGE_BYTES;

#[cfg(not(test))]
static BOOT_INFORMATION: spin::Once<start_info::BootInformation> = spin::Once::new();

/// What the loader passed; `None` before [`start`].
#[cfg(not(test))]
pub fn boot_information() -> Option<&'static start_info::BootInformation> {
    BOOT_INFORMATION.get()
}

/// CPUs that run programs. The others are parked.
pub const CPUS: u64 = 1;

/// Sets memory up, from the loader's information to the heap, and says how much there is. Ends the machine, with the cause, if that cannot be.
///
/// # Safety
/// Called once at boot, on the boot page tables, with the address that the loader passed.
#[cfg(not(test))]
#[allow(
    unsafe_code,
    reason = "it hands physical memory out for the first time"
)]
pub unsafe fn start(start_info: u64) -> &'static start_info::BootInformation {
    use crate::arch::report::refuse;
    use crate::log::boot;

    // SAFETY: as the caller promises.
    let mut information = unsafe { start_info::read(start_info) }
        .unwrap_or_else(|defect| refuse(format_args!("{defect}")));
    let usable = &mut information.usable;
    let flag_bytes = frames::FrameAllocator::flag_bytes(usable);
    let Some(flags) = usable.carve(flag_bytes) else {
        refuse(format_args!(
            "no {flag_bytes} bytes of memory for the frame flags"
        ))
    };
    if flags.end > 4 << 30 {
        refuse(format_args!("no memory below 4 GiB for the frame flags"))
    }
    // SAFETY: the range was carved from unused memory; the boot page tables and the direct map both map it.
    let flags = unsafe {
        core::slice::from_raw_parts_mut(
            physical::pointer::<u64>(x86_64::PhysAddr::new(flags.start)),
            flag_bytes as usize / 8,
        )
    };
    frames::install(frames::FrameAllocator::new(usable, flags));
    let is_ready = kernel_space::init(information.ram.ranges(), CPUS).and_then(|()| heap::init());
    if is_ready.is_err() {
        refuse(format_args!(
            "{} MiB of memory are too few for the kernel itself",
            information.ram.n_bytes() >> 20
        ))
    }
    let counts = frames::counts();
    boot!(
        "memory {} MiB, {} of {} frames free, initrd {} KiB",
        information.ram.n_bytes().div_ceil(1 << 20),
        counts.n_free,
        counts.n_total,
        information.initrd.len().div_ceil(1 << 10),
    );
    let image = image::physical_range();
    boot!(
        "image {} KiB, text executable, data writable, nothing both",
        image.n_bytes() >> 10
    );
    BOOT_INFORMATION.call_once(|| information)
}
