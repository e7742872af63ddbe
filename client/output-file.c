/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/output.h"

#define SUFFIX ".XXXXXX"

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
        char *real;
        int fd;

        if (stat(path, &st) < 0)
                return -1;
        if (!S_ISREG(st.st_mode))
                return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

        real = realpath(path, NULL);    /* a link stays one */
        if (!real)
                return -1;
        f->temporary = g_strconcat(real, SUFFIX, NULL);
        free(real);
        fd = mkostemp(f->temporary, O_CLOEXEC); /* 0600 */
        if (fd < 0)
                g_clear_pointer(&f->temporary, g_free);
        return fd;
}

static void put_in_place(OutputFile *f) {
        g_autofree char *real = g_strndup(f->temporary, strlen(f->temporary) - strlen(SUFFIX));

        if (rename(f->temporary, real) < 0)
                note_error(f);
}

static void drop_temporary(OutputFile *f) {
        (void) unlink(f->temporary);
        g_clear_pointer(&f->temporary, g_free);
}

Exit output_file_open(OutputFile *f, const char *path, bool force) {
        int fd;

        *f = (OutputFile) { .file = stdout };
        if (!path || strcmp(path, "-") == 0)
                return EXIT_DONE;

        *f = (OutputFile) { .path = path };
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        f->ours = fd >= 0;
        if (fd < 0 && errno == EEXIST && force)
                fd = open_over(f, path);
        if (fd < 0)
                return open_failed(path, errno);

        f->file = fdopen(fd, "w");
        if (!f->file) {
                int error = errno;

                (void) close(fd);
                if (f->temporary)
                        drop_temporary(f);
                return open_failed(path, error);
        }

        return EXIT_DONE;
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
        if (f->temporary)               /* nothing has this name any more, if it was put in place */
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
                return "the file is as it was";
        }
        if (!f->path)
                return "what was printed is not whole";
        if (f->ours && unlink(f->path) == 0)
                return "the file was removed";

        return "the file is not whole";
}
