/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "hub-private.h"

/* The store that it tells: what came, one line each. */
static GString *told;

void store_session_frame(Store *store, uint64_t session_id, const Frame *frame, const StoreSample *sample) {
        g_string_append_printf(told, "%" G_GUINT64_FORMAT ": %.*s", session_id, frame->size, (const char *) frame->data);
        for (int i = 0; sample && i < _STORE_METRIC_MAX; i++)
                if (sample->has & 1u << i)
                        g_string_append_printf(told, " %d=%d,%d", i, sample->mean[i], sample->max[i]);
        g_string_append_c(told, '\n');
}

static void assert_told(const char *want) {
        g_assert_cmpstr(told->str, ==, want);
        g_string_truncate(told, 0);
}

static Frame frame(const char *text, FrameDirection direction) {
        return (Frame) { .direction = direction, .size = (uint16_t) strlen(text), .data = (const uint8_t *) text };
}

static StoreSample sample_of(OmpLive live, bool has_rate, double rate) {
        TrackerLive l = { .live = &live, .has_rate = has_rate, .stroke_rate = rate };
        StoreSample sample = { .has = 0xff };

        hub_sample(&l, &sample);
        return sample;
}

static void test_what_a_value_says(void) {
        const OmpLive nothing = { .force_mean_mn = OMP_FORCE_UNKNOWN, .force_peak_mn = OMP_FORCE_UNKNOWN };
        StoreSample s;
        OmpLive live;

        g_assert_cmpuint(sample_of(nothing, false, 90).has, ==, 0);

        s = sample_of((OmpLive) { .force_mean_mn = -20, .force_peak_mn = 300 }, false, 0);
        g_assert_cmpuint(s.has, ==, 1u << STORE_METRIC_FORCE);
        g_assert_cmpint(s.mean[STORE_METRIC_FORCE], ==, -20);
        g_assert_cmpint(s.max[STORE_METRIC_FORCE], ==, 300);

        live = nothing;
        live.force_mean_mn = 40;        /* without a peak the mean is the largest that is known */
        g_assert_cmpint(sample_of(live, false, 0).max[STORE_METRIC_FORCE], ==, 40);
        live = nothing;
        live.force_peak_mn = 40;        /* and a peak alone is no mean */
        g_assert_cmpuint(sample_of(live, false, 0).has, ==, 0);

        live = nothing;
        live.flags = OMP_LIVE_DEPTH;
        live.depth_um = 1500;
        s = sample_of(live, true, 89.6);
        g_assert_cmpuint(s.has, ==, 1u << STORE_METRIC_DEPTH | 1u << STORE_METRIC_STROKE_RATE);
        g_assert_cmpint(s.mean[STORE_METRIC_DEPTH], ==, 1500);
        g_assert_cmpint(s.max[STORE_METRIC_DEPTH], ==, 1500);
        g_assert_cmpint(s.mean[STORE_METRIC_STROKE_RATE], ==, 90);
        g_assert_cmpint(s.max[STORE_METRIC_STROKE_RATE], ==, 90);
}

/* One call has both; what the frame lay in may be something else by then. */
static void test_a_frame_waits_for_what_it_means(void) {
        Hub hub = {};
        Follower f = { .hub = &hub };
        Session s = { .id = 7 };
        char text[] = "one";
        Frame one = frame(text, FRAME_FROM_DEVICE);

        told = g_string_new(NULL);
        hub_frame_hold(&f, &s, &one);
        memset(text, 'x', sizeof(text));
        assert_told("");
        f.held.sample = sample_of((OmpLive) { .force_mean_mn = 5, .force_peak_mn = 6 }, false, 0);
        hub_frame_flush(&f);
        assert_told("7: one 0=5,6\n");
        hub_frame_flush(&f);
        assert_told("");

        /* the next one does not mean the same, and takes its turn after it */
        one = frame("two", FRAME_FROM_DEVICE);
        hub_frame_hold(&f, &s, &one);
        one = frame("three", FRAME_FROM_DEVICE);
        hub_frame_hold(&f, &s, &one);
        assert_told("7: two\n");
        /* what does not come from the device means nothing, and waits for nothing */
        one = frame("asked", FRAME_TO_DEVICE);
        hub_frame_hold(&f, &s, &one);
        assert_told("7: three\n7: asked\n");
        hub_frame_flush(&f);
        assert_told("");
        (void) g_string_free(told, TRUE);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hub-sample/what-a-value-says", test_what_a_value_says);
        g_test_add_func("/hub-sample/a-frame-waits-for-what-it-means", test_a_frame_waits_for_what_it_means);
        return g_test_run();
}
