/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/aside.h"
#include "client/output.h"

static Exit open_failed(const char *path, int error) {
        if (error == EEXIST)
                output_error("%s exists already: name another file, or write over it with --force.", path);
        else
                output_error("%s cannot be written: %s.", path, g_strerror(error));

        return EXIT_FAILED;
}

static void note_error(OutputFile *f) {
        if (f->error == 0)
                f->error = errno > 0 ? errno : EIO;
        if (!f->path)
                output_failed(f->error);
}

/* What is there stays until there is something whole to put in its place. A device or a pipe has nothing to lose. */
static int open_over(OutputFile *f, const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode)) {
                int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

                return fd < 0 ? -errno : fd;
        }

        f->place = realpath(path, NULL);    /* a link stays one */
        return f->place ? aside_open(f->place, &f->temporary) : -errno;
}

static int open_new(OutputFile *f, const char *path, bool growing) {
        struct stat st;
        int fd;

        f->ours = true;
        if (!growing) {
                if (lstat(path, &st) == 0)
                        return -EEXIST;
                f->place = strdup(path);
                return aside_open(path, &f->temporary);
        }

        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        return fd < 0 ? -errno : fd;
}

static void put_in_place(OutputFile *f) {
        int r = aside_keep(f->temporary, f->place, !f->ours);

        if (r < 0)
                f->error = -r;
}

static void forget_names(OutputFile *f) {
        g_clear_pointer(&f->temporary, g_free);
        free(f->place);
        f->place = NULL;
}

static void drop_temporary(OutputFile *f) {
        if (f->temporary)
                aside_drop(f->temporary);
        forget_names(f);
}

static Exit open_file(OutputFile *f, const char *path, bool force, bool growing) {
        int fd;

        *f = (OutputFile) { .file = stdout };
        if (output_file_is_stdout(path))
                return EXIT_DONE;

        *f = (OutputFile) { .path = path };
        fd = open_new(f, path, growing);
        if (fd == -EEXIST && force) {
                f->ours = false;
                fd = open_over(f, path);
        }
        f->file = fd >= 0 ? fdopen(fd, "w") : NULL;
        if (!f->file) {
                int error = fd < 0 ? -fd : errno;

                if (fd >= 0)
                        (void) close(fd);
                drop_temporary(f);
                return open_failed(path, error);
        }

        return EXIT_DONE;
}

bool output_file_is_stdout(const char *path) {
        return !path || strcmp(path, "-") == 0;
}

Exit output_file_open(OutputFile *f, const char *path, bool force) {
        return open_file(f, path, force, false);
}

Exit output_file_open_growing(OutputFile *f, const char *path, bool force) {
        return open_file(f, path, force, true);
}

bool output_file_write(OutputFile *f, const char *data, size_t size) {
        if (fwrite(data, 1, size, f->file) != size)
                note_error(f);

        return f->error == 0;
}

bool output_file_flush(OutputFile *f) {
        if (fflush(f->file) != 0)
                note_error(f);

        return f->error == 0;
}

Exit output_file_close(OutputFile *f) {
        if (!f->file)
                return EXIT_DONE;

        (void) output_file_flush(f);
        if (f->temporary && fsync(fileno(f->file)) < 0)
                note_error(f);
        if (f->path && fclose(f->file) != 0)
                note_error(f);
        f->file = NULL;
        if (f->temporary && f->error == 0)
                put_in_place(f);
        if (f->error == 0)
                forget_names(f);
        else
                drop_temporary(f);
        if (f->error == 0 || !f->path) /* main() finishes stdout, and says if it could not */
                return f->error == 0 ? EXIT_DONE : EXIT_FAILED;

        output_error("%s could not be written whole: %s.", f->path, g_strerror(f->error));
        return EXIT_FAILED;
}

const char *output_file_discard(OutputFile *f) {
        if (f->path && f->file)
                (void) fclose(f->file);
        f->file = NULL;
        if (f->temporary) {
                drop_temporary(f);
                return f->ours ? "no file is left" : "the file is as it was";
        }
        if (!f->path)
                return "what was printed is not whole";
        if (f->ours && unlink(f->path) == 0)
                return "the file was removed";

        return "the file is not whole";
}
