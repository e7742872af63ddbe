/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Readers of streams that stop, cheat or come and go, and those that want less than all. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/reader.h"
#include "seen.h"

/* What a hostile one may do with its end: a buffer of nothing, octets and descriptors against the stream, an end shut or copied. Another
 * reader has all of it. */
static void test_stream_hostile_readers(void) {
        enum { TINY, PASSES, SHUT_READING, SHUT_WRITING, COPIED, N };
        char octet = 'x', control[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = { .iov_base = &octet, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        Seen good_seen = {}, seen = {};
        int fds[N], good, copy, size = 1;
        Session *session;

        stage_new();
        session = stage_session();
        good = open_stream(OWNER, false, false, 0);
        for (unsigned i = 0; i < N; i++)
                fds[i] = open_stream(OWNER, false, false, 0);

        g_assert_cmpint(setsockopt(fds[TINY], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), ==, 0);
        *header = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(header), &good, sizeof(good));
        g_assert_cmpint(sendmsg(fds[PASSES], &message, MSG_NOSIGNAL), <, 0);
        g_assert_cmpint(errno, ==, EPIPE);
        g_assert_cmpint(shutdown(fds[SHUT_READING], SHUT_RD), ==, 0);
        g_assert_cmpint(shutdown(fds[SHUT_WRITING], SHUT_WR), ==, 0);
        copy = fcntl(fds[COPIED], F_DUPFD_CLOEXEC, 3);
        g_assert_cmpint(copy, >=, 0);
        close(fds[COPIED]);

        for (unsigned i = 0; i < 100; i++) {
                stage_live(1);
                drain(good, &good_seen);
                fake_bus_settle(stage->fb);
        }
        g_assert_cmpuint(good_seen.of[NEEDLED_STREAM_LIVE] + good_seen.dropped, ==, 100);
        g_assert_cmpuint(good_seen.dropped, ==, 0);
        drain(fds[SHUT_WRITING], &seen);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_LIVE], ==, 100); /* it never wrote anything */
        seen = (Seen) {};
        drain(copy, &seen); /* as long as there is an end, it is one stream */
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_LIVE], ==, 100);
        close(copy);
        for (unsigned i = 0; i < COPIED; i++)
                close(fds[i]);
        close(good);
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        stage_free();
}

/* "received + dropped = sent", of each reader for itself, however it wakes up and falls asleep again. */
static void test_stream_drops_add_up(void) {
        Seen seen[2] = {};
        unsigned sent = 0;
        int fds[2];

        stage_new();
        stage_session();
        fds[0] = open_stream(OWNER, false, false, 0);
        fds[1] = open_stream(OWNER, true, true, 100000);
        for (unsigned round = 1; round <= 6; round++) {
                for (unsigned i = 0; i < 700 * round; i++, sent++) {
                        stage_live(1);
                        stage_waveform();
                }
                for (unsigned i = 0; round % 2 == 0 && i < G_N_ELEMENTS(fds); i++)
                        drain(fds[i], &seen[i]);
                fake_bus_settle(stage->fb);
        }
        fake_bus_until(stage->fb, (drain(fds[0], &seen[0]), seen[0].n + seen[0].dropped >= 3 + sent));
        fake_bus_until(stage->fb, (drain(fds[1], &seen[1]), seen[1].n + seen[1].dropped >= 3 + 4 * sent)); /* with a frame of each */
        g_assert_cmpuint(seen[0].n + seen[0].dropped, ==, 3 + sent);
        g_assert_cmpuint(seen[1].n + seen[1].dropped, ==, 3 + 4 * sent);
        g_assert_cmpuint(seen[0].dropped, >, 0);
        g_assert_cmpuint(seen[1].dropped, >, seen[0].dropped);
        for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
                close(fds[i]);
        stage_free();
}

/* ---- A reader with a rate ---- */

static void on_reader_closed(Reader *reader, void *userdata) {
        *(bool *) userdata = true;
}

static void push_value(Reader *reader, unsigned msec, int32_t mean, int32_t peak, bool over) {
        const OmpLive live = {
                .flags = OMP_LIVE_CONTACT_YES | (over ? OMP_LIVE_OVERPRESSURE : 0),
                .force_mean_mn = (int16_t) mean,
                .force_peak_mn = (int16_t) peak,
        };
        const TrackerLive shown = { .live = &live, .has_strokes = true, .session_strokes = msec };
        RecordDraft draft;

        record_live(&draft, UINT64_C(1000) * msec, 0, &shown, 0);
        reader_push(reader, &draft);
        record_done(&draft);
}

/* The next record, which is a LIVE; its session time in *ret_msec. */
static struct needled_stream_live next_value(int fd, uint64_t *ret_msec) {
        struct {
                struct needled_stream_head head;
                struct needled_stream_live live;
        } record;

        g_assert_cmpint(recv(fd, &record, sizeof(record), MSG_DONTWAIT), ==, (ssize_t) sizeof(record));
        g_assert_cmpuint(record.head.type, ==, NEEDLED_STREAM_LIVE);
        g_assert_cmpuint(record.head.dropped, ==, 0); /* nothing is missing: it is in those that came */
        *ret_msec = record.head.session_usec / 1000;
        return record.live;
}

static Beat *beat;

static Reader *rated_reader(uint32_t hz, bool *closed, int *ret_fd) {
        Reader *reader;

        beat = beat_new(stage->event);
        g_assert_cmpint(reader_new(stage->event, beat, &(ReaderOptions) { .max_rate_hz = hz }, on_reader_closed, closed, &reader, ret_fd), ==, 0);
        return reader;
}

/* "records between are merged, the peak is kept" */
static void test_rate_merges(void) {
        struct needled_stream_live live;
        bool closed = false;
        Reader *reader;
        uint64_t msec;
        int fd;

        stage_new();
        reader = rated_reader(5, &closed, &fd);
        for (unsigned i = 0; i < 5; i++) /* 20 Hz; the first at once, as there is nothing before it */
                push_value(reader, 1000 + 50 * i, 100 * (int32_t) i, i == 2 ? 900 : 500, i == 1);
        live = next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 1000);
        live = next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 1200);
        g_assert_cmpint(live.force_peak_mn, ==, 900);
        g_assert_cmpint(live.force_mean_mn, >=, 248); /* of 100, 200, 300, 400; divided step by step */
        g_assert_cmpint(live.force_mean_mn, <=, 252);
        g_assert_cmpuint(live.strokes, ==, 1200); /* the newest */
        g_assert_true(live.flags & NEEDLED_STREAM_OVERPRESSURE); /* and no warning is lost */

        push_value(reader, 1250, 100, 500, false);
        g_assert_cmpint(recv(fd, &live, sizeof(live), MSG_DONTWAIT), <, 0);
        for (unsigned i = 1; i <= 200; i++)
                push_value(reader, 1250 + 50 * i, 100, 500, false);
        for (unsigned i = 0; i < 50; i++)
                live = next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 11200); /* 5 a second, in step */
        g_assert_false(live.flags & NEEDLED_STREAM_OVERPRESSURE);
        reader_free(reader);
        beat_free(beat);
        close(fd);
        stage_free();
}

/* What knows no force takes nothing from what does. */
static void test_rate_and_unknown_force(void) {
        struct needled_stream_live live;
        bool closed = false;
        Reader *reader;
        uint64_t msec;
        int fd;

        stage_new();
        reader = rated_reader(10, &closed, &fd);
        push_value(reader, 1000, 1, 1, false);
        push_value(reader, 1010, 300, 700, false);
        push_value(reader, 1100, OMP_FORCE_UNKNOWN, OMP_FORCE_UNKNOWN, false);
        (void) next_value(fd, &msec);
        live = next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 1100);
        g_assert_true(live.present & NEEDLED_STREAM_HAS_FORCE);
        g_assert_cmpint(live.force_mean_mn, ==, 300);
        g_assert_cmpint(live.force_peak_mn, ==, 700);
        reader_free(reader);
        beat_free(beat);
        close(fd);
        stage_free();
}

/* What waits goes out before what ends it, and when figures show that its time has come. */
static void test_rate_keeps_the_order(void) {
        SessionGap gap = { .from_usec = 1060000, .to_usec = 2000000 };
        Figures figures = {};
        bool closed = false;
        Seen seen = {};
        RecordDraft draft;
        Reader *reader;
        uint64_t msec;
        int fd;

        stage_new();
        reader = rated_reader(5, &closed, &fd);
        push_value(reader, 1000, 1, 1, false);
        push_value(reader, 1050, 2, 2, false);
        record_gap(&draft, 0, &gap);
        reader_push(reader, &draft);
        record_done(&draft);
        (void) next_value(fd, &msec);
        (void) next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 1050);
        drain(fd, &seen);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_GAP], ==, 1);

        push_value(reader, 2000, 3, 3, false);
        push_value(reader, 2010, 4, 4, false);
        record_figures(&draft, 2100000, 0, &figures);
        reader_push(reader, &draft);
        (void) next_value(fd, &msec);
        drain(fd, &seen);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_FIGURES], ==, 1);
        g_assert_cmpuint(seen.of[NEEDLED_STREAM_LIVE], ==, 0);
        record_figures(&draft, 3100000, 0, &figures);
        reader_push(reader, &draft);
        record_done(&draft);
        (void) next_value(fd, &msec);
        g_assert_cmpuint(msec, ==, 2010);
        reader_end(reader);
        fake_bus_until(stage->fb, closed);
        reader_free(reader);
        beat_free(beat);
        close(fd);
        stage_free();
}

static unsigned count_descriptors(void) {
        g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
        unsigned n = 0;

        while (g_dir_read_name(dir))
                n++;

        return n;
}

/* Nothing is left of those that went. */
static void test_stream_opened_and_closed_often(void) {
        Session *session;
        unsigned before;

        stage_new();
        session = stage_session();
        close(open_stream(OWNER, true, true, 0));
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        before = count_descriptors();
        for (unsigned i = 0; i < 10000; i++) {
                stage->now_usec += G_USEC_PER_SEC / 50; /* no faster than a user may */
                close(open_stream(OWNER, i % 2, false, i % 3 * 50000));
                if (i % 100 == 0)
                        stage_live(1);
        }
        fake_bus_until(stage->fb, !bus_session_has_readers(session));
        g_assert_cmpuint(count_descriptors(), ==, before);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/readers/hostile", test_stream_hostile_readers);
        g_test_add_func("/readers/drops-add-up", test_stream_drops_add_up);
        g_test_add_func("/readers/rate/merges", test_rate_merges);
        g_test_add_func("/readers/rate/unknown-force", test_rate_and_unknown_force);
        g_test_add_func("/readers/rate/keeps-the-order", test_rate_keeps_the_order);
        g_test_add_func("/readers/opened-and-closed-often", test_stream_opened_and_closed_often);
        return g_test_run();
}
