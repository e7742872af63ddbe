/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder for targets whose parsers read files: made once, and removed at the end. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "fuzz.h"

static char *scratch_folder, *scratch_path;

static void scratch_remove(void) {
        (void) unlink(scratch_path);
        (void) rmdir(scratch_folder);
        g_free(scratch_path);
        g_free(scratch_folder);
}

/* The folder, where `name` is the file. */
static inline const char *scratch(const char *name) {
        if (!scratch_folder) {
                scratch_folder = g_dir_make_tmp("needled-fuzz-XXXXXX", NULL);
                assert(scratch_folder);
                scratch_path = g_build_filename(scratch_folder, name, NULL);
                (void) atexit(scratch_remove);
        }
        return scratch_folder;
}

/* That is what the file says now. Returns its path. */
static inline const char *scratch_write(const char *name, const uint8_t *data, size_t size) {
        int fd;

        (void) scratch(name);
        fd = open(scratch_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert(fd >= 0 && write(fd, data, size) == (ssize_t) size && close(fd) == 0);
        return scratch_path;
}
