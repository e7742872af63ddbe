/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device as link sees it: who it is, how it is, what it told. Everybody may read the struct; only link writes it. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "link/stored.h"
#include "needled/omp-control.h"
#include "needled/omp.h"
#include "profiles/profile.h"

typedef struct Link Link;
typedef struct DeviceWork DeviceWork;   /* what link has under way for it; private to link */

typedef enum DeviceState {
        DEVICE_FOUND,                   /* seen by a search, not adopted */
        DEVICE_KNOWN,                   /* adopted, AutoConnect off */
        DEVICE_WAITING,                 /* adopted, will come back by itself; the reason says for what */
        DEVICE_CONNECTING,
        DEVICE_RESOLVING,
        DEVICE_BONDING,
        DEVICE_READY,
        DEVICE_STREAMING,
        DEVICE_SYNCING,
        DEVICE_RELEASED,
        DEVICE_BOND_LOST,
        DEVICE_REFUSED,
        _DEVICE_STATE_MAX,
} DeviceState;

typedef enum DeviceReason {
        DEVICE_REASON_NONE,
        DEVICE_REASON_AWAY,
        DEVICE_REASON_BACKOFF,
        DEVICE_REASON_ADAPTER_OFF,
        DEVICE_REASON_NO_ADAPTER,
        DEVICE_REASON_NO_BLUETOOTHD,
        DEVICE_REASON_SUSPENDED,
        DEVICE_REASON_RELEASED,
        DEVICE_REASON_HELD_ELSEWHERE,
        DEVICE_REASON_NOTIFICATIONS_HELD,
        DEVICE_REASON_DISCONNECTED_BY_OTHER,
        DEVICE_REASON_TIMEOUT,
        DEVICE_REASON_SERVICES_MISSING,
        DEVICE_REASON_PROFILE_MAJOR,
        DEVICE_REASON_IDENTITY_CHANGED,
        DEVICE_REASON_KEY_MISSING,
        DEVICE_REASON_PAIRING_FAILED,
        _DEVICE_REASON_MAX,
} DeviceReason;

const char *device_state_name(DeviceState state);       /* as in Device1.State */
const char *device_reason_name(DeviceReason reason);    /* as in Device1.StateReason */

#define DEVICE_BATTERY_UNKNOWN 255
#define DEVICE_OWNER_NONE ((uid_t) -1)

/* What changed, for the observer: bits of the groups below. */
enum {
        DEVICE_CHANGED_STATE = 1 << 0,  /* state, reason, state_since, retry_at */
        DEVICE_CHANGED_IDENTITY = 1 << 1, /* name, alias, kind, manufacturer, …, address, owner, adopted, bonded, auto_connect, released: to be stored */
        DEVICE_CHANGED_BATTERY = 1 << 2,
        DEVICE_CHANGED_RSSI = 1 << 3,
        DEVICE_CHANGED_PARAMETERS = 1 << 4, /* parameters: read at the beginning of each connection, set, or read again */
        DEVICE_CHANGED_SYNC = 1 << 5,   /* can_sync, sync, sync_error */
};

typedef struct DeviceCounters { /* sums over all streams since the daemon started */
        uint64_t connects;              /* reconnects = connects − 1 */
        uint64_t received;
        uint64_t oversize_or_empty;     /* read errors on the fd that cost no link */
        uint64_t interferences;         /* another program of this computer ended a connection or notifications of ours */
} DeviceCounters;

typedef struct DeviceParameters { /* of an OMP device */
        uint32_t known;                 /* bit id: this one has a value */
        int32_t value[_OMP_PARAMETER_MAX];
} DeviceParameters;

static inline bool device_knows_parameter(const DeviceParameters *parameters, uint8_t id) {
        return parameters->known >> id & 1;
}

static inline void device_put_parameter(DeviceParameters *parameters, uint8_t id, int32_t value) {
        parameters->known |= UINT32_C(1) << id;
        parameters->value[id] = value;
}

#define DEVICE_LASTED_MAX 8u

typedef struct Device {
        Link *link;                     /* weak: our owner */
        DeviceWork *work;

        char *path;                     /* last part of the D-Bus path, "C0_FF_EE_12_34_56"; never changes */
        char *address, *address_type;   /* "C0:FF:EE:12:34:56"; "public", "random" */
        char *adapter;                  /* address of the adapter, "" if unknown */
        char *name, *alias;             /* "" if unknown */
        char *manufacturer, *model, *serial, *firmware; /* Device Information, "" if unknown */
        uid_t owner;                    /* DEVICE_OWNER_NONE if not adopted */
        bool adopted, bonded, auto_connect, allow_unbonded;
        uint64_t adopted_realtime_usec;
        bool released;                  /* by link_release(); remembered */
        uint64_t released_until_usec;   /* wall clock; 0: until Connect() */
        const Profile *profile;         /* NULL until matched, or if it is not loaded */
        char *profile_id;               /* its id, also of one that is remembered and not loaded; "" until matched */
        bool has_feature;
        OmpFeature feature;             /* of this or the last connection; of a vendor profile what it can report */

        DeviceParameters parameters;    /* as it told them last; none: never, or it has none */

        StoredCursor stored;            /* how far its stored sessions are durable here */
        bool can_sync;                  /* it is connected, and they can be taken over */
        SyncProgress sync;
        char *sync_error;               /* why the last one ended before its end: a sentence, "" if it did not */

        DeviceState state;
        DeviceReason reason;
        DeviceReason trouble;           /* why it is kept away until it is adopted again, also while it is tried once more: KEY_MISSING,
                                         * IDENTITY_CHANGED, or NONE */
        uint64_t state_since_usec;      /* wall clock */
        uint64_t retry_at_usec;         /* wall clock, 0: no timer */
        uint8_t battery;                /* %, DEVICE_BATTERY_UNKNOWN */
        int16_t rssi;                   /* dBm, 0 unknown */

        DeviceCounters counters;
        uint64_t lasted_usec[DEVICE_LASTED_MAX]; /* how long the last connections held that we did not end ourselves; the newest has the
                                                  * index (n_lasted − 1) % DEVICE_LASTED_MAX */
        unsigned n_lasted;
        void *follower;                 /* the hub's: what follows this device's frames; link never looks at it */
} Device;
