/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams that begin with the past: what they tell is, octet for octet, what a reader was told who was there. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/reader.h"
#include "bus/stream.h"
#include "stage.h"

#define ALL UINT64_C(1000000000000)

/* ---- A reader ---- */

typedef struct Told {
        int fd;
        GPtrArray *records;             /* GBytes: all but HELLO, FIGURES and PAST; STATE without its wall clock, which is the loop's */
        uint64_t hello_usec;
        unsigned n_pasts, n_figures, n_messages;
        unsigned n_lives_past;          /* before PAST */
        unsigned n_after_past;          /* records of any kind */
        uint64_t dropped;
        struct needled_stream_past past;
        uint64_t past_usec;
        bool ended;
} Told;

static void told_open(Told *t, uint64_t history_usec, uint32_t max_rate_hz) {
        g_autoptr(FakeCall) c = max_rate_hz > 0
                ? call(OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 2, "history", "t", history_usec, "max_rate_hz", "u", max_rate_hz)
                : call(OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 3, "waveform", "b", true, "frames", "b", true, "history", "t", history_usec);
        int fd;

        *t = (Told) { .records = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref) };
        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "h", &fd), >, 0);
        t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message closes its own */
        g_assert_cmpint(t->fd, >=, 0);
}

static void told_close(Told *t) {
        (void) close(t->fd);
        g_ptr_array_unref(t->records);
}

static void take_record(Told *t, const struct needled_stream_head *head) {
        g_autofree struct needled_stream_head *copy = g_memdup2(head, head->size);

        t->dropped += head->dropped;
        t->n_after_past += t->n_pasts > 0;
        t->n_figures += head->type == NEEDLED_STREAM_FIGURES;
        t->n_lives_past += head->type == NEEDLED_STREAM_LIVE && t->n_pasts == 0;
        t->ended |= head->type == NEEDLED_STREAM_END;
        if (head->type == NEEDLED_STREAM_HELLO)
                t->hello_usec = head->session_usec;
        if (head->type == NEEDLED_STREAM_PAST) {
                t->n_pasts++;
                t->past_usec = head->session_usec;
                t->past = *(const struct needled_stream_past *) (head + 1);
        }
        if (head->type == NEEDLED_STREAM_STATE)
                copy->realtime_usec = 0;
        if (head->type != NEEDLED_STREAM_HELLO && head->type != NEEDLED_STREAM_FIGURES && head->type != NEEDLED_STREAM_PAST)
                g_ptr_array_add(t->records, g_bytes_new(copy, head->size));
}

static void drain(Told *t) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));
        ssize_t size;

        while ((size = recv(t->fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
                t->n_messages++;
                for (ssize_t at = 0; at < size;) {
                        const struct needled_stream_head *head = (const struct needled_stream_head *) (buffer + at);

                        take_record(t, head);
                        at += head->size;
                }
        }
}

/* Everybody goes on: the store, the loop, the reader. */
static void run(Told *t) {
        (void) stage_walks();
        g_assert_cmpint(sd_event_run(stage->event, 1000), >=, 0);
        if (t)
                drain(t);
}

/* What the socket did not take comes when it has room: until nothing does. */
static void settle(Told *t) {
        for (unsigned idle = 0; idle < 50; idle++) {
                unsigned before = t->n_messages;

                g_assert_cmpint(sd_event_run(stage->event, 0), >=, 0);
                drain(t);
                if (t->n_messages != before)
                        idle = 0;
        }
}

static void until_live(Told *t) {
        const gint64 end = g_get_monotonic_time() + 120 * G_USEC_PER_SEC;

        while (t->n_pasts == 0) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                run(t);
        }
}

static const struct needled_stream_head *record_of(const Told *t, unsigned i) {
        return g_bytes_get_data(t->records->pdata[i], NULL);
}

static unsigned find(const Told *t, unsigned from, unsigned type) {
        while (from < t->records->len && record_of(t, from)->type != type)
                from++;
        return from;
}

static unsigned find_same(const Told *t, GBytes *record) {
        for (unsigned i = 0; i < t->records->len; i++)
                if (g_bytes_equal(t->records->pdata[i], record))
                        return i;
        return t->records->len;
}

/* From the first frame on that both were told, they were told the same. */
static void assert_same(const Told *was_there, const Told *came_later) {
        unsigned a = find(was_there, 0, NEEDLED_STREAM_FRAME), b = find(came_later, 0, NEEDLED_STREAM_FRAME);
        unsigned i = find_same(was_there, came_later->records->pdata[b]);

        if (i < was_there->records->len)
                a = i;
        else
                b = find_same(came_later, was_there->records->pdata[a]);
        g_assert_cmpuint(b, <, came_later->records->len);
        for (i = 0; a + i < was_there->records->len && b + i < came_later->records->len; i++)
                g_assert_true(g_bytes_equal(was_there->records->pdata[a + i], came_later->records->pdata[b + i]));
        g_assert_cmpuint(was_there->records->len - a, ==, came_later->records->len - b);
}

/* The frames that it was told are those of the record from that session time on, each once and in their order. */
static void assert_frames(const Told *t, uint64_t from_usec) {
        const Session *s = tracker_session(stage->tracker) ?: stage->ended;
        unsigned at = 0;

        while (at < stage->kept->len && session_time(s, g_array_index(stage->kept, Frame, at).boottime_usec) < from_usec)
                at++;
        for (unsigned i = 0; i < t->records->len; i++) {
                const struct needled_stream_head *head = record_of(t, i);
                const struct needled_stream_frame *body = (const void *) (head + 1);
                const Frame *frame = &g_array_index(stage->kept, Frame, at);

                if (head->type != NEEDLED_STREAM_FRAME)
                        continue;
                g_assert_cmpuint(at++, <, stage->kept->len);
                g_assert_cmpuint(head->session_usec, ==, session_time(s, frame->boottime_usec));
                g_assert_cmpuint(head->realtime_usec, ==, frame->realtime_usec);
                g_assert_cmpmem(body + 1, body->length, frame->data, frame->size);
        }
        g_assert_cmpuint(at, ==, stage->kept->len);
}

static void assert_whole(const Told *t) {
        g_assert_cmpuint(t->n_pasts, ==, 1);
        g_assert_cmpuint(t->past.whole, ==, 1);
        g_assert_cmpuint(t->dropped, ==, 0);
        g_assert_cmpuint(t->past.from_usec, ==, t->hello_usec);
        g_assert_cmpuint(t->past.to_usec, ==, t->past_usec);
}

/* ---- Nothing missing, nothing twice ---- */

static void test_same_as_live(void) {
        Told there, later;
        Session *s;

        stage_new();
        s = stage_session();
        told_open(&there, 1, 0);
        until_live(&there);
        stage_live(100);
        stage_waveform();
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Mark", "s", "here");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "SetStage", "s", "needling");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Pause", "");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "Resume", "");
        stage->sequence += 5;           /* a gap in the middle */
        stage_live(30);
        stage_link(FRAME_LINK_LOST);
        stage->now_usec += 30000000;
        stage_link(FRAME_LINK_UP);
        stage_live(30);
        settle(&there);

        told_open(&later, ALL, 0);
        until_live(&later);
        stage_live(20);
        fake_bus_settle(stage->fb);
        settle(&there);
        settle(&later);
        assert_whole(&later);
        g_assert_cmpuint(later.hello_usec, ==, 0);
        g_assert_cmpuint(later.n_figures, >, 5); /* once a second of the session */
        g_assert_cmpuint(find(&there, 0, NEEDLED_STREAM_GAP), <, there.records->len);
        g_assert_cmpuint(find(&there, 0, NEEDLED_STREAM_MARK), <, there.records->len);
        assert_same(&there, &later);
        assert_frames(&later, 0);
        g_assert_cmpuint(s->n_readers, ==, 2);
        told_close(&there);
        told_close(&later);
        stage_free();
}

static void test_history_is_a_time(void) {
        Told t;
        uint64_t from_usec;

        stage_new();
        Session *s = stage_session();
        stage_live(200);                /* 10 s */
        from_usec = session_time(s, stage->now_usec) - 3000000;
        told_open(&t, 3000000, 0);
        until_live(&t);
        g_assert_cmpuint(t.hello_usec, ==, from_usec);
        g_assert_cmpuint(record_of(&t, 0)->type, ==, NEEDLED_STREAM_STATE); /* as it was then */
        g_assert_cmpuint(record_of(&t, 0)->session_usec, >=, from_usec);
        g_assert_cmpuint(t.n_figures, ==, 1 + 3 - (from_usec % 1000000 == 0));
        assert_whole(&t);
        assert_frames(&t, from_usec);
        told_close(&t);
        stage_free();
}

/* At any moment, with a store that is behind as far as it likes. */
static void test_at_any_moment(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);

        stage_new();
        Session *s = stage_session();
        for (unsigned round = 0; round < 40; round++) {
                uint64_t history_usec = g_rand_boolean(rand) ? ALL : (uint64_t) g_rand_int_range(rand, 1, 20000000), from_usec;
                Told t;

                stage->written = stage->kept->len - (guint) g_rand_int_range(rand, 0, 20);
                from_usec = session_time(s, stage->now_usec);
                from_usec -= MIN(history_usec, from_usec);
                told_open(&t, history_usec, 0);
                for (unsigned i = 0; i < 30; i++) {
                        stage_live((unsigned) g_rand_int_range(rand, 0, 12));
                        if (g_rand_boolean(rand))
                                stage_waveform();
                        if (g_rand_int_range(rand, 0, 5) == 0)
                                stage->written = stage->kept->len - (guint) g_rand_int_range(rand, 0, 20);
                        if (g_rand_boolean(rand))
                                run(g_rand_boolean(rand) ? &t : NULL);
                }
                stage->written = UINT_MAX;
                until_live(&t);
                stage_live(3);
                fake_bus_settle(stage->fb);
                settle(&t);
                assert_whole(&t);
                assert_frames(&t, from_usec);
                told_close(&t);
                run(NULL);
        }
        g_assert_cmpuint(stage_n_walks(), ==, 0);
        stage_free();
}

/* While it is given the past more comes than its queue takes: it is behind again, and misses nothing. */
static void test_more_is_live_than_can_wait(void) {
        Told t;

        stage_new();
        stage_session();
        stage->written = stage->kept->len - 1;
        told_open(&t, ALL, 0);
        run(&t);                        /* it waits for the last frame */
        stage_live(2 * READER_QUEUE_MAX);
        stage->written = UINT_MAX;
        until_live(&t);
        fake_bus_settle(stage->fb);
        settle(&t);
        assert_whole(&t);
        assert_frames(&t, 0);
        told_close(&t);
        stage_free();
}

static void test_at_its_rate(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(380);                /* with the session's first: 20 s of 20 a second */
        told_open(&t, ALL, 5);
        until_live(&t);
        g_assert_cmpuint(t.n_lives_past, >=, 98);
        g_assert_cmpuint(t.n_lives_past, <=, 102);
        assert_whole(&t);
        told_close(&t);
        stage_free();
}

/* ---- The end ---- */

static void test_session_ends_meanwhile(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(50);
        told_open(&t, ALL, 0);
        fake_bus_settle(stage->fb);
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        g_assert_false(t.ended);
        until_live(&t);
        fake_bus_until(stage->fb, stage->bus && (settle(&t), t.ended));
        assert_whole(&t);
        assert_frames(&t, 0);
        g_assert_cmpuint(record_of(&t, t.records->len - 1)->type, ==, NEEDLED_STREAM_END); /* the last */
        g_assert_cmpuint(record_of(&t, t.records->len - 2)->type, ==, NEEDLED_STREAM_STATE);
        told_close(&t);
        stage_free();
}

static void test_closed_meanwhile(void) {
        Told a, b;

        stage_new();
        Session *s = stage_session();
        stage_live(5000);               /* more than a socket takes */
        told_open(&a, ALL, 0);
        told_open(&b, ALL, 0);
        for (unsigned i = 0; i < 5; i++)
                (void) stage_walks();
        g_assert_cmpuint(stage_n_walks(), ==, 2);
        told_close(&a);                 /* it has a batch */
        fake_bus_until(stage->fb, s->n_readers == 1);
        run(NULL);
        g_assert_cmpuint(stage_n_walks(), ==, 1);
        run(&b);                        /* the store has it */
        told_close(&b);
        fake_bus_until(stage->fb, s->n_readers == 0);
        run(NULL);
        g_assert_cmpuint(stage_n_walks(), ==, 0);
        stage_free();
}

/* PAST that is not whole, END with "discarded", and then it is closed. */
static void assert_cut(Told *t) {
        const struct needled_stream_end *end;

        fake_bus_until(stage->fb, (run(t), t->ended));
        settle(t);
        end = (const void *) (record_of(t, t->records->len - 1) + 1);
        g_assert_cmpuint(t->n_pasts, ==, 1);
        g_assert_cmpuint(t->past.whole, ==, 0);
        g_assert_cmpuint(t->past.to_usec, >=, t->past.from_usec);
        g_assert_cmpuint(record_of(t, t->records->len - 1)->type, ==, NEEDLED_STREAM_END);
        g_assert_cmpuint(end->reason, ==, SESSION_END_DISCARDED);
        g_assert_cmpuint(t->n_after_past, ==, 1);
        g_assert_cmpint(recv(t->fd, &(char) { 0 }, 1, 0), ==, 0);
}

static void discard(Session *s) {
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Discard", "");

        fake_bus_until(stage->fb, stage->ended);
        g_assert_true(s == stage->ended);
        stage_session_durable();
        stage_session_remove();
        (void) expect(c, NULL);
}

/* The store has it, or is behind, or waits for live records to be written, or for the reader: whatever it is about. */
static void test_discarded_meanwhile(void) {
        for (unsigned n_walks = 0; n_walks < 3; n_walks++)
                for (unsigned behind = 0; behind < 2; behind++)
                        for (unsigned n_live = 50; n_live <= 5000; n_live += 4950) {
                                Told t;

                                stage_new();
                                Session *s = stage_session();
                                stage_live(n_live);
                                stage->written = stage->kept->len - behind;
                                told_open(&t, ALL, 0);
                                for (unsigned i = 0; i < n_walks; i++)
                                        (void) stage_walks();
                                if (behind == 0 && n_live == 50 && n_walks > 0)
                                        g_assert_cmpuint(stage_n_walks(), ==, 0); /* it had come to what is live */
                                else {
                                        stage_live(20);
                                        discard(s);
                                        assert_cut(&t);
                                        (void) stage_walks();
                                        g_assert_cmpuint(stage_n_walks(), ==, 0);
                                }
                                told_close(&t);
                                stage_free();
                        }
}

/* It had ended as ever, and what is still read of it is erased. */
static void test_deleted_meanwhile(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(50);
        stage->written = stage->kept->len - 1;
        told_open(&t, ALL, 0);
        (void) stage_walks();
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        stage->walk_error = -ENOENT;
        assert_cut(&t);
        told_close(&t);
        stage_free();
}

/* It is over, and the database that cannot be written has not heard of it: it will, so that nobody is told that it was discarded. */
static void test_over_and_not_written(void) {
        const struct needled_stream_end *end;
        Told t;

        stage_new();
        stage_session();
        stage->walk_error = -ENOENT;
        told_open(&t, ALL, 0);
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        fake_bus_until(stage->fb, (run(&t), t.ended));
        end = (const void *) (record_of(&t, t.records->len - 1) + 1);
        g_assert_cmpuint(t.past.whole, ==, 0);
        g_assert_cmpuint(end->reason, ==, SESSION_END_USER);
        told_close(&t);
        stage_free();
}

/* Its object goes with it, while the reader's socket is full. */
static void test_erased_meanwhile(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(5000);
        told_open(&t, ALL, 0);
        while (stage_walks())
                fake_bus_settle(stage->fb);
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        bus_stream_erased(stage->bus, stage->ended);
        stage_session_remove();
        assert_cut(&t);
        g_assert_cmpuint(t.past_usec, >, t.past.to_usec);
        g_assert_cmpuint(record_of(&t, t.records->len - 1)->session_usec, ==, t.past_usec);
        told_close(&t);
        stage_free();
}

/* The object goes a minute after the end: who is still given the past has the end, though not all before it. */
static void test_object_goes_meanwhile(void) {
        const struct needled_stream_end *end;
        Told t;

        stage_new();
        stage_session();
        stage_live(50);
        told_open(&t, ALL, 0);
        g_autoptr(FakeCall) f = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(f, NULL);
        stage_session_remove();
        settle(&t);
        end = (const void *) (record_of(&t, t.records->len - 1) + 1);
        g_assert_cmpuint(t.past.whole, ==, 0);
        g_assert_true(t.ended);
        g_assert_cmpuint(end->reason, ==, SESSION_END_USER);
        told_close(&t);
        stage_free();
}

/* Who does not read is not read for: the store is asked for no more than a batch beyond what the socket took, however long it takes. */
static void test_stopped_meanwhile(void) {
        Told t;
        unsigned n = 0;

        stage_new();
        stage_session();
        stage_live(20000);
        told_open(&t, ALL, 0);
        while (stage_walks()) {
                n++;
                fake_bus_settle(stage->fb);
        }
        g_assert_cmpuint(n, <, 8);
        stage_live(3 * READER_QUEUE_MAX); /* what is live takes no room either */
        fake_bus_settle(stage->fb);
        g_assert_false(stage_walks());
        until_live(&t);
        fake_bus_settle(stage->fb);
        settle(&t);
        assert_whole(&t);
        assert_frames(&t, 0);
        told_close(&t);
        stage_free();
}

/* A page of the past is few messages, however its live part is sent. */
static void test_gathered(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(1000);
        told_open(&t, ALL, 0);
        until_live(&t);
        g_assert_cmpuint(t.n_messages, <, 40);
        g_assert_cmpuint(t.records->len, >, 2000);
        t.n_messages = 0;
        stage_live(10);
        settle(&t);
        g_assert_cmpuint(t.n_messages, ==, 20); /* FRAME and LIVE, each at once */
        told_close(&t);
        stage_free();
}

static void test_bus_goes_meanwhile(void) {
        Told t;

        stage_new();
        stage_session();
        stage_live(5000);
        told_open(&t, ALL, 0);
        stage_free();
        told_close(&t);
}

/* ---- What does not go ---- */

/* It begins with what is live, and is told so. */
static void assert_live_alone(Told *t) {
        until_live(t);
        g_assert_cmpuint(t->past.whole, ==, 0);
        g_assert_cmpuint(t->past.to_usec, ==, t->past.from_usec);
        g_assert_cmpuint(find(t, 0, NEEDLED_STREAM_FRAME), ==, t->records->len);
        stage_live(3);
        fake_bus_settle(stage->fb);
        drain(t);
        g_assert_cmpuint(record_of(t, 0)->type, ==, NEEDLED_STREAM_STATE);
        g_assert_cmpuint(t->n_figures, ==, 1);
        g_assert_cmpuint(t->records->len, ==, 1 + 3 * 2); /* FRAME and LIVE */
}

static void test_database_away(void) {
        Told t;

        stage_new();
        stage_session();
        stage->walk_error = -EIO;
        told_open(&t, ALL, 0);
        assert_live_alone(&t);
        told_close(&t);
        stage_free();
}

static void test_profile_away(void) {
        Told t;

        stage_new();
        stage_session();
        stage->unreadable = true;
        told_open(&t, ALL, 0);
        assert_live_alone(&t);
        told_close(&t);
        stage_free();
}

/* What is not written within 2 s is not waited for. */
static void test_store_that_lags(void) {
        Told t;

        stage_new();
        stage_session();
        stage->written = 5;
        told_open(&t, ALL, 0);
        until_live(&t);
        g_assert_cmpuint(t.past.whole, ==, 0);
        g_assert_cmpuint(t.past.to_usec, <, t.past_usec);
        stage_live(2);
        fake_bus_settle(stage->fb);
        settle(&t);
        g_assert_cmpuint(record_of(&t, t.records->len - 1)->type, ==, NEEDLED_STREAM_LIVE);
        told_close(&t);
        stage_free();
}

static void test_damage_is_told(void) {
        Told t;

        stage_new();
        stage_session();
        stage->n_damaged = 1;
        told_open(&t, ALL, 0);
        until_live(&t);
        g_assert_cmpuint(t.past.whole, ==, 0);
        g_assert_cmpuint(t.past.to_usec, ==, t.past_usec);
        told_close(&t);
        stage_free();
}

static void test_two_at_a_time(void) {
        Told a, b, c;

        stage_new();
        stage_session();
        told_open(&a, ALL, 0);
        told_open(&b, ALL, 0);
        call_expect("LimitReached", OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 1, "history", "t", UINT64_C(5));
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "OpenStream", "a{sv}", 0);
        until_live(&a);
        told_open(&c, ALL, 0);
        until_live(&b);
        until_live(&c);
        assert_whole(&a);
        assert_whole(&b);
        assert_whole(&c);
        told_close(&a);
        told_close(&b);
        told_close(&c);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/past/same-as-live", test_same_as_live);
        g_test_add_func("/past/history-is-a-time", test_history_is_a_time);
        g_test_add_func("/past/at-any-moment", test_at_any_moment);
        g_test_add_func("/past/more-is-live-than-can-wait", test_more_is_live_than_can_wait);
        g_test_add_func("/past/at-its-rate", test_at_its_rate);
        g_test_add_func("/past/stopped-meanwhile", test_stopped_meanwhile);
        g_test_add_func("/past/gathered", test_gathered);
        g_test_add_func("/past/session-ends-meanwhile", test_session_ends_meanwhile);
        g_test_add_func("/past/discarded-meanwhile", test_discarded_meanwhile);
        g_test_add_func("/past/deleted-meanwhile", test_deleted_meanwhile);
        g_test_add_func("/past/over-and-not-written", test_over_and_not_written);
        g_test_add_func("/past/erased-meanwhile", test_erased_meanwhile);
        g_test_add_func("/past/object-goes-meanwhile", test_object_goes_meanwhile);
        g_test_add_func("/past/closed-meanwhile", test_closed_meanwhile);
        g_test_add_func("/past/bus-goes-meanwhile", test_bus_goes_meanwhile);
        g_test_add_func("/past/database-away", test_database_away);
        g_test_add_func("/past/profile-away", test_profile_away);
        g_test_add_func("/past/store-that-lags", test_store_that_lags);
        g_test_add_func("/past/damage-is-told", test_damage_is_told);
        g_test_add_func("/past/two-at-a-time", test_two_at_a_time);
        return g_test_run();
}
