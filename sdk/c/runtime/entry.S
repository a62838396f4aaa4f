/* The first instructions of a program and of a thread, and the two things that C cannot say:
 * running on another stack, and leaving one that is unmapped. Argument registers are those of the
 * System V ABI, AMD64 supplement, section 3.2.3; the chain of frames ends where rbp is 0.
 */
#include <omnibus/abi.h>

    .text

/* The kernel passes the address of its startup block in rdi. */
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call __start
    ud2

/* void __run_on_stack(void *argument, void *stack, void (*function)(void *)) */
    .globl __run_on_stack
    .type __run_on_stack, @function
__run_on_stack:
    xorl %ebp, %ebp
    movq %rsi, %rsp
    andq $-16, %rsp
    call *%rdx
    ud2

/* A new thread: its own description is in rdi. */
    .globl __thread_entry
    .type __thread_entry, @function
__thread_entry:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call __thread_start
    ud2

/* void __unmap_and_exit(void *area, size_t n_bytes): the stack is in the area. */
    .globl __unmap_and_exit
    .type __unmap_and_exit, @function
__unmap_and_exit:
    movl $OMNIBUS_CALL_VM_UNMAP, %eax
    syscall
    xorl %edi, %edi
    movl $OMNIBUS_CALL_THREAD_EXIT, %eax
    syscall
    ud2

    .section .note.GNU-stack, "", @progbits
