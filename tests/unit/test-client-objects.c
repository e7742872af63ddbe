/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "client/json.h"
#include "client/objects.h"
#include "client/watch-target.h"

#define ANNA 1000
#define BERT 1001

static const char managed[] =
        "{\"/org/needled/device/"
        "a\":{\"org.needled.Device1\":{\"Address\":\"C0:FF:EE:00:00:01\",\"Name\":\"Pen\",\"Alias\":"
        "\"Anna\","
        "\"Adopted\":true,\"State\":\"streaming\",\"Session\":\"/org/needled/session/7\"}},"
        "\"/org/needled/device/"
        "b\":{\"org.needled.Device1\":{\"Address\":\"C0:FF:EE:00:00:02\",\"Name\":\"Pen\",\"Alias\":\"\","
        "\"Adopted\":true,\"State\":\"waiting\",\"Session\":\"/\"}},"
        "\"/org/needled/device/"
        "c\":{\"org.needled.Device1\":{\"Address\":\"D0:00:00:00:00:03\",\"Name\":\"Roller\",\"Alias\":\"\","
        "\"Adopted\":false,\"State\":\"found\",\"Rssi\":-80,\"Session\":\"/\"}},"
        "\"/org/needled/device/"
        "d\":{\"org.needled.Device1\":{\"Address\":\"D0:00:00:00:00:04\",\"Name\":\"\",\"Alias\":\"\","
        "\"Adopted\":false,\"State\":\"found\",\"Rssi\":-40,\"Session\":\"/\"}},"
        "\"/org/needled/device/"
        "e\":{\"org.needled.Device1\":{\"Address\":\"99:00:00:00:00:05\",\"Name\":\"\",\"Alias\":\"\","
        "\"Adopted\":false,\"State\":\"found\",\"Rssi\":-90,\"Session\":\"/org/needled/session/5\"}},"
        "\"/org/needled/session/"
        "7\":{\"org.needled.Session1\":{\"Id\":7,\"Uuid\":\"0d9af23c-0000-4000-8000-000000000007\","
        "\"Device\":\"/org/needled/device/a\",\"Owner\":1000,\"State\":\"running\"}},"
        "\"/org/needled/session/"
        "6\":{\"org.needled.Session1\":{\"Id\":6,\"Uuid\":\"0d9a1111-0000-4000-8000-000000000006\","
        "\"Device\":\"/org/needled/device/a\",\"Owner\":1000,\"State\":\"finished\"}},"
        "\"/org/needled/session/"
        "5\":{\"org.needled.Session1\":{\"Id\":5,\"Uuid\":\"12345678-0000-4000-8000-000000000005\","
        "\"Device\":\"/org/needled/device/b\",\"Owner\":1001,\"State\":\"paused\"}},"
        "\"/org/needled/other\":{\"org.needled.Newer1\":{}}}";

static void load(Objects *objects) {
        json_auto *json = json_loads(managed, 0, NULL);

        g_assert_nonnull(json);
        objects_init(objects, json);
}

static void assert_device(const char *typed, int expected, const char *address) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;

        load(&objects);
        g_assert_cmpint(objects_find_device(&objects, typed, &device), ==, expected);
        if (address)
                g_assert_cmpstr(json_text(device, "address"), ==, address);
}

static void assert_session(const char *typed, int expected, int64_t id) {
        g_auto(Objects) objects = {};
        const json_t *session = NULL;

        load(&objects);
        g_assert_cmpint(objects_find_session(&objects, typed, &session), ==, expected);
        if (expected == 0)
                g_assert_cmpint(json_number(session, "id"), ==, id);
}

static void test_adopted_ones_come_first_then_the_nearest(void) {
        g_auto(Objects) objects = {};

        load(&objects);
        g_assert_cmpuint(json_array_size(objects.devices), ==, 5);
        g_assert_cmpstr(objects_device_title(json_array_get(objects.devices, 0)), ==, "Anna");
        g_assert_cmpstr(objects_device_title(json_array_get(objects.devices, 1)), ==, "Pen");
        g_assert_cmpstr(objects_device_title(json_array_get(objects.devices, 2)), ==, "D0:00:00:00:00:04");
        g_assert_cmpstr(objects_device_title(json_array_get(objects.devices, 3)), ==, "Roller");
        g_assert_cmpuint(json_array_size(objects.sessions), ==, 3);
        g_assert_cmpint(json_number(json_array_get(objects.sessions, 0), "id"), ==, 7);
}

static void test_devices_by_what_they_are_called(void) {
        assert_device("anna", 0, "C0:FF:EE:00:00:01");
        assert_device("c0:ff:ee:00:00:02", 0, "C0:FF:EE:00:00:02");
        assert_device("an", 0, "C0:FF:EE:00:00:01");
        assert_device("rol", 0, "D0:00:00:00:00:03");
        assert_device("/org/needled/device/d", 0, "D0:00:00:00:00:04");
        assert_device("D0:00:00:00:00:04", 0, "D0:00:00:00:00:04");
}

static void test_what_fits_several_is_not_guessed(void) {
        assert_device("Pen", -ENOTUNIQ, NULL);
        assert_device("C0:FF", -ENOTUNIQ, NULL);
        assert_device("D0", -ENOTUNIQ, NULL);
}

static void test_what_fits_none(void) {
        assert_device("Bert", -ENOENT, NULL);
        assert_device("", -ENOENT, NULL);
        assert_session("99", -ENOENT, 0);       /* a number, and no device whose address begins so */
        assert_session("0d9", -ENOENT, 0);      /* too short for a UUID */
        assert_session("roller", -ENOENT, 0);   /* a device without a session */
        assert_session("1234", -ENOENT, 0);     /* nor a UUID that does */
}

static void test_sessions_by_what_they_are_called(void) {
        assert_session("7", 0, 7);
        assert_session("0d9af", 0, 7);
        assert_session("0d9a", -ENOTUNIQ, 0);
        assert_session("/org/needled/session/6", 0, 6);
        assert_session("Anna", 0, 7);
        assert_session("99:00", 0, 5);
        assert_session("12345678-", 0, 5);
}

static void test_without_a_name_the_only_one_is_meant(void) {
        g_auto(Objects) objects = {};
        const json_t *found = NULL;

        load(&objects);
        g_assert_cmpint(objects_only_device(&objects, &found), ==,
                        0); /* two are adopted, one is connected */
        g_assert_cmpstr(json_text(found, "alias"), ==, "Anna");
        g_assert_cmpint(objects_only_session(&objects, ANNA, &found), ==, 0);
        g_assert_cmpint(json_number(found, "id"), ==, 7);
        g_assert_cmpint(objects_only_session(&objects, BERT, &found), ==, 0);
        g_assert_cmpint(json_number(found, "id"), ==, 5);
        g_assert_cmpint(objects_only_session(&objects, 0, &found), ==, -ENOTUNIQ);
        g_assert_cmpint(objects_only_session(&objects, 4711, &found), ==, -ENOENT);
}

static void test_watching_follows_ones_own_newest_session(void) {
        WatchTarget anna = { .uid = ANNA }, stranger = { .uid = 4711 };
        g_auto(Objects) objects = {};

        load(&objects);
        g_assert_cmpint(watch_target_choose(&anna, &objects, NULL), ==, 0);
        g_assert_cmpint(json_number(watch_target_session(&anna, &objects), "id"), ==, 7);
        g_assert_null(watch_target_session(&stranger, &objects));
        anna.ended = 7;
        g_assert_null(watch_target_session(&anna, &objects));
}

static void test_watching_sees_whose_the_session_is(void) {
        WatchTarget anna = { .uid = ANNA }, bert = { .uid = BERT }, root = {}, asked = { .uid = BERT };
        const json_t *device, *other;
        g_auto(Objects) objects = {};

        load(&objects);
        device = objects_at(objects.devices, "/org/needled/device/a");
        other = objects_at(objects.devices, "/org/needled/device/c");
        g_assert_cmpuint(watch_target_others(&anna, &objects, device), ==, 0);
        g_assert_cmpuint(watch_target_others(&bert, &objects, device), ==, 7);
        g_assert_cmpuint(watch_target_others(&bert, &objects, other), ==, 0);
        g_assert_cmpuint(watch_target_others(&bert, &objects, NULL), ==, 0);
        g_assert_cmpuint(watch_target_others(&root, &objects, device), ==, 0);
        g_assert_cmpint(watch_target_choose(&asked, &objects, "anna"), ==, 0);
        g_assert_cmpuint(watch_target_others(&asked, &objects, device), ==, 0); /* it is followed, whosever it is */
        watch_target_done(&asked);
}

static void test_watching_a_device_or_one_session(void) {
        WatchTarget device = { .uid = ANNA }, session = { .uid = ANNA }, none = { .uid = ANNA };
        g_auto(Objects) objects = {};

        load(&objects);
        g_assert_cmpint(watch_target_choose(&device, &objects, "anna"), ==, 0);
        g_assert_cmpstr(device.device, ==, "/org/needled/device/a");
        g_assert_cmpint(json_number(watch_target_session(&device, &objects), "id"), ==, 7);

        g_assert_cmpint(watch_target_choose(&session, &objects, "5"), ==, 0);
        g_assert_cmpuint(session.session, ==, 5);
        g_assert_null(session.device);
        g_assert_cmpint(json_number(watch_target_session(&session, &objects), "id"), ==, 5);

        g_assert_cmpint(watch_target_choose(&none, &objects, "6"), ==, -ENOENT); /* it has ended */
        g_assert_cmpint(watch_target_choose(&none, &objects, "99"), ==, -ENOENT); /* an address begins so */
        g_assert_null(none.device);
        g_assert_cmpint(watch_target_choose(&none, &objects, "nobody"), ==, -ENOENT);
        g_assert_cmpint(watch_target_choose(&none, &objects, "pen"), ==, -ENOTUNIQ);
        watch_target_done(&device);
}

static void test_the_device_that_is_waited_for(void) {
        WatchTarget any = { .uid = ANNA },
                    other = { .uid = ANNA, .device = (char *) "/org/needled/device/b" };
        g_auto(Objects) objects = {}, empty = {};

        load(&objects);
        objects_init(&empty, NULL);
        g_assert_cmpstr(json_text(watch_target_device(&any, &objects, NULL), "alias"), ==, "Anna");
        g_assert_cmpstr(json_text(watch_target_device(&other, &objects, NULL), "address"), ==,
                        "C0:FF:EE:00:00:02");
        g_assert_cmpstr(json_text(watch_target_device(&any, &objects,
                                                      objects_session_by_id(&objects, 5)),
                                  "address"),
                        ==, "C0:FF:EE:00:00:02");
        g_assert_null(watch_target_device(&any, &empty, NULL));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-objects/adopted-ones-come-first-then-the-nearest",
                        test_adopted_ones_come_first_then_the_nearest);
        g_test_add_func("/client-objects/devices-by-what-they-are-called",
                        test_devices_by_what_they_are_called);
        g_test_add_func("/client-objects/what-fits-several-is-not-guessed",
                        test_what_fits_several_is_not_guessed);
        g_test_add_func("/client-objects/what-fits-none", test_what_fits_none);
        g_test_add_func("/client-objects/sessions-by-what-they-are-called",
                        test_sessions_by_what_they_are_called);
        g_test_add_func("/client-objects/without-a-name-the-only-one-is-meant",
                        test_without_a_name_the_only_one_is_meant);
        g_test_add_func("/client-objects/watching-follows-ones-own-newest-session",
                        test_watching_follows_ones_own_newest_session);
        g_test_add_func("/client-objects/watching-sees-whose-the-session-is", test_watching_sees_whose_the_session_is);
        g_test_add_func("/client-objects/watching-a-device-or-one-session",
                        test_watching_a_device_or_one_session);
        g_test_add_func("/client-objects/the-device-that-is-waited-for", test_the_device_that_is_waited_for);
        return g_test_run();
}
