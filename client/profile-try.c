/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "client/output.h"
#include "client/profile.h"
#include "client/table.h"
#include "client/tape-file.h"
#include "client/text.h"
#include "profiles/number.h"

#define USEC 1000000.0

typedef struct Trial {
        Client *client;
        const VendorProfile *vendor;
        VendorReading reading;
        uint64_t packets, rejected;
} Trial;

static char *rejection(const VendorChar *ch, int error, size_t size) {
        switch (-error) {
        case EMSGSIZE:
                return g_strdup_printf("%zu octets are not what its length, or that of a field, allows (%u to %u)",
                                       size, ch->length_min, ch->length_max > 0 ? ch->length_max : OMP_VALUE_MAX);
        case EPROTO:
                return g_strdup("its header is another");
        case EBADMSG:
                return g_strdup("its check is wrong");
        default:
                return g_strdup(g_strerror(-error));
        }
}

/* A field that repeats has an entry for each. */
static char *value_name(const VendorProfile *vendor, const VendorValue *value) {
        const VendorField *field = &vendor->fields[value->field];

        return field->count == VENDOR_COUNT_ONE ? g_strdup(field->name) : g_strdup_printf("%s[%u]", field->name, value->entry);
}

/* The one that the value comes in. */
static const char *value_unit(const VendorField *field) {
        return field->meaning != VENDOR_NONE || !field->unit ? vendor_meaning_unit(field->meaning) : field->unit;
}

static json_t *value_json(const VendorProfile *vendor, const VendorValue *value) {
        const VendorField *field = &vendor->fields[value->field];
        g_autofree char *text = profile_value_format(vendor, value);
        bool word = value->token || value->unknown_token;
        json_t *json = json_pack("{s:s s:o s:s}", "field", field->name, "value",
                                 word ? json_string(text) : json_real(value->value), "unit", value_unit(field));

        if (field->meaning != VENDOR_NONE)
                json_object_set_new(json, "meaning", json_string(vendor_meaning_name(field->meaning)));
        if (field->count != VENDOR_COUNT_ONE)
                json_object_set_new(json, "entry", json_integer(value->entry));
        return json;
}

static json_t *packet_json(const Trial *t, unsigned channel, const char *rejected) {
        json_t *json = json_pack("{s:s}", "characteristic", t->vendor->chars[channel].alias), *values;

        if (rejected) {
                json_object_set_new(json, "rejected", json_string(rejected));
                return json;
        }

        values = json_array();
        for (unsigned i = 0; i < t->reading.n; i++)
                json_array_append_new(values, value_json(t->vendor, &t->reading.values[i]));
        json_object_set_new(json, "values", values);
        return json;
}

static void print_values(const Trial *t) {
        static const char *const titles[] = { "FIELD", "MEANING", ">VALUE", "UNIT" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));

        for (unsigned i = 0; i < t->reading.n; i++) {
                const VendorValue *value = &t->reading.values[i];
                const VendorField *field = &t->vendor->fields[value->field];
                g_autofree char *name = value_name(t->vendor, value), *text = profile_value_format(t->vendor, value);
                const char *unit = value_unit(field);

                table_add(table, name, STYLE_PLAIN);
                table_add(table, vendor_meaning_name(field->meaning), STYLE_PLAIN);
                table_add(table, text, value->unknown_token ? STYLE_WARN : STYLE_PLAIN);
                table_add(table, strcmp(unit, "1") == 0 ? "" : unit, STYLE_PLAIN);
        }

        if (table_rows(table) > 0)
                table_print(table, !options_has(&t->client->options, OPTION_NO_LEGEND));
        else
                output_say("The packet is good, and has no values.");
}

static char *decode(Trial *t, unsigned channel, const uint8_t *data, size_t size) {
        int r = vendor_decode(t->vendor, channel, data, size, &t->reading);

        t->packets++;
        if (r >= 0)
                return NULL;

        t->rejected++;
        return rejection(&t->vendor->chars[channel], r, size);
}

static Exit choose_channel(const Trial *t, const char *alias, unsigned *ret) {
        for (unsigned i = 0; i < t->vendor->n_chars; i++)
                if (alias ? strcmp(t->vendor->chars[i].alias, alias) == 0 : t->vendor->n_chars == 1) {
                        *ret = i;
                        return EXIT_DONE;
                }

        if (alias)
                output_error("The profile %s has no characteristic '%s'. 'needlectl profile show' lists them.",
                             t->vendor->id, alias);
        else
                output_error(
                        "The profile %s has several characteristics: say with --char where the packet came from.",
                        t->vendor->id);
        return EXIT_USAGE;
}

static Exit try_hex(Trial *t, const char *hex) {
        g_autofree char *rejected = NULL;
        uint8_t data[OMP_VALUE_MAX];
        unsigned channel;
        Exit e;
        int n;

        e = choose_channel(t, t->client->options.value[OPTION_CHAR], &channel);
        if (e != EXIT_DONE)
                return e;
        n = octets_parse(hex, data, NULL, sizeof data);
        if (n == -EMSGSIZE)
                output_error("A packet has at most %u octets.", OMP_VALUE_MAX);
        else if (n < 0)
                output_error("--hex takes octets of two digits, as \"a5 01 00\", not '%s'.", hex);
        if (n < 0)
                return EXIT_USAGE;

        rejected = decode(t, channel, data, (size_t) n);
        if (client_wants_json(t->client)) {
                json_auto *json = packet_json(t, channel, rejected);

                output_json(json);
        } else if (!rejected)
                print_values(t);
        if (rejected)
                output_error("The packet is rejected: %s.", rejected);

        return rejected ? EXIT_FAILED : EXIT_DONE;
}

static void try_line(Trial *t, const TapeLine *line, unsigned channel) {
        g_autofree char *rejected = decode(t, channel, line->data, line->size), *values = NULL, *printable = NULL;

        if (client_wants_json(t->client)) {
                json_auto *json = packet_json(t, channel, rejected);

                json_object_set_new(json, "time", json_integer((json_int_t) line->time_usec));
                output_json_line(json);
                return;
        }

        values = rejected ? g_strconcat("rejected: ", rejected, NULL) : profile_reading_format(t->vendor, &t->reading);
        printable = text_printable(values);
        printf("%12.6f  %s  %s\n", (double) line->time_usec / USEC, t->vendor->chars[channel].alias, printable);
}

/* Each packet of the tape that is of one of the profile's characteristics. */
static Exit try_tape(Trial *t, const char *path) {
        const char *alias = t->client->options.value[OPTION_CHAR];
        g_auto(TapeFile) tape = {};
        TapeLine line;
        unsigned wanted = 0;
        Exit e;
        int r;

        e = alias ? choose_channel(t, alias, &wanted) : EXIT_DONE;
        if (e == EXIT_DONE)
                e = tape_file_open(&tape, path);
        if (e != EXIT_DONE)
                return e;

        while ((r = tape_file_next(&tape, &line)) > 0) {
                int channel = line.item == TAPE_FRAME && line.direction == FRAME_FROM_DEVICE
                                      ? tape_file_channel(&tape.reader.head, line.channel, t->vendor) : -ENOENT;

                if (channel >= 0 && (!alias || (unsigned) channel == wanted))
                        try_line(t, &line, (unsigned) channel);
        }

        output_say("%" PRIu64 " packets of %s, %" PRIu64 " rejected.", t->packets, t->vendor->id, t->rejected);
        if (r < 0)
                output_error("%s", tape.problem);
        if (r < 0 || t->rejected > 0)
                return EXIT_FAILED;
        return t->packets > 0 ? EXIT_DONE : EXIT_NOTHING_TO_DO;
}

Exit profile_try(Client *client) {
        const char *hex = client->options.value[OPTION_HEX], *tape = client->options.value[OPTION_TAPE];
        g_autoptr(Profiles) profiles = NULL;
        g_autoptr(ProfileFile) own = NULL;
        g_autofree Trial *trial = NULL;
        const ProfileFile *file = NULL;
        Exit e;

        if (!hex == !tape) {
                output_error("Say what to try: a packet with --hex, or the packets of a tape with --tape.");
                return EXIT_USAGE;
        }

        profiles = client_profiles(NULL, NULL);
        e = profile_find(profiles, client_arg(client, 0), &own, &file);
        if (e != EXIT_DONE)
                return e;

        trial = g_new0(Trial, 1);
        trial->client = client;
        trial->vendor = &file->vendor;
        return hex ? try_hex(trial, hex) : try_tape(trial, tape);
}
