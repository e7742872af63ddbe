/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/json.h"

/* A bus that nobody listens to is enough to make messages. */
typedef struct Fixture {
        sd_bus *bus;
        sd_bus_message *m;
        int peer;
} Fixture;

static void set_up(Fixture *f, gconstpointer data) {
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        f->peer = fds[1];
        g_assert_cmpint(sd_bus_new(&f->bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(f->bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_start(f->bus), >=, 0);
        g_assert_cmpint(sd_bus_message_new_signal(f->bus, &f->m, "/x", "x.y", "Z"), >=, 0);
}

static void tear_down(Fixture *f, gconstpointer data) {
        sd_bus_message_unref(f->m);
        sd_bus_close_unref(f->bus);
        close(f->peer);
}

static void assert_json(Fixture *f, const char *expected) {
        json_auto *json = NULL;
        g_autofree char *line = NULL;

        g_assert_cmpint(sd_bus_message_seal(f->m, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_rewind(f->m, true), >=, 0);
        g_assert_cmpint(json_from_message(f->m, &json), ==, 0);
        line = json_line(json);
        g_assert_cmpstr(line, ==, expected);
}

static void test_a_dictionary_of_figures(Fixture *f, gconstpointer data) {
        g_assert_cmpint(sd_bus_message_append(f->m, "a{sv}", 8, "strokes", "t", UINT64_C(45012), "force",
                                              "i", -12, "stroke_rate", "d", 7004.5, "area", "s",
                                              "cheek-left", "acknowledged", "b", 1, "zone_time", "a{st}", 2,
                                              "low", UINT64_C(1), "over", UINT64_C(0), "contraindications",
                                              "as", 2, "a", "b", "device_time_offset", "x", INT64_C(-5)),
                        >=, 0);
        assert_json(f, "{\"strokes\":45012,\"force\":-12,\"stroke_rate\":7004.5,\"area\":\"cheek-left\","
                       "\"acknowledged\":true,"
                       "\"zone_time\":{\"low\":1,\"over\":0},\"contraindications\":[\"a\",\"b\"],\"device_time_offset\":-5}");
}

static void test_nested_objects(Fixture *f, gconstpointer data) {
        g_assert_cmpint(sd_bus_message_append(f->m, "a{oa{sa{sv}}}", 1, "/org/needled/device/x", 2,
                                              "org.needled.Device1", 2, "Battery", "y", 81, "Rssi", "n", -60,
                                              "empty", 0), >=, 0);
        assert_json(f, "{\"/org/needled/device/"
                       "x\":{\"org.needled.Device1\":{\"Battery\":81,\"Rssi\":-60},\"empty\":{}}}");
}

static void test_arrays_structs_and_number_keys(Fixture *f, gconstpointer data) {
        g_assert_cmpint(sd_bus_message_append(f->m, "(a(tii)a{us}axv)", 2, UINT64_C(1), 2, 3, UINT64_C(4), 5,
                                              -6, 1, 7, "seven", 0, "v", "q", 9),
                        >=, 0);
        assert_json(f, "[[[1,2,3],[4,5,-6]],{\"7\":\"seven\"},[],9]");
}

static void test_numbers_that_json_cannot_hold(Fixture *f, gconstpointer data) {
        g_assert_cmpint(sd_bus_message_append(f->m, "(tdd)", UINT64_MAX, (double) NAN, (double) INFINITY),
                        >=, 0);
        assert_json(f, "[9223372036854775807,null,null]");
}

static void test_descriptors_are_null(Fixture *f, gconstpointer data) {
        g_assert_cmpint(sd_bus_message_append(f->m, "(hs)", STDERR_FILENO, "x"), >=, 0);
        assert_json(f, "[null,\"x\"]");
}

static void test_an_empty_message_has_no_value(Fixture *f, gconstpointer data) {
        json_t *json = NULL;

        g_assert_cmpint(sd_bus_message_seal(f->m, 1, 0), >=, 0);
        g_assert_cmpint(json_from_message(f->m, &json), ==, -EBADMSG);
        g_assert_null(json);
}

static void test_unknown_properties_are_absent(void) {
        json_auto *properties =
                json_pack("{s:s s:s s:i s:I s:s s:{} s:i s:i s:b s:s}", "Address", "C0:FF:EE:12:34:56",
                          "StateReason", "", "Battery", 255, "Owner", (json_int_t) UINT32_MAX, "Session",
                          "/", "Sync", "Rssi", 0, "StateSince", 0, "AutoConnect", 0, "State", "ready");
        json_auto *object = json_from_properties(properties);
        g_autofree char *line = json_line(object);

        g_assert_cmpstr(line, ==,
                        "{\"address\":\"C0:FF:EE:12:34:56\",\"auto_connect\":false,\"state\":\"ready\"}");
}

static void test_known_properties_stay(void) {
        json_auto *properties =
                json_pack("{s:i s:i s:i s:i}", "Battery", 0, "Owner", 0, "Rssi", -40, "Id", 0);
        json_auto *object = json_from_properties(properties);
        g_autofree char *line = json_line(object);

        g_assert_cmpstr(line, ==, "{\"battery\":0,\"owner\":0,\"rssi\":-40,\"id\":0}");
}

static void test_figures_have_the_shape_of_get_figures(void) {
        Figures figures = {};
        json_auto *object = NULL;
        g_autofree char *line = NULL;

        figures_set(&figures, FIGURE_STROKES, 12);
        figures_set(&figures, FIGURE_ZONE_OVER, 5);
        figures_set(&figures, FIGURE_ZONE_LOW, 3);
        figures_set(&figures, FIGURE_LATE_EVENT, 1);
        figures_set_double(&figures, FIGURE_STROKE_RATE, 6.5);
        figures_set(&figures, FIGURE_DEVICE_TIME_OFFSET, -7);
        object = json_from_figures(&figures);
        line = json_line(object);
        g_assert_cmpstr(line, ==,
                        "{\"strokes\":12,\"stroke_rate\":6.5,\"zone_time\":{\"low\":3,\"over\":5},\"late\":{"
                        "\"event\":1},\"device_time_offset\":-7}");
}

static void test_a_path_may_be_no_utf_8(void) {
        json_auto *good = json_of_text("a/ä.tape"), *bad = json_of_text("a/\xff.tape");

        g_assert_cmpstr(json_string_value(good), ==, "a/ä.tape");
        g_assert_cmpstr(json_string_value(bad), ==, "a/\xef\xbf\xbd.tape");
}

static void test_lines_are_safe_to_look_at(void) {
        json_auto *object =
                json_pack("{s:s}", "name", "a\x1b[2J\xc2\x9bm\xe2\x80\xae\xf3\xa0\x80\x81 Анна\n");
        json_auto *again = NULL;
        g_autofree char *line = json_line(object);

        g_assert_cmpstr(line, ==, "{\"name\":\"a\\u001B[2J\\u009Bm\\u202E\\uDB40\\uDC01 Анна\\n\"}");
        again = json_loads(line, 0, NULL);
        g_assert_true(json_equal(object, again));
}

static void test_decimal_numbers_are_as_they_were_meant(void) {
        json_auto *number = json_real(150 * 9.80665);
        g_autofree char *line = json_line(number);

        g_assert_cmpstr(line, ==, "1470.9975");
}

int main(int argc, char **argv) {
        static const struct { const char *name; void (*run)(Fixture *f, gconstpointer data); } messages[] = {
                { "/client-json/a-dictionary-of-figures", test_a_dictionary_of_figures },
                { "/client-json/nested-objects", test_nested_objects },
                { "/client-json/arrays-structs-and-number-keys", test_arrays_structs_and_number_keys },
                { "/client-json/numbers-that-json-cannot-hold", test_numbers_that_json_cannot_hold },
                { "/client-json/descriptors-are-null", test_descriptors_are_null },
                { "/client-json/an-empty-message-has-no-value", test_an_empty_message_has_no_value },
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
                g_test_add(messages[i].name, Fixture, NULL, set_up, messages[i].run, tear_down);
        g_test_add_func("/client-json/unknown-properties-are-absent", test_unknown_properties_are_absent);
        g_test_add_func("/client-json/known-properties-stay", test_known_properties_stay);
        g_test_add_func("/client-json/figures-have-the-shape-of-get-figures",
                        test_figures_have_the_shape_of_get_figures);
        g_test_add_func("/client-json/a-path-may-be-no-utf-8", test_a_path_may_be_no_utf_8);
        g_test_add_func("/client-json/lines-are-safe-to-look-at", test_lines_are_safe_to_look_at);
        g_test_add_func("/client-json/decimal-numbers-are-as-they-were-meant", test_decimal_numbers_are_as_they_were_meant);
        return g_test_run();
}
