/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The load in place of a hand, as measurements ask for it: in bursts, as fast as it is taken, and stamped. (How exact its rate is: test-peripheral.c.) */

#include <glib.h>
#include <string.h>
#include <time.h>

#include "simulator/peripheral.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)
#define SIZE 60u

/* Takes Live values, as long as there is room. */
typedef struct Taker {
        Peripheral *p;
        uint64_t now_usec;
        GByteArray *values;     /* each of SIZE octets */
        unsigned room;
} Taker;

static PeripheralSent on_notify(unsigned c, const uint8_t *data, size_t size, void *userdata) {
        Taker *t = userdata;

        if (c != OMP_CHAR_LIVE)
                return PERIPHERAL_SENT;
        if (t->room == 0)
                return PERIPHERAL_REFUSED;

        g_assert_cmpuint(size, ==, SIZE);
        g_byte_array_append(t->values, data, (unsigned) size);
        t->room--;
        return PERIPHERAL_SENT;
}

static const PeripheralOps ops = { .notify = on_notify };

static Taker *taker_new(PeripheralConfig *config) {
        Taker *t = g_new0(Taker, 1);

        config->flood_size = SIZE;
        t->now_usec = 1000 * SEC;
        t->room = UINT_MAX;
        t->values = g_byte_array_new();
        t->p = peripheral_new(config, &ops, t);
        peripheral_set_value_max(t->p, 244);
        peripheral_advance(t->p, t->now_usec);
        peripheral_subscribe(t->p, OMP_CHAR_LIVE, true);
        peripheral_advance(t->p, t->now_usec);
        return t;
}

static void taker_free(Taker *t) {
        peripheral_free(t->p);
        g_byte_array_unref(t->values);
        g_free(t);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Taker, taker_free)

static unsigned taken(const Taker *t) {
        return t->values->len / SIZE;
}

static OmpLive live(const Taker *t, unsigned i) {
        OmpLive l;

        g_assert_cmpint(omp_live_decode(t->values->data + (size_t) i * SIZE, SIZE, &l), ==, 0);
        return l;
}

static uint64_t stamp(const Taker *t, unsigned i, unsigned behind) {
        uint64_t nsec;

        memcpy(&nsec, t->values->data + (size_t) (i + 1) * SIZE - behind - sizeof(nsec), sizeof(nsec));
        return GUINT64_FROM_LE(nsec);
}

static uint64_t now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static void test_bursts_come_whole(void) {
        PeripheralConfig config;
        g_autoptr(Taker) t = NULL;
        unsigned before = 0;

        peripheral_config_defaults(&config, OMP_KIND_PEN);
        config.flood_hz = 600;
        config.flood_burst = 6;
        config.flood_count = 100;       /* the last is of four */
        t = taker_new(&config);
        for (uint64_t end = t->now_usec + SEC; peripheral_next(t->p) <= end; before = taken(t)) {
                t->now_usec = peripheral_next(t->p);
                peripheral_advance(t->p, t->now_usec);
                g_assert_cmpuint(taken(t) - before, ==, taken(t) == 100 ? 4 : 6);
                g_assert_cmpuint(t->now_usec % (10 * MSEC), ==, 0); /* six at 600 a second are 10 ms */
                if (taken(t) == 100)
                        break;
        }
        g_assert_cmpuint(taken(t), ==, 100);
}

static void test_flat_out_loses_nothing(void) {
        PeripheralConfig config;
        g_autoptr(Taker) t = NULL;
        const PeripheralCounters *counters;

        peripheral_config_defaults(&config, OMP_KIND_PEN);
        config.flood_hz = 100000;
        config.flood_flat_out = true;
        config.flood_count = 30000;
        t = taker_new(&config);
        for (unsigned turn = 0; turn < 1000 && peripheral_running(t->p); turn++) {
                t->room = turn % 2 == 0 ? 100 : 0;
                g_assert_cmpuint(peripheral_next(t->p), <=, t->now_usec); /* at once */
                peripheral_advance(t->p, t->now_usec);
        }
        counters = peripheral_counters(t->p);
        g_assert_cmpuint(taken(t), ==, 30000);
        g_assert_cmpuint(counters->sent[OMP_CHAR_LIVE], ==, 30000);
        g_assert_cmpuint(counters->refused[OMP_CHAR_LIVE], ==, 0);
        for (unsigned i = 0; i < 30000; i++)
                g_assert_cmpuint(live(t, i).sequence, ==, i);
}

static void check_stamps(bool crc) {
        PeripheralConfig config;
        g_autoptr(Taker) t = NULL;
        uint64_t last = now_nsec();

        peripheral_config_defaults(&config, OMP_KIND_PEN);
        config.crc = crc;
        config.flood_hz = 100;
        config.flood_stamp = true;
        t = taker_new(&config);
        for (unsigned i = 0; i < 50; i++) {
                t->now_usec += 10 * MSEC;
                peripheral_advance(t->p, t->now_usec);
                g_assert_cmpuint(taken(t), ==, i + 1);
                g_assert_cmpuint(stamp(t, i, crc ? 2 : 0), >=, last);
                last = stamp(t, i, crc ? 2 : 0);
                g_assert_cmpuint(last, <=, now_nsec());
                g_assert_cmpuint(live(t, i).sequence, ==, i); /* and the CRC, if there is one, is right */
        }
}

static void test_stamped(void) {
        check_stamps(false);
}

static void test_stamped_before_the_crc(void) {
        check_stamps(true);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/flood/bursts-come-whole", test_bursts_come_whole);
        g_test_add_func("/flood/flat-out-loses-nothing", test_flat_out_loses_nothing);
        g_test_add_func("/flood/stamped", test_stamped);
        g_test_add_func("/flood/stamped-before-the-crc", test_stamped_before_the_crc);
        return g_test_run();
}
