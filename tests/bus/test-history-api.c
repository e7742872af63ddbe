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
        "id: 7, start: 1700000000000007, owner: 1000, uuid: 11111111-0000-4000-8000-000000000000, " \
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
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "limit", "u",
                    501);
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "limit", "u", 0);
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "since", "x",
                    INT64_C(5));
        call_expect("InvalidArgument", OWNER, "/org/needled", HISTORY, "List", "a{sv}", 1, "sort", "s",
                    "up");
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

        g_autofree char *all = list(ROOT);
        g_assert_cmpstr(all, ==, text);
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
        g_test_add_func("/added", test_added);
        return g_test_run();
}
