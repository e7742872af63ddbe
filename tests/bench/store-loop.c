/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store alone, as often as told, for tools that count:
 *   store-loop record COUNT DATABASE   a session of that many frames, 400 a second of the device's time, committed each 40
 *   store-loop session MINUTES DATABASE   one of that length: Live 10 a second, and a waveform of 200 Hz in packets of 50
 *   store-loop list COUNT DATABASE     the newest page, and one from the middle on
 *   store-loop page COUNT DATABASE     likewise, larger ones
 *   store-loop get COUNT DATABASE      a session by its id
 *   store-loop open COUNT DATABASE     open and close
 * Prints the milliseconds of the middle one. */
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/store.h"

#define PAGE 5u                 /* as few as are to be found anywhere */
#define WHOLE_PAGE 50u          /* as programs ask for */
#define COMMIT_EACH 40u
#define LIVE_CHANNEL 1
#define START UINT64_C(1700000000000000)

static bool opened, answered;
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
        static const StoreObserver observer = { .opened = on_opened, .state_changed = on_state };
        Store *store = store_new(path, &observer, NULL);

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

static void end(Store *store, uint64_t id, uint64_t usec) {
        answered = false;
        store_session_end(store, id, &(StoreEnd) { .reason = "user", .boottime_usec = 1000000 + usec, .realtime_usec = START + id + usec }, on_done,
                          NULL);
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
        end(store, id, count * 2500);
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
        end(store, id, minutes * 60000000);
}

static void list(Store *store, unsigned limit, bool middle) {
        answered = false;
        store_list(store, &(StoreFilter) { .owner = 1000, .limit = limit, .before = middle ? next_id / 2 + limit : 0 }, on_listed,
                   GUINT_TO_POINTER(limit));
        wait_for(store, &answered);
}

static void get(Store *store) {
        answered = false;
        store_get(store, next_id / 2, on_listed, GUINT_TO_POINTER(1));
        wait_for(store, &answered);
}

static int by_time(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static int often(const char *what, unsigned long count, const char *path) {
        g_autofree double *times = g_new0(double, count);
        Store *store = g_str_equal(what, "open") ? NULL : open_store(path);

        for (unsigned long i = 0; i < count; i++) {
                gint64 before = g_get_monotonic_time();

                if (g_str_equal(what, "open"))
                        store = open_store(path);
                else if (g_str_equal(what, "list"))
                        list(store, PAGE, i % 2 == 1);
                else if (g_str_equal(what, "page"))
                        list(store, WHOLE_PAGE, i % 2 == 1);
                else
                        get(store);
                times[i] = (double) (g_get_monotonic_time() - before) / 1e3;
                if (g_str_equal(what, "open"))
                        store = store_close(store, G_USEC_PER_SEC);
        }
        if (store)
                store_close(store, G_USEC_PER_SEC);
        qsort(times, count, sizeof *times, by_time);
        (void) printf("%.3f\n", times[count / 2]);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
        Store *store;

        if (count == 0) {
                (void) fprintf(stderr, "store-loop: record, session, list, page, get or open, COUNT, DATABASE\n");
                return EXIT_FAILURE;
        }
        if (!g_str_equal(argv[1], "record") && !g_str_equal(argv[1], "session"))
                return often(argv[1], count, argv[3]);
        store = open_store(argv[3]);
        (g_str_equal(argv[1], "record") ? record : record_session)(store, count);
        store_close(store, 20 * G_USEC_PER_SEC);
        return EXIT_SUCCESS;
}
