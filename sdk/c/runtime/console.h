/* The console that a boot plan gave the program: a session with whoever drives the line. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>

/* Writes bytes; how many: less than all if the program was given no such console, or it is gone. They come out even if
 * the program ends at once. */
size_t __console_write(const char *bytes, size_t n);

#endif
