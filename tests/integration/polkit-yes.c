/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A polkit that allows everything to everybody, on the stage's bus; with an argument only if somebody may be asked,
 * who takes as many seconds as a second one says. */

#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define ALLOW_USER_INTERACTION 1u

typedef struct Person {
        bool must_be_asked;
        unsigned seconds;
} Person;

static int method_check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Person *person = userdata;
        uint32_t flags = 0;
        int r;

        r = sd_bus_message_skip(m, "(sa{sv})sa{ss}");
        if (r >= 0)
                r = sd_bus_message_read(m, "u", &flags);
        if (r < 0)
                return r;

        if (person->must_be_asked && flags & ALLOW_USER_INTERACTION)
                (void) sleep(person->seconds);
        return sd_bus_reply_method_return(m, "(bba{ss})", !person->must_be_asked || flags & ALLOW_USER_INTERACTION,
                                          person->must_be_asked, 0);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", method_check, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int main(int argc, char **argv) {
        Person person = { .must_be_asked = argc > 1, .seconds = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 0 };
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                             "org.freedesktop.PolicyKit1.Authority", vtable, &person);
        if (r >= 0)
                r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }

        sd_bus_unref(bus);
        return EXIT_FAILURE;
}
