/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

#include <errno.h>
#include <string.h>

#include "needled/omp.h"
#include "profiles/file.h"

#define FILES_MAX 1024u         /* of one folder */
#define SUFFIX ".mnprofile"

struct Profiles {
        GPtrArray *all;         /* Profile*, NULL-terminated; "omp1" first */
        GPtrArray *files;       /* ProfileFile*, owned: those of `all` from the second on */
        GHashTable *services;   /* set of UUIDs, borrowed */
        GHashTable *makers;     /* set of companies */
        GString *folders;       /* for messages */
};

/* Status first: it is notified within 100 ms after its CCCD is written (1.7), so that the state of the device is known before
 * the measurements flow; Live after the events that explain it (1.11). */
static const ProfileChar omp1_chars[] = {
        { "95840101-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_FEATURE, PROFILE_READ_AT_CONNECT | PROFILE_REQUIRED, 0 },
        { "95840105-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_STATUS, PROFILE_FOLLOW | PROFILE_REQUIRED | PROFILE_MEASURES, 0 },
        { "95840104-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_EVENT, PROFILE_FOLLOW | PROFILE_REQUIRED | PROFILE_MEASURES, 0 },
        { "95840102-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_LIVE, PROFILE_FOLLOW | PROFILE_REQUIRED | PROFILE_MEASURES, 0 },
        { "95840103-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_WAVEFORM, PROFILE_FOLLOW | PROFILE_MEASURES, 0 },
        { "95840107-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_CONTROL_POINT, PROFILE_FOLLOW | PROFILE_MEASURES, 0 },
        { "95840108-2319-423b-8a8e-ee1ffb8d13f8", OMP_SERVICE_UUID, OMP_CHAR_SESSION_DATA, PROFILE_FOLLOW | PROFILE_MEASURES, 0 },
        { "00002a52-0000-1000-8000-00805f9b34fb", OMP_SERVICE_UUID, OMP_CHAR_RACP, PROFILE_FOLLOW, 0 }, /* indicates: numbers of records, no measurement */
};

static const char *const omp1_services[] = { OMP_SERVICE_UUID, NULL };

static const Profile omp1 = {
        .id = "omp1",
        .name = "Open Microneedling Profile 1",
        .service_uuids = omp1_services,
        .needs_services = true,
        .chars = omp1_chars,
        .n_chars = G_N_ELEMENTS(omp1_chars),
};

static void file_free(void *p) {
        profile_file_free(p);
}

static void add(Profiles *profiles, const Profile *profile) {
        if (profiles->all->len > 0)
                g_ptr_array_set_size(profiles->all, (int) profiles->all->len - 1); /* the NULL */
        g_ptr_array_add(profiles->all, (void *) profile);
        g_ptr_array_add(profiles->all, NULL);
        for (const char *const *uuid = profile->service_uuids; *uuid; uuid++)
                (void) g_hash_table_add(profiles->services, (void *) *uuid);
}

static void load_file(Profiles *profiles, const char *path, ProfilesReport report, void *userdata) {
        ProfileFile *file;

        if (profile_file_load(path, report, userdata, &file) < 0)
                return;
        if (file->vendor.n_actions > 0 && !file->trusted) {
                report(path, 0, "Its actions are left out: make root the file's owner, and let nobody else write it (chmod go-w).",
                       userdata);
                file->vendor.actions = NULL;
                file->vendor.n_actions = 0;
        }
        if (profiles_take(profiles, file) < 0)
                profile_file_free(file); /* the folder that was loaded before wins */
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

Profiles *profiles_new(void) {
        Profiles *profiles = g_new0(Profiles, 1);

        profiles->all = g_ptr_array_new();
        profiles->files = g_ptr_array_new_with_free_func(file_free);
        profiles->services = g_hash_table_new(g_str_hash, g_str_equal);
        profiles->makers = g_hash_table_new(NULL, NULL);
        profiles->folders = g_string_new("");
        add(profiles, &omp1);
        return profiles;
}

Profiles *profiles_free(Profiles *profiles) {
        if (!profiles)
                return NULL;

        g_hash_table_unref(profiles->services);
        g_hash_table_unref(profiles->makers);
        g_ptr_array_unref(profiles->all);
        g_ptr_array_unref(profiles->files);
        g_string_free(profiles->folders, true);
        g_free(profiles);
        return NULL;
}

void profiles_load_folder(Profiles *profiles, const char *folder, ProfilesReport report, void *userdata) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        GDir *dir = g_dir_open(folder, 0, &error);
        const char *name;

        g_string_append_printf(profiles->folders, "%s%s", profiles->folders->len > 0 ? " or " : "", folder);
        if (!dir && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                report(folder, 0, "It cannot be read: none of its profiles is used.", userdata);
        if (!dir)
                return;
        while ((name = g_dir_read_name(dir)) && names->len < FILES_MAX)
                if (name[0] != '.' && g_str_has_suffix(name, SUFFIX))
                        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
        g_dir_close(dir);
        if (name)
                report(folder, 0, "It holds more than 1024 files: those beyond are passed over; remove what is not used.", userdata);

        g_ptr_array_sort(names, by_name);
        for (guint i = 0; i < names->len; i++)
                load_file(profiles, names->pdata[i], report, userdata);
}

void profiles_load(Profiles *profiles, const char *config_dir, ProfilesReport report, void *userdata) {
        g_auto(GStrv) folders = profiles_search_path(config_dir);

        for (char **folder = folders; *folder; folder++)
                profiles_load_folder(profiles, *folder, report, userdata);
}

char **profiles_search_path(const char *config_dir) {
        const char *path = g_getenv("NEEDLED_PROFILES_PATH");
        g_autoptr(GStrvBuilder) folders = g_strv_builder_new();

        if (path) {
                g_auto(GStrv) given = g_strsplit(path, ":", -1);

                for (char **folder = given; *folder; folder++)
                        if (**folder)
                                g_strv_builder_add(folders, *folder);
        } else {
                g_autofree char *own = g_build_filename(config_dir, "profiles.d", NULL);

                g_strv_builder_add_many(folders, own, NEEDLED_DATADIR "/profiles.d", NULL);
        }

        return g_strv_builder_end(folders);
}

const char *profiles_folders(const Profiles *profiles) {
        return profiles->folders->str;
}

const Profile *const *profiles_all(const Profiles *profiles) {
        return (const Profile *const *) profiles->all->pdata;
}

const Profile *profiles_by_id(const Profiles *profiles, const char *id) {
        for (const Profile *const *p = profiles_all(profiles); *p; p++)
                if (g_strcmp0((*p)->id, id) == 0)
                        return *p;

        return NULL;
}

const Profile *profiles_match(const Profiles *profiles, const ProfileOffer *offer) {
        const ProfileFile *best = NULL;
        unsigned best_score = 0;

        if (offer->services && g_strv_contains(offer->services, OMP_SERVICE_UUID))
                return &omp1;

        for (guint i = 0; i < profiles->files->len; i++) {
                const ProfileFile *file = profiles->files->pdata[i];

                for (size_t k = 0; k < file->n_matches; k++) {
                        unsigned score = profile_match_score(&file->matches[k]);

                        if (!profile_match_holds(&file->matches[k], offer) || score < best_score ||
                            (score == best_score && best && file->priority <= best->priority))
                                continue;
                        best = file;
                        best_score = score;
                }
        }

        return best ? &best->profile : NULL;
}

bool profiles_know_service(const Profiles *profiles, const char *uuid) {
        return g_hash_table_contains(profiles->services, uuid);
}

bool profiles_know_maker(const Profiles *profiles, uint16_t company) {
        return g_hash_table_contains(profiles->makers, GUINT_TO_POINTER(company));
}

const ProfileChar *profile_char(const Profile *profile, const char *uuid) {
        for (size_t i = 0; i < profile->n_chars; i++)
                if (g_str_equal(profile->chars[i].uuid, uuid))
                        return &profile->chars[i];

        return NULL;
}

/* ---- file.h ---- */

int profiles_take(Profiles *profiles, ProfileFile *file) {
        if (profiles_by_id(profiles, file->profile.id))
                return -EEXIST;

        add(profiles, &file->profile);
        g_ptr_array_add(profiles->files, file);
        for (size_t i = 0; i < file->n_matches; i++)
                for (size_t k = 0; k < file->matches[i].n_terms; k++) {
                        const ProfileTerm *term = &file->matches[i].terms[k];

                        if (term->kind == PROFILE_TERM_MAKER)
                                (void) g_hash_table_add(profiles->makers, GUINT_TO_POINTER(term->company));
                }

        return 0;
}

const ProfileFile *profiles_file(const Profiles *profiles, const char *id) {
        for (guint i = 0; i < profiles->files->len; i++) {
                const ProfileFile *file = profiles->files->pdata[i];

                if (g_str_equal(file->profile.id, id))
                        return file;
        }

        return NULL;
}
