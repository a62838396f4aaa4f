/* Diagnostics (C11 7.2). No guard: every inclusion looks at NDEBUG anew. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) \
    ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __func__))
#endif

#ifndef _OMNIBUS_ASSERT_H
#define _OMNIBUS_ASSERT_H

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
#define static_assert _Static_assert
#endif

__attribute__((__noreturn__)) void __assert_fail(const char *condition, const char *file, int line,
                                                 const char *function);

#endif
