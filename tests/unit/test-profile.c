/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "needled/omp.h"
#include "profiles/file.h"

#define CHAR "[Characteristic c]\nUUID=0000ffe1-0000-1000-8000-00805f9b34fb\nUse=notify\n"
#define ACTION "[Action a]\nOn=connect\nChar=c\nWrite=01\n"
#define SERVICE "0000ffe0-0000-1000-8000-00805f9b34fb"

static GString *said; /* "name:line;" of each report */

static void report(const char *path, unsigned line, const char *text, void *userdata) {
        g_autofree char *name = g_path_get_basename(path);

        g_test_message("%s:%u: %s", path, line, text);
        g_string_append_printf(said, "%s:%u;", name, line);
}

static char *profile_text(const char *id, const char *match, const char *rest) {
        return g_strdup_printf("[Profile]\nFormat=1\nId=%s\nName=%s\nMatch=%s\n" CHAR "%s", id, id, match, rest);
}

static void take(Profiles *profiles, const char *id, const char *match) {
        g_autofree char *text = profile_text(id, match, "");
        ProfileFile *file;

        g_assert_cmpint(profile_file_parse(id, text, strlen(text), report, NULL, &file), ==, 0);
        g_assert_cmpint(profiles_take(profiles, file), ==, 0);
}

static const char *matched(const Profiles *profiles, ProfileOffer offer) {
        const Profile *profile = profiles_match(profiles, &offer);

        return profile ? profile->id : "";
}

static void test_omp1_by_service(void) {
        const char *const ours[] = { "0000180f-0000-1000-8000-00805f9b34fb", OMP_SERVICE_UUID, NULL };
        const char *const others[] = { "0000180f-0000-1000-8000-00805f9b34fb", NULL };

        g_autoptr(Profiles) profiles = profiles_new();

        g_assert_true(profiles_match(profiles, &(ProfileOffer) { .services = ours }) == profiles_by_id(profiles, "omp1"));
        g_assert_null(profiles_match(profiles, &(ProfileOffer) { .services = others, .name = "omp1" }));
        g_assert_null(profiles_match(profiles, &(ProfileOffer) {}));
        g_assert_null(profiles_by_id(profiles, "omp2"));
        g_assert_true(profiles_know_service(profiles, OMP_SERVICE_UUID));
        g_assert_false(profiles_know_service(profiles, others[0]));
        g_assert_false(profiles_know_maker(profiles, 0xffff));
}

/* The table repeats the UUIDs of the codec, because a table in C cannot call it: they must stay the same. */
static void test_uuids_are_the_codecs(void) {
        g_autoptr(Profiles) profiles = profiles_new();
        const Profile *omp1 = profiles_by_id(profiles, "omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                g_assert_cmpstr(omp1->chars[i].uuid, ==, omp_char_uuid((OmpChar) omp1->chars[i].channel));
                g_assert_cmpstr(omp1->chars[i].service_uuid, ==, OMP_SERVICE_UUID);
                g_assert_true(profile_char(omp1, omp1->chars[i].uuid) == &omp1->chars[i]);
        }
        g_assert_null(profile_char(omp1, OMP_SERVICE_UUID));
}

/* bluetoothd broadcasts what is read: nothing that is followed may be read. */
static void test_nothing_measured_is_read(void) {
        g_autoptr(Profiles) profiles = profiles_new();
        const Profile *omp1 = profiles_by_id(profiles, "omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                bool read = omp1->chars[i].use & PROFILE_READ_AT_CONNECT, follow = omp1->chars[i].use & PROFILE_FOLLOW;

                g_assert_true(read != follow);
                /* The answers about stored sessions are numbers of records: they may be broadcast. */
                g_assert_cmpint(follow && omp1->chars[i].channel != OMP_CHAR_RACP, ==, !!(omp1->chars[i].use & PROFILE_MEASURES));
                g_assert_cmpint(read, ==, omp1->chars[i].channel == OMP_CHAR_FEATURE);
        }
}

/* ---- Profiles of files ---- */

/* "model > service+name > service > mfr > name", whatever the order in which they came. */
static void test_best_match(void) {
        static const uint8_t data[] = { 1, 2, 3 };
        const char *const services[] = { SERVICE, NULL }, *const ours[] = { SERVICE, OMP_SERVICE_UUID, NULL };
        const ProfileMaker maker = { 0xdc, data, sizeof(data) };
        g_autoptr(Profiles) profiles = profiles_new();
        ProfileOffer all = { .services = services, .name = "Pen 7", .model = "M1", .makers = &maker, .n_makers = 1 };

        take(profiles, "by.name", "name:Pen*");
        take(profiles, "by.maker", "mfr:0x00dc:0102");
        take(profiles, "by.service", "service:" SERVICE);
        take(profiles, "by.both", "service:" SERVICE "+name:Pen ?");
        take(profiles, "by.model", "name:Other;model:M*");
        g_assert_cmpstr(matched(profiles, all), ==, "by.model");
        all.model = "X1";
        g_assert_cmpstr(matched(profiles, all), ==, "by.both");
        all.name = "Pen";
        g_assert_cmpstr(matched(profiles, all), ==, "by.service");
        all.services = NULL;
        g_assert_cmpstr(matched(profiles, all), ==, "by.maker");
        all.n_makers = 0;
        g_assert_cmpstr(matched(profiles, all), ==, "by.name");
        all.name = "pen";
        g_assert_cmpstr(matched(profiles, all), ==, ""); /* letters are not taken for others */
        all.name = "Other";
        g_assert_cmpstr(matched(profiles, all), ==, "by.model"); /* any of its matches */
        all.services = ours;
        all.model = "M1";
        g_assert_cmpstr(matched(profiles, all), ==, "omp1"); /* over all */

        g_assert_true(profiles_know_service(profiles, SERVICE));
        g_assert_true(profiles_know_maker(profiles, 0xdc));
        g_assert_false(profiles_know_maker(profiles, 0));
        g_assert_true(profiles_by_id(profiles, "by.service")->needs_services);
        g_assert_false(profiles_by_id(profiles, "by.maker")->needs_services);
        g_assert_cmpstr(profiles_file(profiles, "by.both")->path, ==, "by.both");
        g_assert_null(profiles_file(profiles, "omp1"));
}

static void test_maker(void) {
        static const uint8_t data[] = { 1, 2 };
        g_autoptr(Profiles) profiles = profiles_new();

        take(profiles, "a.any", "mfr:7");
        take(profiles, "a.one", "mfr:8:0102");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .makers = &(ProfileMaker) { 7, NULL, 0 }, .n_makers = 1 }), ==, "a.any");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .makers = &(ProfileMaker) { 8, data, 2 }, .n_makers = 1 }), ==, "a.one");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .makers = &(ProfileMaker) { 8, data, 1 }, .n_makers = 1 }), ==, "");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .makers = &(ProfileMaker) { 8, data + 1, 1 }, .n_makers = 1 }), ==, "");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .makers = (ProfileMaker[]) { { 9, data, 2 }, { 8, data, 2 } }, .n_makers = 2 }), ==,
                        "a.one");
}

/* At the same score Priority decides, then who was loaded first. */
static void test_priority(void) {
        g_autoptr(Profiles) profiles = profiles_new();

        take(profiles, "a.first", "name:Pen*");
        take(profiles, "a.second", "name:Pen*");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .name = "Pen" }), ==, "a.first");
        take(profiles, "a.third", "name:Pen*\nPriority=1");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .name = "Pen" }), ==, "a.third");
        take(profiles, "a.fourth", "mfr:1+name:Pen*");
        g_assert_cmpstr(matched(profiles, (ProfileOffer) { .name = "Pen", .makers = &(ProfileMaker) { 1, NULL, 0 }, .n_makers = 1 }), ==,
                        "a.fourth");
}

static void test_glob(void) {
        static const struct {
                const char *glob, *text;
                bool holds;
        } cases[] = {
                { "Pen", "Pen", true }, { "Pen", "Pens", false }, { "Pen*", "Pen", true }, { "*Pen", "My Pen", true }, { "P?n", "Pin", true },
                { "P?n", "Pn", false }, { "*a*b*", "xxaxxbxx", true }, { "*a*b", "ab ab", true }, { "*a*b", "aba", false }, { "a**", "a", true },
                { "", "", true }, { "", "a", false }, { "?", "", false }, { "*aab", "aaaab", true },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("%s %s", cases[i].glob, cases[i].text);
                g_assert_cmpint(profile_glob(cases[i].glob, cases[i].text), ==, cases[i].holds);
        }
}

/* ---- Folders ---- */

typedef struct Folder {
        char *path;
} Folder;

static void folder_make(Folder *f, const void *data) {
        g_string_truncate(said, 0);
        f->path = g_dir_make_tmp("needled-profiles-XXXXXX", NULL);
        g_assert_nonnull(f->path);
}

static void folder_remove(Folder *f, const void *data) {
        GDir *dir = g_dir_open(f->path, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(f->path, name, NULL);

                g_assert_cmpint(g_remove(path), ==, 0);
        }
        g_dir_close(dir);
        g_assert_cmpint(g_rmdir(f->path), ==, 0);
        g_free(f->path);
}

static char *put(Folder *f, const char *name, const char *text) {
        char *path = g_build_filename(f->path, name, NULL);

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        g_assert_cmpint(chmod(path, 0644), ==, 0);
        return path;
}

static void put_profile(Folder *f, const char *name, const char *id, const char *rest) {
        g_autofree char *text = profile_text(id, "name:Pen*", rest), *path = put(f, name, text);

        g_assert_nonnull(path);
}

static void assert_ids(const Profiles *profiles, const char *expected) {
        g_autoptr(GString) ids = g_string_new(NULL);

        for (const Profile *const *p = profiles_all(profiles); *p; p++)
                g_string_append_printf(ids, "%s ", (*p)->id);
        g_assert_cmpstr(ids->str, ==, expected);
}

/* "Refused with file, line, reason; the others load", in the order of their names. */
static void test_folder(Folder *f, const void *data) {
        g_autoptr(Profiles) profiles = profiles_new();
        g_autofree char *large = g_malloc(1024 * 1024 + 1), *big = NULL, *link = g_build_filename(f->path, "4.mnprofile", NULL),
                        *pipe = g_build_filename(f->path, "5.mnprofile", NULL);

        memset(large, '#', 1024 * 1024);
        large[1024 * 1024] = '\0';
        put_profile(f, "9.mnprofile", "z.last", "");
        put_profile(f, "1.mnprofile", "a.first", "");
        put_profile(f, "2.mnprofile", "a.bad", "[Field f]\nChar=c\nOffset=600\nType=u8\nColour=red\n");
        big = put(f, "3.mnprofile", large);
        g_assert_cmpint(symlink("nowhere", link), ==, 0);
        g_assert_cmpint(mkfifo(pipe, 0600), ==, 0); /* must not be waited for */
        put_profile(f, "6.mnprofile", "a.first", ""); /* of one id the first */
        put_profile(f, "7.txt", "a.other", "");
        put_profile(f, ".8.mnprofile", "a.hidden", "");

        profiles_load_folder(profiles, f->path, report, NULL);
        assert_ids(profiles, "omp1 a.first z.last ");
        g_assert_cmpstr(said->str, ==, "2.mnprofile:13;2.mnprofile:11;3.mnprofile:0;4.mnprofile:0;5.mnprofile:0;");
        g_string_truncate(said, 0);
        profiles_load_folder(profiles, "/nowhere", report, NULL); /* is no error */
        g_assert_cmpstr(said->str, ==, "");
        profiles_load_folder(profiles, big, report, NULL); /* what is there and cannot be read is */
        g_assert_cmpstr(said->str, ==, "3.mnprofile:0;");
        assert_ids(profiles, "omp1 a.first z.last ");
}

static void keep_text(const char *path, unsigned line, const char *text, void *userdata) {
        g_string_assign(userdata, text);
}

static void test_a_folder_is_no_profile(Folder *f, const void *data) {
        g_autoptr(GString) text = g_string_new(NULL);
        ProfileFile *file;

        g_assert_cmpint(profile_file_load(f->path, keep_text, text, &file), ==, -EINVAL);
        g_assert_cmpstr(text->str, ==, "It cannot be read: it is no regular file.");
}

/* What may be written by others must not write to devices. */
static void test_actions_need_trust(Folder *f, const void *data) {
        g_autoptr(Profiles) profiles = profiles_new();
        g_autofree char *text = profile_text("a.open", "name:Pen*", ACTION), *path = put(f, "1.mnprofile", text);
        ProfileFile *file;

        put_profile(f, "2.mnprofile", "a.safe", ACTION);
        g_assert_cmpint(chmod(path, 0664), ==, 0);
        profiles_load_folder(profiles, f->path, report, NULL);
        g_assert_cmpstr(said->str, ==, "1.mnprofile:0;");
        g_assert_cmpuint(profiles_by_id(profiles, "a.open")->vendor->n_actions, ==, 0);
        g_assert_cmpuint(profiles_by_id(profiles, "a.safe")->vendor->n_actions, ==, 1);

        /* A tool that only looks sees them all the same. */
        g_assert_cmpint(profile_file_load(path, report, NULL, &file), ==, 0);
        g_assert_false(file->trusted);
        g_assert_cmpuint(file->vendor.n_actions, ==, 1);
        g_assert_cmpint(profiles_take(profiles, file), ==, -EEXIST);
        profile_file_free(file);
        if (geteuid() == 0) { /* somebody else's, though nobody but them can write it */
                g_autoptr(Profiles) again = profiles_new();

                g_assert_cmpint(chmod(path, 0644), ==, 0);
                g_assert_cmpint(chown(path, 12345, 12345), ==, 0);
                profiles_load_folder(again, f->path, report, NULL);
                g_assert_cmpuint(profiles_by_id(again, "a.open")->vendor->n_actions, ==, 0);
        }
}

/* The administrator's folder before what is shipped; the environment in place of both. */
static void test_search_path(Folder *f, const void *data) {
        g_autoptr(Profiles) profiles = profiles_new(), others = profiles_new(), none = profiles_new();
        g_autofree char *sub = g_build_filename(f->path, "profiles.d", NULL), *path = g_strdup_printf("/nowhere::%s", sub);
        Folder inner = { sub };

        g_unsetenv("NEEDLED_PROFILES_PATH");
        g_assert_cmpint(g_mkdir(sub, 0755), ==, 0);
        put_profile(&inner, "1.mnprofile", "a.own", "");
        profiles_load(profiles, f->path, report, NULL);
        g_assert_nonnull(profiles_by_id(profiles, "a.own"));
        g_assert_cmpstr(profiles_all(profiles)[1]->id, ==, "a.own");

        g_setenv("NEEDLED_PROFILES_PATH", path, TRUE);
        profiles_load(others, "/nowhere", report, NULL);
        assert_ids(others, "omp1 a.own ");
        g_setenv("NEEDLED_PROFILES_PATH", "", TRUE);
        profiles_load(none, f->path, report, NULL);
        assert_ids(none, "omp1 ");
        g_unsetenv("NEEDLED_PROFILES_PATH");
        g_autofree char *file = g_build_filename(sub, "1.mnprofile", NULL);
        g_assert_cmpint(g_remove(file), ==, 0);
}

int main(int argc, char **argv) {
        int r;

        said = g_string_new(NULL);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/profile/omp1-by-service", test_omp1_by_service);
        g_test_add_func("/profile/uuids-are-the-codecs", test_uuids_are_the_codecs);
        g_test_add_func("/profile/nothing-measured-is-read", test_nothing_measured_is_read);
        g_test_add_func("/profile/best-match", test_best_match);
        g_test_add_func("/profile/maker", test_maker);
        g_test_add_func("/profile/priority", test_priority);
        g_test_add_func("/profile/glob", test_glob);
        g_test_add("/profile/folder", Folder, NULL, folder_make, test_folder, folder_remove);
        g_test_add("/profile/actions-need-trust", Folder, NULL, folder_make, test_actions_need_trust, folder_remove);
        g_test_add("/profile/a-folder-is-no-profile", Folder, NULL, folder_make, test_a_folder_is_no_profile, folder_remove);
        g_test_add("/profile/search-path", Folder, NULL, folder_make, test_search_path, folder_remove);
        r = g_test_run();
        g_string_free(said, TRUE);
        return r;
}
