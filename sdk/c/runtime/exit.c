/* Ending the program. */
#include "kernel.h"
#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Functions that C promises to take at least 32 of. */
#define N_FUNCTIONS_MAX 64

/* What a shell says of a program that SIGABRT ended. */
#define STATUS_ABORTED 134

typedef void (*function)(void);

extern const function __fini_array_start[], __fini_array_end[];

struct functions {
    function list[N_FUNCTIONS_MAX];
    size_t n;
};

static struct functions at_exit, at_quick;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int add(struct functions *functions, function added)
{
    pthread_mutex_lock(&lock);
    int result = functions->n < N_FUNCTIONS_MAX ? 0 : -1;
    if (result == 0)
        functions->list[functions->n++] = added;
    pthread_mutex_unlock(&lock);
    return result;
}

/* The function added last, taken off the list; NULL if there is none left. */
static function take(struct functions *functions)
{
    pthread_mutex_lock(&lock);
    function taken = functions->n > 0 ? functions->list[--functions->n] : NULL;
    pthread_mutex_unlock(&lock);
    return taken;
}

int atexit(function added)
{
    return add(&at_exit, added);
}

int at_quick_exit(function added)
{
    return add(&at_quick, added);
}

void exit(int status)
{
    function next;
    while ((next = take(&at_exit)) != NULL)
        next();
    for (const function *finish = __fini_array_end; finish > __fini_array_start;)
        (*--finish)();
    fflush(NULL);
    _exit(status);
}

void quick_exit(int status)
{
    function next;
    while ((next = take(&at_quick)) != NULL)
        next();
    _exit(status);
}

void _exit(int status)
{
    for (;;)
        call1(OMNIBUS_CALL_EXIT, status & 0xff);
}

void _Exit(int status)
{
    _exit(status);
}

void abort(void)
{
    dprintf(STDERR_FILENO, "aborted\n");
    _exit(STATUS_ABORTED);
}

void __assert_fail(const char *condition, const char *file, int line, const char *name)
{
    fflush(NULL);
    dprintf(STDERR_FILENO, "%s:%d: %s: Assertion `%s' failed.\n", file, line, name, condition);
    abort();
}
