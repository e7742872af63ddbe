/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "simulator/peripheral.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)

/* A listener on the other side of the air: keeps what comes, can have no room. */
typedef struct Air {
        Peripheral *p;
        uint64_t now_usec;
        GPtrArray *values[_OMP_CHAR_MAX];       /* of GBytes */
        GByteArray *all;                        /* everything, one after the other */
        size_t value_max;
        bool full;
        unsigned advertisements;
} Air;

static PeripheralSent on_notify(unsigned c, const uint8_t *data, size_t size, void *userdata) {
        Air *air = userdata;

        g_assert_cmpuint(size, <=, air->value_max);
        g_assert_true(peripheral_subscribed(air->p, c));
        if (air->full)
                return PERIPHERAL_REFUSED;

        g_ptr_array_add(air->values[c], g_bytes_new(data, size));
        g_byte_array_append(air->all, data, (unsigned) size);
        return PERIPHERAL_SENT;
}

static void on_advertisement_changed(void *userdata) {
        ((Air *) userdata)->advertisements++;
}

static const PeripheralOps ops = { .notify = on_notify, .advertisement_changed = on_advertisement_changed };

static Air *air_new(const PeripheralConfig *config, unsigned mtu) {
        Air *air = g_new0(Air, 1);

        air->now_usec = 1000 * SEC;
        air->value_max = mtu - 3;
        air->all = g_byte_array_new();
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                air->values[c] = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
        air->p = peripheral_new(config, &ops, air);
        peripheral_set_value_max(air->p, air->value_max);
        peripheral_advance(air->p, air->now_usec);
        return air;
}

static void air_free(Air *air) {
        peripheral_free(air->p);
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                g_ptr_array_unref(air->values[c]);
        g_byte_array_unref(air->all);
        g_free(air);
}

/* As a loop would do it: from one time of which the peripheral says that it has something to do to the next.
 */
static void air_run(Air *air, uint64_t usec) {
        uint64_t end = air->now_usec + usec, next;

        while ((next = MAX(peripheral_next(air->p), air->now_usec)) <= end) {
                air->now_usec = MAX(next, air->now_usec);
                peripheral_advance(air->p, air->now_usec);
                g_assert_cmpuint(peripheral_next(air->p), >,
                                 air->now_usec); /* else a loop would turn for ever */
        }
        air->now_usec = end;
        peripheral_advance(air->p, end);
}

static unsigned count(const Air *air, OmpChar c) {
        return air->values[c]->len;
}

static const uint8_t *value(const Air *air, OmpChar c, unsigned i, size_t *ret_size) {
        return g_bytes_get_data(air->values[c]->pdata[i], ret_size);
}

static OmpLive live(const Air *air, unsigned i) {
        OmpLive l;
        size_t n;
        const uint8_t *data = value(air, OMP_CHAR_LIVE, i, &n);

        g_assert_cmpint(omp_live_decode(data, n, &l), ==, 0);
        return l;
}

static OmpEvent event(const Air *air, unsigned i) {
        OmpEvent e;
        size_t n;
        const uint8_t *data = value(air, OMP_CHAR_EVENT, i, &n);

        g_assert_cmpint(omp_event_decode(data, n, &e), ==, 0);
        return e;
}

static OmpStatus status(const Air *air, unsigned i) {
        OmpStatus s;
        size_t n;
        const uint8_t *data = value(air, OMP_CHAR_STATUS, i, &n);

        g_assert_cmpint(omp_status_decode(data, n, &s), ==, 0);
        return s;
}

static OmpWaveform waveform(const Air *air, unsigned i) {
        OmpWaveform w;
        size_t n;
        const uint8_t *data = value(air, OMP_CHAR_WAVEFORM, i, &n);

        g_assert_cmpint(omp_waveform_decode(data, n, &w), ==, 0);
        return w;
}

static void subscribe_all(Air *air) {
        peripheral_subscribe(air->p, OMP_CHAR_STATUS, true);
        peripheral_subscribe(air->p, OMP_CHAR_EVENT, true);
        peripheral_subscribe(air->p, OMP_CHAR_LIVE, true);
        peripheral_subscribe(air->p, OMP_CHAR_WAVEFORM, true);
}

static PeripheralConfig config_of(OmpKind kind) {
        PeripheralConfig config;

        peripheral_config_defaults(&config, kind);
        config.procedure_usec = 20 * SEC;
        return config;
}

static Air *procedure(const PeripheralConfig *config, unsigned mtu) {
        Air *air = air_new(config, mtu);

        subscribe_all(air);
        air_run(air, SEC);
        peripheral_start(air->p);
        air_run(air, 60 * SEC);
        g_assert_false(peripheral_running(air->p));
        return air;
}

static void test_same_seed_same_octets(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *a, *b, *c;

        config.waveform_hz = 1000;
        config.crc = true;
        a = procedure(&config, 247);
        b = procedure(&config, 247);
        config.seed++;
        c = procedure(&config, 247);
        g_assert_cmpmem(a->all->data, a->all->len, b->all->data, b->all->len);
        g_assert_false(a->all->len == c->all->len && memcmp(a->all->data, c->all->data, a->all->len) == 0);
        air_free(a);
        air_free(b);
        air_free(c);
}

/* "Live … each have their own u16 number, +1 per packet sent"; a tick at the end of each interval. */
static void test_live_numbers_and_ticks(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = procedure(&config, 247);
        unsigned n = count(air, OMP_CHAR_LIVE);

        g_assert_cmpuint(n, >, 200);
        for (unsigned i = 0; i < n; i++) {
                OmpLive l = live(air, i);

                g_assert_cmpuint(l.sequence, ==, i);
                g_assert_cmpint(l.force_peak_mn, >=, l.force_mean_mn);
                if (l.flags & OMP_LIVE_MOTOR && l.strokes > 10)
                        g_assert_cmpuint((uint16_t) (l.tick - l.last_stroke), <=, 200); /* 20 ms */
                if (i == 0)
                        continue;
                g_assert_cmpuint(l.tick - live(air, i - 1).tick, ==, 1000);
                g_assert_cmpuint(l.strokes, >=, live(air, i - 1).strokes);
                if (l.flags & OMP_LIVE_MOTOR && live(air, i - 1).flags & OMP_LIVE_MOTOR && i > 20) {
                        g_assert_cmpuint(l.rate_per_min, >=, 50 * 60);
                        g_assert_cmpuint(l.rate_per_min, <=, 150 * 60);
                }
        }
        air_free(air);
}

/* "Sent in ready, running and paused; not in standby, idle" */
static void test_live_in_ready_running_paused_only(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = air_new(&config, 247);
        unsigned n;

        subscribe_all(air);
        air_run(air, 10 * SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, 0);
        g_assert_cmpuint(count(air, OMP_CHAR_STATUS), ==, 1);

        peripheral_start(air->p);
        air_run(air, 500 * MSEC);
        n = count(air, OMP_CHAR_LIVE);
        g_assert_cmpuint(n, >=, 4);
        g_assert_cmpuint(status(air, count(air, OMP_CHAR_STATUS) - 1).state, ==, OMP_STATE_READY);
        g_assert_cmpuint(live(air, n - 1).flags & OMP_LIVE_SESSION, ==, 0);

        air_run(air, 60 * SEC);
        n = count(air, OMP_CHAR_LIVE);
        g_assert_cmpuint(status(air, count(air, OMP_CHAR_STATUS) - 1).state, ==, OMP_STATE_IDLE);
        air_run(air, 60 * SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, n);
        air_free(air);
}

/* The device leaves out optional fields until it fits; "a waveform in more, smaller packets: no sample is
 * left out". */
static void test_values_at_mtu_23(bool crc) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint64_t small = 0, large = 0;
        Air *air, *wide;

        config.crc = crc;
        config.waveform_hz = 500;
        air = procedure(&config, 23);
        wide = procedure(&config, 247);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, count(wide, OMP_CHAR_LIVE));
        for (unsigned i = 0; i < count(air, OMP_CHAR_LIVE); i++) {
                OmpLive a = live(air, i), b = live(wide, i);

                g_assert_cmpuint(a.flags & OMP_LIVE_PRESENCE, ==, crc ? 0 : OMP_LIVE_DEPTH);
                g_assert_cmpuint(a.flags & OMP_LIVE_CRC, ==, crc ? OMP_LIVE_CRC : 0);
                g_assert_cmpuint(b.flags & OMP_LIVE_PRESENCE, ==, 0x77);
                g_assert_cmpint(a.force_mean_mn, ==, b.force_mean_mn);
        }

        for (unsigned i = 0; i < count(wide, OMP_CHAR_WAVEFORM); i++)
                large += waveform(wide, i).n;
        for (unsigned i = 0; i < count(air, OMP_CHAR_WAVEFORM); i++) {
                OmpWaveform w = waveform(air, i);

                g_assert_cmpuint(w.sequence, ==, i);
                g_assert_cmpuint(w.n, <=, crc ? 4 : 5);
                small += w.n;
        }
        g_assert_cmpuint(small, ==, large);
        air_free(air);
        air_free(wide);
}

static void test_values_at_mtu_23_plain(void) {
        test_values_at_mtu_23(false);
}

static void test_values_at_mtu_23_crc(void) {
        test_values_at_mtu_23(true);
}

/* Batches of 50 by default; each begins where the last one ended; what is left at the end is sent too. */
static void test_waveform_is_without_gaps(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint64_t samples = 0;
        Air *air;
        unsigned n;

        config.waveform_hz = 1000;
        air = procedure(&config, 247);
        n = count(air, OMP_CHAR_WAVEFORM);
        for (unsigned i = 0; i < n; i++) {
                OmpWaveform w = waveform(air, i);

                g_assert_cmpuint(w.period_usec, ==, 1000);
                g_assert_true(w.n == 50 || i == n - 1);
                if (i > 0)
                        g_assert_cmpuint(w.tick - waveform(air, i - 1).tick, ==, 50 * 10);
                samples += w.n;
        }
        /* as many as the Live intervals were long, up to the last that was not full */
        g_assert_cmpuint(samples / 100, ==, count(air, OMP_CHAR_LIVE));
        air_free(air);
}

/* "No notification before the CCCD write"; "It starts at 0 with the first packet after its CCCD is enabled
 * (Event: runs on)"; "only 0→1 restarts a stream". */
static void test_cccd_restarts_a_stream(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = air_new(&config, 247);
        uint16_t last_event;
        unsigned n;

        peripheral_start(air->p);
        air_run(air, 3 * SEC);
        g_assert_cmpuint(air->all->len, ==, 0);

        subscribe_all(air);
        air_run(air, 2 * SEC);
        n = count(air, OMP_CHAR_LIVE);
        g_assert_cmpuint(live(air, 0).sequence, ==, 0);
        g_assert_cmpuint(live(air, n - 1).sequence, ==, n - 1);

        peripheral_subscribe(air->p, OMP_CHAR_LIVE, true); /* 1→1 */
        air_run(air, SEC);
        g_assert_cmpuint(live(air, n).sequence, ==, n);

        last_event = event(air, count(air, OMP_CHAR_EVENT) - 1).sequence;
        n = count(air, OMP_CHAR_EVENT);
        peripheral_disconnected(air->p);
        g_assert_false(peripheral_subscribed(air->p, OMP_CHAR_LIVE));
        peripheral_set_value_max(air->p, air->value_max);
        g_ptr_array_set_size(air->values[OMP_CHAR_LIVE], 0);
        air_run(air, 5 * SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, 0);
        g_assert_true(peripheral_running(air->p)); /* "the hand does not know" */

        subscribe_all(air);
        air_run(air, SEC);
        g_assert_cmpuint(live(air, 0).sequence, ==, 0);
        /* what happened meanwhile: "oldest first, b3 set, with their own numbers" */
        g_assert_cmpuint(count(air, OMP_CHAR_EVENT), >, n);
        g_assert_true(event(air, n).replayed);
        g_assert_cmpuint(event(air, n).sequence, ==, (uint16_t) (last_event + 1));
        air_free(air);
}

static void test_at_most_16_events_are_replayed(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint16_t first;
        Air *air;

        config.procedure_usec = 60 * SEC;
        air = air_new(&config, 247);
        peripheral_start(air->p);
        air_run(air, 100 * SEC);
        peripheral_subscribe(air->p, OMP_CHAR_EVENT, true);
        air_run(air, SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_EVENT), ==, 16);
        first = event(air, 0).sequence;
        g_assert_cmpuint(first, >, 0);
        for (unsigned i = 0; i < 16; i++) {
                g_assert_true(event(air, i).replayed);
                g_assert_cmpuint(event(air, i).sequence, ==, first + i);
        }
        air_free(air);
}

/* "Notified once within 100 ms after the CCCD write is answered, then on change, at most once a second" */
static void test_status_at_most_once_a_second(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = air_new(&config, 247);
        uint64_t end;
        unsigned n;

        air_run(air, 12345 * MSEC);
        peripheral_subscribe(air->p, OMP_CHAR_STATUS, true);
        air_run(air, 100 * MSEC);
        g_assert_cmpuint(count(air, OMP_CHAR_STATUS), ==, 1);
        air_run(air, 30 * SEC); /* nothing changes */
        g_assert_cmpuint(count(air, OMP_CHAR_STATUS), ==, 1);
        g_assert_cmpuint(peripheral_next(air->p), ==, UINT64_MAX);

        peripheral_start(air->p);
        end = air->now_usec + 60 * SEC;
        n = count(air, OMP_CHAR_STATUS);
        while (air->now_usec < end) {
                air_run(air, SEC - MSEC);
                g_assert_cmpuint(count(air, OMP_CHAR_STATUS) - n, <=, 1);
                n = count(air, OMP_CHAR_STATUS);
        }
        g_assert_cmpuint(n, >, 15);
        g_assert_cmpuint(status(air, n - 1).state, ==, OMP_STATE_IDLE);
        g_assert_cmpuint(status(air, n - 1).session_id, ==, 0);
        air_free(air);
}

/* Session start and end, motor, contact and overpressure: each begins before it ends, with numbers one after
 * the other. */
static void test_events_of_a_procedure(OmpKind kind) {
        PeripheralConfig config = config_of(kind);
        unsigned seen[256] = {}, over = 0, contact = 0;
        bool is_over = false, in_session = false;
        Air *air;

        config.procedure_usec = 60 * SEC;
        air = air_new(&config, 247);
        subscribe_all(air);
        peripheral_start(air->p);
        air_run(air, 100 * SEC);
        for (unsigned i = 0; i < count(air, OMP_CHAR_EVENT); i++) {
                OmpEvent e = event(air, i);

                g_assert_cmpuint(e.sequence, ==, i);
                g_assert_false(e.replayed);
                seen[e.code]++;
                if (e.code == OMP_EVENT_OVERPRESSURE) {
                        g_assert_true(e.asserted != is_over);
                        is_over = e.asserted;
                        over += e.asserted;
                        if (e.asserted)
                                g_assert_cmpint(e.value, >, kind == OMP_KIND_PEN ? 3000 : 5000);
                        else
                                g_assert_cmpint(e.value, <, kind == OMP_KIND_PEN ? 2500 : 4500);
                } else
                        g_assert_true(e.asserted); /* "Instant events have b2 set" */
                if (e.code == OMP_EVENT_SESSION_START || e.code == OMP_EVENT_SESSION_END) {
                        g_assert_true(in_session == (e.code == OMP_EVENT_SESSION_END));
                        in_session = !in_session;
                        g_assert_cmpint(e.value, ==, 1);
                }
                if (e.code == OMP_EVENT_CONTACT)
                        g_assert_true((e.value > 0) == (contact++ % 2 == 0)); /* "03 end have value 0" */
        }
        g_assert_cmpuint(seen[OMP_EVENT_SESSION_START], ==, 1);
        g_assert_cmpuint(seen[OMP_EVENT_SESSION_END], ==, 1);
        g_assert_cmpuint(seen[OMP_EVENT_MOTOR], ==, kind == OMP_KIND_PEN ? 4 : 0); /* on, pause, on, off */
        g_assert_cmpuint(over, >=, 1);
        g_assert_false(is_over);
        g_assert_false(in_session);
        g_assert_cmpuint(contact % 2, ==, 0);
        air_free(air);
}

static void test_events_of_a_pen(void) {
        test_events_of_a_procedure(OMP_KIND_PEN);
}

static void test_events_of_a_roller(void) {
        test_events_of_a_procedure(OMP_KIND_ROLLER);
}

static OmpFeature feature(const PeripheralConfig *config, uint8_t octets[21]) {
        Air *air = air_new(config, 247);
        OmpFeature f;

        g_assert_cmpint(peripheral_read(air->p, OMP_CHAR_FEATURE, octets, 21), ==, 21);
        g_assert_cmpint(omp_feature_decode(octets, 21, &f), ==, 0);
        air_free(air);
        return f;
}

/* "pen 2" and "roller" of the profile's examples. */
static void test_feature_says_what_is_there(void) {
        static const uint8_t pen[] = { 0x01, 0x00, 0xff, 0x7e, 0x0b, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                       0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0x73, 0x9a };
        static const uint8_t roller[] = { 0x01, 0x00, 0x8d, 0x3f, 0x08, 0x00, 0x01, 0xc0, 0x00, 0x30, 0x75,
                                          0x00, 0x00, 0xc8, 0x00, 0xfa, 0x00, 0x32, 0x00, 0x3b, 0xcd };
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint8_t buf[21];

        g_assert_true(feature(&config, buf).bits & OMP_FEATURE_REMOTE_STOP);
        config.crc = true;
        (void) feature(&config, buf);
        g_assert_cmpmem(buf, sizeof(buf), pen, sizeof(pen));
        config.capacity = 0;
        g_assert_false(feature(&config, buf).bits & (OMP_FEATURE_STORED_SESSIONS | OMP_FEATURE_TRACE));

        config = config_of(OMP_KIND_ROLLER);
        config.crc = true;
        (void) feature(&config, buf);
        g_assert_cmpmem(buf, sizeof(buf), roller, sizeof(roller));
}

/* 1.2: what can be read, and how long it is */
static void test_only_readable_values_are_read(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint8_t buf[OMP_VALUE_MAX];
        Air *air;

        config.crc = true;
        air = air_new(&config, 247);
        g_assert_cmpint(peripheral_read(air->p, OMP_CHAR_STATUS, buf, sizeof(buf)), ==, 20);
        g_assert_cmpint(peripheral_read(air->p, OMP_CHAR_CLOCK, buf, sizeof(buf)), ==, 13);
        g_assert_cmpint(peripheral_read(air->p, OMP_CHAR_LIVE, buf, sizeof(buf)), ==, -0x02);
        g_assert_cmpint(peripheral_write(air->p, OMP_CHAR_LIVE, buf, 1), ==, -0x03);
        air_free(air);
}

/* "+1 per packet sent or dropped by the device, so that gaps are loss anywhere" */
static void test_refused_values_use_up_numbers(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = air_new(&config, 247);
        const PeripheralCounters *c = peripheral_counters(air->p);
        unsigned before;

        subscribe_all(air);
        peripheral_start(air->p);
        air_run(air, 5 * SEC);
        before = count(air, OMP_CHAR_LIVE);
        air->full = true;
        air_run(air, SEC);
        air->full = false;
        air_run(air, SEC);
        g_assert_cmpuint(c->refused[OMP_CHAR_LIVE], ==, 10);
        g_assert_cmpuint(c->sent[OMP_CHAR_LIVE] - c->refused[OMP_CHAR_LIVE], ==, count(air, OMP_CHAR_LIVE));
        g_assert_cmpuint(live(air, before).sequence, ==, live(air, before - 1).sequence + 11);
        air_free(air);
}

/* Exactly so many, never more than the time that went by, in portions of 20 ms after a stall. */
static void test_flood_is_exact(unsigned size, bool crc) {
        static const uint64_t steps[] = { 200, 1000, 37, 5000, 100000, 1, 12345 };
        unsigned before, turns = 0;
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        uint64_t began, got;
        Air *air;

        config.flood_hz = 5000;
        config.flood_count = 20000;
        config.flood_size = size;
        config.crc = crc;
        air = air_new(&config, 247);
        air_run(air, 10 * SEC);
        g_assert_cmpuint(air->all->len, ==, 0); /* nobody listens */
        peripheral_subscribe(air->p, OMP_CHAR_LIVE, true);
        began = air->now_usec;
        peripheral_advance(air->p, began);
        for (unsigned i = 0; air->now_usec < began + 5 * SEC; i++) {
                air->now_usec += steps[i % G_N_ELEMENTS(steps)];
                do {
                        before = count(air, OMP_CHAR_LIVE);
                        peripheral_advance(air->p, air->now_usec);
                        g_assert_cmpuint(count(air, OMP_CHAR_LIVE) - before, <=, 100);
                        got = MIN((air->now_usec - began) * 5000 / SEC, 20000);
                        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), <=, got);
                        air->now_usec += count(air, OMP_CHAR_LIVE) < got ? 2000 : 0;
                        turns++;
                } while (count(air, OMP_CHAR_LIVE) < got);
        }
        g_assert_cmpuint(turns, >, 7 * 4);

        for (unsigned i = 0; i < 20000; i++) {
                OmpLive l = live(air, i);
                size_t n;

                (void) value(air, OMP_CHAR_LIVE, i, &n);
                g_assert_cmpuint(n, ==, size);
                g_assert_cmpuint(l.sequence, ==, i);
                g_assert_cmpuint(l.flags & OMP_LIVE_CRC, ==, crc ? OMP_LIVE_CRC : 0);
                if (i > 0)
                        g_assert_cmpuint(l.tick - live(air, i - 1).tick, ==, 2);
        }
        g_assert_false(peripheral_running(air->p));
        g_assert_cmpuint(peripheral_next(air->p), ==, UINT64_MAX);
        air_free(air);
}

static void test_flood_20(void) {
        test_flood_is_exact(20, false);
}

static void test_flood_60_crc(void) {
        test_flood_is_exact(60, true);
}

static void test_flood_244(void) {
        test_flood_is_exact(244, false);
}

static void test_flood_20_crc(void) {
        test_flood_is_exact(20, true);
}

static void test_flood_goes_on_for_the_next_listener(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air;

        config.flood_hz = 100;
        config.flood_count = 200;
        air = air_new(&config, 247);
        subscribe_all(air);
        air_run(air, 500 * MSEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, 50);
        peripheral_disconnected(air->p);
        peripheral_set_value_max(air->p, air->value_max);
        air_run(air, 10 * SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, 50);
        subscribe_all(air);
        air_run(air, 10 * SEC);
        g_assert_cmpuint(count(air, OMP_CHAR_LIVE), ==, 200);
        g_assert_cmpuint(live(air, 50).sequence, ==, 0);
        g_assert_cmpuint(event(air, count(air, OMP_CHAR_EVENT) - 1).code, ==, OMP_EVENT_SESSION_END);
        air_free(air);
}

/* The same device seconds in a twentieth of the time. */
static void test_speed(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *slow = procedure(&config, 247), *fast;

        config.speed = 20;
        fast = air_new(&config, 247);
        subscribe_all(fast);
        peripheral_start(fast->p);
        air_run(fast, 3 * SEC);
        g_assert_false(peripheral_running(fast->p));
        g_assert_cmpint(abs((int) count(fast, OMP_CHAR_LIVE) - (int) count(slow, OMP_CHAR_LIVE)), <=, 1);
        air_free(slow);
        air_free(fast);
}

static void test_auto_start_a_second_after_live(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air;

        config.auto_start = true;
        air = air_new(&config, 247);
        peripheral_subscribe(air->p, OMP_CHAR_STATUS, true);
        air_run(air, 5 * SEC);
        g_assert_false(peripheral_running(air->p));
        peripheral_subscribe(air->p, OMP_CHAR_LIVE, true);
        air_run(air, 990 * MSEC);
        g_assert_false(peripheral_running(air->p));
        air_run(air, 20 * MSEC);
        g_assert_true(peripheral_running(air->p));
        g_assert_cmpuint(air->advertisements, ==, 1);
        air_free(air);
}

static void test_mischief_beside_good_values(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN);
        Air *air = air_new(&config, 247);
        unsigned bad = 0, empty = 0, twice = 0, good = 0;
        uint16_t expected = 0;

        g_assert_cmpint(peripheral_control(air->p, "start", NULL), ==, 0);
        g_assert_cmpint(peripheral_control(air->p, "malformed", "8"), ==, 0);
        g_assert_cmpint(peripheral_control(air->p, "empty", "2"), ==, 0);
        g_assert_cmpint(peripheral_control(air->p, "duplicate", "3"), ==, 0);
        g_assert_cmpint(peripheral_control(air->p, "empty", "many"), ==, -22);
        g_assert_cmpint(peripheral_control(air->p, "duplicate", NULL), ==, -22);
        g_assert_cmpint(peripheral_control(air->p, "drop", NULL), ==, -2);
        peripheral_subscribe(air->p, OMP_CHAR_LIVE, true);
        air_run(air, 5 * SEC);
        for (unsigned i = 0; i < count(air, OMP_CHAR_LIVE); i++) {
                OmpLive l;
                size_t n;
                const uint8_t *data = value(air, OMP_CHAR_LIVE, i, &n);

                if (n == 0)
                        empty++;
                else if (omp_live_decode(data, n, &l) < 0)
                        bad++;
                else if (l.sequence == expected) {
                        expected++;
                        good++;
                } else
                        twice++;
        }
        g_assert_cmpuint(bad, ==, 8);
        g_assert_cmpuint(empty, ==, 2);
        g_assert_cmpuint(twice, ==, 3);
        g_assert_cmpuint(good, ==, peripheral_counters(air->p)->sent[OMP_CHAR_LIVE]);
        g_assert_cmpuint(peripheral_counters(air->p)->extra[OMP_CHAR_LIVE], ==, 13);
        air_free(air);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/peripheral/same-seed-same-octets", test_same_seed_same_octets);
        g_test_add_func("/peripheral/live-numbers-and-ticks", test_live_numbers_and_ticks);
        g_test_add_func("/peripheral/live-in-ready-running-paused-only",
                        test_live_in_ready_running_paused_only);
        g_test_add_func("/peripheral/values-at-mtu-23", test_values_at_mtu_23_plain);
        g_test_add_func("/peripheral/values-at-mtu-23-crc", test_values_at_mtu_23_crc);
        g_test_add_func("/peripheral/waveform-is-without-gaps", test_waveform_is_without_gaps);
        g_test_add_func("/peripheral/cccd-restarts-a-stream", test_cccd_restarts_a_stream);
        g_test_add_func("/peripheral/at-most-16-events-are-replayed", test_at_most_16_events_are_replayed);
        g_test_add_func("/peripheral/status-at-most-once-a-second", test_status_at_most_once_a_second);
        g_test_add_func("/peripheral/events-of-a-pen", test_events_of_a_pen);
        g_test_add_func("/peripheral/events-of-a-roller", test_events_of_a_roller);
        g_test_add_func("/peripheral/feature-says-what-is-there", test_feature_says_what_is_there);
        g_test_add_func("/peripheral/only-readable-values-are-read", test_only_readable_values_are_read);
        g_test_add_func("/peripheral/refused-values-use-up-numbers", test_refused_values_use_up_numbers);
        g_test_add_func("/peripheral/flood-20", test_flood_20);
        g_test_add_func("/peripheral/flood-20-crc", test_flood_20_crc);
        g_test_add_func("/peripheral/flood-60-crc", test_flood_60_crc);
        g_test_add_func("/peripheral/flood-244", test_flood_244);
        g_test_add_func("/peripheral/flood-goes-on-for-the-next-listener",
                        test_flood_goes_on_for_the_next_listener);
        g_test_add_func("/peripheral/speed", test_speed);
        g_test_add_func("/peripheral/auto-start-a-second-after-live", test_auto_start_a_second_after_live);
        g_test_add_func("/peripheral/mischief-beside-good-values", test_mischief_beside_good_values);
        return g_test_run();
}
