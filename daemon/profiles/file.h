/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One *.mnprofile: a device that does not speak the Open Microneedling Profile, written down as data. The grammar is
 * docs/vendor-profiles.md. What is wrong with a file is reported problem by problem, each with its line. */

#include "profiles/match.h"
#include "profiles/profile.h"

#define PROFILE_FILE_SIZE_MAX (64u * 1024u)

typedef enum ProfileExpect { PROFILE_EXPECT_VALUES, PROFILE_EXPECT_LENGTH, PROFILE_EXPECT_HEADER, PROFILE_EXPECT_CHECK } ProfileExpect;

typedef struct ProfileExpectation {
        const char *field;
        const char *value;      /* a token, "unknown-7", or a decimal number in the canonical unit */
} ProfileExpectation;

typedef struct ProfileTest {    /* a [Test] group */
        const char *name;
        unsigned line;          /* of Expect= */
        unsigned channel;
        const uint8_t *data;
        size_t size;
        ProfileExpect expect;
        const ProfileExpectation *values; /* all that the packet gives; a field that repeats is there once for each entry, in their order */
        size_t n_values;
} ProfileTest;

typedef struct ProfileFile {
        char *path;
        Profile profile;
        VendorProfile vendor;   /* vendor.actions also of a file that is not trusted */
        bool trusted;           /* root's, or this process's own user's, and nobody else may write it: its actions may be carried out */
        unsigned priority;
        const ProfileMatch *matches; /* any of them */
        size_t n_matches;
        unsigned match_line;
        const ProfileTest *tests;
        size_t n_tests;
        GPtrArray *memory;      /* all that the above points to */
} ProfileFile;

/* Every problem is reported before it returns. Errors: -EBADMSG what is in it is refused, -EFBIG too large, -EINVAL no regular file,
 * else as open() and read(); all of them are reported. */
int profile_file_load(const char *path, ProfilesReport report, void *userdata, ProfileFile **ret);
/* The same of a text in memory, which is trusted. Errors: -EBADMSG, -EFBIG. */
int profile_file_parse(const char *path, const char *text, size_t size, ProfilesReport report, void *userdata, ProfileFile **ret);
ProfileFile *profile_file_free(ProfileFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProfileFile, profile_file_free)

/* Runs the [Test] groups; each failure is reported. Returns their number. */
unsigned profile_file_test(const ProfileFile *file, ProfilesReport report, void *userdata);
/* What can be used and is not good all the same: characteristics without a test, ids that occur twice, matches of equal score and
 * priority. Looks at the files together; does not run tests. Returns how many problems it reported. */
unsigned profile_files_lint(const ProfileFile *const *files, size_t n_files, ProfilesReport report, void *userdata);

/* "contact=on;force=1470.9975": as a [Test] expects it, fields in file order. */
char *profile_reading_format(const VendorProfile *vendor, const VendorReading *reading);
/* One value: a token, "unknown-7", or the shortest decimal number that means it. */
char *profile_value_format(const VendorProfile *vendor, const VendorValue *value);

/* Takes the file into the registry. -EEXIST: its id is known already; then it stays the caller's. */
int profiles_take(Profiles *profiles, ProfileFile *file);
const ProfileFile *profiles_file(const Profiles *profiles, const char *id); /* NULL: "omp1", or not known */
