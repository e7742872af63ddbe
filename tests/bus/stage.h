/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the bus layer stand on: the real bus layer and real sessions on a fake bus, with a link,
 * a store and a hub that do what the test says. There is one stage at a time. */

#include "bus/bus.h"
#include "fake-bus.h"
#include "needled/stream.h"

#define DEVICE_PATH "/org/needled/device/C0_FF_EE_12_34_56"
#define FOUND_PATH "/org/needled/device/C0_FF_EE_00_00_01"
#define SESSIONS "/org/needled/session"
#define SESSION_PATH SESSIONS "/42"
#define MANAGER "org.needled.Manager1"
#define DEVICE "org.needled.Device1"
#define SESSION "org.needled.Session1"
#define HISTORY "org.needled.History1"

#define OWNER ":1.50"                   /* uid 1000, whose device and sessions they are */
#define OTHER ":1.60"                   /* uid 1001 */
#define ROOT ":1.70"                    /* uid 0 */
#define SELF ":1.80"                    /* uid 990, the daemon's */
#define OWNER_UID 1000u
#define OTHER_UID 1001u

/* Figures that would be noticed anywhere. */
#define FORCE_MEAN_MN 23117
#define FORCE_PEAK_MN 29333

typedef struct Scene {
        sd_event *event;
        FakeBus *fb;
        Bus *bus;
        bool acquired;                  /* the name */
        int failed;                     /* what settings->failed() said */
        unsigned n_stalls;              /* settings->stalled() */

        /* link */
        Device device, found;
        GPtrArray *devices;
        LinkBluetooth bluetooth;
        int search_result, sync_result;
        bool searching;
        unsigned n_searches, n_search_stops, n_link_cancels;
        uint64_t search_usec;
        const char *work;               /* "adopt", "forget", "connect", "release": under way */
        LinkDone work_done;
        void *work_call;
        LinkDone other_done;            /* of a call that is answered when the work is cancelled, as those of the same device may be */
        void *other_call;
        Device *adopt_device;
        char *adopt_alias;
        bool adopt_unbonded;
        uid_t adopt_owner;
        uint64_t release_usec;
        LinkControl control;            /* the newest of link_control() */
        DeviceParameters parameters;    /* its */
        int control_error;              /* what it answers at once; 0: it is under way as "control" */
        LinkPairingAgent adopt_agent;   /* ask is NULL: none */
        unsigned n_answers;             /* of the agent */
        int answer_error;               /* the newest */
        uint32_t answer;

        /* store */
        StoreState storage;
        GPtrArray *history;             /* StoreSession, borrowed; newest first */
        int store_error;
        unsigned n_queries;
        StoreFilter filter;             /* of the newest query */
        bool store_holds;               /* queries are not answered until stage_store_answer() */
        StoreReplay replay;             /* what a replay says, but for its session, which is the one of the history; decoding: a Session */
        StoreSeries series;             /* the newest that was asked for */
        GArray *points;                 /* StorePoint: what is answered */
        int scan_error;                 /* of both */
        unsigned n_forgotten;           /* of them */
        bool scans_hold;                /* neither is answered until stage_scans_answer() */
        GArray *kept;                   /* Frame: of the live session */
        unsigned written;               /* how many of them walks come to; UINT_MAX: all */
        int walk_error;
        unsigned n_damaged;             /* chunks, as walks tell */
        bool unreadable;                /* nobody has the profile of the session */
        unsigned n_exports;
        StoreExport export;             /* the newest; its pipe is the stage's to close */
        TapeHead export_head;
        StoreCounted export_counted;
        StoreDone export_ended;
        void *export_userdata;
        const char *erasing;            /* "delete", "all", "copies": under way */
        uint64_t erase_id;
        uid_t erase_owner;
        bool cannot_erase;              /* too many wait */
        const char *erase_owner_name;
        StoreErasedDone erase_done;
        void *erase_userdata;
        unsigned n_erased;              /* sessions that the hub was told of */
        unsigned n_imports;
        StoreImport import;             /* the newest; its pipe is the stage's to close, its texts are interned */
        StoreImported import_done;
        void *import_userdata;

        /* hub */
        const Finding *findings;        /* of Doctor */
        size_t n_findings;
        uint64_t now_usec, realtime_usec;
        Tracker *tracker;
        uint64_t next_id;
        StoreLabels labels;             /* of the newest Annotate(); texts are the stage's until the next */
        uint64_t labelled;              /* the session; 0: by the hub, of the live one */
        unsigned n_labels;
        StoreDone label_done;           /* of History1.Annotate(), until stage_store_labelled() */
        void *label_userdata;
        GArray *events;                 /* StoreEvent, of session 7 and of the live one */
        StoreEventFilter event_filter;  /* of the newest GetEvents() */
        BusDone end_done;               /* of session_finish, session_discard or session_annotate */
        void *end_call;
        Session *ended;
        char *user_name;                /* of OWNER_UID, NULL: not known */
        int op_error;
        uint16_t sequence;
        uint32_t strokes, tick;
} Scene;

extern Scene *stage;

void stage_new(void);                   /* and waits for the name */
void stage_new_without_waiting(void);
void stage_new_with_release_time(uint64_t release_usec); /* that of needled.conf */
void stage_new_with_leaving_time(uint64_t leaving_usec); /* for which readers of a session that is gone are given what is queued */
void stage_new_with_stall_time(uint64_t stall_usec); /* after which a connection is opened again */
void stage_free(void);

/* A live session of the owner's, running, with figures. */
Session *stage_session(void);
void stage_live(unsigned n);            /* live values, 50 ms apart */
void stage_waveform(void);
void stage_link(FrameLink what);
/* The hub's order at the end: Added, finished, END. */
void stage_session_durable(void);
void stage_session_remove(void);
void stage_store_answer(void);          /* all that was asked; labels are not written any more */
void stage_store_labelled(int error);
void stage_store_erased(int error, const StoreErased *erased);
void stage_scans_answer(void);
bool stage_walks(void);                 /* those under way come to where they stop; false: there is none */
unsigned stage_n_walks(void);           /* that were not freed */

/* Short forms of fake_call(). */
#define call(sender, path, interface, member, ...) \
        fake_call(stage->fb, sender, "", path, interface, member, __VA_ARGS__)
#define expect(call_, error) fake_call_expect(stage->fb, call_, error)
#define call_expect(error, sender, path, interface, member, ...)                                        \
        do {                                                                                            \
                g_autoptr(FakeCall) _c = call(sender, path, interface, member, __VA_ARGS__);            \
                (void) expect(_c, error);                                                               \
        } while (0)

/* The value of a property, printed; the caller's to free. */
char *stage_property(const char *sender, const char *path, const char *interface, const char *name);
/* A whole message or what is left of it, printed in a form of our own: a{sv} as {key: value, …}. */
char *stage_print(sd_bus_message *m);
