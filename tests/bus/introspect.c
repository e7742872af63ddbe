/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints what the daemon answers to Introspect on one object of each kind, one XML document after another,
 * ended by NUL. */

#include <stdio.h>

#include "autoptr.h"
#include "stage.h"

int main(void) {
        static const char *const paths[] = { "/org/needled", DEVICE_PATH, SESSION_PATH };

        stage_new();
        stage_session();
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                g_autoptr(FakeCall) c =
                        call(OTHER, paths[i], "org.freedesktop.DBus.Introspectable", "Introspect", "");
                const char *xml;

                g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "s", &xml), >, 0);
                fputs(xml, stdout);
                putchar('\0');
        }
        stage_free();
        return 0;
}
