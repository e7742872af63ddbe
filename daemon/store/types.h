/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes into the store and comes out of it: plain structs. What belongs to a struct that the store hands out lives for the call; what
 * is handed in is copied. Strings may be NULL where said. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "needled/figures.h"
#include "needled/frame.h"
#include "needled/tape.h"

/* The channel whose frames go first when memory is full: an OMP_CHAR_WAVEFORM. The store does not know the codec;
 * test-job.c holds the two together. */
#define STORE_BULK_CHANNEL 2u
/* That of what a device has stored itself: an OMP_CHAR_SESSION_DATA, likewise. */
#define STORE_RECORD_CHANNEL 7u

/* The curves that are kept of a session: of each chunk its smallest and largest value, so that a curve is read without the frames. */
typedef enum StoreMetric {
        STORE_METRIC_FORCE,             /* mN: min and mean of the interval means, max of their peaks */
        STORE_METRIC_STROKE_RATE,       /* strokes/min */
        STORE_METRIC_DEPTH,             /* um */
        _STORE_METRIC_MAX,
} StoreMetric;

/* What one value says of them. Who knows the codec derives it: the session layer as the value comes, StoreDecoder when it is read again; both
 * the same. */
typedef struct StoreSample {
        uint8_t has;                    /* bit n: StoreMetric n */
        int32_t mean[_STORE_METRIC_MAX]; /* the value; of force the interval's mean */
        int32_t max[_STORE_METRIC_MAX]; /* the value; of force the interval's peak */
} StoreSample;

/* One that is not of its frame's time. */
typedef struct StoreTimedSample {
        uint64_t boottime_usec;
        StoreSample sample;
} StoreTimedSample;

typedef enum StoreState {
        STORE_OPENING,
        STORE_READY,
        STORE_DEGRADED,         /* writing fails or lags; kept in memory, tried again */
        STORE_UNAVAILABLE,      /* no database could be opened; kept in memory as far as it goes, tried again */
        _STORE_STATE_MAX,
} StoreState;

/* How far the sessions that a device keeps have been fetched. */
typedef struct StoreCursor {
        uint32_t epoch;                 /* from 1 */
        uint32_t record;                /* the last that is durable here; 0: none */
        uint64_t start;                 /* what identifies it beside its number: its start as the device tells it, packed by the caller */
} StoreCursor;

typedef struct StoreDevice {
        char *path;             /* last part of its D-Bus path; never changes */
        char *address;          /* identity address, "AA:BB:CC:DD:EE:FF"; with address_type the key */
        char *address_type;     /* "public", "random" */
        char *adapter;          /* address of the adapter, NULL if any */
        char *name, *alias, *profile, *manufacturer, *model, *serial, *firmware; /* "" if unknown */
        int kind;               /* OmpKind */
        uid_t owner;
        bool bonded, allow_unbonded, auto_connect;
        uint64_t adopted_realtime_usec;
        bool released;
        uint64_t released_until_usec; /* wall clock; 0: until it is asked for */
        StoreCursor cursor;     /* filled in what is read; store_device_put() leaves it */
} StoreDevice;

typedef struct StoreSession {
        uint64_t id;
        char *uuid;             /* 36 characters */
        char *device_address, *device_alias, *profile;
        char *channels;         /* what the frames' channel numbers stand for, "0=<uuid>;1=<uuid>": a vendor profile may have been
                                 * edited since; "" for "omp1" */
        uid_t owner;
        char *owner_name;       /* user name, so that a uid used again does not inherit; "" if unknown */
        char *boot_id;          /* of the start, 32 hex digits */
        int utc_offset_sec;
        uint64_t start_boottime_usec, start_realtime_usec; /* session time 0 */
        char *subject, *area, *product, *note; /* "" if unset */
        bool acknowledged;
        /* Filled in what is read: */
        int rating;             /* 1 … 5; 0 none */
        uint64_t areas;         /* bit n: there was a STORE_EVENT_AREA with code n */
        char *state;            /* "live" while not ended, else "finished" */
        char *end_reason;       /* "" while live */
        char *source;           /* "live", "stored" (fetched from the device), "both", "imported" */
        uint32_t record;        /* the device's number for it; 0: none */
        uint32_t epoch;         /* of the device's numbers: grows when they begin anew; 0 of one that was imported, until its device has the record */
        uint64_t record_start;  /* of a record: as StoreCursor.start, if that tells one from another; 0: not known */
        uint64_t end_boottime_usec, end_realtime_usec;
        Figures figures;        /* absent while live */
} StoreSession;

/* Whether it is something that the device has stored itself: in a vendor's session the number means something else. */
static inline bool store_is_of_record(const StoreSession *session, const Frame *frame) {
        return frame->channel == STORE_RECORD_CHANNEL && frame->direction == FRAME_FROM_DEVICE && !*session->channels;
}

/* Whether what was stored with this name of its owner is that of who has this name; where either is not known ("", NULL) it is. */
static inline bool store_owner_fits(const char *stored, const char *name) {
        return !name || !*name || !stored || !*stored || strcmp(stored, name) == 0;
}

/* How it ended. */
typedef struct StoreEnd {
        const char *reason;
        uint64_t boottime_usec, realtime_usec;
        const Figures *figures;         /* NULL: none are known */
        uint32_t record, epoch;         /* the device's number for it; 0: it keeps none */
} StoreEnd;

typedef struct StoreGap {
        uint64_t from_usec, to_usec; /* session time */
        int stream;             /* as needled_stream_gap */
        uint64_t lost;
} StoreGap;

typedef enum StoreEventKind {            /* numbers stay: they are in databases */
        STORE_EVENT_DEVICE,             /* of the device: code is its code */
        STORE_EVENT_ALERT,              /* code: AlertCode; severity: its level; asserted: raised */
        STORE_EVENT_STATE,              /* code: SessionState */
        STORE_EVENT_STAGE,              /* code: Stage */
        STORE_EVENT_AREA,               /* code: of the profile */
        STORE_EVENT_MARK,               /* text */
} StoreEventKind;

typedef struct StoreEvent {
        uint64_t session_usec, realtime_usec;
        StoreEventKind kind;
        uint8_t code, severity;
        bool asserted;
        int64_t value;
        const char *text;               /* of a MARK; NULL: none */
        uint64_t id;                    /* filled in what is read: grows in the order of writing */
} StoreEvent;

#define STORE_EVENTS_MAX 1000u          /* a page */

typedef struct StoreEventFilter {
        uint64_t session;
        uint64_t after, before;         /* ids of events, 0: no bound; with `before` alone the newest before it, else the oldest */
        unsigned limit;                 /* 1 … STORE_EVENTS_MAX */
} StoreEventFilter;

#define STORE_RATING_NONE (-1)

/* The labels of a session; NULL stays as it is. */
typedef struct StoreLabels {
        const char *subject, *area, *product, *note;
        int rating;                     /* 1 … 5, STORE_RATING_NONE takes it away; 0 stays as it is */
} StoreLabels;

/* What a person set for one subject ("": themselves): -1 as configured. */
typedef struct StorePlan {
        uid_t owner;
        char *owner_name;       /* as of a session */
        char *subject;
        int64_t rest_300_usec, rest_500_usec, rest_1000_usec, rest_deeper_usec;
        int weekly_max, course_weeks;
} StorePlan;

typedef struct StoreAcknowledgement {
        uid_t owner;
        char *owner_name;       /* as of a session */
        char *version;                  /* of the list that was acknowledged; "" none */
        uint64_t realtime_usec;
} StoreAcknowledgement;

/* A session that a device has kept, whole: written in one transaction, or not at all. */
typedef struct StoreRecord {
        StoreSession session;           /* its id, source and end_reason "device", its figures; record, epoch, and both ends by both clocks */
        const char *device_address_type; /* with session.device_address: whose cursor is moved */
        StoreCursor cursor;             /* where it is then */
        bool start_unknown;             /* by the wall clock: the session's is a guess */
        const Frame *frames;            /* what came of it on the air: the record's bodies and its trace's, in order */
        size_t n_frames;
} StoreRecord;

typedef enum StoreRecordFate {
        STORE_RECORD_ADDED,
        STORE_RECORD_MERGED,            /* with the session that was followed live: its figures stand, the frames of the record are added to it */
        STORE_RECORD_KNOWN,             /* it is here, or was and was erased: nothing changed but the cursor */
} StoreRecordFate;

/* A session that was live when the daemon went, with all its frames in order: main replays them. Frames point into `bytes`. */
typedef struct StoreOpenSession {
        StoreSession session;
        Frame *frames;
        size_t n_frames;
} StoreOpenSession;

typedef struct StoreGone {
        uint64_t id;
        uid_t owner;
} StoreGone;

typedef struct StoreOpened {
        StoreDevice *devices;
        size_t n_devices;
        StoreOpenSession *sessions; /* those that had not ended, newest first */
        size_t n_sessions;
        StorePlan *plans;
        size_t n_plans;
        StoreAcknowledgement *acknowledgements; /* one for each owner */
        size_t n_acknowledgements;
        bool taken_in;              /* what the ring had is in the database now */
        StoreGone *ended;           /* sessions that were over only in the ring: nobody has heard of it */
        size_t n_ended;
        uint64_t next_session_id;   /* never one that was used before, not even in a database that was put aside */
} StoreOpened;

typedef struct StoreFilter {
        uint64_t since_usec, until_usec; /* 0: no bound; wall clock of the start */
        const char *device, *subject, *area; /* NULL: any */
        uid_t owner;            /* (uid_t) -1: any */
        const char *owner_name; /* as store_owner_fits(): those of who had the uid before are left out. NULL: they are not */
        unsigned limit;         /* 1 … 500 */
        uint64_t before;        /* last id of the previous page, 0: from the newest */
} StoreFilter;

/* How frames are read again, given once by who knows the codec. All of it runs on the reader's thread, one session at a time or several in
 * turns; what it uses must not change meanwhile. `frame` must not allocate for each frame. */
typedef struct StoreDecoder {
        /* The frames of this session will follow, in order. NULL: nobody knows its profile any more. */
        void *(*begin)(const StoreSession *session, void *userdata);
        /* One of them. What it says of the curves is in *ret (has 0: nothing), which may be NULL. */
        void (*frame)(void *decoding, const Frame *frame, StoreSample *ret);
        /* What the newest frame, one that store_is_of_record(), says of the curves for times at which nothing came live in the frames so far: how
         * many samples, valid until the next frame. NULL: nobody can tell. */
        size_t (*stored)(void *decoding, const StoreTimedSample **ret);
        /* The row of it for `csv`, without its line end, into a buffer of STORE_ROW_MAX octets; returns the length. After frame(). */
        size_t (*csv_row)(void *decoding, const Frame *frame, char *buf);
        /* Likewise of a moment: what held then, after the frames up to it. */
        size_t (*csv_moment)(void *decoding, uint64_t boottime_usec, char *buf);
        const char *csv_head;           /* the names of the columns, with units; without its line end */
        /* An event as an object of JSON, likewise. 0: it is of a later version. */
        size_t (*event_json)(const StoreEvent *event, char *buf);
        /* What the newest frame made happen, as rows that a live session would have got: how many, valid until the next frame. NULL: nobody
         * can tell. */
        size_t (*events)(void *decoding, const StoreEvent **ret);
        size_t (*gaps)(void *decoding, const StoreGap **ret);
        /* It is over, at its end: figures as they come from the frames. After it gaps() has what was held back in case that something came late. */
        void (*figures)(void *decoding, uint64_t end_boottime_usec, Figures *ret);
        void *(*free)(void *decoding);  /* also on the caller's thread */
} StoreDecoder;

#define STORE_ROW_MAX 4096u          /* a waveform of 251 samples, a mark of 255 octets that all need an escape */

#define STORE_SCANS_MAX 64u             /* replays, series and walks that wait, or are under way */

/* A session read again from its frames. */
typedef struct StoreReplay {
        const StoreSession *session;    /* as it is in the record */
        void *decoding;                 /* of the StoreDecoder, after all frames; NULL: nobody knows its profile. Valid for the call */
        Figures figures;                /* computed again; nothing present without `decoding` */
        unsigned figures_version;       /* of the code that computed those of the record; 0: none were */
        uint64_t n_frames, n_chunks;
        uint64_t n_damaged;             /* chunks that cannot be read: CRC, length or count does not fit */
} StoreReplay;

typedef struct StoreSeries {
        uint64_t id;                    /* also one that is live, as far as it is written */
        StoreMetric metric;
        uint64_t from_usec, to_usec;    /* session time; [from, to) is cut into `points` buckets */
        unsigned points;                /* 1 … STORE_POINTS_MAX */
        uid_t asker;                    /* as of store_replay() */
} StoreSeries;

#define STORE_POINTS_MAX 4096u

typedef struct StorePoint {
        uint64_t usec;                  /* session time at which its bucket begins */
        int32_t min, mean, max;         /* in the metric's unit; mean: of the values, rounded */
} StorePoint;

/* A session through a pipe. Time 0 of a tape is that of the session. */
#define STORE_EXPORTS_MAX 16u           /* at a time */

typedef enum StoreFormat {
        STORE_FORMAT_TAPE,
        STORE_FORMAT_CSV,
        STORE_FORMAT_JSON,
        _STORE_FORMAT_MAX,
} StoreFormat;

typedef struct StoreExport {
        uint64_t id;
        StoreFormat format;
        unsigned resample_hz;           /* of CSV: rows at this rate instead of one for each frame; 0: as they are */
        const TapeHead *head;           /* of a tape and of JSON, which has its names of channels; NULL else */
        uint64_t from_usec, to_usec; /* session time, both included; UINT64_MAX: to the end, and the end is said */
        int fd;                 /* the pipe's end to write to, O_NONBLOCK; the store closes it */
} StoreExport;

/* A tape to be taken in as a session. What reads it is bounded by the tape's format, and nothing of it is to be seen before all of it is. */
typedef struct StoreImport {
        StoreSession session;           /* its id, owner, labels, acknowledged, rating, source, record and its start; uuid and the device's names, where they
                                         * are "" the tape's stand; the tape tells the rest */
        int fd;                         /* the end of a pipe to read from, however its flags are; the store closes it */
} StoreImport;

/* A record of a device that is not to come back from it. */
typedef struct StoreBurial {
        const char *device_address;
        uint32_t epoch, record;         /* record 0: it keeps none of it */
        uint64_t record_start;          /* as of a session; 0: of whatever start, in this epoch */
} StoreBurial;

/* What was taken away, and what is left of it elsewhere. */
typedef struct StoreErased {
        unsigned n_sessions;
        uint64_t n_bytes;               /* by which the files have shrunk */
        StoreGone *sessions;
        char **remains;                 /* names of files that may hold more: put aside, or backups that were not removed; NULL-terminated */
} StoreErased;

/* How long sessions are kept. Too many are told by the order in which they came, at the end of each; what is too old goes when it still is
 * after the daemon has run for another day, so that a clock that jumps erases nothing. */
typedef struct StoreRetention {
        uint64_t age_usec;              /* since the end of a session; 0: for ever */
        unsigned count;                 /* of each owner; 0: all */
} StoreRetention;
