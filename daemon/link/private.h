/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of link share. Each device goes through steps: a step is one wait, with a time limit and a named next step, and
 * belongs to the public state that device_enter() gives with it. Nothing else says where a device is. */

#include <stdbool.h>
#include <stdint.h>

#include "link/bluez.h"
#include "link/link.h"

typedef struct Search Search;           /* search.c */
typedef struct Agent Agent;             /* agent.c */
typedef struct AutoConnect AutoConnect; /* autoconnect.c */

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
        sd_event_source *source; /* owns the fd */
} Stream;

typedef struct Adoption {
        struct Operation *operation; /* weak: the link's; NULL: the client has gone */
        char *alias;
        bool allow_unbonded;
        uid_t owner;
        bool was_paired;        /* bonded by somebody else before us: not ours to remove */
        bool pair_refused;      /* tried; goes on without a bond */
        unsigned attempts;
} Adoption;

struct DeviceWork {
        char *object;           /* object path in bluetoothd, NULL if it has none */
        bool connected;         /* as last seen: the edges count */
        bool opened;            /* the connection came up under our eyes: ours to close */
        Step step;
        sd_event_source *timer; /* the step's limit */
        Calls calls;            /* of this connection or attempt */
        unsigned attempts;      /* since the last success: the backoff */
        Stream *streams;
        size_t n_streams;
        unsigned held_tries;    /* since the streams were asked for */
        bool up;                /* FRAME_LINK_UP was sent, FRAME_LINK_LOST not yet */
        bool identity_read;     /* in this connection */
        unsigned reads;         /* identity reads under way */
        bool identity_changed;  /* by them */
        Adoption *adoption;     /* while it lasts */
        uint64_t found_until_usec; /* CLOCK_BOOTTIME; 0: as long as the search runs */
};

typedef enum OperationKind {
        OPERATION_ADOPT,
        OPERATION_FORGET,
        OPERATION_CONNECT,
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
        LinkBluetooth bluetooth;
        bool known;             /* the first answer of bluetoothd, or of the bus about it, is in */
        bool started;
        bool watched;           /* what was connected before we came is known */
};

/* device.c: the struct, and the one writer of its state. */
Device *device_new(Link *link, const char *path, const char *address, const char *address_type, const char *adapter);
Device *device_free(Device *device);
bool device_may_enter(DeviceState from, DeviceState to);
/* Enters a state and the step that goes with it. delay_usec 0: the step's own limit. */
void device_enter(Device *device, DeviceState state, DeviceReason reason, Step step, uint64_t delay_usec);
/* Valid UTF-8 without control characters, at most 64 characters; trailing NULs do not count. */
char *device_text(const void *text, size_t size);
/* Returns whether the field changed. */
bool device_set_text(char **field, const char *text);
void device_changed(Device *device, unsigned changed);
const char *device_label(const Device *device); /* alias or address */

/* link.c */
uint64_t link_now(clockid_t clock);
/* (Re)arms *source for delay from now, creates it if need be. */
void link_timer(Link *link, sd_event_source **source, uint64_t delay_usec, sd_event_time_handler_t handler, void *userdata);
Object *link_object(const Device *device);      /* of the device in bluetoothd, or NULL */
Object *link_adapter(const Device *device);     /* of its adapter, or NULL */
int link_call_device(Device *device, const char *interface, const char *member, uint64_t timeout_usec, CallDone done);
Device *link_device_add(Link *link, Object *object); /* found by a search */
void link_device_remove(Device *device);        /* tells the observer and frees it */

/* operation.c: what clients asked for and wait for. */
Operation *operation_new(Device *device, OperationKind kind, LinkDone done, void *userdata);
Operation *operation_free(Operation *operation);
/* The only answer, from the loop, so that nobody is answered before the call returns. */
void operation_answer_later(Operation *operation, int error, const char *message);
void operation_limit(Operation *operation, uint64_t limit_usec);
void operation_complete(Operation *operation, int error, const char *message); /* frees it */
bool link_has_operation(const Device *device, OperationKind kind);
/* Answers all operations of this kind; message may be NULL with error 0. */
void link_complete(Device *device, OperationKind kind, int error, const char *message);

/* watch.c: what bluetoothd tells, and what it means for our devices. */
extern const BluezObserver watch_observer;      /* userdata is the Link */
void watch_device(Device *device);              /* looks at its object anew */

/* reconnect.c: how a device comes back. */
void reconnect_rest(Device *device);            /* nothing is under way any more: waits for what must come */
void reconnect_reconsider(Device *device);      /* adapters have changed: does it still wait for the right thing? */
void reconnect_now(Device *device);             /* connects, after a search window if bluetoothd has no object */
void reconnect_lost(Device *device);            /* the connection has gone */
void reconnect_give_up(Device *device, DeviceReason reason); /* connected but of no use: disconnects, tries later */
uint64_t reconnect_delay(unsigned attempt);     /* with jitter */

/* setup.c: from connected to streaming. */
void setup_begin(Device *device);
void setup_check(Device *device);               /* services or objects may have come */
void setup_missing(Device *device);             /* they have not */
void setup_read(Device *device);
void setup_read_identity(Device *device);

/* notify.c: the streams. */
void notify_begin(Device *device);
void notify_retry(Device *device);
void notify_released(Device *device, const Object *characteristic);
void notify_close(Device *device);              /* takes what is left in the sockets, closes them, sends FRAME_LINK_LOST */
void notify_value(Device *device, const Object *characteristic, const ObjectValue *value);

/* adopt.c */
void adopt_resolved(Device *device);            /* the services are there: pair, or go on */
void adopt_identified(Device *device);          /* Feature and identity are read: trust and remember */
void adopt_retry(Device *device, int error, const char *message); /* the attempt broke off */
void adopt_fail(Device *device, int error, DeviceReason reason, const char *message);
void adopt_pair_timeout(Device *device);
void adopt_undo(Device *device);                /* in bluetoothd: what an adoption that ends has left there */

/* agent.c */
Agent *agent_new(Link *link);
Agent *agent_free(Agent *agent);
void agent_reset(Agent *agent);                 /* bluetoothd has gone, and our registration with it */
void agent_begin(Agent *agent, const char *object); /* for just this device */
void agent_end(Agent *agent, const char *object);

/* autoconnect.c */
AutoConnect *auto_connect_new(Link *link);
AutoConnect *auto_connect_free(AutoConnect *ac);
void auto_connect_reset(AutoConnect *ac);
void auto_connect_update(AutoConnect *ac);      /* adapters or adopted devices have changed */
void auto_connect_adapter_removed(AutoConnect *ac, const char *path);
bool auto_connect_covers(const AutoConnect *ac, const char *adapter_path);

/* search.c */
Search *search_new(Link *link);
Search *search_free(Search *search);
void search_reset(Search *search);              /* bluetoothd has gone */
void search_want(Search *search, uint64_t duration_usec); /* a window of our own, to see a device again */
/* A connection begins, to which discovery leaves too little of the radio; a client's search gives way only to what a client asked. */
void search_pause(Search *search, bool client);
void search_seen(Search *search, Object *device); /* it may be a candidate */
bool search_running(const Search *search);      /* for a client */
int search_start(Search *search, uint64_t duration_usec);
void search_stop(Search *search);
void search_keep(Search *search, Device *device); /* found: kept 60 s from now */
