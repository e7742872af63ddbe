/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#include "codec/vendor-type.h"
#include "model.h"
#include "peripheral-vendor.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define PERIOD_USEC (USEC_PER_SEC / 10) /* of device time: how often it looks at what has changed */
#define AUTO_START_USEC USEC_PER_SEC
#define CONTACT_MN 200
#define OVER_MN 3000
#define LOW_MN 500
#define HEAD_MM2 78.54                  /* of the skin that the head presses on */

typedef struct Packet {
        size_t size;
        uint8_t data[PERIPHERAL_VALUE_MAX];
} Packet;

typedef struct VendorPeripheral {
        Peripheral base;
        PeripheralChar chars[PERIPHERAL_CHARS_MAX];
        uint8_t channels[PERIPHERAL_CHARS_MAX]; /* of the profile, by index */
        const ProfileFile *file;
        const VendorProfile *profile;
        PeripheralConfig config;

        bool listened;
        uint64_t device_usec, due_usec;
        uint64_t sample_usec, auto_start_usec; /* device time; 0: not armed */
        unsigned sample_period_usec;
        Model model;
        uint64_t session_usec;          /* begin of the session that runs or ran last */
        double session_s;

        size_t sizes[PERIPHERAL_CHARS_MAX]; /* of its packets, by index; 0: it has none that could be made */
        Packet told[PERIPHERAL_CHARS_MAX]; /* what was sent last, but for its time and number */
        unsigned sequence[PERIPHERAL_CHARS_MAX];
        uint32_t strokes_told[PERIPHERAL_CHARS_MAX];
} VendorPeripheral;

/* ---- Values ---- */

static bool is_session(const VendorPeripheral *p) {
        return p->model.phase == MODEL_WORK || p->model.phase == MODEL_PAUSE;
}

static const char *state_name(ModelPhase phase) {
        switch (phase) {
        case MODEL_REST:
                return "idle";
        case MODEL_TAKEN:
        case MODEL_DONE:
                return "ready";
        case MODEL_WORK:
                return "running";
        case MODEL_PAUSE:
                return "paused";
        }

        return "idle";
}

/* What the device can say, by meaning, in its canonical unit. */
typedef struct Said {
        bool known;
        double value;
} Said;

/* What is not named here is not known, and stays out of the packet. */
static void said_now(const VendorPeripheral *p, unsigned index, Said ret[static _VENDOR_MEANING_MAX]) {
        const Model *m = &p->model;
        const double speed_per_min = m->motor_hz > 0 ? m->set_point_per_min : 0;
        const Said said[_VENDOR_MEANING_MAX] = {
                [VENDOR_FORCE] = { true, m->force_mn },
                [VENDOR_FORCE_RAW] = { true, m->force_mn },
                [VENDOR_FORCE_LEVEL] = { true, m->force_mn >= OVER_MN ? 2 : m->force_mn >= LOW_MN ? 1 : 0 },
                [VENDOR_PRESSURE] = { true, m->force_mn / HEAD_MM2 },
                [VENDOR_OVERPRESSURE] = { true, m->force_mn >= OVER_MN },
                [VENDOR_CONTACT] = { true, m->force_mn >= CONTACT_MN },
                [VENDOR_STROKES_TOTAL] = { true, m->strokes },
                [VENDOR_STROKES_DELTA] = { true, m->strokes - p->strokes_told[index] },
                [VENDOR_STROKE_RATE] = { true, speed_per_min },
                [VENDOR_PASSES_TOTAL] = { true, m->passes },
                [VENDOR_DISTANCE] = { true, floor(m->distance_mm) },
                [VENDOR_DEPTH] = { true, m->depth_um },
                [VENDOR_MOTOR_RUNNING] = { true, m->motor_hz > 0 },
                [VENDOR_MOTOR_SPEED] = { true, speed_per_min },
                [VENDOR_MOTOR_CURRENT] = { true, m->current_ma },
                [VENDOR_SESSION_TIME] = { true, floor(p->session_s) },
                [VENDOR_SESSION_STATE] = { true, is_session(p) },
                [VENDOR_AREA] = { true, m->area },
                [VENDOR_BATTERY] = { true, ceil(m->battery) },
                [VENDOR_BATTERY_TIME] = { true, floor(m->battery * 60) },
                [VENDOR_BATTERY_MV] = { true, 3300 + floor(m->battery * 8) },
                [VENDOR_CARTRIDGE_ID] = { true, 1 },
                [VENDOR_CARTRIDGE_LIFE] = { true, 90 },
                [VENDOR_TEMPERATURE] = { true, 25 },
                [VENDOR_TIMESTAMP] = { true, (double) p->device_usec / 1e6 },
                [VENDOR_SEQUENCE] = { true, p->sequence[index] },
        };

        memcpy(ret, said, sizeof(said));
}

/* The value of the first of these names, which NULL ends, that the field has a token for; `other` if it has none. */
static double value_of_name(const VendorField *f, const char *const *names, double other) {
        for (; *names; names++)
                for (unsigned i = 0; i < f->n_tokens; i++) {
                        double raw = (double) f->tokens[i].raw;

                        if (g_str_equal(f->tokens[i].name, *names))
                                return (raw * (double) f->scale_num + (double) f->bias_num) / (double) f->den;
                }

        return other;
}

/* Of what is told by names each field has its own numbers. */
static double value_of(const VendorPeripheral *p, const VendorField *f, double said) {
        static const char *const levels[] = { "low", "normal", "high" };
        const char *names[4] = {};

        if (f->meaning == VENDOR_SESSION_STATE) {
                names[0] = state_name(p->model.phase);
                names[1] = p->model.phase == MODEL_PAUSE ? "running" : "idle";
                names[2] = "ready";
        } else if (f->meaning == VENDOR_FORCE_LEVEL)
                names[0] = levels[(unsigned) said];
        else if (f->meaning == VENDOR_OVERPRESSURE || f->meaning == VENDOR_CONTACT || f->meaning == VENDOR_MOTOR_RUNNING)
                names[0] = said != 0 ? "on" : "off";

        return value_of_name(f, names, said);
}

/* ---- Packets ---- */

static const VendorChar *char_at(const VendorPeripheral *p, unsigned index) {
        return &p->profile->chars[p->channels[index]];
}

/* What one step of the field is worth. */
static double field_step(const VendorField *f) {
        return fabs((double) f->scale_num / (double) f->den);
}

/* With Combine=sum each field takes what the coarser ones leave: minutes, then seconds. */
static double value_share(const VendorProfile *profile, const VendorChar *ch, const VendorField *f, double value) {
        double step = field_step(f);

        if (!f->sum)
                return value;
        for (unsigned i = 0; i < ch->n_fields; i++) {
                const VendorField *other = &profile->fields[ch->first_field + i];

                if (other->sum && other->meaning == f->meaning && field_step(other) > step)
                        value = fmod(value, field_step(other));
        }

        return floor(value / step) * step;
}

/* Counters run round in the width that they have. */
static double value_wrapped(const VendorField *f, double value) {
        static const uint32_t counters = UINT32_C(1) << VENDOR_STROKES_TOTAL | UINT32_C(1) << VENDOR_PASSES_TOTAL |
                                         UINT32_C(1) << VENDOR_DISTANCE | UINT32_C(1) << VENDOR_TIMESTAMP |
                                         UINT32_C(1) << VENDOR_SEQUENCE;
        unsigned bits = f->wrap_bits > 0 ? f->wrap_bits : f->bit_width > 0 ? f->bit_width : 8 * vendor_types[f->type].size;

        if (f->type == VENDOR_F32 || !(counters >> f->meaning & 1))
                return value;

        return fmod(value, ldexp(field_step(f), (int) bits));
}

/* A list of a fixed length says the same in each of its entries. */
static void packet_repeat(Packet *packet, const VendorField *f) {
        size_t size = vendor_types[f->type].size, from = (size_t) f->offset;

        if (f->count != VENDOR_COUNT_FIXED || f->offset < 0)
                return;
        for (unsigned i = 1; i < f->count_fixed && from + i * f->stride + size <= packet->size; i++)
                memmove(packet->data + from + i * f->stride, packet->data + from, size); /* entries may overlap */
}

/* `moving`: with its time and number too, which are never the same twice. */
static void packet_make(const VendorPeripheral *p, unsigned index, size_t size, bool moving, Packet *ret) {
        const VendorChar *ch = char_at(p, index);
        Said said[_VENDOR_MEANING_MAX];

        said_now(p, index, said);
        *ret = (Packet) { .size = size };
        for (unsigned i = 0; i < ch->n_fields; i++) {
                const VendorField *f = &p->profile->fields[ch->first_field + i];
                double value;

                if (!said[f->meaning].known)
                        continue;
                if (!moving && (f->meaning == VENDOR_TIMESTAMP || f->meaning == VENDOR_SEQUENCE))
                        continue;
                value = value_wrapped(f, value_share(p->profile, ch, f, value_of(p, f, said[f->meaning].value)));
                /* What the field cannot hold stays zero. */
                if (vendor_encode_field(p->profile, ch->first_field + i, value, ret->data, size) == 0)
                        packet_repeat(ret, f);
        }
        (void) vendor_seal(p->profile, p->channels[index], ret->data, size);
}

/* The shortest packet that the profile itself takes, with all of its fields that are not optional. */
static size_t packet_size(const VendorPeripheral *p, unsigned index) {
        const VendorChar *ch = char_at(p, index);
        size_t most = ch->length_max > 0 ? ch->length_max : PERIPHERAL_VALUE_MAX;
        g_autofree VendorReading *reading = g_new(VendorReading, 1);

        for (size_t size = MAX(ch->length_min, 1); size <= most; size++) {
                bool whole = true;
                Packet packet;

                packet_make(p, index, size, true, &packet);
                for (unsigned i = 0; i < ch->n_fields; i++) {
                        const VendorField *f = &p->profile->fields[ch->first_field + i];
                        Packet probe = packet;

                        whole = whole && (f->optional || f->meaning == VENDOR_NONE ||
                                          vendor_encode_field(p->profile, ch->first_field + i, 0, probe.data, size) != -ERANGE);
                }
                if (whole && vendor_decode(p->profile, p->channels[index], packet.data, size, reading) == 0)
                        return size;
        }

        return 0;
}

static void send_changes(VendorPeripheral *p) {
        for (unsigned i = 0; i < p->base.n_chars; i++) {
                Packet packet;

                if (!p->base.wanted[i] || p->sizes[i] == 0)
                        continue;
                packet_make(p, i, p->sizes[i], false, &packet);
                if (p->told[i].size == packet.size && memcmp(p->told[i].data, packet.data, packet.size) == 0)
                        continue;

                p->told[i] = packet;
                packet_make(p, i, p->sizes[i], true, &packet);
                /* Beyond the MTU a notification is cut: the device sends what arrives whole. */
                if (packet.size <= p->base.value_max)
                        peripheral_send(&p->base, i, packet.data, packet.size);
                p->sequence[i]++;
                p->strokes_told[i] = p->model.strokes;
        }
}

/* ---- Time ---- */

static void catch_up(VendorPeripheral *p) {
        if (p->base.stop_wanted) {
                p->auto_start_usec = 0;
                model_stop(&p->model);
        }
        if (p->base.start_wanted || (p->auto_start_usec > 0 && p->auto_start_usec <= p->device_usec)) {
                p->auto_start_usec = 0;
                model_start(&p->model, p->config.procedure_usec, OVER_MN);
        }
        p->base.start_wanted = p->base.stop_wanted = p->listened = false;
}

/* One period of the hand, or all the time that it does nothing. */
static void step(VendorPeripheral *p, uint64_t until_usec) {
        bool before = is_session(p);

        if (p->model.phase == MODEL_REST) {
                uint64_t n = (until_usec - p->sample_usec) / p->sample_period_usec;

                model_rest(&p->model, n);
                p->sample_usec += n * p->sample_period_usec;
        }
        for (; p->sample_usec + p->sample_period_usec <= until_usec; p->sample_usec += p->sample_period_usec)
                model_step(&p->model);
        p->device_usec = until_usec;

        if (is_session(p) && !before)
                p->session_usec = until_usec;
        if (is_session(p))
                p->session_s = (double) (until_usec - p->session_usec) / 1e6;
}

/* It sleeps through its rest: that is over before anything begins. */
static void rest_until(VendorPeripheral *p, uint64_t target) {
        if (p->model.phase != MODEL_REST || p->auto_start_usec > 0 || p->due_usec > target)
                return;

        p->due_usec = target / PERIOD_USEC * PERIOD_USEC;
        step(p, p->due_usec);
        p->due_usec += PERIOD_USEC;
}

static void vendor_advance(Peripheral *base, uint64_t now_usec) {
        VendorPeripheral *p = (VendorPeripheral *) base;
        uint64_t target;

        if (!peripheral_device_time(base, now_usec, &target))
                return;

        rest_until(p, target);
        catch_up(p);
        send_changes(p); /* a listener that is new hears how it is */
        while (p->due_usec <= target) {
                if (p->model.phase == MODEL_REST) /* nothing happens in between */
                        p->due_usec = MAX(p->due_usec, target / PERIOD_USEC * PERIOD_USEC);
                step(p, p->due_usec);
                p->due_usec += PERIOD_USEC;
                catch_up(p);
                send_changes(p);
        }
}

static uint64_t vendor_next(const Peripheral *base) {
        const VendorPeripheral *p = (const VendorPeripheral *) base;

        if (!base->started || base->start_wanted || base->stop_wanted || p->listened)
                return base->host_first_usec;
        if (p->model.phase == MODEL_REST && p->auto_start_usec == 0)
                return UINT64_MAX;

        return peripheral_host_time(base, p->due_usec);
}

/* ---- The device ---- */

static int vendor_read(Peripheral *base, unsigned index, uint8_t *buf, size_t size) {
        const VendorPeripheral *p = (const VendorPeripheral *) base;
        Packet packet;

        packet_make(p, index, MIN(p->sizes[index], size), true, &packet);
        memcpy(buf, packet.data, packet.size);
        return (int) packet.size;
}

/* What the profile's actions write is taken; nothing else is known to be understood. Only stopping has an effect: no
 * command starts the hand. */
static int vendor_write(Peripheral *base, unsigned index, const uint8_t *data, size_t size) {
        VendorPeripheral *p = (VendorPeripheral *) base;

        for (size_t i = 0; i < p->profile->n_actions; i++) {
                const VendorAction *a = &p->profile->actions[i];

                if (a->channel != p->channels[index] || a->size != size || memcmp(a->data, data, size) != 0)
                        continue;
                if (a->when == VENDOR_ON_STOP || a->when == VENDOR_ON_STOP_MOTOR)
                        peripheral_stop(base);
                return 0;
        }

        return -PERIPHERAL_WRITE_NOT_PERMITTED;
}

static void vendor_subscribe(Peripheral *base, unsigned index, bool on) {
        VendorPeripheral *p = (VendorPeripheral *) base;

        p->told[index].size = 0;
        p->strokes_told[index] = p->model.strokes;
        if (!on)
                return;
        p->listened = true;
        if (p->config.auto_start && p->model.phase == MODEL_REST)
                p->auto_start_usec = p->device_usec + AUTO_START_USEC;
}

static bool vendor_running(const Peripheral *base) {
        return ((const VendorPeripheral *) base)->model.phase != MODEL_REST;
}

static uint8_t vendor_battery(const Peripheral *base) {
        return (uint8_t) ceil(((const VendorPeripheral *) base)->model.battery);
}

static const char *vendor_info(const Peripheral *base, PeripheralInfo what) {
        return what == PERIPHERAL_SERIAL ? base->serial : peripheral_vendor_info(((const VendorPeripheral *) base)->file, what);
}

static void vendor_advertisement(const Peripheral *base, PeripheralAdvertisement *ret) {
        peripheral_vendor_advertisement(((const VendorPeripheral *) base)->file, ret);
}

static const PeripheralVtable vtable = {
        .read = vendor_read,
        .write = vendor_write,
        .subscribe = vendor_subscribe,
        .advance = vendor_advance,
        .next = vendor_next,
        .running = vendor_running,
        .battery = vendor_battery,
        .info = vendor_info,
        .advertisement = vendor_advertisement,
};

Peripheral *peripheral_vendor_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata) {
        VendorPeripheral *p = g_new0(VendorPeripheral, 1);
        unsigned n;

        p->file = config->from;
        p->profile = &p->file->vendor;
        p->config = *config;
        n = peripheral_vendor_chars(p->file, p->chars, p->channels);
        peripheral_init(&p->base, &vtable, config, ops, userdata, p->chars, n);
        model_init(&p->model, p->profile->kind == OMP_KIND_ROLLER ? OMP_KIND_ROLLER : OMP_KIND_PEN, config->seed);
        p->sample_period_usec = (unsigned) (USEC_PER_SEC / p->model.rate_hz);
        p->due_usec = PERIOD_USEC;
        for (unsigned i = 0; i < n; i++)
                p->sizes[i] = packet_size(p, i);
        return &p->base;
}
