/* Threads and atomics. */
#include "library.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_THREADS 8
#define N_TURNS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;
static _Thread_local int own = 5;
static _Thread_local char big[300] __attribute__((aligned(128)));

/* Adds under the mutex, giving others the chance to come in between. */
static void *add(void *argument)
{
    for (int i = 0; i < N_TURNS; i++) {
        pthread_mutex_lock(&mutex);
        long before = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    own += (int)(intptr_t)argument;
    big[0]++;
    return (void *)(intptr_t)(own + big[0] + (int)((uintptr_t)big % 128));
}

/* Waits until it is this thread's turn, and hands on. */
static void *take_turns(void *argument)
{
    int number = (int)(intptr_t)argument;
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % N_THREADS != number)
            pthread_cond_wait(&changed, &mutex);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void run(const char *what, void *(*function)(void *))
{
    pthread_t thread[N_THREADS];
    intptr_t sum = 0;
    for (intptr_t i = 0; i < N_THREADS; i++) {
        if (pthread_create(&thread[i], NULL, function, (void *)i) != 0)
            printf("no thread\n");
    }
    for (int i = 0; i < N_THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        sum += (intptr_t)result;
    }
    printf("%s: %jd\n", what, (intmax_t)sum);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int n_once, n_destroyed;
static pthread_key_t key;

static void initialise(void)
{
    atomic_fetch_add(&n_once, 1);
}

static void destroy(void *value)
{
    atomic_fetch_add(&n_destroyed, *(int *)value);
}

static void *use_key(void *argument)
{
    static int ten = 10;
    (void)argument;
    pthread_once(&once, initialise);
    void *before = pthread_getspecific(key);
    pthread_setspecific(key, &ten);
    pthread_exit((void *)(intptr_t)(before == NULL && pthread_getspecific(key) == &ten));
}

static void *fail_own_errno(void *argument)
{
    errno = (int)(intptr_t)argument;
    sched_yield();
    return (void *)(intptr_t)(errno == (int)(intptr_t)argument);
}

static struct timespec soon(long ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ns;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}

static void *try_mutex(void *argument)
{
    pthread_mutex_t *locked = argument;
    struct timespec until = soon(2000000);
    int tried = pthread_mutex_trylock(locked), timed = pthread_mutex_timedlock(locked, &until);
    return (void *)(intptr_t)(tried == EBUSY && timed == ETIMEDOUT);
}

static void recursive_mutex(pthread_mutexattr_t *attributes)
{
    pthread_mutex_t recursive;
    pthread_t thread;
    void *result;
    pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, attributes);
    say("recursive: first lock", pthread_mutex_lock(&recursive));
    say("second lock", pthread_mutex_lock(&recursive));
    say("third lock", pthread_mutex_trylock(&recursive));
    say("unlock", pthread_mutex_unlock(&recursive));
    pthread_create(&thread, NULL, try_mutex, &recursive);
    pthread_join(thread, &result);
    say("another thread had to wait", (intptr_t)result);
    say("unlock", pthread_mutex_unlock(&recursive));
    say("unlock", pthread_mutex_unlock(&recursive));
    say("once too often", pthread_mutex_unlock(&recursive) == EPERM);
}

static void checking_mutex(pthread_mutexattr_t *attributes)
{
    pthread_mutex_t checking;
    pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, attributes);
    say("checking: first lock", pthread_mutex_lock(&checking));
    say("second lock", pthread_mutex_lock(&checking) == EDEADLK);
    say("unlock", pthread_mutex_unlock(&checking));
    say("once too often", pthread_mutex_unlock(&checking) == EPERM);
}

static void types_of_mutex(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    recursive_mutex(&attributes);
    checking_mutex(&attributes);
    struct timespec until = soon(2000000);
    pthread_mutex_lock(&mutex);
    say("timed out", pthread_cond_timedwait(&changed, &mutex, &until) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static atomic_int n_detached;

static void *count(void *argument)
{
    (void)argument;
    atomic_fetch_add(&n_detached, 1);
    return NULL;
}

static void detach(void)
{
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        if (i % 2 == 0)
            pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_create(&thread, &attributes, count, NULL);
        if (i % 2 == 1)
            pthread_detach(thread);
        while (atomic_load(&n_detached) <= i)
            sched_yield();
    }
    printf("detached: %d\n", atomic_load(&n_detached));
}

void threads(void)
{
    run("add", add);
    printf("counter: %ld, own %d\n", counter, own);
    run("turns", take_turns);
    printf("turn: %d\n", turn);
    pthread_key_create(&key, destroy);
    run("keys", use_key);
    printf("once: %d, destroyed: %d\n", atomic_load(&n_once), atomic_load(&n_destroyed));
    run("errno", fail_own_errno);
    types_of_mutex();
    detach();
    say("self", pthread_equal(pthread_self(), pthread_self()) != 0);
}

void atomics(void)
{
    _Atomic uint64_t wide = 5;
    atomic_flag flag = ATOMIC_FLAG_INIT;
    unsigned int expected = 3;
    atomic_uint word;
    atomic_init(&word, 3);
    say("add", atomic_fetch_add(&word, 4));
    say("subtract", atomic_fetch_sub_explicit(&word, 4, memory_order_relaxed));
    say("compare", atomic_compare_exchange_strong(&word, &expected, 9));
    say("compare again", atomic_compare_exchange_strong(&word, &expected, 1));
    say("was", expected);
    say("exchange", atomic_exchange(&word, 0xf0));
    say("or", atomic_fetch_or(&word, 0xf));
    say("and", atomic_fetch_and(&word, 0x3c));
    say("exclusive or", atomic_fetch_xor(&word, 0xff));
    say("load", atomic_load(&word));
    say("set", atomic_flag_test_and_set(&flag));
    say("set again", atomic_flag_test_and_set(&flag));
    atomic_flag_clear(&flag);
    say("set after clearing", atomic_flag_test_and_set(&flag));
    atomic_store_explicit(&wide, UINT64_MAX - 1, memory_order_release);
    say("wide", (long)atomic_load_explicit(&wide, memory_order_acquire));
    wide += 5;
    say("plain operators", (long)wide);
}
