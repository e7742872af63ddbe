/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "autoptr.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

/* What link_examine() says, with every finding and remedy once. */

#define LIVE "95840102-2319-423b-8a8e-ee1ffb8d13f8"
#define MSEC UINT64_C(1000)
#define SEC (1000 * MSEC)

typedef struct Told {
        char *check, *finding, *remedy;
        FindingStatus status;
} Told;

typedef struct Case {
        Fixture f;
        char *root;
        GArray *told;           /* Told */
} Case;

static void told_clear(void *p) {
        Told *told = p;

        g_free(told->check);
        g_free(told->finding);
        g_free(told->remedy);
}

static void on_finding(const Finding *finding, void *userdata) {
        Told told = { g_strdup(finding->check), g_strdup(finding->finding), g_strdup(finding->remedy), finding->status };
        Case *c = userdata;

        /* All is well, or there is something to be done; and a finding is a sentence. */
        g_assert_cmpint(finding->status == FINDING_OK, ==, *finding->remedy == '\0');
        g_assert_true(g_str_has_suffix(finding->finding, "."));
        /* Nothing that would tell one device from another of its kind. */
        g_assert_null(strstr(finding->finding, "0042"));
        g_array_append_val(c->told, told);
}

static void put_file(const Case *c, const char *name, const char *text) {
        g_autofree char *path = g_build_filename(c->root, name, NULL), *folder = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void put_switch(const Case *c, const char *name, const char *type, const char *soft, const char *hard) {
        const char *const rows[][2] = { { "type", type }, { "soft", soft }, { "hard", hard } };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *path = g_build_filename("sys/class/rfkill", name, rows[i][0], NULL);
                g_autofree char *line = g_strconcat(rows[i][1], "\n", NULL);

                put_file(c, path, line);
        }
}

static void set_up(Case *c, const void *data) {
        c->root = g_dir_make_tmp("needled-examine-XXXXXX", NULL);
        c->told = g_array_new(false, false, sizeof(Told));
        g_array_set_clear_func(c->told, told_clear);
        put_file(c, "etc/bluetooth/main.conf", "[General]\nName = desk\n[GATT]\nChannels = 1\n");
        put_switch(c, "rfkill0", "wlan", "1", "1");
        put_switch(c, "rfkill1", "bluetooth", "0", "0");
        c->f.root = c->root;
        fixture_set_up(&c->f, false);
}

static void remove_tree(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *below = g_build_filename(path, name, NULL);

                remove_tree(below);
        }
        g_assert_cmpint(g_remove(path), ==, 0);
}

static void tear_down(Case *c, const void *data) {
        fixture_tear_down(&c->f);
        g_array_unref(c->told);
        remove_tree(c->root);
        g_free(c->root);
}

static const Told *find(Case *c, const char *check) {
        for (guint i = 0; i < c->told->len; i++) {
                const Told *told = &g_array_index(c->told, Told, i);

                if (g_str_equal(told->check, check))
                        return told;
        }

        return NULL;
}

static void examine(Case *c) {
        g_array_set_size(c->told, 0);
        link_examine(c->f.link, on_finding, c);
}

/* Examines, and looks at one check: `part` is in its finding, `remedy` is the whole of its remedy. */
static void expect(Case *c, const char *check, FindingStatus status, const char *part, const char *remedy) {
        const Told *told;

        examine(c);
        told = find(c, check);
        if (!told)
                g_error("nothing is said of %s", check);
        if (!strstr(told->finding, part))
                g_error("%s: \"%s\" is not in: %s", check, part, told->finding);
        g_assert_cmpint(told->status, ==, status);
        g_assert_cmpstr(told->remedy, ==, remedy);
}

static void expect_silence(Case *c, const char *check) {
        examine(c);
        if (find(c, check))
                g_error("%s: %s", check, find(c, check)->finding);
}

/* bluetoothd signals one property, and it arrives. */
static void changes(Case *c, const char *path, const char *interface, const char *property) {
        g_assert_cmpint(sd_bus_emit_properties_changed(c->f.fake->bus, path, interface, property, NULL), >=, 0);
        fixture_settle(&c->f);
}

static void version_is(Case *c, const char *modalias) {
        c->f.fake->modalias = modalias;
        changes(c, FAKE_ADAPTER, "org.bluez.Adapter1", "Modalias");
}

#define DEVICE_CHECKS \
        "My pen: state\nMy pen: profile\nMy pen: bond\nMy pen: trust\nMy pen: services\nMy pen: notifications\n" \
        "My pen: drops\nMy pen: interference\n"

static void test_all_is_well(Case *c, const void *data) {
        g_autoptr(GString) checks = g_string_new("");

        fixture_stream(&c->f);
        examine(c);
        for (guint i = 0; i < c->told->len; i++) {
                const Told *told = &g_array_index(c->told, Told, i);

                if (told->status != FINDING_OK)
                        g_error("%s: %s", told->check, told->finding);
                g_string_append_printf(checks, "%s\n", told->check);
        }
        g_assert_cmpstr(checks->str, ==, "bluetoothd\nbluetoothd: EATT\nbluetoothd: link loss\nbus policy\nrfkill\nadapter hci0\n"
                                         "auto-connection\n" DEVICE_CHECKS);
        expect(c, "bluetoothd", FINDING_OK, "version 5.66", "");
}

/* A device that is merely found is nobody's, and not looked at. */
static void test_found_devices_are_not_examined(Case *c, const void *data) {
        fixture_find(&c->f);
        expect_silence(c, FAKE_ADDRESS ": state");
}

static void test_bluetoothd(Case *c, const void *data) {
        fixture_stream(&c->f);
        c->f.fake = fake_bluez_free(c->f.fake);
        wait_for(&c->f, link_bluetooth(c->f.link) == LINK_BLUETOOTH_ABSENT);
        expect(c, "bluetoothd", FINDING_FAIL, "does not run", "systemctl start bluetooth");
        expect(c, "My pen: state", FINDING_WARN, "waits for bluetoothd", "systemctl start bluetooth");
        expect_silence(c, "adapter");
}

#define EATT_REMEDY \
        "Set Channels=1 in the section [GATT] of /etc/bluetooth/main.conf, then run 'systemctl restart bluetooth'."

static void test_traps_of_a_version(Case *c, const void *data) {
        static const char *const configs[] = { "", "[GATT]\n", "[GATT]\nChannels = 3\n", "[GATT]\n#Channels = 1\n",
                                                "\xff not a file of keys" };

        for (size_t i = 0; i < G_N_ELEMENTS(configs); i++) {
                put_file(c, "etc/bluetooth/main.conf", configs[i]);
                expect(c, "bluetoothd: EATT", FINDING_WARN, "several channels", EATT_REMEDY);
        }
        put_file(c, "etc/bluetooth/main.conf", "[GATT]\nChannels=1\n");
        expect(c, "bluetoothd: EATT", FINDING_OK, "switched off", "");
        expect(c, "bluetoothd: link loss", FINDING_OK, "can crash", "");

        /* EATT is off by itself from 5.67 on; what a lost link does was mended in 5.84. */
        version_is(c, "usb:v1D6Bp0246d0543");
        expect_silence(c, "bluetoothd: EATT");
        expect(c, "bluetoothd: link loss", FINDING_OK, "can crash", "");
        version_is(c, "usb:v1D6Bp0246d0554");
        expect_silence(c, "bluetoothd: link loss");
        expect(c, "bluetoothd", FINDING_OK, "version 5.84", "");

        /* main.conf may say that it is something else. */
        version_is(c, "bluetooth:v00E0p0001d0542");
        expect(c, "bluetoothd", FINDING_OK, "does not tell its version", "");
        expect_silence(c, "bluetoothd: EATT");
}

static void test_rfkill(Case *c, const void *data) {
        expect(c, "rfkill", FINDING_OK, "not blocked", "");
        put_switch(c, "rfkill1", "bluetooth", "1", "0");
        expect(c, "rfkill", FINDING_FAIL, "blocked by software", "rfkill unblock bluetooth");
        put_switch(c, "rfkill1", "bluetooth", "0", "1");
        expect(c, "rfkill", FINDING_FAIL, "in hardware",
               "Move the computer's radio switch, or leave its airplane mode: this block is not one of software.");
        put_switch(c, "rfkill1", "wlan", "1", "1");
        expect_silence(c, "rfkill"); /* somebody else's */
}

static void test_adapter(Case *c, const void *data) {
        fixture_stream(&c->f);
        fake_powered(c->f.fake, false);
        wait_for(&c->f, link_bluetooth(c->f.link) == LINK_BLUETOOTH_OFF);
        expect(c, "adapter hci0", FINDING_FAIL, "switched off",
               "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b true");
        expect(c, "My pen: state", FINDING_WARN, "adapter, which is off",
               "busctl set-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered b true");

        /* What is blocked cannot be switched on. */
        put_switch(c, "rfkill1", "bluetooth", "1", "0");
        expect(c, "adapter hci0", FINDING_FAIL, "switched off", "rfkill unblock bluetooth");

        fake_powered(c->f.fake, true);
        wait_for(&c->f, link_bluetooth(c->f.link) == LINK_BLUETOOTH_READY);
        expect(c, "adapter hci0", FINDING_OK, "Low Energy", "");
        c->f.fake->low_energy = false;
        changes(c, FAKE_ADAPTER, "org.bluez.Adapter1", "Roles");
        expect(c, "adapter hci0", FINDING_FAIL, "cannot connect to Bluetooth Low Energy",
               "Plug in an adapter with Bluetooth 4.0 or later.");

        g_assert_cmpint(sd_bus_emit_interfaces_removed(c->f.fake->bus, FAKE_ADAPTER, "org.bluez.Adapter1",
                                                       "org.bluez.GattManager1", NULL), >=, 0);
        wait_for(&c->f, link_bluetooth(c->f.link) == LINK_BLUETOOTH_NO_ADAPTER);
        expect(c, "adapter", FINDING_FAIL, "no Bluetooth adapter",
               "Plug a Bluetooth adapter in; if one is there, 'journalctl -k' says why the kernel does not take it.");
        expect_silence(c, "adapter hci0");
}

/* An adapter that nobody needs may be off. */
static void test_adapter_without_a_device(Case *c, const void *data) {
        c->f.fake->low_energy = false;
        changes(c, FAKE_ADAPTER, "org.bluez.Adapter1", "Roles");
        expect(c, "adapter hci0", FINDING_WARN, "Low Energy", "Plug in an adapter with Bluetooth 4.0 or later.");
}

#define POLICY_REMEDY                                                                                              \
        "Look for a file in /etc/dbus-1/system.d that keeps the user needled from org.bluez, take that out of it, " \
        "then run 'systemctl reload dbus; systemctl restart needled'."

/* It is remembered that a call was denied, until the same call is not. */
static void test_denied(Case *c, const void *data) {
        fixture_stream(&c->f);
        fake_device_disconnect(c->f.fake);
        wait_for(&c->f, c->f.device->state == DEVICE_WAITING);
        c->f.fake->connect_error = SD_BUS_ERROR_ACCESS_DENIED;
        c->f.fake->connect_error_text = "";
        c->f.fake->connect_errors = 1;
        link_connect(c->f.link, c->f.device, fixture_on_done, &c->f);
        wait_for(&c->f, bluez_denied(c->f.link->bluez));
        expect(c, "bus policy", FINDING_FAIL, "the call Connect of bluetoothd", POLICY_REMEDY);
        wait_for(&c->f, c->f.device->state == DEVICE_STREAMING);
        expect(c, "bus policy", FINDING_OK, "No call", "");
}

/* Whoever denied it has gone: what is wrong now is another thing. */
static void test_denied_and_gone(Case *c, const void *data) {
        c->f.fake->register_error = SD_BUS_ERROR_ACCESS_DENIED;
        fixture_stream(&c->f);
        expect(c, "bus policy", FINDING_FAIL, "the call RegisterApplication of bluetoothd", POLICY_REMEDY);
        c->f.fake = fake_bluez_free(c->f.fake);
        wait_for(&c->f, link_bluetooth(c->f.link) == LINK_BLUETOOTH_ABSENT);
        expect(c, "bluetoothd", FINDING_FAIL, "does not run", "systemctl start bluetooth");
        expect_silence(c, "bus policy");
}

static void test_registration_refused(Case *c, const void *data) {
        c->f.fake->register_error = "org.bluez.Error.NotPermitted";
        fixture_stream(&c->f);
        expect(c, "auto-connection", FINDING_WARN, "does not take needled's registration", "systemctl restart bluetooth");
}

/* ---- Devices ---- */

static void state_is(Case *c, DeviceState state, DeviceReason reason) {
        c->f.device->state = state;
        c->f.device->reason = reason;
}

static void test_states(Case *c, const void *data) {
#define CONNECT "needlectl connect " FAKE_ADDRESS
#define ADOPT "needlectl adopt " FAKE_ADDRESS
        static const struct {
                DeviceState state;
                DeviceReason reason;
                FindingStatus status;
                const char *part, *remedy;
        } rows[] = {
                { DEVICE_KNOWN, DEVICE_REASON_NONE, FINDING_OK, "AutoConnect is off", "" },
                { DEVICE_WAITING, DEVICE_REASON_AWAY, FINDING_OK, "switched off or out of reach", "" },
                { DEVICE_WAITING, DEVICE_REASON_BACKOFF, FINDING_OK, "next try at", "" },
                { DEVICE_WAITING, DEVICE_REASON_SUSPENDED, FINDING_OK, "until the computer is awake", "" },
                { DEVICE_WAITING, DEVICE_REASON_HELD_ELSEWHERE, FINDING_WARN, "by a phone",
                  "Close the app that uses it, or switch off Bluetooth on that phone or computer." },
                { DEVICE_WAITING, DEVICE_REASON_DISCONNECTED_BY_OTHER, FINDING_WARN, "by another program", CONNECT },
                { DEVICE_WAITING, DEVICE_REASON_TIMEOUT, FINDING_WARN, "took too long", CONNECT },
                { DEVICE_WAITING, DEVICE_REASON_NO_ADAPTER, FINDING_WARN, "adapter, which is not there",
                  "Plug the adapter 00:AA:01:00:00:00 in again: the bond is with it." },
                { DEVICE_CONNECTING, DEVICE_REASON_NONE, FINDING_OK, "being connected", "" },
                { DEVICE_STREAMING, DEVICE_REASON_NONE, FINDING_OK, "is connected, since 20", "" },
                { DEVICE_RELEASED, DEVICE_REASON_RELEASED, FINDING_OK, "released, for a phone to have it, until 'needlectl connect'", "" },
                { DEVICE_REFUSED, DEVICE_REASON_PROFILE_MAJOR, FINDING_FAIL, "newer language", "Update needled." },
                { DEVICE_REFUSED, DEVICE_REASON_IDENTITY_CHANGED, FINDING_FAIL, "another device", ADOPT },
                { DEVICE_REFUSED, DEVICE_REASON_KEY_MISSING, FINDING_FAIL, "its bond", ADOPT },
                { DEVICE_REFUSED, DEVICE_REASON_PAIRING_FAILED, FINDING_FAIL, "not be paired", ADOPT },
        };

        fixture_stream(&c->f);
        c->f.device->retry_at_usec = c->f.device->state_since_usec;
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                state_is(c, rows[i].state, rows[i].reason);
                expect(c, "My pen: state", rows[i].status, rows[i].part, rows[i].remedy);
        }

        /* 2033-05-18, whatever the time zone. */
        c->f.device->released_until_usec = UINT64_C(2000000000) * SEC;
        state_is(c, DEVICE_RELEASED, DEVICE_REASON_RELEASED);
        expect(c, "My pen: state", FINDING_OK, "until 2033-05-1", "");
        state_is(c, DEVICE_STREAMING, DEVICE_REASON_NONE);
}

static void test_profile_not_loaded(Case *c, const void *data) {
        const Profile *profile;

        fixture_stream(&c->f);
        profile = c->f.device->profile;
        c->f.device->profile = NULL;
        expect(c, "My pen: profile", FINDING_FAIL, "omp1 is not loaded",
               "Put its file into profiles.d, then run 'systemctl restart needled'.");
        expect_silence(c, "My pen: state");
        c->f.device->profile = profile;
}

static void test_bond(Case *c, const void *data) {
        fixture_stream(&c->f);
        expect(c, "My pen: bond", FINDING_OK, "bonded", "");

        state_is(c, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING);
        expect(c, "My pen: bond", FINDING_FAIL, "bond is lost", "needlectl adopt " FAKE_ADDRESS);
        expect_silence(c, "My pen: state"); /* said once */
        state_is(c, DEVICE_STREAMING, DEVICE_REASON_NONE);

        /* Somebody said "remove" to bluetoothctl. */
        c->f.fake->paired = false;
        changes(c, FAKE_DEVICE, "org.bluez.Device1", "Bonded");
        expect(c, "My pen: bond", FINDING_FAIL, "removed it there",
               "needlectl forget " FAKE_ADDRESS " && needlectl search; needlectl adopt " FAKE_ADDRESS);
}

static void test_no_bond_by_consent(Case *c, const void *data) {
        c->f.fake->pair_refused = true;
        fixture_adopt(&c->f, true);
        g_assert_cmpint(c->f.done_error, ==, 0);
        expect(c, "My pen: bond", FINDING_OK, "not encrypted", "");
}

static void test_trust(Case *c, const void *data) {
        fixture_stream(&c->f);
        c->f.fake->trusted = false;
        changes(c, FAKE_DEVICE, "org.bluez.Device1", "Trusted");
        expect(c, "My pen: trust", FINDING_WARN, "does not trust it",
               "busctl set-property org.bluez " FAKE_DEVICE " org.bluez.Device1 Trusted b true");

        /* It is not to be connected. */
        c->f.device->released = true;
        expect_silence(c, "My pen: trust");
        c->f.device->released = false;
}

static void test_services(Case *c, const void *data) {
#define DROP_CACHE \
        "systemctl stop bluetooth; rm -f /var/lib/bluetooth/00:AA:01:00:00:00/cache/" FAKE_ADDRESS "; systemctl start bluetooth"
        Object *object;

        fixture_stream(&c->f);
        expect(c, "My pen: services", FINDING_OK, "those of its profile", "");
        state_is(c, DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING);
        expect(c, "My pen: services", FINDING_FAIL, "lacks services", "needlectl adopt " FAKE_ADDRESS);
        state_is(c, DEVICE_STREAMING, DEVICE_REASON_NONE);

        object = link_object(c->f.device);
        g_clear_pointer(&object->services, g_ptr_array_unref);
        expect(c, "My pen: services", FINDING_WARN, "not connected by itself", DROP_CACHE);
        object->has_uuids = false; /* nothing was said */
        expect(c, "My pen: services", FINDING_OK, "", "");
}

static void test_notifications_held(Case *c, const void *data) {
        FakeChar *live;

        fixture_adopt(&c->f, false);
        wait_for(&c->f, c->f.device->state == DEVICE_STREAMING);
        fixture_settle(&c->f);
        live = fake_char(c->f.fake, LIVE);
        live->acquired = true; /* by us */
        changes(c, live->path, "org.bluez.GattCharacteristic1", "NotifyAcquired");
        expect(c, "My pen: notifications", FINDING_OK, "No other program", "");

        /* While it was away another program has begun, which lasts. */
        live->acquired = false;
        fake_device_disconnect(c->f.fake);
        wait_for(&c->f, c->f.device->state == DEVICE_WAITING);
        live->notifying = true;
        changes(c, live->path, "org.bluez.GattCharacteristic1", "Notifying");
        expect(c, "My pen: notifications", FINDING_WARN, "Another program", "systemctl restart bluetooth");

        c->f.fake->acquire_errors = 1000;
        c->f.fake->acquire_error = "org.bluez.Error.InProgress";
        c->f.fake->acquire_error_text = "In Progress";
        fake_device_connect(c->f.fake);
        wait_for(&c->f, c->f.device->reason == DEVICE_REASON_NOTIFICATIONS_HELD);
        expect(c, "My pen: notifications", FINDING_FAIL, "Another program", "systemctl restart bluetooth");

        live->notifying = false;
        fake_release(c->f.fake, live);
        changes(c, live->path, "org.bluez.GattCharacteristic1", "Notifying");
        wait_for(&c->f, c->f.device->state == DEVICE_STREAMING);
        fixture_settle(&c->f);
        expect(c, "My pen: notifications", FINDING_OK, "No other program", "");
}

static void test_drops(Case *c, const void *data) {
#define RADIO "Bring it nearer to the adapter, and the adapter away from USB 3 sockets and Wi-Fi aerials."
#define PHONE "Switch off Bluetooth on phones that know it; if it goes on, forget it and adopt it again."
        static const struct {
                uint64_t lasted_msec[DEVICE_LASTED_MAX];
                unsigned n;
                const char *part, *remedy; /* remedy "": no pattern */
        } rows[] = {
                { {}, 0, "no pattern", "" },
                { { 29500, 29700 }, 2, "no pattern", "" },
                { { 29500, 600000, 29700, 30200 }, 4, "30 seconds", EATT_REMEDY },
                { { 27900, 31100, 29000, 28500 }, 4, "no pattern", "" },
                { { 420, 381, 459 }, 3, "as soon as", RADIO },
                { { 840, 1255, 4010 }, 3, "as soon as", RADIO },
                { { 420, 381, 520 }, 3, "no pattern", "" },
                { { 900, 2700, 1500 }, 3, "three seconds", PHONE },
                { { 900, 2700, 3100 }, 3, "no pattern", "" },
                { { 600000, 40000, 70000, 12000, 9000, 500000, 80000, 15000 }, 8, "no pattern", "" },
                /* The ring has gone round: all eight count, and no more. */
                { { 29500, 29500, 29500, 1, 1, 600000, 600000, 600000 }, 4000000, "30 seconds", EATT_REMEDY },
        };

        fixture_stream(&c->f);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                for (unsigned k = 0; k < DEVICE_LASTED_MAX; k++)
                        c->f.device->lasted_usec[k] = rows[i].lasted_msec[k] * MSEC;
                c->f.device->n_lasted = rows[i].n;
                expect(c, "My pen: drops", *rows[i].remedy ? FINDING_WARN : FINDING_OK, rows[i].part, rows[i].remedy);
        }

        /* By which a lost bond is known is told of the bond. */
        for (unsigned k = 0; k < DEVICE_LASTED_MAX; k++)
                c->f.device->lasted_usec[k] = 900 * MSEC;
        c->f.device->state = DEVICE_BOND_LOST;
        expect_silence(c, "My pen: drops");
        c->f.device->state = DEVICE_STREAMING;
}

static void test_interference(Case *c, const void *data) {
#define CLOSE_OTHERS "Close what else uses Bluetooth devices here (bluetoothctl, a desktop's settings, browsers)."
        fixture_stream(&c->f);
        c->f.device->counters.interferences = 1;
        expect(c, "My pen: interference", FINDING_WARN, "1 time since", CLOSE_OTHERS);
        c->f.device->counters.interferences = 3;
        expect(c, "My pen: interference", FINDING_WARN, "3 times since", CLOSE_OTHERS);
}

static void test_status_names(void) {
        g_assert_cmpstr(finding_status_name(FINDING_OK), ==, "ok");
        g_assert_cmpstr(finding_status_name(FINDING_WARN), ==, "warn");
        g_assert_cmpstr(finding_status_name(FINDING_FAIL), ==, "fail");
}

#define ADD(name, function) g_test_add("/examine/" name, Case, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        log_set_max_level(LOG_EMERG);
        g_test_add_func("/examine/status-names", test_status_names);
        ADD("all-is-well", test_all_is_well);
        ADD("found-devices-are-not-examined", test_found_devices_are_not_examined);
        ADD("bluetoothd", test_bluetoothd);
        ADD("traps-of-a-version", test_traps_of_a_version);
        ADD("rfkill", test_rfkill);
        ADD("adapter", test_adapter);
        ADD("adapter-without-a-device", test_adapter_without_a_device);
        ADD("denied", test_denied);
        ADD("denied-and-gone", test_denied_and_gone);
        ADD("registration-refused", test_registration_refused);
        ADD("states", test_states);
        ADD("profile-not-loaded", test_profile_not_loaded);
        ADD("bond", test_bond);
        ADD("no-bond-by-consent", test_no_bond_by_consent);
        ADD("trust", test_trust);
        ADD("services", test_services);
        ADD("notifications-held", test_notifications_held);
        ADD("drops", test_drops);
        ADD("interference", test_interference);
        return g_test_run();
}
