/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bus takes nothing more from us, since somebody does not read what it subscribed to: the connection is opened
 * again, clients find everything there, and who reads a stream notices nothing. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/gate.h"
#include "bus/private.h"
#include "stage.h"

#define STALL_USEC UINT64_C(400000)
#define REPLACE_EXISTING 0x2u   /* of RequestName, as on the wire */

/* More than the socket takes, which libsystemd gives 8 MiB if it may, and a queue behind it. */
static void fill_up(void) {
        fake_bus_stop_reading(stage->fb);
        for (unsigned i = 0; i < 30000; i++) {
                stage->device.battery = (uint8_t) (i % 100);
                bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY | DEVICE_CHANGED_STATE);
        }
}

static int open_stream(void) {
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        int fd, copy;

        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "h", &fd), >, 0);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message closes its own */
        g_assert_cmpint(copy, >=, 0);
        return copy;
}

static unsigned drain(int fd) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX];
        ssize_t size;
        unsigned n = 0;

        while ((size = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
                n++;
        g_assert_cmpint(size, ==, -1); /* open */
        return n;
}

static void test_the_name_comes_back(void) {
        g_autoptr(FakeCall) objects = NULL;
        g_autofree char *text = NULL, *added = NULL, *battery = NULL;
        int fd;

        stage_new_with_stall_time(STALL_USEC);
        stage_session();
        fd = open_stream();
        g_assert_cmpuint(stage->fb->name_flags & REPLACE_EXISTING, ==, 0);

        fill_up();
        stage->device.battery = 55;
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY);
        bus_history_added(stage->bus, 77, OWNER_UID);
        (void) drain(fd);
        stage_live(5); /* devices and streams go on */
        g_assert_cmpuint(drain(fd), >=, 5);

        fake_bus_until(stage->fb, stage->fb->n_name_requests == 2);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_stalls, ==, 1);
        g_assert_cmpuint(stage->fb->n_connections, ==, 2);
        g_assert_cmpuint(stage->fb->name_flags & REPLACE_EXISTING, !=, 0);
        g_assert_cmpint(stage->failed, ==, 0);

        objects = call(OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        text = stage_print(expect(objects, NULL));
        g_assert_nonnull(strstr(text, DEVICE_PATH));
        g_assert_nonnull(strstr(text, SESSION_PATH));
        battery = stage_property(OTHER, DEVICE_PATH, DEVICE, "Battery");
        g_assert_cmpstr(battery, ==, "55");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        fake_bus_until(stage->fb, fake_bus_signal(stage->fb, "/org/needled", "Added"));
        added = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Added"));
        g_assert_cmpstr(added, ==, "77 1000"); /* what could not be told before */
        stage_live(5);
        g_assert_cmpuint(drain(fd), >=, 5);
        (void) close(fd);
        stage_free();
}

/* Who called is nobody any more on the new connection. */
static void test_clients_have_left(void) {
        g_autoptr(FakeCall) adopt = NULL, check = NULL, listed = NULL;

        stage_new_with_stall_time(STALL_USEC);
        call_expect(NULL, ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        adopt = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        fake_bus_until(stage->fb, stage->work);
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        check = call(OTHER, DEVICE_PATH, DEVICE, "Connect", "");
        fake_bus_until(stage->fb, stage->fb->check);
        stage->store_holds = true;
        listed = call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->n_queries == 1);

        fill_up();
        fake_bus_until(stage->fb, stage->fb->n_name_requests == 2);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_link_cancels, ==, 1);
        g_assert_cmpuint(stage->n_search_stops, ==, 1);
        stage->store_holds = false;
        stage_store_answer(); /* comes to nobody */
        g_assert_null(listed->reply);
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        call_expect(NULL, OTHER, DEVICE_PATH, DEVICE, "SetAlias", "s", "new");
        stage_free();
}

/* The socket has room for years of what little there is to say; all the same nobody is answered. */
static void test_little_is_said(void) {
        g_autoptr(FakeCall) unanswered = NULL;

        stage_new_with_stall_time(STALL_USEC);
        fake_bus_stop_reading(stage->fb);
        unanswered = call(OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_until(stage->fb, stage->fb->n_name_requests == 2);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_stalls, ==, 1);
        g_assert_null(unanswered->reply);
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        stage_free();
}

static uint64_t n_waiting(void) {
        uint64_t n;

        g_assert_cmpint(sd_bus_get_n_queued_write(stage->bus->connection, &n), >=, 0);
        return n;
}

static void wait_for_room(uint64_t n) {
        for (unsigned i = 0; n_waiting() < n; i++) {
                stage->device.battery = (uint8_t) (i % 100);
                bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY);
        }
}

/* Who asks and does not read would fill our memory with answers: first what may be large is refused, then nobody is answered. */
static void test_answers_that_wait(void) {
        g_autoptr(FakeCall) list = NULL, objects = NULL, page = NULL, small = NULL, dropped = NULL;
        uint64_t n;

        stage_new_with_stall_time(STALL_USEC * 1000);
        call_expect(NULL, ROOT, "/org/needled", HISTORY, "List", "a{sv}", 0); /* who it is has to be known */
        fake_bus_stop_reading(stage->fb);
        wait_for_room(GATE_QUEUED_LARGE_MAX);
        list = call(ROOT, "/org/needled", HISTORY, "List", "a{sv}", 0);
        objects = call(ROOT, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        page = call(ROOT, "/org/needled", "org.freedesktop.DBus.Introspectable", "Introspect", "");
        small = call(ROOT, DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_settle(stage->fb);
        wait_for_room(GATE_QUEUED_MAX);
        n = n_waiting();
        dropped = call(ROOT, DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(n_waiting(), ==, n);

        fake_bus_read_on(stage->fb);
        (void) expect(small, NULL);
        (void) expect(list, "LimitReached");
        (void) expect(objects, "LimitReached");
        (void) expect(page, "LimitReached");
        fake_bus_settle(stage->fb);
        g_assert_null(dropped->reply);
        call_expect(NULL, ROOT, "/org/needled", HISTORY, "List", "a{sv}", 0);
        g_assert_cmpuint(stage->n_stalls, ==, 0);
        stage_free();
}

/* Who called while it was not known yet who they are, and is not answered since too much waits, can call again when it does not. */
static void test_what_was_held_waits_for_nobody(void) {
        g_autoptr(FakeCall) dropped = NULL;

        stage_new_with_stall_time(STALL_USEC * 1000);
        stage->fb->hold_uids = true;
        dropped = call(OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_settle(stage->fb);
        fake_bus_stop_reading(stage->fb);
        wait_for_room(GATE_QUEUED_MAX);
        fake_bus_release_uids(stage->fb);
        fake_bus_settle(stage->fb);

        fake_bus_read_on(stage->fb);
        fake_bus_settle(stage->fb);
        g_assert_null(dropped->reply);
        call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        stage_free();
}

static void test_again_and_again(void) {
        stage_new_with_stall_time(STALL_USEC);
        for (unsigned i = 2; i <= 4; i++) {
                fill_up();
                fake_bus_until(stage->fb, stage->fb->n_name_requests == i);
                fake_bus_settle(stage->fb);
                call_expect(NULL, OWNER, DEVICE_PATH, DEVICE, "GetCounters", "");
        }
        g_assert_cmpuint(stage->n_stalls, ==, 3);
        stage_free();
}

/* What comes and goes while there is no connection is as it is when there is one again. */
static void test_objects_come_and_go_meanwhile(void) {
        g_autoptr(FakeCall) objects = NULL;
        g_autofree char *text = NULL;

        stage_new_with_stall_time(STALL_USEC);
        fill_up();
        fake_bus_until(stage->fb, stage->n_stalls == 1);
        bus_device_removed(stage->bus, &stage->found);
        (void) stage_session();
        fake_bus_until(stage->fb, fake_bus_signal(stage->fb, NULL, "InterfacesRemoved"));
        objects = call(OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        text = stage_print(expect(objects, NULL));
        g_assert_nonnull(strstr(text, SESSION_PATH));
        g_assert_null(strstr(text, FOUND_PATH));
        stage_free();
}

static char *removed_text(unsigned nth) {
        for (unsigned i = 0; i < stage->fb->signals->len; i++) {
                sd_bus_message *m = stage->fb->signals->pdata[i];

                if (g_str_equal(sd_bus_message_get_member(m), "Removed") && nth-- == 0) {
                        g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
                        return stage_print(m);
                }
        }
        return NULL;
}

/* More of the record went than is remembered for later: nobody is left with what is not there any more. */
static void test_much_goes_meanwhile(void) {
        StoreGone gone[257], others = { 900, OTHER_UID };
        g_autofree char *first = NULL, *last = NULL;

        for (unsigned i = 0; i < G_N_ELEMENTS(gone); i++)
                gone[i] = (StoreGone) { i + 1, OWNER_UID };
        stage_new_with_stall_time(STALL_USEC);
        fill_up();
        bus_history_erased(stage->bus, &(StoreErased) { .n_sessions = 1, .sessions = &others });
        bus_history_erased(stage->bus, &(StoreErased) { .n_sessions = G_N_ELEMENTS(gone), .sessions = gone });
        fake_bus_until(stage->fb, fake_bus_count_signals(stage->fb, "/org/needled", "Removed") >= 4);
        first = removed_text(0);
        last = removed_text(3);
        g_assert_cmpstr(first, ==, "0 1001");
        g_assert_cmpstr(last, ==, "257 1000");
        stage_free();
}

/* Each object that clients know of and that goes is told, however many they are. */
static void test_many_objects_go_meanwhile(void) {
        static Device devices[300];

        stage_new_with_stall_time(STALL_USEC);
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                devices[i] = stage->found;
                devices[i].path = g_strdup_printf("d%u", i);
                bus_device_added(stage->bus, &devices[i]);
        }
        fake_bus_settle(stage->fb);
        fill_up();
        for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
                bus_device_removed(stage->bus, &devices[i]);
                g_free(devices[i].path);
        }
        (void) stage_session(); /* what comes is told behind what went */
        fake_bus_until(stage->fb, stage->n_stalls == 1 && fake_bus_signal(stage->fb, NULL, "InterfacesRemoved"));
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, NULL, "InterfacesRemoved"), ==, G_N_ELEMENTS(devices));
        g_assert_cmpstr(sd_bus_message_get_member(stage->fb->signals->pdata[stage->fb->signals->len - 1]), !=, "InterfacesRemoved");
        stage_free();
}

/* A bus that is only slow is left alone. */
static void test_a_bus_that_reads(void) {
        stage_new_with_stall_time(STALL_USEC);
        for (unsigned i = 0; i < 30000; i++)
                bus_history_added(stage->bus, i, OWNER_UID);
        fake_bus_settle(stage->fb); /* what is under way, without a look at all of it after each message */
        fake_bus_until(stage->fb, fake_bus_count_signals(stage->fb, NULL, "Added") > 1000);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_stalls, ==, 0);
        g_assert_cmpuint(stage->fb->n_connections, ==, 1);
        stage_free();
}

static void test_there_is_no_bus_any_more(void) {
        stage_new_with_stall_time(STALL_USEC);
        fill_up();
        g_assert_cmpint(g_unlink(stage->fb->path), ==, 0);
        fake_bus_until(stage->fb, stage->failed);
        g_assert_cmpuint(stage->n_stalls, ==, 1);
        bus_device_changed(stage->bus, &stage->device, DEVICE_CHANGED_BATTERY); /* until the daemon ends */
        stage_free();
}

static void test_the_name_does_not_come_back(void) {
        stage_new_with_stall_time(STALL_USEC);
        fill_up();
        stage->fb->name_answer = 3;
        fake_bus_until(stage->fb, stage->failed);
        g_assert_cmpint(stage->failed, ==, -EEXIST);
        stage_free();
}

static void test_the_name_is_taken_over(void) {
        stage_new();
        fake_bus_name_lost(stage->fb, ":1.66"); /* anybody can say so */
        g_assert_cmpint(stage->failed, ==, 0);
        fake_bus_name_lost(stage->fb, "org.freedesktop.DBus");
        g_assert_cmpint(stage->failed, ==, -EEXIST);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/stall/the-name-comes-back", test_the_name_comes_back);
        g_test_add_func("/stall/clients-have-left", test_clients_have_left);
        g_test_add_func("/stall/little-is-said", test_little_is_said);
        g_test_add_func("/stall/again-and-again", test_again_and_again);
        g_test_add_func("/stall/answers-that-wait", test_answers_that_wait);
        g_test_add_func("/stall/what-was-held-waits-for-nobody", test_what_was_held_waits_for_nobody);
        g_test_add_func("/stall/objects-come-and-go-meanwhile", test_objects_come_and_go_meanwhile);
        g_test_add_func("/stall/much-goes-meanwhile", test_much_goes_meanwhile);
        g_test_add_func("/stall/many-objects-go-meanwhile", test_many_objects_go_meanwhile);
        g_test_add_func("/stall/a-bus-that-reads", test_a_bus_that_reads);
        g_test_add_func("/stall/there-is-no-bus-any-more", test_there_is_no_bus_any_more);
        g_test_add_func("/stall/the-name-does-not-come-back", test_the_name_does_not_come_back);
        g_test_add_func("/stall/the-name-is-taken-over", test_the_name_is_taken_over);
        return g_test_run();
}
