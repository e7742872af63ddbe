/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "status-text.h"

static void test_texts(void) {
        static const struct {
                StatusFacts facts;
                const char *text;
        } cases[] = {
                { { "bluetoothd is not running", 0, 0, 0, 0, NULL }, "bluetoothd is not running; no device is adopted." },
                { { "Bluetooth is ready", 1, 0, 0, 0, NULL }, "Bluetooth is ready; 0 devices of 1 are here." },
                { { "Bluetooth is ready", 2, 1, 1, 0, NULL }, "Bluetooth is ready; 1 device of 2 is here; 1 session is running." },
                { { "Bluetooth is ready", 2, 1, 1, 1, NULL }, "Bluetooth is ready; 1 device of 2 is here; 1 session waits for its device." },
                { { "Bluetooth is ready", 3, 3, 3, 0, NULL }, "Bluetooth is ready; 3 devices of 3 are here; 3 sessions are running." },
                { { "Bluetooth is ready", 3, 2, 3, 1, NULL },
                  "Bluetooth is ready; 2 devices of 3 are here; 3 sessions are running, of which 1 waits for its device." },
                { { "Bluetooth is ready", 3, 1, 3, 2, NULL },
                  "Bluetooth is ready; 1 device of 3 is here; 3 sessions are running, of which 2 wait for their devices." },
                { { "Bluetooth is ready", 0, 0, 0, 0, "the disk is full" }, "Bluetooth is ready; no device is adopted; the disk is full." },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char text[STATUS_TEXT_MAX];

                status_text(&cases[i].facts, text);
                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/status-text/texts", test_texts);
        return g_test_run();
}
