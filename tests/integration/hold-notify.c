/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Another program that holds notifications: hold-notify PATH... calls StartNotify on each characteristic, says so, and stays until it is
 * stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

int main(int argc, char **argv) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus *bus;

        if (sd_bus_open_system(&bus) < 0)
                return EXIT_FAILURE;
        for (int i = 1; i < argc; i++)
                if (sd_bus_call_method(bus, "org.bluez", argv[i], "org.bluez.GattCharacteristic1", "StartNotify", &error, NULL, "") < 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], error.message);
                        return EXIT_FAILURE;
                }

        puts("holds");
        fflush(stdout);
        pause();
        return EXIT_SUCCESS;
}
