/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The structs that the files of link share. Each device goes through steps: a step is one wait, with a time
 * limit and a named next step, and belongs to the public state that device_enter() gives with it. Nothing
 * else says where a device is. */

#include <stdbool.h>
#include <stdint.h>

#include "link/bluez.h"
#include "link/fetch-trace.h"
#include "link/link.h"

typedef struct Search Search;           /* search.c */
typedef struct Agent Agent;             /* agent.c */
typedef struct AutoConnect AutoConnect; /* autoconnect.c */
typedef struct Activate Activate;       /* activate.c */
typedef struct Control Control;         /* control.c */
typedef struct Sync Sync;               /* sync.c */

typedef enum Step {
        STEP_NONE,              /* nothing under way: at rest, or streaming */
        STEP_BACKOFF,           /* waits to try again */
        STEP_SEARCH,            /* waits for bluetoothd to see the device in a search window */
        STEP_CONNECT,           /* Connect() */
        STEP_DISCONNECT,        /* Disconnect(), until Connected is false */
        STEP_RESOLVE,           /* connected, waits for ServicesResolved */
        STEP_OBJECTS,           /* resolved, but the characteristics are not there yet */
        STEP_REFRESH,           /* reads all objects once more, to see whether they are there after all */
        STEP_PAIR,              /* Pair() */
        STEP_READ,              /* reads Feature */
        STEP_ACQUIRE,           /* AcquireNotify, one at a time */
        STEP_HELD,              /* somebody else holds a notification; waits to try again */
        STEP_FORGET,            /* RemoveDevice() */
        STEP_REMOVE,            /* likewise, to look at the device anew after that */
        STEP_MISSING,           /* bonded, and bluetoothd does not show it: is that so for good? */
        _STEP_MAX,
} Step;

typedef enum StreamMode {
        STREAM_NONE,
        STREAM_SKIPPED,         /* optional, and the device or bluetoothd would not give it */
        STREAM_FD,              /* AcquireNotify */
        STREAM_SIGNAL,          /* StartNotify: AllowBroadcast=yes */
} StreamMode;

typedef struct Stream {         /* one followed characteristic of one connection */
        Device *device;         /* weak: our owner */
        const ProfileChar *ch;
        char *path;             /* object path of the characteristic */
        StreamMode mode;
        int error;              /* why it was skipped */
        bool again;             /* it was let go of since: to be asked for once more */
        sd_event_source *source; /* owns the fd */
} Stream;

typedef struct Poll {           /* one characteristic that is read in this connection */
        Device *device;         /* weak: our owner */
        const ProfileChar *ch;
        char *path;
        sd_event_source *timer; /* NULL: not armed yet, or read but once */
} Poll;

typedef enum Identity {
        IDENTITY_MANUFACTURER,
        IDENTITY_MODEL,
        IDENTITY_SERIAL,
        IDENTITY_FIRMWARE,
        _IDENTITY_MAX,
} Identity;

typedef enum AgentOutcome {     /* of the digits in a pairing */
        AGENT_UNASKED,          /* none were asked for: Just Works */
        AGENT_SILENT,           /* nobody has answered */
        AGENT_ANSWERED,         /* typed, compared or shown */
        AGENT_DENIED,           /* the answer was no, or none that bluetoothd takes */
} AgentOutcome;

typedef struct Adoption {
        struct Operation *operation; /* weak: the link's; NULL: the client has gone */
        char *alias;
        bool allow_unbonded;
        uid_t owner;
        bool was_paired;        /* bonded by somebody else before us: not ours to remove */
        bool pair_refused;      /* tried; goes on without a bond */
        bool just_works;        /* paired, and no digits were compared or typed */
        LinkPairingAgent agent; /* ask is NULL: nobody can show or type digits */
        DeviceState state;      /* before: what it is again if the adoption fails */
        DeviceReason reason;
        unsigned attempts;
} Adoption;

typedef struct ClockLook {              /* what the device's clock said, beside ours */
        bool is_time;                   /* it was set */
        bool set;                       /* and was set (anew) after that */
        uint32_t tick;
        uint64_t device_usec, realtime_usec; /* the same moment on both; device_usec with is_time alone */
} ClockLook;

struct DeviceWork {
        char *object;           /* object path in bluetoothd, NULL if it has none */
        bool connected;         /* as last seen: the edges count */
        bool opened;            /* the connection came up under our eyes: ours to close */
        Step step;
        sd_event_source *timer; /* the step's limit */
        Calls calls;            /* of this connection or attempt */
        unsigned attempts;      /* since the last success: the backoff */
        bool suspected;         /* KEY_MISSING by early falls alone: it may come again after a time */
        unsigned suspicions;    /* in a row, since it streamed */
        bool trust_checked;     /* bluetoothd's Trusted was compared with ours, since the object is there */
        bool must_ask;          /* bluetoothd connects it by itself only after another Connect() */
        bool let_go_late;       /* kept away since while the computer slept: told when it is awake */
        unsigned let_go;        /* generation of bluetoothd that was told to keep away from it */
        sd_event_source *release_timer;
        Stream *streams;
        size_t n_streams;
        unsigned held_tries;    /* since the streams were asked for */
        bool up;                /* FRAME_LINK_UP was sent, FRAME_LINK_LOST not yet */
        GByteArray *feature;    /* Feature of this connection, as it was read; NULL: not read */
        bool asked;             /* all streams were asked for: polls and actions have begun */
        Poll *polls;
        size_t n_polls;
        Calls poll_calls;
        size_t next_action;
        Control *control;       /* NULL: the Control Point cannot be used (yet) */
        Sync *sync;             /* NULL: it keeps no sessions, or they cannot be taken over (yet) */
        FetchMemory *memory;    /* of what was fetched; NULL: nothing ever was */
        bool looks;             /* its clock is being looked at */
        ClockLook look;         /* in this connection; realtime_usec 0: it was not */
        uint32_t told_parameters; /* bit id: said in the journal already that the device does not take it; bit 0: that it tells none */
        bool told_clock;        /* likewise, of its clock */
        uint32_t told_missing, told_refused, told_actions; /* bit channel (or action): said in the journal already */
        bool identity_read;     /* in this connection */
        unsigned reads;         /* identity reads under way */
        bool identity_changed;  /* by them */
        char *identity[_IDENTITY_MAX]; /* as they were read; NULL: not read */
        OmpFeature feature_before; /* as it was before this connection, which may be another device's */
        bool had_feature;
        uint64_t connected_usec; /* CLOCK_BOOTTIME; 0: not connected, or before we came */
        uint64_t found_usec;    /* likewise, of one that was there when we came; 0: of no other */
        uint64_t detached_usec; /* since when something of it has ended while Connected holds; 0: nothing has */
        bool resolved, unresolved; /* its services are there; they have gone while it is connected */
        bool streamed;          /* in this connection */
        uint64_t newest_usec;   /* CLOCK_BOOTTIME of the newest frame */
        bool socket_ended;      /* not by a fall of Connected, as far as is known */
        bool had_battery;       /* Battery1, in this connection */
        bool was_bonded;        /* this object was shown as bonded */
        bool looked_anew;       /* removed from bluetoothd for what it lacked, since it streamed last */
        unsigned early_falls;   /* connections in a row that fell before anything streamed */
        uint64_t interfered_usec, told_interference_usec; /* CLOCK_BOOTTIME of the last; 0: never */
        uint64_t heard_usec, asked_usec; /* CLOCK_BOOTTIME: discovery saw it since it was last connected, Connect() was called */
        Adoption *adoption;     /* while it lasts */
        uint64_t found_until_usec; /* CLOCK_BOOTTIME; 0: as long as the search runs */
};

typedef enum OperationKind {
        OPERATION_ADOPT,
        OPERATION_FORGET,
        OPERATION_CONNECT,
        OPERATION_RELEASE,
} OperationKind;

typedef struct Operation {
        Link *link;             /* weak: our owner */
        Device *device;         /* weak; it outlives the operation */
        OperationKind kind;
        LinkDone done;          /* NULL: the client has gone */
        void *userdata;
        sd_event_source *timer;
        int error;              /* what the timer is to report */
        const char *message;    /* static */
        Calls calls;
} Operation;

typedef enum LinkSleep {
        LINK_AWAKE,
        LINK_ASLEEP,
        LINK_SETTLING,          /* awake again; the adapters come back */
} LinkSleep;

struct Link {
        sd_event *event;
        LinkSettings settings;
        LinkObserver observer;
        void *userdata;
        Bluez *bluez;
        GPtrArray *devices;     /* Device*, owned */
        GHashTable *by_object;  /* object path → Device */
        GPtrArray *operations;  /* Operation*, owned */
        Search *search;
        Agent *agent;
        AutoConnect *auto_connect;
        Activate *activate;
        LinkSleep sleep;
        sd_event_source *sleep_timer;
        LinkBluetooth bluetooth;
        bool known;             /* the first answer of bluetoothd, or of the bus about it, is in */
        bool started;
        bool watched;           /* what was connected before we came is known */
};
