/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the journal hears of a device, and how little of it when the device would say more. */

#include <string.h>

#include "hub-private.h"
#include "log.h"

#define USEC_PER_SEC UINT64_C(1000000)

static uint64_t now_usec;
static GString *told;                   /* texts, one a line */
static const char *message_id;          /* of the newest */
static LogClass class;                  /* likewise */
static GString *fields;                 /* likewise, one a line */

/* ---- What the journal asks of others ---- */

void log_full(int level, const LogContext *context, const char *file, int line, const char *func, const char *format, ...) {
        va_list args;

        va_start(args, format);
        g_string_append_vprintf(told, format, args);
        va_end(args);
        g_string_append_c(told, '\n');
        message_id = context->message_id;
        class = context->class;
        g_string_truncate(fields, 0);
        for (const char *const *field = context->fields; field && *field; field++)
                g_string_append_printf(fields, "%s\n", *field);
}

int log_get_max_level(void) {
        return LOG_INFO;
}

void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec) {
        *ret_boottime_usec = *ret_realtime_usec = now_usec;
}

static const char *user_name = "anna";

const char *hub_user_name(Hub *hub, uid_t uid) {
        return user_name;
}

const char *hub_device_label(const Device *device) {
        return device->alias;
}

const char *device_state_name(DeviceState state) {
        return "a-state";
}

const char *device_reason_name(DeviceReason reason) {
        return "a-reason";
}

LogContext hub_session_context(const Session *session, const char *id) {
        return (LogContext) { .message_id = id, .device = "pen", .session = session->id };
}

const char *session_end_name(SessionEnd end) {
        return "an-end";
}

/* ---- The stage ---- */

typedef struct Diary {
        Device device;
        Follower follower;
} Diary;

static void diary_new(Diary *d, bool adopted) {
        *d = (Diary) { .device = { .alias = (char *) "pen", .adopted = adopted, .bonded = true, .state = DEVICE_WAITING } };
        d->follower.device = &d->device;
        now_usec = 1000 * USEC_PER_SEC;
        told = g_string_new(NULL);
        fields = g_string_new(NULL);
        hub_journal_known(&d->follower);
}

static void diary_done(Diary *d) {
        g_string_free(told, TRUE);
        g_string_free(fields, TRUE);
}

static void enter(Diary *d, DeviceState state, DeviceReason reason) {
        d->device.state = state;
        d->device.reason = reason;
        hub_journal_device(&d->follower, DEVICE_CHANGED_STATE);
}

static void assert_told(const char *id, const char *text) {
        g_assert_cmpstr(told->str, ==, text);
        g_assert_cmpstr(message_id, ==, id);
        g_string_truncate(told, 0);
}

static void assert_silent(void) {
        g_assert_cmpstr(told->str, ==, "");
}

/* ---- */

static void test_links_with_their_reason(void) {
        Diary d;

        diary_new(&d, true);
        for (DeviceReason reason = DEVICE_REASON_NONE; reason < _DEVICE_REASON_MAX; reason++) {
                now_usec += 3600 * USEC_PER_SEC;
                enter(&d, DEVICE_CONNECTING, DEVICE_REASON_NONE);
                enter(&d, DEVICE_READY, DEVICE_REASON_NONE);
                assert_silent();
                enter(&d, DEVICE_STREAMING, DEVICE_REASON_NONE);
                assert_told(NEEDLED_MESSAGE_DEVICE_CONNECTED, "pen is connected\n");
                enter(&d, DEVICE_WAITING, reason);
                g_assert_true(g_str_has_prefix(told->str, reason ? "the link to pen is gone: " : "the link to pen is gone\n"));
                g_assert_cmpstr(message_id, ==, NEEDLED_MESSAGE_DEVICE_LOST);
                g_string_truncate(told, 0);
                enter(&d, DEVICE_WAITING, DEVICE_REASON_BACKOFF);
                assert_silent();
        }
        diary_done(&d);
}

static void test_adoption_is_news_once(void) {
        Diary d;

        diary_new(&d, false);
        d.device.adopted = true;
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_told(NEEDLED_MESSAGE_DEVICE_ADOPTED, "pen was adopted by anna\n");
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_silent();
        diary_done(&d);

        diary_new(&d, true); /* remembered */
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_silent();
        diary_done(&d);
}

static void test_adoption_by_somebody_without_a_name(void) {
        Diary d;

        diary_new(&d, false);
        d.device.adopted = true;
        d.device.owner = 4711;
        user_name = "";
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        user_name = "anna";
        assert_told(NEEDLED_MESSAGE_DEVICE_ADOPTED, "pen was adopted by the user 4711\n");
        diary_done(&d);
}

static void test_releases(void) {
        Diary d;

        diary_new(&d, true);
        enter(&d, DEVICE_STREAMING, DEVICE_REASON_NONE);
        g_string_truncate(told, 0);
        d.device.released = true;
        d.device.released_until_usec = UINT64_C(1770127200) * USEC_PER_SEC;
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_told(NEEDLED_MESSAGE_DEVICE_RELEASED,
                    "pen is released: needled keeps away from it until 2026-02-03 14:00 (needlectl connect pen takes it back)\n");
        enter(&d, DEVICE_RELEASED, DEVICE_REASON_RELEASED); /* which is no loss */
        assert_silent();

        d.device.released = false;
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_told(NEEDLED_MESSAGE_DEVICE_TAKEN_BACK, "pen is taken back; needled connects to it again\n");
        d.device.released = true;
        d.device.released_until_usec = 0;
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_told(NEEDLED_MESSAGE_DEVICE_RELEASED,
                    "pen is released: needled keeps away from it until it is taken back (needlectl connect pen)\n");
        diary_done(&d);

        diary_new(&d, true); /* a restart is no release */
        d.device.released = true;
        hub_journal_known(&d.follower);
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        assert_silent();
        diary_done(&d);
}

static void test_trouble_with_its_remedy(void) {
        Diary d;

        diary_new(&d, true);
        d.device.alias = (char *) "Anna's pen";
        enter(&d, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING);
        assert_told(NEEDLED_MESSAGE_BOND_LOST, "the bond with \"Anna's pen\" is lost; bond with it again: put it in pairing mode and run "
                                               "needlectl adopt 'Anna'\\''s pen'\n");
        enter(&d, DEVICE_BOND_LOST, DEVICE_REASON_PAIRING_FAILED);
        assert_silent();
        enter(&d, DEVICE_CONNECTING, DEVICE_REASON_NONE); /* whether it still is so */
        enter(&d, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING);
        assert_silent();
        enter(&d, DEVICE_STREAMING, DEVICE_REASON_NONE);
        g_string_truncate(told, 0);
        enter(&d, DEVICE_REFUSED, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_nonnull(strstr(told->str, "the link to \"Anna's pen\" is gone: it is another device\n"));
        g_assert_nonnull(strstr(told->str, "needlectl adopt 'Anna'\\''s pen'\n"));
        g_assert_cmpstr(message_id, ==, NEEDLED_MESSAGE_IDENTITY_CHANGED);
        g_string_truncate(told, 0);
        enter(&d, DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING); /* link says what is missing */
        assert_silent();
        diary_done(&d);
}

/* What must be heard however much the device chatters has a class of its own (test-log-budget.c). */
static void test_classes(void) {
        Diary d;

        diary_new(&d, false);
        d.device.adopted = true;
        hub_journal_device(&d.follower, DEVICE_CHANGED_IDENTITY);
        g_assert_cmpint(class, ==, LOG_CLASS_TROUBLE);
        enter(&d, DEVICE_STREAMING, DEVICE_REASON_NONE);
        g_assert_cmpint(class, ==, LOG_CLASS_DEVICE);
        enter(&d, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING);
        g_assert_cmpint(class, ==, LOG_CLASS_TROUBLE);
        diary_done(&d);
}

static void test_figures_only_when_allowed(void) {
        Hub hub = {};
        Session session = { .id = 42, .end = SESSION_END_DEVICE };
        Figures figures = {};
        Diary d;

        diary_new(&d, true);
        figures_set(&figures, FIGURE_STROKES, 1234);
        figures_set(&figures, FIGURE_ZONE_GOOD, 5000000);
        figures_set_double(&figures, FIGURE_STROKE_RATE, 90.25);
        hub_journal_finished(&hub, &session, &figures);
        assert_told(NEEDLED_MESSAGE_SESSION_FINISHED, "session 42 with pen is finished (an-end)\n");
        g_assert_cmpstr(fields->str, ==, "");
        g_assert_cmpint(class, ==, LOG_CLASS_RECORD);

        hub.config.journal_figures = true;
        hub_journal_finished(&hub, &session, &figures);
        assert_told(NEEDLED_MESSAGE_SESSION_FINISHED, "session 42 with pen is finished (an-end)\n"); /* as fields only */
        g_assert_cmpstr(fields->str, ==, "NEEDLED_FIGURE_STROKES=1234\nNEEDLED_FIGURE_STROKE_RATE=90.2\n"
                                         "NEEDLED_FIGURE_ZONE_TIME_GOOD=5000000\n");
        diary_done(&d);
}

static void test_who_is_not_adopted_is_no_news(void) {
        Diary d;

        diary_new(&d, false);
        enter(&d, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING);
        enter(&d, DEVICE_STREAMING, DEVICE_REASON_NONE);
        hub_journal_device(&d.follower, ~0u);
        assert_silent();
        diary_done(&d);
}

static void test_sleep(void) {
        Diary d;

        diary_new(&d, true);
        hub_journal_sleep(true);
        assert_told(NEEDLED_MESSAGE_SUSPENDED, "the computer goes to sleep: links end, and live sessions wait until it has woken\n");
        hub_journal_sleep(false);
        assert_told(NEEDLED_MESSAGE_RESUMED, "the computer has woken: devices are followed again\n");
        diary_done(&d);
}

int main(int argc, char **argv) {
        g_setenv("TZ", "UTC", TRUE);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hub-journal/links-with-their-reason", test_links_with_their_reason);
        g_test_add_func("/hub-journal/adoption-is-news-once", test_adoption_is_news_once);
        g_test_add_func("/hub-journal/adoption-by-somebody-without-a-name", test_adoption_by_somebody_without_a_name);
        g_test_add_func("/hub-journal/releases", test_releases);
        g_test_add_func("/hub-journal/trouble-with-its-remedy", test_trouble_with_its_remedy);
        g_test_add_func("/hub-journal/classes", test_classes);
        g_test_add_func("/hub-journal/figures-only-when-allowed", test_figures_only_when_allowed);
        g_test_add_func("/hub-journal/who-is-not-adopted-is-no-news", test_who_is_not_adopted_is_no_news);
        g_test_add_func("/hub-journal/sleep", test_sleep);
        return g_test_run();
}
