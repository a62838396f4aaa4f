/* Commands of a descriptor. */
#ifndef _OMNIBUS_SYS_IOCTL_H
#define _OMNIBUS_SYS_IOCTL_H

#include <linux/ioctl.h>

int ioctl(int fd, unsigned long command, ...);

#endif
