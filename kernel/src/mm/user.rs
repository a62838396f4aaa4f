//! User memory: the only way the kernel touches a user's bytes.
//!
//! A user address is a claim. Its range is checked first (user half, no wrap); then the bytes are moved through the user's own mapping, by
//! code that the fault handler knows: a page fault in it resumes at its fixup, and the caller gets [`Fault`]. So a bad pointer costs
//! nothing when it is not bad, and can neither reach kernel memory nor stop the kernel. SMAP is lifted (`stac`) only inside these few
//! instructions; write protection (CR0.WP) makes read-only pages of the user read-only for the kernel too.
//!
//! A copy that fails may have moved some of the bytes. Bulk moves use 32-byte registers where the CPU has them: vector registers are lost
//! at a system call anyway.

#![allow(unsafe_code, reason = "user memory is reached by address")]

#[cfg(not(test))]
use core::arch::global_asm;
use omnibus_abi::layout::is_user_range;

/// A user address that cannot be used as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The address at which it failed.
    pub address: u64,
    /// True if the access was a write.
    pub is_write: bool,
}

#[cfg(test)]
use host::{user_copy, user_read_u64, user_write_u64, user_zero};

/// What the routines return in rax and rdx: `kind` 0 is success; else rax is the faulting address, set by the fault handler.
#[repr(C)]
struct Outcome {
    value: u64,
    kind: u64,
}

/// `Outcome::kind` of a failed read and a failed write, as the fault handler sets them.
pub const KIND_READ: u64 = 1;
/// See [`KIND_READ`].
pub const KIND_WRITE: u64 = 2;

#[cfg(not(test))]
unsafe extern "C" {
    fn user_copy(to: *mut u8, from: *const u8, n_bytes: usize) -> Outcome;
    fn user_zero(to: *mut u8, n_bytes: usize) -> Outcome;
    fn user_read_u64(from: u64) -> Outcome;
    fn user_write_u64(to: u64, value: u64) -> Outcome;
}

impl Outcome {
    fn result(self) -> Result<u64, Fault> {
        match self.kind {
            0 => Ok(self.value),
            kind => Err(Fault {
                address: self.value,
                is_write: kind == KIND_WRITE,
            }),
        }
    }
}

/// That a range is the user's, as far as its addresses go; the sum of the two does not overflow then.
pub(super) fn check(address: u64, n_bytes: usize, is_write: bool) -> Result<(), Fault> {
    if is_user_range(address, n_bytes as u64) {
        Ok(())
    } else {
        Err(Fault { address, is_write })
    }
}

/// Copies the `to.len()` bytes at user address `from`.
///
/// # Errors
/// [`Fault`]; `to` may have been written in part.
pub fn copy_from_user(to: &mut [u8], from: u64) -> Result<(), Fault> {
    check(from, to.len(), false)?;
    // SAFETY: `to` is ours; the source is in the user half, and a fault there is fixed up.
    unsafe { user_copy(to.as_mut_ptr(), from as *const u8, to.len()) }
        .result()
        .map(drop)
}

/// Copies `n_bytes` at user address `from` to `to`.
///
/// # Errors
/// [`Fault`]; what is at `to` may have been written in part.
///
/// # Safety
/// So many bytes at `to` may be written, and no reference leads to them.
pub unsafe fn copy_from_user_to(to: *mut u8, from: u64, n_bytes: usize) -> Result<(), Fault> {
    check(from, n_bytes, false)?;
    // SAFETY: `to` is as the caller promises; the source is in the user half, and a fault there is fixed up.
    unsafe { user_copy(to, from as *const u8, n_bytes) }
        .result()
        .map(drop)
}

/// Copies `from` to user address `to`.
///
/// # Errors
/// [`Fault`]; the user's bytes may have been written in part.
pub fn copy_to_user(to: u64, from: &[u8]) -> Result<(), Fault> {
    check(to, from.len(), true)?;
    // SAFETY: `from` is ours; the destination is in the user half, and a fault there is fixed up.
    unsafe { user_copy(to as *mut u8, from.as_ptr(), from.len()) }
        .result()
        .map(drop)
}

/// Writes `n_bytes` zeros to user address `to`.
///
/// # Errors
/// [`Fault`]; some may have been written.
pub fn zero_user(to: u64, n_bytes: usize) -> Result<(), Fault> {
    check(to, n_bytes, true)?;
    // SAFETY: the destination is in the user half, and a fault there is fixed up.
    unsafe { user_zero(to as *mut u8, n_bytes) }
        .result()
        .map(drop)
}

/// Reads the number at user address `from`; any alignment.
///
/// # Errors
/// [`Fault`]
pub fn read_u64(from: u64) -> Result<u64, Fault> {
    check(from, 8, false)?;
    // SAFETY: the source is in the user half, and a fault there is fixed up.
    unsafe { user_read_u64(from) }.result()
}

/// Writes `value` to user address `to`; any alignment.
///
/// # Errors
/// [`Fault`]; some bytes may have been written.
pub fn write_u64(to: u64, value: u64) -> Result<(), Fault> {
    check(to, 8, true)?;
    // SAFETY: the destination is in the user half, and a fault there is fixed up.
    unsafe { user_write_u64(to, value) }.result().map(drop)
}

/// Reads `N` numbers at user address `from`, as the structures of the ABI are made of; any alignment.
///
/// # Errors
/// [`Fault`]
pub fn read_words<const N: usize>(from: u64) -> Result<[u64; N], Fault> {
    let mut words = [0; N];
    check(from, N * 8, false)?;
    // SAFETY: `words` is ours and N * 8 bytes long; a fault at the source is fixed up.
    unsafe { user_copy(words.as_mut_ptr().cast(), from as *const u8, N * 8) }.result()?;
    Ok(words)
}

/// Copies as many numbers as `to` holds from user address `from`; any alignment.
///
/// # Errors
/// [`Fault`]; `to` may have been written in part.
pub fn copy_words_from_user(to: &mut [u64], from: u64) -> Result<(), Fault> {
    let n_bytes = size_of_val(to);
    check(from, n_bytes, false)?;
    // SAFETY: `to` is ours and `n_bytes` long, and every bit pattern is a number; a fault at the source is fixed up.
    unsafe { user_copy(to.as_mut_ptr().cast(), from as *const u8, n_bytes) }
        .result()
        .map(drop)
}

/// Copies the numbers of `from` to user address `to`; any alignment.
///
/// # Errors
/// [`Fault`]; the user's bytes may have been written in part.
pub fn copy_words_to_user(to: u64, from: &[u64]) -> Result<(), Fault> {
    let n_bytes = size_of_val(from);
    check(to, n_bytes, true)?;
    // SAFETY: `from` is ours and `n_bytes` long; a fault at the destination is fixed up.
    unsafe { user_copy(to as *mut u8, from.as_ptr().cast(), n_bytes) }
        .result()
        .map(drop)
}

/// Writes `words` to user address `to`; any alignment.
///
/// # Errors
/// [`Fault`]; some may have been written.
pub fn write_words<const N: usize>(to: u64, words: &[u64; N]) -> Result<(), Fault> {
    check(to, N * 8, true)?;
    // SAFETY: `words` is ours and N * 8 bytes long; a fault at the destination is fixed up.
    unsafe { user_copy(to as *mut u8, words.as_ptr().cast(), N * 8) }
        .result()
        .map(drop)
}

// `.cpu_sites`: an instruction that `arch::cpu` replaces by a no-op on CPUs without it. `.fixups`: first instruction, first behind, where a
// page fault between them goes on.
#[cfg(not(test))]
global_asm!(
    r#"
    .macro smap_site instruction
901:\instruction
    .pushsection .cpu_sites, "a"
    .quad 901b, {smap_site}
    .popsection
    .endm

    .text
    .balign 16
user_copy:
    smap_site stac
user_copy_start:
    cmp rdx, 16
    jb 5f
    movups xmm4, [rsi + rdx - 16]   /* the last 16 bytes: stored last */
    lea r8, [rdi + rdx - 16]
    sub rdx, 64
    jb 3f
    cmp rdx, 512
    jae 7f
2:  movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    add rsi, 64
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rdi, 64
    sub rdx, 64
    jae 2b
3:  add rdx, 48                     /* bytes left - 16 */
    jle 4f
    movups xmm0, [rsi]
    movups [rdi], xmm0
    cmp rdx, 16
    jle 4f
    movups xmm1, [rsi + 16]
    movups [rdi + 16], xmm1
    cmp rdx, 32
    jle 4f
    movups xmm2, [rsi + 32]
    movups [rdi + 32], xmm2
4:  movups [r8], xmm4
    jmp 9f
5:  cmp edx, 8
    jb 6f
    mov rax, [rsi]
    mov rcx, [rsi + rdx - 8]
    mov [rdi], rax
    mov [rdi + rdx - 8], rcx
    jmp 9f
6:  test edx, edx
    jz 9f
    movzx eax, byte ptr [rsi]
    mov [rdi], al
    inc rsi
    inc rdi
    dec edx
    jmp 6b
    /* Bulk: 256 bytes a turn, if there are 32-byte registers. */
7:  cmp byte ptr [rip + {has_avx}], 0
    je 2b
    sub rdx, 192
8:  vmovups ymm0, [rsi]
    vmovups ymm1, [rsi + 32]
    vmovups ymm2, [rsi + 64]
    vmovups ymm3, [rsi + 96]
    vmovups ymm5, [rsi + 128]
    vmovups ymm6, [rsi + 160]
    vmovups ymm7, [rsi + 192]
    vmovups ymm8, [rsi + 224]
    add rsi, 256
    vmovups [rdi], ymm0
    vmovups [rdi + 32], ymm1
    vmovups [rdi + 64], ymm2
    vmovups [rdi + 96], ymm3
    vmovups [rdi + 128], ymm5
    vmovups [rdi + 160], ymm6
    vmovups [rdi + 192], ymm7
    vmovups [rdi + 224], ymm8
    add rdi, 256
    sub rdx, 256
    jae 8b
    add rdx, 192
    js 3b
    jmp 2b
9:
user_copy_end:
    smap_site clac
    xor edx, edx
    ret

    .balign 16
user_zero:
    smap_site stac
user_zero_start:
    cmp rsi, 16
    jb 3f
    pxor xmm0, xmm0
    lea r8, [rdi + rsi - 16]
    cmp rsi, 64
    jb 2f
    lea r9, [rdi + rsi - 64]
6:  movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    add rdi, 64
    cmp rdi, r9
    jbe 6b
2:  cmp rdi, r8
    jae 4f
    movups [rdi], xmm0
    add rdi, 16
    jmp 2b
4:  movups [r8], xmm0
    jmp 9f
3:  test esi, esi
    jz 9f
    mov byte ptr [rdi], 0
    inc rdi
    dec esi
    jmp 3b
9:
user_zero_end:
    smap_site clac
    xor edx, edx
    ret

    .balign 16
user_read_u64:
    smap_site stac
user_read_start:
    mov rax, [rdi]
user_read_end:
    smap_site clac
    xor edx, edx
    ret

    .balign 16
user_write_u64:
    smap_site stac
user_write_start:
    mov [rdi], rsi
user_write_end:
    smap_site clac
    xor edx, edx
    ret

    /* rax = address, rdx = kind: set by the fault handler. */
user_fault:
    smap_site clac
    ret

    .pushsection .fixups, "a"
    .quad user_copy_start, user_copy_end, user_fault
    .quad user_zero_start, user_zero_end, user_fault
    .quad user_read_start, user_read_end, user_fault
    .quad user_write_start, user_write_end, user_fault
    .popsection
"#,
    has_avx = sym crate::arch::cpu::HAS_AVX,
    smap_site = const crate::arch::cpu::SITE_SMAP,
);

/// On the host no user address is valid.
#[cfg(test)]
mod host {
    use super::{KIND_READ, KIND_WRITE, Outcome};

    pub(super) unsafe fn user_copy(_: *mut u8, from: *const u8, _: usize) -> Outcome {
        Outcome {
            value: from as u64,
            kind: KIND_READ,
        }
    }
    pub(super) unsafe fn user_zero(to: *mut u8, _: usize) -> Outcome {
        Outcome {
            value: to as u64,
            kind: KIND_WRITE,
        }
    }
    pub(super) unsafe fn user_read_u64(from: u64) -> Outcome {
        Outcome {
            value: from,
            kind: KIND_READ,
        }
    }
    pub(super) unsafe fn user_write_u64(to: u64, _: u64) -> Outcome {
        Outcome {
            value: to,
            kind: KIND_WRITE,
        }
    }
}
