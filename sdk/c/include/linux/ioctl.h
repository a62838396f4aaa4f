/* Numbers of ioctl commands: direction, size of the argument, magic, number; as on Linux on x86-64.
 */
#ifndef _OMNIBUS_LINUX_IOCTL_H
#define _OMNIBUS_LINUX_IOCTL_H

#define _IOC_NONE 0U
#define _IOC_WRITE 1U
#define _IOC_READ 2U

#define _IOC_NRSHIFT 0
#define _IOC_TYPESHIFT 8
#define _IOC_SIZESHIFT 16
#define _IOC_DIRSHIFT 30

#define _IOC(direction, magic, number, size)                                  \
    (((direction) << _IOC_DIRSHIFT) | ((magic) << _IOC_TYPESHIFT) |           \
     ((number) << _IOC_NRSHIFT) | ((size) << _IOC_SIZESHIFT))
#define _IO(magic, number) _IOC(_IOC_NONE, (magic), (number), 0)
#define _IOR(magic, number, type) _IOC(_IOC_READ, (magic), (number), (sizeof(type)))
#define _IOW(magic, number, type) _IOC(_IOC_WRITE, (magic), (number), (sizeof(type)))
#define _IOWR(magic, number, type) \
    _IOC(_IOC_READ | _IOC_WRITE, (magic), (number), (sizeof(type)))

#define _IOC_DIR(command) (((command) >> _IOC_DIRSHIFT) & 3)
#define _IOC_TYPE(command) (((command) >> _IOC_TYPESHIFT) & 0xff)
#define _IOC_NR(command) (((command) >> _IOC_NRSHIFT) & 0xff)
#define _IOC_SIZE(command) (((command) >> _IOC_SIZESHIFT) & 0x3fff)

#endif
