/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "peripheral-omp.h"

#define STATUS_FIRST_USEC 50000u        /* "once within 100 ms after the CCCD write is answered" */
#define STATUS_PERIOD_USEC USEC_PER_SEC /* "then on change, at most once a second" */
#define AUTO_START_USEC USEC_PER_SEC
#define EVENT_GRAIN_USEC 20000u         /* how late an event may be sent, in device time … */
#define HOST_GRAIN_USEC 10000u          /* … but no more often than this */

#define NAME_MAX_OCTETS 8u               /* "short name (≤ 8 octets)" */

enum { /* flags of the service data (1.1 Advertising) */
        ADVERTISED_PAIRING = 1u << 0,   /* nobody can press the button that opens the window: it is always open */
        ADVERTISED_RECORDS = 1u << 1,
        ADVERTISED_CLOCK_UNSET = 1u << 2,
};

/* 1.2 Properties; "all characteristics except Feature require encryption" */
static const unsigned properties[] = {
        [OMP_CHAR_FEATURE] = PERIPHERAL_READ,
        [OMP_CHAR_LIVE] = PERIPHERAL_NOTIFY,
        [OMP_CHAR_WAVEFORM] = PERIPHERAL_NOTIFY,
        [OMP_CHAR_EVENT] = PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE,
        [OMP_CHAR_STATUS] = PERIPHERAL_READ | PERIPHERAL_NOTIFY,
        [OMP_CHAR_CLOCK] = PERIPHERAL_READ | PERIPHERAL_WRITE,
        [OMP_CHAR_CONTROL_POINT] = PERIPHERAL_WRITE | PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE,
        [OMP_CHAR_SESSION_DATA] = PERIPHERAL_NOTIFY,
        [OMP_CHAR_RACP] = PERIPHERAL_WRITE | PERIPHERAL_INDICATE,
};

static int omp_encode_status(const OmpPeripheral *p, uint8_t *buf, size_t size) {
        OmpStatus status = {
                .state = (uint8_t) p->state,
                .flags = (uint8_t) ((p->session ? OMP_STATUS_SESSION : 0) |
                                    (p->contact ? OMP_STATUS_CONTACT : 0) |
                                    (p->clock_set ? OMP_STATUS_CLOCK_SET : 0) | OMP_STATUS_CARTRIDGE |
                                    (p->tare_valid ? OMP_STATUS_TARE_VALID : 0) |
                                    (p->over ? OMP_STATUS_OVERPRESSURE : 0) |
                                    (p->config.crc ? OMP_STATUS_CRC : 0)),
                .session_id = p->session ? p->session_id : 0,
                .session_seconds = p->session ? (uint16_t) MIN(session_seconds(p), UINT16_MAX) : 0,
                .session_strokes = p->session ? (uint32_t) p->base.counters.strokes - p->session_strokes : 0,
                .depth_um = p->depth_um,
                .motor_per_min = is_roller(p) ? OMP_U16_UNKNOWN : (uint16_t) p->model.set_point_per_min,
                .cartridge_uses = 1,
        };

        return omp_status_encode(&status, buf, size);
}

/* Its length if the listener has not been told it, else 0. */
static int omp_new_status(const OmpPeripheral *p, uint8_t *buf, size_t size) {
        int n;

        if (!p->subscribed[OMP_CHAR_STATUS])
                return 0;

        n = omp_encode_status(p, buf, MIN(size, p->base.value_max));
        return n <= 0 || (n == p->status_size && memcmp(buf, p->status_sent, (size_t) n) == 0) ? 0 : n;
}

static void omp_send_status(OmpPeripheral *p) {
        uint8_t buf[sizeof(p->status_sent)];
        int n;

        if (p->device_usec < p->status_due_usec || (n = omp_new_status(p, buf, sizeof(buf))) == 0)
                return;

        memcpy(p->status_sent, buf, (size_t) n);
        p->status_size = n;
        p->status_due_usec = p->device_usec + STATUS_PERIOD_USEC;
        (void) peripheral_send(&p->base, OMP_CHAR_STATUS, buf, (size_t) n);
}

static void omp_begin(OmpPeripheral *p) {
        model_start(&p->model, p->config.procedure_usec, p->parameters[OMP_PARAMETER_OVERPRESSURE]);
        measure_phase(p);
}

/* Nothing is measured on the table: on to the time at which something may happen. */
static void omp_rest(OmpPeripheral *p, uint64_t until_usec) {
        uint64_t n;

        if (p->auto_start_usec > 0 && p->auto_start_usec < until_usec)
                until_usec = p->auto_start_usec;
        if (until_usec >= p->sample_usec) {
                n = (until_usec - p->sample_usec) / p->sample_period_usec + 1;
                model_rest(&p->model, n);
                p->sample_usec += n * p->sample_period_usec;
                p->device_usec = MAX(p->device_usec, p->sample_usec - p->sample_period_usec);
        }

        if (p->auto_start_usec > 0 && p->auto_start_usec <= p->sample_usec) {
                p->auto_start_usec = 0;
                omp_begin(p);
        }
}

/* "It starts at 0 with the first packet after its CCCD is enabled (Event: runs on since boot, also while
 * nobody listens)." */
static void omp_begin_stream(OmpPeripheral *p, OmpChar c) {
        p->subscribed[c] = true;
        switch (c) {
        case OMP_CHAR_LIVE:
                p->sequence[c] = 0;
                measure_restart_interval(p);
                if (p->config.auto_start && p->phase == MODEL_REST)
                        p->auto_start_usec = p->device_usec + AUTO_START_USEC;
                break;
        case OMP_CHAR_WAVEFORM:
                p->sequence[c] = 0;
                p->waveform.n = 0;
                p->waveform_sum = 0;
                p->waveform_n = 0;
                break;
        case OMP_CHAR_EVENT:
                send_replay(p);
                break;
        case OMP_CHAR_STATUS:
                p->status_due_usec = p->device_usec + STATUS_FIRST_USEC;
                p->status_size = 0;
                break;
        case OMP_CHAR_FEATURE:
        case OMP_CHAR_CLOCK:
        case OMP_CHAR_CONTROL_POINT:
        case OMP_CHAR_SESSION_DATA:
        case OMP_CHAR_RACP:
        case _OMP_CHAR_MAX:
                break;
        }
}

/* What was asked for since the last advance takes effect now. */
static void omp_catch_up(OmpPeripheral *p) {
        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                if (p->base.wanted[c] && !p->subscribed[c])
                        omp_begin_stream(p, (OmpChar) c);

        if (p->base.stop_wanted) {
                p->auto_start_usec = 0;
                model_stop(&p->model);
                measure_phase(p);
        }
        if (p->base.start_wanted)
                omp_begin(p);
        p->base.start_wanted = p->base.stop_wanted = false;
        if (p->clock_lost_wanted && p->clock_set) {
                procedures_unset_clock(p);
                send_event(p, OMP_EVENT_CLOCK_LOST, OMP_SEVERITY_NOTICE, true, 0);
        }
        p->clock_lost_wanted = false;
        if (p->sensor_fault != p->sensor_fault_wanted) {
                p->sensor_fault = p->sensor_fault_wanted;
                send_event(p, OMP_EVENT_SENSOR_FAULT, OMP_SEVERITY_WARNING, p->sensor_fault, 0);
        }
        procedures_carry_out(p);
        if (p->racp_pending)
                transfer_carry_out(p);
}

static bool omp_asked(const OmpPeripheral *p) {
        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                if (p->base.wanted[c] && !p->subscribed[c])
                        return true;

        return p->base.start_wanted || p->base.stop_wanted || p->reboot_wanted || p->clock_lost_wanted ||
               p->sensor_fault != p->sensor_fault_wanted || procedures_asked(p) || p->racp_pending;
}

static void omp_free(Peripheral *base) {
        records_done((OmpPeripheral *) base);
}

static void omp_value_max_changed(Peripheral *base) {
        OmpPeripheral *p = (OmpPeripheral *) base;

        if (p->waveform.n >= measure_batch(p))
                measure_flush_waveform(p);
}

static void omp_subscribe(Peripheral *base, unsigned index, bool on) {
        OmpPeripheral *p = (OmpPeripheral *) base;

        if (on)
                return;

        p->subscribed[index] = false;
        if (index == OMP_CHAR_LIVE) {
                p->auto_start_usec = 0;
                p->flooding = false; /* the rest comes when somebody listens again */
        }
        transfer_unsubscribed(p, (OmpChar) index);
}

static int omp_read(Peripheral *base, unsigned index, uint8_t *buf, size_t size) {
        const OmpPeripheral *p = (const OmpPeripheral *) base;
        OmpFeature feature = omp_feature(p);

        switch ((OmpChar) index) {
        case OMP_CHAR_FEATURE:
                return omp_feature_encode(&feature, buf, size);
        case OMP_CHAR_STATUS:
                return omp_encode_status(p, buf, size);
        case OMP_CHAR_CLOCK:
                return procedures_read_clock(p, buf, size);
        case OMP_CHAR_LIVE:
        case OMP_CHAR_WAVEFORM:
        case OMP_CHAR_EVENT:
        case OMP_CHAR_CONTROL_POINT:
        case OMP_CHAR_SESSION_DATA:
        case OMP_CHAR_RACP:
        case _OMP_CHAR_MAX:
                break;
        }

        return -PERIPHERAL_READ_NOT_PERMITTED;
}

static int omp_write(Peripheral *base, unsigned index, const uint8_t *data, size_t size) {
        OmpPeripheral *p = (OmpPeripheral *) base;

        switch ((OmpChar) index) {
        case OMP_CHAR_CLOCK:
                return procedures_write_clock(p, data, size);
        case OMP_CHAR_CONTROL_POINT:
                return procedures_write_control(p, data, size);
        case OMP_CHAR_RACP:
                return transfer_write_racp(p, data, size);
        case OMP_CHAR_FEATURE:
        case OMP_CHAR_LIVE:
        case OMP_CHAR_WAVEFORM:
        case OMP_CHAR_EVENT:
        case OMP_CHAR_STATUS:
        case OMP_CHAR_SESSION_DATA:
        case _OMP_CHAR_MAX:
                break;
        }

        return -PERIPHERAL_WRITE_NOT_PERMITTED;
}

/* Everything that counts from boot begins again; what is stored stays, and a session goes on: "after a reboot session counters
 * continue from Status". The hand did not notice. */
static void omp_reboot(OmpPeripheral *p, uint64_t now_usec) {
        bool had_clock = p->clock_set;

        p->session_usec -= p->device_usec;
        p->session_strokes -= (uint32_t) p->base.counters.strokes;
        p->base.counters.strokes = 0;
        p->passes_at_boot = p->model.passes;
        p->distance_at_boot_mm = p->model.distance_mm;
        p->contact_usec = p->last_stroke_usec = p->rate_usec = p->auto_start_usec = p->status_due_usec = 0;
        p->rate_strokes = p->rate_per_min = 0;
        p->base.host_first_usec = now_usec;
        p->device_usec = 0;
        p->sample_usec = p->sample_period_usec;
        memset(p->sequence, 0, sizeof(p->sequence));
        p->n_replay = 0;
        p->motor_stops_pending = 0;
        p->request_pending = p->racp_pending = p->flooding = p->reboot_wanted = false;
        p->transfer.kind = TRANSFER_NONE;
        p->waveform.n = 0;
        procedures_unset_clock(p);
        procedures_boot(p);
        measure_restart_interval(p);
        if (had_clock)
                send_event(p, OMP_EVENT_CLOCK_LOST, OMP_SEVERITY_NOTICE, true, 0);
}

static void omp_advance(Peripheral *base, uint64_t now_usec) {
        OmpPeripheral *p = (OmpPeripheral *) base;
        uint64_t target;

        if (!peripheral_device_time(base, now_usec, &target))
                return;
        if (p->reboot_wanted) {
                omp_reboot(p, now_usec);
                target = 0;
        }

        if (p->flooding) {
                send_flood(p, now_usec);
                p->sample_usec = MAX(p->sample_usec, target + p->sample_period_usec);
        }
        while (p->sample_usec <= target || (p->auto_start_usec > 0 && p->auto_start_usec <= target)) {
                if (is_resting(p))
                        omp_rest(p, target);
                else
                        measure_sample(p);
        }

        p->device_usec = MAX(p->device_usec, target);
        omp_catch_up(p);
        transfer_advance(p, now_usec);
        if (!p->flooding && send_flood_wanted(p))
                send_flood(p, now_usec);
        omp_send_status(p);
}

static uint64_t omp_next(const Peripheral *base) {
        const OmpPeripheral *p = (const OmpPeripheral *) base;
        uint64_t next = UINT64_MAX, grain, batch;
        uint8_t status[sizeof(p->status_sent)];
        bool listened = p->subscribed[OMP_CHAR_EVENT] || p->subscribed[OMP_CHAR_STATUS];

        if (!base->started || omp_asked(p))
                return base->host_first_usec;
        if (p->flooding)
                return MIN(send_flood_next(p), p->transfer.kind != TRANSFER_NONE ? p->transfer.due_usec : UINT64_MAX);

        if (omp_new_status(p, status, sizeof(status)) > 0)
                next = MIN(next, peripheral_host_time(base, p->status_due_usec));
        if (p->auto_start_usec > 0)
                next = MIN(next, peripheral_host_time(base, p->auto_start_usec));
        if (p->transfer.kind != TRANSFER_NONE)
                next = MIN(next, p->transfer.due_usec);
        if (p->phase == MODEL_REST && is_resting(p))
                return next;

        grain = MAX(listened ? EVENT_GRAIN_USEC : USEC_PER_SEC,
                    (uint64_t) (HOST_GRAIN_USEC * p->config.speed));
        next = MIN(next, peripheral_host_time(base, p->device_usec + grain));
        if (p->subscribed[OMP_CHAR_LIVE])
                next = MIN(next, peripheral_host_time(base, p->live_due_usec));
        if (p->subscribed[OMP_CHAR_WAVEFORM] && p->waveform_every > 0) {
                batch = (uint64_t) (measure_batch(p) - p->waveform.n) * p->waveform_every - p->waveform_n;
                next = MIN(next,
                           peripheral_host_time(base, p->sample_usec + (batch - 1) * p->sample_period_usec));
        }

        return next;
}

static bool omp_running(const Peripheral *base) {
        const OmpPeripheral *p = (const OmpPeripheral *) base;

        return p->flooding || p->phase != MODEL_REST;
}

/* What the device loses, and has again. */
static int omp_control_loss(OmpPeripheral *p, const char *word, const char *argument) {
        if (g_str_equal(word, "clock") && g_strcmp0(argument, "unset") == 0) {
                p->clock_lost_wanted = true;
                return 0;
        }
        if (g_str_equal(word, "sensor") && (g_strcmp0(argument, "fault") == 0 || g_strcmp0(argument, "ok") == 0)) {
                p->sensor_fault_wanted = g_str_equal(argument, "fault");
                return 0;
        }
        if (g_str_equal(word, "storage") && (g_strcmp0(argument, "full") == 0 || g_strcmp0(argument, "free") == 0)) {
                p->storage_full = g_str_equal(argument, "full");
                return 0;
        }

        return -EINVAL;
}

static int omp_control(Peripheral *base, const char *word, const char *argument) {
        OmpPeripheral *p = (OmpPeripheral *) base;
        const struct {
                const char *word;
                unsigned *left;
        } mischiefs[] = {
                { "malformed", &p->mischief.malformed },
                { "empty", &p->mischief.empty },
                { "duplicate", &p->mischief.duplicate },
                { "segment-loss", &p->mischief.segment_loss },
        };
        uint64_t n;

        if (g_str_equal(word, "clock") || g_str_equal(word, "sensor") || g_str_equal(word, "storage"))
                return omp_control_loss(p, word, argument);
        if (g_str_equal(word, "reboot") || g_str_equal(word, "confirm")) {
                if (argument) /* "confirm yes" is about a pairing, which is the carrier's */
                        return g_str_equal(word, "confirm") ? -ENOENT : -EINVAL;
                *(g_str_equal(word, "reboot") ? &p->reboot_wanted : &p->confirmed) = true;
                return 0;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(mischiefs); i++) {
                if (!g_str_equal(word, mischiefs[i].word))
                        continue;
                if (!argument || !g_ascii_string_to_unsigned(argument, 10, 1, 1000000, &n, NULL))
                        return -EINVAL;
                *mischiefs[i].left = (unsigned) n;
                return 0;
        }

        return -ENOENT;
}

static uint8_t omp_battery(const Peripheral *base) {
        return (uint8_t) ceil(((const OmpPeripheral *) base)->model.battery);
}

static unsigned omp_records(const Peripheral *base) {
        return ((const OmpPeripheral *) base)->stored->len;
}

static const char *omp_info(const Peripheral *base, PeripheralInfo what) {
        const OmpPeripheral *p = (const OmpPeripheral *) base;

        switch (what) {
        case PERIPHERAL_MANUFACTURER:
                return "needled";
        case PERIPHERAL_MODEL:
                return is_roller(p) ? "Simulated roller" : "Simulated pen";
        case PERIPHERAL_SERIAL:
                return base->serial;
        case PERIPHERAL_FIRMWARE:
                return NEEDLED_VERSION;
        case PERIPHERAL_HARDWARE:
                return "1";
        }

        return "";
}

/* Service Data-128 of the scan response: {major, state, flags} (1.1 Advertising). */
static void omp_advertisement(const Peripheral *base, PeripheralAdvertisement *ret) {
        const OmpPeripheral *p = (const OmpPeripheral *) base;

        ret->services[0] = ret->service_data_uuid = OMP_SERVICE_UUID;
        ret->service_data[0] = OMP_MAJOR;
        ret->service_data[1] = (uint8_t) p->state;
        ret->service_data[2] = (uint8_t) (ADVERTISED_PAIRING | (records_have(p) ? ADVERTISED_RECORDS : 0) |
                                          (p->clock_set ? 0 : ADVERTISED_CLOCK_UNSET));
        ret->service_data_size = 3;
}

static const PeripheralVtable vtable = {
        .free = omp_free,
        .read = omp_read,
        .write = omp_write,
        .subscribe = omp_subscribe,
        .value_max_changed = omp_value_max_changed,
        .advance = omp_advance,
        .next = omp_next,
        .running = omp_running,
        .control = omp_control,
        .battery = omp_battery,
        .records = omp_records,
        .info = omp_info,
        .advertisement = omp_advertisement,
};

Peripheral *peripheral_omp_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata) {
        OmpPeripheral *p = g_new0(OmpPeripheral, 1);
        g_autofree char *name = g_strndup(config->name, NAME_MAX_OCTETS);

        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                p->chars[c] = (PeripheralChar) {
                        .uuid = omp_char_uuid(c), .service = OMP_SERVICE_UUID, .name = omp_char_name(c),
                        .properties = properties[c], .encrypted = c != OMP_CHAR_FEATURE,
                };
        p->config = *config;
        p->config.name = name;
        peripheral_init(&p->base, &vtable, &p->config, ops, userdata, p->chars,
                        config->capacity > 0 ? _OMP_CHAR_MAX : OMP_CHAR_SESSION_DATA);
        p->config.name = p->base.name;
        p->config.serial = p->base.serial;
        model_init(&p->model, config->kind, config->seed);
        p->depth_um = p->model.depth_um;
        p->sample_period_usec = (unsigned) (USEC_PER_SEC / p->model.rate_hz);
        p->sample_usec = p->sample_period_usec;
        p->state = OMP_STATE_IDLE;
        p->tare_valid = true;
        p->base.counters.strokes = config->strokes;
        p->rate_strokes = config->strokes;
        procedures_boot(p);
        records_init(p);
        return &p->base;
}

/* With CRC these are, octet for octet, the profile's examples "pen 2" and (without a waveform) "roller". */
OmpFeature omp_feature(const OmpPeripheral *p) {
        OmpFeature feature = {
                .major = OMP_MAJOR, .minor = OMP_MINOR, .kind = (uint8_t) p->config.kind,
                .bits = OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE |
                        OMP_FEATURE_CLOCK | OMP_FEATURE_FEEDBACK | OMP_FEATURE_CARTRIDGE_ID | OMP_FEATURE_CALIBRATED |
                        (p->config.crc ? OMP_FEATURE_E2E_CRC : 0) |
                        (p->config.capacity > 0 ? OMP_FEATURE_STORED_SESSIONS : 0),
                .sample_rate_hz = (uint16_t) p->model.rate_hz,
                .capacity = (uint16_t) p->config.capacity,
        };

        if (is_roller(p)) {
                feature.bits |= OMP_FEATURE_DISTANCE | (p->config.waveform_hz > 0 ? OMP_FEATURE_WAVEFORM : 0);
                feature.needles = 192;
                feature.full_scale_mn = 30000;
                feature.max_depth_um = 250;
                return feature;
        }

        feature.bits |= OMP_FEATURE_WAVEFORM | OMP_FEATURE_DEPTH | OMP_FEATURE_MOTOR_SPEED | OMP_FEATURE_MOTOR_CURRENT |
                        OMP_FEATURE_PASSES | OMP_FEATURE_AREA |
                        (p->config.crc ? 0 : OMP_FEATURE_REMOTE_STOP) | /* "pen 2" does not say that it has it */
                        (p->config.capacity > 0 ? OMP_FEATURE_TRACE : 0);
        feature.needles = 16;
        feature.full_scale_mn = 20000;
        feature.area_centi_mm2 = 7854;
        feature.max_depth_um = 2500;
        return feature;
}
