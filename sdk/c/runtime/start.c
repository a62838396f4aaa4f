/* From the kernel's first instruction to main. */
#include "descriptor.h"
#include "thread.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More arguments than this are not passed; they have 4096 bytes together. */
#define N_ARGUMENTS_MAX 256

typedef void (*function)(void);

int main(int n_arguments, char **arguments, char **environment);

__attribute__((__noreturn__)) void __start(const struct omnibus_startup *startup);

extern const function __init_array_start[], __init_array_end[];

struct environment __environment;

static uint64_t find(const struct omnibus_startup *startup, uint64_t kind)
{
    const uint64_t *capabilities = (const uint64_t *)startup->ptr_capabilities;
    for (uint64_t i = 0; i < startup->n_capabilities; i++) {
        struct omnibus_capability_info info;
        if (call3(OMNIBUS_CALL_CAPABILITY_INFO, capabilities[i], address_of(&info), sizeof info) ==
                0 &&
            info.kind == kind)
            return capabilities[i];
    }
    return 0;
}

/* Runs the program on the stack of its first thread. The kernel does not say what it is called, and
 * the first of the arguments is then the empty string (C11 5.1.2.2.1). */
static void run(void *startup_block)
{
    const struct omnibus_startup *startup = startup_block;
    static char bytes[OMNIBUS_ARGUMENT_BYTES_MAX + 1];
    static char *arguments[N_ARGUMENTS_MAX + 2] = {""};
    int n_arguments = 1;
    memcpy(bytes, (const void *)startup->ptr_arguments, startup->n_arguments);
    for (char *at = bytes; at < bytes + startup->n_arguments; at += strlen(at) + 1) {
        if (n_arguments <= N_ARGUMENTS_MAX)
            arguments[n_arguments++] = at;
    }
    __environment_read(startup);
    for (const function *initialise = __init_array_start; initialise < __init_array_end;
         initialise++)
        (*initialise)();
    exit(main(n_arguments, arguments, environ));
}

void __start(const struct omnibus_startup *startup)
{
    __environment = (struct environment){
        .startup = startup,
        .account = find(startup, OMNIBUS_KIND_ACCOUNT),
        .console = find(startup, OMNIBUS_KIND_CONSOLE),
    };
    struct __pthread *thread = __thread_new(MAIN_STACK_BYTES);
    if (thread == NULL || call1(OMNIBUS_CALL_THREAD_TLS, address_of(thread)) != 0)
        _exit(EXIT_FAILURE);
    __descriptors_open();
    __run_on_stack((void *)startup, __thread_stack(thread), run);
    __builtin_unreachable();
}
