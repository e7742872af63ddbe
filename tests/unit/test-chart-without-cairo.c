/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* On a machine where cairo is missing, which a broken file in its place makes of any. This program is not linked with it. */

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/chart.h"

static const Chart chart = { .kind = CHART_BARS, .id = "b", .title = "Areas" };

static void test_pictures_cannot_be_made(void) {
        GString *file = NULL;

        for (unsigned i = 0; i < 2; i++) {
                g_assert_cmpint(chart_png(&chart, 1, NULL, 1, &file), ==, -EOPNOTSUPP);
                g_assert_cmpint(chart_pdf(&chart, 1, NULL, &file), ==, -EOPNOTSUPP);
                g_assert_null(file);
        }
}

static void test_svg_needs_nothing(void) {
        g_autoptr(GString) svg = chart_svg(&chart);

        g_assert_true(g_str_has_prefix(svg->str, "<svg "));
}

/* The loader reads the variable when a program begins: so it begins a second time. */
static void begin_without_cairo(char **argv) {
        g_autofree char *folder = g_dir_make_tmp("needled-chart-XXXXXX", NULL), *library = NULL;

        g_assert_nonnull(folder);
        library = g_build_filename(folder, "libcairo.so.2", NULL);
        g_assert_true(g_file_set_contents(library, "", 0, NULL));
        g_assert_no_errno(setenv("LD_LIBRARY_PATH", folder, true));
        g_assert_no_errno(setenv("NEEDLED_TEST_FOLDER", folder, true));
        g_assert_no_errno(execv("/proc/self/exe", argv));
}

static void remove_folder(const char *folder) {
        g_autofree char *library = g_build_filename(folder, "libcairo.so.2", NULL);

        g_assert_no_errno(g_unlink(library));
        g_assert_no_errno(g_rmdir(folder));
}

int main(int argc, char **argv) {
        int r;

        if (!getenv("NEEDLED_TEST_FOLDER"))
                begin_without_cairo(argv);

        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/chart-without-cairo/pictures-cannot-be-made", test_pictures_cannot_be_made);
        g_test_add_func("/chart-without-cairo/svg-needs-nothing", test_svg_needs_nothing);
        r = g_test_run();
        remove_folder(getenv("NEEDLED_TEST_FOLDER"));
        return r;
}
