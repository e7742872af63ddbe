/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Open Microneedling Profile 1.0: the values on the air, both ways.
 *
 * This is the common part and what streams; omp-clock.h, omp-control.h and omp-records.h hold the rest, omp-time.h what numbers mean over
 * time, omp-words.h what they are called.
 *
 * Pure functions on libc: bytes to structs and back. Decoders never trust a length, take the fields they know and ignore
 * what a later minor version appended; encoders refuse what the profile forbids. docs/profile.md is the specification.
 *
 * Common errors of the decoders:
 *   -EMSGSIZE    shorter than the fields that the value itself announces, or longer than 512 octets
 *   -EBADMSG     the CRC that the value carries is wrong
 *   -EOPNOTSUPP  another major version
 * and of the encoders:
 *   -EINVAL      a field out of the range that the profile gives it
 *   -EMSGSIZE    the buffer is too small
 * Decoders write to *ret only on success (and on -EOPNOTSUPP, where version fields are all that is valid). Encoders return
 * the number of octets written. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OMP_SERVICE_UUID "95840001-2319-423b-8a8e-ee1ffb8d13f8"
#define OMP_MAJOR 1
#define OMP_MINOR 0
#define OMP_VALUE_MAX 512u              /* no value is longer (1.1 Size) */
#define OMP_FORCE_UNKNOWN INT16_MIN     /* 0x8000: not available */
#define OMP_U16_UNKNOWN UINT16_MAX      /* Status: depth, motor, cartridge uses */
#define OMP_TICK_USEC 100u              /* one tick */

typedef enum OmpChar {
        OMP_CHAR_FEATURE,
        OMP_CHAR_LIVE,
        OMP_CHAR_WAVEFORM,
        OMP_CHAR_EVENT,
        OMP_CHAR_STATUS,
        OMP_CHAR_CLOCK,
        OMP_CHAR_CONTROL_POINT,
        OMP_CHAR_SESSION_DATA,
        OMP_CHAR_RACP,
        _OMP_CHAR_MAX,
} OmpChar;

/* The 128-bit UUID in lower case ("9584XXXX-…", RACP's is the SIG's 16-bit one in full), and back: -ENOENT if it is none of ours. */
const char *omp_char_uuid(OmpChar c);
int omp_char_from_uuid(const char *uuid, OmpChar *ret);
const char *omp_char_name(OmpChar c); /* "live", "waveform", "event", … */

/* Areas of the body: "unspecified", "forehead", … "user-14"; numbers without a name are "unspecified". Back: -ENOENT. */
const char *omp_area_name(uint8_t area);
int omp_area_from_name(const char *name, uint8_t *ret);

/* CRC-16/MCRF4XX: reflected 0x8408, init 0xFFFF, no xorout; "123456789" gives 0x6F91. */
uint16_t omp_crc16(const uint8_t *data, size_t size);

/* ATT errors of the whole service: with what a device refuses a write. */
typedef enum OmpAttError {
        OMP_ATT_LENGTH = 0x0d,          /* ATT's own: no octet, or more than the characteristic takes */
        OMP_ATT_CRC_MISSING = 0x80,
        OMP_ATT_CRC_BAD = 0x81,
        OMP_ATT_CLOCK_SOURCE = 0x82,    /* time source too low */
        OMP_ATT_CLOCK_FORMAT = 0x83,
        OMP_ATT_CCCD = 0xfd,            /* the answer's notifications are not enabled */
        OMP_ATT_IN_PROGRESS = 0xfe,     /* another procedure is */
        OMP_ATT_RANGE = 0xff,
} OmpAttError;

/* ---- Feature (0101) ---- */

typedef enum OmpKind {
        OMP_KIND_UNKNOWN,
        OMP_KIND_ROLLER,
        OMP_KIND_STAMP,
        OMP_KIND_PEN,
        OMP_KIND_RF_PEN,
        OMP_KIND_OTHER,
        _OMP_KIND_MAX,
} OmpKind;

const char *omp_kind_name(OmpKind kind); /* as in Device1.Kind: "unknown", "roller", "stamp", "pen", "rf-pen", "other" */

enum {
        OMP_FEATURE_FORCE = 1u << 0,
        OMP_FEATURE_WAVEFORM = 1u << 1,
        OMP_FEATURE_CONTACT = 1u << 2,
        OMP_FEATURE_STROKES = 1u << 3,
        OMP_FEATURE_DEPTH = 1u << 4,
        OMP_FEATURE_MOTOR_SPEED = 1u << 5,
        OMP_FEATURE_MOTOR_CURRENT = 1u << 6,
        OMP_FEATURE_OVERPRESSURE = 1u << 7,
        OMP_FEATURE_DISTANCE = 1u << 8,
        OMP_FEATURE_STORED_SESSIONS = 1u << 9,
        OMP_FEATURE_CLOCK = 1u << 10,
        OMP_FEATURE_FEEDBACK = 1u << 11,
        OMP_FEATURE_CARTRIDGE_ID = 1u << 12,
        OMP_FEATURE_E2E_CRC = 1u << 13,
        OMP_FEATURE_TRACE = 1u << 14,
        OMP_FEATURE_REMOTE_STOP = 1u << 15,
        OMP_FEATURE_PASSES = 1u << 16,
        OMP_FEATURE_AREA = 1u << 17,
        OMP_FEATURE_MULTIPLE_BONDS = 1u << 18,
        OMP_FEATURE_CALIBRATED = 1u << 19,
        OMP_FEATURE_CONTACT_STROKES = 1u << 20, /* strokes counted only in contact */
};

typedef struct OmpFeature {
        uint8_t major, minor;
        uint32_t bits;                /* OMP_FEATURE_*; unknown ones are kept */
        uint8_t kind;                 /* OmpKind; a value beyond it is kept, and named "other" */
        uint16_t needles;             /* of the fitted head, 0 unknown */
        uint16_t full_scale_mn;
        uint16_t area_centi_mm2;      /* nominal contact area in 0.01 mm², 0 unknown or variable */
        uint16_t sample_rate_hz;
        uint16_t max_depth_um;
        uint16_t capacity;            /* stored sessions */
} OmpFeature;

int omp_feature_decode(const uint8_t *data, size_t size, OmpFeature *ret);
int omp_feature_encode(const OmpFeature *feature, uint8_t *buf, size_t size);

/* ---- Live Measurement (0102) ---- */

enum {
        OMP_LIVE_DEPTH = 1u << 0,
        OMP_LIVE_RATE = 1u << 1,
        OMP_LIVE_CURRENT = 1u << 2,
        OMP_LIVE_DISTANCE = 1u << 3,
        OMP_LIVE_CONTACT_TIME = 1u << 4,
        OMP_LIVE_AREA = 1u << 5,
        OMP_LIVE_PASSES = 1u << 6,
        OMP_LIVE_PRESENCE = 0x00ffu,    /* bit 7 is reserved for a field of a later minor version */
        OMP_LIVE_CONTACT_MASK = 3u << 8,
        OMP_LIVE_CONTACT_NO = 2u << 8,
        OMP_LIVE_CONTACT_YES = 3u << 8,
        OMP_LIVE_OVERPRESSURE = 1u << 10,
        OMP_LIVE_MOTOR = 1u << 11,
        OMP_LIVE_SESSION = 1u << 12,
        OMP_LIVE_SATURATED = 1u << 13,
        OMP_LIVE_DROPPED = 1u << 14,    /* device dropped samples */
        OMP_LIVE_CRC = 1u << 15,
};

typedef struct OmpLive {
        uint16_t flags;                 /* OMP_LIVE_*; the presence bits say which of the optional fields hold a value */
        uint16_t sequence;
        uint32_t tick;                  /* end of the interval */
        int16_t force_mean_mn, force_peak_mn; /* OMP_FORCE_UNKNOWN if not available */
        uint32_t strokes;               /* cumulative since boot, mod 2³² */
        uint16_t last_stroke;           /* low 16 bits of the tick of the last stroke */
        uint16_t depth_um;
        uint16_t rate_per_min;
        uint16_t current_ma;
        uint32_t distance_mm;
        uint32_t contact_ms;
        uint8_t area;
        uint16_t passes;
} OmpLive;

int omp_live_decode(const uint8_t *data, size_t size, OmpLive *ret);
/* Leaves out optional fields from the highest bit down (the CRC last) until the value fits `size` (1.1 Size). */
int omp_live_encode(const OmpLive *live, uint8_t *buf, size_t size);

/* ---- Force Waveform (0103) ---- */

#define OMP_WAVEFORM_SAMPLES_MAX 251u

typedef enum OmpEncoding {
        OMP_ENCODING_MN,
        OMP_ENCODING_RAW,
} OmpEncoding;

typedef struct OmpWaveform {
        uint16_t sequence;
        uint32_t tick;                  /* of the first sample */
        uint16_t period_usec;
        uint8_t encoding;               /* OmpEncoding; unknown ones are passed on */
        uint8_t channel;                /* 0 axial, 1 lateral */
        bool lost_before;               /* samples lost before this packet */
        bool crc;
        uint8_t n;                      /* 1 … OMP_WAVEFORM_SAMPLES_MAX */
        int16_t samples[OMP_WAVEFORM_SAMPLES_MAX];
} OmpWaveform;

int omp_waveform_decode(const uint8_t *data, size_t size, OmpWaveform *ret); /* also -EPROTO: n is 0 */
int omp_waveform_encode(const OmpWaveform *waveform, uint8_t *buf, size_t size);
unsigned omp_waveform_capacity(size_t value_size, bool crc); /* the largest n that fits a value of this size */

/* ---- Event (0104) ---- */

typedef enum OmpSeverity {
        OMP_SEVERITY_INFO,
        OMP_SEVERITY_NOTICE,
        OMP_SEVERITY_WARNING,
        OMP_SEVERITY_ALARM,
} OmpSeverity;

enum {
        OMP_EVENT_OVERPRESSURE = 0x01,  /* peak mN */
        OMP_EVENT_CONTACT_LOST = 0x02,  /* s */
        OMP_EVENT_CONTACT = 0x03,       /* mN, 0 at the end */
        OMP_EVENT_DEPTH = 0x04,         /* µm */
        OMP_EVENT_MOTOR = 0x05,         /* /min, 0 off */
        OMP_EVENT_STALL = 0x06,         /* mA */
        OMP_EVENT_SESSION_START = 0x10, /* session id */
        OMP_EVENT_SESSION_END = 0x11,
        OMP_EVENT_TIME_LIMIT = 0x12,    /* s */
        OMP_EVENT_CARTRIDGE_IN = 0x20,  /* cartridge id */
        OMP_EVENT_CARTRIDGE_OUT = 0x21,
        OMP_EVENT_CARTRIDGE_WORN = 0x22, /* strokes, thousands */
        OMP_EVENT_CARTRIDGE_REUSED = 0x23, /* uses */
        OMP_EVENT_BATTERY_LOW = 0x30,   /* % */
        OMP_EVENT_BATTERY_CRITICAL = 0x31,
        OMP_EVENT_CHARGER = 0x32,
        OMP_EVENT_BUTTON = 0x40,        /* id << 8 | 1 press, 2 long, 3 double */
        OMP_EVENT_DROP = 0x50,
        OMP_EVENT_OVER_TEMPERATURE = 0x51, /* 0.1 °C */
        OMP_EVENT_CLOCK_LOST = 0x60,
        OMP_EVENT_STORAGE_NEARLY_FULL = 0x61, /* record no. */
        OMP_EVENT_RECORD_OVERWRITTEN = 0x62,
        OMP_EVENT_SENSOR_FAULT = 0x70,
        OMP_EVENT_CALIBRATION = 0x71,
        OMP_EVENT_VENDOR_FIRST = 0xf0,
};

typedef struct OmpEvent {
        uint8_t code;                   /* OMP_EVENT_*; unknown codes are passed on */
        uint8_t severity;               /* OmpSeverity */
        bool asserted;
        bool replayed;                  /* from the device's log, older than this connection */
        bool crc;
        uint16_t sequence;
        uint32_t tick;
        int32_t value;
        uint8_t reserved;               /* flags without a meaning, as they came; not sent */
} OmpEvent;

int omp_event_decode(const uint8_t *data, size_t size, OmpEvent *ret);
int omp_event_encode(const OmpEvent *event, uint8_t *buf, size_t size);
const char *omp_event_name(uint8_t code); /* "overpressure", "session-start", …; "vendor" or "unknown" else */

/* ---- Status (0105) ---- */

typedef enum OmpState {
        OMP_STATE_STANDBY,
        OMP_STATE_IDLE,
        OMP_STATE_READY,
        OMP_STATE_RUNNING,
        OMP_STATE_PAUSED,
        OMP_STATE_CHARGING,
        OMP_STATE_FAULT,
        OMP_STATE_UPDATING,
        _OMP_STATE_MAX,
} OmpState;

enum {
        OMP_STATUS_SESSION = 1u << 0,
        OMP_STATUS_CONTACT = 1u << 1,
        OMP_STATUS_CLOCK_SET = 1u << 2,
        OMP_STATUS_CARTRIDGE = 1u << 3,
        OMP_STATUS_TARE_VALID = 1u << 4,
        OMP_STATUS_OVERPRESSURE = 1u << 5,
        OMP_STATUS_FAULT = 1u << 6,
        OMP_STATUS_CRC = 1u << 7,
};

typedef struct OmpStatus {
        uint8_t state;                  /* OmpState; unknown ones are passed on */
        uint8_t flags;                  /* OMP_STATUS_* */
        uint32_t session_id;            /* 0 none; the number of the stored record too */
        uint16_t session_seconds;
        uint32_t session_strokes;       /* whatever the contact */
        uint16_t depth_um, motor_per_min, cartridge_uses; /* OMP_U16_UNKNOWN if not known */
} OmpStatus;

int omp_status_decode(const uint8_t *data, size_t size, OmpStatus *ret);
int omp_status_encode(const OmpStatus *status, uint8_t *buf, size_t size);
