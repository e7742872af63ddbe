/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the live view knows: the device and the session as the bus shows them, and what the stream told.
 * Pure; time comes in as an argument (CLOCK_BOOTTIME). */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/stream-reader.h"
#include "needled/figures.h"

#define WATCH_BUCKETS 120       /* of the last minute, half a second each */
#define WATCH_BUCKET_USEC UINT64_C(500000)
#define WATCH_ALERTS 16u        /* codes; higher ones are of a later version, and not shown */
#define WATCH_TOLD 16u          /* notices that wait for being printed */
#define WATCH_NOTICE_USEC UINT64_C(10000000)

typedef enum WatchZone {
        WATCH_ZONE_LOW,
        WATCH_ZONE_GOOD,
        WATCH_ZONE_HIGH,
        WATCH_ZONE_OVER,
        _WATCH_ZONE_MAX,
} WatchZone;

const char *watch_zone_name(WatchZone zone); /* as in the figures' zone_time */

/* Where the zones good, high and over begin. */
typedef struct WatchZones {
        int32_t good_mn, high_mn, over_mn;
} WatchZones;

typedef struct WatchBucket {
        uint64_t number;        /* of its half second since boot; another number: it is old */
        int32_t force_mn;       /* the largest interval mean in it */
} WatchBucket;

typedef enum WatchPhase {
        WATCH_WAITING,          /* for a device, or for it to be used */
        WATCH_FOLLOWING,        /* a session */
        WATCH_ENDED,            /* it has ended, the next one has not come */
        WATCH_UNREACHABLE,      /* the service is away */
} WatchPhase;

typedef struct WatchModel {
        WatchPhase phase;

        json_t *device;         /* properties, NULL if there is none */
        uint64_t others_session; /* of another user, live on it and not followed; 0: none */

        uint64_t session_id;    /* 0: of a tape */
        uint8_t state, stage;   /* as in the stream; valid with has_state */
        bool has_state;
        WatchZones zones;       /* of the session; over_mn is 0: not told */
        uint16_t standing;      /* bit n: the alert with code n stands */
        struct needled_stream_alert alerts[WATCH_ALERTS]; /* as they were told last */
        uint8_t end_reason;

        bool has_live;
        uint64_t live_usec;     /* when the newest came */
        uint64_t session_usec;  /* session time of the newest record */
        uint64_t session_seen_usec; /* when that came */
        struct needled_stream_live live;
        bool has_hold;
        int32_t hold_mn;        /* the largest peak of the last moments */
        uint64_t hold_usec;
        WatchBucket buckets[WATCH_BUCKETS];

        Figures figures;
        uint64_t missed;        /* records that the stream dropped because we were too slow */
        uint64_t malformed;

        char *notice;           /* the newest event or gap, for a while */
        uint64_t notice_usec;
        bool notice_is_bad;
        char *told[WATCH_TOLD]; /* what nobody has taken yet, the oldest first; behind a full one the oldest goes */
        unsigned n_told;
} WatchModel;

void watch_model_init(WatchModel *m);
void watch_model_done(WatchModel *m);

/* The device that the view is about; NULL for none. A reference is taken. */
void watch_model_set_device(WatchModel *m, json_t *device);

/* Another session: begins with nothing known. The same one, after its stream broke off, keeps its past. */
void watch_model_begin(WatchModel *m, uint64_t session_id);
/* `now_usec` is when it was: of a record of the past, then. */
void watch_model_record(WatchModel *m, const StreamRecord *record, uint64_t now_usec);

/* The thresholds that hold for the session, or until it has told them those for the device's kind. */
WatchZones watch_model_zones(const WatchModel *m);
WatchZone watch_zone_of(const WatchZones *zones, int32_t force_mn);

/* The largest force between the buckets `from` and `to` (exclusive) of the last minute, 0 the oldest. False:
 * nothing was measured. */
bool watch_model_history(const WatchModel *m, unsigned from, unsigned to, uint64_t now_usec,
                         int32_t *ret_mn);

/* The peak that is still held; false if there is none. */
bool watch_model_hold(const WatchModel *m, uint64_t now_usec, int32_t *ret_mn);

/* Whether values are coming in. */
bool watch_model_is_fresh(const WatchModel *m, uint64_t now_usec);

/* The session time now, by that of the newest record. */
uint64_t watch_model_session_time(const WatchModel *m, uint64_t now_usec);

/* How long the session has been going on: its duration where the service has told it, else the time since
 * its first frame. */
uint64_t watch_model_elapsed(const WatchModel *m, uint64_t now_usec);

/* Whether this one stands. NULL: it does not. */
const struct needled_stream_alert *watch_model_alert(const WatchModel *m, unsigned code);

/* How the newest event or gap reads, NULL when it is old. */
const char *watch_model_notice(const WatchModel *m, uint64_t now_usec);
/* The oldest of them that has not been taken; NULL: there is none. The caller frees it. */
char *watch_model_take_notice(WatchModel *m);
