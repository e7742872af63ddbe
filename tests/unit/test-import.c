/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "needled/tape.h"
#include "store-fixture.h"
#include "store/shared.h"

#define UUID "0b5c6a0e-7f3b-4d4e-9a56-0123456789ab"
#define HEAD "needled-tape 1\nprofile omp1\ndevice pen\nsession " UUID "\nclock 2023-11-14T22:13:20.000000Z\n"
#define START_REALTIME UINT64_C(1700000000000000)
#define SHORT HEAD "0.5 < live 01 02\n1.0 * here\n2.0 = user\n"

/* One import, as who asked for it sees it. */
typedef struct Intaken {
        int fd;                 /* the end to write to, -1: closed */
        const char *text;       /* what the writer has still to write … */
        size_t left;
        size_t at_a_time;       /* … so much of it at once */
        bool holds;             /* and does not close at its end */
        bool over;
        int error;
        char *message;
        uint64_t id;
} Intaken;

static Intaken *intaken;        /* the one that conditions look at */

static void on_imported(int error, const char *message, uint64_t id, void *userdata) {
        Intaken *i = userdata;

        g_assert_false(i->over);
        i->over = true;
        i->error = error;
        i->message = g_strdup(message);
        i->id = id;
}

static void start_from(Fixture *f, Intaken *i, uint64_t id, const char *uuid, const char *text, size_t size, const int fds[2]) {
        *i = (Intaken) { .fd = fds[1], .text = text, .left = size, .at_a_time = SIZE_MAX };
        intaken = i;
        store_import(f->store,
                     &(StoreImport) {
                             .session = {
                                     .id = id,
                                     .uuid = (char *) uuid,
                                     .device_address = (char *) "C0:FF:EE:12:34:56",
                                     .device_alias = (char *) "",
                                     .owner = 1000,
                                     .owner_name = (char *) "anna",
                                     .utc_offset_sec = 3600,
                                     .subject = (char *) "me",
                                     .area = (char *) "chin",
                                     .product = (char *) "",
                                     .note = (char *) "",
                                     .rating = 4,
                                     .source = (char *) "imported",
                                     .record = 12,
                             },
                             .fd = fds[0], /* it blocks, and must not be let to */
                     },
                     on_imported, i);
}

static void start(Fixture *f, Intaken *i, uint64_t id, const char *uuid, const char *text, size_t size) {
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
        g_assert_cmpint(fcntl(fds[1], F_SETFL, O_NONBLOCK), ==, 0);
        start_from(f, i, id, uuid, text, size, fds);
}

static void done(Intaken *i) {
        if (i->fd >= 0)
                (void) close(i->fd);
        i->fd = -1;
        g_clear_pointer(&i->message, g_free);
}

static void write_some(Intaken *i) {
        while (i->fd >= 0 && i->left > 0) {
                ssize_t n = write(i->fd, i->text, MIN(i->left, i->at_a_time));

                if (n < 0 && errno == EPIPE)
                        i->left = 0;
                if (n < 0)
                        break;
                i->text += n;
                i->left -= (size_t) n;
                if (i->at_a_time < SIZE_MAX)
                        break;
        }
        if (i->fd >= 0 && i->left == 0 && !i->holds) {
                (void) close(i->fd);
                i->fd = -1;
        }
}

static bool is_over(Fixture *f, uint64_t value) {
        write_some(intaken);
        return intaken->over;
}

/* The whole of it; returns its error. */
static int import(Fixture *f, Intaken *i, uint64_t id, const char *uuid, const char *text, size_t size) {
        start(f, i, id, uuid, text, size);
        fixture_wait(f, is_over, 0);
        return i->error;
}

static size_t count(Fixture *f) {
        g_assert_cmpint(fixture_list(f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 500 }), ==, 0);
        return f->n_listed;
}

static void set_up(Fixture *f) {
        fixture_init(f);
        fixture_start(f);
}

static void tear_down(Fixture *f) {
        fixture_stop(f);
        fixture_done(f);
}

/* ---- What is taken in ---- */

static void test_a_tape_becomes_a_session(void) {
        g_autofree FixtureFrame *frames = NULL;
        Intaken i;
        Fixture f;
        size_t n;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", SHORT, strlen(SHORT)), ==, 0);
        g_assert_cmpuint(i.id, ==, 7);
        g_assert_cmpstr(i.message, ==, "");
        done(&i);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 1);
        g_assert_cmpstr(f.listed->uuid, ==, UUID);
        g_assert_cmpstr(f.listed->channels, ==, "");
        g_assert_cmpstr(f.listed->end_reason, ==, "user");
        g_assert_cmpstr(f.listed->subject, ==, "me");
        g_assert_cmpuint(f.listed->owner, ==, 1000);
        g_assert_cmpint(f.listed->rating, ==, 4);
        g_assert_cmpuint(f.listed->record, ==, 12);
        g_assert_cmpuint(f.listed->start_realtime_usec, ==, START_REALTIME);
        g_assert_cmpuint(f.listed->end_realtime_usec, ==, START_REALTIME + 2000000);
        g_assert_cmpuint(f.listed->end_boottime_usec - f.listed->start_boottime_usec, ==, 2000000);
        fixture_stop(&f);
        g_autofree char *row = fixture_query_text(f.path, "SELECT device_alias || ' ' || device_address || ' ' || profile || ' ' || source ||"
                                                          " ' ' || area || ' ' || owner_name FROM session");
        g_assert_cmpstr(row, ==, "pen C0:FF:EE:12:34:56 omp1 imported chin anna");

        frames = fixture_read_frames(f.path, 7, &n);
        g_assert_cmpuint(n, ==, 2);     /* a mark is a frame too */
        g_assert_cmpuint(frames[0].frame.realtime_usec, ==, START_REALTIME + 500000);
        g_assert_cmpmem(frames[0].data, frames[0].frame.size, "\x01\x02", 2);
        g_assert_cmpint(frames[1].frame.direction, ==, FRAME_OF_HOST);
        fixture_done(&f);
}

/* Longer than a pipe and a slice. */
static char *long_tape(unsigned n) {
        GString *tape = g_string_new(HEAD);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(tape, "%u.%03u < waveform %04x 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n", i / 100, i % 100 * 10,
                                       i & 0xffff);
        g_string_append_printf(tape, "%u = device\n", n / 100 + 1);
        return g_string_free(tape, FALSE);
}

static void test_a_long_one(void) {
        g_autofree char *tape = long_tape(20000);
        g_autofree FixtureFrame *frames = NULL;
        Intaken i;
        Fixture f;
        size_t n;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", tape, strlen(tape)), ==, 0);
        done(&i);
        g_assert_cmpuint(count(&f), ==, 1);
        fixture_stop(&f);
        frames = fixture_read_frames(f.path, 7, &n);
        g_assert_cmpuint(n, ==, 20000);
        for (size_t k = 0; k < n; k++) {
                g_assert_cmpuint(frames[k].frame.size, ==, 18);
                g_assert_cmpint(frames[k].data[0] << 8 | frames[k].data[1], ==, (int) (k & 0xffff));
        }
        fixture_done(&f);
}

/* It comes as slowly as somebody likes, and nobody waits for it. */
static void test_octet_by_octet(void) {
        Intaken i;
        Fixture f;

        set_up(&f);
        start(&f, &i, 7, UUID, SHORT, strlen(SHORT));
        i.at_a_time = 1;
        g_assert_cmpuint(count(&f), ==, 0);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 100);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        fixture_wait(&f, is_over, 0);
        g_assert_cmpint(i.error, ==, 0);
        done(&i);
        g_assert_cmpuint(count(&f), ==, 2);
        tear_down(&f);
}

/* A pipe of packets, of which a read takes one: none is lost, however many lie there. */
static void test_packet_by_packet(void) {
        const size_t size = strlen(SHORT), half = size / 2;
        Intaken i;
        Fixture f;
        int fds[2];

        set_up(&f);
        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_DIRECT), ==, 0);
        g_assert_cmpint(write(fds[1], SHORT, half), ==, half);
        g_assert_cmpint(write(fds[1], &SHORT[half], size - half), ==, size - half);
        start_from(&f, &i, 7, UUID, "", 0, fds);
        fixture_wait(&f, is_over, 0);
        g_assert_cmpstr(i.message, ==, "");
        g_assert_cmpint(i.error, ==, 0);
        done(&i);
        g_assert_cmpuint(count(&f), ==, 1);
        tear_down(&f);
}

static void test_the_callers_uuid_counts(void) {
        static const char other[] = "11111111-2222-4333-8444-555555555555";
        Intaken i;
        Fixture f;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, other, SHORT, strlen(SHORT)), ==, 0);
        done(&i);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_cmpstr(f.listed->uuid, ==, other);
        tear_down(&f);
}

static void test_a_vendors_channels(void) {
        static const char tape[] = "needled-tape 1\nprofile pen\nclock 2023-11-14T22:13:20Z\n"
                                   "channel 0 force 95840102-2319-423b-8a8e-ee1ffb8d13f8\nchannel 3 beacon\n0 < force 01\n1 = user\n";
        Intaken i;
        Fixture f;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", tape, strlen(tape)), ==, 0);
        done(&i);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_cmpstr(f.listed->channels, ==, "0=95840102-2319-423b-8a8e-ee1ffb8d13f8;3=");
        g_assert_true(g_uuid_string_is_valid(f.listed->uuid)); /* neither the tape nor the caller had one */
        tear_down(&f);
}

/* Named on the tape or not, they are those of the profile. */
static void test_the_channels_of_omp(void) {
        static const char tape[] = HEAD "channel 2 waveform 95840103-2319-423b-8a8e-ee1ffb8d13f8\nchannel 31 grip\n"
                                        "0.5 < live 01 02\n1 < grip 01\n2 = user\n";
        g_autofree FixtureFrame *frames = NULL;
        Intaken i;
        Fixture f;
        size_t n;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", tape, strlen(tape)), ==, 0);
        done(&i);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_cmpstr(f.listed->channels, ==, "");
        fixture_stop(&f);
        frames = fixture_read_frames(f.path, 7, &n);
        g_assert_cmpuint(n, ==, 2);
        g_assert_cmpuint(frames[0].frame.channel, ==, 1);
        g_assert_cmpuint(frames[1].frame.channel, ==, 31);
        fixture_done(&f);
}

/* ---- What the decoder says of it ---- */

typedef struct FakeDecoding {
        unsigned n;
        StoreEvent event;
        StoreGap gap;
} FakeDecoding;

static void *fake_begin(const StoreSession *session, void *userdata) {
        g_assert_cmpstr(session->profile, ==, "omp1");
        return g_new0(FakeDecoding, 1);
}

static void fake_frame(void *decoding, const Frame *frame, StoreSample *ret) {
        FakeDecoding *d = decoding;

        d->n++;
        *ret = (StoreSample) { .has = 1, .mean = { 10 * (int) d->n }, .max = { 10 * (int) d->n } };
}

static size_t fake_events(void *decoding, const StoreEvent **ret) {
        FakeDecoding *d = decoding;

        d->event = (StoreEvent) { .session_usec = d->n, .kind = STORE_EVENT_MARK, .text = "so it was" };
        *ret = &d->event;
        return d->n == 2;
}

static size_t fake_gaps(void *decoding, const StoreGap **ret) {
        FakeDecoding *d = decoding;

        d->gap = (StoreGap) { .from_usec = 1, .to_usec = 2, .lost = 3 };
        *ret = &d->gap;
        return d->n == 1;
}

static void fake_figures(void *decoding, uint64_t end_boottime_usec, Figures *ret) {
        FakeDecoding *d = decoding;

        figures_set(ret, FIGURE_STROKES, d->n);
}

static void *fake_free(void *decoding) {
        g_free(decoding);
        return NULL;
}

static void test_what_its_frames_come_to(void) {
        Intaken i;
        Fixture f;

        fixture_init(&f);
        f.decoder = (StoreDecoder) {
                .begin = fake_begin,
                .frame = fake_frame,
                .events = fake_events,
                .gaps = fake_gaps,
                .figures = fake_figures,
                .free = fake_free,
        };
        fixture_start(&f);
        g_assert_cmpint(import(&f, &i, 7, "", SHORT, strlen(SHORT)), ==, 0);
        done(&i);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_true(figures_has(&f.listed->figures, FIGURE_STROKES));
        g_assert_cmpint(f.listed->figures.value[FIGURE_STROKES].i, ==, 2);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM gap WHERE session = 7"), ==, 1);
        g_autofree char *text = fixture_query_text(f.path, "SELECT text FROM event WHERE session = 7");
        g_assert_cmpstr(text, ==, "so it was");
        fixture_done(&f);
}

/* ---- What is refused ---- */

static void assert_nothing_stayed(Fixture *f) {
        static const char *const tables[] = { "session", "chunk", "tail", "gap", "event" };

        g_assert_cmpuint(count(f), ==, 0);
        fixture_stop(f);
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", tables[i]);

                g_assert_cmpint(fixture_query(f->path, sql), ==, 0);
        }
}

static void test_bad_tapes(void) {
        static const struct {
                const char *text;
                int error;
                const char *message;
        } cases[] = {
                { "", -EBADMSG, "the tape is empty" },
                { "\n", -EBADMSG, "line 1: *" },
                { "{}\n", -EBADMSG, "line 1: this is no tape*" },
                { "needled-tape 2\n", -EOPNOTSUPP, "line 1: a later version*" },
                { "needled-tape 1\nprofile omp1\n0 < live 01\n1 = user\n", -EBADMSG, "line 3: the head has no clock*" },
                { "needled-tape 1\n0 < live 01\n", -EBADMSG, "line 2: the head does not name a profile" },
                { HEAD "1 = user\n", -EBADMSG, "line 6: there are no frames*" },
                { HEAD "1 < live 01\n", -EBADMSG, "line 6: the tape ends before its session does" },
                { HEAD, -EBADMSG, "line 5: the tape ends before its session does" },
                { HEAD "1 < live 01\n0 < live 01\n2 = user\n", -EBADMSG, "line 7: the time runs backwards" },
                { HEAD "1 < live 01\n2 = user\n3 < live 02\n", -EBADMSG, "line 8: a line after the end*" },
                { HEAD "1 < live 01\n2 = user", -EBADMSG, "line 6: the tape ends in the middle of the next line" },
                { HEAD "1 < live 01\n86401 < live 02\n2 = user\n", -EFBIG, "line 7: the session is longer than 24 hours" },
        };

        for (size_t k = 0; k < G_N_ELEMENTS(cases); k++) {
                Intaken i;
                Fixture f;

                set_up(&f);
                g_assert_cmpint(import(&f, &i, 7, "", cases[k].text, strlen(cases[k].text)), ==, cases[k].error);
                if (!g_pattern_match_simple(cases[k].message, i.message)) {
                        g_test_message("'%s' is not like '%s'", i.message, cases[k].message);
                        g_test_fail();
                }
                done(&i);
                assert_nothing_stayed(&f);
                fixture_done(&f);
        }
}

static void test_a_line_without_end(void) {
        g_autofree char *line = g_strnfill(300000, 'x'), *tape = g_strconcat(HEAD, "1 * ", line, NULL);
        Intaken i;
        Fixture f;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", tape, strlen(tape)), ==, -EBADMSG);
        g_assert_cmpstr(i.message, ==, "line 6: a line of more than 2048 octets");
        done(&i);
        assert_nothing_stayed(&f);
        fixture_done(&f);
}

/* Also one of which much was written by then; and it can be had again. */
static void test_cut_short(void) {
        g_autofree char *tape = long_tape(3000);
        Intaken i;
        Fixture f;

        set_up(&f);
        for (unsigned part = 1; part < 4; part++) {
                g_assert_cmpint(import(&f, &i, part, "", tape, strlen(tape) * part / 4), ==, -EBADMSG);
                g_assert_nonnull(strstr(i.message, "the tape ends"));
                done(&i);
                g_assert_cmpuint(count(&f), ==, 0);
        }
        g_assert_cmpint(import(&f, &i, 4, "", tape, strlen(tape)), ==, 0);
        done(&i);
        g_assert_cmpuint(count(&f), ==, 1);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(DISTINCT session) FROM chunk"), ==, 1);
        fixture_done(&f);
}

static void test_one_that_is_here(void) {
        Intaken i;
        Fixture f;

        set_up(&f);
        g_assert_cmpint(import(&f, &i, 7, "", SHORT, strlen(SHORT)), ==, 0);
        done(&i);
        g_assert_cmpint(import(&f, &i, 8, "", SHORT, strlen(SHORT)), ==, -EEXIST);
        done(&i);
        g_assert_cmpuint(count(&f), ==, 1);
        g_assert_cmpuint(f.listed->id, ==, 7);
        tear_down(&f);
}

static void test_nothing_comes(void) {
        Intaken i;
        Fixture f;

        set_up(&f);
        f.store->export_usec = 100000;
        start(&f, &i, 7, "", SHORT, strlen(SHORT) - 5);
        i.holds = true;
        fixture_wait(&f, is_over, 0);
        g_assert_cmpint(i.error, ==, -ETIMEDOUT);
        done(&i);
        assert_nothing_stayed(&f);
        fixture_done(&f);
}

/* An octet now and then is not enough. */
static void test_too_little_comes(void) {
        g_autofree char *tape = long_tape(20000);
        Intaken i;
        Fixture f;

        set_up(&f);
        f.store->export_usec = 200000;
        start(&f, &i, 7, "", tape, strlen(tape));
        i.at_a_time = 1;
        fixture_wait(&f, is_over, 0);
        g_assert_cmpint(i.error, ==, -ETIMEDOUT);
        done(&i);
        assert_nothing_stayed(&f);
        fixture_done(&f);
}

static void test_the_disk_is_nearly_full(void) {
        Intaken i;
        Fixture f;

        set_up(&f);
        f.store->free_min = UINT64_MAX;
        g_assert_cmpint(import(&f, &i, 7, "", SHORT, strlen(SHORT)), ==, -EDQUOT);
        g_assert_nonnull(strstr(i.message, "MiB are free"));
        done(&i);
        assert_nothing_stayed(&f);
        fixture_done(&f);
}

static void test_no_pipe_at_all(void) {
        Intaken i = { .fd = -1 };
        int fd = g_open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
        Fixture f;

        set_up(&f);
        intaken = &i;
        store_import(f.store, &(StoreImport) { .session = { .id = 7, .uuid = (char *) "", .source = (char *) "imported" }, .fd = fd },
                     on_imported, &i);
        fixture_wait(&f, is_over, 0);
        g_assert_cmpint(i.error, ==, -EBADMSG);
        done(&i);
        tear_down(&f);
}

static void test_two_at_a_time(void) {
        Intaken a, b, c;
        Fixture f;

        set_up(&f);
        start(&f, &a, 7, UUID, SHORT, strlen(SHORT));
        start(&f, &b, 8, "11111111-2222-4333-8444-555555555555", SHORT, strlen(SHORT));
        g_assert_cmpint(import(&f, &c, 9, "", SHORT, strlen(SHORT)), ==, -ENOBUFS);
        done(&c);
        intaken = &a;
        fixture_wait(&f, is_over, 0);
        intaken = &b;
        fixture_wait(&f, is_over, 0);
        g_assert_cmpint(a.error, ==, 0);
        g_assert_cmpint(b.error, ==, 0);
        done(&a);
        done(&b);
        g_assert_cmpuint(count(&f), ==, 2);
        tear_down(&f);
}

static void test_the_store_closes(void) {
        g_autofree char *tape = long_tape(3000);
        Intaken i;
        Fixture f;

        set_up(&f);
        start(&f, &i, 7, "", tape, strlen(tape) - 20);
        i.holds = true;
        write_some(&i);
        fixture_stop(&f);
        g_assert_true(i.over);
        g_assert_cmpint(i.error, ==, -ECANCELED);
        done(&i);
        fixture_start(&f);
        assert_nothing_stayed(&f);
        fixture_done(&f);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        g_test_add_func("/import/a-tape-becomes-a-session", test_a_tape_becomes_a_session);
        g_test_add_func("/import/a-long-one", test_a_long_one);
        g_test_add_func("/import/octet-by-octet", test_octet_by_octet);
        g_test_add_func("/import/packet-by-packet", test_packet_by_packet);
        g_test_add_func("/import/the-callers-uuid-counts", test_the_callers_uuid_counts);
        g_test_add_func("/import/a-vendors-channels", test_a_vendors_channels);
        g_test_add_func("/import/the-channels-of-omp", test_the_channels_of_omp);
        g_test_add_func("/import/what-its-frames-come-to", test_what_its_frames_come_to);
        g_test_add_func("/import/bad-tapes", test_bad_tapes);
        g_test_add_func("/import/a-line-without-end", test_a_line_without_end);
        g_test_add_func("/import/cut-short", test_cut_short);
        g_test_add_func("/import/one-that-is-here", test_one_that_is_here);
        g_test_add_func("/import/nothing-comes", test_nothing_comes);
        g_test_add_func("/import/too-little-comes", test_too_little_comes);
        g_test_add_func("/import/the-disk-is-nearly-full", test_the_disk_is_nearly_full);
        g_test_add_func("/import/no-pipe-at-all", test_no_pipe_at_all);
        g_test_add_func("/import/two-at-a-time", test_two_at_a_time);
        g_test_add_func("/import/the-store-closes", test_the_store_closes);
        return g_test_run();
}
