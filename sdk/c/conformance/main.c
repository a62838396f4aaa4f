/* The conformance suite of the C interface to bus1: every rule of docs/model.md, sections 1 to 7.
 *
 * With --overcommitted it has other cases, which need a machine that has less memory than its quotas
 * promise: there ENOMEM comes before EDQUOT.
 *
 * It is written to <linux/bus1.h> and POSIX only, runs wherever /dev/bus1 is, and prints a line for
 * each case, `ok ID | SENTENCE` or `FAILED ID | SENTENCE | expected …, seen … (file:line)`, and a
 * last line with the counts. Exit status: 0 if all cases held, 1 if one did not, 77 if there is no
 * /dev/bus1, 2 for a wrong argument.
 */
#include "bus.h"
#include "suite.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_TESTS_MAX 1024
#define NAME_BYTES 64

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_NO_DEVICE = 77 };

/* What the suite is called by those who run it with --protocol. */
#define PROGRAM "test-c-interface"

static const struct test *tests[N_TESTS_MAX];
static size_t n_tests;

/* Where the linker puts what TEST defines. */
extern const struct test *const __start_tests[], *const __stop_tests[];

static const char *filter = "";
static bool is_listing, has_protocol, is_overcommitted;

static void add(const struct test *test)
{
    if (n_tests == N_TESTS_MAX) {
        fprintf(stderr, "more than %d cases\n", N_TESTS_MAX);
        exit(STATUS_USAGE);
    }
    tests[n_tests++] = test;
}

void add_test(const char *name, const char *sentence, void (*run)(const void *),
              const void *argument)
{
    struct test *test = malloc(sizeof *test);
    char *own_name = strdup(name), *own_sentence = strdup(sentence);
    if (test == NULL || own_name == NULL || own_sentence == NULL) {
        perror("a case");
        exit(STATUS_USAGE);
    }
    *test = (struct test){own_name, own_sentence, run, argument};
    add(test);
}

static int by_name(const void *left, const void *right)
{
    return strcmp((*(const struct test *const *)left)->name,
                  (*(const struct test *const *)right)->name);
}

static void collect(void)
{
    if (is_overcommitted) {
        add_memory_tests();
        add_memory_order_tests();
    } else {
        for (const struct test *const *test = __start_tests; test < __stop_tests; test++)
            add(*test);
        add_pointer_tests();
        add_order_tests();
    }
    qsort(tests, n_tests, sizeof tests[0], by_name);
}

/* The id: the name with hyphens; `c-` tells it from those of tests in other languages. */
static const char *id_of(const struct test *test)
{
    static char id[NAME_BYTES];
    snprintf(id, sizeof id, "c-%s", test->name);
    for (char *at = id; *at != '\0'; at++) {
        if (*at == '_')
            *at = '-';
    }
    return id;
}

/* Runs a case; returns whether it held. */
static bool run(const struct test *test)
{
    const char *id = id_of(test);
    if (has_protocol || is_listing)
        printf("test %s | %s\n", id, test->sentence);
    if (is_listing)
        return true;
    test->run(test->argument);
    close_all();
    const char *failure = take_failure();
    if (has_protocol && failure != NULL)
        printf("fail %s | %s\n", id, failure);
    else if (has_protocol)
        printf("pass %s\n", id);
    else if (failure != NULL)
        printf("FAILED %s | %s | %s\n", id, test->sentence, failure);
    else
        printf("ok     %s | %s\n", id, test->sentence);
    return failure == NULL;
}

static int run_all(void)
{
    size_t n_ok = 0, n_failed = 0;
    collect();
    for (size_t i = 0; i < n_tests; i++) {
        if (strstr(id_of(tests[i]), filter) == NULL)
            continue;
        if (run(tests[i]))
            n_ok++;
        else
            n_failed++;
    }
    if (has_protocol)
        printf("suite-done %s %zu\n", PROGRAM, is_listing ? 0 : n_ok + n_failed);
    else if (!is_listing)
        printf("%zu ok, %zu failed\n", n_ok, n_failed);
    return n_failed > 0 ? STATUS_FAILED : EXIT_SUCCESS;
}

static bool has_device(void)
{
    int device = open("/dev/bus1", O_RDWR | O_CLOEXEC);
    return device >= 0 && close(device) == 0;
}

static int usage(const char *argument)
{
    fprintf(stderr,
            "%s: not an argument; there are: --list, --filter TEXT (only cases with it in the id), "
            "--overcommitted (the cases for a machine with less memory than quotas), "
            "--protocol (print for run-qemu.sh test), --long (nothing here is longer)\n",
            argument);
    return STATUS_USAGE;
}

int main(int n_arguments, char **arguments)
{
    for (int i = 1; i < n_arguments; i++) {
        if (strcmp(arguments[i], "--list") == 0)
            is_listing = true;
        else if (strcmp(arguments[i], "--protocol") == 0)
            has_protocol = true;
        else if (strcmp(arguments[i], "--overcommitted") == 0)
            is_overcommitted = true;
        else if (strcmp(arguments[i], "--filter") == 0 && i + 1 < n_arguments)
            filter = arguments[++i];
        else if (strcmp(arguments[i], "--long") != 0)
            return usage(arguments[i]);
    }
    if (!is_listing && !has_device()) {
        printf("there is no bus1 here: /dev/bus1: %s\n", strerror(errno));
        return STATUS_NO_DEVICE;
    }
    return run_all();
}
