/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/archive-file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/output-file.h"
#include "client/output.h"

#define BLOCK (64u * 1024u)

static const struct {
        const char *end;
        bool zip;
        int filter;
} kinds[] = {
        { ".tar", false, ARCHIVE_FILTER_NONE },
        { ".tar.gz", false, ARCHIVE_FILTER_GZIP },
        { ".tgz", false, ARCHIVE_FILTER_GZIP },
        { ".tar.zst", false, ARCHIVE_FILTER_ZSTD },
        { ".zip", true, ARCHIVE_FILTER_NONE },
};

struct ArchiveWriter {
        char *path;
        OutputFile out;
        struct archive *archive;
};

struct ArchiveReader {
        FILE *file;
        struct archive *archive;
        unsigned n_members;
        uint8_t block[BLOCK];
};

static int find_kind(const char *path) {
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (g_str_has_suffix(path, kinds[i].end))
                        return (int) i;

        return -ENOENT;
}

bool archive_file_is_name(const char *path) {
        return find_kind(path) >= 0;
}

/* ---- Writing ---- */

static Exit write_failed(const ArchiveWriter *w, int error) {
        const char *why = archive_error_string(w->archive);

        output_error("%s cannot be written: %s.", w->path, why ? why : g_strerror(error));
        return EXIT_FAILED;
}

static int set_kind(ArchiveWriter *w) {
        int kind = find_kind(w->path);
        int r = kinds[kind].zip ? archive_write_set_format_zip(w->archive) : archive_write_set_format_pax_restricted(w->archive);

        return r == ARCHIVE_OK ? archive_write_add_filter(w->archive, kinds[kind].filter) : r;
}

Exit archive_writer_open(const char *path, bool force, ArchiveWriter **ret) {
        g_autoptr(ArchiveWriter) w = g_new0(ArchiveWriter, 1);

        g_assert(archive_file_is_name(path));
        w->path = g_strdup(path);
        if (output_file_open(&w->out, w->path, force) != EXIT_DONE)
                return EXIT_FAILED;

        w->archive = archive_write_new();
        if (!w->archive || set_kind(w) != ARCHIVE_OK || archive_write_open_fd(w->archive, fileno(w->out.file)) != ARCHIVE_OK)
                return write_failed(w, ENOMEM);

        *ret = g_steal_pointer(&w);
        return EXIT_DONE;
}

static bool write_content(ArchiveWriter *w, FILE *content) {
        g_autofree uint8_t *block = g_malloc(BLOCK);
        size_t n;

        rewind(content);
        while ((n = fread(block, 1, BLOCK, content)) > 0)
                if (archive_write_data(w->archive, block, n) != (la_ssize_t) n)
                        return false;

        return !ferror(content);
}

Exit archive_writer_add(ArchiveWriter *w, const char *name, FILE *content, uint64_t mtime_usec) {
        struct archive_entry *entry = archive_entry_new();
        struct stat st;
        bool good;

        if (fflush(content) != 0 || fstat(fileno(content), &st) < 0 || !entry) {
                archive_entry_free(entry);
                return write_failed(w, errno);
        }
        archive_entry_set_pathname(entry, name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        archive_entry_set_size(entry, st.st_size);
        archive_entry_set_mtime(entry, (time_t) (mtime_usec / 1000000u), 0);
        good = archive_write_header(w->archive, entry) == ARCHIVE_OK && write_content(w, content);
        archive_entry_free(entry);
        return good ? EXIT_DONE : write_failed(w, errno);
}

Exit archive_writer_close(ArchiveWriter *writer) {
        g_autoptr(ArchiveWriter) w = writer;

        return archive_write_close(w->archive) == ARCHIVE_OK ? output_file_close(&w->out) : write_failed(w, EIO);
}

ArchiveWriter *archive_writer_discard(ArchiveWriter *w) {
        if (!w)
                return NULL;

        if (w->archive)
                (void) archive_write_free(w->archive);
        if (w->out.file)
                (void) output_file_discard(&w->out);
        g_free(w->path);
        g_free(w);
        return NULL;
}

/* ---- Reading ---- */

static la_ssize_t read_block(struct archive *archive, void *userdata, const void **ret) {
        ArchiveReader *r = userdata;
        size_t n = fread(r->block, 1, sizeof(r->block), r->file);

        if (n == 0 && ferror(r->file)) {
                archive_set_error(archive, errno, "%s", g_strerror(errno));
                return -1;
        }
        *ret = r->block;
        return (la_ssize_t) n;
}

static char *problem_of(ArchiveReader *r) {
        const char *why = archive_error_string(r->archive);

        return g_strdup(why ? why : "it cannot be read");
}

ArchiveReader *archive_reader_new(FILE *file, char **ret_problem) {
        g_autoptr(ArchiveReader) r = g_new0(ArchiveReader, 1);

        r->file = file;
        r->archive = archive_read_new();
        if (!r->archive || archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
            archive_read_support_format_zip(r->archive) != ARCHIVE_OK ||
            archive_read_support_filter_gzip(r->archive) != ARCHIVE_OK ||
            archive_read_support_filter_zstd(r->archive) != ARCHIVE_OK ||
            archive_read_open(r->archive, r, NULL, read_block, NULL) != ARCHIVE_OK) {
                *ret_problem = r->archive ? problem_of(r) : g_strdup("there is no memory for it");
                return NULL;
        }

        return g_steal_pointer(&r);
}

ArchiveReader *archive_reader_free(ArchiveReader *r) {
        if (!r)
                return NULL;

        if (r->archive)
                (void) archive_read_free(r->archive);
        (void) fclose(r->file);
        g_free(r);
        return NULL;
}

static ssize_t read_member(void *cookie, char *buf, size_t size) {
        ArchiveReader *r = cookie;
        la_ssize_t n = archive_read_data(r->archive, buf, size);

        if (n >= 0)
                return n;
        errno = EBADMSG;
        return -1;
}

int archive_reader_next(ArchiveReader *r, char **ret_name, FILE **ret_content, char **ret_problem) {
        static const cookie_io_functions_t functions = { .read = read_member };

        for (;;) {
                struct archive_entry *entry;
                const char *name;
                int status = archive_read_next_header(r->archive, &entry);

                if (status == ARCHIVE_EOF)
                        return 0;
                if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
                        *ret_problem = problem_of(r);
                        return -EBADMSG;
                }
                if (++r->n_members > ARCHIVE_MEMBERS_MAX) {
                        *ret_problem = g_strdup_printf("it holds more than %u files", ARCHIVE_MEMBERS_MAX);
                        return -EBADMSG;
                }
                if (archive_entry_filetype(entry) != AE_IFREG)
                        continue;

                name = archive_entry_pathname(entry);
                *ret_content = fopencookie(r, "r", functions);
                if (!*ret_content) {
                        *ret_problem = g_strdup(g_strerror(errno));
                        return -EBADMSG;
                }
                *ret_name = g_strdup(name ? name : "?");
                return 1;
        }
}
