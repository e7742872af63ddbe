/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The profile's own kind of device, and what its files share:
 *   peripheral-omp.c           its life, its time, its listeners
 *   peripheral-measure.c       from a sample to Live, Waveform, Status and events
 *   peripheral-send.c          sequence numbers, replay, load, mischief
 *   peripheral-procedures.c    Clock, Control Point, parameters
 *   peripheral-records.c       finished sessions: from samples to a record and its trace, and the store of them
 *   peripheral-transfer.c      RACP and Session Data */

#include <glib.h>
#include <math.h>

#include "model.h"
#include "needled/omp-control.h"
#include "needled/omp-records.h"
#include "peripheral.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define FORCE_BIN_MN 10
#define FORCE_BINS 3277                 /* 0 … 32.76 N */
#define DEPTHS_MAX 8
#define TRACE_PERIOD_USEC USEC_PER_SEC
#define REPLAY_MAX 16u                  /* "the events since the last connection, at most 16" */

/* What is gathered for one Live value. */
typedef struct Interval {
        double sum_mn;
        int32_t peak_mn;
        unsigned n, n_contact;
} Interval;

typedef struct Mischief {
        unsigned malformed, empty, duplicate; /* still to do */
        unsigned turn;          /* which way of being malformed comes next */
        unsigned segment_loss;  /* segments of Session Data that are still to be lost on the way */
} Mischief;

/* What is gathered for the record of the session that runs. */
typedef struct SessionSums {
        OmpElapsed start;
        uint8_t flags;                  /* OMP_RECORD_* */
        uint8_t battery_start;          /* % */
        uint32_t passes_before;         /* the model's, at the start */
        double distance_before_mm;
        uint64_t contact_usec, over_usec, running_usec;
        uint32_t strokes_contact, strokes_running;
        unsigned over_count;
        double force_sum_mn;            /* in contact, as the next two */
        uint64_t n_force;
        uint32_t histogram[FORCE_BINS];
        int32_t peak_mn;
        struct {
                uint16_t um;
                uint64_t n;
        } depths[DEPTHS_MAX];           /* samples in contact at each */
        Interval entry;                 /* of the trace, being filled */
        uint32_t entry_strokes;
        GArray *trace;                  /* of OmpTraceEntry; NULL: no session, or a device without traces */
} SessionSums;

typedef struct StoredSession {
        OmpRecord record;
        GArray *trace;                  /* of OmpTraceEntry; NULL: none is stored */
} StoredSession;

typedef enum TransferKind {
        TRANSFER_NONE,
        TRANSFER_REPORT,                /* of records: RACP */
        TRANSFER_TRACE,                 /* of one record: Control Point */
} TransferKind;

/* What goes out over Session Data. */
typedef struct Transfer {
        TransferKind kind;
        OmpRacpRequest request;         /* of a report, … */
        uint32_t lowest, highest;       /* … the numbers that there were when it began, … */
        uint32_t next;                  /* … and the first one that is not sent yet; of a trace, the entry */
        uint32_t record;                /* of a trace */
        bool last_sent;                 /* of a trace: its last chunk */
        OmpSegmenter segmenter;
        uint8_t body[OMP_BODY_MAX];
        uint64_t due_usec;              /* host time of the next segments */
} Transfer;

typedef struct OmpPeripheral {
        Peripheral base;
        PeripheralChar chars[_OMP_CHAR_MAX];
        PeripheralConfig config;

        bool subscribed[_OMP_CHAR_MAX]; /* the CCCDs in force since the last advance: a stream begins then */
        bool reboot_wanted, clock_lost_wanted; /* likewise */
        int32_t parameters[_OMP_PARAMETER_MAX];

        bool clock_set;
        OmpElapsed clock;       /* as it was written … */
        uint64_t clock_usec;    /* … at this device time */

        bool request_pending;   /* a write to the Control Point that has been answered … */
        OmpRequest request;
        OmpResult request_result; /* … and what is wrong with it: OMP_RESULT_OK nothing */
        unsigned motor_stops_pending; /* likewise; these wait for nobody */
        bool racp_pending;      /* likewise to RACP */
        OmpRacpRequest racp;
        OmpRacpCode racp_code;
        Transfer transfer;

        GPtrArray *stored;      /* of StoredSession, oldest first */
        bool storage_full;      /* nothing more may be stored, and nothing overwritten */
        bool nearly_full_told;
        uint16_t sequence[_OMP_CHAR_MAX];
        Mischief mischief;

        uint64_t device_usec;   /* since boot, as far as we have come */
        uint64_t sample_usec;   /* end of the sample that comes next */
        unsigned sample_period_usec;

        Model model;
        ModelPhase phase;       /* what the model's was after the last sample */
        OmpState state;
        uint64_t auto_start_usec; /* device time, 0: not armed */

        uint32_t session_id;    /* of the session that runs or ran last */
        bool session;
        uint64_t session_usec;  /* its beginning */
        uint32_t session_strokes; /* the strokes before it; both run backwards beyond 0 over a reboot */
        SessionSums sums;
        bool area_chosen;       /* by the host, for this session */
        uint8_t area;
        bool tare_valid;
        bool sensor_fault, sensor_fault_wanted;
        bool confirmed;         /* the button: the next factory reset may be done */
        uint32_t passes_at_boot; /* the model's */
        double distance_at_boot_mm;

        double smooth_mn;
        bool contact, over;
        uint64_t contact_usec;  /* cumulative */
        uint16_t depth_um;
        unsigned battery_told;  /* 0 nothing, 1 low, 2 critical */
        uint64_t last_stroke_usec;

        Interval interval;
        uint64_t live_due_usec;
        uint32_t rate_strokes;  /* strokes and time of the last one at the Live value before */
        uint64_t rate_usec;
        uint16_t rate_per_min;

        OmpWaveform waveform;   /* being filled */
        unsigned waveform_every; /* a sample of it is the mean of so many of the sensor's */
        double waveform_sum;
        unsigned waveform_n;

        uint64_t status_due_usec;
        uint8_t status_sent[32];
        int status_size;

        OmpEvent replay[REPLAY_MAX]; /* happened while nobody listened */
        unsigned n_replay;

        bool flooding;          /* sending, and session_id is its session */
        uint64_t flood_sent;
        uint64_t flood_from_usec; /* host time from which flood_from_sent counts */
        uint64_t flood_from_sent;
        uint64_t flood_from_device_usec;
        uint64_t flood_breath_usec; /* host time before which the next portion is not sent, 0: all is sent */
} OmpPeripheral;

/* Values are little; they stand here for all three. */
static inline uint32_t tick_of(uint64_t device_usec) {
        return (uint32_t) (device_usec / OMP_TICK_USEC);
}

static inline int16_t clamp_mn(double mn) {
        return (int16_t) CLAMP(lrint(mn), -INT16_MAX, INT16_MAX);
}

static inline bool is_roller(const OmpPeripheral *p) {
        return p->config.kind == OMP_KIND_ROLLER;
}

/* "Sent in ready, running and paused" */
static inline bool state_measures(OmpState state) {
        return state == OMP_STATE_READY || state == OMP_STATE_RUNNING || state == OMP_STATE_PAUSED;
}

/* Resting on the table: nothing is measured, and time is skipped. */
static inline bool is_resting(const OmpPeripheral *p) {
        return p->model.phase == MODEL_REST && !(p->session && p->state == OMP_STATE_READY);
}

static inline uint64_t session_seconds(const OmpPeripheral *p) {
        return (p->device_usec - p->session_usec) / USEC_PER_SEC;
}

/* peripheral-omp.c */
OmpFeature omp_feature(const OmpPeripheral *p);

/* peripheral-measure.c */
void measure_sample(OmpPeripheral *p);                     /* the next one of the sensor */
void measure_phase(OmpPeripheral *p);                      /* the model may have gone on to another phase */
void measure_restart_interval(OmpPeripheral *p);
unsigned measure_batch(const OmpPeripheral *p);            /* samples in one Waveform value */
void measure_flush_waveform(OmpPeripheral *p);
void measure_set_waveform(OmpPeripheral *p);            /* its rate has been set */
uint8_t measure_area(const OmpPeripheral *p);
void measure_begin_session(OmpPeripheral *p);
void measure_end_session(OmpPeripheral *p);
void measure_set_state(OmpPeripheral *p, OmpState state);

/* peripheral-send.c */
void send_live(OmpPeripheral *p, const uint8_t *data, size_t size); /* with the mischief that was asked for */
void send_event(OmpPeripheral *p, uint8_t code, OmpSeverity severity, bool asserted, int32_t value);
void send_replay(OmpPeripheral *p);                        /* the events that nobody has heard */
bool send_flood_wanted(const OmpPeripheral *p);
void send_flood(OmpPeripheral *p, uint64_t now_usec);
uint64_t send_flood_next(const OmpPeripheral *p);          /* host time */

/* peripheral-procedures.c */
void procedures_boot(OmpPeripheral *p);                 /* parameters as at boot */
OmpElapsed procedures_clock(const OmpPeripheral *p);    /* what the clock says now */
void procedures_unset_clock(OmpPeripheral *p);
int procedures_read_clock(const OmpPeripheral *p, uint8_t *buf, size_t size);
int procedures_write_clock(OmpPeripheral *p, const uint8_t *data, size_t size); /* 0 or a negative ATT error, as the next */
int procedures_write_control(OmpPeripheral *p, const uint8_t *data, size_t size);
bool procedures_asked(const OmpPeripheral *p);
void procedures_carry_out(OmpPeripheral *p);            /* what was written to the Control Point */
void procedures_answer(OmpPeripheral *p, const OmpResponse *response);

/* peripheral-records.c */
void records_init(OmpPeripheral *p);                    /* with the sessions that are stored at start */
void records_done(OmpPeripheral *p);
void records_clear(OmpPeripheral *p);                   /* of everything that is stored */
void records_begin(OmpPeripheral *p);                   /* a session */
void records_sample(OmpPeripheral *p, uint32_t strokes); /* one of it, with so many strokes */
void records_end(OmpPeripheral *p);                     /* the session is stored */
const StoredSession *records_find(const OmpPeripheral *p, uint32_t number);
bool records_have(const OmpPeripheral *p);
unsigned records_delete(OmpPeripheral *p, const OmpRacpRequest *request); /* how many */
/* How many are meant; *ret_lowest and *ret_highest are the numbers that there are, 0 if there are none. */
unsigned records_count(const OmpPeripheral *p, const OmpRacpRequest *request, uint32_t *ret_lowest, uint32_t *ret_highest);
/* The first one from a number on that is meant; NULL: no other. */
const StoredSession *records_next(const OmpPeripheral *p, const OmpRacpRequest *request, uint32_t from, uint32_t lowest,
                                  uint32_t highest);

/* peripheral-transfer.c */
int transfer_write_racp(OmpPeripheral *p, const uint8_t *data, size_t size); /* 0 or a negative ATT error */
void transfer_carry_out(OmpPeripheral *p);              /* what was written to RACP */
/* Begins one: OMP_RESULT_OK, and the answer comes with its end; else what to answer. */
OmpResult transfer_begin_trace(OmpPeripheral *p, uint32_t record, uint32_t first_entry);
bool transfer_runs(const OmpPeripheral *p, TransferKind kind);
void transfer_unsubscribed(OmpPeripheral *p, OmpChar c);
void transfer_abort(OmpPeripheral *p);                  /* with the answer that it was not completed */
void transfer_advance(OmpPeripheral *p, uint64_t now_usec);
