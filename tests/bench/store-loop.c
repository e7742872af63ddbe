/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store alone, as often as told, for tools that count:
 *   store-loop record COUNT DATABASE   a session of that many frames, 400 a second of the device's time, committed each 40
 *   store-loop session MINUTES DATABASE   one of that length: Live 10 a second, and a waveform of 200 Hz in packets of 50
 *   store-loop list COUNT DATABASE     the newest page, and one from the middle on
 *   store-loop page COUNT DATABASE     likewise, larger ones
 *   store-loop get COUNT DATABASE      a session by its id
 *   store-loop open COUNT DATABASE     open and close
 *   store-loop play MINUTES DATABASE [HZ]   one as a device sends it: Live 20 times a second, and a waveform of 200 Hz
 *   store-loop series COUNT DATABASE   1,000 points of its first hour
 *   store-loop replay COUNT DATABASE   its figures, computed again
 *   store-loop export COUNT DATABASE   as JSON
 * Prints the milliseconds of the middle one, by the wall clock and of the processors; of exports the KiB by which memory has grown at most. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/shared.h"
#include "store-play.h"

#define PAGE 5u                 /* as few as are to be found anywhere */
#define WHOLE_PAGE 50u          /* as programs ask for */
#define COMMIT_EACH 40u
#define LIVE_CHANNEL 1
#define START UINT64_C(1700000000000000)
#define WAVEFORM_HZ 200u
#define POINTS 1000u
#define HOUR_USEC UINT64_C(3600000000)
#define SLICE_USEC HOUR_USEC     /* what is read here takes less than one of the daemon's, but not under a tool that counts */

static bool opened, answered, at_end;
static uint64_t next_id;

static void on_opened(const StoreOpened *what, void *userdata) {
        next_id = what->next_session_id;
        opened = true;
}

static void on_state(StoreState state, const char *reason, const char *put_aside, void *userdata) {
        if (state != STORE_READY)
                g_error("%s", reason);
}

static void on_listed(int error, const StoreSession *sessions, size_t n, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpuint(n, ==, GPOINTER_TO_UINT(userdata));
        answered = true;
}

static void on_done(int error, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        answered = true;
}

static void wait_for(Store *store, const bool *what) {
        while (!*what) {
                struct pollfd pfd = { .fd = store_get_fd(store), .events = POLLIN };

                (void) poll(&pfd, 1, -1);
                store_dispatch(store);
        }
}

static Store *open_store(const char *path) {
        const StoreObserver observer = { .opened = on_opened, .state_changed = on_state, .decoder = hub_decoder };
        Store *store = store_new(path, &observer, store_play_hub());

        opened = false;
        wait_for(store, &opened);
        return store;
}

static void begin(Store *store, uint64_t id) {
        g_autofree char *uuid = g_strdup_printf("00000000-0000-4000-8000-%012" G_GINT64_MODIFIER "x", id);

        store_session_begin(store, &(StoreSession) {
                .id = id, .uuid = uuid, .device_address = (char *) "C0:FF:EE:12:34:56", .device_alias = (char *) "pen", .profile = (char *) "omp1",
                .owner = 1000, .owner_name = (char *) "ada", .boot_id = (char *) "", .start_boottime_usec = 1000000,
                .start_realtime_usec = START + id, .subject = (char *) "me", .area = (char *) "chin",
        });
}

/* Frames as they differ on the air. */
static void hand_over(Store *store, uint64_t id, uint64_t usec, uint8_t channel, uint16_t size) {
        static uint64_t x = 88172645463325252;
        uint8_t data[256];

        for (unsigned i = 0; i < size; i += 2) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                data[i] = (uint8_t) x;
                data[i + 1] = 0;
        }
        store_session_frame(store, id, &(Frame) {
                .boottime_usec = 1000000 + usec + x % 300, .realtime_usec = START + id + usec + x % 300, .channel = channel,
                .direction = FRAME_FROM_DEVICE, .size = size, .data = data,
        }, NULL);
}

static void end(Store *store, uint64_t id, uint64_t usec, const Figures *figures) {
        answered = false;
        store_session_end(store, id, &(StoreEnd) {
                .reason = "user", .boottime_usec = 1000000 + usec, .realtime_usec = START + id + usec, .figures = figures,
        }, on_done, NULL);
        wait_for(store, &answered);
}

static void record(Store *store, unsigned long count) {
        uint64_t id = next_id;

        begin(store, id);
        for (unsigned long i = 0; i < count; i++) {
                hand_over(store, id, i * 2500, LIVE_CHANNEL, 60);
                if ((i + 1) % COMMIT_EACH == 0) /* 100 ms of the device's time */
                        while (store_counters(store).committed <= i)
                                g_usleep(1000);
        }
        end(store, id, count * 2500, NULL);
}

static void record_session(Store *store, unsigned long minutes) {
        uint64_t id = next_id, n = 0;

        begin(store, id);
        for (uint64_t usec = 0; usec < minutes * 60000000; usec += 50000) {
                if (usec % 100000 == 0) {
                        hand_over(store, id, usec, LIVE_CHANNEL, 30);
                        n++;
                }
                if (usec % 250000 == 0) {
                        hand_over(store, id, usec, STORE_BULK_CHANNEL, 112);
                        n++;
                }
                if (usec % 5000000 == 0) /* memory is bounded */
                        while (store_counters(store).committed + 1000 < n)
                                g_usleep(1000);
        }
        end(store, id, minutes * 60000000, NULL);
}

static void play(Store *store, unsigned minutes, unsigned waveform_hz) {
        uint64_t id = next_id;
        Figures figures = {};

        begin(store, id);
        store_play(store, id, 1000000, START + id, minutes, waveform_hz, &figures);
        end(store, id, minutes * UINT64_C(60000000), &figures);
}

static void list(Store *store, unsigned limit, bool middle) {
        answered = false;
        store_list(store, &(StoreFilter) { .owner = 1000, .limit = limit, .before = middle ? next_id / 2 + limit : 0 }, on_listed,
                   GUINT_TO_POINTER(limit));
        wait_for(store, &answered);
}

/* By a name or a device that none of the owner's has. */
static void find(Store *store, bool by_device) {
        answered = false;
        store_list(store, &(StoreFilter) { .owner = 1000, .limit = WHOLE_PAGE, .subject = by_device ? NULL : "nobody",
                                           .device = by_device ? "C0:FF:EE:11:11:11" : NULL }, on_listed, GUINT_TO_POINTER(0));
        wait_for(store, &answered);
}

static void get(Store *store) {
        answered = false;
        store_get(store, next_id / 2, on_listed, GUINT_TO_POINTER(1));
        wait_for(store, &answered);
}

/* ---- The newest session, read again ---- */

static void on_series(int error, const StorePoint *points, size_t n, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpuint(n, ==, POINTS);
        answered = true;
}

static void series(Store *store, bool rate) {
        answered = false;
        store_series(store, &(StoreSeries) {
                .id = next_id - 1, .metric = rate ? STORE_METRIC_STROKE_RATE : STORE_METRIC_FORCE, .to_usec = HOUR_USEC, .points = POINTS,
        }, on_series, NULL);
        wait_for(store, &answered);
}

static void on_replayed(int error, const StoreReplay *replay, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_nonnull(replay->decoding);
        g_assert_cmpuint(replay->n_damaged, ==, 0);
        g_assert_true(figures_has(&replay->figures, FIGURE_STROKES));
        g_assert_cmpint(replay->figures.value[FIGURE_STROKES].i, ==, replay->session->figures.value[FIGURE_STROKES].i);
        g_assert_cmpint(replay->figures.value[FIGURE_STROKES].i, >, 0);
        answered = true;
}

static void replay(Store *store) {
        answered = false;
        store_replay(store, next_id - 1, getuid(), on_replayed, NULL);
        wait_for(store, &answered);
}

static void on_counted(int error, uint64_t n_rows, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpuint(n_rows, >, 0);
}

static unsigned long memory_kib(void) {
        g_autofree char *status = NULL;
        const char *rss;

        if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL) || !(rss = strstr(status, "VmRSS:")))
                g_error("The kernel does not say how much memory is used.");
        return strtoul(rss + strlen("VmRSS:"), NULL, 10);
}

/* Read as fast as it comes. */
static void export(Store *store, unsigned long *largest_kib) {
        static const TapeHead head = { .profile = "omp1", .device = "pen" };
        static char buffer[65536];
        uint64_t n_octets = 0;
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
        answered = at_end = false;
        store_export(store, &(StoreExport) { .id = next_id - 1, .format = STORE_FORMAT_JSON, .head = &head, .to_usec = UINT64_MAX, .fd = fds[1] },
                     on_counted, on_done, NULL);
        while (!answered || !at_end) {
                struct pollfd pfds[] = { { .fd = store_get_fd(store), .events = POLLIN }, { .fd = at_end ? -1 : fds[0], .events = POLLIN } };
                ssize_t n;

                (void) poll(pfds, G_N_ELEMENTS(pfds), -1);
                store_dispatch(store);
                n = at_end ? 0 : read(fds[0], buffer, sizeof(buffer));
                g_assert_true(n >= 0 || errno == EAGAIN);
                at_end = at_end || n == 0;
                n_octets += n > 0 ? (uint64_t) n : 0;
                *largest_kib = MAX(*largest_kib, memory_kib());
        }
        (void) close(fds[0]);
        g_assert_cmpuint(n_octets, >, 1000);
}

static int export_often(unsigned long count, const char *path) {
        Store *store = open_store(path);
        unsigned long before = memory_kib(), largest = before;

        for (unsigned long i = 0; i < count; i++)
                export(store, &largest);
        store_close(store, G_USEC_PER_SEC);
        (void) printf("%lu\n", largest - before);
        return EXIT_SUCCESS;
}

/* ---- */

static double process_msec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static int by_time(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static int often(const char *what, unsigned long count, const char *path) {
        g_autofree double *times = g_new0(double, count), *busy = g_new0(double, count);
        Store *store = g_str_equal(what, "open") ? NULL : open_store(path);

        if (store)
                store->slice_usec = SLICE_USEC;
        for (unsigned long i = 0; i < count; i++) {
                gint64 before = g_get_monotonic_time();
                double busy_before = process_msec();

                if (g_str_equal(what, "open"))
                        store = open_store(path);
                else if (g_str_equal(what, "list"))
                        list(store, PAGE, i % 2 == 1);
                else if (g_str_equal(what, "page"))
                        list(store, WHOLE_PAGE, i % 2 == 1);
                else if (g_str_equal(what, "find"))
                        find(store, i % 2 == 1);
                else if (g_str_equal(what, "series"))
                        series(store, i % 2 == 1);
                else if (g_str_equal(what, "replay"))
                        replay(store);
                else
                        get(store);
                times[i] = (double) (g_get_monotonic_time() - before) / 1e3;
                busy[i] = process_msec() - busy_before;
                if (g_str_equal(what, "open"))
                        store = store_close(store, G_USEC_PER_SEC);
        }
        if (store)
                store_close(store, G_USEC_PER_SEC);
        qsort(times, count, sizeof *times, by_time);
        qsort(busy, count, sizeof *busy, by_time);
        (void) printf("%.3f %.3f\n", times[count / 2], busy[count / 2]);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        unsigned long count = argc >= 4 ? strtoul(argv[2], NULL, 10) : 0;
        Store *store;

        if (count == 0) {
                (void) fprintf(stderr, "store-loop: record, session, list, page, find, get, open, play, series, replay or export, COUNT, DATABASE\n");
                return EXIT_FAILURE;
        }
        if (g_str_equal(argv[1], "export"))
                return export_often(count, argv[3]);
        if (!g_str_equal(argv[1], "record") && !g_str_equal(argv[1], "session") && !g_str_equal(argv[1], "play"))
                return often(argv[1], count, argv[3]);
        store = open_store(argv[3]);
        if (g_str_equal(argv[1], "play"))
                play(store, (unsigned) count, argc == 5 ? (unsigned) strtoul(argv[4], NULL, 10) : WAVEFORM_HZ);
        else
                (g_str_equal(argv[1], "record") ? record : record_session)(store, count);
        store_close(store, 20 * G_USEC_PER_SEC);
        return EXIT_SUCCESS;
}
