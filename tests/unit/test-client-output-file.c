/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/output-file.h"

typedef struct Place {
        char *folder, *path;
} Place;

static void set_up(Place *p, gconstpointer data) {
        p->folder = g_dir_make_tmp("needled-output-XXXXXX", NULL);
        p->path = g_build_filename(p->folder, "a.tape", NULL);
}

static void tear_down(Place *p, gconstpointer data) {
        (void) g_unlink(p->path);
        g_assert_cmpint(g_rmdir(p->folder), ==, 0); /* nothing else is left in it */
        g_free(p->path);
        g_free(p->folder);
}

static void assert_content(const char *path, const char *expected) {
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        g_assert_cmpstr(content, ==, expected);
}

static void test_nobody_else_may_read_it(Place *p, gconstpointer data) {
        mode_t before = umask(0);
        struct stat st;
        OutputFile f;

        g_assert_cmpint(output_file_open_growing(&f, p->path, false), ==, EXIT_DONE);
        (void) umask(before);
        g_assert_true(output_file_write(&f, "one\n", 4));
        g_assert_true(output_file_flush(&f));
        assert_content(p->path, "one\n"); /* there as soon as it was flushed */
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        g_assert_cmpint(stat(p->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
}

static void test_what_is_there_stays(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(output_file_open(&f, p->path, false), ==, EXIT_FAILED);
        assert_content(p->path, "mine");
}

static void test_unless_it_is_forced(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "something longer", -1, NULL));
        g_assert_cmpint(output_file_open(&f, p->path, true), ==, EXIT_DONE);
        g_assert_true(output_file_write(&f, "two\n", 4));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        assert_content(p->path, "two\n");
}

static void test_what_is_not_whole_is_removed(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_cmpint(output_file_open_growing(&f, p->path, false), ==, EXIT_DONE);
        g_assert_cmpstr(output_file_discard(&f), ==, "the file was removed");
        g_assert_false(g_file_test(p->path, G_FILE_TEST_EXISTS));
}

static void test_it_comes_when_it_is_whole(Place *p, gconstpointer data) {
        struct stat st;
        OutputFile f;

        g_assert_cmpint(output_file_open(&f, p->path, false), ==, EXIT_DONE);
        g_assert_true(output_file_write(&f, "one\n", 4));
        g_assert_true(output_file_flush(&f));
        g_assert_false(g_file_test(p->path, G_FILE_TEST_EXISTS));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        assert_content(p->path, "one\n");
        g_assert_cmpint(stat(p->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
        g_assert_cmpint(st.st_nlink, ==, 1);
}

static void test_what_came_meanwhile_stays(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_cmpint(output_file_open(&f, p->path, false), ==, EXIT_DONE);
        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_FAILED);
        assert_content(p->path, "mine");
}

static void test_nothing_is_left(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_cmpint(output_file_open(&f, p->path, false), ==, EXIT_DONE);
        g_assert_cmpstr(output_file_discard(&f), ==, "no file is left");
        g_assert_false(g_file_test(p->path, G_FILE_TEST_EXISTS));
}

static int raised_when_made;    /* a signal's number, 0 for none */

/* In the place of libc's: the signal comes as soon as there is a file. */
int mkostemp(char *name, int flags) {
        int fd = mkostemps(name, 0, flags);

        if (raised_when_made > 0)
                (void) raise(raised_when_made);
        return fd;
}

/* A signal ends the program as ever, and takes along what is not whole, be it that there is no more than its name yet. */
static void test_a_signal_takes_it_along(Place *p, gconstpointer data) {
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

        for (size_t i = 0; i < 2 * G_N_ELEMENTS(numbers); i++) {
                int number = numbers[i / 2], status;
                pid_t child = fork();

                if (child == 0) {
                        OutputFile f;

                        (void) signal(number, SIG_DFL);         /* who runs the tests may ignore it */
                        raised_when_made = i % 2 ? number : 0;
                        if (output_file_open(&f, p->path, false) == EXIT_DONE && output_file_write(&f, "one\n", 4) &&
                            output_file_flush(&f))
                                (void) raise(number);
                        _exit(0);
                }
                g_assert_cmpint(waitpid(child, &status, 0), ==, child);
                g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == number);
                g_assert_cmpint(g_rmdir(p->folder), ==, 0); /* it is empty */
                g_assert_cmpint(g_mkdir(p->folder, 0700), ==, 0);
        }
}

/* One that nobody can catch leaves nothing at its place, and what was there is there. */
static void test_a_kill_leaves_no_half_file(Place *p, gconstpointer data) {
        for (int force = 0; force < 2; force++) {
                g_autofree char *content = NULL;
                g_autoptr(GDir) folder = NULL;
                const char *name;
                pid_t child;
                int status;

                if (force)
                        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
                child = fork();
                if (child == 0) {
                        OutputFile f;

                        if (output_file_open(&f, p->path, force) == EXIT_DONE && output_file_write(&f, "one\n", 4) && output_file_flush(&f))
                                (void) raise(SIGKILL);
                        _exit(0);
                }
                g_assert_cmpint(waitpid(child, &status, 0), ==, child);
                g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                g_assert_cmpint(g_file_get_contents(p->path, &content, NULL, NULL), ==, force);
                g_assert_cmpstr(content, ==, force ? "mine" : NULL);

                folder = g_dir_open(p->folder, 0, NULL);
                while ((name = g_dir_read_name(folder))) {
                        g_autofree char *path = g_build_filename(p->folder, name, NULL);

                        if (g_str_has_prefix(name, "a.tape."))
                                g_assert_cmpint(g_unlink(path), ==, 0);
                }
        }
}

static void test_then_nobody_else_may_read_it(Place *p, gconstpointer data) {
        struct stat st;
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(chmod(p->path, 0644), ==, 0);
        g_assert_cmpint(output_file_open(&f, p->path, true), ==, EXIT_DONE);
        g_assert_true(output_file_write(&f, "one\n", 4));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        g_assert_cmpint(stat(p->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
}

/* A recording that waits for a session in vain must not cost the one before. */
static void test_it_stays_until_there_is_something_for_it(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(output_file_open(&f, p->path, true), ==, EXIT_DONE);
        assert_content(p->path, "mine");
        g_assert_cmpstr(output_file_discard(&f), ==, "the file is as it was");
        assert_content(p->path, "mine");
}

/* What broke off is worth less than what was there. */
static void test_it_stays_until_the_other_is_whole(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(output_file_open(&f, p->path, true), ==, EXIT_DONE);
        g_assert_true(output_file_write(&f, "one\n", 4));
        g_assert_true(output_file_flush(&f));
        assert_content(p->path, "mine");
        g_assert_cmpstr(output_file_discard(&f), ==, "the file is as it was");
        assert_content(p->path, "mine"); /* and there is no other in the folder: tear_down() removes it */
}

static void test_a_link_stays_one(Place *p, gconstpointer data) {
        g_autofree char *link = g_build_filename(p->folder, "link", NULL);
        OutputFile f;

        g_assert_true(g_file_set_contents(p->path, "mine", -1, NULL));
        g_assert_cmpint(symlink("a.tape", link), ==, 0);
        g_assert_cmpint(output_file_open(&f, link, true), ==, EXIT_DONE);
        g_assert_true(output_file_write(&f, "one\n", 4));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
        assert_content(p->path, "one\n");
        g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        (void) g_unlink(link);
}

static void test_a_full_disk_is_said(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_cmpint(output_file_open(&f, "/dev/full", true), ==, EXIT_DONE);
        (void) output_file_write(&f, "one\n", 4);
        g_assert_false(output_file_flush(&f));
        g_assert_cmpint(output_file_close(&f), ==, EXIT_FAILED);
}

static void test_stdout_stays_open(Place *p, gconstpointer data) {
        const char *const paths[] = { NULL, "-" };

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                OutputFile f;

                g_assert_cmpint(output_file_open(&f, paths[i], false), ==, EXIT_DONE);
                g_assert_true(f.file == stdout);
                g_assert_cmpint(output_file_close(&f), ==, EXIT_DONE);
                g_assert_cmpint(fflush(stdout), ==, 0);
        }
}

static void test_a_folder_that_is_not_there(Place *p, gconstpointer data) {
        OutputFile f;

        g_assert_cmpint(output_file_open(&f, "/nowhere/a.tape", true), ==, EXIT_FAILED);
}

#define ADD(name, function) g_test_add("/client-output-file/" name, Place, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        ADD("nobody-else-may-read-it", test_nobody_else_may_read_it);
        ADD("what-is-there-stays", test_what_is_there_stays);
        ADD("unless-it-is-forced", test_unless_it_is_forced);
        ADD("then-nobody-else-may-read-it", test_then_nobody_else_may_read_it);
        ADD("it-stays-until-there-is-something-for-it", test_it_stays_until_there_is_something_for_it);
        ADD("what-is-not-whole-is-removed", test_what_is_not_whole_is_removed);
        ADD("it-comes-when-it-is-whole", test_it_comes_when_it_is_whole);
        ADD("what-came-meanwhile-stays", test_what_came_meanwhile_stays);
        ADD("nothing-is-left", test_nothing_is_left);
        ADD("a-signal-takes-it-along", test_a_signal_takes_it_along);
        ADD("a-kill-leaves-no-half-file", test_a_kill_leaves_no_half_file);
        ADD("it-stays-until-the-other-is-whole", test_it_stays_until_the_other_is_whole);
        ADD("a-link-stays-one", test_a_link_stays_one);
        ADD("a-full-disk-is-said", test_a_full_disk_is_said);
        ADD("stdout-stays-open", test_stdout_stays_open);
        ADD("a-folder-that-is-not-there", test_a_folder_that_is_not_there);
        return g_test_run();
}
