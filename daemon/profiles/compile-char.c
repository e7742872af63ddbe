/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/compile.h"

#include <errno.h>
#include <string.h>

#include "profiles/number.h"

/* [Characteristic], and what is said about one: [Action] and [Test]. */

#define POLL_SEC_MAX 86400
#define EXPECTATIONS_MAX 1024u

static const char *const char_keys[] = {
        "UUID", "Source", "Service", "Use", "Endian", "MinLength", "MaxLength", "Header", "Check", NULL,
};
static const char *const action_keys[] = { "On", "Char", "Write", "Mode", NULL };
static const char *const test_keys[] = { "Char", "Hex", "Expect", NULL };

static const CompileName endians[] = { { "le", false }, { "be", true } };
static const CompileName modes[] = { { "request", false }, { "command", true } };
static const CompileName checks[] = {
        { "sum8", VENDOR_CHECK_SUM8 }, { "xor8", VENDOR_CHECK_XOR8 }, { "crc16-mcrf4xx", VENDOR_CHECK_CRC16_MCRF4XX },
};
static const CompileName whens[] = {
        { "connect", VENDOR_ON_CONNECT }, { "start", VENDOR_ON_START },           { "stop", VENDOR_ON_STOP },
        { "tare", VENDOR_ON_TARE },       { "stop-motor", VENDOR_ON_STOP_MOTOR },
};
static const CompileName expectations[] = {
        { "length", PROFILE_EXPECT_LENGTH }, { "header", PROFILE_EXPECT_HEADER }, { "check", PROFILE_EXPECT_CHECK },
};

/* Checked and made lower case; it lives as long as the file. */
static const char *read_uuid(ProfileFile *file, const char *text) {
        char *uuid = g_ascii_strdown(text, -1);

        g_ptr_array_add(file->memory, uuid);
        return g_uuid_string_is_valid(uuid) ? uuid : NULL;
}

/* "manufacturer-data:<company>", "service-data:<uuid>" */
static void read_source(ProfileFile *file, const KeysLine *line, VendorChar *ch, KeysProblems *problems) {
        const char *argument = strchr(line->value, ':');
        int64_t company;

        argument = argument ? argument + 1 : "";
        ch->source = VENDOR_MANUFACTURER_DATA;
        if (g_str_has_prefix(line->value, "manufacturer-data:") && number_parse(argument, 0, 0xffff, &company) >= 0) {
                ch->company = (uint16_t) company;
                return;
        }
        if (g_str_has_prefix(line->value, "service-data:")) {
                ch->source = VENDOR_SERVICE_DATA;
                ch->uuid = read_uuid(file, argument);
                if (ch->uuid)
                        return;
        }
        keys_problem(problems, line->line, "Source=%s: write manufacturer-data:<company, as 0x00dc> or service-data:<UUID of 128 bits>.",
                     line->value);
}

static void read_identity(const KeysGroup *group, ProfileFile *file, VendorChar *ch, KeysProblems *problems) {
        const KeysLine *uuid = keys_get(group, "UUID"), *source = keys_get(group, "Source"), *service = keys_get(group, "Service");

        if (!uuid == !source) {
                keys_problem(problems, group->line, "[Characteristic %s] needs UUID= or Source=, one of the two.", group->name);
                ch->uuid = ""; /* what else is wrong is told too */
                return;
        }
        if (source)
                read_source(file, source, ch, problems);
        else if (!(ch->uuid = read_uuid(file, uuid->value)))
                keys_problem(problems, uuid->line, "UUID=%s: write all 128 bits, as 0000ffe1-0000-1000-8000-00805f9b34fb.", uuid->value);
        if (service && source)
                keys_problem(problems, service->line, "Service= is of characteristics: an advertisement has none.");
        else if (service && !(ch->service_uuid = read_uuid(file, service->value)))
                keys_problem(problems, service->line, "Service=%s: write all 128 bits, as 0000ffe0-0000-1000-8000-00805f9b34fb.",
                             service->value);
}

/* "notify;indicate;read;poll:<seconds>" */
static void read_use(const KeysGroup *group, ProfileFile *file, VendorChar *ch, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, "Use");
        char **parts;
        int64_t sec;

        if (ch->source != VENDOR_GATT) {
                if (line)
                        keys_problem(problems, line->line, "Use= is of characteristics: an advertisement just comes.");
                return;
        }
        parts = line ? compile_split(file, line, ";", 4, problems) : NULL;
        for (; parts && *parts; parts++)
                if (g_str_equal(*parts, "notify"))
                        ch->use |= VENDOR_NOTIFY;
                else if (g_str_equal(*parts, "indicate"))
                        ch->use |= VENDOR_INDICATE;
                else if (g_str_equal(*parts, "read"))
                        ch->use |= VENDOR_READ;
                else if (g_str_has_prefix(*parts, "poll:") && number_parse(*parts + 5, 1, POLL_SEC_MAX, &sec) >= 0) {
                        ch->use |= VENDOR_POLL;
                        ch->poll_sec = (unsigned) sec;
                } else
                        keys_problem(problems, line->line, "Use=%s is not known: it is notify, indicate, read or poll:<seconds, to %u>.", *parts,
                                     POLL_SEC_MAX);
}

static void read_lengths(const KeysGroup *group, VendorChar *ch, KeysProblems *problems) {
        int64_t min = 0, max = 0;

        (void) compile_integer(group, "MinLength", 1, OMP_VALUE_MAX, problems, &min);
        if (compile_integer(group, "MaxLength", 1, OMP_VALUE_MAX, problems, &max) && max < min)
                keys_problem(problems, keys_get(group, "MaxLength")->line, "MaxLength= is less than MinLength=.");
        ch->length_min = (uint16_t) min;
        ch->length_max = (uint16_t) MAX(max, max > 0 ? min : 0);
}

static void read_header(const KeysGroup *group, VendorChar *ch, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, "Header");
        int n = line ? octets_parse(line->value, ch->header, ch->header_mask, VENDOR_HEADER_MAX) : 0;

        if (line && n <= 0)
                keys_problem(problems, line->line, "Header=%s: write hex octets, ?? for any, %u at most.", line->value, VENDOR_HEADER_MAX);
        else if (ch->length_max > 0 && n > ch->length_max)
                keys_problem(problems, line->line, "Header= is beyond the characteristic's length of %u.", ch->length_max);
        else
                ch->n_header = (uint8_t) n;
}

/* "<kind>;<start>;<end>;<position>" */
static void read_check(const KeysGroup *group, ProfileFile *file, VendorChar *ch, KeysProblems *problems) {
        const KeysLine *line = keys_get(group, "Check");
        char **parts = line ? compile_split(file, line, ";", 4, problems) : NULL;
        int64_t numbers[3], limit = OMP_VALUE_MAX;
        unsigned kind = VENDOR_CHECK_NONE;

        if (!line)
                return;
        for (size_t i = 0; parts && i < G_N_ELEMENTS(checks); i++)
                if (g_str_equal(parts[0], checks[i].name))
                        kind = checks[i].value;
        for (size_t i = 0; kind != VENDOR_CHECK_NONE && i < 3; i++)
                if (g_strv_length(parts) != 4 || number_parse(parts[i + 1], -limit, limit - 1, &numbers[i]) < 0 ||
                    !compile_within(ch, numbers[i], i == 2 && kind == VENDOR_CHECK_CRC16_MCRF4XX ? 2 : i == 2))
                        kind = VENDOR_CHECK_NONE;
        if (kind == VENDOR_CHECK_NONE) {
                keys_problem(problems, line->line, "Check=%s: write sum8, xor8 or crc16-mcrf4xx;<start>;<end>;<position>, within the "
                             "characteristic's length.", line->value);
                return;
        }

        ch->check = (uint8_t) kind;
        ch->check_start = (int16_t) numbers[0];
        ch->check_end = (int16_t) numbers[1];
        ch->check_at = (int16_t) numbers[2];
}

static bool same_char(const VendorChar *a, const VendorChar *b) {
        return a->source == b->source && a->company == b->company && g_strcmp0(a->uuid, b->uuid) == 0 &&
               (!a->service_uuid || !b->service_uuid || g_str_equal(a->service_uuid, b->service_uuid));
}

VendorChar compile_char(const KeysGroup *group, ProfileFile *file, const GArray *before, KeysProblems *problems, bool *ret_big_endian) {
        VendorChar ch = { .alias = group->name };
        unsigned endian = false;

        keys_check(group, char_keys, problems);
        read_identity(group, file, &ch, problems);
        read_use(group, file, &ch, problems);
        (void) compile_choice(group, "Endian", endians, G_N_ELEMENTS(endians), problems, &endian);
        read_lengths(group, &ch, problems);
        read_header(group, &ch, problems);
        read_check(group, file, &ch, problems);
        for (guint i = 0; i < before->len; i++)
                if (same_char(&g_array_index(before, VendorChar, i), &ch))
                        keys_problem(problems, group->line, "[Characteristic %s] is the same as [Characteristic %s]: make them one.", ch.alias,
                                     g_array_index(before, VendorChar, i).alias);

        *ret_big_endian = endian;
        return ch;
}

void compile_action(const KeysGroup *group, const ProfileFile *file, GArray *actions, KeysProblems *problems) {
        VendorAction action = { .name = group->name };
        const KeysLine *write = compile_required(group, "Write", problems);
        int channel = compile_find_char(file, group, problems), size;
        unsigned choice = 0;

        keys_check(group, action_keys, problems);
        if (compile_required(group, "On", problems) && compile_choice(group, "On", whens, G_N_ELEMENTS(whens), problems, &choice))
                action.when = (uint8_t) choice;
        choice = false;
        if (compile_choice(group, "Mode", modes, G_N_ELEMENTS(modes), problems, &choice))
                action.command = choice;
        size = write ? octets_parse(write->value, action.data, NULL, sizeof(action.data)) : 0;
        if (write && size <= 0)
                keys_problem(problems, write->line, "Write=%s: write hex octets, %zu at most.", write->value, sizeof(action.data));
        if (channel >= 0 && file->vendor.chars[channel].source != VENDOR_GATT)
                keys_problem(problems, group->line, "[Action %s]: an advertisement cannot be written.", group->name);

        action.size = (uint8_t) MAX(size, 0);
        action.channel = (uint8_t) MAX(channel, 0);
        g_array_append_val(actions, action);
}

/* "field=value;…" */
static void read_values(const KeysLine *line, ProfileFile *file, ProfileTest *test, KeysProblems *problems) {
        g_autoptr(GArray) values = g_array_new(false, false, sizeof(ProfileExpectation));
        char **parts = *line->value ? compile_split(file, line, ";", EXPECTATIONS_MAX, problems) : NULL;

        for (; parts && *parts; parts++) {
                char *equal = strchr(*parts, '=');
                ProfileExpectation value = { *parts, equal ? equal + 1 : "" };

                if (!equal || !*value.value) {
                        keys_problem(problems, line->line, "Expect=%s: write field=value;…, or length, header or check.", line->value);
                        return;
                }
                *equal = '\0';
                g_array_append_val(values, value);
        }
        test->values = compile_keep(file, g_steal_pointer(&values), &test->n_values);
}

void compile_test(const KeysGroup *group, ProfileFile *file, GArray *tests, KeysProblems *problems) {
        const KeysLine *hex = keys_get(group, "Hex"), *expect = keys_get(group, "Expect");
        int channel = compile_find_char(file, group, problems), size;
        uint8_t *data;
        ProfileTest test = { .name = group->name };

        keys_check(group, test_keys, problems);
        if (!hex || !expect) {
                keys_problem(problems, group->line, "[Test %s] needs Hex= and Expect=.", group->name);
                return;
        }

        data = g_malloc(strlen(hex->value) / 2 + 1);
        g_ptr_array_add(file->memory, data);
        size = octets_parse(hex->value, data, NULL, MIN(strlen(hex->value) / 2, OMP_VALUE_MAX + 1)); /* one too many can be tested too */
        if (size < 0)
                keys_problem(problems, hex->line, "Hex=: write the packet's octets in hex, %u at most.", OMP_VALUE_MAX + 1);
        for (size_t i = 0; i < G_N_ELEMENTS(expectations); i++)
                if (g_str_equal(expect->value, expectations[i].name))
                        test.expect = (ProfileExpect) expectations[i].value;
        if (test.expect == PROFILE_EXPECT_VALUES)
                read_values(expect, file, &test, problems);

        test.line = expect->line;
        test.channel = (unsigned) MAX(channel, 0);
        test.data = data;
        test.size = (size_t) MAX(size, 0);
        g_array_append_val(tests, test);
}
