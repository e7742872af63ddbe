/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "simulator/pairing-method.h"

#define JUST_WORKS PAIRING_METHOD_JUST_WORKS
#define CLIENT_TYPES PAIRING_METHOD_CLIENT_TYPES
#define DEVICE_TYPES PAIRING_METHOD_DEVICE_TYPES
#define BOTH_TYPE PAIRING_METHOD_BOTH_TYPE
#define NUMERIC PAIRING_METHOD_NUMERIC

/* Core Specification, Vol 3, Part H, table 2.8, LE Secure Connections: the responder's rows that a device here can be. */
static void test_capabilities(void) {
        static const struct {
                const char *initiator;
                PairingMethod display_only, display_yes_no, keyboard_only, no_input_no_output;
        } table[] = {
                { "DisplayOnly", JUST_WORKS, JUST_WORKS, DEVICE_TYPES, JUST_WORKS },
                { "DisplayYesNo", JUST_WORKS, NUMERIC, DEVICE_TYPES, JUST_WORKS },
                { "KeyboardOnly", CLIENT_TYPES, CLIENT_TYPES, BOTH_TYPE, JUST_WORKS },
                { "NoInputNoOutput", JUST_WORKS, JUST_WORKS, JUST_WORKS, JUST_WORKS },
                { "KeyboardDisplay", CLIENT_TYPES, NUMERIC, DEVICE_TYPES, JUST_WORKS },
                { "", CLIENT_TYPES, NUMERIC, DEVICE_TYPES, JUST_WORKS },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                const char *initiator = table[i].initiator;

                g_assert_cmpint(pairing_method(initiator, PAIRING_PASSKEY_DISPLAY), ==, table[i].display_only);
                g_assert_cmpint(pairing_method(initiator, PAIRING_NUMERIC), ==, table[i].display_yes_no);
                g_assert_cmpint(pairing_method(initiator, PAIRING_PASSKEY_ENTRY), ==, table[i].keyboard_only);
                g_assert_cmpint(pairing_method(initiator, PAIRING_JUST_WORKS), ==, table[i].no_input_no_output);
        }
}

static void test_names(void) {
        g_assert_cmpint(pairing_kind_from_name("just-works"), ==, PAIRING_JUST_WORKS);
        g_assert_cmpint(pairing_kind_from_name("passkey-entry"), ==, PAIRING_PASSKEY_ENTRY);
        g_assert_cmpint(pairing_kind_from_name("passkey-display"), ==, PAIRING_PASSKEY_DISPLAY);
        g_assert_cmpint(pairing_kind_from_name("numeric"), ==, PAIRING_NUMERIC);
        g_assert_cmpint(pairing_kind_from_name("refuse"), ==, PAIRING_REFUSE);
        g_assert_cmpint(pairing_kind_from_name("passkey"), ==, _PAIRING_MAX);
        g_assert_cmpstr(pairing_capability(PAIRING_PASSKEY_ENTRY), ==, "KeyboardOnly");
        g_assert_cmpstr(pairing_capability(PAIRING_REFUSE), ==, "NoInputNoOutput");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pairing-method/capabilities", test_capabilities);
        g_test_add_func("/pairing-method/names", test_names);
        return g_test_run();
}
