/* What a program points at, looked at without ending the program if it may not be. A peer is needed to ask the
 * kernel: any one that the task may use.
 */
#ifndef POINTER_H
#define POINTER_H

#include "kernel.h"
#include <linux/bus1.h>
#include <stdbool.h>

/* SEND as the kernel has it. */
int __send_natively(uint64_t peer, const struct bus1_cmd_send *command);

/* 0 if bytes can be read, or EFAULT. */
int __check_readable(uint64_t peer, uint64_t address, size_t n);

/* 0 if an array of at most OMNIBUS_DESTINATIONS_MAX 32-bit numbers, and at least one, can be written, or EFAULT. The
 * first of them is overwritten if it can. */
int __check_writable(uint64_t peer, uint64_t address, size_t n_numbers);

/* Copies from where the program points: 0 or EFAULT. */
int __copy_in(uint64_t peer, void *to, uint64_t address, size_t n);

/* Whether bytes lie on the stack of the calling thread, about which nobody needs to be asked. */
bool __is_on_stack(uint64_t address, size_t n);

#endif
