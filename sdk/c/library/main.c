/* Prints what the C library answers to many questions, the same on every system that answers them right.
 *
 * The tests run it on the machine that builds Omnibus, with that machine's C library, and inside
 * QEMU with ours, and compare the lines.
 */
#include "library.h"
#include <stdio.h>

void say(const char *what, long value)
{
    printf("%s: %ld\n", what, value);
}

int main(void)
{
    integers();
    texts();
    floats();
    strings();
    numbers();
    blocks();
    descriptors();
    memory();
    atomics();
    threads();
    clocks();
    printf("end\n");
    return 0;
}
