/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>

#include "profiles/file.h"
#include "profiles/keys.h"

/* What tools ask of files that can be loaded: do their tests hold, can they be used together, and how is a packet read. */

#define RELATIVE_ERROR 1e-9

static char *format_number(double number) {
        static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };
        char text[G_ASCII_DTOSTR_BUF_SIZE];

        if (number == 0)
                return g_strdup("0"); /* and not -0 */

        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                (void) g_ascii_formatd(text, sizeof(text), formats[i], number);
                if (g_ascii_strtod(text, NULL) == number)
                        break;
        }
        return g_strdup(text);
}

static bool same_value(const VendorProfile *vendor, const VendorValue *value, const char *expected) {
        double number;
        char *end;

        if (vendor->fields[value->field].tokens) {
                g_autofree char *text = profile_value_format(vendor, value);

                return g_str_equal(text, expected);
        }

        number = g_ascii_strtod(expected, &end);
        return end != expected && *end == '\0' && fabs(number - value->value) <= RELATIVE_ERROR * fmax(fabs(number), fabs(value->value));
}

/* The first value of the field that has not been expected yet; NULL: none. */
static const VendorValue *find_value(const VendorProfile *vendor, const VendorReading *reading, const char *field, bool *seen) {
        for (unsigned i = 0; i < reading->n; i++)
                if (!seen[i] && g_str_equal(vendor->fields[reading->values[i].field].name, field)) {
                        seen[i] = true;
                        return &reading->values[i];
                }

        return NULL;
}

static void test_values(const ProfileFile *file, const ProfileTest *test, const VendorReading *reading, KeysProblems *problems) {
        bool seen[VENDOR_VALUES_MAX] = {};

        for (size_t i = 0; i < test->n_values; i++) {
                const ProfileExpectation *e = &test->values[i];
                const VendorValue *value = find_value(&file->vendor, reading, e->field, seen);

                if (!value)
                        keys_problem(problems, test->line, "[Test %s]: the packet gives no %s, and Expect= says %s.", test->name, e->field,
                                     e->value);
                else if (!same_value(&file->vendor, value, e->value)) {
                        g_autofree char *text = profile_value_format(&file->vendor, value);

                        keys_problem(problems, test->line, "[Test %s]: the packet gives %s=%s, and Expect= says %s.", test->name, e->field,
                                     text, e->value);
                }
        }
        for (unsigned i = 0; i < reading->n; i++)
                if (!seen[i]) {
                        g_autofree char *text = profile_value_format(&file->vendor, &reading->values[i]);

                        keys_problem(problems, test->line, "[Test %s]: the packet gives %s=%s, which Expect= does not name.", test->name,
                                     file->vendor.fields[reading->values[i].field].name, text);
                }
}

static const char *outcome(int r) {
        switch (-r) {
        case 0:
                return "is good";
        case EMSGSIZE:
                return "has a wrong length";
        case EPROTO:
                return "has a wrong header";
        case EBADMSG:
                return "has a wrong check";
        default:
                return "cannot be read";
        }
}

static int expected_error(ProfileExpect expect) {
        switch (expect) {
        case PROFILE_EXPECT_VALUES:
                return 0;
        case PROFILE_EXPECT_LENGTH:
                return -EMSGSIZE;
        case PROFILE_EXPECT_HEADER:
                return -EPROTO;
        case PROFILE_EXPECT_CHECK:
                return -EBADMSG;
        }

        g_assert_not_reached();
}

static void lint_file(const ProfileFile *file, KeysProblems *problems) {
        for (size_t i = 0; i < file->vendor.n_chars; i++) {
                bool tested = file->vendor.chars[i].n_fields == 0;

                for (size_t k = 0; !tested && k < file->n_tests; k++)
                        tested = file->tests[k].channel == i && file->tests[k].expect == PROFILE_EXPECT_VALUES;
                if (!tested)
                        keys_problem(problems, 0, "[Characteristic %s] has no [Test] of a good packet: add one that was captured.",
                                     file->vendor.chars[i].alias);
        }
        for (size_t i = 0; i < file->n_matches; i++)
                for (size_t k = 0; k < file->matches[i].n_terms; k++)
                        if (file->matches[i].terms[k].kind == PROFILE_TERM_SERVICE &&
                            g_str_equal(file->matches[i].terms[k].text, OMP_SERVICE_UUID))
                                keys_problem(problems, file->match_line, "The service is the Open Microneedling Profile's, which needled "
                                             "reads by itself: this file is never used for it.");
}

static bool match_alike(const ProfileFile *a, const ProfileFile *b) {
        if (a->priority != b->priority)
                return false;

        for (size_t i = 0; i < a->n_matches; i++)
                for (size_t k = 0; k < b->n_matches; k++)
                        if (profile_match_same(&a->matches[i], &b->matches[k]))
                                return true;

        return false;
}

static void lint_pair(const ProfileFile *a, const ProfileFile *b, KeysProblems *problems) {
        if (g_str_equal(a->vendor.id, b->vendor.id))
                keys_problem(problems, 0, "Its Id=%s is that of %s too: of two files with one id only the first is used.", b->vendor.id, a->path);
        else if (match_alike(a, b))
                keys_problem(problems, b->match_line, "%s matches the same device as well as this file: narrow one Match=, or give one a "
                             "higher Priority=.", a->path);
}

/* ---- file.h ---- */

unsigned profile_file_test(const ProfileFile *file, ProfilesReport report, void *userdata) {
        g_autofree VendorReading *reading = g_new(VendorReading, 1);
        unsigned failed = 0;

        for (size_t i = 0; i < file->n_tests; i++) {
                const ProfileTest *test = &file->tests[i];
                KeysProblems problems = { file->path, report, userdata, 0 };
                int r = vendor_decode(&file->vendor, test->channel, test->data, test->size, reading);

                if (r != expected_error(test->expect))
                        keys_problem(&problems, test->line, "[Test %s]: the packet %s, and Expect= says that it %s.", test->name, outcome(r),
                                     outcome(expected_error(test->expect)));
                else if (r == 0)
                        test_values(file, test, reading, &problems);
                failed += problems.n > 0;
        }

        return failed;
}

unsigned profile_files_lint(const ProfileFile *const *files, size_t n_files, ProfilesReport report, void *userdata) {
        unsigned n = 0;

        for (size_t i = 0; i < n_files; i++) {
                KeysProblems problems = { files[i]->path, report, userdata, 0 };

                lint_file(files[i], &problems);
                for (size_t k = 0; k < i; k++)
                        lint_pair(files[k], files[i], &problems);
                n += problems.n;
        }

        return n;
}

char *profile_reading_format(const VendorProfile *vendor, const VendorReading *reading) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < reading->n; i++) {
                g_autofree char *value = profile_value_format(vendor, &reading->values[i]);

                g_string_append_printf(text, "%s%s=%s", i > 0 ? ";" : "", vendor->fields[reading->values[i].field].name, value);
        }

        return g_string_free(g_steal_pointer(&text), FALSE);
}

char *profile_value_format(const VendorProfile *vendor, const VendorValue *value) {
        if (value->token)
                return g_strdup(value->token->name);
        if (value->unknown_token)
                return g_strdup_printf("unknown-%" G_GINT64_FORMAT, value->raw);

        return format_number(value->value);
}
