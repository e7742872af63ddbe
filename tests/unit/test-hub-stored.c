/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hub-decode.h"
#include "needled/omp-records.h"
#include "store-fixture.h"

/* What a body of stored entries says of the times that it was recorded in, beside what came live. */

#define SEC UINT64_C(1000000)

static Hub hub;                         /* its profiles are all that the decoder asks for */

static StoreSample sample_at(void *decoding, uint64_t second, uint8_t channel, const uint8_t *data, int size) {
        Frame frame = { FIXTURE_START_BOOTTIME + second * SEC, FIXTURE_START_REALTIME + second * SEC, channel, FRAME_FROM_DEVICE, (uint16_t) size,
                        data };
        StoreSample sample;

        hub_decoder.frame(decoding, &frame, &sample);
        return sample;
}

/* The seconds, behind `at`, of what a body says for the curves, "0 1". */
static char *seconds_of(void *decoding, uint64_t at, const uint8_t *data, int size) {
        g_autoptr(GString) seconds = g_string_new(NULL);
        const StoreTimedSample *stored;
        size_t n;

        g_assert_cmpint(sample_at(decoding, at, OMP_CHAR_SESSION_DATA, data, size).has, ==, 0); /* it says nothing of its own time */
        n = hub_decoder.stored(decoding, &stored);
        for (size_t i = 0; i < n; i++) {
                g_assert_cmpint(stored[i].sample.has & 1u << STORE_METRIC_FORCE, !=, 0);
                g_assert_cmpint(stored[i].sample.max[STORE_METRIC_FORCE], ==, 2000);
                g_string_append_printf(seconds, "%s%g", i > 0 ? " " : "",
                                       (double) ((int64_t) (stored[i].boottime_usec - FIXTURE_START_BOOTTIME) - (int64_t) (at * SEC)) / 1e6);
        }
        return g_strdup(seconds->str);
}

/* "For the curves only the trace's entries that lie in a gap of the live session count." */
static void test_what_a_device_has_stored(void) {
        StoreSession row = { .profile = (char *) "omp1", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME, .start_realtime_usec = FIXTURE_START_REALTIME };
        static const struct {
                uint64_t at;
                const char *seconds;
        } cases[] = {
                { 5, "0 1" }, { 7, "0 1" }, { 8, "0" }, { 9, "" }, { 10, "" }, { 11, "1" }, { 12, "0 1" },
                { 100000, "0 1" },      /* more than a day later */
        };
        OmpLive live = { .flags = OMP_LIVE_CONTACT_YES, .force_mean_mn = 500, .force_peak_mn = 600 };
        OmpTrace trace = { .record = 1, .period_10ms = 100, .n = 2 };
        uint8_t live_data[OMP_VALUE_MAX], trace_data[OMP_BODY_MAX];
        void *decoding = hub_decoder.begin(&row, &hub);
        const StoreTimedSample *stored;
        int live_size, trace_size;
        Frame before;

        for (unsigned i = 0; i < trace.n; i++) {
                trace.entries[i].force_mean_mn = 1000;
                trace.entries[i].force_peak_mn = 2000;
        }
        live_size = omp_live_encode(&live, live_data, sizeof(live_data));
        trace_size = omp_trace_encode(&trace, trace_data, sizeof(trace_data));
        g_assert_cmpint(live_size, >, 0);
        g_assert_cmpint(trace_size, >, 0);
        g_assert_cmpint(sample_at(decoding, 10, OMP_CHAR_LIVE, live_data, live_size).mean[STORE_METRIC_FORCE], ==, 500);
        g_assert_cmpuint(hub_decoder.stored(decoding, &stored), ==, 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *seconds = seconds_of(decoding, cases[i].at, trace_data, trace_size), *broken = NULL;

                g_assert_cmpstr(seconds, ==, cases[i].seconds);
                broken = seconds_of(decoding, cases[i].at, trace_data, 3);
                g_assert_cmpstr(broken, ==, "");
        }

        /* What began before the session is kept at its beginning: the wall clock tells how much of it was before. */
        before = (Frame) { FIXTURE_START_BOOTTIME, FIXTURE_START_REALTIME - SEC, OMP_CHAR_SESSION_DATA, FRAME_FROM_DEVICE, (uint16_t) trace_size,
                           trace_data };
        hub_decoder.frame(decoding, &before, NULL);
        g_assert_cmpuint(hub_decoder.stored(decoding, &stored), ==, 1);
        g_assert_cmpuint(stored[0].boottime_usec, ==, FIXTURE_START_BOOTTIME);
        before.realtime_usec -= 300 * SEC;
        hub_decoder.frame(decoding, &before, NULL);
        g_assert_cmpuint(hub_decoder.stored(decoding, &stored), ==, 0);
        hub_decoder.free(decoding);
}

/* force_mN … depth_um */
static void assert_moment(void *decoding, double second, const char *values) {
        char row[STORE_ROW_MAX];
        g_autofree char *text = g_strndup(row, hub_decoder.csv_moment(decoding, FIXTURE_START_BOOTTIME + (uint64_t) (second * 1e6), row));
        g_auto(GStrv) fields = g_strsplit(text, ",", -1);
        g_autofree char *found = NULL;

        found = g_strjoin(",", fields[4], fields[5], fields[6], fields[7], fields[8], fields[9], fields[10], NULL);
        g_assert_cmpstr(found, ==, values);
}

/* At a moment of a resampled table: what came live, else the entry that lasts then. */
static void test_moments_of_what_a_device_has_stored(void) {
        StoreSession row = { .profile = (char *) "omp1", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME, .start_realtime_usec = FIXTURE_START_REALTIME };
        OmpTrace trace = { .record = 1, .period_10ms = 200, .n = 2,
                           .entries = { { 1000, 2000, 10 }, { OMP_FORCE_UNKNOWN, OMP_FORCE_UNKNOWN, 3 } } };
        OmpLive live = { .flags = OMP_LIVE_CONTACT_YES, .force_mean_mn = 500, .force_peak_mn = 600 };
        uint8_t live_data[OMP_VALUE_MAX], data[OMP_BODY_MAX];
        void *decoding = hub_decoder.begin(&row, &hub);
        int size = omp_trace_encode(&trace, data, sizeof(data));

        assert_moment(decoding, 0, ",,,,,,");
        (void) sample_at(decoding, 0, OMP_CHAR_SESSION_DATA, data, size);
        assert_moment(decoding, 0, "1000,2000,,,10,300,");
        assert_moment(decoding, 1.9, "1000,2000,,,10,300,");
        assert_moment(decoding, 2, ",,,,13,90,");
        assert_moment(decoding, 4, ",,,,,,");
        trace.first_entry = 2;
        size = omp_trace_encode(&trace, data, sizeof(data));
        (void) sample_at(decoding, 4, OMP_CHAR_SESSION_DATA, data, size);
        assert_moment(decoding, 4, "1000,2000,,,23,300,");
        trace.first_entry = 5;           /* one is missing */
        size = omp_trace_encode(&trace, data, sizeof(data));
        (void) sample_at(decoding, 10, OMP_CHAR_SESSION_DATA, data, size);
        assert_moment(decoding, 10, "1000,2000,,,,300,");

        (void) sample_at(decoding, 11, OMP_CHAR_LIVE, live_data, omp_live_encode(&live, live_data, sizeof(live_data)));
        assert_moment(decoding, 11.5, "500,600,1,,0,,");
        trace.first_entry = 0;           /* of what was followed the strokes are those that came live */
        size = omp_trace_encode(&trace, data, sizeof(data));
        (void) sample_at(decoding, 12, OMP_CHAR_SESSION_DATA, data, size);
        assert_moment(decoding, 12.5, "500,600,1,,0,,");
        assert_moment(decoding, 13.5, "1000,2000,,,,300,");
        hub_decoder.free(decoding);
}

static void test_a_profile_that_nobody_knows(void) {
        StoreSession row = { .profile = (char *) "gone", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "" };

        g_assert_null(hub_decoder.begin(&row, &hub));
}

int main(int argc, char **argv) {
        int r;

        g_test_init(&argc, &argv, NULL);
        hub.profiles = profiles_new();
        g_test_add_func("/stored/what-a-device-has-stored", test_what_a_device_has_stored);
        g_test_add_func("/stored/moments", test_moments_of_what_a_device_has_stored);
        g_test_add_func("/stored/a-profile-that-nobody-knows", test_a_profile_that_nobody_knows);
        r = g_test_run();
        profiles_free(hub.profiles);
        return r;
}
