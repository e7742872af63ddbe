/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients say to a live session: kept, up to a bound. */
#include <errno.h>

#include "bus/plan.h"
#include "hub-decode.h"
#include "hub-private.h"
#include "talk.h"

#define NOTES_MAX 10000u

static Talk *talk;
static Follower follower;
static bool is_full;

Follower *hub_follower_of(const Hub *hub, const Session *session) {
        return &follower;
}

void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec) {
        *ret_boottime_usec = talk->now_usec;
        *ret_realtime_usec = REALTIME_OFFSET + talk->now_usec;
}

const BusPlanOps hub_plan_ops = { 0 };

void hub_frame_flush(Follower *f) {
}

const Session *decoding_session(const void *decoding) {
        g_assert_not_reached();
}

Replay *decoding_replay(const Hub *hub, const StoreSession *row, const TrackerObserver *observer, void *observer_userdata,
                        uint8_t ret_map[static CHANNELS_MAX], bool *ret_mapped) {
        g_assert_not_reached();
}

void hub_sessions_erased(Hub *hub, const StoreErased *erased) {
        g_assert_not_reached();
}

bool hub_sessions_make_room(Hub *hub) {
        return !is_full;
}

int hub_sync_ask(Device *device, BusDone done, void *call, const char **ret_message) {
        g_assert_not_reached();
}

void hub_doctor(FindingReport report, void *report_userdata, void *userdata) {
        g_assert_not_reached();
}

void hub_session_identify(Follower *f, SessionIdentity *ret) {
        g_assert_not_reached();
}

void hub_session_profile(Follower *f, const Profile *profile) {
        g_assert_not_reached();
}

const char *hub_user_name(Hub *hub, uid_t uid) {
        g_assert_not_reached();
}

void store_session_label(Store *store, uint64_t id, const StoreLabels *labels, StoreDone done, void *userdata) {
        g_assert_not_reached();
}

/* ---- */

static Session *begin(void) {
        talk = talk_with(NULL, 0);
        follower = (Follower) { .tracker = talk->tracker };
        use(talk, 1, 0);
        return tracker_session(talk->tracker);
}

static void test_ten_thousand_notes_are_the_most(void) {
        static const char full[] = "So much was said in this session that no more is taken; finish it and go on in another.";
        Session *s = begin();
        const char *message = NULL;
        unsigned kept = talk->kept->len;

        g_assert_cmpint(hub_bus_ops.session_stage(s, STAGE_CLEANSE, &message, NULL), ==, 0);
        for (unsigned i = 0; i < 20; i++) /* what is so already is not counted */
                g_assert_cmpint(hub_bus_ops.session_stage(s, STAGE_CLEANSE, &message, NULL), ==, -EALREADY);
        for (unsigned i = 1; i < NOTES_MAX; i++)
                g_assert_cmpint(hub_bus_ops.session_mark(s, "x", &message, NULL), ==, 0);
        g_assert_cmpuint(talk->kept->len, ==, kept + NOTES_MAX);

        g_assert_cmpint(hub_bus_ops.session_mark(s, "x", &message, NULL), ==, -ENOBUFS);
        g_assert_cmpstr(message, ==, full);
        g_assert_cmpint(hub_bus_ops.session_stage(s, STAGE_NUMB, &message, NULL), ==, -ENOBUFS);
        g_assert_cmpint(hub_bus_ops.session_area(s, 3, &message, NULL), ==, -ENOBUFS);
        message = NULL;
        g_assert_cmpint(hub_bus_ops.session_pause(s, true, &message, NULL), ==, -ENOBUFS);
        g_assert_cmpstr(message, ==, full);
        g_assert_cmpuint(talk->kept->len, ==, kept + NOTES_MAX);
        g_clear_pointer(&talk, talk_free);
}

static void test_a_session_that_is_over(void) {
        Session *s = begin();
        const char *message = NULL;

        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, 0), ==, 0);
        g_assert_cmpint(hub_bus_ops.session_mark(s, "x", &message, NULL), ==, -ENOENT);
        g_assert_cmpstr(message, ==, "The session is over.");
        message = NULL;
        g_assert_cmpint(hub_bus_ops.session_pause(s, true, &message, NULL), ==, -ENOENT);
        g_assert_cmpstr(message, ==, "The session is over.");
        g_clear_pointer(&talk, talk_free);
}

static void test_too_many_that_are_not_written(void) {
        Device device = { .adopted = true, .follower = &follower };
        const BusStartOptions options = { 0 };
        const char *message = NULL;
        Session *session = NULL;

        talk = talk_with(NULL, 0);
        follower = (Follower) { .tracker = talk->tracker };
        is_full = true;
        g_assert_cmpint(hub_bus_ops.session_start(&device, &options, &session, &message, NULL), ==, -ENOBUFS);
        g_assert_true(g_str_has_prefix(message, "Too many sessions that are over wait to be written"));
        g_assert_null(session);
        is_full = false;
        g_clear_pointer(&talk, talk_free);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hub-ask/ten-thousand-notes-are-the-most", test_ten_thousand_notes_are_the_most);
        g_test_add_func("/hub-ask/a-session-that-is-over", test_a_session_that_is_over);
        g_test_add_func("/hub-ask/too-many-that-are-not-written", test_too_many_that_are_not_written);
        return g_test_run();
}
