/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hold-notify CHARACTERISTIC AcquireNotify|StartNotify: takes the notifications as another program would, says "held" or the error's name
 * and text, and keeps them until it is stopped. */

#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "autoptr.h"

int main(int argc, char *argv[]) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) m = NULL, reply = NULL;
        g_autoptr(sd_bus) bus = NULL;
        int r;

        if (argc != 3)
                return 2;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, "org.bluez", argv[1], "org.bluez.GattCharacteristic1", argv[2]);
        if (r >= 0 && strcmp(argv[2], "AcquireNotify") == 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, &reply); /* the reply keeps its descriptor open */
        if (r < 0) {
                printf("%s: %s\n", error.name ? error.name : "", error.message ? error.message : strerror(-r));
                return 1;
        }

        printf("held\n");
        (void) fflush(stdout);
        for (;;)
                (void) pause();
}
