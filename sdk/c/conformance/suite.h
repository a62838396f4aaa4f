/* The suite: its cases, and what a case may say. */
#ifndef SUITE_H
#define SUITE_H

#include <stdbool.h>
#include <stdint.h>

/* One case. The id that is printed has hyphens for underscores. */
struct test {
    const char *name;
    const char *sentence;
    void (*run)(const void *argument);
    const void *argument; /* for cases that are rows of a table */
};

/* Defines a case: its name, which begins with the rule's, its sentence, and behind it its body. */
#define TEST(name, sentence)                                                              \
    static void name(const void *);                                                       \
    static const struct test name##_test = {#name, sentence, name, 0};                    \
    static const struct test *const name##_entry                                          \
        __attribute__((section("tests"), used)) = &name##_test;                           \
    static void name(const void *argument __attribute__((unused)))

/* Adds a case that is a row of a table; the strings are copied. Called before any case runs. */
void add_test(const char *name, const char *sentence, void (*run)(const void *),
              const void *argument);

/* The tables. */
void add_pointer_tests(void);
void add_order_tests(void);

/* Those for a machine that has less memory than its quotas promise: every other case would find it exhausted. */
void add_memory_tests(void);
void add_memory_order_tests(void);

/* A check notes what was expected and what was seen, and where, if they differ. The first failure of a
 * case is the one that is told; the case goes on, so that what it opened is closed. */
#define EXPECT_EQ(what, seen, expected) \
    expect_number(__FILE__, __LINE__, what, (uint64_t)(seen), (uint64_t)(expected))
#define EXPECT(what) expect_true(__FILE__, __LINE__, #what, (what))
#define EXPECT_ERROR(call, expected) expect_error(__FILE__, __LINE__, #call, (call), (expected))
#define EXPECT_OK(call) EXPECT_ERROR(call, 0)

bool expect_number(const char *file, int line, const char *what, uint64_t seen, uint64_t expected);
bool expect_true(const char *file, int line, const char *what, bool is_true);
bool expect_error(const char *file, int line, const char *what, int seen, int expected);

/* True if a check of the running case has failed. */
bool has_failed(void);

/* The first failure of the case that ran, and forgets it; NULL if there was none. */
const char *take_failure(void);

#endif
