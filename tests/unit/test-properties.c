/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "talk.h"

/* What holds of every session, whatever the radio and the device do. Each seed is a conversation of its own; talk.c replays it at its end and
 * compares the figures bit for bit. */

#define SEEDS 2000u
#define STEPS 100u
#define HELD_MAX 24u                    /* packets on their way */
#define LATE_MAX 60u                    /* numbers: what is later than 64 is a stream that has begun anew (1.1 Sequences) */
#define NEAR_TICKS 30000u               /* 3 s; a reboot is 2 s off (1.1 Reboot) */
#define STREAMS 3u                      /* live, waveform, event */

typedef struct Parcel {                 /* a packet on its way */
        unsigned stream;
        uint8_t data[64];
        size_t size;
        uint16_t sequence;
        uint64_t link;                  /* the connection that it was sent over */
        uint64_t counted;               /* by the device, until it was sent */
} Parcel;

typedef struct Air {
        GRand *rand;
        Talk *talk;
        Parcel held[HELD_MAX];
        unsigned n_held;
        uint64_t link;

        uint32_t strokes, boot_tick;    /* the device's own counters */
        uint64_t counted, counted_before; /* strokes in all; as told by the first value that came */
        bool counting;
        uint64_t stalled_until_usec;    /* the loop is held up, and reads later what waited */
        uint16_t next[STREAMS];
        unsigned trouble;               /* in 100 */

        struct {                        /* of this connection, as an accountant would keep it */
                bool begun;
                int64_t first, last;    /* numbers that came, extended */
                uint64_t came;
                GHashTable *seen;
        } book[STREAMS];
        uint64_t sent_between[STREAMS], came[STREAMS]; /* of all connections: from each's first that came to its last */
} Air;

static bool chance(Air *air, unsigned in_100) {
        return g_rand_int_range(air->rand, 0, 100) < (gint32) in_100;
}

static void close_books(Air *air) {
        for (unsigned i = 0; i < STREAMS; i++) {
                if (air->book[i].begun) {
                        air->sent_between[i] += (uint64_t) (air->book[i].last - air->book[i].first + 1);
                        air->came[i] += air->book[i].came;
                        air->book[i].begun = false;
                }
                g_hash_table_remove_all(air->book[i].seen);
                air->book[i].came = 0;
        }
}

static void write_book(Air *air, const Parcel *p) {
        int64_t number;

        if (!air->book[p->stream].begun) {
                air->book[p->stream].begun = true;
                air->book[p->stream].first = air->book[p->stream].last = p->sequence;
        }
        number = air->book[p->stream].last + (int16_t) (p->sequence - (uint16_t) air->book[p->stream].last);
        if (number < air->book[p->stream].first) /* from before the first: nobody missed it */
                return;
        if (g_hash_table_add(air->book[p->stream].seen, GINT_TO_POINTER((gint) number + 1)))
                air->book[p->stream].came++;
        air->book[p->stream].last = MAX(air->book[p->stream].last, number);
}

static int64_t strokes(const Air *air) {
        return (int64_t) tally_strokes(&session(air->talk)->tally);
}

static void deliver(Air *air, const Parcel *p) {
        static const uint8_t channels[STREAMS] = { OMP_CHAR_LIVE, OMP_CHAR_WAVEFORM, OMP_CHAR_EVENT };
        int64_t before = strokes(air);

        if (p->link != air->link)       /* a socket that is closed */
                return;
        write_book(air, p);
        raw(air->talk, channels[p->stream], FRAME_FROM_DEVICE, p->data, p->size);
        if (p->stream == 0 && !air->counting) {
                air->counting = true;
                air->counted_before = p->counted;
        }
        g_assert_cmpint(strokes(air), >=, before);
        g_assert_cmpint(strokes(air), <=, (int64_t) (air->counted - air->counted_before));
        g_string_truncate(air->talk->told, 0);
}

/* Over the air: on time, twice, later than others, or never. */
static void post(Air *air, const Parcel *p) {
        if (chance(air, air->trouble)) {
                if (chance(air, 50))
                        return;
                if (air->n_held < HELD_MAX && chance(air, 60)) {
                        air->held[air->n_held++] = *p;
                        return;
                }
                deliver(air, p);
        }
        deliver(air, p);
        while (air->n_held > 0 && chance(air, 40)) {
                unsigned i = (unsigned) g_rand_int_range(air->rand, 0, (gint32) air->n_held);
                Parcel late = air->held[i];

                air->held[i] = air->held[--air->n_held];
                if ((uint16_t) (air->next[late.stream] - late.sequence) <= LATE_MAX)
                        deliver(air, &late);
        }
}

static uint32_t device_tick(const Air *air) {
        return air->boot_tick + (uint32_t) ((air->talk->now_usec - air->talk->booted_usec) / OMP_TICK_USEC);
}

static void send_live(Air *air) {
        Parcel p = { .sequence = air->next[0]++, .link = air->link, .counted = air->counted };
        OmpLive l = { .flags = MOTOR | (chance(air, 80) ? CONTACT : LIFTED), .sequence = p.sequence, .tick = device_tick(air),
                      .force_mean_mn = (int16_t) g_rand_int_range(air->rand, -50, 6000), .strokes = air->strokes };

        l.force_peak_mn = (int16_t) (l.force_mean_mn + 200);
        l.last_stroke = (uint16_t) l.tick;
        if (chance(air, 30)) {
                l.flags |= OMP_LIVE_AREA;
                l.area = (uint8_t) g_rand_int_range(air->rand, 0, 256);
        }
        p.size = (size_t) omp_live_encode(&l, p.data, sizeof(p.data));
        post(air, &p);
}

static void send_waveform(Air *air) {
        Parcel p = { .stream = 1, .sequence = air->next[1]++, .link = air->link };
        OmpWaveform w = { .sequence = p.sequence, .tick = device_tick(air), .period_usec = 1000, .n = 5 };

        p.size = (size_t) omp_waveform_encode(&w, p.data, sizeof(p.data));
        post(air, &p);
}

static void send_event(Air *air) {
        static const uint8_t codes[] = { OMP_EVENT_OVERPRESSURE, OMP_EVENT_CONTACT, OMP_EVENT_BUTTON, OMP_EVENT_BATTERY_LOW,
                                         OMP_EVENT_CARTRIDGE_WORN, OMP_EVENT_CARTRIDGE_OUT, OMP_EVENT_CLOCK_LOST };
        Parcel p = { .stream = 2, .sequence = air->next[2]++, .link = air->link };
        OmpEvent e = { .code = codes[g_rand_int_range(air->rand, 0, G_N_ELEMENTS(codes))], .asserted = chance(air, 60), .sequence = p.sequence,
                       .tick = device_tick(air), .value = g_rand_int_range(air->rand, 0, 9000) };

        p.size = (size_t) omp_event_encode(&e, p.data, sizeof(p.data));
        post(air, &p);
}

static void subscribe(Air *air) {
        air->link++;
        air->n_held = 0;
        air->next[0] = air->next[1] = 0; /* the event's runs on */
        link_frame(air->talk, FRAME_LINK_UP);
        feature(air->talk, OMP_FEATURE_STROKES | OMP_FEATURE_CLOCK | (chance(air, 50) ? OMP_FEATURE_OVERPRESSURE : 0), 12);
}

/* The link goes for a while; the hand goes on, or the device begins anew. */
static void lose_link(Air *air) {
        unsigned grown = (unsigned) g_rand_int_range(air->rand, 0, 5000);

        close_books(air);
        link_frame(air->talk, chance(air, 50) ? FRAME_LINK_LOST : FRAME_LINK_SUSPENDED);
        air->talk->now_usec += (uint64_t) g_rand_int_range(air->rand, 3, 500) * SEC;
        tick(air->talk);
        /* Nobody can tell a wrap that falls on the same moment. */
        if (chance(air, 30) && device_tick(air) > NEAR_TICKS && device_tick(air) < UINT32_MAX - NEAR_TICKS) {
                air->talk->booted_usec = air->talk->now_usec;
                air->boot_tick = air->strokes = 0;
        }
        air->strokes += grown;
        air->counted += grown;
        subscribe(air);
        g_string_truncate(air->talk->told, 0);
}

static void say(Air *air) {
        static const char *const areas[] = { "nose", "chin", "hand", "unspecified" };

        switch (g_rand_int_range(air->rand, 0, 6)) {
        case 0:
                (void) pause_by_hand(air->talk);
                break;
        case 1:
                (void) unpause(air->talk);
                break;
        case 2:
                (void) set_area(air->talk, areas[g_rand_int_range(air->rand, 0, G_N_ELEMENTS(areas))]);
                break;
        case 3:
                (void) set_stage(air->talk, (Stage) g_rand_int_range(air->rand, 0, _STAGE_MAX));
                break;
        case 4:
                limits(air->talk, &(NoteLimits) { .overpressure_mn = g_rand_int_range(air->rand, 500, 6000), .hysteresis_mn = 300,
                                                  .zone_low_mn = 200, .zone_high_mn = 1500,
                                                  .time_limit_sec = (uint32_t) g_rand_int_range(air->rand, 0, 60) });
                break;
        default:
                (void) mark(air->talk, "here");
        }
}

static void step(Air *air) {
        unsigned grown = (unsigned) g_rand_int_range(air->rand, 0, 30);

        air->talk->now_usec += (uint64_t) g_rand_int_range(air->rand, 1, 200) * 1000;
        air->strokes += grown;
        air->counted += grown;
        /* Not over a reconnection: who reads the first value more than 2 s late takes the device for one that has begun anew (1.1 Reboot). */
        if (chance(air, 2) && air->book[0].begun)
                air->stalled_until_usec = air->talk->now_usec + (uint64_t) g_rand_int_range(air->rand, 0, 5000) * 1000;
        air->talk->held_up_usec = air->stalled_until_usec > air->talk->now_usec ? air->stalled_until_usec - air->talk->now_usec : 0;

        send_live(air);
        if (chance(air, 50))
                send_waveform(air);
        if (chance(air, 30))
                send_event(air);
        if (air->talk->held_up_usec > 0)
                return;
        if (chance(air, 5))
                say(air);
        if (chance(air, 20))
                tick(air->talk);
        if (chance(air, 2))
                lose_link(air);
}

static void check_loss(const Air *air, const Figures *f) {
        static const Figure lost[STREAMS] = { FIGURE_LOST_LIVE, FIGURE_LOST_WAVEFORM, FIGURE_LOST_EVENT };

        for (unsigned i = 0; i < STREAMS; i++)
                g_assert_cmpuint((figures_has(f, lost[i]) ? (uint64_t) f->value[lost[i]].i : 0) + air->came[i], ==,
                                 air->sent_between[i]);
}

static void one_seed(unsigned seed) {
        g_autoptr(Talk) talk = talk_with(&pen_limits, 15 * SEC);
        Air air = { .rand = g_rand_new_with_seed(seed), .talk = talk, .trouble = seed % 40 };

        for (unsigned i = 0; i < STREAMS; i++)
                air.book[i].seen = g_hash_table_new(NULL, NULL);
        talk->booted_usec = talk->now_usec;
        /* Near a wrap of either, often. */
        air.boot_tick = chance(&air, 50) ? UINT32_MAX - (uint32_t) g_rand_int_range(air.rand, 0, 100000)
                                         : g_rand_int(air.rand) / 2;
        air.strokes = chance(&air, 50) ? UINT32_MAX - (uint32_t) g_rand_int_range(air.rand, 0, 2000) : g_rand_int(air.rand) / 2;
        air.next[2] = (uint16_t) (65500 + seed % 36);

        begin_by_hand(talk);
        subscribe(&air);
        for (unsigned i = 0; i < STEPS; i++)
                step(&air);
        talk->now_usec += talk->held_up_usec;
        close_books(&air);
        stop(talk);
        check_loss(&air, &talk->figures);

        for (unsigned i = 0; i < STREAMS; i++)
                g_hash_table_unref(air.book[i].seen);
        g_rand_free(air.rand);
}

static void test_the_radio(void) {
        for (unsigned seed = 0; seed < SEEDS; seed++) {
                if (seed % 100 == 0)
                        g_test_message("seeds from %u on", seed);
                one_seed(seed);
        }
}

/* ---- A device that is mad ---- */

static void check_bounds(const Figures *f) {
        for (unsigned i = 0; i < _FIGURE_MAX; i++) {
                if (!figures_has(f, (Figure) i))
                        continue;
                if (figure_info[i].type == 'd')
                        g_assert_true(isfinite(f->value[i].d) && f->value[i].d >= 0);
                else if (figure_info[i].type != 'i' && figure_info[i].type != 'x')
                        g_assert_cmpint(f->value[i].i, >=, 0);
        }
        if (figures_has(f, FIGURE_FORCE_MEAN)) {
                g_assert_cmpint(f->value[FIGURE_FORCE_MEAN].i, >=, -INT16_MAX);
                g_assert_cmpint(f->value[FIGURE_FORCE_MEAN].i, <=, INT16_MAX);
        }
}

/* Counters that jump, run backwards and repeat, ticks of other epochs, forces out of range, areas that do not exist. */
static void test_a_device_that_is_mad(void) {
        for (unsigned seed = 0; seed < 500; seed++) {
                g_autoptr(Talk) talk = talk_with(&pen_limits, 15 * SEC);
                GRand *rand = g_rand_new_with_seed(seed);
                int64_t before = 0;

                feature(talk, g_rand_int(rand), 12);
                begin_by_hand(talk);
                for (unsigned i = 0; i < 100; i++) {
                        uint8_t buf[64];
                        OmpLive l = { .flags = (uint16_t) (g_rand_int(rand) & ~OMP_LIVE_SESSION),
                                      .sequence = (uint16_t) g_rand_int(rand), .tick = g_rand_int(rand),
                                      .force_mean_mn = (int16_t) g_rand_int(rand), .force_peak_mn = (int16_t) g_rand_int(rand),
                                      .strokes = g_rand_int(rand), .last_stroke = (uint16_t) g_rand_int(rand),
                                      .depth_um = (uint16_t) g_rand_int(rand), .distance_mm = g_rand_int(rand), .contact_ms = g_rand_int(rand),
                                      .area = (uint8_t) g_rand_int(rand), .passes = (uint16_t) g_rand_int(rand) };
                        int n = omp_live_encode(&l, buf, sizeof(buf));
                        Figures f;

                        talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 200000);
                        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) n);
                        session_figures(session(talk), talk->now_usec, &f);
                        check_bounds(&f);
                        if (figures_has(&f, FIGURE_STROKES)) {
                                g_assert_cmpint(f.value[FIGURE_STROKES].i, >=, before);
                                before = f.value[FIGURE_STROKES].i;
                        }
                }
                stop(talk);
                g_rand_free(rand);
        }
}

typedef struct Flood {
        uint64_t frames, events, alerts;
} Flood;

static void on_flood_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        ((Flood *) userdata)->frames++;
}

static void on_flood_event(Tracker *tracker, Session *s, const Frame *frame, const OmpEvent *event, void *userdata) {
        ((Flood *) userdata)->events++;
}

static void on_flood_alert(Tracker *tracker, Session *s, const Alert *alert, void *userdata) {
        ((Flood *) userdata)->alerts++;
}

/* 10,000 events a second for 10 s, each of which raises or clears: all are kept, few are told, and what comes between stays right. */
static void test_ten_thousand_events_a_second(void) {
        static const uint8_t codes[] = { OMP_EVENT_OVERPRESSURE, OMP_EVENT_BATTERY_LOW, OMP_EVENT_CARTRIDGE_WORN, OMP_EVENT_CARTRIDGE_REUSED,
                                         OMP_EVENT_CLOCK_LOST };
        const TrackerObserver observer = { .frame = on_flood_frame, .event = on_flood_event, .alert = on_flood_alert };
        Flood flood = { 0 };
        g_autoptr(Talk) talk = talk_new(NULL);

        talk->kept_from = 0;
        tracker_free(talk->tracker);
        talk->tracker = tracker_new(&talk_settings, &observer, &flood);
        begin_by_hand(talk);
        for (unsigned i = 0; i < 100000; i++) {
                uint8_t buf[16];
                OmpEvent e = { .code = codes[i / 2 % G_N_ELEMENTS(codes)], .asserted = i % 2 == 0, .sequence = (uint16_t) i, .value = 10 };
                int n = omp_event_encode(&e, buf, sizeof(buf));

                talk->now_usec += 100;
                raw(talk, OMP_CHAR_EVENT, FRAME_FROM_DEVICE, buf, (size_t) n);
                if (i % 1000 == 999) {
                        talk->now_usec -= SEC / 10;
                        use(talk, 1, 0);
                }
        }
        g_assert_cmpuint(flood.events, ==, 600);
        g_assert_cmpuint(flood.frames, ==, 100100);
        g_assert_cmpuint(flood.alerts, <=, 2 * G_N_ELEMENTS(codes) + 1); /* each once within its interval, and that events are left out */
        g_assert_cmpuint(alerts_count(&session(talk)->alerts), <=, ALERTS_KEPT);
        g_assert_cmpint(figure(talk, FIGURE_STROKES), ==, 99 * 12);
        g_assert_cmpint(figure(talk, FIGURE_LOST_EVENT), ==, 0);
        g_assert_cmpint(figure(talk, FIGURE_CONTACT_TIME), ==, 99 * 100000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/properties/the-radio", test_the_radio);
        g_test_add_func("/properties/a-device-that-is-mad", test_a_device_that_is_mad);
        g_test_add_func("/properties/ten-thousand-events-a-second", test_ten_thousand_events_a_second);
        return g_test_run();
}
