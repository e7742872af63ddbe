/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded: while there is the file that SLOW_SYNC names, each fsync() and fdatasync() takes five seconds, and adds an octet to that file. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STALL_SEC 5
#define SHOWN __attribute__((visibility("default")))

static void stall(void) {
        const char *path = getenv("SLOW_SYNC");
        int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

        if (fd < 0)
                return;
        if (write(fd, "s", 1) == 1)
                sleep(STALL_SEC);
        close(fd);
}

SHOWN int fsync(int fd) {
        stall();
        return (int) syscall(SYS_fsync, fd);
}

SHOWN int fdatasync(int fd) {
        stall();
        return (int) syscall(SYS_fdatasync, fd);
}
