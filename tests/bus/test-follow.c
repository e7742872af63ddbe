/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session from open to gone as clients see it: states, figures, streams, the order at the end; and that
 * nothing measured leaves by a way that everybody can see. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "seen.h"
#include "stage.h"

static void assert_state(const char *state, const char *end_reason) {
        g_autofree char *s = stage_property(OTHER, SESSION_PATH, SESSION, "State");
        g_autofree char *e = stage_property(OTHER, SESSION_PATH, SESSION, "EndReason");

        g_assert_cmpstr(s, ==, state);
        g_assert_cmpstr(e, ==, end_reason);
}

/* ---- Streams ---- */

/* "HELLO comes first", then what there is to show at once; one message. */
static void test_stream_greets(void) {
        Seen seen = {};
        int fd;

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 0);
        drain(fd, &seen);
        g_assert_cmpuint(seen.first, ==, NEEDLED_STREAM_HELLO);
        g_assert_cmpuint(seen.n, ==, 3);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_STATE], ==, 1);
        g_assert_cmpuint(seen.state, ==, NEEDLED_STREAM_STATE_RUNNING);
        g_assert_cmpuint(seen.last, ==, NEEDLED_STREAM_FIGURES);
        g_assert_true(seen.figures_present >> FIGURE_STROKES & 1);
        g_assert_true(seen.figures_present >> FIGURE_FORCE_PEAK & 1);
        close(fd);
        stage_free();
}

static void test_stream_options(void) {
        Seen plain = {}, all = {};
        int a, b;

        stage_new();
        stage_session();
        a = open_stream(OWNER, false, false, 0);
        b = open_stream(OWNER, true, true, 0);
        stage_live(3);
        stage_waveform();
        drain(a, &plain);
        drain(b, &all);
        g_assert_cmpuint(plain.of[NEEDLED_STREAM_LIVE], ==, 3);
        g_assert_cmpuint(plain.of[NEEDLED_STREAM_WAVEFORM], ==, 0);
        g_assert_cmpuint(plain.of[NEEDLED_STREAM_FRAME], ==, 0);
        g_assert_cmpuint(plain.n_messages, ==, 3 + 3); /* each at once */
        g_assert_cmpuint(all.of[NEEDLED_STREAM_LIVE], ==, 3);
        g_assert_cmpuint(all.of[NEEDLED_STREAM_WAVEFORM], ==, 1);
        g_assert_cmpuint(all.of[NEEDLED_STREAM_FRAME], ==, 4);
        g_assert_cmpuint(all.dropped, ==, 0);
        close(a);
        close(b);

        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "period", "t",
                    UINT64_C(10000001));
        call_expect("NotSupported", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "sound", "b",
                    true);
        call_expect("NotSupported", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 2, "frames", "b", true, "sound", "b", true);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "max_rate_hz", "u", 0);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "max_rate_hz", "u", 1001);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "history", "u", 5);
        stage_free();
}

/* What a tape needs: sequence numbers mean nothing without the link's own story. */
static void test_stream_frames_of_the_link(void) {
        g_autoptr(GString) frames = g_string_new(NULL);
        Seen seen = { .frames = frames }, plain = {};
        int a, b;

        stage_new();
        stage_session();
        a = open_stream(OWNER, false, true, 0);
        b = open_stream(OWNER, false, false, 0);
        stage_live(1);
        stage_link(FRAME_LINK_LOST);
        stage_link(FRAME_LINK_SUSPENDED);
        stage_link(FRAME_LINK_UP);
        stage_live(1);
        drain(a, &seen);
        drain(b, &plain);
        g_assert_true(g_regex_match_simple("^0:1:[0-9]+ 2:0:1 2:0:2 2:0:0 0:1:[0-9]+ $", frames->str, 0, 0));
        g_assert_cmpuint(plain.of[NEEDLED_STREAM_FRAME], ==, 0);
        close(a);
        close(b);
        stage_free();
}

/* Who reads frames from the middle on has to know what the device is. */
static void test_stream_frames_begin_with_the_feature(void) {
        g_autoptr(GString) frames = g_string_new(NULL);
        Seen seen = { .frames = frames }, plain = {};
        Session *session;
        int a, b;

        stage_new();
        session = stage_session();
        session->feature_size = 1;
        session->feature_data[0] = 77;
        a = open_stream(OWNER, false, true, 0);
        b = open_stream(OWNER, false, false, 0);
        stage_live(1);
        drain(a, &seen);
        drain(b, &plain);
        g_assert_cmpuint(seen.first, ==, NEEDLED_STREAM_HELLO);
        g_assert_true(g_regex_match_simple("^0:0:77 0:1:[0-9]+ $", frames->str, 0, 0));
        g_assert_cmpuint(plain.of[NEEDLED_STREAM_FRAME], ==, 0);
        close(a);
        close(b);
        stage_free();
}

/* With a period records are gathered: one message, by the reader's timer. */
static void test_stream_period(void) {
        Seen greeting = {}, seen = {};
        int fd;

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 300000);
        drain(fd, &greeting);
        g_assert_cmpuint(greeting.n, ==, 3);
        g_assert_cmpuint(greeting.n_messages, ==, 1);
        stage_live(20);
        drain(fd, &seen);
        g_assert_cmpuint(seen.n, ==, 0);
        fake_bus_until(stage->fb, (drain(fd, &seen), seen.n > 0));
        g_assert_cmpuint(seen.n_messages, ==, 1);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_LIVE], ==, 20);
        close(fd);
        stage_free();
}

/* "the oldest of the queue go, and the reader is told how many. A slow reader is never closed and never
 * slows anyone else." */
static void test_stream_stopped_reader(void) {
        Seen stopped = {}, reading = {};
        unsigned sent = 5000;
        int a, b;

        stage_new();
        stage_session();
        a = open_stream(OWNER, false, false, 0);
        b = open_stream(OWNER, false, false, 0);
        for (unsigned i = 0; i < sent; i++) {
                stage_live(1);
                drain(b, &reading);
        }
        g_assert_cmpuint(reading.of[NEEDLED_STREAM_LIVE], ==, sent);
        g_assert_cmpuint(reading.dropped, ==, 0);

        fake_bus_until(stage->fb,
                       (drain(a, &stopped), stopped.of[NEEDLED_STREAM_LIVE] + stopped.dropped >= sent));
        g_assert_cmpuint(stopped.of[NEEDLED_STREAM_LIVE] + stopped.dropped, ==, sent);
        g_assert_cmpuint(stopped.dropped, >, 0);
        g_assert_cmpuint(stopped.of[NEEDLED_STREAM_LIVE], >, 1024); /* the queue, and what the socket held */
        g_assert_cmpuint(stopped.last_strokes, ==, reading.last_strokes); /* the newest are there */
        g_assert_false(stopped.closed);

        /* And it goes on as if nothing had been. */
        stopped = (Seen) {};
        stage_live(2);
        drain(a, &stopped);
        g_assert_cmpuint(stopped.of[NEEDLED_STREAM_LIVE], ==, 2);
        g_assert_cmpuint(stopped.dropped, ==, 0);
        close(a);
        close(b);
        stage_free();
}

static void test_stream_closed_by_the_reader(void) {
        Session *session;
        int fd;

        stage_new();
        session = stage_session();
        g_assert_false(bus_session_has_readers(session));
        fd = open_stream(OWNER, true, true, 100000);
        g_assert_true(bus_session_has_readers(session));
        stage_live(5);
        close(fd);
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        stage_live(5);

        fd = open_stream(OWNER, true, true, 0);
        close(fd);
        stage_live(5); /* into the closed socket, before the loop has heard of it */
        fake_bus_until(stage->fb, !bus_session_has_readers(session));

        fd = open_stream(OWNER, false, false, 0); /* a full one */
        stage_live(4000);
        close(fd);
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        stage_free();
}

/* A hostile one: what it sends is nobody's, and shutting its end down ends the stream. */
static void test_stream_reader_writes(void) {
        Session *session;
        int fd;

        stage_new();
        session = stage_session();
        fd = open_stream(OWNER, false, false, 0);
        g_assert_cmpint(send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), <, 0);
        g_assert_cmpint(errno, ==, EPIPE);
        g_assert_cmpint(shutdown(fd, SHUT_RDWR), ==, 0);
        stage_live(3);
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        close(fd);
        stage_free();
}

/* "8 streams a user, 32 in all" */
static void test_stream_limits(void) {
        int fds[32], n = 0;

        stage_new();
        stage_session();
        for (unsigned user = 0; user < 4; user++) {
                g_autofree char *name = g_strdup_printf(":3.%u", user);

                fake_bus_user(stage->fb, name, user == 0 ? OWNER_UID : 3000 + user);
                stage->fb->polkit = FAKE_POLKIT_ALLOW;
                for (unsigned i = 0; i < 8; i++)
                        fds[n++] = open_stream(name, false, false, 0);
                call_expect("LimitReached", name, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        }
        call_expect("LimitReached", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}",
                    0); /* by another connection */
        call_expect("LimitReached", ROOT, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        stage_live(10);

        /* A place that was left is free at once, although the loop has not heard. */
        close(fds[31]);
        fds[31] = open_stream(ROOT, false, false, 0);
        call_expect("LimitReached", SELF, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        while (n > 0)
                close(fds[--n]);
        stage_free();
}

static void test_stream_gap_and_pause(void) {
        Seen seen = {};
        int fd;

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 0);
        stage->sequence = (uint16_t) (stage->sequence + 4); /* lost on the way */
        stage_live(1);
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Pause", "");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Pause", "");
        assert_state("paused", "");
        drain(fd, &seen);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_GAP], ==, 0); /* they may be late */
        g_assert_cmpuint(seen.state, ==, NEEDLED_STREAM_STATE_PAUSED);
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Resume", "");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Resume", "");
        drain(fd, &seen);
        g_assert_cmpuint(seen.state, ==, NEEDLED_STREAM_STATE_RUNNING);
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        drain(fd, &seen);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_GAP], ==, 1);
        stage_session_durable();
        (void) expect(c, NULL);
        close(fd);
        stage_free();
}

/* ---- Figures ---- */

static void test_figures(void) {
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        g_autofree char *text = stage_print(expect(c, NULL));
        g_autofree char *peak = g_strdup_printf("force_peak: %i", FORCE_PEAK_MN);
        g_assert_nonnull(strstr(text, peak));
        g_assert_nonnull(strstr(text, "strokes: "));
        g_assert_null(strstr(text, "distance")); /* the device did not tell */
        g_assert_nonnull(strstr(text, "lost: {live: 0")); /* groups are dictionaries, not names with a dot */
        g_assert_null(strstr(text, "lost."));
        stage_free();
}

/* ---- The end ---- */

static unsigned index_of(const char *member, const char *part) {
        for (unsigned i = 0; i < stage->fb->signals->len; i++) {
                sd_bus_message *m = stage->fb->signals->pdata[i];
                g_autofree char *text = NULL;

                if (!g_str_equal(sd_bus_message_get_member(m), member))
                        continue;
                g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
                text = stage_print(m);
                if (strstr(text, part))
                        return i;
        }

        g_error("no signal %s with \"%s\"", member, part);
}

/* "durable → History1.Added → State=finished → END in streams → object removed 60 s later"; Finish answers
 * when durable. */
static void test_finish(void) {
        Seen seen = {};
        int fd;

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 10000000);
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        assert_state("running", ""); /* not durable yet */
        call_expect("NotReady", OWNER, SESSION_PATH, SESSION, "Finish", "");
        call_expect("NotReady", OWNER, SESSION_PATH, SESSION, "Pause", "");
        call_expect("NotReady", OWNER, SESSION_PATH, SESSION, "Discard", "");
        call_expect("NotReady", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, NULL, "Added"), ==, 0);

        stage_session_durable();
        (void) expect(c, NULL);
        assert_state("finished", "user");
        g_assert_cmpuint(index_of("Added", "42 1000"), <, index_of("PropertiesChanged", "State: finished"));
        fake_bus_until(stage->fb, (drain(fd, &seen), seen.closed));
        g_assert_cmpuint(seen.last, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(seen.reason, ==, SESSION_END_USER);
        g_assert_cmpuint(seen.state, ==, NEEDLED_STREAM_STATE_FINISHED);
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "GetFigures", ""); /* until it is removed */

        stage_session_remove();
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(index_of("PropertiesChanged", "State: finished"), <,
                         index_of("InterfacesRemoved", SESSION_PATH));
        call_expect(SD_BUS_ERROR_UNKNOWN_OBJECT, OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        g_autofree char *device_session = stage_property(OWNER, DEVICE_PATH, DEVICE, "Session");
        g_assert_cmpstr(device_session, ==, "/");
        close(fd);
        stage_free();
}

static void test_finish_degraded(void) {
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage->end_done(-EIO, NULL, stage->end_call);
        (void) expect(c, "Degraded");
        stage_free();
}

static void test_finish_caller_leaves(void) {
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        stage_session_durable();
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        assert_state("finished", "user");
        stage_free();
}

static void test_discard(void) {
        Seen seen = {};
        int fd;

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 0);
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Discard", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        stage_session_remove();
        (void) expect(c, NULL);
        fake_bus_settle(stage->fb);
        drain(fd, &seen);
        g_assert_cmpuint(seen.last, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(seen.reason, ==, SESSION_END_DISCARDED);
        g_assert_true(seen.closed);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, NULL, "Added"), ==, 0);
        close(fd);
        stage_free();
}

/* A stopped reader when the session ends: END waits in its queue until it reads, also when the object has gone. */
static void test_end_waits_for_a_slow_reader(void) {
        Seen a_seen = {}, b_seen = {};
        int a, b;

        stage_new();
        stage_session();
        a = open_stream(OWNER, false, false, 0);
        b = open_stream(OWNER, false, false, 0);
        stage_live(3000);
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(c, NULL); /* nobody waits for readers */

        fake_bus_until(stage->fb, (drain(a, &a_seen), a_seen.closed));
        g_assert_cmpuint(a_seen.last, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(a_seen.of[NEEDLED_STREAM_LIVE] + a_seen.dropped, ==, 3000);
        stage_session_remove();
        fake_bus_until(stage->fb, (drain(b, &b_seen), b_seen.closed));
        g_assert_cmpuint(b_seen.last, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(b_seen.reason, ==, SESSION_END_USER);
        g_assert_cmpuint(b_seen.of[NEEDLED_STREAM_LIVE] + b_seen.dropped, ==, 3000);
        close(a);
        close(b);
        stage_free();
}

static char *next_session(void) {
        call_expect(NULL, OWNER, "/org/needled", MANAGER, "StartSession", "oa{sv}", DEVICE_PATH, 0);
        return g_strdup_printf(SESSIONS "/%" G_GUINT64_FORMAT, tracker_session(stage->tracker)->id);
}

/* The object of a session that is discarded goes at once; who was not ready for the end has it all the same, and counts as a stream until then. */
static void test_discard_waits_for_a_slow_reader(void) {
        Seen seen = {};
        int fd, others[7];

        stage_new();
        stage_session();
        fd = open_stream(OWNER, false, false, 0);
        stage_live(3000);
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Discard", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        stage_session_remove();
        (void) expect(c, NULL);

        g_autofree char *path = next_session();
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                others[i] = open_stream_of(path, OWNER, false, false, 0);
        call_expect("LimitReached", OWNER, path, SESSION, "OpenStream", "a{sv}", 0);
        fake_bus_until(stage->fb, (drain(fd, &seen), seen.closed));
        g_assert_cmpuint(seen.last, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(seen.reason, ==, SESSION_END_DISCARDED);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_LIVE] + seen.dropped, ==, 3000);
        close(open_stream_of(path, OWNER, false, false, 0));
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                close(others[i]);
        close(fd);
        stage_free();
}

/* A minute, or as long as the test says. It counts no more, nor does one that was closed, or one whose bus goes. */
static void test_discard_waits_for_a_while(void) {
        for (unsigned how = 0; how < 3; how++) {
                Seen seen = {};
                int fd;

                stage_new_with_leaving_time(how == 0 ? 1 : 0);
                stage_session();
                fd = open_stream(OWNER, false, false, 0);
                stage_live(3000);
                g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Discard", "");
                fake_bus_until(stage->fb, stage->ended);
                stage_session_durable();
                g_assert_cmpuint(stage->ended->n_readers, ==, 1);
                stage_session_remove();
                (void) expect(c, NULL);
                if (how == 0) {
                        fake_bus_until(stage->fb, (drain(fd, &seen), seen.closed));
                        g_assert_cmpuint(seen.of[NEEDLED_STREAM_END], ==, 0);
                }
                if (how < 2) {
                        close(fd);
                        fd = -1;
                        g_autofree char *path = next_session();
                        int fds[8];

                        for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) /* a place that was left is free at once */
                                fds[i] = open_stream_of(path, OWNER, false, false, 0);
                        for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
                                close(fds[i]);
                }
                stage_free();
                if (fd >= 0)
                        close(fd);
        }
}

/* ---- What everybody can see ---- */

/* Walks through a message and fails on any number that only the figures hold. */
static void assert_no_measurement(sd_bus_message *m) {
        static const int secrets[] = { FORCE_MEAN_MN, FORCE_PEAK_MN };
        g_autofree char *text = NULL;

        g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
        text = stage_print(m);
        for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
                g_autofree char *secret = g_strdup_printf("%i", secrets[i]);

                g_assert_null(strstr(text, secret));
        }
        for (int i = 0; i < _FIGURE_MAX; i++) { /* no figure's name is a key either, with a dot or without */
                g_autofree char *key = g_strdup_printf(" %s:", figure_info[i].name);
                g_autofree char *first = g_strdup_printf("{%s:", figure_info[i].name);

                g_assert_null(strstr(text, key));
                g_assert_null(strstr(text, first));
        }
}

/* "Nothing measured is broadcast": all signals of a whole session, and all properties at any time of it. */
static void test_nothing_measured_is_public(void) {
        stage_new();
        stage_session();
        for (unsigned i = 0; i < 5; i++) {
                g_autoptr(FakeCall) c = NULL;

                stage_live(50);
                stage_waveform();
                bus_stream_figures(stage->bus, tracker_session(stage->tracker), stage->now_usec,
                                   stage->realtime_usec);
                c = call(OTHER, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                         "");
                assert_no_measurement(expect(c, NULL));
                if (i == 2)
                        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Pause", "");
                if (i == 3)
                        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Resume", "");
        }
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->fb->signals->len, >, 6);
        for (unsigned i = 0; i < stage->fb->signals->len; i++)
                assert_no_measurement(stage->fb->signals->pdata[i]);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/stream/greets", test_stream_greets);
        g_test_add_func("/stream/options", test_stream_options);
        g_test_add_func("/stream/frames-of-the-link", test_stream_frames_of_the_link);
        g_test_add_func("/stream/frames-begin-with-the-feature", test_stream_frames_begin_with_the_feature);
        g_test_add_func("/stream/period", test_stream_period);
        g_test_add_func("/stream/stopped-reader", test_stream_stopped_reader);
        g_test_add_func("/stream/closed-by-the-reader", test_stream_closed_by_the_reader);
        g_test_add_func("/stream/reader-writes", test_stream_reader_writes);
        g_test_add_func("/stream/limits", test_stream_limits);
        g_test_add_func("/stream/gap-and-pause", test_stream_gap_and_pause);
        g_test_add_func("/figures", test_figures);
        g_test_add_func("/end/finish", test_finish);
        g_test_add_func("/end/finish-degraded", test_finish_degraded);
        g_test_add_func("/end/finish-caller-leaves", test_finish_caller_leaves);
        g_test_add_func("/end/discard", test_discard);
        g_test_add_func("/end/discard-waits-for-a-slow-reader", test_discard_waits_for_a_slow_reader);
        g_test_add_func("/end/discard-waits-for-a-while", test_discard_waits_for_a_while);
        g_test_add_func("/end/waits-for-a-slow-reader", test_end_waits_for_a_slow_reader);
        g_test_add_func("/nothing-measured-is-public", test_nothing_measured_is_public);
        return g_test_run();
}
