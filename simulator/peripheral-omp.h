/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The profile's own kind of device, and what its files share: peripheral-omp.c (its life, its time, its listeners),
 * peripheral-measure.c (from a sample to Live, Waveform, Status and events) and peripheral-send.c (sequence
 * numbers, replay, load, mischief). */

#include <glib.h>
#include <math.h>

#include "model.h"
#include "peripheral.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define REPLAY_MAX 16u                  /* "the events since the last connection, at most 16" */

/* What is gathered for one Live value. */
typedef struct Interval {
        double sum_mn;
        int32_t peak_mn;
        unsigned n, n_contact;
} Interval;

typedef struct Mischief {
        unsigned malformed, empty, duplicate; /* still to do */
        unsigned turn;          /* which way of being malformed comes next */
} Mischief;

typedef struct OmpPeripheral {
        Peripheral base;
        PeripheralChar chars[_OMP_CHAR_MAX];
        PeripheralConfig config;
        char *serial;

        bool subscribed[_OMP_CHAR_MAX]; /* the CCCDs in force since the last advance: a stream begins then */
        bool start_wanted, stop_wanted; /* likewise */
        uint16_t sequence[_OMP_CHAR_MAX];
        Mischief mischief;

        bool started;           /* advance was called */
        uint64_t host_first_usec;
        uint64_t device_usec;   /* since boot, as far as we have come */
        uint64_t sample_usec;   /* end of the sample that comes next */
        unsigned sample_period_usec;

        Model model;
        ModelPhase phase;       /* what the model's was after the last sample */
        OmpState state;
        uint64_t auto_start_usec; /* device time, 0: not armed */

        uint32_t session_id;    /* of the session that runs or ran last */
        bool session;
        uint64_t session_usec;  /* its beginning */
        uint32_t session_strokes;

        double smooth_mn;
        bool contact, over;
        uint64_t contact_usec;  /* cumulative */
        uint16_t depth_um;
        unsigned battery_told;  /* 0 nothing, 1 low, 2 critical */
        uint64_t last_stroke_usec;

        Interval interval;
        uint64_t live_due_usec;
        uint32_t rate_strokes;  /* strokes and time of the last one at the Live value before */
        uint64_t rate_usec;
        uint16_t rate_per_min;

        OmpWaveform waveform;   /* being filled */
        unsigned waveform_every; /* a sample of it is the mean of so many of the sensor's */
        double waveform_sum;
        unsigned waveform_n;

        uint64_t status_due_usec;
        uint8_t status_sent[32];
        int status_size;

        OmpEvent replay[REPLAY_MAX]; /* happened while nobody listened */
        unsigned n_replay;

        bool flooding;          /* sending, and session_id is its session */
        uint64_t flood_sent;
        uint64_t flood_from_usec; /* host time from which flood_from_sent counts */
        uint64_t flood_from_sent;
        uint64_t flood_from_device_usec;
        uint64_t flood_breath_usec; /* host time before which the next portion is not sent, 0: all is sent */
} OmpPeripheral;

/* Values are little; they stand here for all three. */
static inline uint32_t tick_of(uint64_t device_usec) {
        return (uint32_t) (device_usec / OMP_TICK_USEC);
}

static inline int16_t clamp_mn(double mn) {
        return (int16_t) CLAMP(lrint(mn), -INT16_MAX, INT16_MAX);
}

static inline bool is_roller(const OmpPeripheral *p) {
        return p->config.kind == OMP_KIND_ROLLER;
}

/* "Sent in ready, running and paused" */
static inline bool state_measures(OmpState state) {
        return state == OMP_STATE_READY || state == OMP_STATE_RUNNING || state == OMP_STATE_PAUSED;
}

/* peripheral-measure.c */
int measure_over_mn(const OmpPeripheral *p);               /* what is called too hard */
void measure_sample(OmpPeripheral *p);                     /* the next one of the sensor */
void measure_phase(OmpPeripheral *p);                      /* the model may have gone on to another phase */
void measure_restart_interval(OmpPeripheral *p);
unsigned measure_batch(const OmpPeripheral *p);            /* samples in one Waveform value */
void measure_flush_waveform(OmpPeripheral *p);
void measure_begin_session(OmpPeripheral *p);
void measure_end_session(OmpPeripheral *p);
void measure_set_state(OmpPeripheral *p, OmpState state);

/* peripheral-send.c */
void send_live(OmpPeripheral *p, const uint8_t *data, size_t size); /* with the mischief that was asked for */
void send_event(OmpPeripheral *p, uint8_t code, OmpSeverity severity, bool asserted, int32_t value);
void send_replay(OmpPeripheral *p);                        /* the events that nobody has heard */
bool send_flood_wanted(const OmpPeripheral *p);
void send_flood(OmpPeripheral *p, uint64_t now_usec);
uint64_t send_flood_next(const OmpPeripheral *p);          /* host time */
