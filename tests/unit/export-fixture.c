/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

const TapeHead head = {
        .profile = "omp1",
        .device = "pen",
        .session = "00000000-0000-4000-8000-000000000001",
        .start_realtime_usec = FIXTURE_START_REALTIME,
};

Tape *tape;

static void on_counted(int error, uint64_t n_rows, void *userdata) {
        Tape *t = userdata;

        g_assert_false(t->counted);
        t->counted = true;
        t->count_error = error;
        t->n_rows = n_rows;
}

static void on_ended(int error, void *userdata) {
        Tape *t = userdata;

        g_assert_true(t->counted);
        g_assert_cmpint(t->count_error, ==, 0);
        g_assert_false(t->ended);
        t->ended = true;
        t->end_error = error;
}

void start_as(Fixture *f, Tape *t, StoreExport wanted) {
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
        *t = (Tape) { .fd = fds[0], .text = g_string_new(NULL), .read_max = SIZE_MAX };
        tape = t;
        wanted.fd = fds[1];
        store_export(f->store, &wanted, on_counted, on_ended, t);
}

void start(Fixture *f, Tape *t, const TapeHead *with, uint64_t id, uint64_t from_usec, uint64_t to_usec) {
        start_as(f, t, (StoreExport) { .id = id, .head = with, .from_usec = from_usec, .to_usec = to_usec });
}

void start_whole(Fixture *f, Tape *t) {
        start(f, t, &head, 1, 0, UINT64_MAX);
}

void close_reader(Tape *t) {
        if (t->fd >= 0)
                (void) close(t->fd);
        t->fd = -1;
}

void done(Tape *t) {
        close_reader(t);
        (void) g_string_free(t->text, TRUE);
}

void read_some(Tape *t) {
        char buffer[8192];
        ssize_t n;

        while (t->fd >= 0 && !t->at_end && t->text->len < t->read_max) {
                n = read(t->fd, buffer, MIN(sizeof(buffer), t->read_max - t->text->len));
                if (n < 0) {
                        g_assert_cmpint(errno, ==, EAGAIN);
                        return;
                }
                t->at_end = n == 0;
                g_string_append_len(t->text, buffer, n);
        }
}

bool is_counted(Fixture *f, uint64_t value) {
        return tape->counted;
}

bool is_over(Fixture *f, uint64_t value) {
        read_some(tape);
        return tape->at_end && (tape->ended || (tape->counted && tape->count_error < 0));
}

bool is_ended(Fixture *f, uint64_t value) {
        return tape->ended;
}

bool has_read(Fixture *f, uint64_t size) {
        read_some(tape);
        return tape->text->len >= size;
}

/* The pipe is full and the thread waits for it. */
bool is_stalled(Fixture *f, uint64_t value) {
        const Export *export;
        bool waits;

        shared_lock(f->store);
        export = TAILQ_FIRST(&f->store->exports);
        waits = export && export->waits;
        shared_unlock(f->store);
        return waits;
}

void wait_over(Fixture *f, Tape *t) {
        tape = t;
        fixture_wait(f, is_over, 0);
}

void make_session(Fixture *f, uint64_t n_frames) {
        fixture_init(f);
        fixture_start(f);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, n_frames);
        g_assert_cmpint(fixture_end(f, 1), ==, 0);
}

/* With other means than the store's. */
void change(Fixture *f, const char *sql) {
        sqlite3 *db;

        g_assert_cmpint(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
        (void) sqlite3_busy_timeout(db, 10000);
        g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close(db);
}
