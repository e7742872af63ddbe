/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "needled/omp-clock.h"

/* What a device is told, and what it answers. The order of things is test-procedure.c's. */

#define UUID(x) "9584" #x "-2319-423b-8a8e-ee1ffb8d13f8"
#define CONTROL UUID(0107)
#define CLOCK UUID(0106)
#define BLUEZ_FAILED "org.bluez.Error.Failed"

static const uint8_t feature[] = { 0x01, 0x00, 0xff, 0x0e, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                   0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };
static const uint8_t feature_crc[] = { 0x01, 0x00, 0xff, 0x7e, 0x0b, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                       0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0x73, 0x9a };

#define CHARS(feature_, control) \
        { .uuid = UUID(0101), .value = feature_, .size = sizeof(feature_) }, { .uuid = UUID(0102) }, { .uuid = UUID(0104) }, \
        { .uuid = UUID(0105) }, control

static const FakeCharKind pen_chars[] = { CHARS(feature, { .uuid = CONTROL }) };
/* The others have no clock, so that it does not matter whether the clock of the computer is synchronised. Of one that stores no sessions it is
 * never read. */
static const uint8_t feature_clock[] = { 0x01, 0x00, 0xff, 0x0c, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                         0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };
static const FakeCharKind clock_chars[] = { CHARS(feature_clock, { .uuid = CONTROL }), { .uuid = CLOCK } };
static const FakeCharKind crc_chars[] = { CHARS(feature_crc, { .uuid = CONTROL }) };
/* BlueZ before 5.80 has no socket for what only indicates. */
#define INDICATES { .uuid = CONTROL, .acquire_error = "org.bluez.Error.NotSupported" }
static const FakeCharKind indicating_chars[] = { CHARS(feature, INDICATES) };
static const FakeCharKind bare_chars[] = { CHARS(feature, { .uuid = UUID(0103) }) };

#define KIND(chars_) { .name = "Pen", .service = OMP_SERVICE_UUID, .chars = chars_, .n_chars = G_N_ELEMENTS(chars_) }

static const FakeKind pen = KIND(pen_chars), clock_pen = KIND(clock_chars), crc_pen = KIND(crc_chars),
                      indicating_pen = KIND(indicating_chars), bare_pen = KIND(bare_chars);

static void set_up(Fixture *f, const void *data) {
        f->kind = data ?: &pen;
        f->root = g_dir_make_tmp("needled-control-XXXXXX", NULL);
}

static void tear_down(Fixture *f, const void *data) {
        g_autofree char *rm = g_strdup_printf("rm -r %s", f->root);

        fixture_tear_down(f);
        g_assert_cmpint(system(rm), ==, 0);
        g_free((char *) f->root);
}

/* The system's clock is synchronised, as far as systemd-timesyncd says so. */
static void synchronise(Fixture *f) {
        g_autofree char *dir = g_strconcat(f->root, "/run/systemd/timesync", NULL);
        g_autofree char *file = g_strconcat(dir, "/synchronized", NULL);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
        g_assert_true(g_file_set_contents(file, "", 0, NULL));
}

static void answer(Fixture *f, const void *data, size_t size) {
        fixture_notify(f, CONTROL, data, size);
}

/* The device is written this, and nothing else since. */
static void expect_written(Fixture *f, const char *text) {
        g_autofree char *want = g_strdup_printf("request %s;", text);

        wait_for(f, f->fake->writes->len > 0);
        g_assert_cmpstr(f->fake->writes->str, ==, want);
        g_string_truncate(f->fake->writes, 0);
}

#define converse(f, written, ...)                                       \
        do {                                                            \
                static const uint8_t _answer[] = { __VA_ARGS__ };       \
                expect_written(f, written);                             \
                answer(f, _answer, sizeof(_answer));                    \
        } while (0)

/* All parameters are asked for, and answered as at boot; `lacks` is one that the device does not have. */
static void answer_reads(Fixture *f, uint8_t lacks) {
        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                g_autofree char *written = g_strdup_printf("01 %02x", id);
                OmpResponse response = {
                        .op = OMP_OP_GET, .result = id == lacks ? OMP_RESULT_INVALID : OMP_RESULT_OK, .parameter = id,
                        .has_value = true, .value = omp_parameter_default(id, OMP_KIND_PEN),
                };
                uint8_t data[OMP_RESPONSE_MAX];
                int n = omp_response_encode(&response, false, data, sizeof(data));

                expect_written(f, written);
                answer(f, data, (size_t) n);
        }
}

/* Streaming, and its parameters are known. */
static void begin(Fixture *f) {
        fixture_set_up(f, false);
        fixture_adopt(f, false);
        g_assert_cmpint(f->done_error, ==, 0);
        answer_reads(f, 0);
        wait_for(f, f->parameter_changes == 1);
        fixture_settle(f);
        g_assert_cmpuint(f->fake->writes->len, ==, 0);
        f->dones = 0;
}

static int ask(Fixture *f, LinkControl what) {
        const char *message = NULL;
        int r = link_control(f->link, f->device, what, NULL, fixture_on_done, f, &message);

        g_assert_cmpint(message != NULL, ==, r < 0);
        g_assert_cmpuint(f->dones, ==, 0);
        return r;
}

static int set(Fixture *f, uint8_t id, int32_t value) {
        DeviceParameters parameters = {};
        const char *message;

        device_put_parameter(&parameters, id, value);
        return link_control(f->link, f->device, LINK_CONTROL_SET, &parameters, fixture_on_done, f, &message);
}

static void expect_done(Fixture *f, int error, const char *text) {
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, error);
        if (!strstr(f->done_message, text))
                g_error("\"%s\" does not say \"%s\"", f->done_message, text);
        f->dones = 0;
}

static void test_parameters_at_connect(Fixture *f, const void *data) {
        begin(f);
        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                g_assert_true(device_knows_parameter(&f->device->parameters, id));
                g_assert_cmpint(f->device->parameters.value[id], ==, omp_parameter_default(id, OMP_KIND_PEN));
        }
        g_assert_cmpuint(f->told, ==, _OMP_PARAMETER_MAX - 1); /* as frames, both ways */
        g_assert_cmpuint(f->frames, ==, _OMP_PARAMETER_MAX - 1);
        g_assert_cmpint(f->channel, ==, OMP_CHAR_CONTROL_POINT);
        for (unsigned i = 0; i < f->fake->n_chars; i++) {
                g_assert_cmpuint(f->fake->chars[i].reads, ==, i == 0); /* Feature alone */
                g_assert_cmpuint(f->fake->chars[i].starts, ==, 0);
        }
}

/* What it has already is not written, what it cannot have is passed over. */
static void test_configuration_is_written(Fixture *f, const void *data) {
        device_put_parameter(&f->wanted, OMP_PARAMETER_OVERPRESSURE, 2500);
        device_put_parameter(&f->wanted, OMP_PARAMETER_HYSTERESIS, 500);
        device_put_parameter(&f->wanted, OMP_PARAMETER_SESSION_LIMIT, 600);
        device_put_parameter(&f->wanted, OMP_PARAMETER_CONTACT, 100);
        device_put_parameter(&f->wanted, OMP_PARAMETER_ZONE_HIGH, 30000); /* beyond full scale */
        fixture_set_up(f, false);
        fixture_adopt(f, false);
        answer_reads(f, OMP_PARAMETER_CONTACT);
        converse(f, "02 03 c4 09", 0x20, 0x02, 0x01);
        g_assert_cmpuint(f->parameter_changes, ==, 0); /* told once, when all is done */
        converse(f, "02 06 58 02", 0x20, 0x02, 0x05); /* refused: its own holds */
        wait_for(f, f->parameter_changes == 1);
        g_assert_cmpint(f->device->parameters.value[OMP_PARAMETER_OVERPRESSURE], ==, 2500);
        g_assert_cmpint(f->device->parameters.value[OMP_PARAMETER_SESSION_LIMIT], ==, 900);
        g_assert_false(device_knows_parameter(&f->device->parameters, OMP_PARAMETER_CONTACT));
        fixture_settle(f);
        g_assert_cmpuint(f->fake->writes->len, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

static void test_clock_is_set(Fixture *f, const void *data) {
        uint8_t octets[OMP_ELAPSED_SIZE];
        g_auto(GStrv) words = NULL;
        OmpElapsed elapsed;
        uint64_t usec, now = (uint64_t) g_get_real_time();

        synchronise(f);
        fixture_set_up(f, false);
        fixture_adopt(f, false);
        wait_for(f, strchr(f->fake->writes->str, ';'));
        words = g_strsplit_set(f->fake->writes->str, " ;", -1);
        for (unsigned i = 0; i < sizeof(octets); i++)
                octets[i] = (uint8_t) g_ascii_strtoull(words[i + 1], NULL, 16);
        g_assert_cmpint(omp_clock_write_decode(octets, sizeof(octets), &elapsed), ==, 0);
        g_assert_cmpint(elapsed.source, ==, OMP_SOURCE_NTP);
        g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, 0);
        g_assert_cmpuint(usec, >=, now / 1000 * 1000);
        g_assert_cmpuint(usec, <=, (uint64_t) g_get_real_time());
        g_assert_cmpuint(fake_char(f->fake, CLOCK)->reads, ==, 0);
        fixture_settle(f);
        g_assert_true(f->device->work->look.set);
}

/* Neither that nor mute answers cost the stream. */
static void test_writes_fail(Fixture *f, const void *data) {
        synchronise(f);
        fixture_set_up(f, false);
        f->fake->write_error = BLUEZ_FAILED;
        fixture_stream(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_false(f->device->work->look.set); /* its sessions begin by its own clock still */
        g_assert_cmpuint(f->device->parameters.known, ==, 0);
        f->dones = 0;
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_done(f, -EIO, "bluetoothd could not");
        f->fake->write_error = "org.bluez.Error.InProgress";
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_done(f, -EBUSY, "try again in a moment");
}

static void test_each_request(Fixture *f, const void *data) {
        begin(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_IDENTIFY), ==, 0);
        converse(f, "0b 05", 0x20, 0x0b, 0x01);
        expect_done(f, 0, "");
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        converse(f, "03", 0x20, 0x03, 0x01);
        expect_done(f, 0, "");
        g_assert_cmpint(ask(f, LINK_CONTROL_STOP_MOTOR), ==, 0);
        converse(f, "09", 0x20, 0x09, 0x01);
        expect_done(f, 0, "");
        g_assert_cmpint(set(f, OMP_PARAMETER_FEEDBACK, 3), ==, 0);
        converse(f, "02 05 03", 0x20, 0x02, 0x01);
        expect_done(f, 0, "");
        g_assert_cmpint(f->device->parameters.value[OMP_PARAMETER_FEEDBACK], ==, 3);
        g_assert_cmpuint(f->parameter_changes, ==, 2);
        g_assert_cmpint(ask(f, LINK_CONTROL_READ), ==, 0);
        answer_reads(f, OMP_PARAMETER_WAVEFORM_BATCH);
        expect_done(f, 0, "");
        g_assert_cmpint(f->device->parameters.value[OMP_PARAMETER_FEEDBACK], ==, 7);
        g_assert_false(device_knows_parameter(&f->device->parameters, OMP_PARAMETER_WAVEFORM_BATCH));
        g_assert_cmpuint(f->parameter_changes, ==, 3);
}

static void test_each_refusal(Fixture *f, const void *data) {
        static const struct {
                uint8_t result;
                int error;
                const char *text;
        } refusals[] = {
                { OMP_RESULT_NOT_SUPPORTED, -EOPNOTSUPP, "does not know this operation" },
                { OMP_RESULT_INVALID, -EINVAL, "knows no such parameter" },
                { OMP_RESULT_FAILED, -EIO, "switch it off and on" },
                { OMP_RESULT_OUT_OF_RANGE, -EINVAL, "out of the range" },
                { OMP_RESULT_BUSY, -EBUSY, "hold it still" },
                { OMP_RESULT_WRONG_STATE, -EAGAIN, "present state" },
                { OMP_RESULT_NEEDS_CONFIRMATION, -EAGAIN, "press its button" },
                { OMP_RESULT_STORAGE_FULL, -EIO, "memory of the device is full" },
                { 77, -EIO, "switch it off and on" },
        };

        begin(f);
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                const uint8_t refused[] = { 0x20, 0x03, refusals[i].result };

                g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
                expect_written(f, "03");
                answer(f, refused, sizeof(refused));
                expect_done(f, refusals[i].error, refusals[i].text);
        }
        g_assert_cmpint(ask(f, LINK_CONTROL_STOP_MOTOR), ==, 0);
        converse(f, "09", 0x20, 0x09, 0x06);
        expect_done(f, -EBUSY, "busy with something else");
        g_assert_cmpint(set(f, OMP_PARAMETER_OVERPRESSURE, 4000), ==, 0);
        converse(f, "02 03 a0 0f", 0x20, 0x02, 0x05);
        expect_done(f, -EINVAL, "overpressure_mn=4000 was refused");
        g_assert_cmpint(f->device->parameters.value[OMP_PARAMETER_OVERPRESSURE], ==, 3000);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

static void test_crc(Fixture *f, const void *data) {
        static const uint8_t answers[][5] = { { 0x20, 0x01, 0x03 }, { 0x20, 0x03, 0x01 } };
        uint8_t with_crc[5];

        fixture_set_up(f, false);
        fixture_adopt(f, false);
        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                const uint8_t request[] = { 0x01, id };
                uint16_t crc = omp_crc16(request, sizeof(request)), answer_crc = omp_crc16(answers[0], 3);
                g_autofree char *written = g_strdup_printf("01 %02x %02x %02x", id, crc & 0xff, crc >> 8);

                expect_written(f, written);
                memcpy(with_crc, answers[0], 3);
                with_crc[3] = (uint8_t) answer_crc;
                with_crc[4] = (uint8_t) (answer_crc >> 8);
                answer(f, with_crc, sizeof(with_crc));
        }
        fixture_settle(f);
        f->dones = 0;
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_written(f, "03 1c 3d");
        memcpy(with_crc, answers[1], 3);
        answer(f, with_crc, 3);                 /* without: it is none */
        fixture_settle(f);
        g_assert_cmpuint(f->dones, ==, 0);
        with_crc[3] = (uint8_t) omp_crc16(answers[1], 3);
        with_crc[4] = (uint8_t) (omp_crc16(answers[1], 3) >> 8);
        answer(f, with_crc, sizeof(with_crc));
        expect_done(f, 0, "");
}

static void test_link_lost(Fixture *f, const void *data) {
        begin(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_written(f, "03");
        fake_device_disconnect(f->fake);
        expect_done(f, -ENOTCONN, "broke off before it answered");
        wait_for(f, f->device->state == DEVICE_WAITING);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, -ENOTCONN);
        g_assert_true(device_knows_parameter(&f->device->parameters, OMP_PARAMETER_OVERPRESSURE)); /* as it told them last */

        fake_device_connect(f->fake);
        answer_reads(f, 0);
        fixture_settle(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        converse(f, "03", 0x20, 0x03, 0x01);
        expect_done(f, 0, "");
}

/* The answer was in the socket when the link went. */
static void test_answer_and_end(Fixture *f, const void *data) {
        begin(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_written(f, "03");
        fixture_notify(f, CONTROL, ((const uint8_t[]) { 0x20, 0x03, 0x01 }), 3);
        fake_device_disconnect(f->fake);
        expect_done(f, 0, "");
}

static void test_too_many(Fixture *f, const void *data) {
        unsigned dones;

        begin(f);
        for (int i = 0; i < 8; i++)
                g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        g_assert_cmpint(ask(f, LINK_CONTROL_IDENTIFY), ==, -EBUSY);
        g_assert_cmpint(ask(f, LINK_CONTROL_STOP_MOTOR), ==, 0); /* that works at any time */
        wait_for(f, g_str_equal(f->fake->writes->str, "request 03;request 09;")); /* and waits for no answer */
        g_string_truncate(f->fake->writes, 0);
        answer(f, ((const uint8_t[]) { 0x20, 0x09, 0x01 }), 3);
        wait_for(f, f->dones == 1);
        fake_device_disconnect(f->fake);
        wait_for(f, f->dones == 9);
        dones = f->dones;
        fixture_settle(f);
        g_assert_cmpuint(f->dones, ==, dones);
}

static void test_not_connected(Fixture *f, const void *data) {
        fixture_set_up(f, false);
        fixture_find(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_STOP_MOTOR), ==, -ENOTCONN);
}

/* All that it is for goes on without. */
static void test_no_control_point(Fixture *f, const void *data) {
        fixture_set_up(f, false);
        fixture_stream(f);
        f->dones = 0;
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, -EOPNOTSUPP);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->writes->len, ==, 0);
}

static void test_no_socket(Fixture *f, const void *data) {
        fixture_set_up(f, false);
        fixture_stream(f);
        f->dones = 0;
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, -EOPNOTSUPP);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(fake_char(f->fake, CONTROL)->starts, ==, 0);
}

static void test_control_point_goes(Fixture *f, const void *data) {
        begin(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_written(f, "03");
        fake_char_hide(fake_char(f->fake, CONTROL));
        expect_done(f, -ENOTCONN, "broke off");
        wait_for(f, ask(f, LINK_CONTROL_TARE) == -EOPNOTSUPP || f->dones > 0);
}

/* The last user of a daemon that stops. */
static void test_daemon_stops(Fixture *f, const void *data) {
        begin(f);
        g_assert_cmpint(ask(f, LINK_CONTROL_TARE), ==, 0);
        expect_written(f, "03");
        f->fake = fake_bluez_free(f->fake);
        f->link = link_free(f->link);
        g_assert_cmpuint(f->dones, ==, 1);
        g_assert_cmpint(f->done_error, ==, -ENOTCONN);
}

#define TEST(path, kind, function) g_test_add("/link-control/" path, Fixture, kind, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("parameters-at-connect", &pen, test_parameters_at_connect);
        TEST("configuration-is-written", &pen, test_configuration_is_written);
        TEST("clock-is-set", &clock_pen, test_clock_is_set);
        TEST("writes-fail", &clock_pen, test_writes_fail);
        TEST("each-request", &pen, test_each_request);
        TEST("each-refusal", &pen, test_each_refusal);
        TEST("crc", &crc_pen, test_crc);
        TEST("link-lost", &pen, test_link_lost);
        TEST("answer-and-end", &pen, test_answer_and_end);
        TEST("too-many", &pen, test_too_many);
        TEST("not-connected", &pen, test_not_connected);
        TEST("no-control-point", &bare_pen, test_no_control_point);
        TEST("no-socket", &indicating_pen, test_no_socket);
        TEST("control-point-goes", &pen, test_control_point_goes);
        TEST("daemon-stops", &pen, test_daemon_stops);
        return g_test_run();
}
