/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profiles/compile.h"

/* Everything that is read, and one octet more, which says that there is too much. */
static int read_all(int fd, char *text, size_t *ret_size) {
        size_t size = 0;

        while (size <= PROFILE_FILE_SIZE_MAX) {
                ssize_t n = read(fd, text + size, PROFILE_FILE_SIZE_MAX + 1 - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }

        *ret_size = size;
        return 0;
}

/* What a file may say is not the same for everybody: an action writes to a device. */
static bool is_trusted(const struct stat *st) {
        return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int report_errno(const char *path, int error, ProfilesReport report, void *userdata) {
        g_autofree char *text = g_strdup_printf("It cannot be read: %s.", error == -EINVAL ? "it is no regular file" : g_strerror(-error));

        report(path, 0, text, userdata);
        return error;
}

static unsigned line_of(const char *text, const char *at) {
        unsigned line = 1;

        for (; text < at; text++)
                line += *text == '\n';

        return line;
}

int profile_file_load(const char *path, ProfilesReport report, void *userdata, ProfileFile **ret) {
        g_autofree char *text = g_malloc(PROFILE_FILE_SIZE_MAX + 1);
        int fd, r = 0;
        struct stat st;
        size_t size = 0;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not hold us up */
        if (fd < 0)
                return report_errno(path, -errno, report, userdata);
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (!S_ISREG(st.st_mode))
                r = -EINVAL;
        else
                r = read_all(fd, text, &size);
        close(fd);
        if (r < 0)
                return report_errno(path, r, report, userdata);

        r = profile_file_parse(path, text, size, report, userdata, ret);
        if (r >= 0)
                (*ret)->trusted = is_trusted(&st);
        return r;
}

int profile_file_parse(const char *path, const char *text, size_t size, ProfilesReport report, void *userdata, ProfileFile **ret) {
        KeysProblems problems = { path, report, userdata, 0 };
        g_autoptr(ProfileFile) file = NULL;
        g_autoptr(GPtrArray) groups = NULL;
        const char *end;
        char *copy;

        if (size > PROFILE_FILE_SIZE_MAX) {
                report(path, 0, "It is larger than 64 KiB: leave out what is not needed.", userdata);
                return -EFBIG;
        }

        if (!g_utf8_validate(text, (gssize) size, &end)) {
                keys_problem(&problems, line_of(text, end), "This is not UTF-8 text.");
                return -EBADMSG;
        }

        file = g_new0(ProfileFile, 1);
        file->path = g_strdup(path);
        file->trusted = true;
        file->memory = g_ptr_array_new_with_free_func(g_free);
        copy = g_strndup(text, size);
        g_ptr_array_add(file->memory, copy);
        groups = keys_read(copy, &problems);
        compile_profile(groups, file, &problems);
        if (problems.n > 0)
                return -EBADMSG;

        *ret = g_steal_pointer(&file);
        return 0;
}

ProfileFile *profile_file_free(ProfileFile *file) {
        if (!file)
                return NULL;

        g_ptr_array_unref(file->memory);
        g_free(file->path);
        g_free(file);
        return NULL;
}
