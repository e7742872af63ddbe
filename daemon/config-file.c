/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever may write it says what the service does. */
static char *who_may_write(const struct stat *st) {
        if (st->st_mode & S_IWOTH)
                return g_strdup("can be changed by every user; take that from them: chmod o-w");
        if (st->st_mode & S_IWGRP && st->st_gid != 0 && st->st_gid != getegid())
                return g_strdup("can be changed by every member of its group; take that from them: chmod g-w");
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return g_strdup_printf("belongs to the user %u, who can change it; give it to root: chown root", st->st_uid);

        return NULL;
}

static char *what_it_is(mode_t mode) {
        const char *kind = S_ISDIR(mode) ? "directory" : S_ISFIFO(mode) ? "pipe" : S_ISSOCK(mode) ? "socket" : "device";

        return g_strdup_printf("is a %s, not a file; ignored (move it away)", kind);
}

static char *why_not(const char *path, int error) {
        struct stat st;

        if (error == ENOENT && lstat(path, &st) < 0)
                return NULL; /* no file is no problem */
        if (error == ENOENT)
                return g_strdup("is a symbolic link to a file that is not there; ignored (remove it, or put the file there)");
        if (error == ENXIO)
                return what_it_is(S_IFSOCK);
        if (error == EACCES)
                return g_strdup("cannot be read (Permission denied); ignored (chmod a+rX makes it readable for the service)");

        return g_strdup_printf("cannot be read (%s); ignored", g_strerror(error));
}

/* All of it, or NULL with errno. EFBIG: there is more. */
static char *read_all(int fd, size_t *ret_size) {
        g_autofree char *text = g_malloc(CONFIG_FILE_SIZE_MAX + 2);
        size_t size = 0;

        for (;;) {
                ssize_t n = read(fd, text + size, CONFIG_FILE_SIZE_MAX + 1 - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return NULL;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > CONFIG_FILE_SIZE_MAX) {
                        errno = EFBIG;
                        return NULL;
                }
        }

        text[size] = '\0';
        *ret_size = size;
        return g_steal_pointer(&text);
}

char *config_file_read(const char *path, char **ret_problem) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* of a pipe it would wait for a writer */
        g_autofree char *text = NULL;
        size_t size = 0;
        struct stat st;

        if (fd < 0) {
                *ret_problem = why_not(path, errno);
                return NULL;
        }
        if (fstat(fd, &st) < 0)
                *ret_problem = why_not(path, errno);
        else if (!S_ISREG(st.st_mode))
                *ret_problem = what_it_is(st.st_mode);
        else if (!(text = read_all(fd, &size)) && errno != EFBIG)
                *ret_problem = why_not(path, errno);
        else if (!text || strlen(text) != size || !g_utf8_validate(text, (gssize) size, NULL)) {
                *ret_problem = g_strdup("is not a UTF-8 text of at most 64 KiB; ignored");
                g_clear_pointer(&text, g_free);
        } else
                *ret_problem = who_may_write(&st);

        (void) close(fd);
        return g_steal_pointer(&text);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void keep_first(GPtrArray *paths) {
        g_ptr_array_sort(paths, compare_names);
        if (paths->len > CONFIG_DROP_INS_MAX)
                g_ptr_array_set_size(paths, (int) CONFIG_DROP_INS_MAX);
}

GPtrArray *config_file_list(const char *dir, char **ret_problem) {
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
        DIR *d = opendir(dir);
        struct dirent *entry;
        unsigned long n = 0;

        *ret_problem = NULL;
        if (!d) {
                if (errno == ENOTDIR)
                        *ret_problem = g_strdup("is not a directory; no file of it is read (move it away)");
                else
                        *ret_problem = why_not(dir, errno);
                return paths;
        }

        while ((entry = readdir(d))) {
                if (!g_str_has_suffix(entry->d_name, ".conf") || entry->d_name[0] == '.')
                        continue;
                n++;
                g_ptr_array_add(paths, g_build_filename(dir, entry->d_name, NULL));
                if (paths->len >= 2 * CONFIG_DROP_INS_MAX)
                        keep_first(paths);
        }
        (void) closedir(d);
        keep_first(paths);
        if (n > CONFIG_DROP_INS_MAX)
                *ret_problem = g_strdup_printf("has %lu files; only the first %u are read, by their names (put them together)", n,
                                               CONFIG_DROP_INS_MAX);
        return paths;
}
