/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/archive-file.h"

typedef struct Place {
        char *folder, *path;
} Place;

static void set_up(Place *p, gconstpointer end) {
        p->folder = g_dir_make_tmp("needled-archive-XXXXXX", NULL);
        p->path = g_strdup_printf("%s/a%s", p->folder, end ? (const char *) end : ".tar");
}

static unsigned count_files(const Place *p) {
        g_autoptr(GDir) dir = g_dir_open(p->folder, 0, NULL);
        unsigned n = 0;

        while (g_dir_read_name(dir))
                n++;
        return n;
}

static void tear_down(Place *p, gconstpointer end) {
        (void) g_unlink(p->path);
        g_assert_cmpint(g_rmdir(p->folder), ==, 0); /* nothing else was left */
        g_free(p->path);
        g_free(p->folder);
}

static FILE *file_of(const char *text, size_t size) {
        FILE *file = tmpfile();

        g_assert_nonnull(file);
        g_assert_cmpuint(fwrite(text, 1, size, file), ==, size);
        return file;
}

static void add(ArchiveWriter *w, const char *name, const char *text) {
        FILE *file = file_of(text, strlen(text));

        g_assert_cmpint(archive_writer_add(w, name, file, UINT64_C(1700000000000000)), ==, EXIT_DONE);
        (void) fclose(file);
}

static ArchiveReader *open_reader(const char *path) {
        char *problem = NULL;
        FILE *file = fopen(path, "re");
        ArchiveReader *r;

        g_assert_nonnull(file);
        r = archive_reader_new(file, &problem);
        g_assert_nonnull(r);
        return r;
}

static void expect_member(ArchiveReader *r, const char *name, const char *text) {
        g_autofree char *found = NULL, *problem = NULL;
        char buf[64] = "";
        FILE *content;

        g_assert_cmpint(archive_reader_next(r, &found, &content, &problem), ==, 1);
        g_assert_cmpstr(found, ==, name);
        g_assert_cmpuint(fread(buf, 1, sizeof(buf), content), ==, strlen(text));
        g_assert_cmpstr(buf, ==, text);
        (void) fclose(content);
}

static void test_there_and_back(Place *p, gconstpointer end) {
        g_autofree char *name = NULL, *problem = NULL;
        g_autoptr(ArchiveReader) r = NULL;
        ArchiveWriter *w;
        FILE *content;
        struct stat st;

        g_assert_cmpint(archive_writer_open(p->path, false, &w), ==, EXIT_DONE);
        g_assert_false(g_file_test(p->path, G_FILE_TEST_EXISTS)); /* only when it is whole */
        add(w, "session-1.tape", "one");
        add(w, "session-2.tape", "");
        g_assert_cmpint(archive_writer_close(w), ==, EXIT_DONE);
        g_assert_cmpint(stat(p->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);

        r = open_reader(p->path);
        expect_member(r, "session-1.tape", "one");
        expect_member(r, "session-2.tape", "");
        g_assert_cmpint(archive_reader_next(r, &name, &content, &problem), ==, 0);
}

static void test_what_is_there_stays_unless_it_is_forced(Place *p, gconstpointer end) {
        g_autofree char *content = NULL;
        ArchiveWriter *w;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(archive_writer_open(p->path, false, &w), ==, EXIT_FAILED);
        g_assert_cmpint(archive_writer_open(p->path, true, &w), ==, EXIT_DONE);
        add(w, "session-1.tape", "one");
        (void) archive_writer_discard(w);
        g_assert_true(g_file_get_contents(p->path, &content, NULL, NULL));
        g_assert_cmpstr(content, ==, "mine");
        g_assert_cmpint(archive_writer_open(p->path, true, &w), ==, EXIT_DONE);
        g_assert_cmpint(archive_writer_close(w), ==, EXIT_DONE);
        g_assert_cmpuint(count_files(p), ==, 1);
}

static void test_a_link_stays_one(Place *p, gconstpointer end) {
        g_autofree char *link = g_build_filename(p->folder, "link.tar", NULL), *content = NULL;
        ArchiveWriter *w;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(symlink("a.tar", link), ==, 0);
        g_assert_cmpint(archive_writer_open(link, true, &w), ==, EXIT_DONE);
        add(w, "session-1.tape", "one");
        g_assert_cmpint(archive_writer_close(w), ==, EXIT_DONE);
        g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        g_assert_true(g_file_get_contents(p->path, &content, NULL, NULL));
        g_assert_cmpstr(content, !=, "mine");
        (void) g_unlink(link);
}

/* Nothing is left of it, neither at its place nor beside. */
static void test_killed_in_the_middle(Place *p, gconstpointer end) {
        pid_t child = fork();
        int status;

        if (child == 0) {
                ArchiveWriter *w;

                if (archive_writer_open(p->path, false, &w) == EXIT_DONE) {
                        add(w, "session-1.tape", "one");
                        (void) raise(SIGTERM);
                }
                _exit(0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
        g_assert_cmpuint(count_files(p), ==, 0);
}

static void test_what_came_meanwhile_stays(Place *p, gconstpointer end) {
        g_autofree char *content = NULL;
        ArchiveWriter *w;

        g_assert_cmpint(archive_writer_open(p->path, false, &w), ==, EXIT_DONE);
        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(archive_writer_close(w), ==, EXIT_FAILED);
        g_assert_true(g_file_get_contents(p->path, &content, NULL, NULL));
        g_assert_cmpstr(content, ==, "mine");
        g_assert_cmpuint(count_files(p), ==, 1);
}

static void test_names(void) {
        static const char *const good[] = { "a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "x/y.zip" }, *const bad[] = { "tar", "a.gz", "a.zip.part", "" };

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(archive_file_is_name(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(archive_file_is_name(bad[i]));
}

/* Nothing of an archive is ever a path for us: what is no file in it is passed over. */
static void test_links_and_folders_are_passed_over(Place *p, gconstpointer end) {
        static const struct {
                const char *name;
                unsigned type;
        } entries[] = { { "folder", AE_IFDIR }, { "link", AE_IFLNK }, { "device", AE_IFBLK }, { "../../evil.tape", AE_IFREG } };
        struct archive *a = archive_write_new();
        g_autoptr(ArchiveReader) r = NULL;
        g_autofree char *name = NULL, *problem = NULL;
        FILE *content;

        g_assert_cmpint(archive_write_set_format_pax_restricted(a), ==, ARCHIVE_OK);
        g_assert_cmpint(archive_write_open_filename(a, p->path), ==, ARCHIVE_OK);
        for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
                struct archive_entry *e = archive_entry_new();

                archive_entry_set_pathname(e, entries[i].name);
                archive_entry_set_filetype(e, entries[i].type);
                archive_entry_set_size(e, entries[i].type == AE_IFREG ? 3 : 0);
                if (entries[i].type == AE_IFLNK)
                        archive_entry_set_symlink(e, "/etc/passwd");
                g_assert_cmpint(archive_write_header(a, e), ==, ARCHIVE_OK);
                if (entries[i].type == AE_IFREG)
                        g_assert_cmpint(archive_write_data(a, "one", 3), ==, 3);
                archive_entry_free(e);
        }
        g_assert_cmpint(archive_write_free(a), ==, ARCHIVE_OK);

        r = open_reader(p->path);
        expect_member(r, "../../evil.tape", "one"); /* a name to show, nothing is written there */
        g_assert_cmpint(archive_reader_next(r, &name, &content, &problem), ==, 0);
}

static void test_half_an_archive(Place *p, gconstpointer end) {
        g_autofree char *name = NULL, *problem = NULL, *whole = NULL;
        g_autoptr(ArchiveReader) r = NULL;
        ArchiveWriter *w;
        char buf[64];
        FILE *content;
        gsize size;
        int status;

        g_assert_cmpint(archive_writer_open(p->path, false, &w), ==, EXIT_DONE);
        add(w, "session-1.tape", "some words that do not fit into half of it");
        g_assert_cmpint(archive_writer_close(w), ==, EXIT_DONE);
        g_assert_true(g_file_get_contents(p->path, &whole, &size, NULL));
        g_assert_true(g_file_set_contents(p->path, whole, 530, NULL)); /* the head, and a little */

        r = open_reader(p->path);
        status = archive_reader_next(r, &name, &content, &problem);
        g_assert_cmpint(status, ==, 1);
        (void) fread(buf, 1, sizeof(buf), content);
        g_assert_true(ferror(content));
        (void) fclose(content);
}

static void test_no_archive_at_all(void) {
        g_autofree char *name = NULL, *problem = NULL;
        FILE *file = file_of("just words, and not few of them", 31), *content;
        g_autoptr(ArchiveReader) r = NULL;

        rewind(file);
        r = archive_reader_new(file, &problem);
        if (r)
                g_assert_cmpint(archive_reader_next(r, &name, &content, &problem), ==, -EBADMSG);
        g_assert_nonnull(problem);
}

int main(int argc, char **argv) {
        static const char *const ends[] = { ".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip" };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                g_autofree char *name = g_strdup_printf("/archive-file/there-and-back%s", ends[i]);

                g_test_add(name, Place, ends[i], set_up, test_there_and_back, tear_down);
        }
        g_test_add("/archive-file/what-is-there-stays-unless-it-is-forced", Place, NULL, set_up,
                   test_what_is_there_stays_unless_it_is_forced, tear_down);
        g_test_add("/archive-file/what-came-meanwhile-stays", Place, NULL, set_up, test_what_came_meanwhile_stays, tear_down);
        g_test_add("/archive-file/a-link-stays-one", Place, NULL, set_up, test_a_link_stays_one, tear_down);
        g_test_add("/archive-file/killed-in-the-middle", Place, NULL, set_up, test_killed_in_the_middle, tear_down);
        g_test_add_func("/archive-file/names", test_names);
        g_test_add("/archive-file/links-and-folders-are-passed-over", Place, NULL, set_up, test_links_and_folders_are_passed_over, tear_down);
        g_test_add("/archive-file/half-an-archive", Place, NULL, set_up, test_half_an_archive, tear_down);
        g_test_add_func("/archive-file/no-archive-at-all", test_no_archive_at_all);
        return g_test_run();
}
