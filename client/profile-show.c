/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "client/output.h"
#include "client/profile.h"
#include "client/table.h"

static const char *const types[_VENDOR_TYPE_MAX] = {
        [VENDOR_U8] = "u8",   [VENDOR_S8] = "s8",   [VENDOR_U16] = "u16",       [VENDOR_S16] = "s16",
        [VENDOR_U24] = "u24", [VENDOR_S24] = "s24", [VENDOR_U32] = "u32",       [VENDOR_S32] = "s32",
        [VENDOR_U48] = "u48", [VENDOR_F32] = "f32", [VENDOR_SFLOAT] = "sfloat",
};

static const char *const whens[_VENDOR_WHEN_MAX] = {
        [VENDOR_ON_CONNECT] = "connect", [VENDOR_ON_START] = "start", [VENDOR_ON_STOP] = "stop", [VENDOR_ON_TARE] = "tare",
        [VENDOR_ON_STOP_MOTOR] = "stop-motor",
};

static char *hex_of(const uint8_t *data, size_t size) {
        GString *s = g_string_new(NULL);

        for (size_t i = 0; i < size; i++)
                g_string_append_printf(s, "%s%02x", i > 0 ? " " : "", data[i]);

        return g_string_free(s, FALSE);
}

/* As Match= has it. */
static char *term_text(const ProfileTerm *term) {
        switch (term->kind) {
        case PROFILE_TERM_NAME:
                return g_strdup_printf("name:%s", term->text);
        case PROFILE_TERM_SERVICE:
                return g_strdup_printf("service:%s", term->text);
        case PROFILE_TERM_MODEL:
                return g_strdup_printf("model:%s", term->text);
        case PROFILE_TERM_MAKER: {
                g_autofree char *prefix = hex_of(term->prefix, term->n_prefix);

                return g_strdup_printf("mfr:0x%04x%s%s", term->company, *prefix ? ":" : "", prefix);
        }
        }

        return g_strdup("");
}

static char *match_text(const ProfileMatch *match) {
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < match->n_terms; i++) {
                g_autofree char *term = term_text(&match->terms[i]);

                g_string_append_printf(s, "%s%s", i > 0 ? "+" : "", term);
        }

        return g_string_free(s, FALSE);
}

/* How it comes: "notify", "read, poll", or where from in what the device advertises. */
static char *use_text(const VendorChar *ch) {
        static const struct { VendorUse bit; const char *name; } uses[] = {
                { VENDOR_NOTIFY, "notify" }, { VENDOR_INDICATE, "indicate" }, { VENDOR_READ, "read" }, { VENDOR_POLL, "poll" },
        };
        GString *s;

        if (ch->source == VENDOR_MANUFACTURER_DATA)
                return g_strdup_printf("manufacturer data 0x%04x", ch->company);
        if (ch->source == VENDOR_SERVICE_DATA)
                return g_strdup("service data");

        s = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(uses); i++)
                if (ch->use & uses[i].bit)
                        g_string_append_printf(s, "%s%s", s->len > 0 ? ", " : "", uses[i].name);
        return g_string_free(s, FALSE);
}

static const char *char_of_field(const VendorProfile *vendor, size_t field) {
        for (size_t i = 0; i < vendor->n_chars; i++)
                if (field >= vendor->chars[i].first_field &&
                    field < (size_t) vendor->chars[i].first_field + vendor->chars[i].n_fields)
                        return vendor->chars[i].alias;

        return "";
}

static char *length_text(const VendorChar *ch) {
        unsigned most = ch->length_max > 0 ? ch->length_max : OMP_VALUE_MAX;

        return ch->length_min == most ? g_strdup_printf("%u", most) : g_strdup_printf("%u-%u", ch->length_min, most);
}

static void print_chars(const VendorProfile *vendor, bool legend) {
        static const char *const titles[] = { "CHARACTERISTIC", "UUID", "USE", ">OCTETS" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));

        for (size_t i = 0; i < vendor->n_chars; i++) {
                const VendorChar *ch = &vendor->chars[i];
                g_autofree char *use = use_text(ch);
                g_autofree char *length = length_text(ch);

                table_add(table, ch->alias, STYLE_PLAIN);
                table_add(table, ch->uuid ? ch->uuid : "", STYLE_PLAIN);
                table_add(table, use, STYLE_PLAIN);
                table_add(table, length, STYLE_PLAIN);
        }
        puts("");
        table_print(table, legend);
}

static void print_fields(const VendorProfile *vendor, bool legend) {
        static const char *const titles[] = { "FIELD", "CHARACTERISTIC", ">OFFSET", "TYPE", "MEANING", "UNIT" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));

        for (size_t i = 0; i < vendor->n_fields; i++) {
                const VendorField *field = &vendor->fields[i];
                g_autofree char *offset = g_strdup_printf("%d", field->offset);

                table_add(table, field->name, STYLE_PLAIN);
                table_add(table, char_of_field(vendor, i), STYLE_PLAIN);
                table_add(table, offset, STYLE_PLAIN);
                table_add(table, field->type < _VENDOR_TYPE_MAX ? types[field->type] : "", STYLE_PLAIN);
                table_add(table, vendor_meaning_name(field->meaning), STYLE_PLAIN);
                table_add(table, field->unit && strcmp(field->unit, "1") != 0 ? field->unit : "", STYLE_PLAIN);
        }
        puts("");
        table_print(table, legend);
}

static void print_actions(const VendorProfile *vendor, bool legend) {
        static const char *const titles[] = { "ACTION", "ON", "CHARACTERISTIC", "OCTETS" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));

        for (size_t i = 0; i < vendor->n_actions; i++) {
                const VendorAction *action = &vendor->actions[i];
                g_autofree char *data = hex_of(action->data, action->size);

                table_add(table, action->name, STYLE_PLAIN);
                table_add(table, action->when < _VENDOR_WHEN_MAX ? whens[action->when] : "", STYLE_PLAIN);
                table_add(table, vendor->chars[action->channel].alias, STYLE_PLAIN);
                table_add(table, data, STYLE_PLAIN);
        }
        if (vendor->n_actions == 0)
                return;
        puts("");
        table_print(table, legend);
}

static void print_file(const ProfileFile *file, bool legend) {
        const VendorProfile *vendor = &file->vendor;
        g_autofree char *tests = g_strdup_printf("%zu", file->n_tests);

        table_pair("Profile", vendor->id, STYLE_BOLD);
        table_pair("Name", file->profile.name, STYLE_PLAIN);
        table_pair("Kind", omp_kind_name(vendor->kind), STYLE_PLAIN);
        table_pair("File", file->path, STYLE_PLAIN);
        for (size_t i = 0; i < file->n_matches; i++) {
                g_autofree char *match = match_text(&file->matches[i]);

                table_pair(i == 0 ? "Matches" : "or", match, STYLE_PLAIN);
        }
        table_pair("Tests", tests, STYLE_PLAIN);
        print_chars(vendor, legend);
        print_fields(vendor, legend);
        print_actions(vendor, legend);
}

static json_t *chars_json(const VendorProfile *vendor) {
        json_t *array = json_array();

        for (size_t i = 0; i < vendor->n_chars; i++) {
                const VendorChar *ch = &vendor->chars[i];
                g_autofree char *use = use_text(ch);
                json_t *json = json_pack("{s:s s:s s:i}", "alias", ch->alias, "use", use, "min_length", ch->length_min);

                if (ch->uuid)
                        json_object_set_new(json, "uuid", json_string(ch->uuid));
                if (ch->length_max > 0)
                        json_object_set_new(json, "max_length", json_integer(ch->length_max));
                json_array_append_new(array, json);
        }

        return array;
}

static json_t *fields_json(const VendorProfile *vendor) {
        json_t *array = json_array();

        for (size_t i = 0; i < vendor->n_fields; i++) {
                const VendorField *field = &vendor->fields[i];
                json_t *json = json_pack("{s:s s:s s:i s:s}", "name", field->name, "characteristic",
                                         char_of_field(vendor, i), "offset", field->offset, "type",
                                         field->type < _VENDOR_TYPE_MAX ? types[field->type] : "unknown");

                if (field->meaning != VENDOR_NONE)
                        json_object_set_new(json, "meaning", json_string(vendor_meaning_name(field->meaning)));
                if (field->unit)
                        json_object_set_new(json, "unit", json_string(field->unit));
                json_array_append_new(array, json);
        }

        return array;
}

static json_t *file_json(const ProfileFile *file) {
        json_t *matches = json_array(), *actions = json_array(), *tests = json_array();

        for (size_t i = 0; i < file->n_matches; i++) {
                g_autofree char *match = match_text(&file->matches[i]);

                json_array_append_new(matches, json_string(match));
        }
        for (size_t i = 0; i < file->vendor.n_actions; i++) {
                const VendorAction *action = &file->vendor.actions[i];
                g_autofree char *data = hex_of(action->data, action->size);

                json_array_append_new(actions,
                                      json_pack("{s:s s:s s:s s:s}", "name", action->name, "on",
                                                action->when < _VENDOR_WHEN_MAX ? whens[action->when] : "unknown",
                                                "characteristic", file->vendor.chars[action->channel].alias, "write",
                                                data));
        }
        for (size_t i = 0; i < file->n_tests; i++)
                json_array_append_new(tests, json_string(file->tests[i].name));

        return json_pack("{s:s s:s s:s s:o s:o s:o s:o s:o s:o}", "id", file->vendor.id, "name", file->profile.name,
                         "kind", omp_kind_name(file->vendor.kind), "file", json_of_text(file->path), "matches", matches,
                         "characteristics", chars_json(&file->vendor), "fields", fields_json(&file->vendor), "actions",
                         actions, "tests", tests);
}

Exit profile_show(Client *client) {
        g_autoptr(Profiles) profiles = client_profiles(NULL, NULL);
        const char *typed = client_arg(client, 0);
        const Profile *known = profiles_by_id(profiles, typed);
        g_autoptr(ProfileFile) own = NULL;
        const ProfileFile *file = NULL;
        json_auto *json = NULL;
        Exit e;

        if (known && !known->vendor) {
                json = json_pack("{s:s s:s}", "id", known->id, "name", known->name);
                if (client_wants_json(client))
                        output_json(json);
                else
                        output_say("%s is the %s. It is built in; docs/profile.md describes it.", known->id, known->name);
                return EXIT_DONE;
        }

        e = profile_find(profiles, typed, &own, &file);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                json = file_json(file);
                output_json(json);
        } else
                print_file(file, !options_has(&client->options, OPTION_NO_LEGEND));

        return EXIT_DONE;
}
