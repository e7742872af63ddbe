/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* History1.Import: a pipe, what is said of the session, and what the store answers. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "stage.h"

#define UUID "0b5c6a0e-7f3b-4d4e-9a56-0123456789ab"

#define import_by(sender, fd, ...) call(sender, "/org/needled", HISTORY, "Import", "ha{sv}", fd, __VA_ARGS__)

static int ends[2];

static void pipe_new(void) {
        stage_new();
        stage->user_name = g_strdup("anna");
        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
}

static void pipe_free(void) {
        (void) close(ends[0]);
        (void) close(ends[1]);
        stage_free();
}

/* One that has got to the store. */
static FakeCall *until_asked(FakeCall *c, unsigned n) {
        fake_bus_until(stage->fb, stage->n_imports == n || c->reply);
        g_assert_null(c->reply);
        return c;
}

/* What the store does when it is done with the newest. */
static void imported(int error, const char *message) {
        (void) close(stage->import.fd);
        stage->import_done(error, message, stage->import.session.id, stage->import_userdata);
}

static void expect_error(FakeCall *c, const char *error, const char *word) {
        sd_bus_message *reply = expect(c, error);

        g_assert_nonnull(strstr(sd_bus_message_get_error(reply)->message, word));
}

static void test_a_tape_with_its_labels(void) {
        char octet;

        pipe_new();
        stage->next_id = 77;
        g_autoptr(FakeCall) c = until_asked(import_by(OWNER, ends[0], 12, "uuid", "s", "0B5C6A0E-7f3b-4d4e-9a56-0123456789ab", "device", "s",
                                                      "C0:FF:EE:12:34:56", "alias", "s", "Pen", "subject", "s", "arm", "area", "s", "chin",
                                                      "product", "s", "serum", "note", "s", "one\ntwo", "rating", "u", 4, "acknowledged", "b",
                                                      1, "utc_offset", "i", -3600, "record", "u", 12, "record_start", "t", UINT64_C(281474976710755)),
                                            1);
        const StoreSession *s = &stage->import.session;

        g_assert_cmpuint(s->id, ==, 77);
        g_assert_cmpstr(s->uuid, ==, UUID);
        g_assert_cmpuint(s->owner, ==, OWNER_UID);
        g_assert_cmpstr(s->owner_name, ==, "anna");
        g_assert_cmpstr(s->device_address, ==, "C0:FF:EE:12:34:56");
        g_assert_cmpstr(s->device_alias, ==, "Pen");
        g_assert_cmpstr(s->subject, ==, "arm");
        g_assert_cmpstr(s->area, ==, "chin");
        g_assert_cmpstr(s->product, ==, "serum");
        g_assert_cmpstr(s->note, ==, "one\ntwo");
        g_assert_cmpstr(s->source, ==, "imported");
        g_assert_cmpint(s->rating, ==, 4);
        g_assert_true(s->acknowledged);
        g_assert_cmpint(s->utc_offset_sec, ==, -3600);
        g_assert_cmpuint(s->record, ==, 12);
        g_assert_cmpuint(s->record_start, ==, UINT64_C(281474976710755));

        g_assert_cmpint(write(ends[1], "x", 1), ==, 1); /* the pipe is the caller's */
        g_assert_cmpint(read(stage->import.fd, &octet, 1), ==, 1);
        g_assert_cmpint(fcntl(ends[0], F_GETFL) & O_NONBLOCK, ==, 0); /* and stays as the caller has it */
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 0);
        imported(0, "");
        g_autofree char *text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==, "[77]");
        g_autofree char *added = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Added"));
        g_assert_cmpstr(added, ==, "77 1000");
        pipe_free();
}

static void test_a_tape_alone(void) {
        pipe_new();
        g_autoptr(FakeCall) c = until_asked(import_by(OTHER, ends[0], 0), 1);
        const StoreSession *s = &stage->import.session;

        g_assert_cmpstr(s->uuid, ==, "");
        g_assert_cmpstr(s->device_alias, ==, "");
        g_assert_cmpstr(s->subject, ==, "");
        g_assert_cmpuint(s->owner, ==, OTHER_UID);
        g_assert_cmpint(s->rating, ==, 0);
        g_assert_false(s->acknowledged);
        imported(-EBADMSG, "line 1: the tape is empty");
        expect_error(c, "InvalidArgument", "line 1");
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 0);
        pipe_free();
}

/* ---- What is refused before the store hears of it ---- */

static void test_labels(void) {
        g_autofree char *long_note = g_strnfill(1025, 'x');

        pipe_new();
        const struct {
                const char *key, *type;
                const void *text;
                uint32_t number;
        } cases[] = {
                { "uuid", "s", "0b5c6a0e", 0 },      { "area", "s", "nowhere", 0 }, { "subject", "s", "a\nb", 0 },
                { "device", "s", "\x1b[1m", 0 },     { "alias", "s", "a\tb", 0 },   { "note", "s", long_note, 0 },
                { "rating", "u", NULL, 6 },          { "rating", "u", NULL, 0 },    { "utc_offset", "i", NULL, 86401 },
                { "source", "s", "live", 0 },        { "record", "i", NULL, 1 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(FakeCall) c = cases[i].text ? import_by(OWNER, ends[0], 1, cases[i].key, "s", cases[i].text)
                                                      : import_by(OWNER, ends[0], 1, cases[i].key, cases[i].type, cases[i].number);

                expect_error(c, "InvalidArgument", strcmp(cases[i].key, "rating") == 0 ? "rating" : cases[i].key);
        }
        g_autoptr(FakeCall) late = import_by(OWNER, ends[0], 1, "record_start", "t", UINT64_MAX);
        expect_error(late, "InvalidArgument", "record_start");
        g_assert_cmpuint(stage->n_imports, ==, 0);
        pipe_free();
}

/* A file could lie where its reader waits for the caller. */
static void test_what_is_no_pipe(void) {
        int sockets[2], memory = memfd_create("tape", MFD_CLOEXEC), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        pipe_new();
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
        const int fds[] = { memory, file, sockets[0] };

        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
                g_autoptr(FakeCall) c = import_by(OWNER, fds[i], 0);

                expect_error(c, "InvalidArgument", "pipe");
        }
        g_autoptr(FakeCall) wrong = import_by(OWNER, ends[1], 0);
        expect_error(wrong, "InvalidArgument", "the other one");
        g_assert_cmpuint(stage->n_imports, ==, 0);
        (void) close(memory);
        (void) close(file);
        (void) close(sockets[0]);
        (void) close(sockets[1]);
        pipe_free();
}

static void test_no_database(void) {
        static const StoreState states[] = { STORE_OPENING, STORE_UNAVAILABLE };

        pipe_new();
        for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
                stage->storage = states[i];
                g_autoptr(FakeCall) c = import_by(OWNER, ends[0], 0);

                (void) expect(c, "Degraded");
        }
        g_assert_cmpuint(stage->n_imports, ==, 0);
        pipe_free();
}

static void test_two_at_a_time(void) {
        pipe_new();
        g_autoptr(FakeCall) a = until_asked(import_by(OWNER, ends[0], 0), 1);
        StoreImport first = stage->import;
        void *first_userdata = stage->import_userdata;
        g_autoptr(FakeCall) c = import_by(OWNER, ends[0], 0);
        expect_error(c, "LimitReached", "This user");
        g_autoptr(FakeCall) b = until_asked(import_by(OTHER, ends[0], 0), 2);
        g_autoptr(FakeCall) other = import_by(ROOT, ends[0], 0);
        expect_error(other, "LimitReached", "in all");

        imported(-ETIMEDOUT, "");       /* that makes room */
        (void) expect(b, "Timeout");
        g_autoptr(FakeCall) d = until_asked(import_by(OTHER, ends[0], 0), 3);
        imported(0, "");
        (void) expect(d, NULL);
        (void) close(first.fd);
        stage->import_done(0, "", first.session.id, first_userdata);
        (void) expect(a, NULL);
        pipe_free();
}

/* ---- What the store says ---- */

static void test_the_store_cannot(void) {
        static const struct {
                int error;
                const char *message, *name, *word;
        } cases[] = {
                { -EBADMSG, "line 7: the time runs backwards", "InvalidArgument", "line 7: the time" },
                { -EOPNOTSUPP, "line 1: a later version of tapes", "NotSupported", "update" },
                { -EEXIST, "", "Exists", "already" },
                { -EFBIG, "line 9: longer than a day", "LimitReached", "longer" },
                { -ETIMEDOUT, "", "Timeout", "30 seconds" },
                { -ENOBUFS, "", "LimitReached", "2 imports" },
                { -ENOSPC, "", "Degraded", "full" },
                { -EIO, "the disk gave an error", "Degraded", "gave an error" },
                { -EIO, NULL, "Degraded", "journal" },
                { -ECANCELED, "", "Cancelled", "stopping" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                pipe_new();
                g_autoptr(FakeCall) c = until_asked(import_by(OWNER, ends[0], 0), 1);
                imported(cases[i].error, cases[i].message);
                expect_error(c, cases[i].name, cases[i].word);
                g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 0);
                pipe_free();
        }
}

static void test_the_caller_leaves(void) {
        pipe_new();
        g_autoptr(FakeCall) c = until_asked(import_by(OWNER, ends[0], 0), 1);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        imported(0, "");                /* the tape was whole by then */
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Added"), ==, 1);
        g_assert_null(c->reply);
        pipe_free();
}

static void test_the_bus_goes(void) {
        pipe_new();
        g_autoptr(FakeCall) c = until_asked(import_by(OWNER, ends[0], 0), 1);
        stage->bus = bus_free(stage->bus);
        imported(-ECANCELED, "");       /* the store outlives it */
        g_assert_null(c->reply);
        pipe_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/import/a-tape-with-its-labels", test_a_tape_with_its_labels);
        g_test_add_func("/import/a-tape-alone", test_a_tape_alone);
        g_test_add_func("/import/labels", test_labels);
        g_test_add_func("/import/what-is-no-pipe", test_what_is_no_pipe);
        g_test_add_func("/import/no-database", test_no_database);
        g_test_add_func("/import/two-at-a-time", test_two_at_a_time);
        g_test_add_func("/import/the-store-cannot", test_the_store_cannot);
        g_test_add_func("/import/the-caller-leaves", test_the_caller_leaves);
        g_test_add_func("/import/the-bus-goes", test_the_bus_goes);
        return g_test_run();
}
