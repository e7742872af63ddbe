/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdbool.h>

#include "boot-id.h"

#define TOLD "0123456789abcdef0123456789abcdef"

static void assert_is(bool as_told) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t id;

        g_assert_cmpint(boot_id_get(&id), >=, 0);
        g_assert_cmpint(g_str_equal(sd_id128_to_string(id, text), TOLD), ==, as_told);
}

/* As the unit says it, where /proc does not. */
static void test_told(void) {
        g_assert_true(g_setenv("NEEDLED_BOOT_ID", TOLD, true));
        assert_is(true);
        g_assert_true(g_setenv("NEEDLED_BOOT_ID", "%b", true)); /* no id: then as the kernel says it */
        assert_is(false);
        g_unsetenv("NEEDLED_BOOT_ID");
        assert_is(false);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/boot-id/told", test_told);
        return g_test_run();
}
