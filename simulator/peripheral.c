/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "peripheral-private.h"

#define STATUS_FIRST_USEC 50000u        /* "once within 100 ms after the CCCD write is answered" */
#define STATUS_PERIOD_USEC USEC_PER_SEC /* "then on change, at most once a second" */
#define AUTO_START_USEC USEC_PER_SEC
#define EVENT_GRAIN_USEC 20000u         /* how late an event may be sent, in device time … */
#define HOST_GRAIN_USEC 10000u          /* … but no more often than this */

static int peripheral_encode_status(const Peripheral *p, uint8_t *buf, size_t size) {
        uint64_t seconds = (p->device_usec - p->session_usec) / USEC_PER_SEC;
        OmpStatus status = {
                .state = (uint8_t) p->state,
                .flags = (uint8_t) ((p->session ? OMP_STATUS_SESSION : 0) |
                                    (p->contact ? OMP_STATUS_CONTACT : 0) |
                                    (is_roller(p) ? 0 : OMP_STATUS_CARTRIDGE) | OMP_STATUS_TARE_VALID |
                                    (p->over ? OMP_STATUS_OVERPRESSURE : 0) |
                                    (p->config.crc ? OMP_STATUS_CRC : 0)),
                .session_id = p->session ? p->session_id : 0,
                .session_seconds = p->session ? (uint16_t) MIN(seconds, UINT16_MAX) : 0,
                .session_strokes = p->session ? (uint32_t) p->counters.strokes - p->session_strokes : 0,
                .depth_um = p->depth_um,
                .motor_per_min = is_roller(p) ? OMP_U16_UNKNOWN : (uint16_t) p->model.set_point_per_min,
                .cartridge_uses = 1,
        };

        return omp_status_encode(&status, buf, size);
}

/* Its length if the listener has not been told it, else 0. */
static int peripheral_new_status(const Peripheral *p, uint8_t *buf, size_t size) {
        int n;

        if (!p->subscribed[OMP_CHAR_STATUS])
                return 0;

        n = peripheral_encode_status(p, buf, MIN(size, p->value_max));
        return n <= 0 || (n == p->status_size && memcmp(buf, p->status_sent, (size_t) n) == 0) ? 0 : n;
}

static void peripheral_send_status(Peripheral *p) {
        uint8_t buf[sizeof(p->status_sent)];
        int n;

        if (p->device_usec < p->status_due_usec || (n = peripheral_new_status(p, buf, sizeof(buf))) == 0)
                return;

        memcpy(p->status_sent, buf, (size_t) n);
        p->status_size = n;
        p->status_due_usec = p->device_usec + STATUS_PERIOD_USEC;
        send_value(p, OMP_CHAR_STATUS, buf, (size_t) n);
}

static void peripheral_begin(Peripheral *p) {
        model_start(&p->model, p->config.procedure_usec, measure_over_mn(p));
        measure_phase(p);
}

/* Nothing is measured on the table: on to the time at which something may happen. */
static void peripheral_rest(Peripheral *p, uint64_t until_usec) {
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
                peripheral_begin(p);
        }
}

/* "It starts at 0 with the first packet after its CCCD is enabled (Event: runs on since boot, also while
 * nobody listens)." */
static void peripheral_begin_stream(Peripheral *p, OmpChar c) {
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
static void peripheral_catch_up(Peripheral *p) {
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                if (p->wanted[c] && !p->subscribed[c])
                        peripheral_begin_stream(p, c);

        if (p->stop_wanted) {
                p->auto_start_usec = 0;
                model_stop(&p->model);
                measure_phase(p);
        }
        if (p->start_wanted)
                peripheral_begin(p);
        p->start_wanted = p->stop_wanted = false;
}

static bool peripheral_asked(const Peripheral *p) {
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                if (p->wanted[c] && !p->subscribed[c])
                        return true;

        return p->start_wanted || p->stop_wanted;
}

static uint64_t peripheral_to_host(const Peripheral *p, uint64_t device_usec) {
        return p->host_first_usec + (uint64_t) ceil((double) device_usec / p->config.speed);
}

void peripheral_config_defaults(PeripheralConfig *config, OmpKind kind) {
        *config = (PeripheralConfig) {
                .kind = kind,
                .seed = 1,
                .speed = 1,
                .live_period_ms = 100,
                .procedure_usec = 180 * USEC_PER_SEC,
                .name = kind == OMP_KIND_ROLLER ? "SimRoll" : "SimPen",
                .serial = kind == OMP_KIND_ROLLER ? "R000001" : "P000001",
                .flood_size = 20,
        };
}

Peripheral *peripheral_new(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata) {
        Peripheral *p = g_new0(Peripheral, 1);

        p->config = *config;
        p->ops = ops;
        p->userdata = userdata;
        p->config.name = p->name = g_strndup(config->name, 8);
        p->config.serial = p->serial = g_strdup(config->serial);
        p->value_max = 20;
        model_init(&p->model, config->kind, config->seed);
        p->depth_um = p->model.depth_um;
        p->sample_period_usec = (unsigned) (USEC_PER_SEC / p->model.rate_hz);
        p->sample_usec = p->sample_period_usec;
        p->state = OMP_STATE_IDLE;
        if (config->waveform_hz > 0)
                p->waveform_every = MAX(1u, p->model.rate_hz / config->waveform_hz);
        p->waveform.period_usec =
                (uint16_t) MIN(p->sample_period_usec * MAX(1u, p->waveform_every), UINT16_MAX);
        return p;
}

Peripheral *peripheral_free(Peripheral *p) {
        if (!p)
                return NULL;

        g_free(p->name);
        g_free(p->serial);
        g_free(p);
        return NULL;
}

void peripheral_set_value_max(Peripheral *p, size_t size) {
        p->value_max = CLAMP(size, 20u, OMP_VALUE_MAX);
        if (p->waveform.n >= measure_batch(p))
                measure_flush_waveform(p);
}

void peripheral_subscribe(Peripheral *p, OmpChar c, bool on) {
        p->wanted[c] = on;
        if (on)
                return;

        p->subscribed[c] = false;
        if (c == OMP_CHAR_LIVE) {
                p->auto_start_usec = 0;
                p->flooding = false; /* the rest comes when somebody listens again */
        }
}

bool peripheral_subscribed(const Peripheral *p, OmpChar c) {
        return p->wanted[c];
}

void peripheral_disconnected(Peripheral *p) {
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                peripheral_subscribe(p, c, false);
        p->value_max = 20;
}

int peripheral_read(Peripheral *p, OmpChar c, uint8_t *buf, size_t size) {
        uint32_t common = OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_STROKES |
                          OMP_FEATURE_OVERPRESSURE | OMP_FEATURE_CALIBRATED |
                          (p->config.crc ? OMP_FEATURE_E2E_CRC : 0);
        OmpFeature feature = {
                .major = OMP_MAJOR, .minor = OMP_MINOR, .kind = (uint8_t) p->config.kind,
                .sample_rate_hz = (uint16_t) p->model.rate_hz,
        };

        if (c == OMP_CHAR_STATUS)
                return peripheral_encode_status(p, buf, size);
        if (c != OMP_CHAR_FEATURE)
                return -0x02;

        if (is_roller(p)) {
                feature.bits = common | OMP_FEATURE_DISTANCE |
                               (p->config.waveform_hz > 0 ? OMP_FEATURE_WAVEFORM : 0);
                feature.needles = 192;
                feature.full_scale_mn = 30000;
                feature.max_depth_um = 250;
        } else {
                feature.bits = common | OMP_FEATURE_WAVEFORM | OMP_FEATURE_DEPTH | OMP_FEATURE_MOTOR_SPEED |
                               OMP_FEATURE_MOTOR_CURRENT | OMP_FEATURE_CARTRIDGE_ID | OMP_FEATURE_PASSES |
                               OMP_FEATURE_AREA;
                feature.needles = 16;
                feature.full_scale_mn = 20000;
                feature.area_centi_mm2 = 7854;
                feature.max_depth_um = 2500;
        }

        return omp_feature_encode(&feature, buf, size);
}

void peripheral_advance(Peripheral *p, uint64_t now_usec) {
        uint64_t target;

        if (!p->started) {
                p->started = true;
                p->host_first_usec = now_usec;
        }
        if (now_usec < p->host_first_usec)
                return;

        target = (uint64_t) ((double) (now_usec - p->host_first_usec) * p->config.speed);
        if (p->flooding) {
                send_flood(p, now_usec);
                p->sample_usec = MAX(p->sample_usec, target + p->sample_period_usec);
        }
        while (p->sample_usec <= target || (p->auto_start_usec > 0 && p->auto_start_usec <= target)) {
                if (p->model.phase == MODEL_REST)
                        peripheral_rest(p, target);
                else
                        measure_sample(p);
        }

        p->device_usec = MAX(p->device_usec, target);
        peripheral_catch_up(p);
        if (!p->flooding && send_flood_wanted(p))
                send_flood(p, now_usec);
        peripheral_send_status(p);
}

uint64_t peripheral_next(const Peripheral *p) {
        uint64_t next = UINT64_MAX, grain, batch;
        uint8_t status[sizeof(p->status_sent)];
        bool listened = p->subscribed[OMP_CHAR_EVENT] || p->subscribed[OMP_CHAR_STATUS];

        if (!p->started || peripheral_asked(p))
                return p->host_first_usec;
        if (p->flooding)
                return send_flood_next(p);

        if (peripheral_new_status(p, status, sizeof(status)) > 0)
                next = MIN(next, peripheral_to_host(p, p->status_due_usec));
        if (p->auto_start_usec > 0)
                next = MIN(next, peripheral_to_host(p, p->auto_start_usec));
        if (p->phase == MODEL_REST && p->model.phase == MODEL_REST)
                return next;

        grain = MAX(listened ? EVENT_GRAIN_USEC : USEC_PER_SEC,
                    (uint64_t) (HOST_GRAIN_USEC * p->config.speed));
        next = MIN(next, peripheral_to_host(p, p->device_usec + grain));
        if (p->subscribed[OMP_CHAR_LIVE])
                next = MIN(next, peripheral_to_host(p, p->live_due_usec));
        if (p->subscribed[OMP_CHAR_WAVEFORM] && p->config.waveform_hz > 0) {
                batch = (uint64_t) (measure_batch(p) - p->waveform.n) * p->waveform_every - p->waveform_n;
                next = MIN(next,
                           peripheral_to_host(p, p->sample_usec + (batch - 1) * p->sample_period_usec));
        }

        return next;
}

void peripheral_start(Peripheral *p) {
        p->start_wanted = true;
        p->stop_wanted = false;
}

void peripheral_stop(Peripheral *p) {
        p->stop_wanted = true;
        p->start_wanted = false;
}

bool peripheral_running(const Peripheral *p) {
        return p->flooding || p->start_wanted || p->phase != MODEL_REST;
}

int peripheral_control(Peripheral *p, const char *word, const char *argument) {
        uint64_t n;

        if (g_str_equal(word, "start")) {
                peripheral_start(p);
                return 0;
        }
        if (g_str_equal(word, "stop")) {
                peripheral_stop(p);
                return 0;
        }
        if (!g_str_equal(word, "malformed") && !g_str_equal(word, "empty") &&
            !g_str_equal(word, "duplicate"))
                return -ENOENT;

        if (!argument || !g_ascii_string_to_unsigned(argument, 10, 1, 1000000, &n, NULL))
                return -EINVAL;

        if (g_str_equal(word, "malformed"))
                p->mischief.malformed = (unsigned) n;
        else if (g_str_equal(word, "empty"))
                p->mischief.empty = (unsigned) n;
        else
                p->mischief.duplicate = (unsigned) n;
        return 0;
}

uint8_t peripheral_battery(const Peripheral *p) {
        return (uint8_t) ceil(p->model.battery);
}

const char *peripheral_name(const Peripheral *p) {
        return p->name;
}

const char *peripheral_info(const Peripheral *p, PeripheralInfo what) {
        switch (what) {
        case PERIPHERAL_MANUFACTURER:
                return "needled";
        case PERIPHERAL_MODEL:
                return is_roller(p) ? "Simulated roller" : "Simulated pen";
        case PERIPHERAL_SERIAL:
                return p->serial;
        case PERIPHERAL_FIRMWARE:
                return NEEDLED_VERSION;
        case PERIPHERAL_HARDWARE:
                return "1";
        }

        return "";
}

void peripheral_service_data(const Peripheral *p, uint8_t ret[3]) {
        ret[0] = OMP_MAJOR;
        ret[1] = (uint8_t) p->state;
        ret[2] = 0x01; /* nobody can press the button that opens the pairing window: it is always open */
}

const PeripheralCounters *peripheral_counters(const Peripheral *p) {
        return &p->counters;
}
