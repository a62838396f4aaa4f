/* Doing something once. */
#include "thread.h"

enum { NOT_YET, RUNNING, DONE };

int pthread_once(pthread_once_t *once, void (*function)(void))
{
    for (;;) {
        unsigned int word = NOT_YET;
        if (atomic_compare_exchange_strong(&once->__word, &word, RUNNING)) {
            function();
            atomic_store(&once->__word, DONE);
            __wake(&once->__word, UINT_MAX);
            return 0;
        }
        if (word == DONE)
            return 0;
        __wait_for(&once->__word, RUNNING, NEVER);
    }
}
