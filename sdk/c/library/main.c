/* Prints what the C library answers to many questions, the same on every system that answers them right.
 *
 * The tests run it on the machine that builds Omnibus, with that machine's C library, and inside
 * QEMU with ours, and compare the lines.
 */
#include "library.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void say(const char *what, long value)
{
    printf("%s: %ld\n", what, value);
}

/* With two arguments it says by its status whether the first is a variable of its environment with the second as its value. */
static int look_up(const char *name, const char *value)
{
    const char *found = getenv(name);
    return found != NULL && strcmp(found, value) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int n_arguments, char **arguments)
{
    if (n_arguments == 3)
        return look_up(arguments[1], arguments[2]);
    integers();
    texts();
    floats();
    strings();
    numbers();
    scans();
    blocks();
    descriptors();
    memory();
    atomics();
    threads();
    clocks();
    printf("end\n");
    return 0;
}
