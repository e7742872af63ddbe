/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records octet by octet, and the queue of one reader. */

#include "bus/reader.h"
#include "bus/record.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"

/* ---- Records: the layout of needled/stream.h as it is on the wire, whatever the host ---- */

static uint64_t le(const uint8_t *p, unsigned n) {
        uint64_t v = 0;

        while (n-- > 0)
                v = v << 8 | p[n];
        return v;
}

static void assert_head(const RecordDraft *d, unsigned type, unsigned size, uint64_t session_usec,
                        uint64_t realtime_usec) {
        g_assert_cmpuint(le(d->data, 2), ==, type);
        g_assert_cmpuint(le(d->data + 2, 2), ==, size);
        g_assert_cmpuint(d->size, ==, size);
        g_assert_cmpuint(size % 8, ==, 0);
        g_assert_cmpuint(le(d->data + 4, 4), ==, 0);
        g_assert_cmpuint(le(d->data + 8, 8), ==, session_usec);
        g_assert_cmpuint(le(d->data + 16, 8), ==, realtime_usec);
}

/* A stack that was used before must not show through. */
static RecordDraft dirty_draft(void) {
        RecordDraft d;

        memset(&d, 0xaa, sizeof(d));
        return d;
}

static void test_hello(void) {
        const Session s = { .id = 0x1122334455667788, .start_realtime_usec = 0x99 };
        RecordDraft d = dirty_draft();

        record_hello(&d, &s, 5, 6);
        assert_head(&d, NEEDLED_STREAM_HELLO, 48, 5, 6);
        g_assert_cmpuint(le(d.data + 24, 4), ==, 1);
        g_assert_cmpuint(le(d.data + 28, 4), ==, 0);
        g_assert_cmpuint(le(d.data + 32, 8), ==, 0x1122334455667788);
        g_assert_cmpuint(le(d.data + 40, 8), ==, 0x99);
}

static void test_live(void) {
        const OmpLive omp = {
                .flags = OMP_LIVE_CONTACT_YES | OMP_LIVE_OVERPRESSURE | OMP_LIVE_MOTOR | OMP_LIVE_DEPTH |
                         OMP_LIVE_AREA,
                .force_mean_mn = -2,
                .force_peak_mn = 5210,
                .depth_um = 500,
                .area = 3,
        };
        const TrackerLive live = {
                .live = &omp, .session_strokes = 56527, .stroke_rate = 6950.5, .has_strokes = true, .has_rate = true
        };
        RecordDraft d = dirty_draft();
        uint64_t bits;
        double rate;

        record_live(&d, 1, 2, &live, 0);
        assert_head(&d, NEEDLED_STREAM_LIVE, 64, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 4), ==, 0x3f);
        g_assert_cmpuint(le(d.data + 28, 4), ==,
                         NEEDLED_STREAM_IN_CONTACT | NEEDLED_STREAM_OVERPRESSURE | NEEDLED_STREAM_MOTOR);
        g_assert_cmpint((int32_t) le(d.data + 32, 4), ==, -2);
        g_assert_cmpint((int32_t) le(d.data + 36, 4), ==, 5210);
        g_assert_cmpuint(le(d.data + 40, 8), ==, 56527);
        bits = le(d.data + 48, 8);
        memcpy(&rate, &bits, sizeof(rate));
        g_assert_cmpfloat(rate, ==, 6950.5);
        g_assert_cmpuint(le(d.data + 56, 4), ==, 500);
        g_assert_cmpuint(d.data[60], ==, 3);
        g_assert_cmpuint(le(d.data + 61, 3), ==, 0);
}

/* What is not known is not said, and leaves no value behind. */
static void test_live_unknown(void) {
        const OmpLive omp = { .flags = OMP_LIVE_CONTACT_NO | OMP_LIVE_SATURATED | OMP_LIVE_DROPPED,
                              .force_mean_mn = OMP_FORCE_UNKNOWN,
                              .force_peak_mn = 7,
                              .depth_um = 9,
                              .area = 9 };
        const TrackerLive live = { .live = &omp, .session_strokes = 5, .stroke_rate = 3 };
        RecordDraft d = dirty_draft();

        record_live(&d, 1, 2, &live, 0);
        g_assert_cmpuint(le(d.data + 24, 4), ==, NEEDLED_STREAM_HAS_CONTACT);
        g_assert_cmpuint(le(d.data + 28, 4), ==, NEEDLED_STREAM_SATURATED | NEEDLED_STREAM_DEVICE_DROPPED);
        for (unsigned i = 32; i < 64; i++)
                g_assert_cmpuint(d.data[i], ==, 0);
}

static void test_live_without_contact_sensor(void) {
        const OmpLive omp = { .flags = 1u << 8 };
        const TrackerLive live = { .live = &omp };
        RecordDraft d;

        record_live(&d, 1, 2, &live, 0);
        g_assert_cmpuint(le(d.data + 24, 4) & NEEDLED_STREAM_HAS_CONTACT, ==, 0);
        g_assert_cmpuint(le(d.data + 28, 4), ==, 0);
}

static void test_waveform(void) {
        OmpWaveform w = { .period_usec = 1000,
                          .encoding = OMP_ENCODING_RAW,
                          .channel = 1,
                          .n = 3,
                          .samples = { -1, 2, 0x1234 } };
        RecordDraft d = dirty_draft();

        record_waveform(&d, 1, 2, &w);
        assert_head(&d, NEEDLED_STREAM_WAVEFORM, 40, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 4), ==, 1000);
        g_assert_cmpuint(le(d.data + 28, 2), ==, 3);
        g_assert_cmpuint(d.data[30], ==, 1);
        g_assert_cmpuint(d.data[31], ==, 1);
        g_assert_cmpuint(le(d.data + 32, 2), ==, 0xffff);
        g_assert_cmpuint(le(d.data + 36, 2), ==, 0x1234);
        g_assert_cmpuint(le(d.data + 38, 2), ==, 0); /* padding */

        w.n = OMP_WAVEFORM_SAMPLES_MAX;
        record_waveform(&d, 1, 2, &w);
        assert_head(&d, NEEDLED_STREAM_WAVEFORM, 536, 1, 2);
        w.n = 255; /* more than the array holds */
        record_waveform(&d, 1, 2, &w);
        g_assert_cmpuint(le(d.data + 28, 2), ==, OMP_WAVEFORM_SAMPLES_MAX);
}

static void test_small_ones(void) {
        const OmpEvent event = { .code = 0x30, .severity = 2, .asserted = true, .value = -15 };
        const SessionGap gap = { .from_usec = 100, .to_usec = 250, .stream = TALLY_WAVEFORM, .lost = 7 };
        const Alert alert = { .code = ALERT_HEAD_WORN, .level = ALERT_ALARM, .raised_usec = 77, .value = -4 };
        g_autoptr(Session) session = session_new(&(SessionIdentity) { .id = 1 }, 1, 1);
        RecordDraft d = dirty_draft();

        tally_set_limits(&session->tally, &(NoteLimits) { .overpressure_mn = 3000, .zone_low_mn = 300, .zone_high_mn = 2000 });
        record_event(&d, 1, 2, &event);
        assert_head(&d, NEEDLED_STREAM_EVENT, 32, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 4), ==, 0x00010230);
        g_assert_cmpint((int32_t) le(d.data + 28, 4), ==, -15);

        record_gap(&d, 2, &gap);
        assert_head(&d, NEEDLED_STREAM_GAP, 48, 250, 2);
        g_assert_cmpuint(le(d.data + 24, 8), ==, 100);
        g_assert_cmpuint(le(d.data + 32, 8), ==, 250);
        g_assert_cmpuint(le(d.data + 40, 4), ==, 7);
        g_assert_cmpuint(d.data[44], ==, 2);

        record_state(&d, 1, 2, session, SESSION_INTERRUPTED, STAGE_NEEDLING);
        assert_head(&d, NEEDLED_STREAM_STATE, 48, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 8), ==, NEEDLED_STREAM_STATE_INTERRUPTED | STAGE_NEEDLING << 8);
        g_assert_cmpuint(le(d.data + 32, 8), ==, UINT64_C(2000) << 32 | 300);
        g_assert_cmpuint(le(d.data + 40, 8), ==, 3000);

        record_alert(&d, 1, 2, &alert);
        assert_head(&d, NEEDLED_STREAM_ALERT, 40, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 4), ==, ALERT_HEAD_WORN | ALERT_ALARM << 8 | 1 << 16 | 1 << 24);
        g_assert_cmpint((int32_t) le(d.data + 28, 4), ==, -4);
        g_assert_cmpuint(le(d.data + 32, 8), ==, 77);

        record_end(&d, 1, 2, SESSION_END_WINDOW);
        assert_head(&d, NEEDLED_STREAM_END, 32, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 8), ==, 4);
}

/* "followed by `length` octets of UTF-8"; never more than a note can hold */
static void test_mark(void) {
        g_autofree char *long_text = g_strnfill(NOTE_TEXT_MAX + 50, 'x');
        RecordDraft d = dirty_draft();

        record_mark(&d, 1, 2, "ouch");
        assert_head(&d, NEEDLED_STREAM_MARK, 40, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 8), ==, 4);
        g_assert_cmpmem(d.data + 32, 8, "ouch\0\0\0", 8);
        record_mark(&d, 1, 2, long_text);
        assert_head(&d, NEEDLED_STREAM_MARK, 288, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 2), ==, NOTE_TEXT_MAX);
}

static void test_frame(void) {
        const uint8_t octets[] = { 1, 2, 3, 4, 5 };
        uint8_t large[OMP_VALUE_MAX + 8] = { 0xee };
        Frame f = { .realtime_usec = 9,
                    .channel = 2,
                    .direction = FRAME_TO_DEVICE,
                    .size = sizeof(octets),
                    .data = octets };
        RecordDraft d = dirty_draft();

        record_frame(&d, 1, &f);
        assert_head(&d, NEEDLED_STREAM_FRAME, 40, 1, 9);
        g_assert_cmpuint(d.data[24], ==, 2);
        g_assert_cmpuint(d.data[25], ==, 1);
        g_assert_cmpuint(le(d.data + 26, 2), ==, 5);
        g_assert_cmpmem(d.data + 32, 5, octets, 5);
        g_assert_cmpuint(le(d.data + 37, 3), ==, 0);

        f.size = 0; /* malformed input is a frame too */
        f.data = NULL;
        record_frame(&d, 1, &f);
        assert_head(&d, NEEDLED_STREAM_FRAME, 32, 1, 9);
        f.size = sizeof(large);
        f.data = large;
        record_frame(&d, 1, &f);
        assert_head(&d, NEEDLED_STREAM_FRAME, RECORD_MAX, 1, 9);
}

static void test_figures(void) {
        Figures f = {};
        RecordDraft d = dirty_draft();

        figures_set(&f, FIGURE_STROKES, 77);
        figures_set(&f, FIGURE_FORCE, -3);
        f.value[FIGURE_PASSES].i = 99; /* without its bit: left over */
        record_figures(&d, 1, 2, &f);
        assert_head(&d, NEEDLED_STREAM_FIGURES, 24 + 16 + 8 * _FIGURE_MAX, 1, 2);
        g_assert_cmpuint(le(d.data + 24, 8), ==,
                         UINT64_C(1) << FIGURE_STROKES | UINT64_C(1) << FIGURE_FORCE);
        g_assert_cmpuint(le(d.data + 32, 4), ==, _FIGURE_MAX);
        g_assert_cmpuint(le(d.data + 40 + 8 * FIGURE_STROKES, 8), ==, 77);
        g_assert_cmpint((int64_t) le(d.data + 40 + 8 * FIGURE_FORCE, 8), ==, -3);
        g_assert_cmpuint(le(d.data + 40 + 8 * FIGURE_PASSES, 8), ==, 0);
}

/* ---- The queue of a reader ---- */

typedef struct Fixture {
        sd_event *event;
        Beat *beat;
        Reader *reader;
        int fd;
        unsigned n_closed;
} Fixture;

static void on_closed(Reader *reader, void *userdata) {
        Fixture *f = userdata;

        f->n_closed++;
        f->reader = reader_free(reader);
}

static void fixture_new(Fixture *f, uint64_t period_usec) {
        *f = (Fixture) {};
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->beat = beat_new(f->event);
        g_assert_cmpint(reader_new(f->event, f->beat, &(ReaderOptions){ .period_usec = period_usec }, on_closed, f,
                                   &f->reader, &f->fd),
                        ==, 0);
}

static void fixture_free(Fixture *f) {
        reader_free(f->reader);
        if (f->fd >= 0)
                close(f->fd);
        beat_free(f->beat);
        sd_event_unref(f->event);
}

/* An event whose value is its number. */
static void push(Fixture *f, int number) {
        const OmpEvent event = { .code = 1, .value = number };
        RecordDraft d;

        record_event(&d, 0, 0, &event);
        reader_push(f->reader, &d);
        record_done(&d);
}

/* One message into `buffer`; 0: none is there. */
static unsigned receive(Fixture *f, int *numbers, unsigned max, uint32_t *ret_dropped) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX];
        ssize_t size = recv(f->fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
        unsigned n = 0;

        if (size <= 0)
                return 0;
        g_assert_cmpint(size, <=, (ssize_t) sizeof(buffer));
        *ret_dropped = (uint32_t) le(buffer + 4, 4);
        for (ssize_t at = 0; at < size; at += (ssize_t) le(buffer + at + 2, 2)) {
                g_assert_cmpuint(n, <, max);
                if (at > 0) /* only the first of a message can have missed something */
                        g_assert_cmpuint(le(buffer + at + 4, 4), ==, 0);
                numbers[n++] = (int) le(buffer + at + 28, 4);
        }
        return n;
}

static void run_until_closed(Fixture *f) {
        for (unsigned i = 0; i < 200 && f->n_closed == 0; i++)
                g_assert_cmpint(sd_event_run(f->event, 100000), >=, 0);
        g_assert_cmpuint(f->n_closed, ==, 1);
}

static void test_each_at_once(void) {
        uint32_t dropped;
        int number;
        Fixture f;

        fixture_new(&f, 0);
        for (int i = 0; i < 10; i++) {
                push(&f, i);
                g_assert_cmpuint(receive(&f, &number, 1, &dropped), ==, 1);
                g_assert_cmpint(number, ==, i);
                g_assert_cmpuint(dropped, ==, 0);
        }
        fixture_free(&f);
}

/* Fills the socket and the queue, and some; then reads all: what came and what was dropped are all that was
 * sent, in order, and the count stands exactly where the hole is. */
static void test_drops_the_oldest(void) {
        enum { SENT = 10000 };
        unsigned received = 0, holes = 0;
        int numbers[1024], next = 0;
        Fixture f;

        fixture_new(&f, 0);
        for (int i = 0; i < SENT; i++)
                push(&f, i);
        for (unsigned round = 0; round < 2000 && next < SENT; round++) {
                uint32_t dropped;
                unsigned n = receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped);

                if (n == 0) {
                        g_assert_cmpint(sd_event_run(f.event, 100000), >=, 0);
                        continue;
                }
                holes += dropped > 0;
                next += (int) dropped;
                for (unsigned i = 0; i < n; i++)
                        g_assert_cmpint(numbers[i], ==, next++);
                received += n;
        }
        g_assert_cmpint(next, ==, SENT);
        g_assert_cmpuint(holes, ==, 1);
        g_assert_cmpuint(received, >=, READER_QUEUE_MAX);
        g_assert_cmpuint(received, <, SENT);
        fixture_free(&f);
}

/* Values of 512 octets among small ones, to a reader that stops for a while: what comes is whole, what does not is counted. */
static void test_frames_of_any_size(void) {
        enum { SENT = 5000 };
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX], octets[OMP_VALUE_MAX] = {};
        unsigned next = 0, received = 0;
        Fixture f;

        fixture_new(&f, 1000);
        for (uint16_t i = 0; i < SENT; i++) {
                const Frame frame = { .channel = 2, .size = (uint16_t) (i % 3 ? OMP_VALUE_MAX : 2u + i % 500u), .data = octets };
                RecordDraft d;

                memcpy(octets, &i, sizeof(i));
                record_frame(&d, i, &frame);
                reader_push(f.reader, &d);
                record_done(&d);
        }
        for (unsigned round = 0; round < 2000 && next < SENT; round++) {
                ssize_t size = recv(f.fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);

                if (size <= 0) {
                        g_assert_cmpint(sd_event_run(f.event, 100000), >=, 0);
                        continue;
                }
                g_assert_cmpint(size, <=, (ssize_t) sizeof(buffer));
                for (ssize_t at = 0; at < size; at += (ssize_t) le(buffer + at + 2, 2), next++, received++) {
                        next += (unsigned) le(buffer + at + 4, 4);
                        g_assert_cmpuint(le(buffer + at + 26, 2), ==, next % 3 ? OMP_VALUE_MAX : 2u + next % 500u);
                        g_assert_cmpuint(le(buffer + at + 32, 2), ==, next);
                }
        }
        g_assert_cmpuint(next, ==, SENT);
        g_assert_cmpuint(received, >=, READER_QUEUE_MAX);
        g_assert_cmpuint(received, <, SENT);
        fixture_free(&f);
}

/* Gathered records leave when the message is full, although the period is not over. */
static void test_full_message_goes_at_once(void) {
        const unsigned per_message = NEEDLED_STREAM_MESSAGE_MAX / 32;
        uint32_t dropped = 1;
        int numbers[1024];
        Fixture f;
        unsigned n;

        fixture_new(&f, READER_PERIOD_MAX_USEC);
        for (int i = 0; i < (int) per_message; i++)
                push(&f, i);
        n = receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped);
        g_assert_cmpuint(n, >, per_message * 9 / 10);
        g_assert_cmpuint(dropped, ==, 0);
        for (unsigned i = 0; i < n; i++)
                g_assert_cmpint(numbers[i], ==, (int) i);
        g_assert_cmpuint(receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped), ==, 0);
        reader_flush(f.reader);
        g_assert_cmpuint(receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped), ==, per_message - n);
        fixture_free(&f);
}

static void test_period(void) {
        unsigned n = 0, n_messages = 0;
        uint32_t dropped = 1;
        int numbers[16];
        Fixture f;

        fixture_new(&f, 200000);
        for (int i = 0; i < 5; i++)
                push(&f, i);
        g_assert_cmpuint(receive(&f, numbers, 16, &dropped), ==, 0);
        for (unsigned i = 0; i < 200 && n == 0; i++) {
                g_assert_cmpint(sd_event_run(f.event, 100000), >=, 0);
                n = receive(&f, numbers, 16, &dropped);
                n_messages += n > 0;
        }
        g_assert_cmpuint(n, ==, 5);
        g_assert_cmpuint(n_messages, ==, 1);
        fixture_free(&f);
}

static void test_closed(void) {
        Fixture f;

        fixture_new(&f, 0);
        g_assert_false(reader_is_dead(f.reader));
        close(f.fd);
        f.fd = -1;
        g_assert_true(reader_is_dead(f.reader));
        push(&f, 1); /* into nothing */
        push(&f, 2);
        g_assert_cmpuint(f.n_closed, ==, 0); /* never from inside a push */
        run_until_closed(&f);
        fixture_free(&f);
}

/* Ended: what is queued is delivered first, however long it takes. */
static void test_end(void) {
        int numbers[1024], last = -1;
        uint32_t dropped;
        Fixture f;
        unsigned n;

        fixture_new(&f, 0);
        reader_end(f.reader);
        g_assert_cmpuint(f.n_closed, ==, 0);
        run_until_closed(&f);
        fixture_free(&f);

        fixture_new(&f, 0);
        for (int i = 0; i < 3000; i++)
                push(&f, i);
        reader_end(f.reader);
        push(&f, 4000); /* too late */
        for (unsigned i = 0; i < 2000 && f.n_closed == 0; i++) {
                n = receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped);
                if (n > 0)
                        last = numbers[n - 1];
                else
                        g_assert_cmpint(sd_event_run(f.event, 100000), >=, 0);
        }
        g_assert_cmpuint(f.n_closed, ==, 1);
        while ((n = receive(&f, numbers, G_N_ELEMENTS(numbers), &dropped)) > 0)
                last = numbers[n - 1];
        g_assert_cmpint(last, ==, 2999);
        fixture_free(&f);
}

/* Readers that have to queue share one copy. */
static void test_copies_are_shared(void) {
        RecordDraft d;
        Record *a, *b;

        record_end(&d, 1, 2, SESSION_END_USER);
        a = record_share(&d);
        b = record_share(&d);
        g_assert_true(a == b);
        g_assert_cmpuint(a->refs, ==, 3);
        record_done(&d);
        g_assert_cmpmem(a->data, a->size, d.data, d.size);
        record_unref(a);
        g_assert_cmpuint(b->refs, ==, 1);
        record_unref(b);
        record_unref(NULL);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/stream/record/hello", test_hello);
        g_test_add_func("/stream/record/live", test_live);
        g_test_add_func("/stream/record/live-unknown", test_live_unknown);
        g_test_add_func("/stream/record/live-without-contact-sensor", test_live_without_contact_sensor);
        g_test_add_func("/stream/record/waveform", test_waveform);
        g_test_add_func("/stream/record/small-ones", test_small_ones);
        g_test_add_func("/stream/record/mark", test_mark);
        g_test_add_func("/stream/record/frame", test_frame);
        g_test_add_func("/stream/record/figures", test_figures);
        g_test_add_func("/stream/record/copies-are-shared", test_copies_are_shared);
        g_test_add_func("/stream/reader/each-at-once", test_each_at_once);
        g_test_add_func("/stream/reader/drops-the-oldest", test_drops_the_oldest);
        g_test_add_func("/stream/reader/frames-of-any-size", test_frames_of_any_size);
        g_test_add_func("/stream/reader/full-message-goes-at-once", test_full_message_goes_at_once);
        g_test_add_func("/stream/reader/period", test_period);
        g_test_add_func("/stream/reader/closed", test_closed);
        g_test_add_func("/stream/reader/end", test_end);
        return g_test_run();
}
