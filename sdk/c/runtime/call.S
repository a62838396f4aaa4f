/* System calls (docs/syscalls.md). Vector registers, which the kernel clears, are the caller's to
 * save in the C ABI as well.
 */
#include <omnibus/abi.h>

    .text

/* struct kernel_result __kernel_call(number, six arguments): status and value come back in rax and
 * rdx, which is how C returns two words.
 */
    .globl __kernel_call
    .type __kernel_call, @function
__kernel_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    syscall
    ret

/* int __kernel_receive_short(peer, deadline): what was received is lost, the status returned. */
    .globl __kernel_receive_short
    .type __kernel_receive_short, @function
__kernel_receive_short:
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsi, %rbx
    movl $OMNIBUS_CALL_RECEIVE_SHORT, %eax
    syscall
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
