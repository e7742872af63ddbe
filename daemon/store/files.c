/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef bool (*Wanted)(const char *after);

static bool is_aside(const char *after) {
        return g_str_has_prefix(after, ".corrupt-") || (g_str_has_prefix(after, ".v") && g_ascii_isdigit(after[2]));
}

static bool is_backup(const char *after) {
        return g_str_has_prefix(after, ".backup-v");
}

static bool is_of_taken(const char *after) {
        return !*after || g_str_equal(after, "-wal") || g_str_equal(after, "-shm") || is_backup(after);
}

/* "5" or "5-2"; 0: neither. */
static int version_of(const char *after) {
        char *end;
        guint64 version = g_ascii_isdigit(*after) ? g_ascii_strtoull(after, &end, 10) : 0;

        if (version == 0 || version > INT_MAX)
                return 0;
        if (end[0] == '-' && g_ascii_isdigit(end[1]))
                (void) g_ascii_strtoull(end + 1, &end, 10);
        return *end ? 0 : (int) version;
}

static bool is_either(const char *after) {
        return is_aside(after) || is_backup(after);
}

/* By name, so that what is told is in the same order each time. */
static int by_name(gconstpointer a, gconstpointer b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static char **find(const char *path, Wanted wanted) {
        g_autofree char *dir = g_path_get_dirname(path), *base = g_path_get_basename(path);
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) entries = g_dir_open(dir, 0, &error);
        GPtrArray *names;
        const char *name;

        if (!entries && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return NULL;
        names = g_ptr_array_new();
        while (entries && (name = g_dir_read_name(entries)))
                if (g_str_has_prefix(name, base) && wanted(name + strlen(base)))
                        g_ptr_array_add(names, g_build_filename(dir, name, NULL));
        g_ptr_array_sort(names, by_name);
        g_ptr_array_add(names, NULL);
        return (char **) g_ptr_array_free(names, FALSE);
}

void files_sync_folder(const char *path) {
        g_autofree char *dir = g_path_get_dirname(path);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return;
        (void) fsync(fd);
        (void) close(fd);
}

static uint64_t remove_all(const char *path, char **names, uint64_t before_usec) {
        uint64_t n_octets = 0;
        bool removed = false;
        struct stat st;

        for (; names && *names; names++) {
                if (lstat(*names, &st) < 0 || (uint64_t) st.st_mtim.tv_sec > before_usec / G_USEC_PER_SEC || unlink(*names) < 0)
                        continue;
                n_octets += (uint64_t) st.st_size;
                removed = true;
        }
        if (removed)
                files_sync_folder(path);
        return n_octets;
}

char **files_aside(const char *path) {
        return find(path, is_aside);
}

char **files_remaining(const char *path) {
        return find(path, is_either);
}

char **files_readable_aside(const char *path, int version) {
        g_auto(GStrv) names = files_aside(path);
        GPtrArray *readable;

        if (!names)
                return NULL;
        readable = g_ptr_array_new();
        for (size_t i = 0; names[i]; i++) {
                const char *after = names[i] + strlen(path);
                int its = g_str_has_prefix(after, ".v") ? version_of(after + 2) : 0;

                if (its > 0 && its <= version)
                        g_ptr_array_add(readable, g_strdup(names[i]));
        }
        g_ptr_array_add(readable, NULL);
        return (char **) g_ptr_array_free(readable, FALSE);
}

bool files_remove_taken(const char *name) {
        g_auto(GStrv) names = find(name, is_of_taken), left = NULL;

        (void) remove_all(name, names, UINT64_MAX);
        left = find(name, is_of_taken);
        return left && !*left;
}

bool files_has_aside(const char *path) {
        g_auto(GStrv) names = files_aside(path);

        return !names || *names;
}

uint64_t files_remove_aside(const char *path) {
        g_auto(GStrv) names = files_aside(path);

        return remove_all(path, names, UINT64_MAX);
}

uint64_t files_remove_backups(const char *path, uint64_t before_usec) {
        g_auto(GStrv) names = find(path, is_backup);

        return remove_all(path, names, before_usec);
}
