/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* History1: the record, for whom it belongs to. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "stage.h"

static StoreSession mine, hers;

static void make_session(StoreSession *s, uint64_t id, uid_t owner, const char *owner_name) {
        *s = (StoreSession) {
                .id = id,
                .uuid = (char *) "11111111-0000-4000-8000-000000000000",
                .device_address = (char *) "C0:FF:EE:12:34:56",
                .device_alias = (char *) "Pen",
                .profile = (char *) "omp1",
                .owner = owner,
                .owner_name = (char *) owner_name,
                .utc_offset_sec = -3600,
                .start_realtime_usec = 1700000000000000 + id,
                .end_realtime_usec = 1700000600000000,
                .subject = (char *) "",
                .area = (char *) "chin",
                .product = (char *) "",
                .note = (char *) "a note",
                .end_reason = (char *) "idle",
                .source = (char *) "live",
        };
        figures_set(&s->figures, FIGURE_STROKES, 56527);
        figures_set(&s->figures, FIGURE_ZONE_GOOD, 488);
        figures_set(&s->figures, FIGURE_ZONE_OVER, 2);
        figures_set(&s->figures, FIGURE_FORCE_PEAK, 5210);
        figures_set(&s->figures, FIGURE_LOST_LIVE, 3);
        figures_set_double(&s->figures, FIGURE_STROKE_RATE, 6950.5);
        figures_set(&s->figures, FIGURE_DEVICE_TIME_OFFSET, INT64_C(-123456789012));
}

static void record_new(void) {
        stage_new();
        stage->user_name = g_strdup("anna");
        make_session(&mine, 7, OWNER_UID, "anna");
        make_session(&hers, 8, OTHER_UID, "");
        g_ptr_array_add(stage->history, &hers);
        g_ptr_array_add(stage->history, &mine);
}

#define ENTRY \
        "id: 7, start: 1700000000000007, owner: 1000, acknowledged: false, uuid: 11111111-0000-4000-8000-000000000000, " \
        "device: C0:FF:EE:12:34:56, alias: Pen, profile: omp1, area: chin, source: live, end_reason: " \
        "idle, " \
        "strokes: 56527, stroke_rate: 6950.5, force_peak: 5210, zone_time: {good: 488, over: 2}, lost: " \
        "{live: 3}, device_time_offset: -123456789012"

static char *list(const char *sender) {
        g_autoptr(FakeCall) c = call(sender, "/org/needled", HISTORY, "List", "a{sv}", 0);

        return stage_print(expect(c, NULL));
}

/* "an unknown value is an absent key" */
static void test_list_own(void) {
        record_new();
        g_autofree char *text = list(OWNER);
        g_assert_cmpstr(text, ==, "[{" ENTRY "}]");
        g_assert_cmpuint(stage->filter.owner, ==, OWNER_UID);
        g_assert_cmpstr(stage->filter.owner_name, ==, "anna");
        g_assert_cmpuint(stage->filter.limit, ==, 50);
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

static void test_list_filter(void) {
        record_new();
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "List", "a{sv}", 8, "since", "t", UINT64_C(1),
                    "until", "t", UINT64_C(2), "device", "s", "D", "subject", "s", "S", "area", "s", "A",
                    "owner", "u", OWNER_UID, "limit", "u", 500, "before", "t", UINT64_C(9));
        g_assert_cmpuint(stage->filter.since_usec, ==, 1);
        g_assert_cmpuint(stage->filter.until_usec, ==, 2);
        g_assert_cmpuint(stage->filter.limit, ==, 500);
        g_assert_cmpuint(stage->filter.before, ==, 9);
        g_assert_cmpuint(stage->filter.owner, ==, OWNER_UID);
        g_assert_cmpstr(stage->filter.device, ==, "D");
        g_assert_cmpstr(stage->filter.subject, ==, "S");
        g_assert_cmpstr(stage->filter.area, ==, "A");
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "limit", "u",
                    501);
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "limit", "u", 0);
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "since", "x",
                    INT64_C(5));
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "sort", "s",
                    "up");
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 2, "area", "s", "chin", "area", "s", "chin");
        g_assert_cmpuint(stage->n_queries, ==, 1);
        stage_free();
}

static void test_list_of_others(void) {
        record_new();
        call_expect("NotAuthorized", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "owner", "u",
                    OTHER_UID);
        call_expect("NotAuthorized", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "owner", "u",
                    UINT32_MAX);
        g_assert_cmpuint(stage->n_queries, ==, 0);
        stage->fb->polkit = FAKE_POLKIT_CHALLENGE;
        call_expect(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, OWNER, "/org/needled", HISTORY, "List",
                    "a{sv}", 1, "owner", "u", OTHER_UID);

        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) c =
                call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "owner", "u", UINT32_MAX);
        g_autofree char *text = stage_print(expect(c, NULL));
        g_assert_nonnull(strstr(text, "id: 8"));
        g_assert_nonnull(strstr(text, "id: 7"));
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.read-others");
        g_assert_cmpstr(stage->filter.owner_name, ==, NULL);

        g_autofree char *all = list(ROOT);
        g_assert_cmpstr(all, ==, text);
        g_assert_cmpstr(stage->filter.owner_name, ==, NULL);
        stage_free();
}

static void test_list_uid_used_again(void) {
        record_new();
        g_free(stage->user_name);
        stage->user_name = g_strdup("bert");
        g_autofree char *text = list(OWNER);
        g_assert_cmpstr(text, ==, "[]");
        stage_free();
}

static void test_get(void) {
        record_new();
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(7));
        g_autofree char *text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==,
                        "{" ENTRY
                        ", end: 1700000600000000, utc_offset: -3600, note: a note, owner_name: anna}");
        call_expect(NULL, ROOT, "/org/needled", HISTORY, "Get", "t", UINT64_C(8));
        call_expect("NotFound", ROOT, "/org/needled", HISTORY, "Get", "t", UINT64_C(9));
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

/* "Another's id answers NotFound to who may not read it": in the very words that one gets which does not
 * exist. */
static void test_get_of_another(void) {
        static const FakePolkit moods[] = { FAKE_POLKIT_ABSENT, FAKE_POLKIT_DENY, FAKE_POLKIT_CHALLENGE,
                                            FAKE_POLKIT_NONSENSE };

        for (size_t i = 0; i < G_N_ELEMENTS(moods); i++) {
                g_autofree char *there = NULL, *not_there = NULL;
                g_autoptr(FakeCall) a = NULL, b = NULL;

                record_new();
                stage->fb->polkit = moods[i];
                a = call(OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(8));
                there = stage_print(expect(a, "NotFound"));
                b = call(OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(9));
                not_there = stage_print(expect(b, "NotFound"));
                g_strdelimit(there, "8", '9');
                g_assert_cmpstr(there, ==, not_there);
                g_assert_cmpuint(stage->fb->n_checks, ==, 2);
                stage_free();
        }
}

static void test_get_of_another_allowed(void) {
        record_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(8));
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.read-others");
        call_expect("NotFound", OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(9));
        stage_free();
}

static void test_database_cannot_be_read(void) {
        record_new();
        stage->store_error = -EIO;
        stage->storage = STORE_UNAVAILABLE;
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        sd_bus_message *reply = expect(c, "Degraded");
        g_assert_nonnull(strstr(sd_bus_message_get_error(reply)->message, "The disk is full"));
        call_expect("Degraded", OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(7));
        stage->store_error = -ECANCELED;
        call_expect("Cancelled", OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(7));
        stage_free();
}

static void test_caller_leaves_before_the_answer(void) {
        record_new();
        stage->store_holds = true;
        g_autoptr(FakeCall) a = call(OWNER, "/org/needled", HISTORY, "List", "a{sv}", 0);
        g_autoptr(FakeCall) b = call(OWNER, "/org/needled", HISTORY, "Get", "t", UINT64_C(7));
        fake_bus_until(stage->fb, stage->n_queries == 2);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        stage_store_answer();
        fake_bus_settle(stage->fb);
        g_assert_null(a->reply);
        g_assert_null(b->reply);
        stage_free();
}

/* ---- Events ---- */

static void add_event(StoreEvent event) {
        event.id = stage->events->len + 1;
        event.session_usec = 10 * event.id;
        event.realtime_usec = 1000 + event.id;
        g_array_append_val(stage->events, event);
}

static char *get_events(const char *sender, uint64_t id) {
        g_autoptr(FakeCall) c = call(sender, "/org/needled", HISTORY, "GetEvents", "ta{sv}", id, 0);

        return stage_print(expect(c, NULL));
}

static void test_events_of_each_kind(void) {
        record_new();
        add_event((StoreEvent) { .kind = STORE_EVENT_STAGE, .code = STAGE_CLEANSE });
        add_event((StoreEvent) { .kind = STORE_EVENT_STAGE, .code = STAGE_NONE });
        add_event((StoreEvent) { .kind = STORE_EVENT_AREA, .code = 9 });
        add_event((StoreEvent) { .kind = STORE_EVENT_STATE, .code = SESSION_PAUSED });
        add_event((StoreEvent) { .kind = STORE_EVENT_MARK, .text = "ouch" });
        add_event((StoreEvent) { .kind = STORE_EVENT_DEVICE, .code = 1, .severity = 2, .asserted = true, .value = 5210 });
        g_autofree char *text = get_events(OWNER, 7);
        g_assert_cmpstr(text, ==,
                        "[{id: 1, time: 10, realtime: 1001, kind: stage, name: cleanse}, "
                        "{id: 2, time: 20, realtime: 1002, kind: stage, name: none}, "
                        "{id: 3, time: 30, realtime: 1003, kind: area, name: chin}, "
                        "{id: 4, time: 40, realtime: 1004, kind: state, name: paused}, "
                        "{id: 5, time: 50, realtime: 1005, kind: mark, name: mark, text: ouch}, "
                        "{id: 6, time: 60, realtime: 1006, kind: device, name: overpressure, code: 1, level: warning, asserted: true, "
                        "value: 5210}]");
        stage_free();
}

static void test_events_that_are_alerts(void) {
        record_new();
        add_event((StoreEvent) { .kind = STORE_EVENT_ALERT, .code = ALERT_OVERPRESSURE, .severity = ALERT_WARNING, .asserted = true, .value = 3100 });
        add_event((StoreEvent) { .kind = STORE_EVENT_ALERT, .code = ALERT_OVERPRESSURE, .severity = ALERT_WARNING, .value = 3400 });
        add_event((StoreEvent) { .kind = STORE_EVENT_ALERT, .code = ALERT_CLOCK_UNSET, .severity = ALERT_NOTICE, .asserted = true,
                                 .value = ALERT_VALUE_NONE });
        g_autofree char *text = get_events(OWNER, 7);
        g_assert_nonnull(strstr(text, "name: overpressure, level: warning, raised: true, value: 3100, text: "));
        g_assert_nonnull(strstr(text, "name: overpressure, level: warning, raised: false, value: 3400, text: "));
        g_assert_nonnull(strstr(text, "name: clock-unset, level: notice, raised: true, text: "));
        stage_free();
}

/* A later version's are passed over, or told as far as they can be. */
static void test_events_that_nobody_knows(void) {
        record_new();
        add_event((StoreEvent) { .kind = (StoreEventKind) 99 });
        add_event((StoreEvent) { .kind = (StoreEventKind) -1 });
        add_event((StoreEvent) { .kind = STORE_EVENT_ALERT, .code = 200, .severity = 1 });
        add_event((StoreEvent) { .kind = STORE_EVENT_ALERT, .code = 1, .severity = 9 });
        add_event((StoreEvent) { .kind = STORE_EVENT_STATE, .code = 77 });
        add_event((StoreEvent) { .kind = STORE_EVENT_STAGE, .code = 77 });
        add_event((StoreEvent) { .kind = STORE_EVENT_AREA, .code = 77 });
        g_autofree char *text = get_events(OWNER, 7);
        g_assert_cmpstr(text, ==,
                        "[{id: 3, time: 30, realtime: 1003, kind: alert, name: unknown}, "
                        "{id: 4, time: 40, realtime: 1004, kind: alert, name: unknown}, "
                        "{id: 5, time: 50, realtime: 1005, kind: state, name: unknown}, "
                        "{id: 6, time: 60, realtime: 1006, kind: stage, name: unknown}, "
                        "{id: 7, time: 70, realtime: 1007, kind: area, name: unknown-77}]");
        stage_free();
}

static void test_events_page_by_page(void) {
        record_new();
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(7), 2, "after", "t", UINT64_C(5), "before", "t",
                    UINT64_C(9));
        g_assert_cmpuint(stage->event_filter.session, ==, 7);
        g_assert_cmpuint(stage->event_filter.after, ==, 5);
        g_assert_cmpuint(stage->event_filter.before, ==, 9);
        g_assert_cmpuint(stage->event_filter.limit, ==, 1000);
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(7), 1, "limit", "u", 5u);
        stage_free();
}

static void test_events_of_a_live_session(void) {
        record_new();
        stage_session();
        add_event((StoreEvent) { .kind = STORE_EVENT_MARK, .text = "so far" });
        g_autofree char *text = get_events(OWNER, 42);
        g_assert_nonnull(strstr(text, "text: so far"));
        call_expect("NotFound", OTHER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(42), 0);
        stage_free();
}

static void test_events_of_another(void) {
        record_new();
        call_expect("NotFound", OWNER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(8), 0);
        call_expect("NotFound", OWNER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(9), 0);
        g_assert_cmpuint(stage->event_filter.session, ==, 0);
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        call_expect(NULL, OWNER, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(8), 0);
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.read-others");
        g_assert_cmpuint(stage->event_filter.session, ==, 8);
        stage->store_error = -EIO;
        call_expect("Degraded", ROOT, "/org/needled", HISTORY, "GetEvents", "ta{sv}", UINT64_C(7), 0);
        stage_free();
}

/* ---- Labels ---- */

static FakeCall *annotate(const char *sender, uint64_t id) {
        return call(sender, "/org/needled", HISTORY, "Annotate", "ta{sv}", id, 2, "product", "s", "serum", "rating", "u", 5u);
}

static void test_annotate(void) {
        record_new();
        g_autoptr(FakeCall) c = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply); /* "Answers when it is durable; then Changed() is sent." */
        g_assert_cmpuint(stage->labelled, ==, 7);
        g_assert_cmpstr(stage->labels.product, ==, "serum");
        g_assert_cmpint(stage->labels.rating, ==, 5);
        stage_store_labelled(0);
        (void) expect(c, NULL);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Changed"));
        g_assert_cmpstr(text, ==, "7 1000");
        stage_free();
}

static void test_annotate_errors(void) {
        record_new();
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "Annotate", "ta{sv}", UINT64_C(7), 1, "rating", "u", 9u);
        call_expect("NotFound", OWNER, "/org/needled", HISTORY, "Annotate", "ta{sv}", UINT64_C(8), 0);
        call_expect("NotFound", OWNER, "/org/needled", HISTORY, "Annotate", "ta{sv}", UINT64_C(9), 0);
        g_assert_cmpuint(stage->n_labels, ==, 0);

        g_autoptr(FakeCall) slow = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        stage_store_labelled(-EIO);
        (void) expect(slow, "Degraded");
        g_autoptr(FakeCall) gone = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 2);
        stage_store_labelled(-ENOENT);
        (void) expect(gone, "NotFound");

        stage_session();
        g_autoptr(FakeCall) live = annotate(OWNER, 42);
        (void) expect(live, "NotReady");
        stage_free();
}

/* It is kept in memory, and told when it is written. */
static void test_annotate_that_is_written_late(void) {
        record_new();
        g_autoptr(FakeCall) slow = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        stage->storage = STORE_DEGRADED;
        stage_store_labelled(-EIO);
        (void) expect(slow, "Degraded");
        bus_storage_changed(stage->bus);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Changed"), ==, 0);
        stage->storage = STORE_READY;
        bus_storage_changed(stage->bus);
        fake_bus_settle(stage->fb);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Changed"));
        g_assert_cmpstr(text, ==, "7 1000");
        stage_free();
}

static void test_annotate_of_another_allowed(void) {
        record_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) c = annotate(OWNER, 8);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.control-others");
        stage_store_labelled(0);
        (void) expect(c, NULL);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Changed"));
        g_assert_cmpstr(text, ==, "8 1001");
        stage_free();
}

static void test_caller_leaves_before_it_is_labelled(void) {
        record_new();
        g_autoptr(FakeCall) c = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        stage_store_labelled(0);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        stage_free();
}

/* The store gives up waiting for the disk while needled ends: nobody is left to be told. */
static void test_bus_goes_before_it_is_labelled(void) {
        FakeCall *c;

        record_new();
        c = annotate(OWNER, 7);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        stage->bus = bus_free(stage->bus);
        stage_store_labelled(-EIO);
        fake_call_free(c);
        stage_free();
}

static void test_added(void) {
        record_new();
        bus_history_added(stage->bus, 7, OWNER_UID);
        fake_bus_settle(stage->fb);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Added"));
        g_assert_cmpstr(text, ==, "7 1000");
        g_assert_cmpstr(sd_bus_message_get_interface(fake_bus_signal(stage->fb, "/org/needled", "Added")),
                        ==, HISTORY);
        stage_free();
}

/* Nobody is told of what cannot be read yet, nor of what was erased before it could. */
static void test_added_late(void) {
        record_new();
        stage->storage = STORE_DEGRADED;
        bus_history_added_late(stage->bus, 7, OWNER_UID);
        bus_history_added_late(stage->bus, 8, OWNER_UID);
        bus_history_erased(stage->bus, &(StoreErased) { .sessions = &(StoreGone) { .id = 8, .owner = OWNER_UID }, .n_sessions = 1 });
        bus_storage_changed(stage->bus);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 0);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Removed"), ==, 1);
        stage->storage = STORE_READY;
        bus_storage_changed(stage->bus);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 1);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Added"));
        g_assert_cmpstr(text, ==, "7 1000");
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/list/own", test_list_own);
        g_test_add_func("/list/filter", test_list_filter);
        g_test_add_func("/list/of-others", test_list_of_others);
        g_test_add_func("/list/uid-used-again", test_list_uid_used_again);
        g_test_add_func("/get", test_get);
        g_test_add_func("/get/of-another", test_get_of_another);
        g_test_add_func("/get/of-another-allowed", test_get_of_another_allowed);
        g_test_add_func("/database-cannot-be-read", test_database_cannot_be_read);
        g_test_add_func("/caller-leaves-before-the-answer", test_caller_leaves_before_the_answer);
        g_test_add_func("/events/of-each-kind", test_events_of_each_kind);
        g_test_add_func("/events/that-are-alerts", test_events_that_are_alerts);
        g_test_add_func("/events/that-nobody-knows", test_events_that_nobody_knows);
        g_test_add_func("/events/page-by-page", test_events_page_by_page);
        g_test_add_func("/events/of-a-live-session", test_events_of_a_live_session);
        g_test_add_func("/events/of-another", test_events_of_another);
        g_test_add_func("/annotate", test_annotate);
        g_test_add_func("/annotate/errors", test_annotate_errors);
        g_test_add_func("/annotate/written-late", test_annotate_that_is_written_late);
        g_test_add_func("/annotate/of-another-allowed", test_annotate_of_another_allowed);
        g_test_add_func("/annotate/caller-leaves", test_caller_leaves_before_it_is_labelled);
        g_test_add_func("/annotate/bus-goes", test_bus_goes_before_it_is_labelled);
        g_test_add_func("/added", test_added);
        g_test_add_func("/added/late", test_added_late);
        return g_test_run();
}
