/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "needled/omp-control.h"
#include "needled/omp-records.h"
#include "needled/omp-words.h"

static const char *const kind_names[] = {
        [OMP_KIND_UNKNOWN] = "unknown",
        [OMP_KIND_ROLLER]  = "roller",
        [OMP_KIND_STAMP]   = "stamp",
        [OMP_KIND_PEN]     = "pen",
        [OMP_KIND_RF_PEN]  = "rf-pen",
        [OMP_KIND_OTHER]   = "other",
};

/* By the number of the bit, as all tables of flags. */
static const char *const feature_names[] = {
        "force", "waveform", "contact", "strokes", "depth", "motor-speed", "motor-current", "overpressure", "distance",
        "stored-sessions", "clock", "feedback", "cartridge-id", "e2e-crc", "trace", "remote-stop", "passes", "area",
        "multiple-bonds", "calibrated", "contact-strokes",
};

/* Bit 7 has no name yet. The contact's two bits are one number: bit 9 says that it is supported, bit 8 that there is contact. */
static const char *const live_flag_names[] = {
        "depth", "stroke-rate", "motor-current", "distance", "contact-time", "area", "passes", NULL, "contact",
        "contact-supported", "overpressure", "motor", "session", "saturated", "dropped", "crc",
};

static const char *const encoding_names[] = {
        [OMP_ENCODING_MN]  = "mn",
        [OMP_ENCODING_RAW] = "raw",
};

static const char *const channel_names[] = { "axial", "lateral" };

static const char *const event_names[] = {
        [OMP_EVENT_OVERPRESSURE]        = "overpressure",
        [OMP_EVENT_CONTACT_LOST]        = "contact-lost",
        [OMP_EVENT_CONTACT]             = "contact",
        [OMP_EVENT_DEPTH]               = "depth",
        [OMP_EVENT_MOTOR]               = "motor",
        [OMP_EVENT_STALL]               = "stall",
        [OMP_EVENT_SESSION_START]       = "session-start",
        [OMP_EVENT_SESSION_END]         = "session-end",
        [OMP_EVENT_TIME_LIMIT]          = "time-limit",
        [OMP_EVENT_CARTRIDGE_IN]        = "cartridge-in",
        [OMP_EVENT_CARTRIDGE_OUT]       = "cartridge-out",
        [OMP_EVENT_CARTRIDGE_WORN]      = "cartridge-worn",
        [OMP_EVENT_CARTRIDGE_REUSED]    = "cartridge-reused",
        [OMP_EVENT_BATTERY_LOW]         = "battery-low",
        [OMP_EVENT_BATTERY_CRITICAL]    = "battery-critical",
        [OMP_EVENT_CHARGER]             = "charger",
        [OMP_EVENT_BUTTON]              = "button",
        [OMP_EVENT_DROP]                = "drop",
        [OMP_EVENT_OVER_TEMPERATURE]    = "over-temperature",
        [OMP_EVENT_CLOCK_LOST]          = "clock-lost",
        [OMP_EVENT_STORAGE_NEARLY_FULL] = "storage-nearly-full",
        [OMP_EVENT_RECORD_OVERWRITTEN]  = "record-overwritten",
        [OMP_EVENT_SENSOR_FAULT]        = "sensor-fault",
        [OMP_EVENT_CALIBRATION]         = "calibration",
};

/* The severity's two bits are one number, and have no names. */
static const char *const event_flag_names[] = { "severity", "severity", "asserted", "replayed", NULL, NULL, NULL, "crc" };

static const char *const severity_names[] = {
        [OMP_SEVERITY_INFO]    = "info",
        [OMP_SEVERITY_NOTICE]  = "notice",
        [OMP_SEVERITY_WARNING] = "warning",
        [OMP_SEVERITY_ALARM]   = "alarm",
};

static const char *const state_names[] = {
        [OMP_STATE_STANDBY]  = "standby",
        [OMP_STATE_IDLE]     = "idle",
        [OMP_STATE_READY]    = "ready",
        [OMP_STATE_RUNNING]  = "running",
        [OMP_STATE_PAUSED]   = "paused",
        [OMP_STATE_CHARGING] = "charging",
        [OMP_STATE_FAULT]    = "fault",
        [OMP_STATE_UPDATING] = "updating",
};

static const char *const status_flag_names[] = {
        "session", "contact", "clock-set", "cartridge", "tare-valid", "overpressure", "fault", "crc",
};

static const char *const clock_source_names[] = {
        [OMP_SOURCE_UNKNOWN]          = "unknown",
        [OMP_SOURCE_NTP]              = "ntp",
        [OMP_SOURCE_GPS]              = "gps",
        [OMP_SOURCE_MANUAL]           = "manual",
        [OMP_SOURCE_CELLULAR]         = "cellular",
        [OMP_SOURCE_NOT_SYNCHRONISED] = "not-synchronised",
};

/* The resolution's two bits are one number. */
static const char *const elapsed_flag_names[] = { "ticks", "utc", "resolution", "resolution", "offset", "current" };

static const char *const op_names[] = {
        [OMP_OP_GET]           = "get",
        [OMP_OP_SET]           = "set",
        [OMP_OP_TARE]          = "tare",
        [OMP_OP_START]         = "start",
        [OMP_OP_STOP]          = "stop",
        [OMP_OP_AREA]          = "area",
        [OMP_OP_SIGNAL]        = "signal",
        [OMP_OP_STOP_MOTOR]    = "stop-motor",
        [OMP_OP_IDENTIFY]      = "identify",
        [OMP_OP_TRACE]         = "trace",
        [OMP_OP_ABORT]         = "abort",
        [OMP_OP_RESPONSE]      = "response",
        [OMP_OP_FACTORY_RESET] = "factory-reset",
};

static const char *const result_names[] = {
        [OMP_RESULT_OK]                 = "ok",
        [OMP_RESULT_NOT_SUPPORTED]      = "not-supported",
        [OMP_RESULT_INVALID]            = "invalid",
        [OMP_RESULT_FAILED]             = "failed",
        [OMP_RESULT_OUT_OF_RANGE]       = "out-of-range",
        [OMP_RESULT_BUSY]               = "busy",
        [OMP_RESULT_WRONG_STATE]        = "wrong-state",
        [OMP_RESULT_NEEDS_CONFIRMATION] = "needs-confirmation",
        [OMP_RESULT_STORAGE_FULL]       = "storage-full",
};

static const char *const feedback_names[] = { "vibrate", "light", "sound", "slow-motor", "stop-motor" };

static const char *const att_error_names[] = {
        [OMP_ATT_LENGTH]       = "length",
        [OMP_ATT_CRC_MISSING]  = "crc-missing",
        [OMP_ATT_CRC_BAD]      = "crc-bad",
        [OMP_ATT_CLOCK_SOURCE] = "clock-source",
        [OMP_ATT_CLOCK_FORMAT] = "clock-format",
        [OMP_ATT_CCCD]         = "cccd",
        [OMP_ATT_IN_PROGRESS]  = "in-progress",
        [OMP_ATT_RANGE]        = "range",
};

static const char *const racp_op_names[] = {
        [OMP_RACP_REPORT]         = "report",
        [OMP_RACP_DELETE]         = "delete",
        [OMP_RACP_ABORT]          = "abort",
        [OMP_RACP_COUNT]          = "count",
        [OMP_RACP_COUNT_RESPONSE] = "count-response",
        [OMP_RACP_RESPONSE]       = "response",
};

static const char *const racp_operator_names[] = {
        [OMP_RACP_NULL]     = "null",
        [OMP_RACP_ALL]      = "all",
        [OMP_RACP_AT_MOST]  = "at-most",
        [OMP_RACP_AT_LEAST] = "at-least",
        [OMP_RACP_RANGE]    = "range",
        [OMP_RACP_FIRST]    = "first",
        [OMP_RACP_LAST]     = "last",
};

static const char *const racp_code_names[] = {
        [OMP_RACP_SUCCESS]                = "success",
        [OMP_RACP_OP_NOT_SUPPORTED]       = "op-not-supported",
        [OMP_RACP_INVALID_OPERATOR]       = "invalid-operator",
        [OMP_RACP_OPERATOR_NOT_SUPPORTED] = "operator-not-supported",
        [OMP_RACP_INVALID_OPERAND]        = "invalid-operand",
        [OMP_RACP_NO_RECORDS]             = "no-records",
        [OMP_RACP_ABORT_UNSUCCESSFUL]     = "abort-unsuccessful",
        [OMP_RACP_NOT_COMPLETED]          = "not-completed",
        [OMP_RACP_OPERAND_NOT_SUPPORTED]  = "operand-not-supported",
};

static const char *const body_names[] = {
        [OMP_BODY_RECORD] = "record",
        [OMP_BODY_TRACE]  = "trace",
};

static const char *const record_flag_names[] = { "synced", "limit", "truncated", "trace", "alarm" };

#define WORDS(names) { (names), sizeof(names) / sizeof((names)[0]) }

/* Areas and parameters have tables of their own. */
static const struct {
        const char *const *names;
        size_t n;
} vocabularies[_OMP_VOCABULARY_MAX] = {
        [OMP_WORDS_KIND]          = WORDS(kind_names),
        [OMP_WORDS_FEATURE]       = WORDS(feature_names),
        [OMP_WORDS_LIVE_FLAG]     = WORDS(live_flag_names),
        [OMP_WORDS_ENCODING]      = WORDS(encoding_names),
        [OMP_WORDS_CHANNEL]       = WORDS(channel_names),
        [OMP_WORDS_EVENT]         = WORDS(event_names),
        [OMP_WORDS_EVENT_FLAG]    = WORDS(event_flag_names),
        [OMP_WORDS_SEVERITY]      = WORDS(severity_names),
        [OMP_WORDS_STATE]         = WORDS(state_names),
        [OMP_WORDS_STATUS_FLAG]   = WORDS(status_flag_names),
        [OMP_WORDS_CLOCK_SOURCE]  = WORDS(clock_source_names),
        [OMP_WORDS_ELAPSED_FLAG]  = WORDS(elapsed_flag_names),
        [OMP_WORDS_OP]            = WORDS(op_names),
        [OMP_WORDS_RESULT]        = WORDS(result_names),
        [OMP_WORDS_FEEDBACK]      = WORDS(feedback_names),
        [OMP_WORDS_ATT_ERROR]     = WORDS(att_error_names),
        [OMP_WORDS_RACP_OP]       = WORDS(racp_op_names),
        [OMP_WORDS_RACP_OPERATOR] = WORDS(racp_operator_names),
        [OMP_WORDS_RACP_CODE]     = WORDS(racp_code_names),
        [OMP_WORDS_BODY]          = WORDS(body_names),
        [OMP_WORDS_RECORD_FLAG]   = WORDS(record_flag_names),
};

static const char *area_name(uint32_t number) {
        const char *name = number <= UINT8_MAX ? omp_area_name((uint8_t) number) : NULL;

        /* A number without a name is called like 0. */
        return name && number != 0 && strcmp(name, omp_area_name(0)) == 0 ? NULL : name;
}

static const char *parameter_name(uint32_t number) {
        const OmpParameterInfo *info = number <= UINT8_MAX ? omp_parameter_info((uint8_t) number) : NULL;

        return info ? info->name : NULL;
}

const char *omp_name(OmpVocabulary vocabulary, uint32_t number) {
        if (vocabulary == OMP_WORDS_AREA)
                return area_name(number);
        if (vocabulary == OMP_WORDS_PARAMETER)
                return parameter_name(number);

        return number < vocabularies[vocabulary].n ? vocabularies[vocabulary].names[number] : NULL;
}

const char *omp_word(OmpVocabulary vocabulary, uint32_t number, char *buf) {
        const char *name = omp_name(vocabulary, number);
        bool vendor = vocabulary == OMP_WORDS_EVENT && number >= OMP_EVENT_VENDOR_FIRST && number <= UINT8_MAX;

        if (name)
                return name;

        (void) snprintf(buf, OMP_WORD_SIZE, "%s-%" PRIu32, vendor ? "vendor" : "unknown", number);
        return buf;
}
