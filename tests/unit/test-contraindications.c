/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "contraindications.h"

#define HEAD "[Contraindications]\nVersion=1\n"
#define ENTRY "[wounds]\nText=Wounds are named.\nSource=a form (example.org)\n"

static char *dir;

static int load(const char *text, gssize size, Contraindications **ret, char **ret_problem) {
        g_autofree char *path = g_build_filename(dir, "list", NULL);

        g_assert_true(g_file_set_contents(path, text, size, NULL));
        return contraindications_load(path, ret, ret_problem);
}

static Contraindications *good(const char *text) {
        g_autofree char *what = NULL;
        Contraindications *list = NULL;

        g_assert_cmpint(load(text, -1, &list, &what), ==, 0);
        g_assert_null(what);
        return list;
}

/* Refused, for a reason that names `what`. */
static void bad(const char *text, const char *what) {
        g_autofree char *said = NULL;
        Contraindications *list = NULL;

        g_assert_cmpint(load(text, -1, &list, &said), ==, -EBADMSG);
        g_assert_null(list);
        if (!strstr(said, what))
                g_error("'%s' does not name '%s'", said, what);
}

static void assert_texts(const Contraindications *list, const char *language, const char *first, const char *second) {
        g_auto(GStrv) texts = contraindications_texts(list, language);

        g_assert_cmpuint(g_strv_length(texts), ==, 2);
        g_assert_cmpstr(texts[0], ==, first);
        g_assert_cmpstr(texts[1], ==, second);
}

static void test_two_languages(void) {
        g_autoptr(Contraindications) list =
                good(HEAD "[wounds]\nText=Wounds are named.\nText[de]=Wunden sind genannt.\nText[de_AT]=Wunden san genannt.\nSource=s\n"
                     "[acne]\nText=Acne is named.\nSource=t\n");

        assert_texts(list, NULL, "Wounds are named.", "Acne is named.");
        assert_texts(list, "", "Wounds are named.", "Acne is named.");
        assert_texts(list, "C", "Wounds are named.", "Acne is named.");
        assert_texts(list, "de", "Wunden sind genannt.", "Acne is named."); /* as far as it is translated */
        assert_texts(list, "de_DE.UTF-8", "Wunden sind genannt.", "Acne is named.");
        assert_texts(list, "de_AT", "Wunden san genannt.", "Acne is named.");
        assert_texts(list, "fr_FR.UTF-8@euro", "Wounds are named.", "Acne is named.");
        assert_texts(list, "]\n[", "Wounds are named.", "Acne is named.");
        g_assert_cmpstr(contraindications_version(list), ==, "1");
        g_assert_cmpstr(contraindications_ids(list)[0], ==, "wounds");
        g_assert_cmpstr(contraindications_ids(list)[1], ==, "acne");
        g_assert_null(contraindications_ids(list)[2]);
        g_assert_cmpstr(contraindications_source(list, "wounds"), ==, "s");
        g_assert_null(contraindications_source(list, "de"));
}

static void test_what_is_wrong_is_named(void) {
        g_autoptr(GString) many = g_string_new(HEAD), lengthy = g_string_new(HEAD "[a]\nSource=s\nText=");

        bad("", "Version");
        bad("no key file\n", "no key file");
        bad("[Contraindications]\n" ENTRY, "Version");
        bad("[Contraindications]\nVersion=\n" ENTRY, "Version");
        bad("[Contraindications]\nVersion=1 or 2\n" ENTRY, "Version");
        bad("[Contraindications]\nVersion=123456789012345678901234567890123\n" ENTRY, "Version");
        bad(ENTRY HEAD, "first group");
        bad(HEAD, "no entries");
        bad(HEAD "[a]\nText=t\n", "[a] has no Text or no Source");
        bad(HEAD "[a]\nText[de]=t\nSource=s\n", "[a] has no Text or no Source");
        bad(HEAD "[a]\n", "[a] has no Text or no Source");
        bad(HEAD "[a]\nText=\nSource=s\n", "Text of [a]");
        bad(HEAD "[a]\nText=t\nText[de]=\nSource=s\n", "Text[de] of [a]");
        bad(HEAD "[a]\nText=one\\ntwo\nSource=s\n", "Text of [a]");
        bad(HEAD "[a]\nText=\u202eevil\nSource=s\n", "Text of [a]");
        bad(HEAD "[a]\nText=t\nSource=s\nColour=red\n", "a key Colour");
        for (unsigned i = 0; i <= CONTRAINDICATIONS_MAX; i++)
                g_string_append_printf(many, "[e%u]\nText=t\nSource=s\n", i);
        bad(many->str, "more than 64");
        for (unsigned i = 0; i <= CONTRAINDICATIONS_TEXT_MAX; i++)
                g_string_append_c(lengthy, 'x');
        bad(lengthy->str, "longer than 300");
}

static void test_as_much_as_is_allowed(void) {
        g_autoptr(GString) many = g_string_new("[Contraindications]\nVersion=2026-03.a\n");
        g_autofree char *text = g_strnfill(CONTRAINDICATIONS_TEXT_MAX, 'x');
        g_autoptr(Contraindications) list = NULL;

        for (unsigned i = 0; i < CONTRAINDICATIONS_MAX; i++)
                g_string_append_printf(many, "[e%u]\nText=%s\nSource=s\n", i, text);
        list = good(many->str);
        g_assert_cmpuint(g_strv_length((char **) contraindications_ids(list)), ==, CONTRAINDICATIONS_MAX);
}

static void test_files_that_are_none(void) {
        g_autofree char *gone = g_build_filename(dir, "gone", NULL), *below = g_build_filename(dir, "list", "x", NULL);
        g_autofree char *huge = g_malloc(CONTRAINDICATIONS_FILE_MAX + 1);
        char *said[5] = {};
        Contraindications *list = NULL;

        memset(huge, '\n', CONTRAINDICATIONS_FILE_MAX + 1);
        g_assert_cmpint(contraindications_load(gone, &list, &said[0]), ==, -ENOENT);
        g_assert_cmpint(contraindications_load(dir, &list, &said[1]), ==, -EBADMSG);
        g_assert_cmpint(load(huge, CONTRAINDICATIONS_FILE_MAX + 1, &list, &said[2]), ==, -EBADMSG);
        g_assert_cmpint(load(HEAD "[a]\nText=\xff\nSource=s\n", -1, &list, &said[3]), ==, -EBADMSG);
        g_assert_cmpint(contraindications_load(below, &list, &said[4]), ==, -EIO);
        for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
                g_assert_nonnull(said[i]);
                g_free(said[i]);
        }
        g_assert_null(list);
}

static Contraindications *shipped(void) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "daemon", "contraindications.list", NULL), *what = NULL;
        Contraindications *list = NULL;

        if (contraindications_load(path, &list, &what) < 0)
                g_error("%s: %s", path, what);
        return list;
}

/* docs/session.md has each entry with its text and source, and no other. */
static void test_the_document_lists_the_same(void) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "session.md", NULL), *text = NULL;
        g_autoptr(Contraindications) list = shipped();
        const char *const *ids = contraindications_ids(list);
        g_auto(GStrv) texts = contraindications_texts(list, NULL);
        const char *section, *rows;
        unsigned n_rows = 0;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        section = strstr(text, "\n## Contraindications\n");
        g_assert_nonnull(section);
        rows = strstr(section, "| --- | --- | --- |\n");
        g_assert_nonnull(rows);
        for (const char *row = strstr(rows, "\n| `"); row && (!strstr(rows, "\n\n") || row < strstr(rows, "\n\n")); row = strstr(row + 1, "\n| `"))
                n_rows++;
        g_assert_cmpuint(n_rows, ==, g_strv_length(texts));
        for (unsigned i = 0; ids[i]; i++) {
                g_autofree char *row = g_strdup_printf("\n| `%s` | %s | %s |\n", ids[i], texts[i], contraindications_source(list, ids[i]));

                if (!strstr(rows, row))
                        g_error("docs/session.md has no row%s", row);
        }
}

/* Facts, no orders and no promises: one sentence each, which addresses nobody. */
static void test_texts_are_plain_statements(void) {
        static const char *const never[] = { " you ", " your ", " should ", " must ", " please ", " consult ", " safe ", " heal", " treat ", "!", "?" };
        g_autoptr(Contraindications) list = shipped();
        const char *const *ids = contraindications_ids(list);
        g_auto(GStrv) texts = contraindications_texts(list, NULL);

        for (unsigned i = 0; texts[i]; i++) {
                g_autofree char *text = g_ascii_strdown(texts[i], -1), *padded = g_strconcat(" ", text, NULL);

                g_assert_true(g_ascii_isupper(texts[i][0]));
                g_assert_true(g_str_has_suffix(texts[i], "."));
                g_assert_true(strchr(texts[i], '.') == texts[i] + strlen(texts[i]) - 1);
                for (size_t j = 0; j < G_N_ELEMENTS(never); j++)
                        g_assert_null(strstr(padded, never[j]));
                g_assert_nonnull(strchr(contraindications_source(list, ids[i]), '.')); /* says where */
        }
}

int main(int argc, char **argv) {
        g_autofree char *path = NULL;
        int r;

        g_test_init(&argc, &argv, NULL);
        dir = g_dir_make_tmp("needled-contraindications-XXXXXX", NULL);
        path = g_build_filename(dir, "list", NULL);
        g_test_add_func("/contraindications/two-languages", test_two_languages);
        g_test_add_func("/contraindications/what-is-wrong-is-named", test_what_is_wrong_is_named);
        g_test_add_func("/contraindications/as-much-as-is-allowed", test_as_much_as_is_allowed);
        g_test_add_func("/contraindications/files-that-are-none", test_files_that_are_none);
        g_test_add_func("/contraindications/the-document-lists-the-same", test_the_document_lists_the_same);
        g_test_add_func("/contraindications/texts-are-plain-statements", test_texts_are_plain_statements);
        r = g_test_run();
        (void) g_unlink(path);
        (void) g_rmdir(dir);
        g_free(dir);
        return r;
}
