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

/* Slots, in their order. */
static void expect(Rig *rig, const char *expected) {
        g_autoptr(GString) text = g_string_new(NULL);

        prelude_frames(&rig->prelude, NOW, NOW + 5, &rig->frames);
        for (unsigned i = 0; i < rig->frames.n; i++) {
                const Frame *f = &rig->frames.frames[i];

                g_assert_cmpint(f->data[0], ==, f->channel);
                g_assert_cmpuint(f->boottime_usec, ==, NOW);
                g_assert_cmpuint(f->realtime_usec, ==, NOW + 5);
                g_string_append_printf(text, "%s%u", i ? " " : "", f->channel);
        }
        g_assert_cmpstr(text->str, ==, expected);
}

static void test_nothing(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 2);
        expect(&rig, "");
}

static void test_what_holds_is_given_in_order(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 5);
        keep(&rig, 1, NOW - SEC);
        keep(&rig, 2, 10 * SEC);
        keep(&rig, 3, 9 * SEC);
        keep(&rig, 4, NOW - SEC / 2);
        expect(&rig, "3 2 1 4");
        keep(&rig, PRELUDE_FEATURE, NOW);
        expect(&rig, "0 3 2 1 4");
}

static void test_the_newest_of_each(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3);
        for (unsigned i = 0; i < 9; i++)
                keep(&rig, 1 + i % 2, NOW - SEC + i);
        expect(&rig, "2 1");
}

static void test_one_is_dropped(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3);
        keep(&rig, 1, NOW);
        keep(&rig, 2, NOW);
        prelude_drop(&rig.prelude, 1);
        prelude_drop(&rig.prelude, 3);
        expect(&rig, "2");
}

static void test_forgotten(void) {
        g_auto(Rig) rig = {};

        prelude_init(&rig.prelude, 3);
        keep(&rig, PRELUDE_FEATURE, NOW);
        keep(&rig, 1, NOW);
        keep(&rig, 2, NOW);
        prelude_forget(&rig.prelude);
        expect(&rig, "0");
}

static void test_what_has_no_place_is_passed_over(void) {
        g_auto(Rig) rig = {};
        uint8_t long_value[OMP_VALUE_MAX + 1] = {};

        prelude_init(&rig.prelude, 1000);
        keep(&rig, PRELUDE_SLOTS_MAX, NOW);
        keep(&rig, UINT_MAX, NOW);
        prelude_keep(&rig.prelude, 1, &(Frame) { .size = sizeof(long_value), .data = long_value });
        prelude_keep(&rig.prelude, 1, &(Frame) { .size = 0 });
        expect(&rig, "");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/prelude/nothing", test_nothing);
        g_test_add_func("/prelude/what-holds-is-given-in-order", test_what_holds_is_given_in_order);
        g_test_add_func("/prelude/the-newest-of-each", test_the_newest_of_each);
        g_test_add_func("/prelude/one-is-dropped", test_one_is_dropped);
        g_test_add_func("/prelude/forgotten", test_forgotten);
        g_test_add_func("/prelude/what-has-no-place-is-passed-over", test_what_has_no_place_is_passed_over);
        return g_test_run();
}
