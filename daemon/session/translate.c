/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/translate.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define BIT(meaning) (UINT32_C(1) << (meaning))
#define STROKES_BITS (BIT(VENDOR_STROKES_TOTAL) | BIT(VENDOR_STROKES_DELTA))
#define MOTOR_BITS (BIT(VENDOR_MOTOR_RUNNING) | BIT(VENDOR_MOTOR_SPEED))
#define CONTACT_BITS (BIT(VENDOR_CONTACT) | BIT(VENDOR_FORCE))
/* What the state of the device consists of. */
#define STATE_BITS (STROKES_BITS | MOTOR_BITS | CONTACT_BITS | BIT(VENDOR_OVERPRESSURE) | BIT(VENDOR_STROKE_RATE) |               \
                    BIT(VENDOR_PASSES_TOTAL) | BIT(VENDOR_DISTANCE) | BIT(VENDOR_DEPTH) | BIT(VENDOR_MOTOR_CURRENT) |             \
                    BIT(VENDOR_SESSION_STATE) | BIT(VENDOR_AREA))
/* A packet that has one of these says that what it was doing goes on: a device may tell its state when it changes, and else the time alone. */
#define SIGN_BITS (STATE_BITS | BIT(VENDOR_SESSION_TIME))
/* What is a state of the device: a number without a name may be told. Any other may be a measurement, as may what has no meaning. */
#define WORD_BITS (BIT(VENDOR_CONTACT) | BIT(VENDOR_OVERPRESSURE) | BIT(VENDOR_MOTOR_RUNNING) | BIT(VENDOR_SESSION_STATE) |          \
                   BIT(VENDOR_AREA) | BIT(VENDOR_BUTTON))

#define FORCE_MAX_MN 32767
#define GROWTH_MAX 2147483647.0         /* more at once is nothing that a device does */
#define TOTAL_WRAP 4294967296.0

typedef enum TokenCode {                /* what a name of an Enum means to us */
        TOKEN_OFF = 0,                  /* of a session: it does not go on */
        TOKEN_ON = 1,
        TOKEN_NONE = 0xff,              /* nothing */
} TokenCode;

typedef struct Counter {
        bool started;
        uint16_t field;                 /* that it is read from: the first that told */
        double last;                    /* raw where it wraps, else the value */
        uint64_t boottime_usec;         /* when */
        double total;                   /* grown since the reset, modulo 2³² */
} Counter;

struct Translate {
        const VendorProfile *profile;
        uint8_t *codes;                 /* TokenCode or area of each token of each field */
        uint32_t code_from[VENDOR_FIELDS_MAX];
        int16_t sequence_field[VENDOR_CHARS_MAX]; /* -1: none */
        struct {                        /* of a field, close together: what each value asks for */
                uint8_t meaning;
                bool sum;
        } brief[VENDOR_FIELDS_MAX];

        OmpSequence sequence[VENDOR_CHARS_MAX];
        NoteLimits limits;              /* as they hold for the packet */
        uint64_t origin_usec;           /* of the tick */
        bool fresh;                     /* the next live value is the first on this link */
        OmpLive live;                   /* the state */
        bool knows_flag;                /* the device's own session: OMP_LIVE_SESSION */
        Counter strokes, passes, distance;
        int battery;
        uint32_t told;                  /* meanings, since the reset */
        bool feature_changed;
        bool unknown_token;             /* in `reading` */
        VendorReading reading;
};

/* The values of one packet, put together. */
typedef struct Told {
        uint32_t told;                  /* meanings that the packet has */
        uint32_t summed;                /* and which of them by Combine=sum */
        double sum[_VENDOR_MEANING_MAX];
        unsigned n_force_sums;
        double force_sums[VENDOR_REPEATS_MAX]; /* of a force that is summed, one for each entry of its Repeat */
        unsigned n_force;
        double force_sum, force_peak;
        bool stroke;
} Told;

static TokenCode token_code(VendorMeaning meaning, const char *name) {
        uint8_t area;

        switch (meaning) {
        case VENDOR_SESSION_STATE:
                if (strcmp(name, "unknown") == 0)
                        return TOKEN_NONE;
                return strcmp(name, "running") == 0 || strcmp(name, "paused") == 0 ? TOKEN_ON : TOKEN_OFF;
        case VENDOR_CONTACT:
        case VENDOR_MOTOR_RUNNING:
        case VENDOR_OVERPRESSURE:
                if (strcmp(name, "on") == 0)
                        return TOKEN_ON;
                return strcmp(name, "off") == 0 ? TOKEN_OFF : TOKEN_NONE;
        case VENDOR_AREA:
                return omp_area_from_name(name, &area) < 0 ? TOKEN_NONE : (TokenCode) area;
        case VENDOR_NONE:
        case VENDOR_FORCE:
        case VENDOR_FORCE_RAW:
        case VENDOR_FORCE_LEVEL:
        case VENDOR_PRESSURE:
        case VENDOR_STROKES_TOTAL:
        case VENDOR_STROKES_DELTA:
        case VENDOR_STROKE_RATE:
        case VENDOR_PASSES_TOTAL:
        case VENDOR_DISTANCE:
        case VENDOR_DEPTH:
        case VENDOR_MOTOR_SPEED:
        case VENDOR_MOTOR_CURRENT:
        case VENDOR_SESSION_TIME:
        case VENDOR_AREA_COUNT:
        case VENDOR_BATTERY:
        case VENDOR_BATTERY_TIME:
        case VENDOR_BATTERY_MV:
        case VENDOR_CARTRIDGE_ID:
        case VENDOR_CARTRIDGE_LIFE:
        case VENDOR_BUTTON:
        case VENDOR_TEMPERATURE:
        case VENDOR_TIMESTAMP:
        case VENDOR_SEQUENCE:
        case _VENDOR_MEANING_MAX:
                break;
        }

        return TOKEN_NONE;
}

/* Names are looked at here, once; packets bring their tokens' places. */
static void learn_fields(Translate *t) {
        const VendorProfile *p = t->profile;
        uint32_t n = 0;

        for (size_t i = 0; i < p->n_fields; i++) {
                t->brief[i].meaning = p->fields[i].meaning;
                t->brief[i].sum = p->fields[i].sum;
                t->code_from[i] = n;
                n += p->fields[i].n_tokens;
        }

        t->codes = g_malloc(n + 1);
        for (size_t i = 0; i < p->n_fields; i++)
                for (unsigned k = 0; k < p->fields[i].n_tokens; k++)
                        t->codes[t->code_from[i] + k] = (uint8_t) token_code((VendorMeaning) p->fields[i].meaning,
                                                                             p->fields[i].tokens[k].name);
}

static bool is_float(const VendorField *field) {
        return field->type == VENDOR_F32 || field->type == VENDOR_SFLOAT;
}

static void learn_sequences(Translate *t) {
        for (size_t i = 0; i < t->profile->n_chars; i++) {
                const VendorChar *c = &t->profile->chars[i];

                t->sequence_field[i] = -1;
                for (unsigned k = c->n_fields; k-- > 0;)
                        if (t->profile->fields[c->first_field + k].meaning == VENDOR_SEQUENCE &&
                            !is_float(&t->profile->fields[c->first_field + k]))
                                t->sequence_field[i] = (int16_t) (c->first_field + k);
        }
}

static bool says_on(const Translate *t, const VendorValue *v, bool *ret) {
        TokenCode code;

        if (v->unknown_token)
                return false;
        if (!v->token) {
                *ret = v->value != 0;
                return t->profile->fields[v->field].meaning != VENDOR_SESSION_STATE; /* a state without a name says nothing */
        }

        code = (TokenCode) t->codes[t->code_from[v->field] + (size_t) (v->token - t->profile->fields[v->field].tokens)];
        *ret = code == TOKEN_ON;
        return code != TOKEN_NONE;
}

static void set_flag(Translate *t, uint16_t mask, uint16_t flags) {
        t->live.flags = (uint16_t) ((t->live.flags & ~mask) | flags);
}

/* How far a counter has grown. One that wraps is extended as long as that is a pace that a device can have; one that has become smaller in
 * another way began anew at 0 (a new session on the device, a reboot). */
static double grow(const Translate *t, Counter *c, const VendorValue *v, double per_sec, uint64_t boottime_usec) {
        const VendorField *field = &t->profile->fields[v->field];
        bool wraps = field->wrap_bits > 0 && !field->sum && !is_float(field);
        double unit = wraps ? fabs((double) field->scale_num / (double) field->den) : 1;
        double now = wraps ? (double) v->raw : v->value, grown = 0;

        if (c->started && c->field != v->field)
                return 0;

        if (c->started) {
                double usec = boottime_usec > c->boottime_usec ? (double) (boottime_usec - c->boottime_usec) : 0;

                grown = now - c->last;
                if (grown < 0 && wraps && (grown + ldexp(1, field->wrap_bits)) * unit <= per_sec * (1 + usec / 1e6))
                        grown += ldexp(1, field->wrap_bits);
                else if (grown < 0)
                        grown = now;
        }

        c->started = true;
        c->field = v->field;
        c->last = now;
        c->boottime_usec = boottime_usec;
        return grown * unit;
}

static bool count_up(Counter *c, double grown) {
        if (!(grown > 0 && grown <= GROWTH_MAX))
                return false;

        c->total += grown;
        if (c->total >= TOTAL_WRAP)
                c->total -= TOTAL_WRAP;
        return true;
}

static uint16_t u16_of(double value) {
        return value > 0 ? (uint16_t) fmin(value + 0.5, UINT16_MAX) : 0;
}

static void take_area(Translate *t, const VendorValue *v) {
        uint8_t area = TOKEN_NONE;

        if (v->token)
                area = t->codes[t->code_from[v->field] + (size_t) (v->token - t->profile->fields[v->field].tokens)];

        t->live.area = area;
        set_flag(t, OMP_LIVE_AREA, area != TOKEN_NONE ? OMP_LIVE_AREA : 0);
}

static void add_strokes(Translate *t, Told *sums, double grown) {
        sums->stroke |= count_up(&t->strokes, grown);
}

/* What a word of the device's says of the state. */
static void take_word(Translate *t, const VendorValue *v, VendorMeaning meaning) {
        static const struct {
                uint16_t mask, on, off;
        } flags[_VENDOR_MEANING_MAX] = {
                [VENDOR_CONTACT] = { OMP_LIVE_CONTACT_MASK, OMP_LIVE_CONTACT_YES, OMP_LIVE_CONTACT_NO },
                [VENDOR_OVERPRESSURE] = { OMP_LIVE_OVERPRESSURE, OMP_LIVE_OVERPRESSURE, 0 },
                [VENDOR_MOTOR_RUNNING] = { OMP_LIVE_MOTOR, OMP_LIVE_MOTOR, 0 },
                [VENDOR_SESSION_STATE] = { OMP_LIVE_SESSION, OMP_LIVE_SESSION, 0 },
        };
        bool on;

        if (!says_on(t, v, &on))
                return;

        set_flag(t, flags[meaning].mask, on ? flags[meaning].on : flags[meaning].off);
        t->knows_flag |= meaning == VENDOR_SESSION_STATE;
}

static void take_speed(Translate *t, double value) {
        if (!(t->profile->meanings & BIT(VENDOR_MOTOR_RUNNING)))
                set_flag(t, OMP_LIVE_MOTOR, value > 0 ? OMP_LIVE_MOTOR : 0);
}

static void take_level(Translate *t, uint16_t *level, uint16_t flag, double value) {
        *level = u16_of(value);
        t->live.flags |= flag;
}

static void take_total(Translate *t, Counter *c, uint16_t flag, const VendorValue *v, double per_sec, uint64_t boottime_usec) {
        (void) count_up(c, grow(t, c, v, per_sec, boottime_usec));
        t->live.flags |= flag;
}

static void add_force(Told *sums, double value) {
        sums->force_peak = sums->n_force++ > 0 ? fmax(sums->force_peak, value) : value;
        sums->force_sum += value;
}

/* A value that is whole: of a single field, or the sum of several. */
static inline void take_value(Translate *t, const VendorValue *v, VendorMeaning meaning, uint64_t boottime_usec, Told *sums) {
        switch (meaning) {
        case VENDOR_FORCE:
                add_force(sums, v->value);
                break;
        case VENDOR_CONTACT:
        case VENDOR_OVERPRESSURE:
        case VENDOR_MOTOR_RUNNING:
        case VENDOR_SESSION_STATE:
                take_word(t, v, meaning);
                break;
        case VENDOR_MOTOR_SPEED:
                take_speed(t, v->value);
                break;
        case VENDOR_STROKES_TOTAL:
                add_strokes(t, sums, grow(t, &t->strokes, v, 250, boottime_usec));
                break;
        case VENDOR_STROKES_DELTA:
                if (!(t->profile->meanings & BIT(VENDOR_STROKES_TOTAL)))
                        add_strokes(t, sums, v->value);
                break;
        case VENDOR_STROKE_RATE:
                take_level(t, &t->live.rate_per_min, OMP_LIVE_RATE, v->value);
                break;
        case VENDOR_PASSES_TOTAL:
                take_total(t, &t->passes, OMP_LIVE_PASSES, v, 50, boottime_usec);
                break;
        case VENDOR_DISTANCE:
                take_total(t, &t->distance, OMP_LIVE_DISTANCE, v, 5000, boottime_usec);
                break;
        case VENDOR_DEPTH:
                take_level(t, &t->live.depth_um, OMP_LIVE_DEPTH, v->value);
                break;
        case VENDOR_MOTOR_CURRENT:
                take_level(t, &t->live.current_ma, OMP_LIVE_CURRENT, v->value);
                break;
        case VENDOR_AREA:
                take_area(t, v);
                break;
        case VENDOR_BATTERY:
                t->battery = (int) fmin(fmax(v->value, 0), 100);
                break;
        case VENDOR_NONE:
        case VENDOR_FORCE_RAW:
        case VENDOR_FORCE_LEVEL:
        case VENDOR_PRESSURE:
        case VENDOR_SESSION_TIME:
        case VENDOR_AREA_COUNT:
        case VENDOR_BATTERY_TIME:
        case VENDOR_BATTERY_MV:
        case VENDOR_CARTRIDGE_ID:
        case VENDOR_CARTRIDGE_LIFE:
        case VENDOR_BUTTON:
        case VENDOR_TEMPERATURE:
        case VENDOR_TIMESTAMP:
        case VENDOR_SEQUENCE:
        case _VENDOR_MEANING_MAX:
                break;
        }
}

static void add_to_sum(Told *sums, VendorMeaning meaning, const VendorValue *v) {
        if (!(sums->summed & BIT(meaning))) {
                sums->summed |= BIT(meaning);
                sums->sum[meaning] = 0;
                if (meaning == VENDOR_FORCE)
                        sums->n_force_sums = 0;
        }
        if (meaning == VENDOR_FORCE) {
                while (sums->n_force_sums <= v->entry)
                        sums->force_sums[sums->n_force_sums++] = 0;
                sums->force_sums[v->entry] += v->value;
        } else
                sums->sum[meaning] += v->value;
}

/* A force that is summed over sensors, several times in a packet, is as many forces. */
static void take_sums(Translate *t, uint64_t boottime_usec, Told *sums) {
        for (unsigned i = 0; i < t->reading.n && sums->summed; i++) {
                VendorValue v = t->reading.values[i];
                VendorMeaning meaning = (VendorMeaning) t->brief[v.field].meaning;

                if (!(sums->summed & BIT(meaning)))
                        continue;

                sums->summed &= ~BIT(meaning);
                v.value = sums->sum[meaning];
                if (meaning != VENDOR_FORCE)
                        take_value(t, &v, meaning, boottime_usec, sums);
                for (unsigned k = 0; meaning == VENDOR_FORCE && k < sums->n_force_sums; k++) {
                        v.value = sums->force_sums[k];
                        take_value(t, &v, meaning, boottime_usec, sums);
                }
        }
}

static int16_t force_of(double mn, bool *saturated) {
        if (mn > FORCE_MAX_MN || mn < -FORCE_MAX_MN)
                *saturated = true;

        return (int16_t) lround(fmin(fmax(mn, -FORCE_MAX_MN), FORCE_MAX_MN));
}

/* "A device that knows force but not contact": with hysteresis. */
static void derive_contact(Translate *t) {
        bool was = (t->live.flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
        bool is = t->live.force_mean_mn >= tally_contact_mn(&t->limits, was);

        set_flag(t, OMP_LIVE_CONTACT_MASK, is ? OMP_LIVE_CONTACT_YES : OMP_LIVE_CONTACT_NO);
}

static void take_force(Translate *t, const Told *sums) {
        bool saturated = false;

        if (sums->n_force == 0)
                return;

        t->live.force_mean_mn = force_of(sums->force_sum / sums->n_force, &saturated);
        t->live.force_peak_mn = force_of(sums->force_peak, &saturated);
        set_flag(t, OMP_LIVE_SATURATED, saturated ? OMP_LIVE_SATURATED : 0);
        if (!(t->profile->meanings & BIT(VENDOR_CONTACT)))
                derive_contact(t);
}

static void read_signs(const Translate *t, bool stroke, Signs *ret) {
        uint32_t meanings = t->profile->meanings;
        bool contact = (t->live.flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
        bool moves = t->live.flags & OMP_LIVE_MOTOR || stroke;

        ret->way = FLAG_WAY_LIVE;
        ret->knows_flag = t->knows_flag;
        ret->flag = t->live.flags & OMP_LIVE_SESSION;

        /* As much of "the motor running or a stroke, in contact" as the device can know; its session flag where it knows nothing of that. */
        if (meanings & (MOTOR_BITS | STROKES_BITS))
                ret->use = moves && (contact || !(meanings & CONTACT_BITS));
        else if (meanings & CONTACT_BITS)
                ret->use = contact;
        else
                ret->use = ret->flag;
        ret->rest = !ret->flag && !ret->use;
}

/* After how many bits a number starts again: as it says itself, or at the end of its width. */
static unsigned sequence_bits(const VendorField *field) {
        static const uint8_t width[_VENDOR_TYPE_MAX] = { [VENDOR_U8] = 8, [VENDOR_S8] = 8 };

        if (field->wrap_bits > 0)
                return field->wrap_bits;

        return field->bit_width > 0 ? field->bit_width : width[field->type] > 0 ? width[field->type] : 16;
}

/* Extended to 16 bits by nearest distance from what is expected. */
static bool read_sequence(const Translate *t, unsigned channel, uint16_t *ret) {
        const OmpSequence *s = &t->sequence[channel];

        if (t->sequence_field[channel] < 0)
                return false;

        for (unsigned i = 0; i < t->reading.n; i++) {
                const VendorValue *v = &t->reading.values[i];
                unsigned round, ahead;

                if (v->field != t->sequence_field[channel])
                        continue;
                round = 1u << MIN(sequence_bits(&t->profile->fields[v->field]), 16u);
                ahead = ((unsigned) v->raw - (s->started ? s->expected : 0u)) & (round - 1);
                *ret = (uint16_t) (s->started ? s->expected + ahead - (ahead >= round / 2 ? round : 0u) : ahead);
                return true;
        }

        return false;
}

/* A packet that came late changes no state: newer ones have been taken. Its strokes and its peak did happen. */
static void take_late(Translate *t, Packet *ret) {
        Told sums = { 0 };
        bool saturated;

        for (unsigned i = 0; i < t->reading.n; i++) {
                const VendorValue *v = &t->reading.values[i];
                VendorMeaning meaning = (VendorMeaning) t->brief[v->field].meaning;

                if (!isfinite(v->value) || (meaning != VENDOR_FORCE && meaning != VENDOR_STROKES_DELTA))
                        continue;
                if (t->brief[v->field].sum)
                        add_to_sum(&sums, meaning, v);
                else
                        take_value(t, v, meaning, 0, &sums);
        }
        take_sums(t, 0, &sums);

        t->live.strokes = (uint32_t) t->strokes.total;
        ret->live = t->live;
        ret->live.force_peak_mn = sums.n_force > 0 ? force_of(sums.force_peak, &saturated) : OMP_FORCE_UNKNOWN;
}

static uint32_t take_reading(Translate *t, const Frame *frame, Packet *ret) {
        Told sums;

        /* Not the arrays: what is not marked in `summed` is not looked at. */
        sums.told = sums.summed = 0;
        sums.n_force = 0;
        sums.force_sum = sums.force_peak = 0;
        sums.stroke = false;

        for (unsigned i = 0; i < t->reading.n; i++) {
                const VendorValue *v = &t->reading.values[i];
                VendorMeaning meaning = (VendorMeaning) t->brief[v->field].meaning;

                t->unknown_token |= v->unknown_token;
                if (meaning == VENDOR_NONE || !isfinite(v->value))
                        continue;
                if (!v->unknown_token)
                        sums.told |= BIT(meaning);
                if (t->brief[v->field].sum)
                        add_to_sum(&sums, meaning, v);
                else
                        take_value(t, v, meaning, frame->boottime_usec, &sums);
        }
        if (sums.summed)
                take_sums(t, frame->boottime_usec, &sums);
        take_force(t, &sums);

        t->live.tick = (uint32_t) ((frame->boottime_usec - t->origin_usec) / OMP_TICK_USEC);
        t->live.sequence = ret->sequence;
        t->live.strokes = (uint32_t) t->strokes.total;
        t->live.passes = (uint16_t) (uint32_t) t->passes.total;
        t->live.distance_mm = (uint32_t) t->distance.total;
        if (sums.stroke)
                t->live.last_stroke = (uint16_t) t->live.tick;
        if (sums.told & SIGN_BITS)
                read_signs(t, sums.stroke, &ret->signs);
        return sums.told;
}

Translate *translate_new(const VendorProfile *profile) {
        Translate *t = g_new0(Translate, 1);

        g_assert(profile->n_chars <= VENDOR_CHARS_MAX && profile->n_fields <= VENDOR_FIELDS_MAX); /* vendor_check() */
        t->profile = profile;
        learn_fields(t);
        learn_sequences(t);
        translate_reset(t, 0);
        return t;
}

Translate *translate_free(Translate *t) {
        if (!t)
                return NULL;

        g_free(t->codes);
        g_free(t);
        return NULL;
}

const VendorProfile *translate_profile(const Translate *t) {
        return t->profile;
}

void translate_reset(Translate *t, uint64_t boottime_usec) {
        t->origin_usec = boottime_usec;
        t->strokes = t->passes = t->distance = (Counter) { 0 };
        t->live.strokes = t->live.distance_mm = 0;
        t->live.passes = t->live.last_stroke = 0;
        t->told = 0;
        t->feature_changed = true;
        translate_link_up(t);
}

void translate_link_up(Translate *t) {
        for (unsigned i = 0; i < VENDOR_CHARS_MAX; i++)
                omp_sequence_reset(&t->sequence[i]);
        t->live.flags &= OMP_LIVE_PASSES | OMP_LIVE_DISTANCE;
        if (!t->passes.started)
                t->live.flags &= (uint16_t) ~OMP_LIVE_PASSES;
        if (!t->distance.started)
                t->live.flags &= (uint16_t) ~OMP_LIVE_DISTANCE;
        t->live.force_mean_mn = t->live.force_peak_mn = OMP_FORCE_UNKNOWN;
        t->battery = -1;
        t->knows_flag = false;
        t->unknown_token = false;
        t->fresh = true;
}

void translate_packet(Translate *t, const Frame *frame, const NoteLimits *limits, Packet *ret) {
        uint32_t told;

        ret->kind = PACKET_OTHER;
        ret->numbered = ret->resumed = false;
        ret->arrival = OMP_ARRIVAL_NEXT;
        ret->missing = 0;
        ret->sequence = 0;
        ret->stream = TALLY_LIVE;
        ret->signs = (Signs) { 0 };
        t->unknown_token = false;
        t->limits = *limits;

        ret->error = vendor_decode(t->profile, frame->channel, frame->data, frame->size, &t->reading);
        if (ret->error == -ENOENT) {
                ret->kind = PACKET_UNKNOWN;
                ret->stream = TALLY_LINK;
                ret->error = 0;
                return;
        }
        if (ret->error < 0)
                return;

        ret->numbered = read_sequence(t, frame->channel, &ret->sequence);
        if (ret->numbered)
                ret->arrival = omp_sequence_push(&t->sequence[frame->channel], ret->sequence, &ret->missing);
        if (ret->arrival == OMP_ARRIVAL_DUPLICATE)
                return;
        if (ret->arrival == OMP_ARRIVAL_LATE) {
                ret->kind = PACKET_LIVE;
                take_late(t, ret);
                return;
        }

        told = take_reading(t, frame, ret);
        if (told & ~t->told) {
                t->told |= told;
                t->feature_changed = true;
        }
        if (!(told & STATE_BITS))
                return;

        ret->kind = PACKET_LIVE;
        ret->resumed = t->fresh || ret->arrival == OMP_ARRIVAL_RESTART;
        ret->live = t->live;
        t->fresh = false;
}

void translate_unknown(const Translate *t, Unknown *unknown) {
        if (!t->unknown_token)
                return;

        for (unsigned i = 0; i < t->reading.n; i++) {
                const VendorValue *v = &t->reading.values[i];
                const VendorField *field = &t->profile->fields[v->field];
                bool word = BIT(field->meaning) & WORD_BITS;
                char name[UNKNOWN_TEXT_MAX];

                if (!v->unknown_token)
                        continue;
                (void) g_snprintf(name, sizeof(name), "field %.64s", field->name);
                unknown_note(unknown, UNKNOWN_KIND_FIELD + v->field, word ? v->raw : 0, name, word);
        }
}

bool translate_feature(Translate *t, OmpFeature *ret) {
        VendorProfile told;

        if (!t->feature_changed)
                return false;

        told = *t->profile;
        told.meanings &= t->told;
        vendor_feature(&told, ret);
        t->feature_changed = false;
        return true;
}

int translate_battery(const Translate *t) {
        return t->battery;
}
