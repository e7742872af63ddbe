/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "profiles/file.h"

/* A *.mnprofile, from its text to a program. What loads is a program that runs, and its own tests and lint can be carried out. */

static unsigned reports;

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        assert(path && text && text[0] != '\0');
        reports++;
}

/* Its tests' packets, and what their values are called. */
static void run(const ProfileFile *file) {
        VendorReading *reading = malloc(sizeof(*reading));

        assert(reading);
        for (size_t i = 0; i < file->n_tests; i++) {
                const ProfileTest *test = &file->tests[i];

                if (vendor_decode(&file->vendor, test->channel, test->data, test->size, reading) == 0)
                        g_free(profile_reading_format(&file->vendor, reading));
        }
        free(reading);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        size_t n;
        char *text = (char *) input_take(&in, size, &n);
        ProfileFile *file = NULL;
        unsigned n_failed;
        int r;

        reports = 0;
        r = profile_file_parse("fuzz", text, n, on_report, NULL, &file);
        free(text);
        if (r < 0) {
                assert(!file && reports > 0); /* "What is wrong with a file is reported" */
                return 0;
        }

        assert(file && vendor_check(&file->vendor) == 0);
        n_failed = profile_file_test(file, on_report, NULL);
        assert(n_failed <= reports);
        (void) profile_files_lint((const ProfileFile *const[]) { file }, 1, on_report, NULL);
        run(file);
        profile_file_free(file);
        return 0;
}
