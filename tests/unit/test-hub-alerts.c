/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session is warned of from outside: the battery that bluetoothd knows of, and what the journal hears. */
#include "hub-private.h"
#include "log.h"
#include "talk.h"

static Talk *talk;
static GString *journal;

void log_full(int level, const LogContext *context, const char *file, int line, const char *func, const char *format, ...) {
        va_list args;

        va_start(args, format);
        g_string_append_vprintf(journal, format, args);
        va_end(args);
        g_string_append_c(journal, '\n');
}

int log_get_max_level(void) {
        return LOG_INFO;
}

void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec) {
        *ret_boottime_usec = talk->now_usec;
        *ret_realtime_usec = REALTIME_OFFSET + talk->now_usec;
}

LogContext hub_session_context(const Session *session, const char *message_id) {
        return (LogContext) { .message_id = message_id, .device = "pen" };
}

void bus_stream_limits(Bus *bus, Session *session) {
}

/* ---- */

typedef struct Scene {
        Device device;
        Follower follower;
} Scene;

static void scene_begin(Scene *scene) {
        talk = talk_with(NULL, 0);
        journal = g_string_new(NULL);
        *scene = (Scene) { .device.battery = DEVICE_BATTERY_UNKNOWN, .follower.tracker = talk->tracker };
        scene->follower.device = &scene->device;
}

static void scene_end(void) {
        g_string_free(journal, TRUE);
        g_clear_pointer(&talk, talk_free);
}

static void battery(Scene *scene, uint8_t percent, const char *expected) {
        scene->device.battery = percent;
        hub_alert_battery(&scene->follower);
        told(talk, expected);
}

static void test_battery(void) {
        Scene scene;

        scene_begin(&scene);
        battery(&scene, 3, "");         /* no session that it would matter to */
        use(talk, 1, 0);
        told(talk, "opened running");
        battery(&scene, DEVICE_BATTERY_UNKNOWN, "");
        battery(&scene, 21, "");
        battery(&scene, 20, "notice:battery-low:20");
        battery(&scene, 19, "");
        battery(&scene, 22, "");        /* not before 25 % */
        battery(&scene, 5, "warning:battery-low:5");
        battery(&scene, 24, "");
        battery(&scene, 25, "clear:battery-low");
        battery(&scene, 25, "");
        scene_end();
}

/* As a note, so that the record alone tells it again. */
static void test_battery_is_in_the_record(void) {
        Scene scene;
        unsigned kept;

        scene_begin(&scene);
        use(talk, 1, 0);
        told(talk, "opened running");
        kept = talk->kept->len;
        battery(&scene, 4, "warning:battery-low:4");
        g_assert_cmpuint(talk->kept->len, ==, kept + 1);
        g_assert_cmpint(((const Frame *) talk->kept->pdata[kept])->direction, ==, FRAME_OF_HOST);
        scene_end();
}

static void test_the_journal_hears_it_once_a_minute(void) {
        Scene scene;

        scene_begin(&scene);
        use(talk, 1, 0);
        hub_alert_log(&scene.follower, session(talk), ALERT_OVERPRESSURE, 100 * SEC);
        hub_alert_log(&scene.follower, session(talk), ALERT_OVERPRESSURE, 160 * SEC - 1);
        hub_alert_log(&scene.follower, session(talk), ALERT_BATTERY_LOW, 100 * SEC); /* none of its own */
        g_assert_cmpstr(journal->str, ==, "the force went over its limit in session 1 with pen\n");
        hub_alert_log(&scene.follower, session(talk), ALERT_OVERPRESSURE, 160 * SEC);
        hub_alerts_forget(&scene.follower);
        hub_alert_log(&scene.follower, session(talk), ALERT_OVERPRESSURE, 161 * SEC);
        g_assert_cmpstr(journal->str, ==, "the force went over its limit in session 1 with pen\n"
                                          "the force went over its limit in session 1 with pen\n"
                                          "the force went over its limit in session 1 with pen\n");
        scene_end();
}

/* What is not said of contact goes along with what is, and nothing is said where both are the device's own. */
static void test_contact_as_configured(void) {
        static const struct {
                int32_t on, off, expected_on, expected_off;
        } contacts[] = {
                { LIMIT_OF_DEVICE, LIMIT_OF_DEVICE, 0, 0 }, { 150, 80, 150, 80 },   { 300, LIMIT_OF_DEVICE, 300, 100 },
                { 60, LIMIT_OF_DEVICE, 60, 60 },            { LIMIT_OF_DEVICE, 0, 200, 0 }, { LIMIT_OF_DEVICE, 250, 250, 250 },
        };
        Hub hub = {};
        NoteLimits limits;

        config_defaults(&hub.config);
        for (unsigned i = 0; i < G_N_ELEMENTS(contacts); i++) {
                hub.config.limits_contact_on_mn = contacts[i].on;
                hub.config.limits_contact_off_mn = contacts[i].off;
                hub_limits(&hub, NULL, &limits);
                g_assert_cmpint(limits.contact_on_mn, ==, contacts[i].expected_on);
                g_assert_cmpint(limits.contact_off_mn, ==, contacts[i].expected_off);
                g_assert_cmpint(limits.overpressure_mn, ==, 3000);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hub-alerts/battery", test_battery);
        g_test_add_func("/hub-alerts/battery-is-in-the-record", test_battery_is_in_the_record);
        g_test_add_func("/hub-alerts/the-journal-hears-it-once-a-minute", test_the_journal_hears_it_once_a_minute);
        g_test_add_func("/hub-alerts/contact-as-configured", test_contact_as_configured);
        return g_test_run();
}
