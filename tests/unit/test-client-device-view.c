/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdlib.h>

#include "client/device-view.h"
#include "client/devices.h"
#include "client/json.h"

#define NOW UINT64_C(1770127200000000)  /* 2026-02-03 14:00 UTC */
#define MINUTE UINT64_C(60000000)

static json_t *device(const char *state, const char *reason, uint64_t retry_usec) {
        json_t *d = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "address", "C0:FF:EE:12:34:56", "alias", "pen", "kind", "pen",
                              "state", state, "state_reason", reason, "adopted", 1, "state_since", (json_int_t) (NOW - 5 * MINUTE));

        if (retry_usec > 0)
                json_object_set_new(d, "retry_at", json_integer((json_int_t) retry_usec));
        return d;
}

static void assert_reason(const char *state, const char *reason, uint64_t retry_usec, const char *expected) {
        json_auto *d = device(state, reason, retry_usec);
        g_autofree char *text = device_view_reason(d, NOW);

        g_assert_cmpstr(text, ==, expected);
}

/* Each reason of the interface says what is waited for, or what helps. */
static void test_every_reason(void) {
        assert_reason("streaming", "", 0, NULL);
        assert_reason("waiting", "away", 0, "waits for the device: out of reach or switched off");
        assert_reason("waiting", "backoff", 0, "waits for the device, which did not answer");
        assert_reason("waiting", "adapter-off", 0, "waits for the Bluetooth adapter: bluetoothctl power on");
        assert_reason("waiting", "no-adapter", 0, "waits for a Bluetooth adapter: none is plugged in");
        assert_reason("waiting", "no-bluetoothd", 0, "waits for bluetoothd: systemctl start bluetooth");
        assert_reason("waiting", "suspended", 0, "waits for the computer to wake up");
        assert_reason("released", "released", 0, "released until it is taken back: needlectl connect pen");
        assert_reason("waiting", "held-elsewhere", 0, "another host is connected to it, a phone perhaps");
        assert_reason("waiting", "notifications-held", 0, "another program of this computer holds its notifications");
        assert_reason("waiting", "disconnected-by-other", 0, "another program of this computer disconnected it");
        assert_reason("waiting", "timeout", 0, "did not answer in time");
        assert_reason("refused", "services-missing", 0, "services are missing: switch it off and on, or: needlectl adopt pen");
        assert_reason("refused", "profile-major", 0, "its profile is of a newer major version: update needled");
        assert_reason("refused", "identity-changed", 0, "another device answers; if that is right: needlectl adopt pen");
        assert_reason("bond-lost", "key-missing", 0, "the bond is lost: needlectl adopt pen");
        assert_reason("bond-lost", "pairing-failed", 0, "pairing failed: put it in pairing mode: needlectl adopt pen");
        assert_reason("waiting", "newer", 0, "newer");
}

static void test_times(void) {
        assert_reason("waiting", "backoff", NOW + 8000000, "waits for the device, which did not answer, next try in 8s");
        assert_reason("waiting", "backoff", NOW - 1, "waits for the device, which did not answer"); /* it is under way */
        assert_reason("released", "released", NOW + 245 * MINUTE, "released until 18:05");
        assert_reason("released", "released", NOW + 24 * 60 * MINUTE, "released until 2026-02-04 14:00");
}

static void test_the_command_can_be_typed(void) {
        json_auto *d = device("bond-lost", "key-missing", 0);
        g_autofree char *text = NULL, *nameless = NULL;

        json_object_set_new(d, "alias", json_string("Anna's pen; rm -r /"));
        text = device_view_reason(d, NOW);
        g_assert_cmpstr(text, ==, "the bond is lost: needlectl adopt 'Anna'\\''s pen; rm -r /'");
        json_object_set_new(d, "alias", json_string(""));
        nameless = device_view_reason(d, NOW);
        g_assert_cmpstr(nameless, ==, "the bond is lost: needlectl adopt C0:FF:EE:12:34:56");
}

static void test_since(void) {
        json_auto *d = device("waiting", "away", 0);
        g_autofree char *state = device_view_state(d, NOW), *since = device_view_since(d, NOW), *day = NULL, *later = NULL, *unknown = NULL;

        g_assert_cmpstr(state, ==, "waiting since 13:55");
        g_assert_cmpstr(since, ==, "13:55");
        day = device_view_since(d, NOW + 24 * 60 * MINUTE);
        g_assert_cmpstr(day, ==, "2026-02-03");
        later = device_view_state(d, NOW + 24 * 60 * MINUTE);
        g_assert_cmpstr(later, ==, "waiting since 2026-02-03 13:55");
        json_object_del(d, "state_since");
        unknown = device_view_since(d, NOW);
        g_assert_cmpstr(unknown, ==, "-");
}

/* "readable at 80 columns": with a long alias, a long state and the longest words. */
static void test_the_table_fits_a_terminal(void) {
        static const char *const reasons[] = { "away", "backoff", "adapter-off", "no-adapter", "no-bluetoothd", "suspended", "released",
                                               "held-elsewhere", "notifications-held", "disconnected-by-other", "timeout",
                                               "services-missing", "profile-major", "identity-changed", "key-missing", "pairing-failed" };
        g_autoptr(Table) table = devices_table();
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
                bool tries = i < 11; /* those of a device that is refused wait for somebody */
                json_auto *d = device("bond-lost", reasons[i], tries ? NOW + 24 * 60 * MINUTE + 500000 : 0);

                json_object_set_new(d, "alias", json_string("Annas-pen-2"));
                json_object_set_new(d, "kind", json_string("roller"));
                json_object_set_new(d, "battery", json_integer(100));
                json_object_set_new(d, "rssi", json_integer(-100));
                devices_table_add(table, d, NOW + 24 * 60 * MINUTE);
        }
        text = table_render(table, true, false);
        lines = g_strsplit(text, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 2 * G_N_ELEMENTS(reasons) + 2);
        for (unsigned i = 0; lines[i]; i++)
                if (g_utf8_strlen(lines[i], -1) > 80)
                        g_error("wider than a terminal: %s", lines[i]);
        g_assert_cmpstr(lines[0], ==, "DEVICE       ADDRESS            KIND    STATE      SINCE       BATTERY    SIGNAL");
        g_assert_cmpstr(lines[1], ==, "Annas-pen-2  C0:FF:EE:12:34:56  roller  bond-lost  2026-02-03    100 %  -100 dBm");
        g_assert_cmpstr(lines[2], ==, "  waits for the device: out of reach or switched off, next try in 1s");
}

int main(int argc, char **argv) {
        g_setenv("TZ", "UTC", TRUE);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-device-view/every-reason", test_every_reason);
        g_test_add_func("/client-device-view/times", test_times);
        g_test_add_func("/client-device-view/the-command-can-be-typed", test_the_command_can_be_typed);
        g_test_add_func("/client-device-view/since", test_since);
        g_test_add_func("/client-device-view/the-table-fits-a-terminal", test_the_table_fits_a_terminal);
        return g_test_run();
}
