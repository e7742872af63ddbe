/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices that do not speak the Open Microneedling Profile: a vendor profile, compiled to flat programs that decode
 * one notification each. Pure data and pure functions on libc. daemon/profiles compiles *.mnprofile files into it;
 * docs/vendor-profiles.md is the grammar. No string is looked at while a packet is decoded.
 *
 * A VendorProfile is built once, checked by vendor_check(), and not changed after it. All that it points to belongs
 * to whoever built it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

#define VENDOR_CHARS_MAX 32u
#define VENDOR_FIELDS_MAX 128u
#define VENDOR_REPEATS_MAX 256u
#define VENDOR_VALUES_MAX 512u          /* of one packet; what comes beyond is cut, and said so in VendorReading.cut */
#define VENDOR_CONDITIONS_MAX 4u
#define VENDOR_HEADER_MAX 16u

/* What a field says. Closed: needled knows what each means. */
typedef enum VendorMeaning {
        VENDOR_NONE,                    /* shown by tools, not interpreted */
        VENDOR_FORCE,
        VENDOR_FORCE_RAW,
        VENDOR_FORCE_LEVEL,
        VENDOR_OVERPRESSURE,
        VENDOR_PRESSURE,
        VENDOR_CONTACT,
        VENDOR_STROKES_TOTAL,
        VENDOR_STROKES_DELTA,
        VENDOR_STROKE_RATE,
        VENDOR_PASSES_TOTAL,
        VENDOR_DISTANCE,
        VENDOR_DEPTH,
        VENDOR_MOTOR_RUNNING,
        VENDOR_MOTOR_SPEED,
        VENDOR_MOTOR_CURRENT,
        VENDOR_SESSION_TIME,
        VENDOR_SESSION_STATE,
        VENDOR_AREA,
        VENDOR_AREA_COUNT,
        VENDOR_BATTERY,
        VENDOR_BATTERY_TIME,
        VENDOR_BATTERY_MV,
        VENDOR_CARTRIDGE_ID,
        VENDOR_CARTRIDGE_LIFE,
        VENDOR_BUTTON,
        VENDOR_TEMPERATURE,
        VENDOR_TIMESTAMP,
        VENDOR_SEQUENCE,
        _VENDOR_MEANING_MAX,
} VendorMeaning;

const char *vendor_meaning_name(VendorMeaning meaning);         /* "force", "strokes-total", …; "" for VENDOR_NONE */
int vendor_meaning_from_name(const char *name, VendorMeaning *ret); /* -ENOENT */
const char *vendor_meaning_unit(VendorMeaning meaning);         /* canonical: "mN", "µm", "/min", "s", …; "1" if it has none */

typedef enum VendorType {
        VENDOR_U8, VENDOR_S8, VENDOR_U16, VENDOR_S16, VENDOR_U24, VENDOR_S24, VENDOR_U32, VENDOR_S32, VENDOR_U48,
        VENDOR_F32,                     /* IEEE 754 */
        VENDOR_SFLOAT,                  /* IEEE 11073: 4 bits exponent, 12 bits mantissa */
        _VENDOR_TYPE_MAX,
} VendorType;

typedef struct VendorToken {
        int64_t raw;
        const char *name;
} VendorToken;

typedef enum VendorCompare { VENDOR_EQUAL, VENDOR_NOT_EQUAL, VENDOR_AT_LEAST } VendorCompare;

typedef struct VendorCondition {        /* one octet of the packet; all of a field's must hold. Beyond the end: it does not */
        int16_t offset;                 /* negative: from the end */
        uint8_t mask;                   /* 0xff if none was given */
        uint8_t compare;                /* VendorCompare */
        uint8_t value;
} VendorCondition;

typedef enum VendorCount { VENDOR_COUNT_ONE, VENDOR_COUNT_FIXED, VENDOR_COUNT_END, VENDOR_COUNT_OCTET } VendorCount;

typedef struct VendorField {
        const char *name;
        const char *unit;               /* as the file gives it; values come in the canonical one */
        uint8_t meaning;                /* VendorMeaning */
        uint8_t type;                   /* VendorType */
        bool optional;                  /* a packet too short for it is good all the same */
        bool sum;                       /* Combine=sum: adds to the other fields of its meaning in the same packet */
        uint8_t bit_lsb;
        uint8_t wrap_bits;              /* 8, 16, 24, 32; 0: no counter that wraps */
        int16_t offset;                 /* negative: from the end */

        /* What most fields do without. Eight octets together: vendor_decode() asks for all of it at once. */
        uint8_t count;                  /* VendorCount */
        uint8_t bit_width;              /* 0: the whole number */
        uint8_t n_conditions, n_invalid;
        bool big_endian, has_range;
        uint16_t n_tokens;

        uint16_t stride, count_fixed;   /* octets from one entry to the next; how many */
        int16_t count_offset;           /* VENDOR_COUNT_OCTET: where the number stands … */
        uint8_t count_divisor;          /* … and what it is divided by */

        VendorCondition conditions[VENDOR_CONDITIONS_MAX];
        int64_t invalid[4];             /* raw numbers that stand for "no value" */
        double range_min, range_max;    /* of the value, in the canonical unit; outside: dropped */

        /* value = (raw × scale_num + bias_num) ÷ den, in the canonical unit: integers until the end. */
        int64_t scale_num, bias_num, den;
        double to_canonical;            /* value in the file's unit × this = in the canonical one; folded into scale_num ÷ den and the
                                         * range already, here for tools that show what the file says */

        const VendorToken *tokens;      /* Enum, sorted by raw; NULL: none */
} VendorField;

typedef enum VendorUse {
        VENDOR_NOTIFY = 1 << 0,
        VENDOR_INDICATE = 1 << 1,
        VENDOR_READ = 1 << 2,
        VENDOR_POLL = 1 << 3,
} VendorUse;

typedef enum VendorSource { VENDOR_GATT, VENDOR_MANUFACTURER_DATA, VENDOR_SERVICE_DATA } VendorSource;
typedef enum VendorCheckKind { VENDOR_CHECK_NONE, VENDOR_CHECK_SUM8, VENDOR_CHECK_XOR8, VENDOR_CHECK_CRC16_MCRF4XX } VendorCheckKind;

typedef struct VendorChar {             /* its index is Frame.channel */
        const char *alias;
        const char *uuid;               /* 128 bits, lower case; of the service for VENDOR_SERVICE_DATA; NULL for VENDOR_MANUFACTURER_DATA */
        const char *service_uuid;       /* NULL: any */
        uint8_t source;                 /* VendorSource */
        uint16_t company;               /* VENDOR_MANUFACTURER_DATA */
        unsigned use;                   /* VendorUse */
        unsigned poll_sec;
        uint16_t length_min, length_max; /* max 0: no bound but 512 */
        uint8_t n_header;
        uint8_t header[VENDOR_HEADER_MAX], header_mask[VENDOR_HEADER_MAX];
        uint8_t check;                  /* VendorCheckKind, over [check_start, check_end), at check_at; negative: from the end */
        int16_t check_start, check_end, check_at;
        uint16_t first_field, n_fields; /* of VendorProfile.fields */
} VendorChar;

typedef enum VendorWhen { VENDOR_ON_CONNECT, VENDOR_ON_START, VENDOR_ON_STOP, VENDOR_ON_TARE, VENDOR_ON_STOP_MOTOR, _VENDOR_WHEN_MAX } VendorWhen;

typedef struct VendorAction {
        const char *name;
        uint8_t when;                   /* VendorWhen */
        uint8_t channel;
        bool command;                   /* write without response */
        uint8_t size;
        uint8_t data[20];
} VendorAction;

typedef struct VendorProfile {
        const char *id, *name, *vendor, *model;
        uint8_t kind;                   /* OmpKind */
        uint16_t needles;               /* 0 unknown, like the two below: what the device cannot tell of itself */
        uint16_t area_centi_mm2, max_depth_um;
        bool stroke_is_pass;            /* StrokeMeaning=pass */
        uint32_t meanings;              /* bit VendorMeaning: some field has it */
        const VendorChar *chars;
        size_t n_chars;
        const VendorField *fields;      /* those of a characteristic stand together, in file order */
        size_t n_fields;
        const VendorAction *actions;
        size_t n_actions;
} VendorProfile;

/* Whether a program can be run on any packet: indices, shifts, divisors, tables within bounds, no overflow in integer arithmetic.
 * 0, or -EINVAL. vendor_decode() relies on it. */
int vendor_check(const VendorProfile *profile);

typedef struct VendorValue {
        uint16_t field;                 /* index in VendorProfile.fields */
        uint16_t entry;                 /* of its Repeat, 0 without */
        bool unknown_token;             /* the field has an Enum, and this raw number is not in it: shown as "unknown-<raw>" */
        const VendorToken *token;       /* NULL: no Enum, or unknown */
        int64_t raw;                    /* integer types; 0 for floats */
        double value;                   /* canonical unit */
} VendorValue;

typedef struct VendorReading {
        unsigned n;
        bool cut;                       /* more values than VENDOR_VALUES_MAX */
        VendorValue values[VENDOR_VALUES_MAX];
} VendorReading;

/* One packet of a characteristic. Fields are evaluated in file order; one that is absent, invalid or out of range is left out, the others
 * stay. Errors, and then the packet is rejected as a whole: -ENOENT no such channel, -EMSGSIZE its length (or too short for a field that
 * is not optional), -EPROTO its header, -EBADMSG its check; ret->n is 0 then. */
int vendor_decode(const VendorProfile *profile, unsigned channel, const uint8_t *data, size_t size, VendorReading *ret);

/* What a device with this profile can report, in OMP's terms: kind, needles, area and depth, and the feature bits that its fields' meanings
 * stand for. The sample rate, full scale and capacity are 0: unknown. Needles are 0 where a stroke is a pass. */
void vendor_feature(const VendorProfile *profile, OmpFeature *ret);

/* The way back, for the simulator: writes one value of a field (entry 0) into a packet that has at least its characteristic's length_min
 * octets, and makes the field's conditions hold. -EINVAL: no such field, or the value does not fit the type, -ERANGE out of the packet,
 * -EOPNOTSUPP a type that cannot be written; then the packet may have been changed. */
int vendor_encode_field(const VendorProfile *profile, unsigned field, double value, uint8_t *data, size_t size);
/* Header and check of a packet whose fields are written. -ENOENT no such channel, -ERANGE the packet is too short for them. */
int vendor_seal(const VendorProfile *profile, unsigned channel, uint8_t *data, size_t size);
