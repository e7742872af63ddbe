/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What hub.c (devices, storage, wiring), hub-journal.c (what is told of devices), hub-sessions.c (sessions from open to gone), hub-ask.c
 * (what clients ask), hub-alerts.c (limits and warnings), hub-plan.c (when to go on, what was acknowledged), hub-resume.c (sessions from before the start),
 * hub-status.c (what systemctl shows), hub-sample.c (what a frame says of the curves), hub-decode.c (stored sessions read again),
 * hub-sync.c (what devices have stored) and doctor.c (what is wrong) share. */

#include "bus/bus.h"
#include "hub.h"
#include "link/link.h"
#include "log.h"
#include "session/tracker.h"
#include "sleep.h"
#include "status-text.h"
#include "store/store.h"

struct Hub {
        sd_event *event;
        Config config;
        Profiles *profiles;
        Link *link;
        Store *store;
        Bus *bus;
        Sleep *sleep;
        Watchdog *watchdog;             /* the caller's */
        struct HubPlan *plan;
        unsigned n_syncs;               /* of the store, that the computer's sleep waits for */
        sd_event_source *store_source, *tick_source;
        sd_event_source *name_source;   /* until the name is asked for */

        char *state_dir, *root;         /* root: before /etc, /sys and /run, "" */
        GPtrArray *troubled_profiles;   /* paths of files that profiles_load() complained of, owned */
        unsigned profile_problems;

        uint64_t next_session_id;
        char boot_id[33];
        GPtrArray *followers;           /* Follower, each owned; one for each device */
        GHashTable *user_names;         /* uid → UserName, as the system knew it when it was asked last */
        GPtrArray *endings;             /* Ending: sessions that are over and still shown */
        uint64_t figures_at_usec;       /* CLOCK_BOOTTIME: when streams are told them next; whatever happens until then does not put it off */
        bool storage_troubled;          /* and told so */
        bool ready;                     /* and told so */
        bool stopping;
        char status[STATUS_TEXT_MAX];   /* as it was told last */
};

/* One for each device: what its frames come to. */
typedef struct Follower {
        Hub *hub;                       /* weak: our owner */
        Device *device;                 /* NULL: only to end a session whose device is not known any more */
        Tracker *tracker;
        struct {                        /* what the journal was told */
                bool adopted, linked, released;
                DeviceState trouble;    /* since it was linked; DEVICE_FOUND: none */
        } told;
        uint64_t alert_logged_usec[_ALERT_CODE_MAX]; /* when each was last told to the journal; 0: not in this session */
        unsigned n_notes;               /* by hand in the live session, since the start of the daemon */
        NoteLimits limits;              /* as the tracker has them */
        struct {                        /* what the device has stored */
                bool wanted;            /* to be taken over as soon as that can be */
                bool offered;           /* it could, when it was looked at last */
                bool running;
                unsigned added, merged; /* by this one */
                unsigned writing;       /* sessions that wait for the disk */
                GArray *waiters;        /* who asked; NULL: nobody */
        } sync;
        struct {                        /* the newest frame, until it is known what it means (hub-sample.c) */
                uint64_t session;       /* 0: there is none */
                Frame frame;
                StoreSample sample;
                uint8_t data[OMP_VALUE_MAX];
        } held;
} Follower;

/* A session that is over: first it becomes durable, then it is announced, then it is shown for a while, then it goes. */
typedef struct Ending {
        Hub *hub;                       /* weak: our owner */
        Session *session;
        uint64_t remove_at_usec;        /* 0 until announced */
        BusDone done;                   /* of who asked for the end, NULL if nobody waits */
        void *call;
} Ending;

extern const TrackerObserver hub_tracker_observer;
extern const BusOps hub_bus_ops;

/* One clock pair for one moment. */
void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec);
Follower *hub_follower_new(Hub *hub, Device *device);
Follower *hub_follower_by_address(const Hub *hub, const char *address); /* NULL: no such device */
const char *hub_user_name(Hub *hub, uid_t uid); /* "" if there is no such user */
const char *hub_device_label(const Device *device); /* alias or address */
/* Something may have to be done earlier than planned. */
void hub_arm_tick(Hub *hub);

/* hub-journal.c */
void hub_journal_known(Follower *follower); /* what the device is already is no news */
void hub_journal_device(Follower *follower, unsigned changed);
void hub_journal_sleep(bool asleep);
/* A session is over; what it came to is said only where the configuration allows it, as fields. */
void hub_journal_finished(const Hub *hub, const Session *session, const Figures *figures);
/* So many sessions were taken over; problem: why not all, "" if they were. */
void hub_journal_sync(Follower *follower, unsigned added, unsigned merged, const char *problem);

/* hub-alerts.c */
void hub_limits(const Hub *hub, const Device *device, NoteLimits *ret); /* device NULL: of none */
/* They may have changed: the tracker is told if so. */
void hub_limits_changed(Follower *follower);
/* To the journal, if it is one for it: once a minute and code at most, and never what was measured. */
void hub_alert_log(Follower *follower, const Session *session, AlertCode code, uint64_t now_usec);
void hub_alerts_forget(Follower *follower); /* the session is over */
/* The device's battery may be low. */
void hub_alert_battery(Follower *follower);

/* hub-sample.c */
void hub_sample(const Session *session, const OmpLive *live, StoreSample *ret); /* what the newest says of the curves */
/* Likewise of an entry of a stored trace. False: nothing. */
bool hub_stored_sample(const OmpTrace *trace, unsigned entry, StoreSample *ret);
void hub_frame_hold(Follower *follower, const Session *session, const Frame *frame);
/* To the store, with what was found out about it. After each tracker_frame() and tracker_start(), and before a session ends. */
void hub_frame_flush(Follower *follower);

/* hub-sync.c */
void hub_sync_want(Follower *follower); /* now, or when it can be */
void hub_sync_device_changed(Follower *follower);
void hub_sync_session_opened(Follower *follower);
void hub_sync_session_over(Follower *follower); /* and stored or discarded; or the device's own, which ended after ours */
/* `done` at the end of the one that is begun, or runs. Errors, at once: as link_sync(). */
int hub_sync_ask(Device *device, BusDone done, void *call, const char **ret_message);
void hub_sync_record(Device *device, const StoredRecord *record);
/* The store's: later than it was waited for. */
void hub_sync_recorded(StoreRecordFate fate, uint64_t id, const StoreSession *session, const StoreCursor *cursor, void *hub);
/* Of this number of the device's, of a session that was followed live. */
uint32_t hub_sync_epoch(const Device *device, uint32_t record);

/* hub-sessions.c */
Follower *hub_follower_of(const Hub *hub, const Session *session); /* of a session that is live or over; NULL: its device has gone */
LogContext hub_session_context(const Session *session, const char *message_id);
/* Who a session of this device is that begins now. */
void hub_session_identify(Follower *follower, SessionIdentity *ret);
void hub_session_show(Follower *follower, Session *session);
/* By which profile the device's frames are read from here on. A session that was read by another one ends. */
void hub_session_profile(Follower *follower, const Profile *profile);
bool hub_sessions_make_room(Hub *hub); /* for one more that will be over: who was shown longest goes; false: all wait to be written */
void hub_sessions_tick(Hub *hub, uint64_t now_usec, uint64_t realtime_usec); /* figures for streams, ended sessions that are to go */
uint64_t hub_sessions_deadline(const Hub *hub);
void hub_sessions_erased(Hub *hub, const StoreErased *erased); /* what is still shown of them goes too */
GPtrArray *hub_endings_new(void);
void hub_sessions_stop(Hub *hub); /* tells who waits, takes the objects from the bus */

/* doctor.c */
void hub_doctor(FindingReport report, void *report_userdata, void *userdata);

/* hub-plan.c */
typedef struct HubPlan HubPlan;
extern const BusPlanOps hub_plan_ops;
HubPlan *hub_plan_new(void);
HubPlan *hub_plan_free(HubPlan *plan);
void hub_plan_opened(Hub *hub, const StoreOpened *opened);
/* Whether its owner has acknowledged the contraindications; and warns in it, later, if it began before it should have. */
void hub_plan_session_opened(Hub *hub, Session *session);

/* hub-decode.c */
extern const StoreDecoder hub_decoder;  /* with the hub as its userdata */

/* hub-status.c */
void hub_status_changed(Hub *hub); /* perhaps: it is told only if so */

/* hub-resume.c */
void hub_sessions_resume(Hub *hub, const StoreOpened *opened);
