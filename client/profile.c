/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/profile.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/json.h"
#include "client/output.h"
#include "client/table.h"
#include "client/verbs.h"

#define BUILT_IN "omp1"

typedef struct Action {
        const char *name, *arguments;
        int args_min, args_max;
        Exit (*run)(Client *client);
} Action;

static const Action actions[] = {
        { "list", "", 0, 0, profile_list },
        { "show", "ID|FILE", 1, 1, profile_show },
        { "lint", "FILE...", 1, INT_MAX, profile_lint },
        { "try", "ID|FILE --hex=OCTETS|--tape=FILE", 1, 1, profile_try },
};

char *profile_problem(const char *path, unsigned line, const char *text) {
        return line > 0 ? g_strdup_printf("%s:%u: %s", path, line, text) : g_strdup_printf("%s: %s", path, text);
}

void profile_complain(const char *path, unsigned line, const char *text, void *userdata) {
        g_autofree char *problem = profile_problem(path, line, text);

        output_error("%s", problem);
}

Exit profile_find(Profiles *profiles, const char *typed, ProfileFile **ret_own, const ProfileFile **ret) {
        *ret = profiles_file(profiles, typed);
        if (*ret)
                return EXIT_DONE;
        if (strcmp(typed, BUILT_IN) == 0) {
                output_error("%s is built in and has no file; 'needlectl replay' and 'needlectl verify' read its tapes.", typed);
                return EXIT_NOT_FOUND;
        }
        if (!strchr(typed, '/') && !g_str_has_suffix(typed, ".mnprofile") && !g_file_test(typed, G_FILE_TEST_EXISTS)) {
                output_error("There is no profile '%s'. 'needlectl profile list' shows those of this host; a file is "
                             "named with its path.",
                             typed);
                return EXIT_NOT_FOUND;
        }
        if (profile_file_load(typed, profile_complain, NULL, ret_own) < 0)
                return g_file_test(typed, G_FILE_TEST_EXISTS) ? EXIT_FAILED : EXIT_NOT_FOUND;

        *ret = *ret_own;
        return EXIT_DONE;
}

static json_t *entry_json(const Profile *profile, const ProfileFile *file, bool used) {
        json_t *entry = json_pack("{s:s s:s s:b}", "id", profile->id, "name", profile->name, "used", used);

        if (file) {
                json_object_set_new(entry, "kind", json_string(omp_kind_name(file->vendor.kind)));
                json_object_set_new(entry, "file", json_of_text(file->path));
        }

        return entry;
}

static void add_row(Table *table, const Profile *profile, const ProfileFile *file, bool used) {
        table_add(table, profile->id, used ? STYLE_PLAIN : STYLE_DIM);
        table_add(table, profile->name, used ? STYLE_PLAIN : STYLE_DIM);
        table_add(table, file ? omp_kind_name(file->vendor.kind) : "", STYLE_PLAIN);
        table_add(table, file ? file->path : "built in", STYLE_PLAIN);
        table_add(table, used ? "" : "overridden", STYLE_WARN);
}

/* What a folder has, and whether another one, which was loaded before, has it too. */
static void list_folder(const char *folder, const Profiles *host, Table *table, json_t *array) {
        g_autoptr(Profiles) here = profiles_new();

        profiles_load_folder(here, folder, profile_complain, NULL);
        for (const Profile *const *p = profiles_all(here); *p; p++) {
                const ProfileFile *file = profiles_file(here, (*p)->id), *winner = profiles_file(host, (*p)->id);
                bool used = file && winner && strcmp(file->path, winner->path) == 0;

                if (!file)
                        continue;
                add_row(table, *p, file, used);
                json_array_append_new(array, entry_json(*p, file, used));
        }
}

Exit profile_list(Client *client) {
        static const char *const titles[] = { "ID", "NAME", "KIND", "FILE", "" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        g_autoptr(Profiles) host = client_profiles(NULL, NULL);
        g_auto(GStrv) folders = client_profile_folders();
        const Profile *built_in = profiles_by_id(host, BUILT_IN);
        json_auto *array = json_array();

        add_row(table, built_in, NULL, true);
        json_array_append_new(array, entry_json(built_in, NULL, true));
        for (char **folder = folders; *folder; folder++)
                list_folder(*folder, host, table, array);

        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:O}", "profiles", array);

                output_json(reply);
        } else
                table_print(table, !options_has(&client->options, OPTION_NO_LEGEND));

        return EXIT_DONE;
}

Exit verb_profile(Client *client) {
        const char *typed = client_arg(client, 0) ? client_arg(client, 0) : "list";

        for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
                const Action *action = &actions[i];

                if (strcmp(action->name, typed) != 0)
                        continue;

                client->n_args = MAX(client->n_args - 1, 0);
                client->args++;
                if (client->n_args >= action->args_min && client->n_args <= action->args_max)
                        return action->run(client);

                output_error("Usage: needlectl profile %s%s%s", action->name, *action->arguments ? " " : "", action->arguments);
                return EXIT_USAGE;
        }

        output_error("A profile can be listed, shown, linted and tried: needlectl profile list|show|lint|try, not '%s'.", typed);
        return EXIT_USAGE;
}
