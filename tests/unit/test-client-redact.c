/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/json.h"
#include "client/objects.h"
#include "client/redact.h"
#include "client/text.h"

static json_t *parse(const char *text) {
        json_t *json = json_loads(text, 0, NULL);

        g_assert_nonnull(json);
        return json;
}

static void learn(const char *text) {
        json_auto *json = parse(text);

        redact_learn(json);
}

static void begin(void) {
        redact_reset();
        redact_enable();
}

#define assert_redacted(text, expected)                              \
        do {                                                         \
                g_autofree char *redacted = redact_text(text);       \
                g_assert_cmpstr(redacted, ==, expected);             \
        } while (0)

static void test_nothing_happens_unless_it_is_wanted(void) {
        redact_reset();
        learn("{\"address\": \"C0:FF:EE:12:34:56\", \"alias\": \"Anna\"}");
        assert_redacted("Anna C0:FF:EE:12:34:56", "Anna C0:FF:EE:12:34:56");
        g_assert_cmpstr(redact_name("Anna"), ==, "Anna");
}

static void test_a_device_has_one_other_name(void) {
        begin();
        learn("[{\"Address\": \"C0:FF:EE:12:34:56\", \"Alias\": \"Anna's\", \"Name\": \"SimPen\"},"
              " {\"device\": \"C0:FF:EE:12:34:57\", \"alias\": \"Bert\"}]");
        assert_redacted("Anna's, SimPen: Bert", "device-1, device-1: device-2");
        assert_redacted("c0:ff:ee:12:34:57", "device-2");
        assert_redacted("/org/bluez/hci0/dev_C0_FF_EE_12_34_56/x", "/org/bluez/hci0/dev_device-1/x");
        g_assert_cmpstr(redact_name("C0:FF:EE:12:34:56"), ==, "device-1");
}

static void test_an_address_is_seen_without_being_known(void) {
        begin();
        assert_redacted("to 00:11:22:33:44:55 and 00-11-22-33-44-66.", "to device-1 and device-2.");
        assert_redacted("00:11:22:33:44", "00:11:22:33:44");
        assert_redacted("00:11:22-33:44:55", "00:11:22-33:44:55");
}

static void test_words_are_replaced_whole(void) {
        begin();
        learn("{\"subject\": \"An\", \"note\": \"An itch, then none\", \"product\": \"Ü\"}");
        assert_redacted("An answer of An.", "subject-1 answer of subject-1.");
        assert_redacted("An itch, then none", "note-1"); /* the longest */
        assert_redacted("Ü Über", "product-1 Über");
}

static void test_figures_and_words_of_our_own_stay(void) {
        begin();
        learn("{\"address\": \"C0:FF:EE:12:34:56\", \"alias\": \"pen\", \"kind\": \"pen\"}");
        learn("{\"subject\": \"12\"}");
        assert_redacted("pen 12", "pen 12");
        g_assert_cmpstr(redact_name("pen"), ==, "device-1");
        g_assert_cmpstr(redact_name("12"), ==, "subject-1");
}

#define assert_message(text, expected)                               \
        do {                                                         \
                g_autofree char *said = redact_message(text);    \
                g_assert_cmpstr(said, ==, expected);             \
        } while (0)

/* An alias that is a common word: messages name devices, and say of none what kind it is. */
static void test_messages_lose_common_words_too(void) {
        json_auto *entry = parse("{\"MESSAGE\": \"the bond with pen is lost\", \"NEEDLED_DEVICE\": \"pen\", \"UNIT\": \"a pen\","
                                 " \"finding\": \"pen is away\"}");
        json_auto *redacted = NULL;
        g_autofree char *line = NULL;

        begin();
        learn("[{\"address\": \"C0:FF:EE:12:34:56\", \"alias\": \"pen\", \"kind\": \"pen\"},"
              " {\"address\": \"C0:FF:EE:12:34:57\", \"alias\": \"7\"}]");
        assert_message("Session 7 started with pen, not a simplepen (needlectl connect pen).",
                       "Session 7 started with device-1, not a simplepen (needlectl connect device-1).");
        redacted = redact_json(entry);
        line = json_line(redacted);
        g_assert_cmpstr(line, ==, "{\"MESSAGE\":\"the bond with device-1 is lost\",\"NEEDLED_DEVICE\":\"device-1\",\"UNIT\":\"a pen\","
                                  "\"finding\":\"device-1 is away\"}");
        redact_reset();
        assert_message("pen", "pen");
}

static void test_json_keeps_its_shape(void) {
        json_auto *json = parse("{\"address\": \"C0:FF:EE:12:34:56\", \"alias\": \"pen\", \"kind\": \"pen\", \"battery\": 91, \"session\": null,"
                                " \"events\": [{\"kind\": \"mark\", \"text\": \"itches\"}, {\"kind\": \"alert\", \"name\": \"time-limit\"}]}");
        json_auto *redacted = NULL;
        g_autofree char *line = NULL;

        begin();
        redact_learn(json);
        redacted = redact_json(json);
        line = json_line(redacted);
        g_assert_cmpstr(line, ==, "{\"address\":\"device-1\",\"alias\":\"device-1\",\"kind\":\"pen\",\"battery\":91,\"session\":null,"
                                  "\"events\":[{\"kind\":\"mark\",\"text\":\"note-1\"},{\"kind\":\"alert\",\"name\":\"time-limit\"}]}");
}

static void test_what_goes_to_a_terminal_is_redacted(void) {
        json_auto *device = parse("{\"address\": \"C0:FF:EE:12:34:56\", \"alias\": \"pen\"}");
        g_autofree char *text = NULL;

        begin();
        learn("{\"subject\": \"Anna\"}");
        redact_learn(device);
        g_assert_cmpstr(objects_device_title(device), ==, "device-1");
        text = text_printable("of\nAnna");
        g_assert_cmpstr(text, ==, "of subject-1");
}

static void test_no_name_gets_through(void) {
        static const char alphabet[] = "aB 9'\"\\:-_\n";
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        begin();
        for (unsigned i = 0; i < 300; i++) {
                /* A letter that is nowhere else begins and ends it. */
                GString *name = g_string_new("\xc3\xb8");

                for (int k = g_test_rand_int_range(0, 12); k > 0; k--)
                        g_string_append_c(name, alphabet[g_test_rand_int_range(0, (int) strlen(alphabet))]);
                g_string_append(name, "\xc3\xb8");
                redact_learn_word((RedactKind) (i % _REDACT_KIND_MAX), name->str);
                g_ptr_array_add(names, g_string_free(name, FALSE));
        }
        for (unsigned i = 0; i < names->len; i++) {
                const char *name = names->pdata[i], *next = names->pdata[(i + 1) % names->len];
                g_autofree char *text = g_strdup_printf("%s, '%s' and (%s): 12.5 N", name, next, name), *redacted = redact_text(text);

                g_assert_null(strstr(redacted, "\xc3\xb8"));
                g_assert_true(g_str_has_suffix(redacted, ": 12.5 N"));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-redact/nothing-happens-unless-it-is-wanted", test_nothing_happens_unless_it_is_wanted);
        g_test_add_func("/client-redact/messages-lose-common-words-too", test_messages_lose_common_words_too);
        g_test_add_func("/client-redact/a-device-has-one-other-name", test_a_device_has_one_other_name);
        g_test_add_func("/client-redact/an-address-is-seen-without-being-known", test_an_address_is_seen_without_being_known);
        g_test_add_func("/client-redact/words-are-replaced-whole", test_words_are_replaced_whole);
        g_test_add_func("/client-redact/figures-and-words-of-our-own-stay", test_figures_and_words_of_our_own_stay);
        g_test_add_func("/client-redact/json-keeps-its-shape", test_json_keeps_its_shape);
        g_test_add_func("/client-redact/what-goes-to-a-terminal-is-redacted", test_what_goes_to_a_terminal_is_redacted);
        g_test_add_func("/client-redact/no-name-gets-through", test_no_name_gets_through);
        return g_test_run();
}
