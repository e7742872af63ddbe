/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "carrier.h"
#include "control.h"
#include "source.h"
#include "standin-fault.h"

#define DEVICES_MAX 64u
#define RECORDS_MAX 1000                /* each of them has been lived through */
#define FLOOD_RATE_MAX 100000u

/* As they stand on the command line. */
typedef struct Options {
        gboolean stand_in;
        char *stand_in_bus, *bluez, *hci;
        char **kinds, **addresses;
        int64_t seed;
        double speed, procedure_s;
        int live_period_ms, waveform_hz, mtu, records, capacity, adapters;
        gboolean crc, auto_start, no_bond, fast, list_faults, report, control, version;
        char *random_address, *flood, *state_file, *name, *pairing;
        gboolean stamp;
        char *profile, *tape;
        gboolean loop;
} Options;

static Options options = {
        .seed = 1, .speed = 1, .live_period_ms = 100, .mtu = 247, .procedure_s = 180,
        .capacity = -1, .adapters = 1,
};

static gboolean on_stand_in(const char *name, const char *value, void *data, GError **error) {
        options.stand_in = true;
        g_free(options.stand_in_bus);
        options.stand_in_bus = g_strdup(value);
        return true;
}

static const GOptionEntry carrier_entries[] = {
        { "stand-in", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, on_stand_in,
          "In place of bluetoothd, on this bus (default: $DBUS_SYSTEM_BUS_ADDRESS)", "ADDRESS" },
        { "bluez", 0, 0, G_OPTION_ARG_STRING, &options.bluez,
          "On bluetoothd's GATT server, with this adapter", "hci1" },
        { "hci", 0, 0, G_OPTION_ARG_STRING, &options.hci,
          "On an HCI user channel of this adapter, which bluetoothd gets back at the end", "1" },
        { "mtu", 0, 0, G_OPTION_ARG_INT, &options.mtu,
          "ATT_MTU that the device offers (23 to 517, default 247)", "N" },
        { "random-address", 0, 0, G_OPTION_ARG_STRING, &options.random_address,
          "Static random address (--hci)", "ADDRESS" },
        { "address", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.addresses,
          "Address of the first, second, ... device (--stand-in)", "ADDRESS[/public|/random]" },
        { "adapters", 0, 0, G_OPTION_ARG_INT, &options.adapters,
          "How many adapters bluetoothd has, each of which sees all devices (--stand-in, default 1)", "N" },
        { "no-bond", 0, 0, G_OPTION_ARG_NONE, &options.no_bond,
          "The device does not pair and asks for no encryption", NULL },
        { "pairing", 0, 0, G_OPTION_ARG_STRING, &options.pairing,
          "just-works (default), passkey-entry (it has keys), passkey-display, numeric (a display and a button) or refuse "
          "(--stand-in, --bluez)", "KIND" },
        { "fast", 0, 0, G_OPTION_ARG_NONE, &options.fast,
          "Answer at once, and wait a twentieth of bluetoothd's long timeouts (--stand-in)", NULL },
        { "state", 0, 0, G_OPTION_ARG_FILENAME, &options.state_file, "Keep bonds in this file (--stand-in)",
          "FILE" },
        { "list-faults", 0, 0, G_OPTION_ARG_NONE, &options.list_faults,
          "Print the errors of BlueZ 5.66 that the control word `fault` can give: method, name, text (--stand-in)", NULL },
        {},
};

static const GOptionEntry device_entries[] = {
        { "kind", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.kinds,
          "pen or roller; once for each device (default: one pen)", "KIND" },
        { "profile", 0, 0, G_OPTION_ARG_FILENAME, &options.profile,
          "In place of a kind: a device made from its vendor profile alone", "FILE.mnprofile" },
        { "tape", 0, 0, G_OPTION_ARG_FILENAME, &options.tape,
          "In place of a hand: plays this tape, once it is listened to and at each start; "
          "a vendor's with its --profile", "FILE" },
        { "loop", 0, 0, G_OPTION_ARG_NONE, &options.loop, "Play the tape again and again", NULL },
        { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Advertised name, at most 8 octets", "NAME" },
        { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "The same seed gives the same procedure (default 1)", "N" },
        { "speed", 0, 0, G_OPTION_ARG_DOUBLE, &options.speed, "Device seconds in a second (default 1)", "FACTOR" },
        { "live-period", 0, 0, G_OPTION_ARG_INT, &options.live_period_ms,
          "Of Live Measurement at start, 20 to 1000 (default 100)", "MS" },
        { "waveform", 0, 0, G_OPTION_ARG_INT, &options.waveform_hz,
          "Rate of the Force Waveform at start (default 0: off)", "HZ" },
        { "crc", 0, 0, G_OPTION_ARG_NONE, &options.crc, "All values carry a CRC", NULL },
        { "records", 0, 0, G_OPTION_ARG_INT, &options.records, "Sessions that the device has stored before (default 0)",
          "N" },
        { "capacity", 0, 0, G_OPTION_ARG_INT, &options.capacity,
          "How many it can store, up to 65535; 0: none (default: pen 200, roller 50)", "N" },
        { "procedure", 0, 0, G_OPTION_ARG_DOUBLE, &options.procedure_s,
          "Length of a procedure in device time (default 180)", "SECONDS" },
        { "auto-start", 0, 0, G_OPTION_ARG_NONE, &options.auto_start, "Begin one second after Live is subscribed",
          NULL },
        { "flood", 0, 0, G_OPTION_ARG_STRING, &options.flood,
          "Load instead of a procedure: Live values a second (max: as fast as they are taken), how many (0: without end), of how many octets, "
          "how many at once",
          "RATE:COUNT[:SIZE[:BURST]]" },
        { "stamp", 0, 0, G_OPTION_ARG_NONE, &options.stamp,
          "The last 8 octets of a load's values (before a CRC) are the time at which each is sent: CLOCK_REALTIME in ns, little-endian", NULL },
        { "report", 0, 0, G_OPTION_ARG_NONE, &options.report,
          "Print what was sent as JSON at the end, a line for each device", NULL },
        { "control", 0, 0, G_OPTION_ARG_NONE, &options.control,
          "Take control lines on stdin: start, stop, status, quit; malformed|empty|duplicate|segment-loss N, "
          "clock unset, sensor fault|ok, storage full|free, confirm, reboot; drop, advertise on|off, fault ..., ...",
          NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &options.version, "Print the version", NULL },
        {},
};

static void print_fault(const char *member, const char *name, const char *text) {
        printf("%s\t%s\t%s\n", member, name, text);
}

static int complain(const char *what) {
        fprintf(stderr, "needlesim: %s (see --help)\n", what);
        return -EINVAL;
}

static int parse_flood(const char *text, PeripheralConfig *config) {
        g_auto(GStrv) parts = g_strsplit(text, ":", 5);
        unsigned n = g_strv_length(parts);
        uint64_t rate = FLOOD_RATE_MAX, count, size = 20, burst = 1;
        bool flat_out = n > 0 && g_str_equal(parts[0], "max");

        if (n < 2 || n > 4 || (!flat_out && !g_ascii_string_to_unsigned(parts[0], 10, 1, FLOOD_RATE_MAX, &rate, NULL)) ||
            !g_ascii_string_to_unsigned(parts[1], 10, 0, UINT32_MAX, &count, NULL) ||
            (n >= 3 && !g_ascii_string_to_unsigned(parts[2], 10, 20, OMP_VALUE_MAX, &size, NULL)) ||
            (n == 4 && !g_ascii_string_to_unsigned(parts[3], 10, 1, 32, &burst, NULL)))
                return complain("--flood wants RATE:COUNT[:SIZE[:BURST]], a rate of 1 to 100000 or max, a size of 20 to 512 and a burst of 1 to 32");
        if (options.stamp && size < 32)
                return complain("--stamp wants a --flood of at least 32 octets");

        config->flood_hz = (unsigned) rate;
        config->flood_count = count;
        config->flood_size = (unsigned) size;
        config->flood_burst = (unsigned) burst;
        config->flood_flat_out = flat_out;
        config->flood_stamp = options.stamp;
        return 0;
}

static int check_addresses(void) {
        for (char **a = options.addresses; a && *a; a++) {
                g_auto(GStrv) octets = g_strsplit_set(*a, ":/", -1);
                unsigned n = g_strv_length(octets);
                bool good =
                        n == 6 ||
                        (n == 7 && (g_str_equal(octets[6], "public") || g_str_equal(octets[6], "random")));

                for (unsigned i = 0; good && i < 6; i++)
                        good = strlen(octets[i]) == 2 && g_ascii_isxdigit(octets[i][0]) &&
                               g_ascii_isxdigit(octets[i][1]);
                if (!good)
                        return complain("--address wants C0:FF:EE:12:34:56, maybe with /public or /random "
                                        "behind it");
        }

        return 0;
}

static int check_options(void) {
        if (options.stand_in + !!options.bluez + !!options.hci != 1)
                return complain("choose one of --stand-in, --bluez and --hci");
        if (!(options.speed >= 0.001 && options.speed <= 1000))
                return complain("--speed is 0.001 to 1000");
        if (options.live_period_ms < 20 || options.live_period_ms > 1000)
                return complain("--live-period is 20 to 1000 ms");
        if (options.waveform_hz != 0 && (options.waveform_hz < 16 || options.waveform_hz > 1000))
                return complain("--waveform is 0 or 16 to 1000 Hz");
        if (options.mtu < 23 || options.mtu > 517)
                return complain("--mtu is 23 to 517");
        if (!(options.procedure_s >= 1 && options.procedure_s <= 86400))
                return complain("--procedure is 1 to 86400 s");
        if (options.adapters < 1 || options.adapters > (int) ADAPTERS_MAX)
                return complain("--adapters is 1 to 4");
        if (options.capacity < -1 || options.capacity > UINT16_MAX)
                return complain("--capacity is 0 to 65535");
        if (options.records < 0 || options.records > RECORDS_MAX)
                return complain("--records is 0 to 1000");
        if (options.kinds && g_strv_length(options.kinds) > DEVICES_MAX)
                return complain("too many devices");
        if (options.kinds && (options.profile || options.tape))
                return complain("--profile and --tape are in place of --kind");
        if (options.flood && (options.profile || options.tape))
                return complain("--flood is a load of the profile's own devices");
        if (options.stamp && !options.flood)
                return complain("--stamp goes with --flood");
        if (options.loop && !options.tape)
                return complain("--loop goes with --tape");
        if (options.pairing && pairing_kind_from_name(options.pairing) == _PAIRING_MAX)
                return complain("--pairing is just-works, passkey-entry, passkey-display, numeric or refuse");
        if (options.pairing && (options.hci || options.no_bond))
                return complain("--pairing goes with neither --hci nor --no-bond, which do not pair");
        if (options.kinds && options.kinds[1] && !options.stand_in)
                return complain("only --stand-in can be several devices");
        return check_addresses();
}

static int make_config(const char *kind, unsigned i, unsigned n, PeripheralConfig *ret, char **ret_name,
                       char **ret_serial) {
        int r;

        if (!g_str_equal(kind, "pen") && !g_str_equal(kind, "roller"))
                return complain("--kind is pen or roller");

        peripheral_config_defaults(ret, g_str_equal(kind, "pen") ? OMP_KIND_PEN : OMP_KIND_ROLLER);
        ret->seed = (uint64_t) options.seed + i;
        ret->speed = options.speed;
        ret->live_period_ms = (unsigned) options.live_period_ms;
        ret->waveform_hz = (unsigned) options.waveform_hz;
        ret->crc = options.crc;
        ret->procedure_usec = (uint64_t) (options.procedure_s * 1e6);
        ret->auto_start = options.auto_start;
        if (options.capacity >= 0)
                ret->capacity = (unsigned) options.capacity;
        ret->records = (unsigned) options.records;
        if (ret->records > ret->capacity)
                return complain("--records are more than --capacity");
        ret->name = *ret_name = n == 1 ? g_strdup(options.name ?: ret->name)
                                       : g_strdup_printf("%.6s%u", options.name ?: ret->name, i + 1);
        ret->serial = *ret_serial = g_strdup_printf("%c%06u", g_ascii_toupper(kind[0]), i + 1);
        if (options.flood && (r = parse_flood(options.flood, ret)) < 0)
                return r;

        return 0;
}

static int run(Carrier *carrier, sd_event *event, unsigned n_devices) {
        Control *control = NULL;
        int r;

        if (options.control && (r = control_new(event, carrier, n_devices, &control)) < 0) {
                fprintf(stderr,
                        "needlesim: control lines need a pipe, a socket or a terminal on stdin: %s\n",
                        strerror(-r));
                return r;
        }

        if (options.control) {
                printf("ready\n");
                (void) fflush(stdout);
        }
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        if (r != 0)
                fprintf(stderr, "needlesim: what it stood on, the bus or the adapter, has gone\n");
        control_free(control);

        for (unsigned i = 0; options.report && i < n_devices; i++) {
                g_autofree char *report = control_report(carrier, i);

                printf("%s\n", report);
        }
        return r;
}

static int make_carrier(sd_event *event, const PeripheralConfig *configs, unsigned n_devices,
                        Carrier **ret) {
        g_autofree const char **addresses = g_new0(const char *, n_devices);
        CarrierOptions carrier_options = {
                .event = event, .configs = configs, .n_devices = n_devices,
                .target = options.stand_in ? options.stand_in_bus : options.bluez ?: options.hci,
                .mtu = (unsigned) options.mtu, .random_address = options.random_address,
                .bondable = !options.no_bond, .fast = options.fast,
                .n_adapters = (unsigned) options.adapters,
                .pairing = options.pairing ? pairing_kind_from_name(options.pairing) : PAIRING_JUST_WORKS,
                .addresses = addresses, .state_file = options.state_file,
        };

        for (unsigned i = 0; i < n_devices && options.addresses && options.addresses[i]; i++)
                addresses[i] = options.addresses[i];

        if (options.stand_in)
                return standin_new(&carrier_options, ret);
        return options.bluez ? bluez_server_new(&carrier_options, ret)
                             : user_channel_new(&carrier_options, ret);
}

int main(int argc, char **argv) {
        static char *one_pen[] = { (char *) "pen", NULL };
        g_autoptr(GOptionContext) context = g_option_context_new("- a microneedling device in software");
        g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        g_autofree PeripheralConfig *configs = NULL;
        Carrier *carrier = NULL;
        Source source = {};
        sd_event *event = NULL;
        unsigned n;
        int r;

        g_option_context_add_main_entries(context, carrier_entries, NULL);
        g_option_context_add_main_entries(context, device_entries, NULL);
        if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
                (void) complain(error ? error->message : "no arguments beside options");
                return EXIT_FAILURE;
        }
        if (options.version) {
                printf("needlesim %s\n", NEEDLED_VERSION);
                return EXIT_SUCCESS;
        }
        if (options.list_faults) {
                fault_table_foreach(print_fault);
                return EXIT_SUCCESS;
        }
        if (check_options() < 0)
                return EXIT_FAILURE;
        if (!options.kinds)
                options.kinds = one_pen;

        n = g_strv_length(options.kinds);
        configs = g_new0(PeripheralConfig, n);
        for (unsigned i = 0; i < n; i++) {
                char *name = NULL, *serial = NULL;

                r = make_config(options.kinds[i], i, n, configs + i, &name, &serial);
                g_ptr_array_add(strings, name);
                g_ptr_array_add(strings, serial);
                if (r < 0)
                        return EXIT_FAILURE;
        }

        if (source_load(&source, options.profile, options.tape, options.loop, configs) < 0)
                return EXIT_FAILURE;
        if (source.name && source.name[0] != '\0' && !options.name)
                configs[0].name = source.name;

        (void) signal(SIGPIPE, SIG_IGN);
        if ((r = sd_event_default(&event)) < 0 || (r = sd_event_set_signal_exit(event, true)) < 0) {
                fprintf(stderr, "needlesim: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        if ((r = make_carrier(event, configs, n, &carrier)) >= 0)
                r = run(carrier, event, n);
        if (carrier)
                carrier->vtable->free(carrier);
        source_clear(&source);
        sd_event_unref(event);
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
