/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Our own API on a bus connection of its own: objects, properties, methods, streams, and who may do what. Everything that is not
 * a question of D-Bus is asked of the link, the store, or the hub (BusOps). */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "link/link.h"
#include "profiles/channels.h"
#include "profiles/profile.h"
#include "session/replay.h"
#include "session/session.h"
#include "session/tracker.h"
#include "store/store.h"

typedef struct Bus Bus;

typedef void (*BusDone)(int error, const char *message, void *call);

typedef struct BusPlanOps BusPlanOps;  /* plan.h */

typedef struct BusStartOptions {
        uid_t owner;
        const char *subject, *area, *product, *note; /* NULL: unset */
} BusStartOptions;

/* What the hub does for callers who are allowed to. Errors are negative errno; *ret_message (may be set on error, static or valid until
 * the next call) is one sentence for the caller: what happened and what to do. */
typedef struct BusOps {
        const TrackerCounters *(*device_counters)(Device *device, void *userdata); /* never NULL */
        /* `done` when all that it has stored is taken over; < 0: it is not called. */
        int (*device_sync)(Device *device, BusDone done, void *call, const char **ret_message, void *userdata);
        int (*session_start)(Device *device, const BusStartOptions *options, Session **ret, const char **ret_message, void *userdata);
        int (*session_pause)(Session *session, bool pause, const char **ret_message, void *userdata);
        int (*session_stage)(Session *session, Stage stage, const char **ret_message, void *userdata);
        int (*session_area)(Session *session, uint8_t area, const char **ret_message, void *userdata);
        int (*session_mark)(Session *session, const char *text, const char **ret_message, void *userdata);
        /* As session_finish. */
        void (*session_annotate)(Session *session, const StoreLabels *labels, BusDone done, void *call, void *userdata);
        /* `done` when durable, or with -EIO after 20 s: kept in memory, follows. */
        void (*session_finish)(Session *session, BusDone done, void *call, void *userdata);
        void (*session_discard)(Session *session, BusDone done, void *call, void *userdata);
        uint64_t (*now_usec)(void *userdata); /* CLOCK_BOOTTIME */
        void (*doctor)(FindingReport report, void *report_userdata, void *userdata); /* Manager1.Doctor: answers before it returns */
        /* The name of a user as it is stored with sessions, "" if not known; without blocking. NULL: uids are never used again. */
        const char *(*user_name)(uid_t uid, void *userdata);
        uint64_t (*session_id)(void *userdata); /* for a session that is imported: never one that was used before */
        void (*erased)(const StoreErased *erased, void *userdata); /* what was just over is shown for a while: these no longer */
        const BusPlanOps *plan;
        /* The session of a StoreDecoder's decoding, as it is after its frames. NULL: nobody knows. */
        const Session *(*replayed)(const void *decoding, void *userdata);
        /* A replay of a stored session, and the numbers of its channels as the profile has them today; NULL: nobody can read it. Called on the store's
         * thread. */
        Replay *(*replay)(const StoreSession *row, const TrackerObserver *observer, void *observer_userdata, uint8_t ret_map[static CHANNELS_MAX],
                          void *userdata);
} BusOps;

typedef struct BusSettings {
        sd_event *event;
        Link *link;             /* outlives the bus */
        Store *store;           /* likewise */
        const Profiles *profiles; /* likewise; NULL: characteristics of vendors' devices have no names */
        const BusOps *ops;
        void *userdata;
        uid_t daemon_uid;       /* may do everything, like root */
        uint64_t release_usec;  /* of Device1.Release without `seconds`; 0: until Connect() */
        /* The connection was lost or the name is taken: the daemon should exit with this error. */
        void (*failed)(Bus *bus, int error, const char *message, void *userdata);
        void (*name_acquired)(Bus *bus, void *userdata); /* for the first time */
        void (*stalled)(Bus *bus, void *userdata); /* the connection is opened again */
        uint64_t leaving_usec;  /* for which readers of a session whose object is gone are given what is queued; 0: a minute */
        uint64_t stall_usec;    /* after which a connection that the bus takes nothing from is opened again; 0: 30 s */
} BusSettings;

/* Opens the system bus (or DBUS_SYSTEM_BUS_ADDRESS) and adds the objects; asynchronous after Hello. */
int bus_new(const BusSettings *settings, Bus **ret);
/* Requests org.needled, once: from then on there is something to be asked for. 0 or negative errno. */
int bus_take_name(Bus *bus);
/* Ends all streams and calls. Work that is under way for a call (session_finish, session_discard) may still be `done` afterwards. */
Bus *bus_free(Bus *bus);

/* All that follow take NULL for the bus, and do nothing then: before it is there and after it has gone.
 *
 * State for the properties of Manager1: emitted when it changed. */
void bus_bluetooth_changed(Bus *bus);
void bus_searching_changed(Bus *bus);
void bus_storage_changed(Bus *bus);

void bus_device_added(Bus *bus, Device *device);
void bus_device_changed(Bus *bus, Device *device, unsigned changed);
void bus_device_removed(Bus *bus, Device *device);
void bus_device_session_changed(Bus *bus, Device *device, Session *session); /* Device1.Session; NULL: none */

/* The order at the end (durable → Added → finished → END → removed 60 s later; Added behind END while the database cannot be written) is the
 * hub's: it calls these in that order. */
void bus_session_added(Bus *bus, Session *session);
void bus_session_state_changed(Bus *bus, Session *session); /* shows session->state and ->end from now on */
void bus_session_stage_changed(Bus *bus, Session *session); /* shows session->stage from now on */
void bus_session_removed(Bus *bus, Session *session);       /* the object goes; the session may be freed after the call */
void bus_set_release_time(Bus *bus, uint64_t usec); /* as in the settings */
void bus_history_added(Bus *bus, uint64_t id, uid_t owner);
/* It is kept in memory, and is told when the storage works again (bus_storage_changed()). */
void bus_history_added_late(Bus *bus, uint64_t id, uid_t owner);
void bus_history_changed(Bus *bus, uint64_t id, uid_t owner);
/* Removed for each of them, or if they are very many one for each owner. NULL: nothing is gone. */
void bus_history_erased(Bus *bus, const StoreErased *erased);

/* Streams: to all readers of the session; nothing is done if there is none. */
static inline bool bus_session_has_readers(const Session *session) {
        return session->n_readers > 0;
}
void bus_stream_live(Bus *bus, Session *session, const Frame *frame, const OmpLive *live);
void bus_stream_waveform(Bus *bus, Session *session, const Frame *frame, const OmpWaveform *waveform);
void bus_stream_event(Bus *bus, Session *session, const Frame *frame, const OmpEvent *event);
void bus_stream_alert(Bus *bus, Session *session, const Alert *alert);
void bus_stream_mark(Bus *bus, Session *session, const Frame *frame, const char *text);
void bus_stream_limits(Bus *bus, Session *session); /* others hold from now on: STATE once more */
void bus_stream_gap(Bus *bus, Session *session, const SessionGap *gap);
void bus_stream_frame(Bus *bus, Session *session, const Frame *frame); /* for those who asked for frames */
void bus_stream_figures(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec); /* once a second */
/* STATE is sent by bus_session_state_changed() and bus_session_stage_changed(); END by this, and the readers are closed. */
void bus_stream_end(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec);
/* It had ended, and its record is erased: who is still given its past hears that it was discarded. bus_session_removed() comes next. */
void bus_stream_erased(Bus *bus, Session *session);
