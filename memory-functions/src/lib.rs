//! `memcpy` and its family: what compiled code expects of its surroundings where there is no C library.
//!
//! Kernel and programs link the same ones; each exports them under their C names with [`export!`],
//! so that a host test, which has a C library, does not get a second set.
//!
//! They are written in assembly for two reasons: a loop in Rust may be recognised as a copy and
//! compiled into a call of the very function it is in; and in QEMU's emulator the number of
//! instructions is the cost. Bulk moves 16 bytes by each instruction pair, 64 in each turn of a
//! loop. A repeated string instruction counts once for every element there and moves 1 to 8 bytes.
//!
//! Only `xmm0` to `xmm4` and general registers that a call may change are used (System V ABI,
//! AMD64 supplement, section 3.2.1), and no stack.
#![no_std]

use core::arch::naked_asm;

/// Exports the functions under the names that compiled code calls. To be used once in a binary
/// that is linked without a C library.
#[macro_export]
macro_rules! export {
    () => {
        $crate::export!(@ memcpy copy (*mut u8, *const u8, usize) -> *mut u8);
        $crate::export!(@ memmove copy_overlapping (*mut u8, *const u8, usize) -> *mut u8);
        $crate::export!(@ memset fill (*mut u8, i32, usize) -> *mut u8);
        $crate::export!(@ memcmp compare (*const u8, *const u8, usize) -> i32);
        $crate::export!(@ bcmp compare (*const u8, *const u8, usize) -> i32);
        $crate::export!(@ strlen length (*const u8) -> usize);
    };
    (@ $symbol:ident $function:ident ($($argument:ty),*) -> $value:ty) => {
        // SAFETY: the symbol has the signature and the meaning that the C standard gives it; the
        // body is a jump with every argument where it was.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $symbol($(_: $argument),*) -> $value {
            ::core::arch::naked_asm!("jmp {}", sym $crate::$function)
        }
    };
}

/// C's `memcpy`: copies `n` bytes from `source` to `destination` and returns `destination`.
///
/// # Safety
/// Both ranges are valid for `n` bytes. They may overlap if `destination` is not above `source`.
#[unsafe(naked)]
pub unsafe extern "C" fn copy(destination: *mut u8, source: *const u8, n: usize) -> *mut u8 {
    // Every load of an overlapping pair comes before its first store, so that a destination
    // below the source is right too: that is `copy_overlapping`'s forward half.
    naked_asm!(
        "mov rax, rdi",
        "cmp rdx, 16",
        "jb 5f",
        // The last 16 bytes are read first and written last.
        "movups xmm4, [rsi + rdx - 16]",
        "lea r8, [rdi + rdx - 16]",
        "sub rdx, 64",
        "jb 3f",
        "2:",
        "movups xmm0, [rsi]",
        "movups xmm1, [rsi + 16]",
        "movups xmm2, [rsi + 32]",
        "movups xmm3, [rsi + 48]",
        "movups [rdi], xmm0",
        "movups [rdi + 16], xmm1",
        "movups [rdi + 32], xmm2",
        "movups [rdi + 48], xmm3",
        "add rsi, 64",
        "add rdi, 64",
        "sub rdx, 64",
        "jae 2b",
        // 0 to 63 bytes are left, rdx holds their number minus 64.
        "3:",
        "add rdx, 48",
        "jl 6f",
        "4:",
        "movups xmm0, [rsi]",
        "movups [rdi], xmm0",
        "add rsi, 16",
        "add rdi, 16",
        "sub rdx, 16",
        "jge 4b",
        "6:",
        "movups [r8], xmm4",
        "ret",
        // Fewer than 16 bytes: two moves that overlap.
        "5:",
        "cmp edx, 8",
        "jb 7f",
        "mov rcx, [rsi]",
        "mov r8, [rsi + rdx - 8]",
        "mov [rdi], rcx",
        "mov [rdi + rdx - 8], r8",
        "ret",
        "7:",
        "cmp edx, 4",
        "jb 8f",
        "mov ecx, [rsi]",
        "mov r8d, [rsi + rdx - 4]",
        "mov [rdi], ecx",
        "mov [rdi + rdx - 4], r8d",
        "ret",
        "8:",
        "test edx, edx",
        "jz 9f",
        "movzx ecx, byte ptr [rsi]",
        "movzx r8d, byte ptr [rsi + rdx - 1]",
        "shr edx, 1",
        "movzx r9d, byte ptr [rsi + rdx]",
        "mov [rdi + rdx], r9b",
        "mov [rdi], cl",
        // The shift left the lowest bit in the carry flag, and moves keep it: rdx is n again.
        "adc rdx, rdx",
        "mov [rdi + rdx - 1], r8b",
        "9:",
        "ret",
    )
}

/// C's `memmove`: [`copy`] for ranges that overlap in any way.
///
/// # Safety
/// Both ranges are valid for `n` bytes.
#[unsafe(naked)]
pub unsafe extern "C" fn copy_overlapping(
    destination: *mut u8,
    source: *const u8,
    n: usize,
) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        // Forward unless source < destination < source + n; short copies read all before they write.
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        "jae {forward}",
        "cmp rdx, 16",
        "jb {forward}",
        // Backward: the first 16 bytes are read first and written last.
        "movups xmm4, [rsi]",
        "sub rdx, 64",
        "jb 3f",
        "2:",
        "movups xmm0, [rsi + rdx]",
        "movups xmm1, [rsi + rdx + 16]",
        "movups xmm2, [rsi + rdx + 32]",
        "movups xmm3, [rsi + rdx + 48]",
        "movups [rdi + rdx], xmm0",
        "movups [rdi + rdx + 16], xmm1",
        "movups [rdi + rdx + 32], xmm2",
        "movups [rdi + rdx + 48], xmm3",
        "sub rdx, 64",
        "jae 2b",
        "3:",
        "add rdx, 48",
        "jl 6f",
        "4:",
        "movups xmm0, [rsi + rdx]",
        "movups [rdi + rdx], xmm0",
        "sub rdx, 16",
        "jge 4b",
        "6:",
        "movups [rax], xmm4",
        "ret",
        forward = sym copy,
    )
}

/// C's `memset`: sets `n` bytes to the low byte of `value` and returns `destination`.
///
/// # Safety
/// The range is valid for writes of `n` bytes.
#[unsafe(naked)]
pub unsafe extern "C" fn fill(destination: *mut u8, value: i32, n: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "movzx esi, sil",
        "mov rcx, 0x0101010101010101",
        "imul rcx, rsi",
        "cmp rdx, 16",
        "jb 5f",
        "movq xmm0, rcx",
        "punpcklqdq xmm0, xmm0",
        "lea r8, [rdi + rdx - 16]",
        "sub rdx, 64",
        "jb 3f",
        "2:",
        "movups [rdi], xmm0",
        "movups [rdi + 16], xmm0",
        "movups [rdi + 32], xmm0",
        "movups [rdi + 48], xmm0",
        "add rdi, 64",
        "sub rdx, 64",
        "jae 2b",
        "3:",
        "add rdx, 48",
        "jl 6f",
        "4:",
        "movups [rdi], xmm0",
        "add rdi, 16",
        "sub rdx, 16",
        "jge 4b",
        "6:",
        "movups [r8], xmm0",
        "ret",
        "5:",
        "cmp edx, 8",
        "jb 7f",
        "mov [rdi], rcx",
        "mov [rdi + rdx - 8], rcx",
        "ret",
        "7:",
        "cmp edx, 4",
        "jb 8f",
        "mov [rdi], ecx",
        "mov [rdi + rdx - 4], ecx",
        "ret",
        "8:",
        "test edx, edx",
        "jz 9f",
        "mov [rdi], cl",
        "mov [rdi + rdx - 1], cl",
        "shr edx, 1",
        "mov [rdi + rdx], cl",
        "9:",
        "ret",
    )
}

/// C's `memcmp`, and `bcmp`: compares `n` bytes as unsigned numbers.
///
/// # Safety
/// Both ranges are valid for reads of `n` bytes.
#[unsafe(naked)]
pub unsafe extern "C" fn compare(left: *const u8, right: *const u8, n: usize) -> i32 {
    naked_asm!(
        "xor ecx, ecx",
        "mov r8, rdx",
        "sub r8, 16",
        "jb 3f",
        "2:",
        "movups xmm0, [rdi + rcx]",
        "movups xmm1, [rsi + rcx]",
        "pcmpeqb xmm0, xmm1",
        "pmovmskb eax, xmm0",
        "xor eax, 0xffff",
        "jnz 5f",
        "add rcx, 16",
        "cmp rcx, r8",
        "jbe 2b",
        "3:",
        "cmp rcx, rdx",
        "je 4f",
        "movzx eax, byte ptr [rdi + rcx]",
        "movzx r9d, byte ptr [rsi + rcx]",
        "inc rcx",
        "sub eax, r9d",
        "jz 3b",
        "ret",
        "4:",
        "xor eax, eax",
        "ret",
        "5:",
        "bsf eax, eax",
        "add rcx, rax",
        "movzx eax, byte ptr [rdi + rcx]",
        "movzx r9d, byte ptr [rsi + rcx]",
        "sub eax, r9d",
        "ret",
    )
}

/// C's `strlen`: bytes before the first zero byte.
///
/// # Safety
/// `string` points at bytes that end in a zero byte, all valid for reads.
#[unsafe(naked)]
pub unsafe extern "C" fn length(string: *const u8) -> usize {
    naked_asm!(
        "xor eax, eax",
        "2:",
        "cmp byte ptr [rdi + rax], 0",
        "je 3f",
        "inc rax",
        "jmp 2b",
        "3:",
        "ret",
    )
}

#[cfg(test)]
mod tests;
