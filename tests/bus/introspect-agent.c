/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints what needlectl's agent answers to Introspect, ended by NUL. */

#include <stdio.h>
#include <sys/socket.h>

#include "client/pairing.h"
#include "client/service.h"

#define ok(expression) g_assert_cmpint((expression), >=, 0)

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *xml;

        ok(sd_bus_message_read(m, "s", &xml));
        fputs(xml, stdout);
        putchar('\0');
        *(bool *) userdata = true;
        return 0;
}

int main(void) {
        const sd_id128_t id = { .bytes = { 1 } };
        g_autoptr(sd_bus) agent = NULL, asker = NULL;
        bool answered = false;
        int fds[2];

        ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
        ok(sd_bus_new(&agent));
        ok(sd_bus_set_fd(agent, fds[0], fds[0]));
        ok(sd_bus_set_server(agent, true, id));
        ok(sd_bus_start(agent));
        ok(sd_bus_add_object_vtable(agent, NULL, PAIRING_PATH, PAIRING_INTERFACE, pairing_vtable, NULL));
        ok(sd_bus_new(&asker));
        ok(sd_bus_set_fd(asker, fds[1], fds[1]));
        ok(sd_bus_start(asker));
        ok(sd_bus_call_method_async(asker, NULL, NULL, PAIRING_PATH, "org.freedesktop.DBus.Introspectable", "Introspect",
                                    on_reply, &answered, NULL));
        while (!answered) {
                ok(sd_bus_process(agent, NULL));
                ok(sd_bus_process(asker, NULL));
        }

        return 0;
}
