/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "export-fixture.h"
#include "fault-vfs.h"
#include "needled/tape.h"

/* What a tape says, taken apart. */
typedef struct Heard {
        TapeHead head;
        GArray *frames;         /* FixtureFrame */
        unsigned n_rows, n_marks, n_damaged;
        uint64_t end_usec;
        int64_t end_offset_usec;
        char end[TAPE_TEXT_MAX]; /* "": none */
} Heard;

static void heard_done(Heard *h) {
        g_array_unref(h->frames);
}

static void listen(const Tape *t, Heard *ret) {
        const char *at = t->text->str, *end = at + t->text->len;
        TapeReader reader;
        TapeLine line;

        tape_reader_init(&reader);
        *ret = (Heard) { .frames = g_array_new(FALSE, FALSE, sizeof(FixtureFrame)) };
        while (at < end) {
                const char *next = memchr(at, '\n', (size_t) (end - at));
                FixtureFrame copy = {};

                g_assert_nonnull(next); /* the last line has its end too */
                g_assert_cmpint(tape_read(&reader, at, (size_t) (next - at), &line), ==, 0);
                at = next + 1;
                ret->n_rows += line.item != TAPE_NOTHING;
                switch (line.item) {
                case TAPE_NOTHING:
                        g_assert_false(reader.in_body); /* all after the head is counted */
                        break;
                case TAPE_FRAME:
                        copy.frame = tape_frame(&reader, &line, FIXTURE_START_BOOTTIME);
                        memcpy(copy.data, line.data, line.size);
                        g_array_append_val(ret->frames, copy);
                        break;
                case TAPE_MARK:
                        ret->n_marks++;
                        ret->n_damaged += strstr(line.text, "damaged") != NULL;
                        break;
                case TAPE_END:
                        g_strlcpy(ret->end, line.text, sizeof(ret->end));
                        ret->end_usec = line.time_usec;
                        ret->end_offset_usec = line.wall_offset_usec;
                        break;
                }
        }
        ret->head = reader.head;
}

/* ---- What is on the tape ---- */

static void test_all_of_a_session(void) {
        Fixture f;
        Heard h;
        Tape t;

        make_session(&f, 5000);
        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_cmpint(t.count_error, ==, 0);
        g_assert_cmpint(t.end_error, ==, 0);
        g_assert_cmpuint(t.n_rows, ==, 5001);
        listen(&t, &h);
        g_assert_cmpuint(h.n_rows, ==, 5001);
        g_assert_cmpuint(h.frames->len, ==, 5000);
        fixture_assert_frames((const FixtureFrame *) (void *) h.frames->data, h.frames->len, 1, 0);
        g_assert_cmpstr(h.head.profile, ==, "omp1");
        g_assert_cmpstr(h.head.device, ==, "pen");
        g_assert_cmpstr(h.head.session, ==, head.session);
        g_assert_cmpuint(h.head.start_realtime_usec, ==, FIXTURE_START_REALTIME);
        g_assert_cmpstr(h.end, ==, "user");
        g_assert_cmpuint(h.end_usec, ==, FIXTURE_LENGTH_USEC);
        g_assert_cmpint(h.end_offset_usec, ==, 0);
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

static void test_a_session_without_frames(void) {
        Fixture f;
        Heard h;
        Tape t;

        make_session(&f, 0);
        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_cmpuint(t.n_rows, ==, 1);
        listen(&t, &h);
        g_assert_cmpuint(h.n_rows, ==, 1);
        g_assert_cmpstr(h.end, ==, "user");
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

/* "Options `from`, `to`": both included; the end is on the tape where it is not cut off. */
static void test_a_part(void) {
        static const struct {
                uint64_t from, to, n_frames;
                bool end;
        } parts[] = {
                { 0, UINT64_MAX, 1000, true },
                { 1000000, UINT64_MAX, 600, true },
                { 0, 1000000 - 1, 400, false },
                { 1000000, 2000000 - 1, 400, false },
                { 0, FIXTURE_LENGTH_USEC, 1000, true },
                { 0, FIXTURE_LENGTH_USEC - 1, 1000, false },
                { 3000000, 4000000, 0, false },
                { FIXTURE_LENGTH_USEC, FIXTURE_LENGTH_USEC, 0, true },
        };
        Fixture f;

        make_session(&f, 1000);
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                Heard h;
                Tape t;

                start(&f, &t, &head, 1, parts[i].from, parts[i].to);
                wait_over(&f, &t);
                g_assert_cmpint(t.end_error, ==, 0);
                listen(&t, &h);
                g_assert_cmpuint(h.frames->len, ==, parts[i].n_frames);
                g_assert_cmpuint(t.n_rows, ==, parts[i].n_frames + parts[i].end);
                g_assert_cmpuint(h.n_rows, ==, t.n_rows);
                g_assert_cmpstr(h.end, ==, parts[i].end ? "user" : "");
                fixture_assert_frames((const FixtureFrame *) (void *) h.frames->data, h.frames->len, 1,
                                      parts[i].from / FIXTURE_FRAME_USEC);
                heard_done(&h);
                done(&t);
        }
        fixture_done(&f);
}

/* "What ends by waiting ended when it was last used": what came after that stands before the end, which says when it was. */
static void test_an_end_before_the_last_frames(void) {
        Fixture f;
        Heard h;
        Tape t;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 1000);
        store_session_end(f.store, 1, &(StoreEnd) {
                .reason = "idle",
                .boottime_usec = FIXTURE_START_BOOTTIME + 1000000,
                .realtime_usec = FIXTURE_START_REALTIME + 1000007,
        },
                          NULL, NULL);
        while (fixture_get(&f, 1) == -ENOENT)
                continue;
        start_whole(&f, &t);
        wait_over(&f, &t);
        listen(&t, &h);
        g_assert_cmpuint(h.frames->len, ==, 1000);
        g_assert_cmpstr(h.end, ==, "idle");
        g_assert_cmpuint(h.end_usec, ==, 1000000);
        g_assert_cmpint(h.end_offset_usec, ==, 7);
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

static void record_one(Fixture *f, uint64_t session_usec, uint8_t channel, uint8_t direction, uint16_t size) {
        static const uint8_t data[600] = { FRAME_LINK_LOST };

        store_session_frame(f->store, 1, &(Frame) {
                .boottime_usec = FIXTURE_START_BOOTTIME + session_usec,
                .realtime_usec = FIXTURE_START_REALTIME + session_usec - 5,
                .channel = channel,
                .direction = direction,
                .size = size,
                .data = data,
        }, NULL);
}

/* What the link did and what was written to the device is told too; what no tape can hold is a mark in its place. */
static void test_other_frames(void) {
        static const char *const want[] = {
                "1.000000 -0.000005 ! lost",
                "2.000000 -0.000005 > control-point 01 00 00",
                "3.000000 -0.000005 < live",    /* malformed, and kept */
                "3.000000 * needled: here was a frame that no tape can hold", /* too long */
                "3.000000 * needled: here was a frame that no tape can hold", /* no such direction */
                "3.000000 * needled: here was a frame that no tape can hold", /* no such news of the link */
                "3.000000 -0.100005 < live 01", /* from a time before: a tape does not run backwards */
                "60.000000 = user",
        };
        g_auto(GStrv) lines = NULL;
        Fixture f;
        Tape t;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        record_one(&f, 1000000, 0, FRAME_OF_LINK, 1);
        record_one(&f, 2000000, 6, FRAME_TO_DEVICE, 3);
        record_one(&f, 3000000, 1, FRAME_FROM_DEVICE, 0);
        record_one(&f, 3100000, 1, FRAME_FROM_DEVICE, 513);
        record_one(&f, 3200000, 1, 7, 1);
        record_one(&f, 3300000, 0, FRAME_OF_LINK, 2);
        record_one(&f, 2900000, 1, FRAME_FROM_DEVICE, 1);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_cmpuint(t.n_rows, ==, G_N_ELEMENTS(want));
        lines = g_strsplit(t.text->str, "\n", -1);
        for (size_t i = 0; i < G_N_ELEMENTS(want); i++)
                g_assert_cmpstr(lines[g_strv_length(lines) - 1 - G_N_ELEMENTS(want) + i], ==, want[i]);
        done(&t);
        fixture_done(&f);
}

/* A record of a vendor's device says what its channels are. */
static void test_channels_of_the_head(void) {
        TapeHead with = head;
        Fixture f;
        Tape t;

        g_strlcpy(with.profile, "made-up-pen", sizeof(with.profile));
        with.channels[0] = (TapeChannel) { 1, "pressure", "0000fff1-0000-1000-8000-00805f9b34fb" };
        with.channels[1] = (TapeChannel) { 2, "motor", "" };
        with.n_channels = 2;
        make_session(&f, 2);
        start(&f, &t, &with, 1, 0, UINT64_MAX);
        wait_over(&f, &t);
        g_assert_nonnull(strstr(t.text->str, "\nchannel 1 pressure 0000fff1-0000-1000-8000-00805f9b34fb\nchannel 2 motor\n0.0"));
        g_assert_nonnull(strstr(t.text->str, " < pressure "));
        g_assert_nonnull(strstr(t.text->str, " < motor "));
        done(&t);
        fixture_done(&f);
}

/* ---- What is not there, or damaged ---- */

static void expect_refused(Fixture *f, const TapeHead *with, uint64_t id, int error) {
        Tape t;

        start(f, &t, with, id, 0, UINT64_MAX);
        wait_over(f, &t);
        g_assert_cmpint(t.count_error, ==, error);
        g_assert_false(t.ended);
        g_assert_cmpuint(t.text->len, ==, 0);
        done(&t);
}

static void test_what_cannot_be_exported(void) {
        TapeHead bad = head;
        Fixture f;

        make_session(&f, 10);
        fixture_begin(&f, 2);
        expect_refused(&f, &head, 2, -ENOENT); /* live */
        expect_refused(&f, &head, 3, -ENOENT);
        bad.profile[0] = '\0';
        expect_refused(&f, &bad, 1, -EINVAL);
        fixture_done(&f);
}

static void test_no_database(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        fixture_start(&f);
        expect_refused(&f, &head, 1, -EIO);
        fixture_done(&f);
}

/* Gaps are never papered over: where a chunk is damaged the tape says so, and what was counted comes. */
static void test_a_damaged_chunk(void) {
        Fixture f;
        Heard h;
        Tape t;

        make_session(&f, 5000);
        change(&f, "UPDATE chunk SET data = zeroblob(length(data)) WHERE seq = 1");
        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_cmpint(t.end_error, ==, 0);
        listen(&t, &h);
        g_assert_cmpuint(h.n_rows, ==, t.n_rows);
        g_assert_cmpuint(h.n_damaged, ==, 1);
        g_assert_cmpuint(h.frames->len, <, 5000);
        g_assert_cmpuint(h.frames->len, >, 2500);
        g_assert_cmpstr(h.end, ==, "user");
        heard_done(&h);
        done(&t);

        start(&f, &t, &head, 1, 0, 100000);
        wait_over(&f, &t);
        g_assert_null(strstr(t.text->str, "damaged"));
        done(&t);

        /* No memory is taken for what cannot be. */
        change(&f, "UPDATE chunk SET data = zeroblob(2000000), frames = 400000 WHERE seq = 1");
        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_nonnull(strstr(t.text->str, "damaged"));
        done(&t);
        fixture_done(&f);
}

/* ---- The pipe ---- */

/* "The pipe is never waited for by blocking", queries overtake, memory does not grow with the session. */
static void test_a_reader_that_takes_its_time(void) {
        Fixture f;
        Heard h;
        Tape t;

        make_session(&f, 20000);
        start_whole(&f, &t);
        t.read_max = 0;
        fixture_wait(&f, is_counted, 0);
        g_assert_cmpuint(t.n_rows, ==, 20001);
        for (unsigned i = 1; i <= 4; i++) {
                fixture_wait(&f, is_stalled, 0);
                shared_lock(f.store);
                g_assert_cmpuint(TAILQ_FIRST(&f.store->exports)->lines->len, <, 512 * 1024);
                shared_unlock(f.store);
                g_assert_cmpint(fixture_get(&f, 1), ==, 0);
                t.read_max = i * 100000;
                fixture_wait(&f, has_read, t.read_max);
        }
        g_assert_false(t.ended);
        t.read_max = SIZE_MAX;
        wait_over(&f, &t);
        g_assert_cmpint(t.end_error, ==, 0);
        listen(&t, &h);
        g_assert_cmpuint(h.frames->len, ==, 20000);
        fixture_assert_frames((const FixtureFrame *) (void *) h.frames->data, h.frames->len, 1, 0);
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

static void test_a_reader_that_closes(void) {
        Fixture f;
        Tape t;

        make_session(&f, 5000);
        start_whole(&f, &t);
        t.read_max = 0;
        fixture_wait(&f, is_stalled, 0);
        close_reader(&t);
        fixture_wait(&f, is_ended, 0);
        g_assert_cmpint(t.end_error, ==, -EPIPE);
        done(&t);

        start_whole(&f, &t);    /* before a line has come */
        close_reader(&t);
        fixture_wait(&f, is_counted, 0);
        if (t.count_error == 0) { /* the count was faster */
                fixture_wait(&f, is_ended, 0);
                g_assert_cmpint(t.end_error, ==, -EPIPE);
        } else
                g_assert_cmpint(t.count_error, ==, -EPIPE);
        done(&t);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        fixture_done(&f);
}

/* "30 s without progress ends it": here less; and that the others go on. */
static void test_a_reader_that_does_not_read(void) {
        Fixture f;
        Tape t, other;

        make_session(&f, 5000);
        shared_lock(f.store);
        f.store->export_usec = 300000;
        shared_unlock(f.store);
        start_whole(&f, &t);
        t.read_max = 0;
        fixture_wait(&f, is_ended, 0);
        g_assert_cmpint(t.end_error, ==, -ETIMEDOUT);
        start_whole(&f, &other);
        wait_over(&f, &other);
        g_assert_cmpint(other.end_error, ==, 0);
        done(&other);
        done(&t);
        fixture_done(&f);
}

static void test_side_by_side(void) {
        Tape tapes[STORE_EXPORTS_MAX + 1];
        Fixture f;

        make_session(&f, 5000);
        for (unsigned i = 0; i <= STORE_EXPORTS_MAX; i++) {
                start_whole(&f, &tapes[i]);
                tapes[i].read_max = 0;
                fixture_wait(&f, is_counted, 0);
        }
        g_assert_cmpint(tapes[STORE_EXPORTS_MAX].count_error, ==, -ENOBUFS);
        done(&tapes[STORE_EXPORTS_MAX]);
        for (unsigned i = STORE_EXPORTS_MAX; i-- > 0;) { /* the newest first: none waits for another */
                Heard h;

                tapes[i].read_max = SIZE_MAX;
                wait_over(&f, &tapes[i]);
                g_assert_cmpint(tapes[i].end_error, ==, 0);
                listen(&tapes[i], &h);
                g_assert_cmpuint(h.n_rows, ==, 5001);
                heard_done(&h);
                done(&tapes[i]);
        }
        fixture_done(&f);
}

/* ---- What happens meanwhile ---- */

static void stall(Fixture *f, Tape *t) {
        make_session(f, 20000);
        start_whole(f, t);
        t->read_max = 0;
        fixture_wait(f, is_stalled, 0);
}

static void expect_cut(Fixture *f, Tape *t, int error) {
        t->read_max = SIZE_MAX;
        wait_over(f, t);
        g_assert_cmpint(t->count_error, ==, 0);
        g_assert_cmpint(t->end_error, ==, error);
        g_assert_null(strstr(t->text->str, " = ")); /* a tape that was cut does not look whole */
        done(t);
        fixture_done(f);
}

static void test_deleting_the_session_ends_it(void) {
        Fixture f;
        Tape t;

        stall(&f, &t);
        change(&f, "PRAGMA foreign_keys = ON; DELETE FROM session WHERE id = 1");
        expect_cut(&f, &t, -ENOENT);
}

static void test_less_than_was_counted(void) {
        Fixture f;
        Tape t;

        stall(&f, &t);
        change(&f, "DELETE FROM chunk WHERE seq = (SELECT max(seq) FROM chunk)");
        expect_cut(&f, &t, -EIO);
}

static Fixture *added_to;               /* NULL: a record has been added to its session */

/* What the writer does with a record of a session that was followed live: in one transaction. */
static int add_record(unsigned type, void *context, void *p, void *sql) {
        if (!added_to || !strstr(sql, "FROM chunk"))
                return 0;
        change(g_steal_pointer(&added_to), "BEGIN IMMEDIATE; CREATE TEMP TABLE added AS SELECT * FROM chunk WHERE session = 1;"
                                           "UPDATE added SET id = NULL, seq = seq + 1000; INSERT INTO chunk SELECT * FROM added;"
                                           "UPDATE session SET record_seq = 1000 WHERE id = 1; COMMIT");
        return 0;
}

static int trace(sqlite3 *db, char **error, const struct sqlite3_api_routines *api) {
        return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, add_record, NULL);
}

/* Between what an export asks of the session and what it asks for its frames: they are of one moment. */
static void test_a_record_is_added_meanwhile(void) {
        Fixture f;
        Heard h;
        Tape t;

        g_assert_cmpint(sqlite3_auto_extension((void (*)(void)) trace), ==, SQLITE_OK);
        make_session(&f, 100);
        added_to = &f;
        start_whole(&f, &t);
        wait_over(&f, &t);
        sqlite3_reset_auto_extension();
        g_assert_null(added_to);
        g_assert_cmpint(t.count_error, ==, 0);
        g_assert_cmpint(t.end_error, ==, 0);
        listen(&t, &h);
        g_assert_cmpuint(h.frames->len, ==, 100);
        g_assert_cmpuint(h.n_rows, ==, t.n_rows);
        heard_done(&h);
        done(&t);

        start_whole(&f, &t);
        wait_over(&f, &t);
        listen(&t, &h);
        g_assert_cmpuint(h.frames->len, ==, 200);
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

/* Discarding takes the database for itself: an export that waits for its reader is not in its way. */
static void test_discarding_another(void) {
        Fixture f;
        Heard h;
        Tape t;

        stall(&f, &t);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 100);
        g_assert_cmpint(fixture_discard(&f, 2), ==, 0);
        t.read_max = SIZE_MAX;
        wait_over(&f, &t);
        g_assert_cmpint(t.end_error, ==, 0);
        listen(&t, &h);
        g_assert_cmpuint(h.frames->len, ==, 20000);
        heard_done(&h);
        done(&t);
        fixture_done(&f);
}

static void test_closing_the_store_ends_it(void) {
        Fixture f;
        Tape t, late;

        stall(&f, &t);
        start_whole(&f, &late);
        f.store = store_close(f.store, 20 * G_USEC_PER_SEC);
        g_assert_true(t.ended);
        g_assert_cmpint(t.end_error, ==, -ECANCELED);
        g_assert_true(late.counted);
        g_assert_true(late.count_error == -ECANCELED || late.end_error == -ECANCELED);
        t.read_max = SIZE_MAX;
        read_some(&t);
        g_assert_true(t.at_end); /* our end is the last */
        done(&t);
        done(&late);
        fixture_done(&f);
}

/* P4: whichever call to the file fails, the tape is whole or does not look so, and the next export is. */
static bool export_with_fault(uint64_t nth) {
        bool met;
        Fixture f;
        Heard h;
        Tape t;

        make_session(&f, 2000);
        fixture_stop(&f);
        fixture_start(&f);
        fault_vfs_arm(FAULT_READ | FAULT_OPEN | FAULT_SHM, FAULT_EIO, nth, 1);
        start_whole(&f, &t);
        wait_over(&f, &t);
        met = fault_vfs_failed() > 0;
        fault_vfs_disarm();
        listen(&t, &h);
        g_assert_cmpint(t.count_error ?: t.end_error, ==, h.end[0] ? 0 : -EIO);
        g_assert_true(met || h.end[0]);
        heard_done(&h);
        done(&t);

        start_whole(&f, &t);
        wait_over(&f, &t);
        g_assert_cmpint(t.count_error ?: t.end_error, ==, 0);
        g_assert_cmpuint(t.n_rows, ==, 2001);
        done(&t);
        fixture_done(&f);
        return met;
}

static void test_each_call_fails(void) {
        uint64_t nth = 1;

        while (export_with_fault(nth))
                nth++;
        g_test_message("%" G_GUINT64_FORMAT " calls", nth);
        g_assert_cmpuint(nth, >, 10);
}

int main(int argc, char *argv[]) {
        (void) signal(SIGPIPE, SIG_IGN);
        fault_vfs_install();    /* before SQLite is used */
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export/all-of-a-session", test_all_of_a_session);
        g_test_add_func("/export/a-session-without-frames", test_a_session_without_frames);
        g_test_add_func("/export/a-part", test_a_part);
        g_test_add_func("/export/an-end-before-the-last-frames", test_an_end_before_the_last_frames);
        g_test_add_func("/export/other-frames", test_other_frames);
        g_test_add_func("/export/channels-of-the-head", test_channels_of_the_head);
        g_test_add_func("/export/what-cannot-be-exported", test_what_cannot_be_exported);
        g_test_add_func("/export/no-database", test_no_database);
        g_test_add_func("/export/a-damaged-chunk", test_a_damaged_chunk);
        g_test_add_func("/export/a-reader-that-takes-its-time", test_a_reader_that_takes_its_time);
        g_test_add_func("/export/a-reader-that-closes", test_a_reader_that_closes);
        g_test_add_func("/export/a-reader-that-does-not-read", test_a_reader_that_does_not_read);
        g_test_add_func("/export/side-by-side", test_side_by_side);
        g_test_add_func("/export/deleting-the-session-ends-it", test_deleting_the_session_ends_it);
        g_test_add_func("/export/less-than-was-counted", test_less_than_was_counted);
        g_test_add_func("/export/a-record-is-added-meanwhile", test_a_record_is_added_meanwhile);
        g_test_add_func("/export/discarding-another", test_discarding_another);
        g_test_add_func("/export/closing-the-store-ends-it", test_closing_the_store_ends_it);
        g_test_add_func("/export/each-call-fails", test_each_call_fails); /* the last: the faults' VFS stays */
        return g_test_run();
}
