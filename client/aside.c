/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal takes along, "" for nothing: an absolute path, should the program go elsewhere. */
static char pending[PATH_MAX];

/* The handler is the default again by now. */
static void on_end(int number) {
        int error = errno;

        if (pending[0] != '\0')
                (void) unlink(pending);
        (void) raise(number);
        errno = error;
}

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* Those that somebody else handles are left to them: they tidy up. */
static void watch_signals(void) {
        const struct sigaction action = { .sa_handler = on_end, .sa_flags = (int) SA_RESETHAND | SA_NODEFER };

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                struct sigaction now;

                if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
                        (void) sigaction(numbers[i], &action, NULL);
        }
}

static void settle(const char *name) {
        g_autofree char *absolute = g_canonicalize_filename(name, NULL);

        if (g_str_equal(absolute, pending))
                pending[0] = '\0';
}

static int make(char *name) {
        g_autofree char *absolute = NULL;
        int fd = mkostemp(name, O_CLOEXEC);

        if (fd < 0)
                return -errno;

        absolute = g_canonicalize_filename(name, NULL);
        if (g_strlcpy(pending, absolute, sizeof(pending)) >= sizeof(pending))
                pending[0] = '\0';
        watch_signals();
        return fd;
}

/* A signal that comes between the file and its name waits for that long. */
int aside_open(const char *path, char **ret_name) {
        g_autofree char *name = g_strconcat(path, ".XXXXXX", NULL);
        sigset_t block, before;
        int fd;

        (void) sigemptyset(&block);
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                (void) sigaddset(&block, numbers[i]);
        (void) sigprocmask(SIG_BLOCK, &block, &before);
        fd = make(name);
        if (fd >= 0)
                *ret_name = g_steal_pointer(&name);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return fd;
}

/* In one step where the file system can, else by a second name. Where it has none of both, what comes between the look and the
 * renaming is lost: there is no way that is better. */
static int rename_new(const char *name, const char *path) {
        struct stat st;

        if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;

        if (link(name, path) == 0) {
                (void) unlink(name);
                return 0;
        }
        if (errno == EEXIST || lstat(path, &st) == 0)
                return -EEXIST;
        return rename(name, path) < 0 ? -errno : 0;
}

int aside_keep(const char *name, const char *path, bool force) {
        int r = force ? rename(name, path) < 0 ? -errno : 0 : rename_new(name, path);

        if (r == 0)
                settle(name);
        return r;
}

void aside_drop(const char *name) {
        (void) unlink(name);
        settle(name);
}
