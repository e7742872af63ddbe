/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "simulator/peripheral-vendor.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)

/* A profile with a counter of a small width, a sum of two fields, a list, a check, and what is only known by its name. */
static const char pen_text[] =
        "[Profile]\nFormat=1\nId=example.test\nName=Test pen\nVendor=Nobody\nModel=T1\nKind=pen\n"
        "Match=service:0000fff0-0000-1000-8000-00805f9b34fb+name:TP-?*\n"
        "[Characteristic data]\nUUID=0000fff1-0000-1000-8000-00805f9b34fb\nService=0000fff0-0000-1000-8000-00805f9b34fb\nUse=notify\n"
        "MinLength=12\nHeader=a5\nCheck=sum8;0;11;11\n"
        "[Field number]\nChar=data\nOffset=1\nType=u8\nWrap=8\nMeaning=sequence\n"
        "[Field minutes]\nChar=data\nOffset=2\nType=u8\nScale=60\nUnit=s\nMeaning=session-time\nCombine=sum\n"
        "[Field seconds]\nChar=data\nOffset=3\nType=u8\nUnit=s\nMeaning=session-time\nCombine=sum\n"
        "[Field strokes]\nChar=data\nOffset=4\nType=u8\nWrap=8\nMeaning=strokes-total\n"
        "[Field force]\nChar=data\nOffset=5\nType=u16\nScale=0.01\nUnit=N\nMeaning=force\nRepeat=2;3\n"
        "[Test t]\nChar=data\nHex=a5 00 00 00 00 00 00 00 00 00 00 a5\n"
        "Expect=number=0;minutes=0;seconds=0;strokes=0;force=0;force=0;force=0\n"
        "[Characteristic state]\nUUID=0000fff2-0000-1000-8000-00805f9b34fb\nService=0000fff3-0000-1000-8000-00805f9b34fb\nUse=read;notify\n"
        "[Field state]\nChar=state\nOffset=0\nType=u8\nEnum=7:idle;8:running\nMeaning=session-state\n"
        "[Test s]\nChar=state\nHex=07\nExpect=state=idle\n"
        "[Characteristic command]\nUUID=0000fff4-0000-1000-8000-00805f9b34fb\nService=0000fff0-0000-1000-8000-00805f9b34fb\n"
        "[Action halt]\nOn=stop-motor\nChar=command\nWrite=01 02\n";

/* A client on the other side of the air, which decodes what comes. */
typedef struct Air {
        ProfileFile *file;
        PeripheralConfig config;
        Peripheral *p;
        uint64_t now_usec;
        unsigned n[PERIPHERAL_CHARS_MAX];
        VendorReading last[PERIPHERAL_CHARS_MAX]; /* by index */
        GString *states;                /* each that came, once in a row */
        double strokes_max, force_max, time_max;
        unsigned sequence_gaps;
        double sequence;
} Air;

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static const VendorValue *find(const Air *air, unsigned index, VendorMeaning meaning) {
        for (unsigned i = 0; i < air->last[index].n; i++)
                if (air->file->vendor.fields[air->last[index].values[i].field].meaning == meaning)
                        return &air->last[index].values[i];
        return NULL;
}

static unsigned index_of(const Air *air, const char *alias) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        for (unsigned i = 0; i < n; i++)
                if (g_str_equal(chars[i].name, alias))
                        return i;
        g_assert_not_reached();
}

static unsigned channel_of(const Air *air, unsigned index) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        for (unsigned c = 0; c < air->file->vendor.n_chars; c++)
                if (g_str_equal(air->file->vendor.chars[c].alias, chars[index].name))
                        return c;
        g_assert_not_reached();
}

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        Air *air = userdata;
        const VendorValue *v;

        g_assert_true(peripheral_subscribed(air->p, index));
        g_assert_cmpuint(size, <=, 20);
        g_assert_cmpint(vendor_decode(&air->file->vendor, channel_of(air, index), data, size, &air->last[index]), ==, 0);
        air->n[index]++;
        if ((v = find(air, index, VENDOR_SESSION_STATE)) && !g_str_has_suffix(air->states->str, v->token->name))
                g_string_append_printf(air->states, "%s%s", air->states->len > 0 ? " " : "", v->token->name);
        if ((v = find(air, index, VENDOR_FORCE)))
                air->force_max = MAX(air->force_max, v->value);
        if ((v = find(air, index, VENDOR_STROKES_TOTAL)))
                air->strokes_max = MAX(air->strokes_max, v->value);
        if ((v = find(air, index, VENDOR_SEQUENCE))) {
                if (air->n[index] > 1)
                        air->sequence_gaps += v->value != (double) (((unsigned) air->sequence + 1) & 0xff);
                air->sequence = v->value;
        }
        return PERIPHERAL_SENT;
}

static const PeripheralOps ops = { .notify = on_notify };

static Air *air_of(ProfileFile *file) {
        Air *air = g_new0(Air, 1);

        air->file = file;
        air->now_usec = 1000 * SEC;
        air->states = g_string_new(NULL);
        peripheral_config_defaults(&air->config, OMP_KIND_PEN);
        air->config.make = peripheral_vendor_make;
        air->config.from = file;
        air->config.procedure_usec = 60 * SEC;
        air->p = peripheral_new(&air->config, &ops, air);
        peripheral_advance(air->p, air->now_usec);
        return air;
}

static Air *air_new(const char *text) {
        ProfileFile *file;

        g_assert_cmpint(profile_file_parse("test", text, strlen(text), on_report, NULL, &file), ==, 0);
        return air_of(file);
}

static Air *air_shipped(const char *name) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "daemon", "profiles", name, NULL);
        ProfileFile *file;

        g_assert_cmpint(profile_file_load(path, on_report, NULL, &file), ==, 0);
        return air_of(file);
}

static void air_free(Air *air) {
        peripheral_free(air->p);
        profile_file_free(air->file);
        g_string_free(air->states, TRUE);
        g_free(air);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Air, air_free)

static void run(Air *air, uint64_t usec) {
        uint64_t end = air->now_usec + usec, next;

        while ((next = MAX(peripheral_next(air->p), air->now_usec)) <= end) {
                air->now_usec = next;
                peripheral_advance(air->p, next);
                g_assert_cmpuint(peripheral_next(air->p), >, next); /* else a loop would turn for ever */
        }
        air->now_usec = end;
        peripheral_advance(air->p, end);
}

static void the_table_is_the_profiles(void) {
        g_autoptr(Air) air = air_new(pen_text);
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        /* Those of one service stand together. */
        g_assert_cmpuint(n, ==, 3);
        g_assert_cmpstr(chars[0].name, ==, "data");
        g_assert_cmpuint(chars[0].properties, ==, PERIPHERAL_NOTIFY);
        g_assert_cmpstr(chars[1].name, ==, "command");
        g_assert_cmpuint(chars[1].properties, ==, PERIPHERAL_WRITE);
        g_assert_cmpstr(chars[1].service, ==, "0000fff0-0000-1000-8000-00805f9b34fb");
        g_assert_cmpstr(chars[2].name, ==, "state");
        g_assert_cmpuint(chars[2].properties, ==, PERIPHERAL_READ | PERIPHERAL_NOTIFY);
        g_assert_cmpstr(chars[2].service, ==, "0000fff3-0000-1000-8000-00805f9b34fb");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_MANUFACTURER), ==, "Nobody");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_MODEL), ==, "T1");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_SERIAL), ==, "P000001");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_HARDWARE), ==, "");
}

static void it_advertises_what_its_match_asks_for(void) {
        g_autoptr(Air) air = air_new(pen_text);
        g_autofree char *name = peripheral_vendor_name(air->file);
        PeripheralAdvertisement shown;

        peripheral_advertisement(air->p, &shown);
        g_assert_cmpstr(shown.services[0], ==, "0000fff0-0000-1000-8000-00805f9b34fb");
        g_assert_null(shown.services[1]);
        g_assert_false(shown.has_manufacturer_data);
        g_assert_null(shown.service_data_uuid);
        g_assert_cmpstr(name, ==, "TP-x");
}

static void it_advertises_manufacturer_data(void) {
        g_auto(GStrv) parts = g_strsplit(pen_text, "service:0000fff0-0000-1000-8000-00805f9b34fb+name:TP-?*", 2);
        g_autofree char *other = g_strconcat(parts[0], "mfr:0x00dc:01 02", parts[1], NULL);
        g_autoptr(Air) air = air_new(other);
        g_autofree char *name = peripheral_vendor_name(air->file);
        PeripheralAdvertisement shown;

        peripheral_advertisement(air->p, &shown);
        g_assert_null(shown.services[0]);
        g_assert_true(shown.has_manufacturer_data);
        g_assert_cmpuint(shown.company, ==, 0x00dc);
        g_assert_cmpmem(shown.manufacturer_data, shown.manufacturer_data_size, "\x01\x02", 2);
        g_assert_cmpstr(name, ==, "");
}

/* Nobody wakes it while it rests: the time that went by is not made up for. */
static void a_start_after_a_rest_begins_now(void) {
        g_autoptr(Air) air = air_new(pen_text);
        unsigned data = index_of(air, "data"), before;

        peripheral_subscribe(air->p, data, true);
        run(air, SEC);
        before = air->n[data];
        air->now_usec += 60 * SEC;
        peripheral_start(air->p);
        peripheral_advance(air->p, air->now_usec);
        g_assert_cmpuint(air->n[data] - before, <=, 1);
        run(air, 10 * SEC);
        g_assert_cmpuint(air->n[data] - before, <=, 102); /* 10 Hz */
        g_assert_cmpuint(air->n[data] - before, >, 20);
}

static void what_it_sends_is_what_the_profile_decodes(void) {
        g_autoptr(Air) air = air_new(pen_text);
        unsigned data = index_of(air, "data"), state = index_of(air, "state");
        const VendorValue *minutes = NULL, *seconds = NULL;

        peripheral_subscribe(air->p, data, true);
        peripheral_subscribe(air->p, state, true);
        peripheral_start(air->p);
        run(air, 62 * SEC);
        for (unsigned i = 0; i < air->last[data].n; i++) {
                const VendorValue *v = &air->last[data].values[i];

                if (g_str_equal(air->file->vendor.fields[v->field].name, "minutes"))
                        minutes = v;
                if (g_str_equal(air->file->vendor.fields[v->field].name, "seconds"))
                        seconds = v;
        }
        g_assert_nonnull(minutes);
        g_assert_nonnull(seconds);
        g_assert_cmpfloat(seconds->value, <, 60);
        g_assert_cmpfloat(air->force_max, >, 300);
        g_assert_cmpfloat(air->strokes_max, >, 200);    /* it ran round at 256 */
        g_assert_cmpuint(air->sequence_gaps, ==, 0);
        g_assert_cmpuint(air->n[data], >, 100);
        g_assert_cmpuint(air->n[data], <=, 62 * 10 + 1); /* 10 Hz */
        /* The list says three times the same. */
        g_assert_cmpfloat(air->last[data].values[air->last[data].n - 1].value, ==, find(air, data, VENDOR_FORCE)->value);
        run(air, 60 * SEC);
        g_assert_cmpstr(air->states->str, ==, "idle running idle");
        g_assert_false(peripheral_running(air->p));
}

static void at_rest_it_says_how_it_is_once(void) {
        g_autoptr(Air) air = air_new(pen_text);
        unsigned data = index_of(air, "data"), state = index_of(air, "state");

        peripheral_subscribe(air->p, state, true);
        peripheral_subscribe(air->p, data, true);
        run(air, 3600 * SEC);
        peripheral_subscribe(air->p, state, true); /* 1 over 1: nothing new */
        run(air, SEC);
        g_assert_cmpuint(air->n[state], ==, 1);
        g_assert_cmpuint(air->n[data], ==, 1);
        g_assert_cmpuint(peripheral_next(air->p), ==, UINT64_MAX); /* it does not wake anybody */

        peripheral_disconnected(air->p);
        peripheral_start(air->p);
        run(air, 20 * SEC);
        g_assert_cmpuint(air->n[data], ==, 1);
}

static void it_can_be_read(void) {
        g_autoptr(Air) air = air_new(pen_text);
        uint8_t buf[PERIPHERAL_VALUE_MAX];
        unsigned state = index_of(air, "state");

        g_assert_cmpint(peripheral_read(air->p, state, buf, sizeof(buf)), ==, 1);
        g_assert_cmpuint(buf[0], ==, 7);
        peripheral_start(air->p);
        run(air, 30 * SEC);
        g_assert_cmpint(peripheral_read(air->p, state, buf, sizeof(buf)), ==, 1);
        g_assert_cmpuint(buf[0], ==, 8);
        g_assert_cmpint(peripheral_read(air->p, index_of(air, "data"), buf, sizeof(buf)), ==, -PERIPHERAL_READ_NOT_PERMITTED);
}

static void an_action_stops_it_and_nothing_starts_it(void) {
        g_autoptr(Air) air = air_new(pen_text);
        unsigned command = index_of(air, "command");

        peripheral_start(air->p);
        run(air, 20 * SEC);
        g_assert_true(peripheral_running(air->p));
        g_assert_cmpint(peripheral_write(air->p, command, (const uint8_t *) "\1\3", 2), ==, -PERIPHERAL_WRITE_NOT_PERMITTED);
        g_assert_cmpint(peripheral_write(air->p, index_of(air, "data"), (const uint8_t *) "\1\2", 2), ==, -PERIPHERAL_WRITE_NOT_PERMITTED);
        g_assert_cmpint(peripheral_write(air->p, command, (const uint8_t *) "\1\2", 2), ==, 0);
        run(air, 20 * SEC);
        g_assert_false(peripheral_running(air->p));
        g_assert_cmpint(peripheral_write(air->p, command, (const uint8_t *) "\1\2", 2), ==, 0);
        run(air, 20 * SEC);
        g_assert_false(peripheral_running(air->p));
        g_assert_cmpint(peripheral_control(air->p, "malformed", "1"), ==, -ENOENT);
}

/* What stops comes last, and holds, however close behind the button. */
static void a_stop_right_behind_a_start_holds(void) {
        g_autoptr(Air) air = air_new(pen_text);

        peripheral_start(air->p);
        g_assert_cmpint(peripheral_write(air->p, index_of(air, "command"), (const uint8_t *) "\1\2", 2), ==, 0);
        run(air, 20 * SEC);
        g_assert_false(peripheral_running(air->p));
}

/* Entries closer together than they are long: what they say is nonsense, and nothing worse happens. */
static void entries_that_overlap(void) {
        g_auto(GStrv) parts = g_strsplit(pen_text, "Repeat=2;3", 2);
        g_autofree char *text = g_strconcat(parts[0], "Repeat=1;3", parts[1], NULL);
        g_autoptr(Air) air = NULL;
        unsigned data;

        air = air_new(text);
        data = index_of(air, "data");
        peripheral_subscribe(air->p, data, true);
        peripheral_start(air->p);
        run(air, 10 * SEC);
        g_assert_cmpuint(air->n[data], >, 10);
}

static void it_begins_by_itself_if_told_to(void) {
        g_autoptr(Air) air = air_new(pen_text);

        peripheral_free(air->p);
        air->config.auto_start = true;
        air->p = peripheral_new(&air->config, &ops, air);
        peripheral_advance(air->p, air->now_usec);
        run(air, 10 * SEC);
        g_assert_false(peripheral_running(air->p));
        peripheral_subscribe(air->p, index_of(air, "state"), true);
        run(air, 2 * SEC);
        g_assert_true(peripheral_running(air->p));
}

static void the_same_seed_gives_the_same(void) {
        g_autoptr(Air) one = air_new(pen_text), two = air_new(pen_text);

        for (unsigned i = 0; i < 2; i++) {
                Air *air = i == 0 ? one : two;

                peripheral_subscribe(air->p, index_of(air, "data"), true);
                peripheral_start(air->p);
                run(air, 30 * SEC);
        }
        g_assert_cmpuint(one->n[index_of(one, "data")], ==, two->n[index_of(two, "data")]);
        g_assert_cmpfloat(one->force_max, ==, two->force_max);
}

/* Whatever is shipped can be played: every characteristic that notifies sends packets which its own profile takes. */
static void all_shipped_profiles(void) {
        static const char *const names[] = {
                "oralb.mnprofile", "philips-shaver.mnprofile", "simplepen.mnprofile", "sonicare.mnprofile", "tindeq.mnprofile",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Air) air = air_shipped(names[i]);
                unsigned n, sent = 0;
                const PeripheralChar *chars = peripheral_chars(air->p, &n);

                for (unsigned c = 0; c < n; c++)
                        if (chars[c].properties & (PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE))
                                peripheral_subscribe(air->p, c, true);
                peripheral_start(air->p);
                run(air, 60 * SEC);
                for (unsigned c = 0; c < n; c++)
                        sent += air->n[c];
                g_test_message("%s: %u packets", names[i], sent);
                g_assert_cmpuint(sent, >, 10);
        }
}

static void an_oral_b(void) {
        g_autoptr(Air) air = air_shipped("oralb.mnprofile");
        PeripheralAdvertisement shown;
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        peripheral_advertisement(air->p, &shown);
        g_assert_cmpstr(shown.services[0], ==, "a0f0ff00-5047-4d53-8208-4f72616c2d42");
        for (unsigned i = 0; i < n; i++)
                g_assert_cmpstr(chars[i].service, ==, "a0f0ff00-5047-4d53-8208-4f72616c2d42");
        peripheral_subscribe(air->p, index_of(air, "state"), true);
        peripheral_subscribe(air->p, index_of(air, "pressure"), true);
        peripheral_subscribe(air->p, index_of(air, "time"), true);
        run(air, 1 * SEC);
        peripheral_start(air->p);
        run(air, 100 * SEC);
        g_assert_cmpstr(air->states->str, ==, "idle ready running ready idle");
        g_assert_cmpuint(air->n[index_of(air, "pressure")], >, 3);
        g_assert_cmpuint(air->n[index_of(air, "time")], >, 30);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/peripheral-vendor/the-table-is-the-profiles", the_table_is_the_profiles);
        g_test_add_func("/peripheral-vendor/it-advertises-what-its-match-asks-for", it_advertises_what_its_match_asks_for);
        g_test_add_func("/peripheral-vendor/it-advertises-manufacturer-data", it_advertises_manufacturer_data);
        g_test_add_func("/peripheral-vendor/a-start-after-a-rest-begins-now", a_start_after_a_rest_begins_now);
        g_test_add_func("/peripheral-vendor/what-it-sends-is-what-the-profile-decodes", what_it_sends_is_what_the_profile_decodes);
        g_test_add_func("/peripheral-vendor/at-rest-it-says-how-it-is-once", at_rest_it_says_how_it_is_once);
        g_test_add_func("/peripheral-vendor/it-can-be-read", it_can_be_read);
        g_test_add_func("/peripheral-vendor/an-action-stops-it-and-nothing-starts-it", an_action_stops_it_and_nothing_starts_it);
        g_test_add_func("/peripheral-vendor/a-stop-right-behind-a-start-holds", a_stop_right_behind_a_start_holds);
        g_test_add_func("/peripheral-vendor/entries-that-overlap", entries_that_overlap);
        g_test_add_func("/peripheral-vendor/it-begins-by-itself-if-told-to", it_begins_by_itself_if_told_to);
        g_test_add_func("/peripheral-vendor/the-same-seed-gives-the-same", the_same_seed_gives_the_same);
        g_test_add_func("/peripheral-vendor/all-shipped-profiles", all_shipped_profiles);
        g_test_add_func("/peripheral-vendor/an-oral-b", an_oral_b);
        return g_test_run();
}
