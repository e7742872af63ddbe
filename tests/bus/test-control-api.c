/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a device is told to do, and its parameters. */

#include <errno.h>

#include "autoptr.h"
#include "stage.h"

static void begin(void) {
        stage_new();
        stage->device.has_feature = true;
        stage->device.feature = (OmpFeature) { .kind = OMP_KIND_PEN, .full_scale_mn = 20000, .sample_rate_hz = 1000 };
}

static void answer(int error, const char *message) {
        stage->work = NULL;
        stage->work_done(error, message, stage->work_call);
}

static void test_identify_tare_and_stop(void) {
        static const struct {
                const char *member;
                LinkControl control;
        } cases[] = {
                { "Identify", LINK_CONTROL_IDENTIFY },
                { "Tare", LINK_CONTROL_TARE },
                { "StopMotor", LINK_CONTROL_STOP_MOTOR },
        };

        begin();
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(FakeCall) c = call(OWNER, DEVICE_PATH, DEVICE, cases[i].member, "");

                fake_bus_until(stage->fb, stage->work);
                g_assert_cmpint(stage->control, ==, cases[i].control);
                g_assert_null(c->reply);
                answer(0, "");
                (void) expect(c, NULL);
        }
        call_expect("NotReady", OWNER, FOUND_PATH, DEVICE, "Tare", "");
        stage_free();
}

/* Answered at its end. */
static void test_sync(void) {
        g_autoptr(FakeCall) c = NULL, failed = NULL;

        begin();
        c = call(OWNER, DEVICE_PATH, DEVICE, "Sync", "");
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpstr(stage->work, ==, "sync");
        g_assert_null(c->reply);
        answer(0, "");
        (void) expect(c, NULL);

        failed = call(OWNER, DEVICE_PATH, DEVICE, "Sync", "");
        fake_bus_until(stage->fb, stage->work);
        answer(-ECANCELED, "A session has begun; try again later.");
        (void) expect(failed, "Cancelled");
        stage->sync_result = -EOPNOTSUPP;
        call_expect("NotSupported", OWNER, DEVICE_PATH, DEVICE, "Sync", "");
        call_expect("NotReady", OWNER, FOUND_PATH, DEVICE, "Sync", "");
        stage_free();
}

static void test_errors(void) {
        static const struct {
                int error;
                const char *name;
        } cases[] = {
                { -EOPNOTSUPP, "NotSupported" }, { -ENOTCONN, "NotConnected" }, { -EAGAIN, "NotReady" }, { -EBUSY, "Busy" },
                { -EINVAL, "InvalidArgument" },  { -ETIMEDOUT, "Timeout" },     { -EIO, "Failed" },
        };

        begin();
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(FakeCall) at_once = NULL, later = NULL;

                stage->control_error = cases[i].error;
                at_once = call(OWNER, DEVICE_PATH, DEVICE, "Tare", "");
                (void) expect(at_once, cases[i].name);
                g_assert_cmpstr(sd_bus_message_get_error(at_once->reply)->message, ==, "It cannot be asked: try again.");

                stage->control_error = 0;
                later = call(OWNER, DEVICE_PATH, DEVICE, "Tare", "");
                fake_bus_until(stage->fb, stage->work);
                answer(cases[i].error, "It was asked, and refused.");
                (void) expect(later, cases[i].name);
                g_assert_cmpstr(sd_bus_message_get_error(later->reply)->message, ==, "It was asked, and refused.");
        }
        stage_free();
}

static void test_get_parameters(void) {
        g_autoptr(FakeCall) c = NULL, d = NULL;
        g_autofree char *text = NULL;

        begin();
        c = call(OWNER, DEVICE_PATH, DEVICE, "GetParameters", "");
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpint(stage->control, ==, LINK_CONTROL_READ);
        device_put_parameter(&stage->device.parameters, OMP_PARAMETER_LIVE_PERIOD, 100);
        device_put_parameter(&stage->device.parameters, OMP_PARAMETER_OVERPRESSURE, 3000);
        device_put_parameter(&stage->device.parameters, OMP_PARAMETER_FEEDBACK, 7);
        answer(0, "");
        text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==, "{live_period_ms: 100, overpressure_mn: 3000, feedback_mask: 7}");

        d = call(OWNER, DEVICE_PATH, DEVICE, "GetParameters", "");
        fake_bus_until(stage->fb, stage->work);
        answer(-ETIMEDOUT, "");
        (void) expect(d, "Timeout");
        stage_free();
}

static void test_set_parameters(void) {
        g_autoptr(FakeCall) c = NULL;

        begin();
        c = call(OWNER, DEVICE_PATH, DEVICE, "SetParameters", "a{sv}", 3, "overpressure_mn", "i", 20000, "feedback_mask", "u", 0u,
                 "session_limit_s", "u", 65535u);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpint(stage->control, ==, LINK_CONTROL_SET);
        g_assert_cmpuint(stage->parameters.known, ==, 1u << OMP_PARAMETER_OVERPRESSURE | 1u << OMP_PARAMETER_FEEDBACK |
                                                              1u << OMP_PARAMETER_SESSION_LIMIT);
        g_assert_cmpint(stage->parameters.value[OMP_PARAMETER_OVERPRESSURE], ==, 20000);
        g_assert_cmpint(stage->parameters.value[OMP_PARAMETER_FEEDBACK], ==, 0);
        g_assert_cmpint(stage->parameters.value[OMP_PARAMETER_SESSION_LIMIT], ==, 65535);
        answer(0, "");
        (void) expect(c, NULL);
        stage_free();
}

/* One that is wrong, and none is set. */
static void test_wrong_parameters(void) {
#define wrong(...) call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "SetParameters", "a{sv}", __VA_ARGS__)
        begin();
        wrong(2, "overpressure_mn", "i", 4000, "overpresure_mn", "i", 4000);    /* no such name */
        wrong(2, "overpressure_mn", "i", 4000, "hysteresis_mn", "u", 400u);     /* another type */
        wrong(1, "live_period_ms", "i", 100);
        wrong(1, "overpressure_mn", "i", 20001);                                /* beyond full scale */
        wrong(1, "overpressure_mn", "i", 0);
        wrong(1, "waveform_rate_hz", "u", 1001u);
        wrong(1, "feedback_mask", "u", 32u);
        wrong(1, "session_limit_s", "u", 4294967295u);
        wrong(1, "live_period_ms", "s", "100");
        wrong(2, "overpressure_mn", "i", 4000, "overpressure_mn", "i", 4000);
        g_assert_null(stage->work);
        stage_free();
}

/* Whoever goes, what was begun is done. */
static void test_caller_leaves(void) {
        static const char *const members[] = { "Tare", "GetParameters" };

        for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
                g_autoptr(FakeCall) c = NULL;

                begin();
                c = call(OWNER, DEVICE_PATH, DEVICE, members[i], "");
                fake_bus_until(stage->fb, stage->work);
                fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
                g_assert_cmpuint(stage->n_link_cancels, ==, 0);
                answer(0, "");
                fake_bus_settle(stage->fb);
                g_assert_null(c->reply);
                stage_free();
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/control-api/identify-tare-and-stop", test_identify_tare_and_stop);
        g_test_add_func("/control-api/sync", test_sync);
        g_test_add_func("/control-api/errors", test_errors);
        g_test_add_func("/control-api/get-parameters", test_get_parameters);
        g_test_add_func("/control-api/set-parameters", test_set_parameters);
        g_test_add_func("/control-api/wrong-parameters", test_wrong_parameters);
        g_test_add_func("/control-api/caller-leaves", test_caller_leaves);
        return g_test_run();
}
