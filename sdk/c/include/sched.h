/* Scheduling (POSIX), as far as <pthread.h> needs it. */
#ifndef _OMNIBUS_SCHED_H
#define _OMNIBUS_SCHED_H

int sched_yield(void);

#endif
