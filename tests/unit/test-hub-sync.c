/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When stored sessions are taken over, and what the store is told of each. */
#include <errno.h>
#include <string.h>

#include "hub-private.h"
#include "profiles/channels.h"

#define SEC UINT64_C(1000000)
#define NOW (1760000000 * SEC)

static GString *said;
static Hub hub;
static Device device;
static Follower follower;
static Session *live;
static int refuses;                     /* what link_sync() answers at once; 0: it begins */
static LinkDone over_done;
static void *over_userdata;
static StoreRecorded recorded_done;
static void *recorded_userdata;
static bool start_unknown;
static uint64_t start_realtime_usec, record_start;
static int64_t strokes;

/* ---- What it asks of others ---- */

void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec) {
        *ret_boottime_usec = 1000 * SEC;
        *ret_realtime_usec = NOW;
}

void hub_session_identify(Follower *f, SessionIdentity *ret) {
        *ret = (SessionIdentity) { .id = 1, .profile = "omp1", .owner_name = "anna" };
}

void hub_journal_sync(Follower *f, unsigned added, unsigned merged, const char *problem) {
        g_string_append_printf(said, "journal %u; ", added);
}

void bus_history_added(Bus *bus, uint64_t id, uid_t owner) {
}

void bus_history_changed(Bus *bus, uint64_t id, uid_t owner) {
}

char *channels_text(const Profile *profile) {
        return g_strdup("");
}

Session *tracker_session(const Tracker *tracker) {
        return live;
}

Device *link_device_by_path(const Link *link, const char *path) {
        return g_str_equal(path, device.path) ? &device : NULL;
}

int link_sync(Link *link, Device *d, bool clear, LinkDone done, void *userdata, const char **ret_message) {
        if (refuses < 0) {
                *ret_message = "no";
                g_string_append(said, "refused; ");
                return refuses;
        }
        over_done = done;
        over_userdata = userdata;
        g_string_append(said, "sync; ");
        return 0;
}

void link_sync_stop(Link *link, Device *d) {
        g_string_append(said, "stop; ");
}

void link_sync_stored(Link *link, Device *d, const StoredCursor *cursor, int error) {
        g_string_append(said, error < 0 ? "not stored; " : "stored; ");
}

void store_record_put(Store *store, const StoreRecord *record, StoreRecorded done, void *userdata) {
        start_unknown = record->start_unknown;
        start_realtime_usec = record->session.start_realtime_usec;
        record_start = record->session.record_start;
        strokes = figures_has(&record->session.figures, FIGURE_STROKES) ? record->session.figures.value[FIGURE_STROKES].i : -1;
        recorded_done = done;
        recorded_userdata = userdata;
        g_string_append(said, "put; ");
}

/* ---- */

static void begin(void) {
        said = g_string_new("");
        hub = (Hub) {};
        device = (Device) { .follower = &follower, .path = (char *) "dev_1", .adopted = true, .can_sync = true };
        follower = (Follower) { .hub = &hub, .device = &device };
        live = NULL;
        refuses = 0;
}

#define expect(text)                                    \
        do {                                            \
                g_assert_cmpstr(said->str, ==, (text)); \
                g_string_truncate(said, 0);             \
        } while (0)

static void end(void) {
        expect("");
        g_string_free(said, true);
}

static void over(int error) {
        over_done(error, "", over_userdata);
}

static void hand_on(uint64_t realtime_usec, uint64_t count) {
        const StoredRecord record = {
                .record = { .number = 7, .duration_sec = 60, .strokes = 4321, .start = { .flags = OMP_ELAPSED_TICKS, .count = count } },
                .cursor = { 1, 7, 77 },
                .start_realtime_usec = realtime_usec,
        };

        hub_sync_record(&device, &record);
}

/* A session that is over before the device has answered that the transfer ended. */
static void test_goes_on_after_a_short_session(void) {
        Session session = {};

        begin();
        hub_sync_want(&follower);
        expect("sync; ");
        live = &session;
        hub_sync_session_opened(&follower);
        expect("stop; ");
        live = NULL;
        hub_sync_session_over(&follower);
        expect("");
        over(-ECANCELED);
        expect("journal 0; sync; ");
        over(0);
        expect("journal 0; ");
        end();
}

/* Nor while it is live. */
static void test_goes_on_after_a_long_session(void) {
        Session session = {};

        begin();
        hub_sync_want(&follower);
        live = &session;
        hub_sync_session_opened(&follower);
        over(-ECANCELED);
        expect("sync; stop; journal 0; ");
        live = NULL;
        hub_sync_session_over(&follower);
        expect("sync; ");
        over(0);
        expect("journal 0; ");
        end();
}

static void test_refused_at_once(void) {
        begin();
        refuses = -EBUSY;
        hub_sync_want(&follower);
        expect("refused; ");
        g_assert_true(follower.sync.wanted);
        refuses = 0;
        hub_sync_session_over(&follower);
        expect("sync; ");
        g_assert_false(follower.sync.wanted);
        over(0);
        expect("journal 0; ");
        end();
}

/* While the disk stalls there is one of them in memory, however often somebody asks. */
static void test_one_waits_for_the_disk(void) {
        const char *message = NULL;

        begin();
        hub_sync_want(&follower);
        hand_on(NOW - 600 * SEC, 5);
        over(-ENOSPC);
        expect("sync; put; journal 0; ");
        for (unsigned i = 0; i < 3; i++) {
                g_assert_cmpint(hub_sync_ask(&device, NULL, NULL, &message), ==, -EBUSY);
                g_assert_nonnull(strstr(message, "still being written"));
        }
        hub_sync_want(&follower);
        expect("");
        recorded_done(0, STORE_RECORD_ADDED, 1, recorded_userdata);
        expect("stored; sync; ");
        over(0);
        expect("journal 0; ");
        end();
}

static void test_what_the_store_is_told(void) {
        begin();
        hand_on(NOW - 600 * SEC, 5);
        expect("put; ");
        g_assert_false(start_unknown);
        g_assert_cmpuint(start_realtime_usec, ==, NOW - 600 * SEC);
        g_assert_cmpuint(record_start, ==, 77);
        g_assert_cmpint(strokes, ==, 4321); /* of the record, whatever its bodies are */
        recorded_done(0, STORE_RECORD_ADDED, 1, recorded_userdata);
        hand_on(0, 0);                  /* a guess, of a device without a clock */
        g_assert_true(start_unknown);
        g_assert_cmpuint(start_realtime_usec, ==, NOW - 60 * SEC);
        g_assert_cmpuint(record_start, ==, 0);
        recorded_done(-EIO, STORE_RECORD_ADDED, 1, recorded_userdata);
        expect("stored; put; not stored; ");
        end();
}

/* It was forgotten while the disk stalled. */
static void test_device_has_gone(void) {
        begin();
        hand_on(NOW, 5);
        device.path = (char *) "dev_2";
        recorded_done(0, STORE_RECORD_ADDED, 1, recorded_userdata);
        expect("put; ");
        end();
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hub-sync/goes-on-after-a-short-session", test_goes_on_after_a_short_session);
        g_test_add_func("/hub-sync/goes-on-after-a-long-session", test_goes_on_after_a_long_session);
        g_test_add_func("/hub-sync/refused-at-once", test_refused_at_once);
        g_test_add_func("/hub-sync/one-waits-for-the-disk", test_one_waits_for_the_disk);
        g_test_add_func("/hub-sync/what-the-store-is-told", test_what_the_store_is_told);
        g_test_add_func("/hub-sync/device-has-gone", test_device_has_gone);
        return g_test_run();
}
