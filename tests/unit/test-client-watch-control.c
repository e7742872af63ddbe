/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/service.h"
#include "client/watch-control.h"

/* Whoever is called never answers here; that they do, and what follows then, tests/integration/test_watch.py sees. */

typedef struct Scene {
        sd_bus *bus;
        int peer;
        WatchModel model;
        WatchControl control;
        char *said;
        bool bad;
        unsigned n_said;
} Scene;

static void on_said(bool bad, const char *text, void *userdata) {
        Scene *s = userdata;

        g_free(s->said);
        s->said = g_strdup(text);
        s->bad = bad;
        s->n_said++;
}

static void begin(Scene *s, bool started) {
        json_t *device = json_pack("{s:s s:s}", "path", "/org/needled/device/1", "alias", "pen");
        int fds[2];

        *s = (Scene) {};
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        s->peer = fds[1];
        g_assert_cmpint(sd_bus_new(&s->bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(s->bus, fds[0], fds[0]), >=, 0);
        if (started)
                g_assert_cmpint(sd_bus_start(s->bus), >=, 0);
        watch_model_init(&s->model);
        watch_model_set_device(&s->model, device);
        json_decref(device);
        watch_model_begin(&s->model, 42);
        watch_control_init(&s->control, s->bus, &s->model, on_said, s);
}

static void end(Scene *s) {
        watch_control_done(&s->control);
        watch_model_done(&s->model);
        sd_bus_close(s->bus);
        sd_bus_unref(s->bus);
        (void) close(s->peer);
        g_free(s->said);
}

static unsigned waiting(const Scene *s) {
        unsigned n = 0;

        for (unsigned i = 0; i < WATCH_CONTROL_CALLS; i++)
                n += s->control.calls[i].slot != NULL;

        return n;
}

static void test_each_action_is_one_call(void) {
        Scene s;

        begin(&s, true);
        watch_control_do(&s.control, WATCH_ACTION_NONE, NULL);
        watch_control_do(&s.control, WATCH_ACTION_QUIT, NULL);
        g_assert_cmpuint(waiting(&s), ==, 0);
        watch_control_do(&s.control, WATCH_ACTION_PAUSE, NULL);
        watch_control_do(&s.control, WATCH_ACTION_IDENTIFY, NULL);
        watch_control_do(&s.control, WATCH_ACTION_TARE, NULL);
        watch_control_do(&s.control, WATCH_ACTION_FINISH, NULL);
        watch_control_do(&s.control, WATCH_ACTION_AREA, "chin");
        watch_control_do(&s.control, WATCH_ACTION_STAGE, "");
        watch_control_do(&s.control, WATCH_ACTION_MARK, "half way");
        g_assert_cmpuint(waiting(&s), ==, 7);
        g_assert_cmpuint(s.n_said, ==, 0); /* nothing has been answered */
        end(&s);
}

static void test_not_more_at_once_than_can_be_waited_for(void) {
        Scene s;

        begin(&s, true);
        for (unsigned i = 0; i < WATCH_CONTROL_CALLS; i++)
                watch_control_do(&s.control, WATCH_ACTION_MARK, "again");
        g_assert_cmpuint(s.n_said, ==, 0);
        watch_control_do(&s.control, WATCH_ACTION_MARK, "and again");
        g_assert_cmpuint(waiting(&s), ==, WATCH_CONTROL_CALLS);
        g_assert_true(s.bad);
        g_assert_nonnull(strstr(s.said, "has not answered what was asked before"));
        end(&s);
}

static void test_there_is_nothing_to_do_it_with(void) {
        Scene s;

        begin(&s, true);
        s.model.phase = WATCH_ENDED;
        watch_control_do(&s.control, WATCH_ACTION_FINISH, NULL);
        g_assert_cmpstr(s.said, ==, "There is no session now.");
        watch_model_set_device(&s.model, NULL);
        watch_control_do(&s.control, WATCH_ACTION_IDENTIFY, NULL);
        g_assert_cmpstr(s.said, ==, "There is no device.");
        g_assert_true(s.bad);
        g_assert_cmpuint(waiting(&s), ==, 0);
        end(&s);
}

static void test_what_cannot_be_sent_is_said(void) {
        Scene s;

        begin(&s, false);
        watch_control_do(&s.control, WATCH_ACTION_IDENTIFY, NULL);
        g_assert_true(s.bad);
        g_assert_nonnull(strstr(s.said, "The service needled is not reachable"));
        g_assert_cmpuint(waiting(&s), ==, 0);
        end(&s);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-watch-control/each-action-is-one-call", test_each_action_is_one_call);
        g_test_add_func("/client-watch-control/not-more-at-once-than-can-be-waited-for", test_not_more_at_once_than_can_be_waited_for);
        g_test_add_func("/client-watch-control/there-is-nothing-to-do-it-with", test_there_is_nothing_to_do_it_with);
        g_test_add_func("/client-watch-control/what-cannot-be-sent-is-said", test_what_cannot_be_sent_is_said);
        return g_test_run();
}
