/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "fake-trouble.h"
#include "link-fixture.h"
#include "needled/omp-records.h"

/* The ways of a sync to bluetoothd and back, and what is told of it. The order of things is test-fetch.c's. */

#define UUID(x) "9584" #x "-2319-423b-8a8e-ee1ffb8d13f8"
#define CONTROL UUID(0107)
#define DATA UUID(0108)
#define RACP "00002a52-0000-1000-8000-00805f9b34fb"

/* Stored sessions, and neither a clock nor traces. */
static const uint8_t feature[] = { 0x01, 0x00, 0xff, 0x0a, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                   0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };
static const uint8_t feature_none[] = { 0x01, 0x00, 0xff, 0x08, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                        0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };
static const uint8_t record[] = { /* profile 1.10 */
        0x01, 0x09, 0x39, 0x00, 0x00, 0x00, 0x32, 0x28, 0xa7, 0x1c, 0x32, 0x00, 0x00, 0x01, 0x08, 0x64, 0x02, 0xe8, 0x01, 0xcf,
        0xdc, 0x00, 0x00, 0x25, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8e, 0x03, 0x5c, 0x08, 0x5a, 0x14, 0x03, 0x00, 0x18, 0x00, 0xf4,
        0x01, 0xee, 0x02, 0x26, 0x1b, 0x03, 0xee, 0xff, 0xc0, 0x00, 0x01, 0x00, 0x58, 0x51, 0x50, 0x90,
};

#define CHARS(feature_) \
        { .uuid = UUID(0101), .value = feature_, .size = sizeof(feature_) }, { .uuid = UUID(0102) }, { .uuid = UUID(0104) }, \
        { .uuid = UUID(0105) }, { .uuid = DATA }

static const FakeCharKind chars[] = { CHARS(feature), { .uuid = RACP } };
static const FakeCharKind none_chars[] = { CHARS(feature_none), { .uuid = RACP } };
/* BlueZ before 5.80 has no socket for what only indicates: StartNotify, which this fake answers by its signals alone. */
static const FakeCharKind old_chars[] = { CHARS(feature), { .uuid = RACP, .acquire_error = "org.bluez.Error.NotSupported" } };

#define KIND(chars_) { .name = "Pen", .service = OMP_SERVICE_UUID, .chars = chars_, .n_chars = G_N_ELEMENTS(chars_) }

static const FakeKind pen = KIND(chars), none_pen = KIND(none_chars), old_pen = KIND(old_chars);

static unsigned records;
static StoredCursor handed;

static void on_record(Device *device, const StoredRecord *stored, void *userdata) {
        g_assert_cmpint(device->state, ==, DEVICE_SYNCING);
        g_assert_cmpuint(stored->n_bodies, ==, 1);
        g_assert_cmpmem(stored->bodies[0].data, stored->bodies[0].size, record, sizeof(record));
        handed = stored->cursor;
        records++;
}

static void set_up(Fixture *f, const void *data) {
        f->kind = data;
        f->on_record = on_record;
        records = 0;
        fixture_set_up(f, false);
        fixture_stream(f);
        f->dones = 0;
}

static void answer(Fixture *f, const char *written, const void *data, size_t size) {
        g_autofree char *want = g_strdup_printf("request %s;", written);

        wait_for(f, f->fake->writes->len > 0);
        g_assert_cmpstr(f->fake->writes->str, ==, want);
        g_string_truncate(f->fake->writes, 0);
        fixture_notify(f, RACP, data, size);
}

#define converse(f, written, ...)                                               \
        do {                                                                    \
                static const uint8_t _answer[] = { __VA_ARGS__ };               \
                answer(f, written, _answer, sizeof(_answer));                   \
        } while (0)

static int begin(Fixture *f, const char **ret_message) {
        return link_sync(f->link, f->device, true, fixture_on_done, f, ret_message);
}

static void send_record(Fixture *f) {
        uint8_t value[1 + sizeof(record)] = { OMP_SEGMENT_FIRST | OMP_SEGMENT_LAST };

        memcpy(value + 1, record, sizeof(record));
        fixture_notify(f, DATA, value, sizeof(value));
}

static void until_it_is_handed(Fixture *f) {
        const char *message;

        g_assert_true(f->device->can_sync);
        g_assert_cmpint(begin(f, &message), ==, 0);
        g_assert_cmpint(begin(f, &message), ==, -EBUSY);
        send_record(f);
        converse(f, "01 06", 0x06, 0x00, 0x01, 0x01);
        converse(f, "04 03 01 01 00 00 00", 0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        send_record(f);
        converse(f, "01 03 01 01 00 00 00", 0x06, 0x00, 0x01, 0x01);
        wait_for(f, records == 1);
}

static void test_taken_over_and_cleared(Fixture *f, const void *data) {
        unsigned frames = f->frames;

        until_it_is_handed(f);
        g_assert_cmpuint(f->device->sync.total, ==, 1);
        g_assert_cmpuint(f->fake->writes->len, ==, 0); /* nothing goes before it is durable */
        link_sync_stored(f->link, f->device, &handed, 0);
        converse(f, "02 02 01 39 00 00 00", 0x06, 0x00, 0x02, 0x01);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(f->device->stored.record, ==, 57);
        g_assert_cmpuint(f->device->stored.epoch, ==, 1);
        g_assert_cmpstr(f->device->sync_error, ==, "");
        g_assert_cmpuint(f->frames, ==, frames); /* of no live session */
        g_assert_cmpuint(fake_char(f->fake, DATA)->reads + fake_char(f->fake, DATA)->starts, ==, 0);
}

static void test_storage_fails(Fixture *f, const void *data) {
        until_it_is_handed(f);
        link_sync_stored(f->link, f->device, &handed, -EIO);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ENOSPC);
        g_assert_nonnull(strstr(f->device->sync_error, "could not be written"));
        g_assert_cmpuint(f->device->stored.record, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* What becomes durable after the link has gone is not asked for again. */
static void test_link_lost(Fixture *f, const void *data) {
        const char *message;

        until_it_is_handed(f);
        fake_device_disconnect(f->fake);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ENOTCONN);
        wait_for(f, f->device->state == DEVICE_WAITING);
        g_assert_false(f->device->can_sync);
        g_assert_cmpint(begin(f, &message), ==, -ENOTCONN);
        link_sync_stored(f->link, f->device, &handed, 0);

        fake_device_connect(f->fake);
        wait_for(f, f->device->can_sync);
        g_assert_cmpint(begin(f, &message), ==, 0);
        send_record(f);
        converse(f, "01 06", 0x06, 0x00, 0x01, 0x01);
        converse(f, "02 02 01 39 00 00 00", 0x06, 0x00, 0x02, 0x06); /* nothing is new, and it is cleared now */
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(records, ==, 1);
}

static void test_stopped(Fixture *f, const void *data) {
        const char *message;

        g_assert_cmpint(begin(f, &message), ==, 0);
        wait_for(f, f->fake->writes->len > 0);
        g_string_truncate(f->fake->writes, 0);
        fixture_settle(f);
        link_sync_stop(f->link, f->device);
        converse(f, "03 00", 0x06, 0x00, 0x03, 0x01);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ECANCELED);
}

static void test_write_fails(Fixture *f, const void *data) {
        const char *message;

        f->fake->write_error = "org.bluez.Error.Failed";
        g_assert_cmpint(begin(f, &message), ==, 0);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -EIO);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* One whose Feature says that it stores none is not even asked for the notifications. */
static void test_stores_none(Fixture *f, const void *data) {
        const char *message;

        g_assert_false(f->device->can_sync);
        g_assert_cmpuint(fake_char(f->fake, DATA)->acquires + fake_char(f->fake, RACP)->acquires, ==, 0);
        g_assert_cmpint(begin(f, &message), ==, -EOPNOTSUPP);
}

/* Numbers of records may be broadcast, what was measured may not. */
static void test_no_socket_for_indications(Fixture *f, const void *data) {
        wait_for(f, f->device->can_sync);
        g_assert_cmpuint(fake_char(f->fake, RACP)->starts, ==, 1);
        g_assert_cmpuint(fake_char(f->fake, DATA)->starts, ==, 0);
}

/* A value of the RACP by StartNotify. */
static void indicate(Fixture *f, const void *data, size_t size) {
        g_autoptr(sd_bus_message) m = NULL;

        g_string_truncate(f->fake->writes, 0);
        g_assert_cmpint(sd_bus_message_new_signal(f->fake->bus, &m, fake_char(f->fake, RACP)->path, "org.freedesktop.DBus.Properties",
                                                  "PropertiesChanged"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "org.bluez.GattCharacteristic1"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "Value"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', "ay"), >=, 0);
        g_assert_cmpint(sd_bus_message_append_array(m, 'y', data, size), >=, 0);
        for (unsigned i = 0; i < 3; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "as", 0), >=, 0);
        g_assert_cmpint(sd_bus_send(f->fake->bus, m, NULL), >=, 0);
}

/* It has no socket whose end would be the link's: what does not need it goes on. */
static void test_characteristic_without_socket_goes(Fixture *f, const void *data) {
        static const uint8_t reported[] = { 0x06, 0x00, 0x01, 0x01 }, counted[] = { 0x05, 0x00, 0x01, 0x00, 0x00, 0x00 };
        const char *message;

        wait_for(f, f->device->can_sync);
        g_assert_cmpint(begin(f, &message), ==, 0);
        send_record(f);
        wait_for(f, f->fake->writes->len > 0);
        fixture_settle(f);
        indicate(f, reported, sizeof(reported));
        wait_for(f, f->fake->writes->len > 0);
        indicate(f, counted, sizeof(counted));
        wait_for(f, f->device->state == DEVICE_SYNCING);
        fake_char_hide(fake_char(f->fake, RACP));
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ENOTCONN);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_false(f->device->can_sync);
        g_assert_cmpuint(f->ups, ==, 1);
}

static void test_characteristic_goes(Fixture *f, const void *data) {
        until_it_is_handed(f);
        fake_char_hide(fake_char(f->fake, RACP));
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ENOTCONN);
        g_assert_false(f->device->can_sync);
}

static void test_daemon_stops(Fixture *f, const void *data) {
        until_it_is_handed(f);
        f->fake = fake_bluez_free(f->fake);
        f->link = link_free(f->link);
        g_assert_cmpuint(f->dones, ==, 1);
}

#define TEST(path, kind, function) g_test_add("/link-sync/" path, Fixture, kind, set_up, function, fixture_clean)

static void fixture_clean(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("taken-over-and-cleared", &pen, test_taken_over_and_cleared);
        TEST("storage-fails", &pen, test_storage_fails);
        TEST("link-lost", &pen, test_link_lost);
        TEST("stopped", &pen, test_stopped);
        TEST("write-fails", &pen, test_write_fails);
        TEST("stores-none", &none_pen, test_stores_none);
        TEST("no-socket-for-indications", &old_pen, test_no_socket_for_indications);
        TEST("characteristic-goes", &pen, test_characteristic_goes);
        TEST("characteristic-without-socket-goes", &old_pen, test_characteristic_without_socket_goes);
        TEST("daemon-stops", &pen, test_daemon_stops);
        return g_test_run();
}
