/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "link/device.h"
#include "link/private.h"

/* Names are the contract of Device1.State and StateReason: each value has one, and no two the same. */
static void test_names(void) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (int s = 0; s < _DEVICE_STATE_MAX; s++) {
                g_assert_nonnull(device_state_name((DeviceState) s));
                g_assert_true(g_hash_table_add(seen, (void *) device_state_name((DeviceState) s)));
        }
        g_hash_table_remove_all(seen);
        for (int r = 0; r < _DEVICE_REASON_MAX; r++) {
                g_assert_nonnull(device_reason_name((DeviceReason) r));
                g_assert_true(g_hash_table_add(seen, (void *) device_reason_name((DeviceReason) r)));
        }
        g_assert_cmpstr(device_reason_name(DEVICE_REASON_NONE), ==, "");
        g_assert_cmpstr(device_state_name(DEVICE_BOND_LOST), ==, "bond-lost");
}

static bool can_reach(DeviceState from, DeviceState to) {
        bool seen[_DEVICE_STATE_MAX] = {};

        seen[from] = true;
        for (int round = 0; round < _DEVICE_STATE_MAX; round++)
                for (int a = 0; a < _DEVICE_STATE_MAX; a++)
                        for (int b = 0; seen[a] && b < _DEVICE_STATE_MAX; b++)
                                seen[b] |= device_may_enter((DeviceState) a, (DeviceState) b);

        return seen[to];
}

/* No state is a trap: from each an adopted device can come to streaming again. */
static void test_no_dead_end(void) {
        for (int s = 0; s < _DEVICE_STATE_MAX; s++)
                g_assert_true(can_reach((DeviceState) s, DEVICE_STREAMING));
}

static void test_matrix(void) {
        /* Nothing streams that was not made ready, and nothing connected is "found" again once it streams.
         */
        for (int s = 0; s < _DEVICE_STATE_MAX; s++) {
                bool may = s == DEVICE_READY || s == DEVICE_STREAMING || s == DEVICE_SYNCING;

                g_assert_cmpint(device_may_enter((DeviceState) s, DEVICE_STREAMING), ==, may);
        }
        g_assert_false(device_may_enter(DEVICE_STREAMING, DEVICE_FOUND));
        g_assert_false(device_may_enter(DEVICE_FOUND, DEVICE_READY));
        g_assert_false(device_may_enter(DEVICE_WAITING, DEVICE_STREAMING));
        g_assert_true(device_may_enter(DEVICE_STREAMING, DEVICE_WAITING));
        g_assert_true(device_may_enter(DEVICE_BONDING, DEVICE_FOUND));
        g_assert_true(device_may_enter(DEVICE_REFUSED, DEVICE_RESOLVING));
        /* It may turn out to be another one, or lose what it requires, when it streams already. */
        g_assert_true(device_may_enter(DEVICE_STREAMING, DEVICE_REFUSED));
        g_assert_true(device_may_enter(DEVICE_STREAMING, DEVICE_RESOLVING));
        /* Whatever it is, once adopted it can be let go of. */
        for (int s = DEVICE_KNOWN; s < _DEVICE_STATE_MAX; s++)
                g_assert_true(device_may_enter((DeviceState) s, DEVICE_RELEASED));
        /* Another reason in the same state. */
        for (int s = 0; s < _DEVICE_STATE_MAX; s++)
                g_assert_true(device_may_enter((DeviceState) s, (DeviceState) s));
}

/* From the air comes anything: what is kept is short, printable and valid UTF-8. */
static void test_text_from_the_air(void) {
        static const struct {
                const char *in;
                size_t size;
                const char *out;
        } cases[] = {
                { "Pen S1", 6, "Pen S1" },
                { "Pen S1\0\0", 8, "Pen S1" },
                { "", 0, "" },
                { "\0\0", 2, "" },
                { "a\nb\033[31mc", 9, "a?b?[31mc" },
                { "  x ", 4, "x" },
                { "\xff\xfe", 2, "\uFFFD\uFFFD" },
                { "a\0b", 3, "a\uFFFDb" },
                { "gr\xc3\xb6\xc3", 5, "grö\uFFFD" },
                { "\xc2\x9b" "31m", 5, "??31m" }, /* a C1 control, the one-octet CSI of some terminals */
                { "a\u202eb\u2066c\u2028", 12, "a???b???c???" }, /* the text behind it, turned around; a line's end */
                { "a\u200db", 5, "a\u200db" }, /* within a letter of some scripts */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = device_text(cases[i].in, cases[i].size);

                g_assert_cmpstr(text, ==, cases[i].out);
        }

        g_autofree char *many = g_strnfill(5000, 'x'), *text = device_text(many, 5000);
        g_assert_cmpuint(strlen(text), ==, 64);

        g_autoptr(GString) wide = g_string_new(NULL);
        for (int i = 0; i < 100; i++)
                g_string_append(wide, "ö");
        g_autofree char *cut = device_text(wide->str, wide->len);
        g_assert_cmpint(g_utf8_strlen(cut, -1), ==, 64);
        g_assert_true(g_utf8_validate(cut, -1, NULL));
}

/* 0.25 s, doubled to 8 s, then 30 s; ±20 %, so that no two come back in step. */
static void test_backoff(void) {
        static const double expected_sec[] = { 0.25, 0.5, 1, 2, 4, 8, 30, 30 };

        for (unsigned i = 0; i < G_N_ELEMENTS(expected_sec); i++)
                for (int n = 0; n < 100; n++) {
                        double delay_sec = (double) reconnect_delay(i) / G_USEC_PER_SEC;

                        g_assert_cmpfloat(delay_sec, >=, expected_sec[i] * 0.79);
                        g_assert_cmpfloat(delay_sec, <=, expected_sec[i] * 1.21);
                }
        g_assert_cmpuint(reconnect_delay(UINT_MAX), <=, 40 * G_USEC_PER_SEC);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/device/names", test_names);
        g_test_add_func("/device/no-dead-end", test_no_dead_end);
        g_test_add_func("/device/matrix", test_matrix);
        g_test_add_func("/device/text-from-the-air", test_text_from_the_air);
        g_test_add_func("/device/backoff", test_backoff);
        return g_test_run();
}
