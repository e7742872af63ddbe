/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A microneedling device in software: the body model below, speaking the Open Microneedling Profile through
 * the daemon's own codec. It knows nothing about its carrier; the carrier tells it who is subscribed and
 * what time it is, and sends what it gives.
 *
 * Device time is driven by peripheral_advance(): the same seed and the same sequence of calls give the same
 * octets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

typedef struct Peripheral Peripheral;

typedef struct PeripheralConfig {
        OmpKind kind;                   /* OMP_KIND_PEN or OMP_KIND_ROLLER */
        uint64_t seed;
        double speed;                   /* device seconds for each second of the host, > 0 */
        unsigned live_period_ms;        /* of device time, 20 … 1000; profile default 100 */
        unsigned waveform_hz;           /* 0: off (the default) */
        bool crc;                       /* feature bit 13 and CRCs in all values */
        uint64_t procedure_usec;        /* length of a procedure in device time */
        bool auto_start;                /* begins a procedure by itself 1 s after Live is subscribed */
        const char *name;               /* advertised, ≤ 8 octets */
        const char *serial;
        /* Load instead of a hand: Live values at this rate whatever the model says, until `flood_count` are
         * sent; 0: off. */
        unsigned flood_hz, flood_size;  /* size 20, 60, 244: padded as a later minor version would append */
        uint64_t flood_count;
} PeripheralConfig;

typedef enum PeripheralSent {
        PERIPHERAL_SENT,
        PERIPHERAL_REFUSED, /* the carrier had no room: lost on the air, the sequence number is used up */
} PeripheralSent;

typedef struct PeripheralOps {
        PeripheralSent (*notify)(OmpChar c, const uint8_t *data, size_t size, void *userdata);
        void (*advertisement_changed)(void *userdata); /* state or flags of the service data */
} PeripheralOps;

void peripheral_config_defaults(PeripheralConfig *config, OmpKind kind);

Peripheral *peripheral_new(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);
Peripheral *peripheral_free(Peripheral *p);

/* The largest value that fits one notification: ATT_MTU − 3. 20 until told. */
void peripheral_set_value_max(Peripheral *p, size_t size);
/* A CCCD was written (after it has been answered). 0→1 restarts the stream's sequence numbers. */
void peripheral_subscribe(Peripheral *p, OmpChar c, bool on);
bool peripheral_subscribed(const Peripheral *p, OmpChar c);
/* The link is gone: all CCCDs fall to 0; the procedure goes on (the hand does not know). */
void peripheral_disconnected(Peripheral *p);

/* The value of a readable characteristic (Feature; Status): its length, or a negative ATT error (−0x02 read
 * not permitted). */
int peripheral_read(Peripheral *p, OmpChar c, uint8_t *buf, size_t size);

/* Host time goes on; sends what is due. Never sends before the first call. */
void peripheral_advance(Peripheral *p, uint64_t now_usec);
/* Host time of the next thing to do, UINT64_MAX for none (nobody subscribed, nothing running). */
uint64_t peripheral_next(const Peripheral *p);

/* The hand: begins or ends a procedure (button on the device). */
void peripheral_start(Peripheral *p);
void peripheral_stop(Peripheral *p);
bool peripheral_running(const Peripheral *p);

/* The words of the control lines that are about the device, the same on every carrier: start, stop;
 * malformed N, empty N, duplicate N (beside each of the next N Live values another one that is broken, has
 * no octets, or repeats it; these use up no sequence numbers). -ENOENT for any other word, -EINVAL for a bad
 * argument. */
int peripheral_control(Peripheral *p, const char *word, const char *argument);

uint8_t peripheral_battery(const Peripheral *p); /* % */
const char *peripheral_name(const Peripheral *p);
/* Device Information: manufacturer, model, serial, firmware, hardware. */
typedef enum PeripheralInfo {
        PERIPHERAL_MANUFACTURER,
        PERIPHERAL_MODEL,
        PERIPHERAL_SERIAL,
        PERIPHERAL_FIRMWARE,
        PERIPHERAL_HARDWARE,
} PeripheralInfo;
const char *peripheral_info(const Peripheral *p, PeripheralInfo what);
/* Service Data-128 of the scan response: {major, state, flags} (1.1 Advertising). */
void peripheral_service_data(const Peripheral *p, uint8_t ret[3]);

typedef struct PeripheralCounters {
        uint64_t sent[_OMP_CHAR_MAX];   /* values given to the carrier, refused ones too */
        uint64_t refused[_OMP_CHAR_MAX]; /* how many of these it had no room for: sent − refused arrive */
        uint64_t extra[_OMP_CHAR_MAX];  /* beyond `sent`: malformed, empty and duplicate ones that it took */
        uint64_t strokes;               /* cumulative, as the device counts them */
} PeripheralCounters;
const PeripheralCounters *peripheral_counters(const Peripheral *p);
