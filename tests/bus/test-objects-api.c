/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects of the API as clients see them: properties, methods, signals, and the errors for what cannot
 * be. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "stage.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

static void assert_property(const char *path, const char *interface, const char *name, const char *value) {
        g_autofree char *text = stage_property(OTHER, path, interface, name);

        g_assert_cmpstr(text, ==, value);
}

static void assert_contains(const char *text, const char *part) {
        if (!strstr(text, part))
                g_error("\"%s\" is not in: %s", part, text);
}

/* ---- Manager1 ---- */

static void test_manager_properties(void) {
        stage_new();
        assert_property("/org/needled", MANAGER, "Version", NEEDLED_VERSION);
        assert_property("/org/needled", MANAGER, "Features",
                        "[omp1, vendor-profiles, stream1, stream-history, stream-max-rate, export-tape, pairing-agent, doctor, plan, control, sync, stages, alerts, events]");
        assert_property("/org/needled", MANAGER, "Bluetooth", "ready");
        assert_property("/org/needled", MANAGER, "Storage", "ready");
        assert_property("/org/needled", MANAGER, "StorageReason", "");
        assert_property("/org/needled", MANAGER, "Searching", "false");

        stage->storage = STORE_OPENING;
        assert_property("/org/needled", MANAGER, "Storage", "degraded");
        stage->storage = STORE_UNAVAILABLE;
        stage->bluetooth = LINK_BLUETOOTH_ABSENT;
        bus_storage_changed(stage->bus);
        bus_bluetooth_changed(stage->bus);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "PropertiesChanged"), ==, 2);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "PropertiesChanged"));
        g_assert_cmpstr(text, ==, MANAGER " {Bluetooth: absent} []");
        stage_free();
}

static void test_object_manager(void) {
        g_autoptr(FakeCall) c = NULL;
        g_autofree char *text = NULL;

        stage_new();
        c = call(OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        text = stage_print(expect(c, NULL));
        assert_contains(text, DEVICE_PATH);
        assert_contains(text, FOUND_PATH);
        assert_contains(text, "State: streaming");
        assert_contains(text, "Owner: 4294967295"); /* of the found one */
        stage_free();
}

static void test_search(void) {
        stage_new();
        stage->bluetooth = LINK_BLUETOOTH_OFF;
        stage->search_result = -ENODEV;
        call_expect("NotReady", ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        stage->search_result = 0;
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 1, "seconds", "u",
                    31);
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 1, "seconds", "u",
                    0);
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 1, "seconds", "s",
                    "5");
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 1, "hours", "u", 5);
        g_assert_cmpuint(stage->n_searches, ==, 0);

        call_expect(NULL, ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        g_assert_cmpuint(stage->search_usec, ==, 15000000);
        assert_property("/org/needled", MANAGER, "Searching", "true");
        call_expect(NULL, SELF, "/org/needled", MANAGER, "Search", "a{sv}", 1, "seconds", "u", 30);
        g_assert_cmpuint(stage->search_usec, ==, 30000000);

        /* It ends when nobody wants it any more: one says so, the other leaves. */
        call_expect(NULL, SELF, "/org/needled", MANAGER, "StopSearch", "");
        call_expect(NULL, SELF, "/org/needled", MANAGER, "StopSearch", "");
        call_expect(NULL, OTHER, "/org/needled", MANAGER, "StopSearch", "");
        g_assert_cmpuint(stage->n_search_stops, ==, 0);
        fake_bus_leave(stage->fb, ROOT, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_search_stops, ==, 1);
        stage_free();
}

/* A search that ended by itself is nobody's: who leaves later must not end the next one. */
static void test_search_over(void) {
        stage_new();
        call_expect(NULL, ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        stage->searching = false;
        bus_searching_changed(stage->bus);
        call_expect(NULL, SELF, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        fake_bus_leave(stage->fb, ROOT, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_search_stops, ==, 0);
        stage_free();
}

/* Everybody is told, in the hub's order; what is no UTF-8, as the path of a file may be, is made so. */
static void test_doctor(void) {
        static const Finding findings[] = {
                { "bluetoothd", FINDING_OK, "It runs.", "" },
                { "space", FINDING_WARN, "Little is left in /srv/\xff.", "Make room." },
                { "pen: bond", FINDING_FAIL, "It is lost.", "needlectl adopt C0:FF:EE:12:34:56" },
        };
        g_autoptr(FakeCall) c = NULL, none = NULL;
        g_autofree char *text = NULL, *empty = NULL;

        stage_new();
        stage->findings = findings;
        stage->n_findings = G_N_ELEMENTS(findings);
        c = call(OTHER, "/org/needled", MANAGER, "Doctor", "");
        text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==, "[{check: bluetoothd, status: ok, finding: It runs., remedy: }, "
                                  "{check: space, status: warn, finding: Little is left in /srv/\xef\xbf\xbd., remedy: Make room.}, "
                                  "{check: pen: bond, status: fail, finding: It is lost., "
                                  "remedy: needlectl adopt C0:FF:EE:12:34:56}]");
        stage->n_findings = 0;
        none = call(OTHER, "/org/needled", MANAGER, "Doctor", "");
        empty = stage_print(expect(none, NULL));
        g_assert_cmpstr(empty, ==, "[]");
        stage_free();
}

static void test_adopt(void) {
        g_autoptr(FakeCall) c = NULL;

        stage_new();
        call_expect("NotFound", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH "_", 0);
        call_expect("NotFound", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", "/", 0);
        call_expect("Exists", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1,
                    "colour", "s", "red");
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1,
                    "alias", "s", "a\nb");
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1,
                    "owner", "u", UINT32_MAX);
        call_expect("InvalidArgument", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1, "agent",
                    "s", "/agent");
        g_assert_null(stage->work);

        c = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 3, "alias", "s", "Mine",
                 "allow-unbonded", "b", true, "owner", "u", OTHER_UID);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpstr(stage->work, ==, "adopt");
        g_assert_true(stage->adopt_device == &stage->found);
        g_assert_cmpstr(stage->adopt_alias, ==, "Mine");
        g_assert_true(stage->adopt_unbonded);
        g_assert_cmpuint(stage->adopt_owner, ==, OTHER_UID);
        g_assert_null(c->reply);
        stage->work_done(-EKEYREJECTED, "The device refused to pair; press its button and try again.",
                         stage->work_call);
        (void) expect(c, "PairingFailed");
        stage_free();
}

/* Those too that are about to be adopted; what is adopted already can be healed. */
static void test_adopt_too_many(void) {
        static Device devices[62];
        g_autoptr(FakeCall) c = NULL;

        stage_new();
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                devices[i] = stage->device;
                devices[i].path = g_strdup_printf("d%u", i);
                bus_device_added(stage->bus, &devices[i]);
        }
        c = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0); /* the 64th */
        fake_bus_until(stage->fb, stage->work);
        call_expect("LimitReached", ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        stage->found.adopted = true;
        stage->work = NULL;
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);

        stage->found.adopted = false;
        devices[0].adopted = false;
        stage->device.state = DEVICE_BOND_LOST;
        g_autoptr(FakeCall) again = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
        devices[0].adopted = stage->found.adopted = true;
        fake_bus_until(stage->fb, stage->work);
        g_assert_true(stage->adopt_device == &stage->device);
        stage->work = NULL;
        stage->work_done(0, "", stage->work_call);
        (void) expect(again, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                bus_device_removed(stage->bus, &devices[i]);
                g_free(devices[i].path);
        }
        stage_free();
}

/* A share of them is a user's; root's word is not counted, and what is adopted already can be healed. */
static void test_adopt_too_many_of_a_user(void) {
        static Device devices[15];      /* with that of the stage: 16 */
        g_autoptr(FakeCall) c = NULL;

        stage_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                devices[i] = stage->device;
                devices[i].path = g_strdup_printf("d%u", i);
                bus_device_added(stage->bus, &devices[i]);
        }
        devices[0].owner = OTHER_UID;
        c = call(OWNER, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0); /* the 16th */
        fake_bus_until(stage->fb, stage->work);
        call_expect("LimitReached", OWNER, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        stage->work = NULL;
        stage->work_done(-ECANCELED, "", stage->work_call);
        (void) expect(c, "Cancelled");
        devices[0].owner = OWNER_UID;

        call_expect("LimitReached", OWNER, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        static const struct {
                const char *who, *device;
        } fine[] = { { OTHER, FOUND_PATH }, { ROOT, FOUND_PATH }, { SELF, FOUND_PATH }, { OWNER, DEVICE_PATH } };
        for (size_t i = 0; i < G_N_ELEMENTS(fine); i++) {
                stage->device.state = DEVICE_BOND_LOST;
                g_autoptr(FakeCall) other = call(fine[i].who, "/org/needled", MANAGER, "Adopt", "oa{sv}", fine[i].device, 0);
                fake_bus_until(stage->fb, stage->work);
                g_assert_true(stage->adopt_device == (g_str_equal(fine[i].device, FOUND_PATH) ? &stage->found : &stage->device));
                stage->work = NULL;
                stage->work_done(0, "", stage->work_call);
                (void) expect(other, NULL);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                bus_device_removed(stage->bus, &devices[i]);
                g_free(devices[i].path);
        }
        stage_free();
}

/* Nobody is given more than their share, but by root. */
static void test_given_too_many(void) {
        static Device devices[16];

        stage_new();
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                devices[i] = stage->device;
                devices[i].path = g_strdup_printf("d%u", i);
                devices[i].owner = OTHER_UID;
                bus_device_added(stage->bus, &devices[i]);
        }
        call_expect("LimitReached", OWNER, DEVICE_PATH, DEVICE, "SetOwner", "u", OTHER_UID);
        assert_property(DEVICE_PATH, DEVICE, "Owner", "1000");
        call_expect(NULL, ROOT, DEVICE_PATH, DEVICE, "SetOwner", "u", OTHER_UID);
        assert_property(DEVICE_PATH, DEVICE, "Owner", "1001");
        call_expect(NULL, OTHER, DEVICE_PATH, DEVICE, "SetOwner", "u", OTHER_UID); /* whose it is */
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                bus_device_removed(stage->bus, &devices[i]);
                g_free(devices[i].path);
        }
        stage_free();
}

static void test_adopt_for_another(void) {
        stage_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        call_expect("NotAuthorized", OTHER, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1,
                    "owner", "u", OWNER_UID);
        g_assert_null(stage->work);

        g_autoptr(FakeCall) c = call(OTHER, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpuint(stage->adopt_owner, ==, OTHER_UID);
        g_assert_null(stage->adopt_alias);
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);
        stage_free();
}

/* "the caller leaving cancels it" */
static void test_adopt_caller_leaves(void) {
        stage_new();
        g_autoptr(FakeCall) c = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        fake_bus_until(stage->fb, stage->work);
        fake_bus_leave(stage->fb, ROOT, ":1.66"); /* somebody says so who is not the bus */
        g_assert_cmpuint(stage->n_link_cancels, ==, 0);
        fake_bus_leave(stage->fb, OTHER, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_link_cancels, ==, 0);
        fake_bus_leave(stage->fb, ROOT, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_link_cancels, ==, 1);
        g_assert_false(fake_bus_has_match(stage->fb, "arg0='" ROOT "'"));
        g_assert_null(c->reply);
        stage_free();
}

/* Link ends others' work on a device with it. */
static void test_adopt_caller_leaves_with_another(void) {
        g_autoptr(FakeCall) released = NULL, c = NULL;

        stage_new();
        released = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->work);
        stage->other_done = stage->work_done;
        stage->other_call = stage->work_call;
        stage->work = NULL;
        c = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        fake_bus_until(stage->fb, stage->work);
        fake_bus_leave(stage->fb, ROOT, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_link_cancels, ==, 1);
        (void) expect(released, "NotFound");
        g_assert_null(c->reply);
        stage_free();
}

static void test_forget(void) {
        stage_new();
        call_expect("NotFound", OWNER, "/org/needled", MANAGER, "Forget", "o", "/org/needled/device/nobody");
        call_expect("NotReady", OWNER, "/org/needled", MANAGER, "Forget", "o", FOUND_PATH);
        call_expect("NotAuthorized", OTHER, "/org/needled", MANAGER, "Forget", "o", DEVICE_PATH);

        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", MANAGER, "Forget", "o", DEVICE_PATH);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpstr(stage->work, ==, "forget");
        bus_device_removed(stage->bus, &stage->device);
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "InterfacesRemoved"));
        assert_contains(text, DEVICE_PATH);
        assert_contains(text, DEVICE);
        call_expect(SD_BUS_ERROR_UNKNOWN_OBJECT, OWNER, DEVICE_PATH, DEVICE, "Connect", "");
        stage_free();
}

static void test_start_session(void) {
        stage_new();
        call_expect("InvalidArgument", OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH,
                    1, "area", "s", "elbow");
        call_expect("InvalidArgument", OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH,
                    1, "mood", "s", "x");
        call_expect("NotReady", OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", FOUND_PATH, 0);
        call_expect("NotAuthorized", OTHER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH,
                    0);

        g_autoptr(FakeCall) c =
                call(OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH, 3, "subject",
                     "s", "me", "area", "s", "cheek-left", "note", "s", "two\nlines");
        g_autofree char *path = stage_print(expect(c, NULL));
        g_assert_cmpstr(path, ==, SESSION_PATH);
        assert_property(SESSION_PATH, SESSION, "State", "open");
        assert_property(SESSION_PATH, SESSION, "Owner", "1000");
        assert_property(SESSION_PATH, SESSION, "Device", DEVICE_PATH);
        assert_property(DEVICE_PATH, DEVICE, "Session", SESSION_PATH);
        call_expect("Busy", OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH, 0);
        stage_free();
}

/* "one opened by StartSession [belongs] to its caller" */
static void test_start_session_by_another(void) {
        stage_new();
        call_expect(NULL, ROOT, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH, 0);
        assert_property(SESSION_PATH, SESSION, "Owner", "0");
        call_expect("NotAuthorized", OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        stage_free();
}

/* ---- Device1 ---- */

static void test_device_properties(void) {
        stage_new();
        assert_property(DEVICE_PATH, DEVICE, "Address", "C0:FF:EE:12:34:56");
        assert_property(DEVICE_PATH, DEVICE, "Kind", "pen");
        assert_property(DEVICE_PATH, DEVICE, "Capabilities", "[force, strokes]");
        assert_property(DEVICE_PATH, DEVICE, "Firmware", ""); /* was not UTF-8 */
        assert_property(DEVICE_PATH, DEVICE, "Battery", "80");
        assert_property(DEVICE_PATH, DEVICE, "StateSince", "1700000000000000");
        assert_property(DEVICE_PATH, DEVICE, "AutoConnect", "true");
        assert_property(FOUND_PATH, DEVICE, "Adopted", "false");
        assert_property(FOUND_PATH, DEVICE, "Battery", "255");
        assert_property(FOUND_PATH, DEVICE, "Owner", "4294967295");
        assert_property(FOUND_PATH, DEVICE, "Kind", "unknown");
        assert_property(FOUND_PATH, DEVICE, "Session", "/");
        assert_property(DEVICE_PATH, DEVICE, "Sync", "{phase: idle, done: 0, total: 0, error: }");
        assert_property(FOUND_PATH, DEVICE, "Profile", "");
        call_expect(SD_BUS_ERROR_PROPERTY_READ_ONLY, OWNER, DEVICE_PATH, PROPERTIES, "Set", "ssv", DEVICE,
                    "Alias", "s", "x");
        stage_free();
}

static void test_device_methods(void) {
        stage_new();
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "Älter");
        assert_property(DEVICE_PATH, DEVICE, "Alias", "Älter");
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s",
                    "12345678901234567890123456789012345678901234567890123456789012345");
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "a\033[2Jb");
        call_expect("NotReady", OWNER, FOUND_PATH, DEVICE, "SetAlias", "s", "x");
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "SetAutoConnect", "b", false);
        assert_property(DEVICE_PATH, DEVICE, "AutoConnect", "false");
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "SetOwner", "u", UINT32_MAX);
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "SetOwner", "u", 4711u); /* nobody has it */
        assert_property(DEVICE_PATH, DEVICE, "Owner", "1000");
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "SetOwner", "u", OTHER_UID);
        assert_property(DEVICE_PATH, DEVICE, "Owner", "1001");
        call_expect("NotAuthorized", OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "x");
        call_expect(NULL, OTHER, DEVICE_PATH, DEVICE, "SetAlias", "s", "Hers");
        call_expect(SD_BUS_ERROR_INVALID_ARGS, OTHER, DEVICE_PATH, DEVICE, "SetAlias", "u", 5);
        stage_free();
}

static void test_device_connect(void) {
        static const struct {
                int error;
                const char *name;
        } errors[] = {
                { -ENOENT, "NotFound" },       { -EBUSY, "Busy" },           { -ENODEV, "NotReady" },
                { -ETIMEDOUT, "Timeout" },     { -ECANCELED, "Cancelled" },  { -EKEYREVOKED, "BondLost" },
                { -EOPNOTSUPP, "NotSupported" }, { -EIO, "Failed" },         { 0, NULL },
        };

        stage_new();
        for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
                g_autoptr(FakeCall) c = call(OWNER, DEVICE_PATH, DEVICE, "Connect", "");

                fake_bus_until(stage->fb, stage->work);
                g_assert_cmpstr(stage->work, ==, "connect");
                stage->work = NULL;
                stage->work_done(errors[i].error, "", stage->work_call);
                (void) expect(c, errors[i].name);
        }
        stage_free();
}

static void test_device_info(void) {
        g_autofree char *info = NULL, *counters = NULL;
        g_autoptr(FakeCall) c = NULL, d = NULL;

        stage_new();
        c = call(OTHER, DEVICE_PATH, DEVICE, "GetInfo", "");
        info = stage_print(expect(c, NULL));
        g_assert_cmpstr(info, ==,
                        "{needles: 16, sample_rate: 200, max_depth: 2000, full_scale: 30000, capacity: 50}");
        call_expect("NotReady", OTHER, FOUND_PATH, DEVICE, "GetInfo", "");

        call_expect("NotAuthorized", OTHER, DEVICE_PATH, DEVICE, "GetCounters", "");
        d = call(OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        counters = stage_print(expect(d, NULL));
        assert_contains(counters, "received: 1234");
        assert_contains(counters, "reconnects: 2");
        assert_contains(counters, "interferences: 2");
        assert_contains(counters, "lost: 0");
        stage_free();
}

static bool last_signal_is(const char *path, const char *expected) {
        sd_bus_message *m = fake_bus_signal(stage->fb, path, "PropertiesChanged");
        g_autofree char *text = m ? stage_print(m) : NULL;

        return g_strcmp0(text, expected) == 0;
}

/* "Rssi changes at most once a second", and then as it is. */
static void test_rssi_is_coalesced(void) {
        stage_new();
        for (int i = 0; i < 100; i++) {
                stage->device.rssi = (int16_t) (-90 + i % 7);
                bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_RSSI);
                fake_bus_settle(stage->fb);
        }
        stage->device.rssi = -33;
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_RSSI);
        fake_bus_until(stage->fb, last_signal_is(DEVICE_PATH, DEVICE " {Rssi: -33} []"));
        fake_bus_settle(stage->fb);
        g_assert_true(last_signal_is(DEVICE_PATH, DEVICE " {Rssi: -33} []"));
        /* 100 changes; a machine that took seconds for them may have seen one more a second. */
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, DEVICE_PATH, "PropertiesChanged"), <=, 5);
        stage_free();
}

static void test_device_signals(void) {
        stage_new();
        bus_device_added(stage->bus, &stage->found); /* is there already */
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "InterfacesAdded"), ==, 2);
        stage->device.state = DEVICE_WAITING;
        stage->device.reason = DEVICE_REASON_AWAY;
        stage->device.battery = 79;
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_STATE | DEVICE_CHANGED_BATTERY);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, DEVICE_PATH, "PropertiesChanged"), ==, 1);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, DEVICE_PATH, "PropertiesChanged"));
        assert_contains(text, "State: waiting");
        assert_contains(text, "StateReason: away");
        assert_contains(text, "Battery: 79");
        g_assert_null(strstr(text, "Serial"));
        stage_free();
}

/* ---- The connection ---- */

static void test_name_is_taken(void) {
        stage_new_without_waiting();
        stage->fb->name_answer = 3;
        fake_bus_until(stage->fb, stage->failed);
        g_assert_cmpint(stage->failed, ==, -EEXIST);
        g_assert_false(stage->acquired);
        stage_free();
}

static void test_name_is_refused(void) {
        stage_new_without_waiting();
        stage->fb->name_answer = 0;
        fake_bus_until(stage->fb, stage->failed);
        g_assert_cmpint(stage->failed, ==, -EACCES);
        stage_free();
}

static void test_bus_goes(void) {
        stage_new();
        sd_bus_close(stage->fb->server);
        fake_bus_until(stage->fb, stage->failed);
        g_assert_cmpint(stage->failed, ==, -ECONNRESET);
        stage_free();
}

/* Many callers come and go: the cache stays within its bound, and matches with it. */
static void test_callers_are_bounded(void) {
        stage_new();
        for (unsigned i = 0; i < 600; i++) {
                g_autofree char *name = g_strdup_printf(":2.%u", i);

                fake_bus_user(stage->fb, name, 2000 + i);
                call_expect("NotAuthorized", name, DEVICE_PATH, DEVICE, "GetCounters", "");
        }
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->fb->matches->len, <=, 480 + 4);
        g_assert_cmpuint(stage->fb->n_uid_queries, ==, 600);

        /* One that is known is not asked after again. */
        call_expect("NotAuthorized", ":2.599", DEVICE_PATH, DEVICE, "GetCounters", "");
        g_assert_cmpuint(stage->fb->n_uid_queries, ==, 600);
        /* One that has left is. */
        fake_bus_leave(stage->fb, ":2.599", "org.freedesktop.DBus");
        g_assert_cmpuint(stage->fb->matches->len, <=, 479 + 4);
        fake_bus_user(stage->fb, ":2.599", OWNER_UID);
        call_expect(NULL, ":2.599", DEVICE_PATH, DEVICE, "GetCounters", "");
        g_assert_cmpuint(stage->fb->n_uid_queries, ==, 601);
        stage_free();
}

/* Until the bus has said who calls nothing is done; then in the order in which it was asked. */
static void test_calls_wait_for_the_uid(void) {
        g_autoptr(FakeCall) a = NULL, b = NULL;

        stage_new();
        stage->fb->hold_uids = true;
        a = call(OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "first");
        b = call(OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "second");
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->fb->n_uid_queries, ==, 1);
        g_assert_cmpstr(stage->device.alias, ==, "Pen");
        fake_bus_release_uids(stage->fb);
        (void) expect(a, NULL);
        (void) expect(b, NULL);
        g_assert_cmpstr(stage->device.alias, ==, "second");
        stage_free();
}

static void test_caller_leaves_before_it_is_known(void) {
        g_autoptr(FakeCall) c = NULL;

        stage_new();
        stage->fb->hold_uids = true;
        c = call(OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "x");
        fake_bus_settle(stage->fb);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_release_uids(stage->fb);
        fake_bus_settle(stage->fb);
        g_assert_cmpstr(stage->device.alias, ==, "Pen");
        stage_free();
}

static void test_calls_under_way_are_bounded(void) {
        g_autoptr(GPtrArray) calls = g_ptr_array_new();

        stage_new();
        stage->store_holds = true;
        for (unsigned i = 0; i < 16; i++)
                g_ptr_array_add(calls, call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0));
        call_expect("LimitReached", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->n_queries == 16);
        stage->store_holds = false;
        stage_store_answer();
        for (unsigned i = 0; i < calls->len; i++) {
                (void) expect((FakeCall *) calls->pdata[i], NULL);
                fake_call_free(calls->pdata[i]);
        }
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        stage_free();
}

/* The bus layer goes while the store still has questions of ours: the answers come to nobody. */
static void test_bus_is_freed_with_calls_under_way(void) {
        g_autoptr(FakeCall) a = NULL, b = NULL, c = NULL;

        stage_new();
        stage->store_holds = true;
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        a = call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        b = call(OWNER, DEVICE_PATH, DEVICE, "Connect", "");
        c = call(OTHER, DEVICE_PATH, DEVICE, "Connect", "");
        fake_bus_until(stage->fb, stage->work && stage->n_queries == 1 && stage->fb->check);
        stage_free();
}

/* A subscriber has stopped reading and the bus takes no more: nothing piles up, and what holds then is told
 * when it takes again. */
static void test_signals_are_bounded(void) {
        unsigned changes, told;

        stage_new();
        changes = fake_bus_count_signals(stage->fb, NULL, "PropertiesChanged");
        for (unsigned i = 0; i < 20000; i++) { /* the loop does not run: nobody reads */
                stage->device.battery = (uint8_t) (i % 100);
                bus_device_changed(stage->bus, &stage->device,
                                   DEVICE_CHANGED_BATTERY | DEVICE_CHANGED_STATE);
                bus_history_added(stage->bus, i, OWNER_UID);
        }
        bus_device_removed(stage->bus, &stage->found);
        stage->device.battery = 7;
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY);

        fake_bus_settle(stage->fb); /* what is under way, without a look at all of it after each message */
        fake_bus_until(stage->fb, fake_bus_count_signals(stage->fb, NULL, "InterfacesRemoved") == 1);
        fake_bus_settle(stage->fb);
        told = fake_bus_count_signals(stage->fb, NULL, "PropertiesChanged") - changes;
        g_assert_cmpuint(told, >, 1);
        g_assert_cmpuint(told, <, 10000);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, DEVICE_PATH, "PropertiesChanged"));
        assert_contains(text, "Battery: 7}");
        /* The newest additions to the record are told, in order; what was too much is missing. */
        g_autofree char *added = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Added"));
        g_assert_cmpstr(added, ==, "19999 1000");
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, NULL, "Added"), <, 10000);

        /* And all is as before. */
        stage->device.battery = 8;
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY);
        fake_bus_settle(stage->fb);
        g_autofree char *again = stage_print(fake_bus_signal(stage->fb, DEVICE_PATH, "PropertiesChanged"));
        g_assert_cmpstr(again, ==, DEVICE " {Battery: 8} []");
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/manager/properties", test_manager_properties);
        g_test_add_func("/manager/object-manager", test_object_manager);
        g_test_add_func("/manager/search", test_search);
        g_test_add_func("/manager/search-over", test_search_over);
        g_test_add_func("/manager/doctor", test_doctor);
        g_test_add_func("/manager/adopt", test_adopt);
        g_test_add_func("/manager/adopt-too-many", test_adopt_too_many);
        g_test_add_func("/manager/adopt-too-many-of-a-user", test_adopt_too_many_of_a_user);
        g_test_add_func("/manager/given-too-many", test_given_too_many);
        g_test_add_func("/manager/adopt-for-another", test_adopt_for_another);
        g_test_add_func("/manager/adopt-caller-leaves", test_adopt_caller_leaves);
        g_test_add_func("/manager/adopt-caller-leaves-with-another", test_adopt_caller_leaves_with_another);
        g_test_add_func("/manager/forget", test_forget);
        g_test_add_func("/manager/start-session", test_start_session);
        g_test_add_func("/manager/start-session-by-another", test_start_session_by_another);
        g_test_add_func("/device/properties", test_device_properties);
        g_test_add_func("/device/methods", test_device_methods);
        g_test_add_func("/device/connect", test_device_connect);
        g_test_add_func("/device/info", test_device_info);
        g_test_add_func("/device/rssi-is-coalesced", test_rssi_is_coalesced);
        g_test_add_func("/device/signals", test_device_signals);
        g_test_add_func("/connection/name-is-taken", test_name_is_taken);
        g_test_add_func("/connection/name-is-refused", test_name_is_refused);
        g_test_add_func("/connection/bus-goes", test_bus_goes);
        g_test_add_func("/connection/callers-are-bounded", test_callers_are_bounded);
        g_test_add_func("/connection/calls-wait-for-the-uid", test_calls_wait_for_the_uid);
        g_test_add_func("/connection/caller-leaves-before-it-is-known",
                        test_caller_leaves_before_it_is_known);
        g_test_add_func("/connection/calls-under-way-are-bounded", test_calls_under_way_are_bounded);
        g_test_add_func("/connection/freed-with-calls-under-way", test_bus_is_freed_with_calls_under_way);
        g_test_add_func("/connection/signals-are-bounded", test_signals_are_bounded);
        return g_test_run();
}
