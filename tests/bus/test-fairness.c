/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who gets how much: no user's calls, clients and connections take another user's place. */

#include "autoptr.h"
#include "bus/bucket.h"
#include "bus/call.h"
#include "bus/caller.h"
#include "bus/gate.h"
#include "stage.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define SECOND UINT64_C(1000000)

static void name_of_other(unsigned i, char ret[static 16]) {
        (void) g_snprintf(ret, 16, ":3.%u", i);
        fake_bus_user(stage->fb, ret, OTHER_UID);
}

static void list(const char *sender, const char *error) {
        call_expect(error, sender, "/org/needled", HISTORY, "List", "a{sv}", 0);
}

static void get(const char *sender, const char *error) {
        call_expect(error, sender, DEVICE_PATH, PROPERTIES, "Get", "ss", DEVICE, "State");
}

static void get_many(const char *sender, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                get(sender, NULL);
}

/* "property reads and GetFigures 500/s", of whatever kind they are. */
static void test_reading(void) {
        stage_new();
        get_many(OTHER, BUCKET_CALLS_BURST);
        get(OTHER, "LimitReached");
        call_expect("LimitReached", OTHER, DEVICE_PATH, PROPERTIES, "GetAll", "s", DEVICE);
        call_expect("LimitReached", OTHER, DEVICE_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        call_expect("LimitReached", OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        call_expect("LimitReached", OTHER, DEVICE_PATH, DEVICE, "GetInfo", "");
        call_expect("LimitReached", OTHER, DEVICE_PATH, DEVICE, "NoSuchMethod", "");
        call_expect("LimitReached", OTHER, "/nowhere", "org.freedesktop.DBus.Peer", "Ping", "");
        get(OWNER, NULL);
        get(ROOT, NULL);

        stage->now_usec += SECOND;
        get_many(OTHER, BUCKET_CALLS_PER_SEC);
        get(OTHER, "LimitReached");
        stage_free();
}

/* All objects at once cost what they are: more the more devices there are. */
static void test_reading_all(void) {
        static Device devices[64];

        stage_new();
        for (unsigned i = 0; i < BUCKET_WORK_BURST; i++)
                call_expect(NULL, OTHER, DEVICE_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        call_expect("LimitReached", OTHER, DEVICE_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        call_expect("LimitReached", OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        get(OTHER, NULL);

        stage->now_usec += 10 * SECOND;
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                devices[i] = stage->found;
                devices[i].path = g_strdup_printf("d%u", i);
                bus_device_added(stage->bus, &devices[i]);
        }
        for (unsigned i = 0; i < BUCKET_WORK_BURST / (1 + G_N_ELEMENTS(devices) / 8); i++)
                call_expect(NULL, OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        call_expect("LimitReached", OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        call_expect(NULL, ROOT, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        stage_free();
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++)
                g_free(devices[i].path);
}

/* "calls that change or query the store 50/s, burst 200"; what is refused is not begun. */
static void test_working(void) {
        stage_new();
        for (unsigned i = 0; i < BUCKET_WORK_BURST; i++)
                list(OTHER, NULL);
        list(OTHER, "LimitReached");
        call_expect("LimitReached", OTHER, "/org/needled", MANAGER, "Doctor", "");
        call_expect("LimitReached", OTHER, DEVICE_PATH, DEVICE, "SetAlias", "s", "x");
        g_assert_cmpuint(stage->n_queries, ==, BUCKET_WORK_BURST);
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        get(OTHER, NULL);
        call_expect(NULL, OTHER, DEVICE_PATH, DEVICE, "GetInfo", "");
        list(OWNER, NULL);

        stage->now_usec += SECOND;
        for (unsigned i = 0; i < BUCKET_WORK_PER_SEC; i++)
                list(OTHER, NULL);
        list(OTHER, "LimitReached");
        stage_free();
}

static void test_root_and_the_daemon_itself(void) {
        stage_new();
        for (unsigned i = 0; i < 2 * BUCKET_WORK_BURST; i++) {
                list(ROOT, NULL);
                list(SELF, NULL);
        }
        get_many(ROOT, BUCKET_CALLS_BURST + 1);
        stage_free();
}

/* It is the user who is counted, not the connection. */
static void test_another_name_each_time(void) {
        char name[16];

        stage_new();
        for (unsigned i = 0; i < BUCKET_WORK_BURST; i++) {
                name_of_other(i, name);
                list(name, NULL);
                fake_bus_leave(stage->fb, name, "org.freedesktop.DBus");
        }
        name_of_other(BUCKET_WORK_BURST, name);
        list(name, "LimitReached");
        stage_free();
}

/* Properties wait too until it is known who reads them; calls keep their order, and what comes meanwhile is bounded. */
static void test_before_the_bus_has_said_who_calls(void) {
        FakeCall *calls[CALLERS_HELD_MAX + 2];

        stage_new();
        stage->fb->hold_uids = true;
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
                calls[i] = call(OTHER, DEVICE_PATH, PROPERTIES, "Get", "ss", DEVICE, "State");
        fake_bus_settle(stage->fb);
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
                g_assert_true((calls[i]->reply != NULL) == (i >= CALLERS_HELD_MAX));
        fake_bus_release_uids(stage->fb);
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
                (void) expect(calls[i], i < CALLERS_HELD_MAX ? NULL : "LimitReached");
                fake_call_free(calls[i]);
        }
        get(OTHER, NULL);
        stage_free();
}

/* A message that is held is memory: one that nobody needs to send is refused at once, whoever sends it. */
static void test_messages_are_small(void) {
        g_autofree char *largest = g_strnfill(GATE_MESSAGE_MAX - 512, 'x'), *too_large = g_strnfill(GATE_MESSAGE_MAX, 'x');
        g_autofree char *path = g_strconcat("/", too_large, NULL);

        stage_new();
        stage->fb->hold_uids = true;
        call_expect("InvalidArgument", OTHER, "/org/needled", HISTORY, "List", "a{sv}", 1, "subject", "s", too_large);
        call_expect("InvalidArgument", OTHER, "/org/needled", HISTORY, "List", "a{sv}", 1, "subject", "(sv)", "", "s", too_large);
        call_expect("InvalidArgument", OTHER, path, "org.freedesktop.DBus.Peer", "Ping", "");
        g_autoptr(FakeCall) held = call(OTHER, "/org/needled", HISTORY, "List", "a{sv}", 1, "subject", "s", largest);
        fake_bus_settle(stage->fb);
        g_assert_null(held->reply);
        fake_bus_release_uids(stage->fb);
        (void) expect(held, NULL);
        call_expect("InvalidArgument", OTHER, "/org/needled", HISTORY, "List", "a{sv}", 1, "subject", "s", too_large);
        call_expect("InvalidArgument", ROOT, "/org/needled", HISTORY, "List", "a{sv}", 1, "subject", "s", too_large);
        stage_free();
}

static void test_calls_under_way_of_one_user(void) {
        g_autoptr(GPtrArray) calls = g_ptr_array_new();
        char name[16];

        stage_new();
        stage->store_holds = true;
        for (unsigned i = 0; i < CALLS_MAX_PER_USER; i++) {
                name_of_other(i / CALLS_MAX_PER_CALLER, name);
                g_ptr_array_add(calls, call(name, "/org/needled", HISTORY, "List", "a{sv}", 0));
        }
        fake_bus_until(stage->fb, stage->n_queries == CALLS_MAX_PER_USER);
        list(OTHER, "LimitReached");
        /* Whose clients have gone has them under way still. */
        fake_bus_leave(stage->fb, name, "org.freedesktop.DBus");
        list(OTHER, "LimitReached");

        g_autoptr(FakeCall) of_owner = call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        g_autoptr(FakeCall) of_root = call(ROOT, "/org/needled", HISTORY, "List", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->n_queries == CALLS_MAX_PER_USER + 2);
        stage->store_holds = false;
        stage_store_answer();
        (void) expect(of_owner, NULL);
        (void) expect(of_root, NULL);
        list(OTHER, NULL);
        for (unsigned i = 0; i < calls->len; i++)
                fake_call_free(calls->pdata[i]);
        stage_free();
}

/* As many connections as a bus lets a user have, all at once, none of which is known yet. */
static void test_connections_of_one_user(void) {
        FakeCall *calls[CALLERS_MAX_PER_USER], *of_owner;
        char name[16];
        unsigned asked;

        stage_new();
        stage->fb->hold_uids = true;
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
                name_of_other(i, name);
                calls[i] = call(name, DEVICE_PATH, DEVICE, "GetInfo", "");
        }
        of_owner = call(OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_settle(stage->fb);
        fake_bus_release_uids(stage->fb);
        (void) expect(of_owner, NULL);
        fake_call_free(of_owner);
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
                (void) expect(calls[i], NULL);
                fake_call_free(calls[i]);
        }

        /* More of them push out their own, and nobody else's. */
        asked = stage->fb->n_uid_queries;
        for (unsigned i = 0; i < 300; i++) {
                name_of_other(1000 + i, name);
                call_expect(NULL, name, DEVICE_PATH, DEVICE, "GetInfo", "");
        }
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        g_assert_cmpuint(stage->fb->n_uid_queries, ==, asked + 300);
        g_assert_cmpuint(stage->fb->matches->len, <=, CALLERS_MAX_PER_USER + 5);
        stage_free();
}

static void test_searches_of_one_user(void) {
        char name[16];

        stage_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        for (unsigned i = 0; i < SEARCHES_MAX_PER_USER; i++) {
                name_of_other(i, name);
                call_expect(NULL, name, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        }
        call_expect(NULL, name, "/org/needled", MANAGER, "Search", "a{sv}", 0); /* the same once more */
        call_expect("LimitReached", OTHER, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        call_expect(NULL, OWNER, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        call_expect(NULL, name, "/org/needled", MANAGER, "StopSearch", "");
        call_expect(NULL, OTHER, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        stage_free();
}

/* As many clients as are remembered, each with a call under way, and then as many calls: who comes then is told so. */
static void test_everybody_at_once(void) {
        FakeCall *calls[CALLS_MAX];
        char name[16];

        stage_new();
        stage->store_holds = true;
        for (unsigned i = 0; i < CALLS_MAX; i++) {
                (void) g_snprintf(name, sizeof(name), ":2.%u", i % CALLERS_MAX);
                fake_bus_user(stage->fb, name, 2000 + i % 12);
                if (i == CALLERS_MAX) {
                        fake_bus_until(stage->fb, stage->n_queries == CALLERS_MAX);
                        call_expect("LimitReached", OWNER, DEVICE_PATH, DEVICE, "GetInfo", "");
                        get(ROOT, "LimitReached");
                        get(":2.0", NULL);
                }
                calls[i] = call(name, "/org/needled", HISTORY, "List", "a{sv}", 0);
        }
        fake_bus_until(stage->fb, stage->n_queries == CALLS_MAX);
        call_expect("LimitReached", ":2.0", DEVICE_PATH, DEVICE, "GetInfo", "");
        get(":2.0", NULL);

        stage->store_holds = false;
        stage_store_answer();
        for (unsigned i = 0; i < CALLS_MAX; i++) {
                (void) expect(calls[i], NULL);
                fake_call_free(calls[i]);
        }
        get(ROOT, NULL);
        list(OWNER, NULL);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fairness/reading", test_reading);
        g_test_add_func("/fairness/reading-all", test_reading_all);
        g_test_add_func("/fairness/working", test_working);
        g_test_add_func("/fairness/root-and-the-daemon-itself", test_root_and_the_daemon_itself);
        g_test_add_func("/fairness/another-name-each-time", test_another_name_each_time);
        g_test_add_func("/fairness/before-the-bus-has-said-who-calls", test_before_the_bus_has_said_who_calls);
        g_test_add_func("/fairness/messages-are-small", test_messages_are_small);
        g_test_add_func("/fairness/calls-under-way-of-one-user", test_calls_under_way_of_one_user);
        g_test_add_func("/fairness/connections-of-one-user", test_connections_of_one_user);
        g_test_add_func("/fairness/everybody-at-once", test_everybody_at_once);
        g_test_add_func("/fairness/searches-of-one-user", test_searches_of_one_user);
        return g_test_run();
}
