/* The environment: strings NAME=VALUE that the task was given at its start. Without any there is none; the first task
 * of a machine has none. */
#include "kernel.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *no_variables[] = {NULL};
char **environ = no_variables;

void __environment_read(const struct omnibus_startup *startup)
{
    size_t n_bytes = startup->n_environment, n_variables = 0;
    if (n_bytes == 0)
        return;
    /* A copy, because a program may write to it; with an end behind the last, whatever the creator wrote. */
    char *bytes = malloc(n_bytes + 1);
    if (bytes == NULL)
        _exit(EXIT_FAILURE);
    memcpy(bytes, (const void *)startup->ptr_environment, n_bytes);
    bytes[n_bytes] = '\0';
    for (size_t i = 0; i < n_bytes; i += strlen(bytes + i) + 1)
        n_variables++;
    char **variables = calloc(n_variables + 1, sizeof *variables), *at = bytes;
    if (variables == NULL)
        _exit(EXIT_FAILURE);
    for (size_t i = 0; i < n_variables; i++, at += strlen(at) + 1)
        variables[i] = at;
    environ = variables;
}

char *getenv(const char *name)
{
    size_t n = strlen(name);
    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, name, n) == 0 && (*variable)[n] == '=')
            return *variable + n + 1;
    }
    return NULL;
}
