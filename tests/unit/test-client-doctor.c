/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/doctor.h"

#include <string.h>

static void assert_advice(const char *load, const char *active, const char *result, const char *part, const char *remedy) {
        const DoctorAdvice *advice = doctor_unit_advice(&(DoctorUnit) { load, active, result });

        if (!strstr(advice->finding, part))
                g_error("\"%s\" is not in: %s", part, advice->finding);
        g_assert_cmpstr(advice->remedy, ==, remedy);
}

static void test_each_state_of_the_unit_has_a_remedy(void) {
        assert_advice("loaded", "inactive", "success", "stopped", "systemctl start needled");
        assert_advice("loaded", "inactive", "exit-code", "failed", "systemctl reset-failed needled && systemctl start needled");
        assert_advice("loaded", "failed", "exit-code", "failed", "systemctl reset-failed needled && systemctl start needled");
        assert_advice("loaded", "active", "success", "does not answer", "systemctl restart needled");
        assert_advice("loaded", "activating", "success", "being started", "Wait a moment, then ask again.");
        assert_advice("loaded", "activating", "exit-code", "again and again",
                      "Do what the journal says; systemd starts needled again by itself.");
        assert_advice("loaded", "deactivating", "success", "or stopped", "Wait a moment, then ask again.");
        assert_advice("masked", "inactive", "success", "masked", "systemctl unmask needled && systemctl start needled");
        assert_advice("bad-setting", "inactive", "success", "cannot be loaded", "systemd-analyze verify needled.service");
        assert_advice("error", "inactive", "success", "cannot be loaded", "systemd-analyze verify needled.service");
        assert_advice("not-found", "inactive", "success", "not installed",
                      "Install needled, or run 'systemctl daemon-reload' if it was installed just now.");
        assert_advice("", "", "", "systemd does not answer", "systemctl start needled");
}

static void assert_rendered(const char *finding, const char *remedy, unsigned columns, const char *expected) {
        g_autofree char *lines = doctor_render("pen: bond", "fail", finding, remedy, (DoctorColumns) { .check = 12, .all = columns });

        g_assert_cmpstr(lines, ==, expected);
}

static void test_findings_are_wrapped_and_commands_are_not(void) {
        assert_rendered("It is lost.", "", 80, "fail  pen: bond   It is lost.\n");
        assert_rendered("It is lost for ever.", "needlectl adopt C0:FF:EE:12:34:56", 31,
                        "fail  pen: bond   It is lost\n"
                        "                  for ever.\n"
                        "      → needlectl adopt C0:FF:EE:12:34:56\n");
        assert_rendered("It is lost.", "Bring it nearer to the computer.", 32,
                        "fail  pen: bond   It is lost.\n"
                        "      → Bring it nearer to the\n"
                        "        computer.\n");
        assert_rendered("It is lost for ever.", "Bring it nearer to the computer.", 0,
                        "fail  pen: bond   It is lost for ever.\n"
                        "      → Bring it nearer to the computer.\n");
        /* An alias cannot move the cursor. */
        assert_rendered("It is \x1b[2Jlost.", "", 80, "fail  pen: bond   It is �[2Jlost.\n");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-doctor/each-state-of-the-unit-has-a-remedy", test_each_state_of_the_unit_has_a_remedy);
        g_test_add_func("/client-doctor/findings-are-wrapped-and-commands-are-not",
                        test_findings_are_wrapped_and_commands_are_not);
        return g_test_run();
}
