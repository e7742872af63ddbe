/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "profiles/channels.h"

static const VendorChar then_chars[] = {
        { .alias = "data", .uuid = "0000ff00-0000-1000-8000-00805f9b34fb" },
        { .alias = "adv" },             /* manufacturer data: no UUID */
        { .alias = "state", .uuid = "0000ff01-0000-1000-8000-00805f9b34fb" },
};
static const VendorChar now_chars[] = {
        { .alias = "battery", .uuid = "0000ff07-0000-1000-8000-00805f9b34fb" },
        { .alias = "status", .uuid = "0000ff01-0000-1000-8000-00805f9b34fb" },
};
static const VendorProfile then_vendor = { .id = "test", .chars = then_chars, .n_chars = 3 };
static const VendorProfile now_vendor = { .id = "test", .chars = now_chars, .n_chars = 2 };
static const Profile then = { .id = "test", .vendor = &then_vendor }, now = { .id = "test", .vendor = &now_vendor }, omp = { .id = "omp1" };

#define THEN "0=0000ff00-0000-1000-8000-00805f9b34fb;1=;2=0000ff01-0000-1000-8000-00805f9b34fb"

static void test_text(void) {
        g_autofree char *vendor = channels_text(&then), *ours = channels_text(&omp), *none = channels_text(NULL);

        g_assert_cmpstr(vendor, ==, THEN);
        g_assert_cmpstr(ours, ==, "");
        g_assert_cmpstr(none, ==, "");
}

static void test_the_same_profile(void) {
        uint8_t map[CHANNELS_MAX];

        g_assert_true(channels_map(&then, THEN, map));
        g_assert_true(channels_map(&omp, "", map));
        for (unsigned i = 0; i < CHANNELS_MAX; i++)
                g_assert_cmpint(map[i], ==, i);
}

/* Named differently, moved, one gone, one new. */
static void test_an_edited_profile(void) {
        uint8_t map[CHANNELS_MAX];

        g_assert_false(channels_map(&now, THEN, map));
        g_assert_cmpint(map[2], ==, 1);
        for (unsigned i = 0; i < CHANNELS_MAX; i++)
                if (i != 2)
                        g_assert_cmpint(map[i], ==, CHANNELS_NONE);
}

static void test_text_that_says_nothing(void) {
        static const char *const texts[] = { "", ";;;", "2", "=", "99=0000ff01-0000-1000-8000-00805f9b34fb",
                                             "-1=0000ff01-0000-1000-8000-00805f9b34fb", "x=0000ff01-0000-1000-8000-00805f9b34fb" };

        for (unsigned k = 0; k < G_N_ELEMENTS(texts); k++) {
                uint8_t map[CHANNELS_MAX];

                g_assert_false(channels_map(&now, texts[k], map));
                for (unsigned i = 0; i < CHANNELS_MAX; i++)
                        g_assert_cmpint(map[i], ==, CHANNELS_NONE);
        }
}

/* An id that was a vendor profile's and is ours now: nothing is the same. */
static void test_no_vendor_any_more(void) {
        uint8_t map[CHANNELS_MAX];

        g_assert_false(channels_map(&omp, THEN, map));
        g_assert_cmpint(map[0], ==, CHANNELS_NONE);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/channels/text", test_text);
        g_test_add_func("/channels/the-same-profile", test_the_same_profile);
        g_test_add_func("/channels/an-edited-profile", test_an_edited_profile);
        g_test_add_func("/channels/text-that-says-nothing", test_text_that_says_nothing);
        g_test_add_func("/channels/no-vendor-any-more", test_no_vendor_any_more);
        return g_test_run();
}
