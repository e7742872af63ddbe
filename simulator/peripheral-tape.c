/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "peripheral-tape.h"
#include "peripheral-vendor.h"

#define BEGIN_USEC UINT64_C(1000000)    /* of the host, after a subscription: the client takes several */
#define N_CHANNELS 256u
#define NONE UINT64_MAX

typedef struct TapePeripheral {
        Peripheral base;
        PeripheralChar chars[PERIPHERAL_CHARS_MAX];
        uint8_t channels[PERIPHERAL_CHARS_MAX];
        int indices[N_CHANNELS];        /* of the characteristic with this channel, -1: none */
        TapePlay play;

        bool played, listened;
        bool playing;
        uint64_t begin_usec;            /* of the host: where time 0 is, or will be; NONE: it waits */
        size_t next;                    /* frame to be sent */
        const TapeFrame *last[PERIPHERAL_CHARS_MAX]; /* what a read gives: played last, or the first there is */
} TapePeripheral;

static const TapeFrame *frame_at(const TapePeripheral *p, size_t i) {
        return &g_array_index(p->play.file->frames, TapeFrame, i);
}

static const uint8_t *frame_octets(const TapePeripheral *p, const TapeFrame *frame) {
        return p->play.file->octets->data + frame->at;
}

static bool is_omp(const TapePeripheral *p) {
        return !p->play.profile;
}

/* ---- Playing ---- */

static uint64_t due(const TapePeripheral *p, uint64_t time_usec) {
        return p->begin_usec + peripheral_host_span(&p->base, time_usec);
}

static void send_frame(TapePeripheral *p, const TapeFrame *frame) {
        int index = p->indices[frame->channel];

        if (index < 0)
                return;
        p->last[index] = frame;
        if (!p->base.wanted[index])
                return;
        if (frame->size <= p->base.value_max)
                peripheral_send(&p->base, (unsigned) index, frame_octets(p, frame), frame->size);
        else {
                p->base.counters.sent[index]++;
                p->base.counters.refused[index]++;
        }
}

static int resting_status(uint8_t *buf, size_t size) {
        OmpStatus status = {
                .state = OMP_STATE_IDLE,
                .depth_um = OMP_U16_UNKNOWN,
                .motor_per_min = OMP_U16_UNKNOWN,
                .cartridge_uses = OMP_U16_UNKNOWN,
        };

        return omp_status_encode(&status, buf, size);
}

/* A tape that was cut in the middle of a session leaves none behind. */
static void rest(TapePeripheral *p) {
        int index = p->indices[OMP_CHAR_STATUS];
        uint8_t buf[32];
        int n;

        p->playing = false;
        p->begin_usec = NONE;
        if (!is_omp(p) || index < 0)
                return;
        p->last[index] = NULL;
        n = resting_status(buf, sizeof(buf));
        if (p->base.wanted[index])
                peripheral_send(&p->base, (unsigned) index, buf, (size_t) n);
}

static void begin(TapePeripheral *p, uint64_t at_usec) {
        p->begin_usec = at_usec;
        p->next = 0;
        p->playing = p->played = true;
}

static void tape_advance(Peripheral *base, uint64_t now_usec) {
        TapePeripheral *p = (TapePeripheral *) base;

        base->started = true;
        if (base->stop_wanted && p->playing)
                rest(p);
        if (base->start_wanted)
                begin(p, now_usec);
        else if (p->listened && (!p->played || (p->playing && p->begin_usec > now_usec))) /* each one more is waited for */
                begin(p, now_usec + BEGIN_USEC);
        base->start_wanted = base->stop_wanted = p->listened = false;

        while (p->playing) {
                if (p->next < p->play.file->frames->len) {
                        const TapeFrame *frame = frame_at(p, p->next);

                        if (due(p, frame->time_usec) > now_usec)
                                break;
                        p->next++;
                        send_frame(p, frame);
                } else if (due(p, p->play.file->length_usec) > now_usec)
                        break;
                else if (p->play.loop && p->play.file->length_usec > 0)
                        begin(p, due(p, p->play.file->length_usec));
                else
                        rest(p);
        }
}

static uint64_t tape_next(const Peripheral *base) {
        const TapePeripheral *p = (const TapePeripheral *) base;

        if (!base->started || base->start_wanted || base->stop_wanted || p->listened)
                return 0;
        if (!p->playing)
                return UINT64_MAX;

        return due(p, p->next < p->play.file->frames->len ? frame_at(p, p->next)->time_usec : p->play.file->length_usec);
}

/* ---- The device ---- */

/* A tape without a Feature says at least what its Live values carry. */
static int default_feature(const TapePeripheral *p, uint8_t *buf, size_t size) {
        OmpFeature feature = {
                .major = OMP_MAJOR, .minor = OMP_MINOR,
                .bits = OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE,
        };

        for (size_t i = 0; i < p->play.file->frames->len; i++)
                if (frame_at(p, i)->channel == OMP_CHAR_WAVEFORM)
                        feature.bits |= OMP_FEATURE_WAVEFORM;
        return omp_feature_encode(&feature, buf, size);
}

static int tape_read_value(Peripheral *base, unsigned index, uint8_t *buf, size_t size) {
        const TapePeripheral *p = (const TapePeripheral *) base;
        const TapeFrame *frame = p->last[index];

        if (frame) {
                memcpy(buf, frame_octets(p, frame), MIN(frame->size, size));
                return (int) MIN(frame->size, size);
        }
        if (is_omp(p) && p->channels[index] == OMP_CHAR_FEATURE)
                return default_feature(p, buf, size);
        if (is_omp(p) && p->channels[index] == OMP_CHAR_STATUS)
                return resting_status(buf, size);
        return 0;
}

static void tape_subscribe(Peripheral *base, unsigned index, bool on) {
        if (on)
                ((TapePeripheral *) base)->listened = true;
}

static bool tape_running(const Peripheral *base) {
        return ((const TapePeripheral *) base)->playing;
}

static uint8_t tape_battery(const Peripheral *base) {
        return 100; /* no tape tells */
}

static const char *tape_info(const Peripheral *base, PeripheralInfo what) {
        const TapePeripheral *p = (const TapePeripheral *) base;

        switch (what) {
        case PERIPHERAL_SERIAL:
                return base->serial;
        case PERIPHERAL_MANUFACTURER:
        case PERIPHERAL_MODEL:
        case PERIPHERAL_FIRMWARE:
        case PERIPHERAL_HARDWARE:
                break;
        }
        if (p->play.profile)
                return peripheral_vendor_info(p->play.profile, what);

        return what == PERIPHERAL_MANUFACTURER ? "needled"
               : what == PERIPHERAL_MODEL      ? "Tape"
               : what == PERIPHERAL_FIRMWARE   ? NEEDLED_VERSION
                                               : "";
}

static void tape_advertisement(const Peripheral *base, PeripheralAdvertisement *ret) {
        const TapePeripheral *p = (const TapePeripheral *) base;

        if (p->play.profile) {
                peripheral_vendor_advertisement(p->play.profile, ret);
                return;
        }
        ret->services[0] = ret->service_data_uuid = OMP_SERVICE_UUID;
        ret->service_data[0] = OMP_MAJOR;
        ret->service_data[1] = OMP_STATE_IDLE;
        ret->service_data[2] = 0x01; /* the pairing window is open */
        ret->service_data_size = 3;
}

static const PeripheralVtable vtable = {
        .read = tape_read_value,
        .subscribe = tape_subscribe,
        .advance = tape_advance,
        .next = tape_next,
        .running = tape_running,
        .battery = tape_battery,
        .info = tape_info,
        .advertisement = tape_advertisement,
};

/* The mandatory ones, and what else is on the tape and can be notified. */
static unsigned omp_chars(const TapeFile *file, PeripheralChar *chars, uint8_t *channels) {
        static const unsigned properties[_OMP_CHAR_MAX] = {
                [OMP_CHAR_FEATURE] = PERIPHERAL_READ,
                [OMP_CHAR_LIVE] = PERIPHERAL_NOTIFY,
                [OMP_CHAR_WAVEFORM] = PERIPHERAL_NOTIFY,
                [OMP_CHAR_EVENT] = PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE,
                [OMP_CHAR_STATUS] = PERIPHERAL_READ | PERIPHERAL_NOTIFY,
                [OMP_CHAR_CLOCK] = PERIPHERAL_READ,
        };
        bool wanted[_OMP_CHAR_MAX] = {
                [OMP_CHAR_FEATURE] = true, [OMP_CHAR_LIVE] = true, [OMP_CHAR_EVENT] = true, [OMP_CHAR_STATUS] = true,
        };
        unsigned n = 0;

        for (size_t i = 0; i < file->frames->len; i++)
                if (g_array_index(file->frames, TapeFrame, i).channel < _OMP_CHAR_MAX)
                        wanted[g_array_index(file->frames, TapeFrame, i).channel] = true;
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++) {
                if (!wanted[c] || properties[c] == 0)
                        continue;
                chars[n] = (PeripheralChar) {
                        .uuid = omp_char_uuid(c), .service = OMP_SERVICE_UUID, .name = omp_char_name(c),
                        .properties = properties[c], .encrypted = c != OMP_CHAR_FEATURE,
                };
                channels[n++] = (uint8_t) c;
        }

        return n;
}

/* Characteristics by their UUID: those of the tape's head are numbered as the profile was when it was recorded. */
static int vendor_index(const TapePeripheral *p, unsigned n, uint8_t channel) {
        const TapeHead *head = &p->play.file->head;

        for (size_t c = 0; c < head->n_channels; c++)
                for (unsigned i = 0; head->channels[c].channel == channel && i < n; i++)
                        if (g_str_equal(head->channels[c].uuid, p->chars[i].uuid))
                                return (int) i;

        return -1;
}

Peripheral *peripheral_tape_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata) {
        TapePeripheral *p = g_new0(TapePeripheral, 1);
        unsigned n;

        p->play = *(const TapePlay *) config->from;
        p->begin_usec = NONE;
        n = is_omp(p) ? omp_chars(p->play.file, p->chars, p->channels)
                      : peripheral_vendor_chars(p->play.profile, p->chars, p->channels);
        peripheral_init(&p->base, &vtable, config, ops, userdata, p->chars, n);

        for (unsigned c = 0; c < N_CHANNELS; c++) {
                p->indices[c] = -1;
                for (unsigned i = 0; is_omp(p) && i < n; i++)
                        if (p->channels[i] == c)
                                p->indices[c] = (int) i;
                if (!is_omp(p))
                        p->indices[c] = vendor_index(p, n, (uint8_t) c);
        }
        for (size_t i = p->play.file->frames->len; i-- > 0;) {
                int index = p->indices[frame_at(p, i)->channel];

                if (index >= 0 && !(is_omp(p) && p->channels[index] == OMP_CHAR_STATUS))
                        p->last[index] = frame_at(p, i);
        }
        return &p->base;
}
