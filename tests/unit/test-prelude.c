/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/prelude.h"

#define SEC UINT64_C(1000000)
#define NOW (100 * SEC)

typedef struct Rig {
        Prelude prelude;
        PreludeFrames frames;
} Rig;

static void rig_clear(Rig *rig) {
        prelude_clear(&rig->prelude);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rig, rig_clear)

static void keep(Rig *rig, unsigned slot, uint64_t boottime_usec) {
        uint8_t octet = (uint8_t) slot;

        prelude_keep(&rig->prelude, slot, &(Frame) { .boottime_usec = boottime_usec, .realtime_usec = boottime_usec + 5,
                                                     .channel = (uint8_t) slot, .size = 1, .data = &octet });
}

/* Slots and times, as "slot@seconds". */
static void expect(Rig *rig, bool lead_in, const char *expected) {
        g_autoptr(GString) text = g_string_new(NULL);

        prelude_frames(&rig->prelude, lead_in, NOW, NOW + 5, &rig->frames);
        for (unsigned i = 0; i < rig->frames.n; i++) {
                const Frame *f = &rig->frames.frames[i];

                g_assert_cmpint(f->data[0], ==, f->channel);
                g_assert_cmpuint(f->realtime_usec, ==, f->boottime_usec + 5);
                g_string_append_printf(text, "%s%u@%g", i ? " " : "", f->channel, (double) f->boottime_usec / SEC);
        }
        g_string_append_printf(text, "; %g", (double) rig->frames.boottime_usec / SEC);
        g_assert_cmpstr(text->str, ==, expected);
        g_assert_cmpuint(rig->frames.realtime_usec, ==, rig->frames.boottime_usec + 5);
}

static void test_nothing(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 2, false);
        expect(&rig, true, "; 100");
        expect(&rig, false, "; 100");
}

static void test_feature_has_the_time_of_the_beginning(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 2, false);
        keep(&rig, PRELUDE_FEATURE, 10 * SEC);
        expect(&rig, true, "0@100; 100");
        keep(&rig, PRELUDE_LIVE, NOW - SEC);
        expect(&rig, true, "0@99 1@99; 99");
}

static void test_an_old_live_value_is_not_kept(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 2, false);
        keep(&rig, PRELUDE_LIVE, NOW - 2 * SEC);
        expect(&rig, true, "1@98; 98");
        keep(&rig, PRELUDE_LIVE, NOW - 2 * SEC - 1);
        expect(&rig, true, "; 100");
}

static void test_by_hand_there_is_no_lead_in(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 2, false);
        keep(&rig, PRELUDE_LIVE, NOW - SEC);
        expect(&rig, false, "; 100");
}

static void test_what_holds_is_kept_in_order(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 5, true);
        keep(&rig, 1, NOW - SEC);
        keep(&rig, 2, 10 * SEC);
        keep(&rig, 3, 9 * SEC);
        keep(&rig, 4, NOW - SEC / 2);
        expect(&rig, true, "3@99 2@99 1@99 4@99.5; 99");
        expect(&rig, false, "3@100 2@100 1@100 4@100; 100");
}

static void test_a_session_before_is_no_lead_in(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3, true);
        keep(&rig, 1, NOW - SEC);
        keep(&rig, 2, NOW - SEC / 2);
        rig.prelude.stale_usec = NOW - SEC;
        expect(&rig, true, "1@99.5 2@99.5; 99.5");
}

static void test_the_newest_of_each(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3, true);
        for (unsigned i = 0; i < 10; i++)
                keep(&rig, 1 + i % 2, NOW - SEC + i);
        expect(&rig, true, "1@99 2@99; 99");
        g_assert_cmpuint(rig.frames.frames[1].boottime_usec, ==, NOW - SEC + 9);
}

static void test_forgotten(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3, true);
        keep(&rig, PRELUDE_FEATURE, NOW);
        keep(&rig, 1, NOW);
        keep(&rig, 2, NOW);
        prelude_forget(&rig.prelude);
        expect(&rig, true, "0@100; 100");
}

static void test_what_has_no_place_is_passed_over(void) {
        g_auto(Rig) rig = {};
        uint8_t long_value[OMP_VALUE_MAX + 1] = {};

        prelude_init(&rig.prelude, 1000, true);
        keep(&rig, PRELUDE_SLOTS_MAX, NOW);
        keep(&rig, UINT_MAX, NOW);
        prelude_keep(&rig.prelude, 1, &(Frame) { .size = sizeof(long_value), .data = long_value });
        prelude_keep(&rig.prelude, 1, &(Frame) { .size = 0 });
        expect(&rig, true, "; 100");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/prelude/nothing", test_nothing);
        g_test_add_func("/prelude/feature-has-the-time-of-the-beginning", test_feature_has_the_time_of_the_beginning);
        g_test_add_func("/prelude/an-old-live-value-is-not-kept", test_an_old_live_value_is_not_kept);
        g_test_add_func("/prelude/by-hand-there-is-no-lead-in", test_by_hand_there_is_no_lead_in);
        g_test_add_func("/prelude/what-holds-is-kept-in-order", test_what_holds_is_kept_in_order);
        g_test_add_func("/prelude/a-session-before-is-no-lead-in", test_a_session_before_is_no_lead_in);
        g_test_add_func("/prelude/the-newest-of-each", test_the_newest_of_each);
        g_test_add_func("/prelude/forgotten", test_forgotten);
        g_test_add_func("/prelude/what-has-no-place-is-passed-over", test_what_has_no_place_is_passed_over);
        return g_test_run();
}
