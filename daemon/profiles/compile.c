/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/compile.h"

#include <errno.h>
#include <string.h>

#include "profiles/number.h"

/* [Profile], and the order in which the groups are read: characteristics first, then their fields, then what refers to both. */

#define TEXT_MAX 128u
#define MATCHES_MAX 16u
#define GLOB_MAX 128u
#define TESTS_MAX 256u
#define ACTIONS_MAX 32u
#define NEEDLES_MAX 1024
#define DEPTH_MAX_UM 10000
#define AREA_MAX_CENTI_MM2 65535.0

static const char *const profile_keys[] = {
        "Format", "Id", "Name", "Vendor", "Model", "Kind", "Priority", "Match", "Needles", "AreaMm2", "MaxDepthUm", "StrokeMeaning", NULL,
};
static const char *const group_kinds[] = { "Profile", "Characteristic", "Field", "Action", "Test", NULL };

static const CompileName kinds[] = {
        { "unknown", OMP_KIND_UNKNOWN }, { "roller", OMP_KIND_ROLLER }, { "stamp", OMP_KIND_STAMP },
        { "pen", OMP_KIND_PEN },         { "rf-pen", OMP_KIND_RF_PEN }, { "other", OMP_KIND_OTHER },
};
static const CompileName stroke_meanings[] = { { "needle", false }, { "pass", true } };

/* What tells nothing of how the device is used: it may be read, although bluetoothd broadcasts what is read. */
static const uint32_t housekeeping = UINT32_C(1) << VENDOR_BATTERY | UINT32_C(1) << VENDOR_BATTERY_TIME | UINT32_C(1) << VENDOR_BATTERY_MV |
                                     UINT32_C(1) << VENDOR_CARTRIDGE_ID | UINT32_C(1) << VENDOR_CARTRIDGE_LIFE |
                                     UINT32_C(1) << VENDOR_SEQUENCE;

/* ---- Helpers ---- */

bool compile_integer(const KeysGroup *group, const char *key, int64_t min, int64_t max, KeysProblems *problems, int64_t *ret) {
        const KeysLine *line = keys_get(group, key);

        if (!line)
                return false;
        if (number_parse(line->value, min, max, ret) < 0) {
                keys_problem(problems, line->line, "%s=%s: write a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", key,
                             line->value, min, max);
                return false;
        }

        return true;
}

bool compile_choice(const KeysGroup *group, const char *key, const CompileName *names, size_t n_names, KeysProblems *problems,
                    unsigned *ret) {
        const KeysLine *line = keys_get(group, key);
        g_autoptr(GString) known = NULL;

        if (!line)
                return false;
        for (size_t i = 0; i < n_names; i++)
                if (g_str_equal(names[i].name, line->value)) {
                        *ret = names[i].value;
                        return true;
                }

        known = g_string_new(NULL);
        for (size_t i = 0; i < n_names; i++)
                g_string_append_printf(known, "%s%s", i == 0 ? "" : i + 1 == n_names ? " or " : ", ", names[i].name);
        keys_problem(problems, line->line, "%s=%s is not known: it is %s.", key, line->value, known->str);
        return false;
}

const KeysLine *compile_required(const KeysGroup *group, const char *key, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, key);

        if (line && *line->value)
                return line;

        keys_problem(problems, line ? line->line : group->line, "[%s%s%s] needs %s=.", group->kind, *group->name ? " " : "", group->name, key);
        return NULL;
}

bool compile_is_name(const char *text, const char *others) {
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

        while (text[length] && strchr(others, text[length]))
                length += 1 + strspn(text + length + 1, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return length > 0 && length <= COMPILE_NAME_MAX && text[length] == '\0';
}

char **compile_split(ProfileFile *file, const KeysLine *line, const char *separator, size_t max, KeysProblems *problems) {
        char *copy = g_strdup(line->value), **parts;
        size_t n = 1;

        for (const char *p = copy; *p; p++)
                n += *p == *separator;
        parts = g_new(char *, n + 1);
        g_ptr_array_add(file->memory, copy);
        g_ptr_array_add(file->memory, parts);

        for (size_t i = 0; i < n; i++) {
                parts[i] = copy;
                copy += strcspn(copy, separator);
                *copy++ = '\0';
                (void) g_strstrip(parts[i]);
        }
        if (*parts[n - 1] == '\0') /* a list may end with its separator, as in GKeyFile */
                n--;
        parts[n] = NULL;

        for (size_t i = 0; i < n; i++)
                if (*parts[i] == '\0') {
                        keys_problem(problems, line->line, "%s= has an empty entry: remove a \"%s\".", line->key, separator);
                        return NULL;
                }
        if (n == 0 || n > max) {
                keys_problem(problems, line->line, "%s= has %zu entries: it must have 1 to %zu.", line->key, n, max);
                return NULL;
        }

        return parts;
}

const void *compile_keep(ProfileFile *file, GArray *array, size_t *ret_n) {
        void *data;

        *ret_n = array->len;
        data = g_array_free(array, array->len == 0);
        if (data)
                g_ptr_array_add(file->memory, data);

        return data;
}

int compile_length_max(const VendorChar *ch) {
        return ch->length_max > 0 ? ch->length_max : (int) OMP_VALUE_MAX;
}

bool compile_within(const VendorChar *ch, int64_t offset, int64_t size) {
        int64_t max = compile_length_max(ch);

        return offset < 0 ? -offset <= max && offset + size <= 0 : offset + size <= max;
}

int compile_find_char(const ProfileFile *file, const KeysGroup *group, KeysProblems *problems) {
        const KeysLine *line = compile_required(group, "Char", problems);

        for (size_t i = 0; line && i < file->vendor.n_chars; i++)
                if (g_str_equal(file->vendor.chars[i].alias, line->value))
                        return (int) i;
        if (line)
                keys_problem(problems, line->line, "Char=%s: there is no [Characteristic %s].", line->value, line->value);

        return -ENOENT;
}

/* ---- Match ---- */

static const char *const term_names[] = {
        [PROFILE_TERM_NAME] = "name:", [PROFILE_TERM_MAKER] = "mfr:", [PROFILE_TERM_SERVICE] = "service:", [PROFILE_TERM_MODEL] = "model:",
};

/* "<company>[:<hex prefix>]" */
static bool parse_maker(char *text, ProfileTerm *term) {
        char *prefix = strchr(text, ':');
        int64_t company;
        int n = 0;

        if (prefix) {
                *prefix++ = '\0';
                n = octets_parse(prefix, term->prefix, NULL, sizeof(term->prefix));
        }
        if (number_parse(text, 0, 0xffff, &company) < 0 || n < 0 || (prefix && n == 0))
                return false;

        term->company = (uint16_t) company;
        term->n_prefix = (uint8_t) n;
        return true;
}

static bool parse_term(ProfileFile *file, char *text, ProfileTerm *ret) {
        char *argument = NULL, *lower;

        for (size_t i = 0; i < G_N_ELEMENTS(term_names); i++)
                if (g_str_has_prefix(text, term_names[i])) {
                        ret->kind = (ProfileTermKind) i;
                        argument = text + strlen(term_names[i]);
                }
        if (!argument)
                return false;

        switch (ret->kind) {
        case PROFILE_TERM_NAME:
        case PROFILE_TERM_MODEL:
                ret->text = argument;
                /* What fits everything would make every stranger ours. */
                return strlen(argument) <= GLOB_MAX && argument[strspn(argument, "*?")] != '\0';
        case PROFILE_TERM_MAKER:
                return parse_maker(argument, ret);
        case PROFILE_TERM_SERVICE:
                lower = g_ascii_strdown(argument, -1);
                g_ptr_array_add(file->memory, lower);
                ret->text = lower;
                return g_uuid_string_is_valid(lower);
        }

        g_assert_not_reached();
}

static bool parse_match(ProfileFile *file, const KeysLine *line, const char *text, KeysProblems *problems, ProfileMatch *ret) {
        const KeysLine part = { line->key, text, line->line };
        char **terms = compile_split(file, &part, "+", PROFILE_MATCH_TERMS_MAX, problems);

        *ret = (ProfileMatch) {};
        for (; terms && *terms; terms++) {
                ProfileTerm term = {};

                if (!parse_term(file, *terms, &term)) {
                        keys_problem(problems, line->line, "Match=%s: a term is service:<UUID>, name:<glob>, mfr:<company>[:<hex>] or "
                                     "model:<glob>, and a glob is not of * and ? alone.", *terms);
                        return false;
                }
                for (size_t i = 0; i < ret->n_terms; i++)
                        if (ret->terms[i].kind == term.kind) {
                                keys_problem(problems, line->line, "Match=%s: one term of a kind; write \";\" before what is another device.", text);
                                return false;
                        }
                ret->terms[ret->n_terms++] = term;
        }

        return ret->n_terms > 0;
}

static void read_match(const KeysGroup *group, ProfileFile *file, KeysProblems *problems) {
        const KeysLine *line = compile_required(group, "Match", problems);
        char **parts = line ? compile_split(file, line, ";", MATCHES_MAX, problems) : NULL;
        g_autoptr(GArray) matches = g_array_new(false, false, sizeof(ProfileMatch));

        for (; parts && *parts; parts++) {
                ProfileMatch match;

                if (parse_match(file, line, *parts, problems, &match))
                        g_array_append_val(matches, match);
        }
        file->match_line = line ? line->line : 0;
        file->matches = compile_keep(file, g_steal_pointer(&matches), &file->n_matches);
}

/* ---- [Profile] ---- */

static const char *read_text(const KeysGroup *group, const char *key, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, key);

        if (line && strlen(line->value) > TEXT_MAX)
                keys_problem(problems, line->line, "%s= is longer than %u octets.", key, TEXT_MAX);

        return line ? line->value : "";
}

static void read_area(const KeysGroup *group, VendorProfile *vendor, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, "AreaMm2");
        Fraction area;

        if (!line)
                return;
        if (fraction_parse(line->value, &area) < 0 || fraction_double(area) < 0 || fraction_double(area) * 100 > AREA_MAX_CENTI_MM2)
                keys_problem(problems, line->line, "AreaMm2=%s: write a decimal number from 0 to 655.35.", line->value);
        else
                vendor->area_centi_mm2 = (uint16_t) (fraction_double(area) * 100 + 0.5);
}

static void read_profile(const KeysGroup *group, ProfileFile *file, KeysProblems *problems) {
        VendorProfile *vendor = &file->vendor;
        const KeysLine *id = compile_required(group, "Id", problems);
        int64_t number = 0;
        unsigned choice = OMP_KIND_UNKNOWN;

        keys_check(group, profile_keys, problems);
        if (id && (!compile_is_name(id->value, ".") || !strchr(id->value, '.') || *id->value == '.'))
                keys_problem(problems, id->line, "Id=%s: write a name turned round, as com.example.pen, of a-z, 0-9, \"-\" and \".\".", id->value);
        vendor->id = id ? id->value : "";
        (void) compile_required(group, "Name", problems);
        vendor->name = read_text(group, "Name", problems);
        vendor->vendor = read_text(group, "Vendor", problems);
        vendor->model = read_text(group, "Model", problems);
        if (compile_choice(group, "Kind", kinds, G_N_ELEMENTS(kinds), problems, &choice))
                vendor->kind = (uint8_t) choice;
        if (compile_integer(group, "Priority", 0, 100, problems, &number))
                file->priority = (unsigned) number;
        if (compile_integer(group, "Needles", 0, NEEDLES_MAX, problems, &number))
                vendor->needles = (uint16_t) number;
        if (compile_integer(group, "MaxDepthUm", 0, DEPTH_MAX_UM, problems, &number))
                vendor->max_depth_um = (uint16_t) number;
        read_area(group, vendor, problems);
        choice = false;
        if (compile_choice(group, "StrokeMeaning", stroke_meanings, G_N_ELEMENTS(stroke_meanings), problems, &choice))
                vendor->stroke_is_pass = choice;
        read_match(group, file, problems);
}

/* ---- What the registry shows ---- */

/* What is not decoded may be a measurement. */
static bool measures(const VendorProfile *vendor, const VendorChar *ch) {
        for (unsigned i = 0; i < ch->n_fields; i++)
                if (!(housekeeping & UINT32_C(1) << vendor->fields[ch->first_field + i].meaning))
                        return true;

        return ch->n_fields == 0;
}

static unsigned use_of(const VendorProfile *vendor, const VendorChar *ch) {
        return (ch->use & (VENDOR_NOTIFY | VENDOR_INDICATE) ? PROFILE_FOLLOW : 0u) | (ch->use & VENDOR_READ ? PROFILE_READ_AT_CONNECT : 0u) |
               (ch->use & VENDOR_POLL ? PROFILE_POLL : 0u) | (measures(vendor, ch) ? PROFILE_MEASURES : 0u);
}

static void add_service(GArray *services, const char *uuid) {
        for (guint i = 0; i < services->len; i++)
                if (g_str_equal(g_array_index(services, const char *, i), uuid))
                        return;

        g_array_append_val(services, uuid);
}

/* Those that a match asks for, then those of its characteristics; NULL-terminated. */
static void collect_services(ProfileFile *file) {
        GArray *services = g_array_new(false, false, sizeof(char *));
        const char *end = NULL;
        size_t n;

        file->profile.needs_services = true;
        for (size_t i = 0; i < file->n_matches; i++) {
                bool service = false;

                for (size_t k = 0; k < file->matches[i].n_terms; k++)
                        if (file->matches[i].terms[k].kind == PROFILE_TERM_SERVICE) {
                                add_service(services, file->matches[i].terms[k].text);
                                service = true;
                        }
                if (!service)
                        file->profile.needs_services = false;
        }
        for (size_t i = 0; i < file->vendor.n_chars; i++)
                if (file->vendor.chars[i].service_uuid)
                        add_service(services, file->vendor.chars[i].service_uuid);

        g_array_append_val(services, end);
        file->profile.service_uuids = compile_keep(file, services, &n);
}

/* Advertisements are no characteristics. The one that is all there is to follow is needed: devices differ in the others. */
static void show(ProfileFile *file) {
        GArray *chars = g_array_new(false, true, sizeof(ProfileChar));
        ProfileChar *followed = NULL;
        unsigned n_followed = 0;

        for (size_t i = 0; i < file->vendor.n_chars; i++) {
                const VendorChar *ch = &file->vendor.chars[i];
                ProfileChar shown = { ch->uuid, ch->service_uuid, (int) i, use_of(&file->vendor, ch), ch->poll_sec };

                if (ch->source == VENDOR_GATT)
                        g_array_append_val(chars, shown);
        }
        for (guint i = 0; i < chars->len; i++)
                if (g_array_index(chars, ProfileChar, i).use & PROFILE_FOLLOW) {
                        followed = &g_array_index(chars, ProfileChar, i);
                        n_followed++;
                }
        if (n_followed == 1)
                followed->use |= PROFILE_REQUIRED;

        file->profile.id = file->vendor.id;
        file->profile.name = file->vendor.name;
        file->profile.vendor = &file->vendor;
        file->profile.chars = compile_keep(file, chars, &file->profile.n_chars);
        collect_services(file);
}

/* ---- The file ---- */

/* Of another format nothing but this is known. */
static const KeysGroup *find_profile(const GPtrArray *groups, KeysProblems *problems) {
        const KeysGroup *found = NULL;

        for (guint i = 0; !found && i < groups->len; i++)
                if (g_str_equal(((const KeysGroup *) groups->pdata[i])->kind, "Profile"))
                        found = groups->pdata[i];
        if (!found) {
                keys_problem(problems, 0, "There is no [Profile]: see docs/vendor-profiles.md for what a profile begins with.");
                return NULL;
        }

        const KeysLine *format = keys_get(found, "Format"), *driver = keys_get(found, "Driver");
        if (driver)
                keys_problem(problems, driver->line, "Driver= belongs to Format=2, which this needled does not read: update needled.");
        else if (!format)
                keys_problem(problems, found->line, "[Profile] needs Format=1.");
        else if (!g_str_equal(format->value, "1"))
                keys_problem(problems, format->line, "Format=%s is not known, only Format=1: update needled.", format->value);
        else
                return found;

        return NULL;
}

static void check_groups(const GPtrArray *groups, KeysProblems *problems) {
        for (guint i = 0; i < groups->len; i++) {
                const KeysGroup *group = groups->pdata[i];
                bool profile = g_str_equal(group->kind, "Profile");

                if (!g_strv_contains(group_kinds, group->kind))
                        keys_problem(problems, group->line, "[%s] is not known: it is Profile, Characteristic, Field, Action or Test.",
                                     group->kind);
                else if (profile && *group->name)
                        keys_problem(problems, group->line, "[Profile] is written without a name.");
                else if (!profile && !compile_is_name(group->name, ""))
                        keys_problem(problems, group->line, "[%s] needs a name of a-z, 0-9 and \"-\", %u at most.", group->kind,
                                     COMPILE_NAME_MAX);
        }
}

/* The characteristics, then the fields of each together. */
static void compile_chars(const GPtrArray *groups, ProfileFile *file, KeysProblems *problems) {
        GArray *chars = g_array_new(false, false, sizeof(VendorChar)), *fields = g_array_new(false, false, sizeof(VendorField));
        GPtrArray *of[VENDOR_CHARS_MAX];
        bool big_endian[VENDOR_CHARS_MAX];
        VendorChar *kept;

        for (guint i = 0; i < groups->len; i++) {
                const KeysGroup *group = groups->pdata[i];

                if (!g_str_equal(group->kind, "Characteristic"))
                        continue;
                if (chars->len == VENDOR_CHARS_MAX) {
                        keys_problem(problems, group->line, "There are more than %u characteristics: leave out what is not needed.",
                                     VENDOR_CHARS_MAX);
                        break;
                }
                of[chars->len] = g_ptr_array_new();
                VendorChar ch = compile_char(group, file, chars, problems, &big_endian[chars->len]);
                g_array_append_val(chars, ch);
        }
        file->vendor.chars = kept = (VendorChar *) compile_keep(file, chars, &file->vendor.n_chars);

        for (guint i = 0; i < groups->len; i++) {
                const KeysGroup *group = groups->pdata[i];
                int channel = g_str_equal(group->kind, "Field") ? compile_find_char(file, group, problems) : -ENOENT;

                if (channel >= 0)
                        g_ptr_array_add(of[channel], (void *) group);
        }
        for (size_t i = 0; i < file->vendor.n_chars; i++) {
                compile_fields(of[i], file, &kept[i], big_endian[i], fields, problems);
                g_ptr_array_unref(of[i]);
        }
        file->vendor.fields = compile_keep(file, fields, &file->vendor.n_fields);
}

static void compile_rest(const GPtrArray *groups, ProfileFile *file, KeysProblems *problems) {
        GArray *actions = g_array_new(false, false, sizeof(VendorAction)), *tests = g_array_new(false, false, sizeof(ProfileTest));

        for (guint i = 0; i < groups->len; i++) {
                const KeysGroup *group = groups->pdata[i];

                if (g_str_equal(group->kind, "Action") && actions->len < ACTIONS_MAX)
                        compile_action(group, file, actions, problems);
                else if (g_str_equal(group->kind, "Test") && tests->len < TESTS_MAX)
                        compile_test(group, file, tests, problems);
                else if (g_str_equal(group->kind, "Action") || g_str_equal(group->kind, "Test"))
                        keys_problem(problems, group->line, "There are more [%s] than needled takes: leave out what is not needed.", group->kind);
        }
        file->vendor.actions = compile_keep(file, actions, &file->vendor.n_actions);
        file->tests = compile_keep(file, tests, &file->n_tests);
}

/* A characteristic without Use= is only written. */
static void check_uses(const GPtrArray *groups, const ProfileFile *file, KeysProblems *problems) {
        for (size_t i = 0; i < file->vendor.n_chars; i++) {
                const VendorChar *ch = &file->vendor.chars[i];
                bool idle = ch->source == VENDOR_GATT && ch->use == 0, written = false;

                for (size_t k = 0; k < file->vendor.n_actions; k++)
                        written = written || file->vendor.actions[k].channel == i;
                for (guint k = 0; idle && (!written || ch->n_fields > 0) && k < groups->len; k++) {
                        const KeysGroup *group = groups->pdata[k];

                        if (g_str_equal(group->kind, "Characteristic") && g_str_equal(group->name, ch->alias) && !keys_get(group, "Use"))
                                keys_problem(problems, group->line, "[Characteristic %s] needs Use=: notify, indicate, read or poll:<seconds>.",
                                             ch->alias);
                }
        }
}

void compile_profile(const GPtrArray *groups, ProfileFile *file, KeysProblems *problems) {
        const KeysGroup *profile = find_profile(groups, problems);

        if (!profile)
                return;

        check_groups(groups, problems);
        read_profile(profile, file, problems);
        compile_chars(groups, file, problems);
        if (file->vendor.n_chars == 0)
                keys_problem(problems, profile->line, "There is no [Characteristic …]: nothing could be read from the device.");
        compile_rest(groups, file, problems);
        check_uses(groups, file, problems);
        if (problems->n > 0)
                return;

        /* All that it asks for was asked for above; if not, better refused than run. */
        if (vendor_check(&file->vendor) < 0)
                keys_problem(problems, 0, "It cannot be made into a program: its numbers do not fit together.");
        else
                show(file);
}
