/* What a check notes. Threads of a case may check too. */
#include "suite.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char failure[512];
static char taken[sizeof failure];

static const struct {
    int number;
    const char *name;
} errors[] = {
    {0, "success"},
    {EPERM, "EPERM"},
    {EBADF, "EBADF"},
    {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"},
    {EFAULT, "EFAULT"},
    {EINVAL, "EINVAL"},
    {ENOTTY, "ENOTTY"},
    {EBADRQC, "EBADRQC"},
    {ENOTUNIQ, "ENOTUNIQ"},
    {EMSGSIZE, "EMSGSIZE"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EDQUOT, "EDQUOT"},
};

static const char *name_of(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].number == error)
            return errors[i].name;
    }
    return strerror(error);
}

__attribute__((__format__(__printf__, 3, 4))) static bool note(const char *file, int line,
                                                               const char *format, ...)
{
    const char *slash = strrchr(file, '/');
    pthread_mutex_lock(&lock);
    if (failure[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        int n = vsnprintf(failure, sizeof failure, format, arguments);
        va_end(arguments);
        if (n >= 0 && (size_t)n < sizeof failure)
            snprintf(failure + n, sizeof failure - (size_t)n, " (%s:%d)", slash ? slash + 1 : file,
                     line);
    }
    pthread_mutex_unlock(&lock);
    return false;
}

bool expect_number(const char *file, int line, const char *what, uint64_t seen, uint64_t expected)
{
    if (seen == expected)
        return true;
    return note(file, line, "%s: expected %#llx, seen %#llx", what, (unsigned long long)expected,
                (unsigned long long)seen);
}

bool expect_true(const char *file, int line, const char *what, bool is_true)
{
    return is_true || note(file, line, "expected: %s", what);
}

bool expect_error(const char *file, int line, const char *what, int seen, int expected)
{
    if (seen == expected)
        return true;
    return note(file, line, "%s: expected %s, seen %s", what, name_of(expected), name_of(seen));
}

bool has_failed(void)
{
    return failure[0] != '\0';
}

const char *take_failure(void)
{
    if (failure[0] == '\0')
        return NULL;
    memcpy(taken, failure, sizeof taken);
    failure[0] = '\0';
    return taken;
}
