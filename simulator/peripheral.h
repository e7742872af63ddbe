/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device in software. It knows nothing about its carrier, and the carrier nothing about it: the device tells its
 * characteristics and what it advertises, the carrier tells who is subscribed, what is written and what time it is, and sends
 * what the device gives.
 *
 * Device time is driven by peripheral_advance(): the same seed and the same sequence of calls give the same
 * octets.
 *
 * Behind these functions stands a kind of device. The one of this header is peripheral-omp.c: the body model below, speaking
 * the Open Microneedling Profile through the daemon's own codec. To add another one, write a peripheral-NAME.c (.h) with
 *   - a struct whose first member is a Peripheral,
 *   - a PeripheralVtable, of which some functions may be left out,
 *   - a PeripheralMake, peripheral_NAME_make(), which allocates the struct, fills in its own part, and ends with
 *     peripheral_init(): from then on the device's characteristics stand.
 * The hand (start, stop) and the clock (how device time goes with the host's) are the same for all kinds.
 * and let main.c put the PeripheralMake, and what it is made from, into the PeripheralConfig. Values go out by
 * peripheral_send() alone, which counts them, and only out of `advance`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

#define PERIPHERAL_CHARS_MAX 32u
#define PERIPHERAL_VALUE_MAX 512u
#define PERIPHERAL_SERVICES_MAX 4u      /* advertised */
#define PERIPHERAL_DATA_MAX 31u         /* of an advertisement */

typedef struct Peripheral Peripheral;
typedef struct PeripheralConfig PeripheralConfig;
typedef struct PeripheralOps PeripheralOps;

/* It cannot fail: what could, loading a file, is done before and stands in `from`. */
typedef Peripheral *(*PeripheralMake)(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);

struct PeripheralConfig {
        PeripheralMake make;            /* the kind of device; NULL: the profile's own */
        const void *from;               /* what another kind is made from, as it says; weak */
        OmpKind kind;                   /* OMP_KIND_PEN or OMP_KIND_ROLLER */
        uint64_t seed;
        double speed;                   /* device seconds for each second of the host, > 0 */
        unsigned live_period_ms;        /* of device time, 20 … 1000; profile default 100 */
        unsigned waveform_hz;           /* 0: off (the default) */
        bool crc;                       /* feature bit 13 and CRCs in all values; a pen is then the profile's example "pen 2" */
        uint64_t procedure_usec;        /* length of a procedure in device time */
        bool auto_start;                /* begins a procedure by itself 1 s after Live is subscribed */
        const char *name;               /* advertised, ≤ 8 octets */
        const char *serial;
        unsigned capacity;              /* stored sessions; 0: it stores none. Default: 200 (pen), 50 (roller) */
        unsigned records;               /* of these, how many there are at start, ≤ capacity */
        uint32_t strokes;               /* where their counter begins: tests see it wrap. 0 again with a reboot */
        /* Load instead of a hand: Live values at this rate whatever the model says, until `flood_count` are
         * sent; 0: off. */
        unsigned flood_hz, flood_size;  /* size 20, 60, 244: padded as a later minor version would append */
        uint64_t flood_count;
        unsigned flood_burst;           /* so many at once, as a connection event delivers them; 0 and 1: one by one */
        bool flood_flat_out;            /* as fast as the carrier takes them: what it has no room for waits. flood_hz is the device's own time */
        bool flood_stamp;               /* the last 8 octets, before a CRC: CLOCK_REALTIME in ns just before it is sent, little-endian */
};

typedef enum PeripheralSent {
        PERIPHERAL_SENT,
        PERIPHERAL_REFUSED, /* the carrier had no room: lost on the air, the sequence number is used up */
} PeripheralSent;

struct PeripheralOps {
        /* A value for the client: notified if it asked for that, else indicated. `index` is the characteristic's. */
        PeripheralSent (*notify)(unsigned index, const uint8_t *data, size_t size, void *userdata);
        void (*advertisement_changed)(void *userdata); /* it says another thing now: see peripheral_advertisement() */
};

/* ATT errors that a device answers with (Bluetooth Core 5.2, Vol 3, Part F, 3.4.1.1); functions return them negative. */
enum {
        PERIPHERAL_READ_NOT_PERMITTED = 0x02,
        PERIPHERAL_WRITE_NOT_PERMITTED = 0x03,
};

enum {
        PERIPHERAL_READ = 1u << 0,
        PERIPHERAL_WRITE = 1u << 1,
        PERIPHERAL_WRITE_COMMAND = 1u << 2,
        PERIPHERAL_NOTIFY = 1u << 3,
        PERIPHERAL_INDICATE = 1u << 4,
        PERIPHERAL_LISTENABLE = PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE,
};

/* A characteristic. Its index is its place in the device's table; those of one service stand together. Device Information and
 * Battery are not in it: every device has them, and carriers know them. */
typedef struct PeripheralChar {
        const char *uuid, *service;     /* in full, lower case */
        const char *name;               /* in reports: "live", … */
        unsigned properties;            /* PERIPHERAL_READ … */
        bool encrypted;                 /* where the carrier can: only on an encrypted link */
} PeripheralChar;

typedef struct PeripheralAdvertisement {
        const char *services[PERIPHERAL_SERVICES_MAX + 1]; /* UUIDs in full, lower case; NULL ends them */
        const char *service_data_uuid;  /* in full; NULL: no service data */
        uint8_t service_data[PERIPHERAL_DATA_MAX];
        size_t service_data_size;
        bool has_manufacturer_data;
        uint16_t company;
        uint8_t manufacturer_data[PERIPHERAL_DATA_MAX]; /* behind the company */
        size_t manufacturer_data_size;
} PeripheralAdvertisement;

/* Device Information. */
typedef enum PeripheralInfo {
        PERIPHERAL_MANUFACTURER,
        PERIPHERAL_MODEL,
        PERIPHERAL_SERIAL,
        PERIPHERAL_FIRMWARE,
        PERIPHERAL_HARDWARE,
} PeripheralInfo;
#define PERIPHERAL_INFOS 5u

typedef struct PeripheralCounters {
        uint64_t sent[PERIPHERAL_CHARS_MAX]; /* values given to the carrier, refused ones too */
        uint64_t refused[PERIPHERAL_CHARS_MAX]; /* how many of these it had no room for: sent − refused arrive */
        uint64_t extra[PERIPHERAL_CHARS_MAX]; /* beyond `sent`: malformed, empty and duplicate ones that it took */
        uint64_t strokes;               /* cumulative, as the device counts them */
} PeripheralCounters;

/* ---- For carriers, control lines and tests ---- */

void peripheral_config_defaults(PeripheralConfig *config, OmpKind kind);

Peripheral *peripheral_new(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);
Peripheral *peripheral_free(Peripheral *p);

/* Its characteristics; of the profile's own kind the index is the OmpChar. The table lives as long as the device. */
const PeripheralChar *peripheral_chars(const Peripheral *p, unsigned *ret_n);

/* The largest value that fits one notification: ATT_MTU − 3. 20 until told. */
void peripheral_set_value_max(Peripheral *p, size_t size);
/* A CCCD was written (after it has been answered). 0→1 restarts the stream's sequence numbers, 1→1 nothing. */
void peripheral_subscribe(Peripheral *p, unsigned index, bool on);
bool peripheral_subscribed(const Peripheral *p, unsigned index);
/* The link is gone: all CCCDs fall to 0; the procedure goes on (the hand does not know). */
void peripheral_disconnected(Peripheral *p);

/* The value of a readable characteristic: its length, or a negative ATT error. */
int peripheral_read(Peripheral *p, unsigned index, uint8_t *buf, size_t size);
/* A write, by request or command: 0, or the negative ATT error with which it is refused. What it brings about is sent later,
 * out of peripheral_advance(): after the carrier has answered the write. */
int peripheral_write(Peripheral *p, unsigned index, const uint8_t *data, size_t size);

/* Host time goes on; sends what is due. Never sends before the first call. */
void peripheral_advance(Peripheral *p, uint64_t now_usec);
/* Host time of the next thing to do, UINT64_MAX for none (nobody subscribed, nothing running). */
uint64_t peripheral_next(const Peripheral *p);

/* The hand: begins or ends a procedure (button on the device). */
void peripheral_start(Peripheral *p);
void peripheral_stop(Peripheral *p);
bool peripheral_running(const Peripheral *p);

/* The words of the control lines that are about the device, the same on every carrier: start, stop;
 *   serial TEXT                         another device is in its place
 * and of the profile's own kind
 *   malformed N, empty N, duplicate N   beside each of the next N Live values another one that is broken, has no octets, or
 *                                       repeats it; these use up no sequence numbers
 *   segment-loss N                      the next N values of Session Data are lost on the way
 *   clock unset                         the clock is lost
 *   sensor fault|ok                     the force is not available, and the event says so
 *   storage full|free                   nothing more can be stored, and a session cannot be started by the host; or again
 *   confirm                             the button is pressed that a factory reset waits for
 *   reboot                              of the device: the carrier should drop the link right behind
 * -ENOENT for any other word, -EINVAL for a bad argument. */
int peripheral_control(Peripheral *p, const char *word, const char *argument);

unsigned peripheral_records(const Peripheral *p); /* sessions that it has stored */
uint8_t peripheral_battery(const Peripheral *p); /* % */
const char *peripheral_name(const Peripheral *p);
const char *peripheral_info(const Peripheral *p, PeripheralInfo what);
const char *peripheral_info_uuid(PeripheralInfo what); /* of its characteristic, in full */
/* What it advertises beside its name. */
void peripheral_advertisement(const Peripheral *p, PeripheralAdvertisement *ret);
const PeripheralCounters *peripheral_counters(const Peripheral *p);

/* ---- For kinds of device ---- */

typedef struct PeripheralVtable {
        void (*free)(Peripheral *p);    /* its own part, but not the struct itself; NULL: nothing */
        int (*read)(Peripheral *p, unsigned index, uint8_t *buf, size_t size);
        int (*write)(Peripheral *p, unsigned index, const uint8_t *data, size_t size); /* NULL: never permitted */
        void (*subscribe)(Peripheral *p, unsigned index, bool on); /* p->wanted says it already */
        void (*value_max_changed)(Peripheral *p); /* see p->value_max; NULL: it does not care */
        void (*advance)(Peripheral *p, uint64_t now_usec); /* and takes p->start_wanted and p->stop_wanted */
        uint64_t (*next)(const Peripheral *p);
        bool (*running)(const Peripheral *p); /* as far as it has come: a start that is wanted counts by itself */
        int (*control)(Peripheral *p, const char *word, const char *argument); /* beside start and stop; NULL: no words */
        uint8_t (*battery)(const Peripheral *p);
        unsigned (*records)(const Peripheral *p); /* sessions that it has stored; NULL: it stores none */
        const char *(*info)(const Peripheral *p, PeripheralInfo what); /* "" for what it does not tell */
        void (*advertisement)(const Peripheral *p, PeripheralAdvertisement *ret); /* *ret is empty when it is called */
} PeripheralVtable;

struct Peripheral {
        const PeripheralVtable *vtable;
        const PeripheralOps *ops;
        void *userdata;
        char *name, *serial;
        const PeripheralChar *chars;    /* the kind's, at most PERIPHERAL_CHARS_MAX */
        unsigned n_chars;
        size_t value_max;
        bool wanted[PERIPHERAL_CHARS_MAX]; /* the CCCDs as written */
        bool start_wanted, stop_wanted; /* by the hand since the last advance, never both */
        bool started;                   /* advance was called */
        uint64_t host_first_usec;       /* host time of device time 0 */
        double speed;
        PeripheralCounters counters;
};

/* Fills in what all kinds have; texts are copied. */
void peripheral_init(Peripheral *p, const PeripheralVtable *vtable, const PeripheralConfig *config, const PeripheralOps *ops,
                     void *userdata, const PeripheralChar *chars, unsigned n_chars);
/* Device time at a host time, of which the first is 0. False: it lies before that. */
bool peripheral_device_time(Peripheral *p, uint64_t now_usec, uint64_t *ret_usec);
/* How long the host waits for so much of device time; and when a device time has come. */
uint64_t peripheral_host_span(const Peripheral *p, uint64_t device_usec);
uint64_t peripheral_host_time(const Peripheral *p, uint64_t device_usec);
/* To the carrier, and counted. */
PeripheralSent peripheral_send(Peripheral *p, unsigned index, const uint8_t *data, size_t size);
/* The carrier shows the new one. */
void peripheral_advertisement_changed(Peripheral *p);

/* peripheral-omp.c */
Peripheral *peripheral_omp_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);
