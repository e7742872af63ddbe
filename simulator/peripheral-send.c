/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "peripheral-omp.h"

/* After a stall of the host the load is caught up in portions, with a breath between them for whoever reads:
 * a radio never delivers half a second of values at once, and bluetoothd's socket would not hold them. */
#define FLOOD_PORTION_USEC 20000u
#define FLOOD_PORTION_MIN 32u
#define FLOOD_PORTION_MAX 128u          /* the socket holds 167 to 278 */
#define FLOOD_BREATH_USEC 2000u
#define FLAT_OUT_VALUES 8192u           /* of one turn of the loop */
#define FLAT_OUT_TRIES 8192u

static void send_extra(OmpPeripheral *p, OmpChar c, const uint8_t *data, size_t size) {
        if (p->base.ops->notify(c, data, size, p->base.userdata) == PERIPHERAL_SENT)
                p->base.counters.extra[c]++;
}

/* Each is undecodable by itself: too short for its fixed fields, for the fields that it announces, or with a
 * wrong CRC. */
static void send_malformed(OmpPeripheral *p, const uint8_t *data, size_t size) {
        uint8_t bad[20] = {};

        memcpy(bad, data, MIN(size, sizeof(bad)));
        switch (p->mischief.turn++ % 4) {
        case 0:
                send_extra(p, OMP_CHAR_LIVE, bad, 17);
                break;
        case 1:
                send_extra(p, OMP_CHAR_LIVE, bad, 1);
                break;
        case 2:
                bad[0] = OMP_LIVE_PRESENCE;
                send_extra(p, OMP_CHAR_LIVE, bad, 18);
                break;
        case 3: {
                uint16_t crc;

                bad[0] = 0;
                bad[1] |= OMP_LIVE_CRC >> 8;
                crc = (uint16_t) ~omp_crc16(bad, 18);
                bad[18] = (uint8_t) crc;
                bad[19] = (uint8_t) (crc >> 8);
                send_extra(p, OMP_CHAR_LIVE, bad, 20);
                break;
        }
        }
}

static void send_one_event(OmpPeripheral *p, const OmpEvent *event) {
        uint8_t buf[16];
        int n = omp_event_encode(event, buf, MIN(sizeof(buf), p->base.value_max));

        if (n > 0)
                (void) peripheral_send(&p->base, OMP_CHAR_EVENT, buf, (size_t) n);
}

static void flood_begin(OmpPeripheral *p, uint64_t now_usec) {
        p->flooding = true;
        p->flood_from_usec = now_usec;
        p->flood_from_sent = p->flood_sent;
        p->flood_from_device_usec = p->device_usec;
        if (!p->session)
                measure_begin_session(p);
        p->contact = true;
        measure_set_state(p, OMP_STATE_RUNNING);
}

static void flood_end(OmpPeripheral *p) {
        p->flooding = false;
        p->contact = false;
        measure_end_session(p);
        measure_set_state(p, OMP_STATE_IDLE);
}

/* Just before it goes: what a reader compares with its own clock. */
static void put_stamp(uint8_t *at) {
        struct timespec now;
        uint64_t nsec;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        nsec = GUINT64_TO_LE((uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec);
        memcpy(at, &nsec, sizeof(nsec));
}

/* A plausible value without a model, "padded as a later minor version would append": octets after the known
 * fields, the CRC last. */
static void flood_value(OmpPeripheral *p) {
        uint64_t k = p->flood_sent;
        OmpLive live = {
                .flags = OMP_LIVE_DEPTH | OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_SESSION,
                .sequence = p->sequence[OMP_CHAR_LIVE]++,
                .force_mean_mn = (int16_t) (800 + k % 101), .force_peak_mn = (int16_t) (1300 + k % 131),
                .depth_um = p->depth_um,
        };
        uint8_t buf[OMP_VALUE_MAX] = {};
        size_t size = MIN(MAX(p->config.flood_size, 20u), p->base.value_max);
        uint16_t crc;

        p->device_usec = p->flood_from_device_usec + (uint64_t) ((double) (k - p->flood_from_sent) * 1e6 /
                                                                 p->config.flood_hz * p->config.speed);
        p->base.counters.strokes =
                p->session_strokes + (k + 1) * (p->model.set_point_per_min + 1) / 60 / p->config.flood_hz;
        p->last_stroke_usec = p->device_usec;
        live.tick = tick_of(p->device_usec);
        live.strokes = (uint32_t) p->base.counters.strokes;
        live.last_stroke = (uint16_t) live.tick;
        if (p->config.crc && size < 22)
                live.flags &= (uint16_t) ~OMP_LIVE_DEPTH;

        if (omp_live_encode(&live, buf, sizeof(buf)) < 0)
                return;
        if (p->config.flood_stamp)
                put_stamp(buf + size - (p->config.crc ? 2 : 0) - sizeof(uint64_t));
        if (p->config.crc) {
                buf[1] |= OMP_LIVE_CRC >> 8;
                crc = omp_crc16(buf, size - 2);
                buf[size - 2] = (uint8_t) crc;
                buf[size - 1] = (uint8_t) (crc >> 8);
        }

        p->flood_sent++;
        send_live(p, buf, size);
}

void send_live(OmpPeripheral *p, const uint8_t *data, size_t size) {
        Mischief *m = &p->mischief;

        (void) peripheral_send(&p->base, OMP_CHAR_LIVE, data, size);
        if (m->malformed > 0) {
                m->malformed--;
                send_malformed(p, data, size);
        }
        if (m->empty > 0) {
                m->empty--;
                send_extra(p, OMP_CHAR_LIVE, data, 0);
        }
        if (m->duplicate > 0) {
                m->duplicate--;
                send_extra(p, OMP_CHAR_LIVE, data, size);
        }
}

/* "Event: runs on since boot, also while nobody listens" */
void send_event(OmpPeripheral *p, uint8_t code, OmpSeverity severity, bool asserted, int32_t value) {
        OmpEvent event = {
                .code = code,
                .severity = severity,
                .asserted = asserted,
                .crc = p->config.crc,
                .value = value,
                .sequence = p->sequence[OMP_CHAR_EVENT]++,
                .tick = tick_of(p->device_usec),
        };

        if (p->subscribed[OMP_CHAR_EVENT]) {
                send_one_event(p, &event);
                return;
        }

        event.replayed = true;
        if (p->n_replay == REPLAY_MAX) {
                memmove(p->replay, p->replay + 1, sizeof(p->replay[0]) * (REPLAY_MAX - 1));
                p->n_replay--;
        }
        p->replay[p->n_replay++] = event;
}

void send_replay(OmpPeripheral *p) {
        for (unsigned i = 0; i < p->n_replay; i++)
                send_one_event(p, p->replay + i);
        p->n_replay = 0;
}

static unsigned burst_of(const OmpPeripheral *p) {
        return MAX(p->config.flood_burst, 1u);
}

/* What the carrier had no room for was not sent, and is tried again at once: a timer would come when the reader has long been idle. In between
 * comes whatever else the loop has to do. */
static void send_flat_out(OmpPeripheral *p) {
        PeripheralCounters *counters = &p->base.counters;
        uint64_t refused = counters->refused[OMP_CHAR_LIVE];

        for (unsigned i = 0, tries = 0; i < FLAT_OUT_VALUES && tries < FLAT_OUT_TRIES && send_flood_wanted(p); i++) {
                flood_value(p);
                if (counters->refused[OMP_CHAR_LIVE] == refused)
                        continue;
                counters->refused[OMP_CHAR_LIVE]--;
                counters->sent[OMP_CHAR_LIVE]--;
                p->sequence[OMP_CHAR_LIVE]--;
                p->flood_sent--;
                tries++;
                (void) sched_yield();
        }
        if (p->config.flood_count > 0 && p->flood_sent >= p->config.flood_count)
                flood_end(p);
}

bool send_flood_wanted(const OmpPeripheral *p) {
        return p->config.flood_hz > 0 && p->subscribed[OMP_CHAR_LIVE] &&
               (p->config.flood_count == 0 || p->flood_sent < p->config.flood_count);
}

void send_flood(OmpPeripheral *p, uint64_t now_usec) {
        uint64_t due, portion = (uint64_t) p->config.flood_hz * FLOOD_PORTION_USEC / USEC_PER_SEC;

        if (!p->flooding)
                flood_begin(p, now_usec);
        if (p->config.flood_flat_out) {
                send_flat_out(p);
                return;
        }

        due = (uint64_t) ((double) (now_usec - p->flood_from_usec) * p->config.flood_hz / 1e6);
        due = p->flood_from_sent + due - due % burst_of(p);
        if (p->config.flood_count > 0)
                due = MIN(due, p->config.flood_count);
        portion = CLAMP(portion, FLOOD_PORTION_MIN, FLOOD_PORTION_MAX);
        p->flood_breath_usec = due > p->flood_sent + portion ? now_usec + FLOOD_BREATH_USEC : 0;
        due = MIN(due, p->flood_sent + portion);
        while (p->flood_sent < due)
                flood_value(p);
        if (p->config.flood_count > 0 && p->flood_sent >= p->config.flood_count)
                flood_end(p);
}

uint64_t send_flood_next(const OmpPeripheral *p) {
        uint64_t next = p->flood_sent - p->flood_from_sent;

        if (p->config.flood_flat_out)
                return 0;
        next += burst_of(p) - next % burst_of(p);

        return MAX(p->flood_breath_usec,
                   p->flood_from_usec + (uint64_t) ceil((double) next * 1e6 / p->config.flood_hz));
}
