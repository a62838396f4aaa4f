/* Values that each thread has of its own under a key. A key has a number that is odd while it is in
 * use and changes with every creation, so that a value set under an earlier one is not seen. */
#include "thread.h"
#include <errno.h>

static struct {
    unsigned int sequence;
    void (*destructor)(void *);
} keys[PTHREAD_KEYS_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_in_use(pthread_key_t key)
{
    return key < PTHREAD_KEYS_MAX && keys[key].sequence % 2 == 1;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int error = EAGAIN;
    pthread_mutex_lock(&lock);
    for (pthread_key_t i = 0; i < PTHREAD_KEYS_MAX && error != 0; i++) {
        if (is_in_use(i))
            continue;
        keys[i].sequence++;
        keys[i].destructor = destructor;
        *key = i;
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

int pthread_key_delete(pthread_key_t key)
{
    pthread_mutex_lock(&lock);
    int error = is_in_use(key) ? 0 : EINVAL;
    if (error == 0)
        keys[key].sequence++;
    pthread_mutex_unlock(&lock);
    return error;
}

void *pthread_getspecific(pthread_key_t key)
{
    const struct __pthread *thread = current_thread();
    if (!is_in_use(key) || thread->specific[key].sequence != keys[key].sequence)
        return NULL;
    return thread->specific[key].value;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct __pthread *thread = current_thread();
    if (!is_in_use(key))
        return EINVAL;
    thread->specific[key].sequence = keys[key].sequence;
    thread->specific[key].value = (void *)value;
    return 0;
}

/* A destructor may set values again, so this is tried a few times (POSIX). */
void __thread_specific_end(void)
{
    bool is_called = true;
    for (int turn = 0; turn < PTHREAD_DESTRUCTOR_ITERATIONS && is_called; turn++) {
        is_called = false;
        for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
            void *value = pthread_getspecific(key);
            if (value == NULL)
                continue;
            pthread_setspecific(key, NULL);
            if (keys[key].destructor != NULL) {
                keys[key].destructor(value);
                is_called = true;
            }
        }
    }
}
