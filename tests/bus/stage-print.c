/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage.h"

#include <inttypes.h>
#include <string.h>

#include "autoptr.h"

/* Messages and properties as text. */

static void print_value(sd_bus_message *m, GString *s);

static void print_container(sd_bus_message *m, GString *s, char type, const char *contents) {
        const char *open = type == 'a' ? contents[0] == '{' ? "{" : "[" : type == 'r' ? "(" : "";
        const char *close = type == 'a' ? contents[0] == '{' ? "}" : "]" : type == 'r' ? ")" : "";
        unsigned n = 0;

        g_assert_cmpint(sd_bus_message_enter_container(m, type, contents), >, 0);
        g_string_append(s, open);
        while (sd_bus_message_at_end(m, false) == 0) {
                if (n++ > 0)
                        g_string_append(s, type == 'e' ? ": " : ", ");
                print_value(m, s);
        }
        g_string_append(s, close);
        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
}

static void print_value(sd_bus_message *m, GString *s) {
        const char *contents;
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        char type;

        g_assert_cmpint(sd_bus_message_peek_type(m, &type, &contents), >, 0);
        if (strchr("avre", type)) {
                print_container(m, s, type, contents);
                return;
        }

        g_assert_cmpint(sd_bus_message_read_basic(m, type, &v), >, 0);
        switch (type) {
        case 'y':
                g_string_append_printf(s, "%u", v.y);
                break;
        case 'b':
                g_string_append(s, v.b ? "true" : "false");
                break;
        case 'n':
                g_string_append_printf(s, "%i", v.n);
                break;
        case 'i':
        case 'h':
                g_string_append_printf(s, "%i", v.i);
                break;
        case 'u':
                g_string_append_printf(s, "%u", v.u);
                break;
        case 't':
                g_string_append_printf(s, "%" PRIu64, v.t);
                break;
        case 'x':
                g_string_append_printf(s, "%" PRId64, v.x);
                break;
        case 'd':
                g_string_append_printf(s, "%g", v.d);
                break;
        case 's':
        case 'o':
        case 'g':
                g_string_append_printf(s, "%s", v.s);
                break;
        default:
                g_assert_not_reached(); /* our interfaces have no other types */
        }
}

char *stage_print(sd_bus_message *m) {
        GString *s = g_string_new(NULL);

        while (sd_bus_message_at_end(m, true) == 0) {
                if (s->len > 0)
                        g_string_append(s, " ");
                print_value(m, s);
        }

        return g_string_free(s, false);
}

char *stage_property(const char *sender, const char *path, const char *interface, const char *name) {
        g_autoptr(FakeCall) c =
                call(sender, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name);

        return stage_print(expect(c, NULL));
}
