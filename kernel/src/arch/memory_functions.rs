//! `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp` and `strlen`, which the compiler and the prebuilt `core` call by name.
//!
//! Instruction counts are what is measured (one count per iteration of a `rep` instruction), so bulk moves go by 16-byte registers, 64
//! bytes per turn, and short ones by two overlapping moves that load everything before they store anything: the same code is then right
//! for overlapping ranges. On the host the routines carry a prefix and are tested against the standard library.

use core::arch::global_asm;

#[cfg(not(test))]
macro_rules! name {
    ($name:literal) => {
        concat!(".global ", $name, "\n", $name, ":")
    };
}
#[cfg(test)]
macro_rules! name {
    ($name:literal) => {
        concat!(".global kernel_", $name, "\nkernel_", $name, ":")
    };
}

global_asm!(
    ".text",
    ".balign 16",
    name!("memcpy"),
    name!("memmove"),
    r#"
    mov rax, rdi
    cmp rdx, 16
    jb 20f
    cmp rdx, 32
    ja 10f
    movups xmm0, [rsi]
    movups xmm1, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm1
    ret
10: cmp rdx, 64
    ja 11f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + rdx - 32]
    movups xmm3, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + rdx - 32], xmm2
    movups [rdi + rdx - 16], xmm3
    ret
    /* More than 64 bytes. Forwards is safe unless the destination begins inside the source. */
11: mov rcx, rdi
    sub rcx, rsi
    cmp rcx, rdx
    jb 15f
    movups xmm4, [rsi + rdx - 64]   /* the tail, loaded first: the loop may overwrite it */
    movups xmm5, [rsi + rdx - 48]
    movups xmm6, [rsi + rdx - 32]
    movups xmm7, [rsi + rdx - 16]
    lea r8, [rdi + rdx - 64]
12: movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    add rsi, 64
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rdi, 64
    cmp rdi, r8
    jb 12b
    movups [r8], xmm4
    movups [r8 + 16], xmm5
    movups [r8 + 32], xmm6
    movups [r8 + 48], xmm7
    ret
15: movups xmm4, [rsi]              /* backwards: the head is loaded first and stored last */
    movups xmm5, [rsi + 16]
    movups xmm6, [rsi + 32]
    movups xmm7, [rsi + 48]
16: movups xmm0, [rsi + rdx - 16]
    movups xmm1, [rsi + rdx - 32]
    movups xmm2, [rsi + rdx - 48]
    movups xmm3, [rsi + rdx - 64]
    movups [rdi + rdx - 16], xmm0
    movups [rdi + rdx - 32], xmm1
    movups [rdi + rdx - 48], xmm2
    movups [rdi + rdx - 64], xmm3
    sub rdx, 64
    cmp rdx, 64
    ja 16b
    movups [rdi], xmm4
    movups [rdi + 16], xmm5
    movups [rdi + 32], xmm6
    movups [rdi + 48], xmm7
    ret
20: cmp edx, 8
    jb 21f
    mov rcx, [rsi]
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret
21: cmp edx, 4
    jb 22f
    mov ecx, [rsi]
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret
22: test edx, edx
    jz 23f
    movzx ecx, byte ptr [rsi]
    movzx r8d, byte ptr [rsi + rdx - 1]
    mov r9d, edx
    shr r9d, 1
    movzx r10d, byte ptr [rsi + r9]
    mov [rdi], cl
    mov [rdi + r9], r10b
    mov [rdi + rdx - 1], r8b
23: ret
"#,
    ".balign 16",
    name!("memset"),
    r#"
    mov rax, rdi
    movzx ecx, sil
    mov r8, 0x0101010101010101
    imul rcx, r8
    cmp rdx, 16
    jb 30f
    movq xmm0, rcx
    punpcklqdq xmm0, xmm0
    lea r8, [rdi + rdx - 16]
    cmp rdx, 64
    jb 32f
    lea r9, [rdi + rdx - 64]
31: movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    add rdi, 64
    cmp rdi, r9
    jbe 31b
32: cmp rdi, r8
    jae 33f
    movups [rdi], xmm0
    add rdi, 16
    jmp 32b
33: movups [r8], xmm0
    ret
30: cmp edx, 8
    jb 34f
    mov [rdi], rcx
    mov [rdi + rdx - 8], rcx
    ret
34: cmp edx, 4
    jb 35f
    mov [rdi], ecx
    mov [rdi + rdx - 4], ecx
    ret
35: test edx, edx
    jz 36f
    mov [rdi], cl
    mov [rdi + rdx - 1], cl
    shr edx, 1
    mov [rdi + rdx], cl
36: ret
"#,
    ".balign 16",
    name!("memcmp"),
    name!("bcmp"),
    r#"
    xor ecx, ecx
40: lea r8, [rcx + 8]
    cmp r8, rdx
    ja 41f
    mov r9, [rdi + rcx]
    cmp r9, [rsi + rcx]
    jne 41f
    mov rcx, r8
    jmp 40b
41: cmp rcx, rdx
    jae 42f
    movzx eax, byte ptr [rdi + rcx]
    movzx r9d, byte ptr [rsi + rcx]
    inc rcx
    sub eax, r9d
    jz 41b
    ret
42: xor eax, eax
    ret
"#,
    ".balign 16",
    name!("strlen"),
    r#"
    mov rax, -1
50: inc rax
    cmp byte ptr [rdi + rax], 0
    jne 50b
    ret
"#,
);

#[cfg(test)]
mod tests {
    unsafe extern "C" {
        fn kernel_memmove(to: *mut u8, from: *const u8, n_bytes: usize) -> *mut u8;
        fn kernel_memset(to: *mut u8, value: i32, n_bytes: usize) -> *mut u8;
        fn kernel_memcmp(a: *const u8, b: *const u8, n_bytes: usize) -> i32;
        fn kernel_strlen(text: *const u8) -> usize;
    }

    fn pattern(n_bytes: usize) -> Vec<u8> {
        (0..n_bytes).map(|i| (i * 7 + i / 251) as u8).collect()
    }

    /// memmove equals `copy_within` for every length to 300 and every overlap to 80 bytes, in both directions.
    #[test]
    fn memmove_handles_every_length_and_overlap() {
        for n_bytes in 0..300 {
            for (from, to) in (0..80)
                .map(|d| (100, 100 + d))
                .chain((0..80).map(|d| (100 + d, 100)))
            {
                let mut expected = pattern(600);
                let mut got = expected.clone();
                expected.copy_within(from..from + n_bytes, to);
                // SAFETY: both ranges end before byte 180 + 300 of a 600-byte buffer.
                let returned = unsafe {
                    kernel_memmove(got.as_mut_ptr().add(to), got.as_ptr().add(from), n_bytes)
                };
                assert_eq!(returned as usize, got.as_ptr() as usize + to);
                assert!(got == expected, "{n_bytes} bytes from {from} to {to}");
            }
        }
    }

    /// memset writes exactly the bytes asked for, for every length to 300.
    #[test]
    fn memset_fills_exactly() {
        for n_bytes in 0..300 {
            let mut expected = pattern(400);
            let mut got = expected.clone();
            expected[50..50 + n_bytes].fill(0xa5);
            // SAFETY: the range ends before byte 350 of a 400-byte buffer.
            unsafe { kernel_memset(got.as_mut_ptr().add(50), 0x1a5, n_bytes) };
            assert!(got == expected, "{n_bytes} bytes");
        }
    }

    /// memcmp has the sign of the first difference, wherever it is, and looks no further than asked.
    #[test]
    fn memcmp_orders_by_the_first_difference() {
        let a = pattern(64);
        for at in 0..64 {
            for n_bytes in 0..=64 {
                let mut b = a.clone();
                b[at] = b[at].wrapping_add(1);
                // SAFETY: both buffers hold 64 bytes.
                let got = unsafe { kernel_memcmp(a.as_ptr(), b.as_ptr(), n_bytes) };
                assert_eq!(
                    got.signum(),
                    a[..n_bytes].cmp(&b[..n_bytes]) as i32,
                    "at {at} of {n_bytes}"
                );
            }
        }
    }

    /// strlen counts the bytes before the first zero.
    #[test]
    fn strlen_stops_at_the_first_zero() {
        for n_bytes in 0..40 {
            let mut text = vec![b'x'; n_bytes];
            text.extend([0, b'y', 0]);
            // SAFETY: the text ends with a zero byte.
            assert_eq!(unsafe { kernel_strlen(text.as_ptr()) }, n_bytes);
        }
    }
}
