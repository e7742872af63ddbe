/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* History1.Export: a pipe for whom the session belongs to. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "autoptr.h"
#include "stage.h"

static StoreSession mine, hers;

static void make_session(StoreSession *s, uint64_t id, uid_t owner) {
        *s = (StoreSession) {
                .id = id,
                .uuid = (char *) "11111111-0000-4000-8000-000000000000",
                .device_address = (char *) "C0:FF:EE:12:34:56",
                .device_alias = (char *) "Pen",
                .profile = (char *) "omp1",
                .channels = (char *) "",
                .owner = owner,
                .owner_name = (char *) "",
                .start_realtime_usec = 1700000000000000,
        };
}

static void record_new(void) {
        stage_new();
        make_session(&mine, 7, OWNER_UID);
        make_session(&hers, 8, OTHER_UID);
        g_ptr_array_add(stage->history, &hers);
        g_ptr_array_add(stage->history, &mine);
}

#define export_of(sender, id, ...) call(sender, "/org/needled", HISTORY, "Export", "tsa{sv}", (uint64_t) (id), __VA_ARGS__)

/* One that has got to the store. */
static FakeCall *export_begin(const char *sender, uint64_t id) {
        unsigned before = stage->n_exports;
        FakeCall *c = export_of(sender, id, "tape", 0);

        fake_bus_until(stage->fb, stage->n_exports > before || c->reply);
        return c;
}

static void counted(int error, uint64_t n_rows) {
        stage->export_counted(error, n_rows, stage->export_userdata);
}

/* What the store does when it is done with it. */
static void ended(int error) {
        (void) close(stage->export.fd);
        stage->export_ended(error, stage->export_userdata);
}

static void refused(int error) {
        (void) close(stage->export.fd);
        counted(error, 0);
}

static void expect_error(FakeCall *c, const char *error, const char *word) {
        sd_bus_message *reply = expect(c, error);

        g_assert_nonnull(strstr(sd_bus_message_get_error(reply)->message, word));
}

/* ---- The pipe ---- */

static void test_a_tape(void) {
        char text[64];
        uint64_t rows;
        int fd;

        record_new();
        g_autoptr(FakeCall) c = export_begin(OWNER, 7);
        g_assert_cmpuint(stage->export.id, ==, 7);
        g_assert_cmpuint(stage->export.from_usec, ==, 0);
        g_assert_cmpuint(stage->export.to_usec, ==, UINT64_MAX);
        g_assert_cmpstr(stage->export_head.profile, ==, "omp1");
        g_assert_cmpstr(stage->export_head.device, ==, "Pen");
        g_assert_cmpstr(stage->export_head.session, ==, mine.uuid);
        g_assert_cmpint(fcntl(stage->export.fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);        /* "the call is answered when the rows are counted" */
        counted(0, 3);
        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "ht", &fd, &rows), >, 0);
        g_assert_cmpuint(rows, ==, 3);
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
        g_assert_cmpint(write(stage->export.fd, "one\ntwo\nthree\n", 14), ==, 14);
        ended(0);
        g_assert_cmpint(read(fd, text, sizeof(text)), ==, 14);
        g_assert_cmpint(read(fd, text, sizeof(text)), ==, 0); /* nobody else holds it open */
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

static void test_a_part(void) {
        record_new();
        g_autoptr(FakeCall) c = export_of(OWNER, 7, "tape", 2, "from", "t", UINT64_C(5), "to", "t", UINT64_C(9));
        fake_bus_until(stage->fb, stage->n_exports == 1);
        g_assert_cmpuint(stage->export.from_usec, ==, 5);
        g_assert_cmpuint(stage->export.to_usec, ==, 9);
        refused(-ECANCELED);
        expect_error(c, "Cancelled", "stopping");
        stage_free();
}

static void test_formats(void) {
        record_new();
        g_autoptr(FakeCall) table = export_of(OWNER, 7, "csv", 1, "resample_hz", "u", 50);
        fake_bus_until(stage->fb, stage->n_exports == 1);
        g_assert_cmpint(stage->export.format, ==, STORE_FORMAT_CSV);
        g_assert_cmpuint(stage->export.resample_hz, ==, 50);
        refused(-EINVAL);
        expect_error(table, "NotSupported", "profiles.d");
        g_autoptr(FakeCall) object = export_of(OWNER, 7, "json", 0);
        fake_bus_until(stage->fb, stage->n_exports == 2);
        g_assert_cmpint(stage->export.format, ==, STORE_FORMAT_JSON);
        g_assert_cmpuint(stage->export.resample_hz, ==, 0);
        g_assert_cmpstr(stage->export_head.profile, ==, "omp1");
        counted(0, 1);
        (void) expect(object, NULL);
        ended(0);
        stage_free();
}

/* The reader is all that is left of it when the call is answered. */
static void test_closing_the_pipe_tells_the_store(void) {
        struct pollfd p;

        record_new();
        FakeCall *c = export_begin(OWNER, 7);
        p = (struct pollfd) { .fd = stage->export.fd };
        counted(0, 1);
        (void) expect(c, NULL);
        g_assert_cmpint(poll(&p, 1, 0), ==, 0);
        fake_call_free(c);              /* with the fd in the answer */
        fake_bus_settle(stage->fb);
        g_assert_cmpint(poll(&p, 1, 0), ==, 1);
        g_assert_cmpint(p.revents & POLLERR, ==, POLLERR);
        ended(-EPIPE);
        stage_free();
}

/* ---- What is refused ---- */

static void test_arguments(void) {
        static const char *const formats[] = { "xml", "", "Tape", "jsonl" };

        record_new();
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                g_autoptr(FakeCall) c = export_of(OWNER, 7, formats[i], 0);

                expect_error(c, "NotSupported", "\"tape\"");
        }
        g_autoptr(FakeCall) unknown = export_of(OWNER, 7, "tape", 1, "sort", "s", "up");
        expect_error(unknown, "InvalidArgument", "sort");
        g_autoptr(FakeCall) type = export_of(OWNER, 7, "tape", 1, "from", "u", 5);
        expect_error(type, "InvalidArgument", "from");
        g_autoptr(FakeCall) turned = export_of(OWNER, 7, "tape", 2, "from", "t", UINT64_C(5), "to", "t", UINT64_C(4));
        expect_error(turned, "InvalidArgument", "behind");
        g_autoptr(FakeCall) later = export_of(OWNER, 7, "tape", 1, "resample_hz", "u", 5);
        expect_error(later, "InvalidArgument", "resample_hz");
        g_autoptr(FakeCall) json = export_of(OWNER, 7, "json", 1, "resample_hz", "u", 5);
        expect_error(json, "InvalidArgument", "\"csv\"");
        g_autoptr(FakeCall) never = export_of(OWNER, 7, "csv", 1, "resample_hz", "u", 0);
        expect_error(never, "InvalidArgument", "1 to 1000");
        g_autoptr(FakeCall) often = export_of(OWNER, 7, "csv", 1, "resample_hz", "u", 1001);
        expect_error(often, "InvalidArgument", "1 to 1000");
        g_assert_cmpuint(stage->n_queries, ==, 0);
        stage_free();
}

static void test_of_another(void) {
        static const FakePolkit moods[] = { FAKE_POLKIT_ABSENT, FAKE_POLKIT_DENY, FAKE_POLKIT_CHALLENGE };

        for (size_t i = 0; i < G_N_ELEMENTS(moods); i++) {
                g_autofree char *there = NULL, *not_there = NULL;
                g_autoptr(FakeCall) a = NULL, b = NULL;

                record_new();
                stage->fb->polkit = moods[i];
                a = export_of(OWNER, 8, "tape", 0);
                there = stage_print(expect(a, "NotFound"));
                b = export_of(OWNER, 9, "tape", 0);
                not_there = stage_print(expect(b, "NotFound"));
                g_strdelimit(there, "8", '9');
                g_assert_cmpstr(there, ==, not_there);
                g_assert_cmpuint(stage->n_exports, ==, 0);
                stage_free();
        }
}

static void test_of_another_allowed(void) {
        record_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) c = export_begin(OWNER, 8);
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.read-others");
        counted(0, 1);
        (void) expect(c, NULL);
        ended(0);
        g_autoptr(FakeCall) none = export_of(OWNER, 9, "tape", 0);
        (void) expect(none, "NotFound");
        stage_free();
}

static void test_root(void) {
        record_new();
        g_autoptr(FakeCall) c = export_begin(ROOT, 8);
        counted(0, 1);
        (void) expect(c, NULL);
        ended(0);
        g_autoptr(FakeCall) none = export_of(ROOT, 9, "tape", 0);
        (void) expect(none, "NotFound");
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

/* A live session is not in the record yet: its owner is told, others not even that. */
static void test_live(void) {
        record_new();
        (void) stage_session();
        g_autoptr(FakeCall) own = export_of(OWNER, 42, "tape", 0);
        expect_error(own, "NotReady", "OpenStream");
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        g_autoptr(FakeCall) other = export_of(OTHER, 42, "tape", 0);
        (void) expect(other, "NotFound");
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) allowed = export_of(OTHER, 42, "tape", 0);
        (void) expect(allowed, "NotReady");
        stage_free();
}

static void test_the_store_cannot(void) {
        static const struct {
                int error;
                const char *name, *word;
        } cases[] = {
                { -ENOENT, "NotFound", "session 7" },     { -EIO, "Degraded", "The disk is full" },
                { -ECANCELED, "Cancelled", "stopping" },  { -EINVAL, "NotSupported", "profile" },
                { -ENOBUFS, "LimitReached", "16 exports" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                record_new();
                stage->storage = STORE_DEGRADED;
                g_autoptr(FakeCall) c = export_begin(OWNER, 7);
                refused(cases[i].error);
                expect_error(c, cases[i].name, cases[i].word);
                stage_free();
        }
}

/* ---- Limits ---- */

/* "2 at a time for each user": until the store is done with one. */
static void test_two_at_a_time(void) {
        StoreExport first;
        void *first_userdata;

        record_new();
        g_autoptr(FakeCall) a = export_begin(OWNER, 7);
        first = stage->export;
        first_userdata = stage->export_userdata;
        counted(0, 1);
        (void) expect(a, NULL);         /* answered, and not over */
        g_autoptr(FakeCall) b = export_begin(OWNER, 7);
        g_autoptr(FakeCall) c = export_of(OWNER, 7, "tape", 0);
        expect_error(c, "LimitReached", "2 exports");
        refused(-EIO);
        (void) expect(b, "Degraded");   /* that makes room */

        g_autoptr(FakeCall) d = export_begin(OWNER, 7);
        StoreExport second = stage->export;
        void *second_userdata = stage->export_userdata;
        g_autoptr(FakeCall) other = export_begin(OTHER, 8); /* does not count */
        refused(-EIO);
        (void) expect(other, "Degraded");
        g_autoptr(FakeCall) e = export_of(OWNER, 7, "tape", 0);
        (void) expect(e, "LimitReached");

        (void) close(first.fd);         /* and so does an end */
        stage->export_ended(0, first_userdata);
        g_autoptr(FakeCall) f = export_begin(OWNER, 7);
        refused(-EIO);
        (void) expect(f, "Degraded");
        (void) close(second.fd);
        stage->export_counted(-EIO, 0, second_userdata);
        (void) expect(d, "Degraded");
        stage_free();
}

/* ---- Who goes meanwhile ---- */

static bool pipe_is_dead(void) {
        struct pollfd p = { .fd = stage->export.fd };

        return poll(&p, 1, 0) == 1 && p.revents & POLLERR;
}

static void test_the_caller_leaves(void) {
        record_new();
        g_autoptr(FakeCall) c = export_begin(OWNER, 7);
        g_assert_false(pipe_is_dead());
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_until(stage->fb, pipe_is_dead());
        counted(0, 5);                  /* it had not noticed yet */
        ended(-EPIPE);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        stage_free();
}

static void test_the_bus_goes(void) {
        record_new();
        g_autoptr(FakeCall) c = export_begin(OWNER, 7);
        g_autoptr(FakeCall) d = NULL;
        StoreExport first = stage->export;
        void *first_userdata = stage->export_userdata;

        counted(0, 5);
        (void) expect(c, NULL);
        d = export_begin(OWNER, 7);
        stage->bus = bus_free(stage->bus);
        g_assert_true(pipe_is_dead());
        refused(-ECANCELED);            /* the store outlives it */
        (void) close(first.fd);
        stage->export_ended(-ECANCELED, first_userdata);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export/a-tape", test_a_tape);
        g_test_add_func("/export/a-part", test_a_part);
        g_test_add_func("/export/formats", test_formats);
        g_test_add_func("/export/closing-the-pipe-tells-the-store", test_closing_the_pipe_tells_the_store);
        g_test_add_func("/export/arguments", test_arguments);
        g_test_add_func("/export/of-another", test_of_another);
        g_test_add_func("/export/of-another-allowed", test_of_another_allowed);
        g_test_add_func("/export/root", test_root);
        g_test_add_func("/export/live", test_live);
        g_test_add_func("/export/the-store-cannot", test_the_store_cannot);
        g_test_add_func("/export/two-at-a-time", test_two_at_a_time);
        g_test_add_func("/export/the-caller-leaves", test_the_caller_leaves);
        g_test_add_func("/export/the-bus-goes", test_the_bus_goes);
        return g_test_run();
}
