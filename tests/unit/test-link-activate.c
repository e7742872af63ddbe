/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "autoptr.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

#define UNIT "/org/freedesktop/systemd1/unit/"

/* systemd, as far as it is asked, and a bus that notes each start of org.bluez. */
typedef struct Stage {
        Fixture f;
        char *folder, *starts;
        sd_bus *bus;
        const char *state;
        uint64_t inactive_usec, bus_left_usec;
        unsigned asked;
} Stage;

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        Stage *s = userdata;

        s->asked++;
        return sd_bus_message_append(reply, "s", s->state);
}

static int get_time(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const Stage *s = userdata;

        return sd_bus_message_append(reply, "t", g_str_has_prefix(property, "Inactive") ? s->inactive_usec : s->bus_left_usec);
}

static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveState", "s", get_state, 0, 0),
        SD_BUS_PROPERTY("InactiveEnterTimestampMonotonic", "t", get_time, 0, 0),
        SD_BUS_PROPERTY("ActiveExitTimestampMonotonic", "t", get_time, 0, 0),
        SD_BUS_VTABLE_END
};

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Stage *s = userdata;

        s->asked += sd_bus_message_is_method_call(m, NULL, "Get") > 0;
        return 0;
}

static void set_up(Stage *s, const void *data) {
        static const char *const units[] = { UNIT "bluetooth_2eservice", UNIT "dbus_2eservice" };

        s->folder = g_dir_make_tmp("needled-test-XXXXXX", NULL);
        s->starts = g_build_filename(s->folder, "starts", NULL);
        g_autofree char *service = g_build_filename(s->folder, "org.bluez.service", NULL);
        g_autofree char *text = g_strdup_printf("[D-BUS Service]\nName=org.bluez\nExec=/bin/sh -c \"echo >>%s\"\n", s->starts);
        g_autofree char *more = g_strdup_printf("<servicedir>%s</servicedir>", s->folder);

        g_assert_true(g_file_set_contents(service, text, -1, NULL));
        s->f.bus = fake_bus_start_with(more);
        s->f.profiles = profiles_new();
        s->state = "active";
        const LinkSettings settings = { .profiles = s->f.profiles };
        g_assert_cmpint(sd_event_new(&s->f.event), >=, 0);
        g_assert_cmpint(sd_bus_open_system(&s->bus), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(s->bus, s->f.event, 0), >=, 0);
        for (size_t i = 0; !data && i < G_N_ELEMENTS(units); i++)
                g_assert_cmpint(sd_bus_add_object_vtable(s->bus, NULL, units[i], "org.freedesktop.systemd1.Unit", unit_vtable, s),
                                >=, 0);
        if (data)
                g_assert_cmpint(sd_bus_add_filter(s->bus, NULL, on_message, s), >=, 0);
        g_assert_cmpint(sd_bus_request_name(s->bus, "org.freedesktop.systemd1", 0), >=, 0);
        s->f.fake = fake_bluez_new(s->f.event, NULL);
        g_assert_cmpint(link_new(s->f.event, &settings, &fixture_observer, &s->f, &s->f.link), >=, 0);
        link_start(s->f.link);
        wait_for(&s->f, link_bluetooth(s->f.link) == LINK_BLUETOOTH_READY);
}

static void tear_down(Stage *s, const void *data) {
        g_autofree char *service = g_build_filename(s->folder, "org.bluez.service", NULL);

        sd_bus_flush_close_unref(s->bus);
        fixture_tear_down(&s->f);
        (void) g_unlink(service);
        (void) g_unlink(s->starts);
        (void) g_rmdir(s->folder);
        g_free(s->folder);
        g_free(s->starts);
}

static size_t starts(const Stage *s) {
        g_autofree char *text = NULL;
        size_t size = 0;

        return g_file_get_contents(s->starts, &text, &size, NULL) ? size : 0;
}

static void bluetoothd_goes(Stage *s, const char *state) {
        s->state = state;
        s->f.fake = fake_bluez_free(s->f.fake);
        wait_for(&s->f, link_bluetooth(s->f.link) == LINK_BLUETOOTH_ABSENT);
}

/* "When its unit has failed we activate it after 1 s, at most 3 times in 10 minutes." */
static void test_failed(Stage *s, const void *data) {
        bluetoothd_goes(s, "failed");
        wait_for(&s->f, starts(s) == 3);
        unsigned asked = s->asked;
        wait_for(&s->f, s->asked == asked + 1); /* it has failed again */
        fixture_settle(&s->f);
        g_assert_cmpuint(starts(s), ==, 3);

        s->f.fake = fake_bluez_new(s->f.event, NULL);
        wait_for(&s->f, link_bluetooth(s->f.link) == LINK_BLUETOOTH_READY);
}

/* "When it was stopped on purpose we wait." */
static void test_stopped(Stage *s, const void *data) {
        s->inactive_usec = 100 * G_USEC_PER_SEC;
        s->bus_left_usec = 5 * G_USEC_PER_SEC;
        bluetoothd_goes(s, "inactive");
        wait_for(&s->f, s->asked == 1);
        fixture_settle(&s->f);
        g_assert_cmpuint(starts(s), ==, 0);
}

static void test_went_with_the_bus(Stage *s, const void *data) {
        s->inactive_usec = 100 * G_USEC_PER_SEC;
        s->bus_left_usec = 101 * G_USEC_PER_SEC;
        bluetoothd_goes(s, "inactive");
        wait_for(&s->f, starts(s) == 1);
}

/* Just after the computer was started, with the bus in its first life. */
static void test_stopped_soon(Stage *s, const void *data) {
        s->inactive_usec = 8 * G_USEC_PER_SEC;
        bluetoothd_goes(s, "inactive");
        wait_for(&s->f, s->asked == 1);
        fixture_settle(&s->f);
        g_assert_cmpuint(starts(s), ==, 0);
}

/* One that was never there: its unit is not enabled. */
static void test_never_active(Stage *s, const void *data) {
        s->bus_left_usec = G_USEC_PER_SEC;
        bluetoothd_goes(s, "inactive");
        wait_for(&s->f, s->asked == 1);
        fixture_settle(&s->f);
        g_assert_cmpuint(starts(s), ==, 0);
}

/* On its way down it is not known yet how it ends. */
static void test_deactivating(Stage *s, const void *data) {
        bluetoothd_goes(s, "deactivating");
        wait_for(&s->f, s->asked == 2);
        g_assert_cmpuint(starts(s), ==, 0);
        s->state = "failed";
        wait_for(&s->f, starts(s) == 1);
}

static void test_comes_back_by_itself(Stage *s, const void *data) {
        bluetoothd_goes(s, "failed");
        s->f.fake = fake_bluez_new(s->f.event, NULL);
        wait_for(&s->f, link_bluetooth(s->f.link) == LINK_BLUETOOTH_READY);
        fixture_settle(&s->f);
        g_assert_cmpuint(s->asked, ==, 0);
        g_assert_cmpuint(starts(s), ==, 0);
}

/* It has no such unit. */
static void test_no_unit(Stage *s, const void *data) {
        bluetoothd_goes(s, "failed");
        wait_for(&s->f, s->asked == 1);
        fixture_settle(&s->f);
        g_assert_cmpuint(starts(s), ==, 0);
}

#define ADD(name, data, function) g_test_add("/link-activate/" name, Stage, data, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("failed", NULL, test_failed);
        ADD("stopped", NULL, test_stopped);
        ADD("stopped-soon", NULL, test_stopped_soon);
        ADD("went-with-the-bus", NULL, test_went_with_the_bus);
        ADD("never-active", NULL, test_never_active);
        ADD("deactivating", NULL, test_deactivating);
        ADD("comes-back-by-itself", NULL, test_comes_back_by_itself);
        ADD("no-unit", "none", test_no_unit);
        return g_test_run();
}
