/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What people say of a live session: stages, areas, marks and labels; and how GetFigures() and the stream tell of them. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "stage.h"

#define set_stage(sender, error, name) call_expect(error, sender, SESSION_PATH, SESSION, "SetStage", "s", name)
#define set_area(sender, error, name) call_expect(error, sender, SESSION_PATH, SESSION, "SetArea", "s", name)
#define mark(sender, error, text) call_expect(error, sender, SESSION_PATH, SESSION, "Mark", "s", text)

static char *figures(void) {
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "GetFigures", "");

        return stage_print(expect(c, NULL));
}

static void assert_figures(const char *part) {
        g_autofree char *text = figures();

        if (!strstr(text, part)) {
                g_test_message("'%s' is not in %s", part, text);
                g_test_fail();
        }
}

static void assert_stage(const char *name) {
        g_autofree char *shown = stage_property(OTHER, SESSION_PATH, SESSION, "Stage");

        g_assert_cmpstr(shown, ==, name);
}

/* A record of the stream as text: "state:1/3 alert:0+ mark:ouch live:9"; figures, frames and HELLO are left out. */
static char *read_stream(int fd) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));
        GString *s = g_string_new(NULL);
        ssize_t size;

        while ((size = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
                for (ssize_t at = 0; at < size;) {
                        const struct needled_stream_head *head = (const void *) (buffer + at);
                        const void *body = head + 1;

                        if (head->type == NEEDLED_STREAM_STATE) {
                                const struct needled_stream_state *state = body;

                                g_string_append_printf(s, "state:%u/%u ", state->state, state->stage);
                        } else if (head->type == NEEDLED_STREAM_ALERT) {
                                const struct needled_stream_alert *alert = body;

                                g_string_append_printf(s, "alert:%u%c ", alert->code, alert->raised ? '+' : '-');
                        } else if (head->type == NEEDLED_STREAM_MARK) {
                                const struct needled_stream_mark *m = body;

                                g_string_append_printf(s, "mark:%.*s ", m->length, (const char *) (m + 1));
                        } else if (head->type == NEEDLED_STREAM_LIVE) {
                                const struct needled_stream_live *live = body;

                                g_string_append_printf(s, "live:%u ", live->area);
                        }
                        at += head->size;
                }

        return g_string_free(s, FALSE);
}

static int open_stream(void) {
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        int fd, copy;

        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "h", &fd), >, 0);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        g_assert_cmpint(copy, >=, 0);
        return copy;
}

static void assert_stream(int fd, const char *expected) {
        g_autofree char *told = read_stream(fd);

        g_assert_cmpstr(told, ==, expected);
}

static void test_stages(void) {
        int fd;

        stage_new();
        stage_session();
        assert_stage("");
        fd = open_stream();
        set_stage(OWNER, NULL, "cleanse");
        assert_stage("cleanse");
        stage->now_usec += 5000000;
        set_stage(OWNER, NULL, "needling");
        set_stage(OWNER, NULL, "needling"); /* "no error to set the stage that it is in" */
        assert_figures("stages: {cleanse: 5000000, needling: 0}");
        assert_figures("not_cleansed: false");
        assert_stream(fd, "state:1/0 state:1/1 state:1/3 ");
        set_stage(OWNER, NULL, "");
        assert_stage("");
        set_stage(OWNER, "InvalidArgument", "Cleanse");
        set_stage(OWNER, "InvalidArgument", "rinse");
        close(fd);
        stage_free();
}

/* "a session that starts needling without cleanse is noted, not blocked" */
static void test_needling_without_cleanse(void) {
        stage_new();
        stage_session();
        set_stage(OWNER, NULL, "needling");
        assert_stage("needling");
        assert_figures("not_cleansed: true");
        stage_free();
}

/* Properties are seen by everybody, so that is all they say. */
static void test_a_stage_is_announced(void) {
        stage_new();
        stage_session();
        set_stage(OWNER, NULL, "numb");
        fake_bus_settle(stage->fb);
        g_autofree char *text = stage_print(fake_bus_signal(stage->fb, SESSION_PATH, "PropertiesChanged"));
        g_assert_cmpstr(text, ==, SESSION " {Stage: numb} []");
        stage_free();
}

static void test_areas(void) {
        int fd;

        stage_new();
        stage_session();
        fd = open_stream();
        set_area(OWNER, NULL, "chin");
        stage_live(1);
        set_area(OWNER, NULL, "nose");
        set_area(OWNER, NULL, "nose");
        stage_live(2);
        assert_stream(fd, "state:1/0 live:9 live:5 live:5 ");
        assert_figures("area: nose");
        assert_figures("areas: {unspecified: {");
        assert_figures("chin: {");
        assert_figures("nose: {");
        set_area(OWNER, "InvalidArgument", "elbow");
        set_area(OWNER, "InvalidArgument", "");
        close(fd);
        stage_free();
}

static void test_marks(void) {
        g_autofree char *longest = g_strnfill(255, 'x'), *too_long = g_strnfill(256, 'x');
        int fd;

        stage_new();
        stage_session();
        fd = open_stream();
        mark(OWNER, NULL, "changed the head");
        assert_stream(fd, "state:1/0 mark:changed the head ");
        mark(OWNER, NULL, longest);
        mark(OWNER, "InvalidArgument", too_long);
        mark(OWNER, "InvalidArgument", "");
        mark(OWNER, "InvalidArgument", "two\nlines");
        mark(OWNER, "InvalidArgument", "\x1b[2J");
        stage->op_error = -ENOBUFS;
        mark(OWNER, "LimitReached", "one more");
        close(fd);
        stage_free();
}

/* Standing ones are told to whoever comes later. */
static void test_alerts(void) {
        int early, late;

        stage_new();
        stage_session();
        early = open_stream();
        g_assert_cmpint(tracker_alert(stage->tracker, ALERT_BATTERY_LOW, ALERT_NOTICE, 18, stage->now_usec, stage->realtime_usec), ==, 0);
        assert_stream(early, "state:1/0 alert:5+ ");
        late = open_stream();
        assert_stream(late, "state:1/0 alert:5+ ");
        assert_figures("alerts: [{code: battery-low, level: notice, raised: ");
        assert_figures("value: 18, text: ");
        {
                g_autofree char *text = figures();

                g_assert_null(strstr(text, "cleared: "));
        }

        stage->now_usec += 1000000;
        g_assert_cmpint(tracker_alert(stage->tracker, ALERT_BATTERY_LOW, (AlertLevel) 0, 0, stage->now_usec, stage->realtime_usec), ==, 0);
        assert_stream(early, "alert:5- ");
        assert_figures("cleared: ");
        close(late);
        late = open_stream();
        assert_stream(late, "state:1/0 ");
        close(early);
        close(late);
        stage_free();
}

static void test_what_is_no_number(void) {
        stage_new();
        stage_session();
        assert_figures("areas: {unspecified: {");
        assert_figures("alerts: []");
        assert_figures("stages: {}");
        assert_figures("clock_quality: ");
        assert_figures("acknowledged: false");
        assert_figures("not_cleansed: false");
        stage_free();
}

static void annotated(int error) {
        BusDone done = g_steal_pointer(&stage->end_done);

        g_assert_nonnull(done);
        done(error, "", stage->end_call);
}

/* "Answers when it is durable." */
static void test_labels(void) {
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 3, "subject", "s", "Ada", "note", "s", "",
                                     "rating", "u", 4u);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        g_assert_cmpstr(stage->labels.subject, ==, "Ada");
        g_assert_cmpstr(stage->labels.note, ==, "");
        g_assert_null(stage->labels.area);
        g_assert_null(stage->labels.product);
        g_assert_cmpint(stage->labels.rating, ==, 4);
        annotated(0);
        (void) expect(c, NULL);

        g_autoptr(FakeCall) late = call(OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "area", "s", "chin");
        fake_bus_until(stage->fb, stage->n_labels == 2);
        g_assert_cmpint(stage->labels.rating, ==, 0);
        annotated(-EIO);
        (void) expect(late, "Degraded");

        g_autoptr(FakeCall) away = call(OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "rating", "u", 0u);
        fake_bus_until(stage->fb, stage->n_labels == 3);
        g_assert_cmpint(stage->labels.rating, ==, STORE_RATING_NONE);
        annotated(0);
        (void) expect(away, NULL);
        stage_free();
}

/* As long as the interface says, in characters. */
static void test_longest_labels(void) {
        g_autoptr(GString) product = g_string_new(NULL), note = g_string_new(NULL);

        for (unsigned i = 0; i < 64; i++)
                g_string_append(product, "ü");
        for (unsigned i = 0; i < 512; i++)
                g_string_append(note, "ü\n");
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 3, "subject", "s", product->str, "product", "s",
                                     product->str, "note", "s", note->str);
        fake_bus_until(stage->fb, stage->n_labels == 1);
        g_assert_cmpstr(stage->labels.product, ==, product->str);
        g_assert_cmpstr(stage->labels.note, ==, note->str);
        annotated(0);
        (void) expect(c, NULL);
        stage_free();
}

static void test_labels_that_cannot_be(void) {
        g_autofree char *too_long = g_strnfill(65, 'x'), *long_note = g_strnfill(1025, 'x');

        stage_new();
        stage_session();
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "rating", "u", 6u);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "rating", "s", "5");
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "area", "s", "elbow");
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "subject", "s", too_long);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "product", "s", "a\nb");
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "product", "s", too_long);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "note", "s", long_note);
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "note", "s", "\x1b");
        call_expect("InvalidArgument", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "colour", "s", "red");
        g_assert_cmpuint(stage->n_labels, ==, 0);
        stage_free();
}

/* "for the owner … others polkit org.needled.control-others" */
static void test_others_may_not(void) {
        stage_new();
        stage_session();
        set_stage(OTHER, "NotAuthorized", "cleanse");
        set_area(OTHER, "NotAuthorized", "nose");
        mark(OTHER, "NotAuthorized", "hers");
        call_expect("NotAuthorized", OTHER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 1, "subject", "s", "me");
        assert_stage("");
        g_assert_cmpuint(stage->n_labels, ==, 0);

        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        set_stage(OTHER, NULL, "cleanse");
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.control-others");
        set_stage(ROOT, NULL, "numb");
        assert_stage("numb");
        stage_free();
}

static void test_when_it_is_over(void) {
        stage_new();
        stage_session();
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        set_stage(OWNER, "NotReady", "cleanse");
        set_area(OWNER, "NotReady", "nose");
        mark(OWNER, "NotReady", "late");
        call_expect("NotReady", OWNER, SESSION_PATH, SESSION, "Annotate", "a{sv}", 0);
        stage_session_durable();
        (void) expect(c, NULL);
        stage_session_remove();
        set_stage(OWNER, SD_BUS_ERROR_UNKNOWN_OBJECT, "cleanse");
        stage_free();
}

/* What an error quotes of a text ends where it ends, which may be within a character: there is an answer all the same. */
static void test_errors_quote_any_text(void) {
        g_autoptr(GString) text = g_string_new("x");

        stage_new();
        stage_session();
        for (unsigned i = 0; i < 60; i++)
                g_string_append(text, "\xe2\x82\xac");
        for (unsigned i = 0; i < 3; i++, g_string_prepend(text, "x"))
                set_stage(OWNER, "InvalidArgument", text->str);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/session/stages", test_stages);
        g_test_add_func("/session/needling-without-cleanse", test_needling_without_cleanse);
        g_test_add_func("/session/a-stage-is-announced", test_a_stage_is_announced);
        g_test_add_func("/session/areas", test_areas);
        g_test_add_func("/session/marks", test_marks);
        g_test_add_func("/session/alerts", test_alerts);
        g_test_add_func("/session/what-is-no-number", test_what_is_no_number);
        g_test_add_func("/session/labels", test_labels);
        g_test_add_func("/session/longest-labels", test_longest_labels);
        g_test_add_func("/session/labels-that-cannot-be", test_labels_that_cannot_be);
        g_test_add_func("/session/others-may-not", test_others_may_not);
        g_test_add_func("/session/when-it-is-over", test_when_it_is_over);
        g_test_add_func("/errors-quote-any-text", test_errors_quote_any_text);
        return g_test_run();
}
