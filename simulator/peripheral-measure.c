/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peripheral-omp.h"

#define SMOOTH_USEC 15000.0             /* thresholds look at the force of the hand, not at single strokes */
#define BATTERY_LOW 20
#define BATTERY_CRITICAL 10

static void measure_waveform(OmpPeripheral *p) {
        OmpWaveform *w = &p->waveform;

        p->waveform_sum += p->model.force_mn;
        if (++p->waveform_n < p->waveform_every)
                return;

        if (w->n == 0)
                w->tick = tick_of(p->device_usec);
        w->samples[w->n++] = clamp_mn(p->waveform_sum / p->waveform_n);
        p->waveform_sum = 0;
        p->waveform_n = 0;
        if (w->n >= measure_batch(p))
                measure_flush_waveform(p);
}

/* "Rate = Δstrokes/Δlast-stroke-time (CSC method); if no new stroke, rate = 0 after 1 s." */
static uint16_t measure_rate(OmpPeripheral *p) {
        uint32_t strokes = (uint32_t) p->base.counters.strokes;

        if (strokes != p->rate_strokes && p->last_stroke_usec > p->rate_usec) {
                p->rate_per_min = (uint16_t) MIN((strokes - p->rate_strokes) * 60 * USEC_PER_SEC /
                                                 (p->last_stroke_usec - p->rate_usec), UINT16_MAX);
                p->rate_strokes = strokes;
                p->rate_usec = p->last_stroke_usec;
        } else if (p->device_usec - p->rate_usec > USEC_PER_SEC)
                p->rate_per_min = 0;

        return p->rate_per_min;
}

static uint16_t live_fields(const OmpPeripheral *p) {
        if (is_roller(p))
                return OMP_LIVE_DISTANCE | OMP_LIVE_CONTACT_TIME;

        return OMP_LIVE_DEPTH | OMP_LIVE_RATE | OMP_LIVE_CURRENT | OMP_LIVE_CONTACT_TIME | OMP_LIVE_AREA |
               OMP_LIVE_PASSES;
}

static void measure_live(OmpPeripheral *p) {
        Interval *i = &p->interval;
        bool known = i->n > 0 && !p->sensor_fault;
        bool saturated = known && (i->peak_mn > INT16_MAX || i->peak_mn < -INT16_MAX);
        bool contact = i->n_contact * 2 > i->n; /* of most of the interval */
        OmpLive live = {
                .flags =
                        (uint16_t) (live_fields(p) | (contact ? OMP_LIVE_CONTACT_YES : OMP_LIVE_CONTACT_NO) |
                                    (p->over ? OMP_LIVE_OVERPRESSURE : 0) |
                                    (p->model.motor_hz > 0 ? OMP_LIVE_MOTOR : 0) |
                                    (p->session ? OMP_LIVE_SESSION : 0) |
                                    (saturated ? OMP_LIVE_SATURATED : 0) |
                                    (p->config.crc ? OMP_LIVE_CRC : 0)),
                .sequence = p->sequence[OMP_CHAR_LIVE]++,
                .tick = tick_of(p->device_usec),
                .force_mean_mn = known ? clamp_mn(i->sum_mn / i->n) : OMP_FORCE_UNKNOWN,
                .force_peak_mn = known ? clamp_mn(i->peak_mn) : OMP_FORCE_UNKNOWN,
                .strokes = (uint32_t) p->base.counters.strokes,
                .last_stroke = (uint16_t) tick_of(p->last_stroke_usec),
                .depth_um = p->depth_um,
                .rate_per_min = measure_rate(p),
                .current_ma = (uint16_t) lrint(p->model.current_ma),
                .distance_mm = (uint32_t) (p->model.distance_mm - p->distance_at_boot_mm),
                .contact_ms = (uint32_t) (p->contact_usec / 1000),
                .area = measure_area(p),
                .passes = (uint16_t) (p->model.passes - p->passes_at_boot),
        };
        uint8_t buf[64];
        int n = omp_live_encode(&live, buf, MIN(sizeof(buf), p->base.value_max));

        if (n > 0)
                send_live(p, buf, (size_t) n);
}

static void motor_event(OmpPeripheral *p, bool on) {
        if (!is_roller(p))
                send_event(p, OMP_EVENT_MOTOR, OMP_SEVERITY_INFO, true,
                           on ? (int32_t) p->model.set_point_per_min : 0);
}

/* "contact on/off 0.20/0.10 N": off is half of the threshold; overpressure with hysteresis. */
static void watch_force(OmpPeripheral *p) {
        int32_t contact_mn = p->parameters[OMP_PARAMETER_CONTACT];
        int32_t over_mn = p->parameters[OMP_PARAMETER_OVERPRESSURE];

        p->smooth_mn += (p->model.force_mn - p->smooth_mn) * p->sample_period_usec /
                        (SMOOTH_USEC + p->sample_period_usec);

        if (p->contact != (p->smooth_mn >= (p->contact ? contact_mn / 2 : contact_mn))) {
                p->contact = !p->contact;
                send_event(p, OMP_EVENT_CONTACT, OMP_SEVERITY_INFO, true,
                           p->contact ? clamp_mn(p->smooth_mn) : 0);
        }
        if (p->contact)
                p->contact_usec += p->sample_period_usec;

        if (p->over != (p->smooth_mn >= over_mn - (p->over ? p->parameters[OMP_PARAMETER_HYSTERESIS] : 0))) {
                p->over = !p->over;
                p->sums.over_count += p->over;
                send_event(p, OMP_EVENT_OVERPRESSURE, OMP_SEVERITY_WARNING, p->over,
                                 p->over ? clamp_mn(p->interval.peak_mn) : clamp_mn(p->smooth_mn));
                if (p->over && p->parameters[OMP_PARAMETER_FEEDBACK] & OMP_FEEDBACK_STOP_MOTOR)
                        model_stop(&p->model); /* its own doing; the rest of the mask nobody can feel or see */
        }
}

static void watch_rest(OmpPeripheral *p) {
        unsigned told = p->model.battery <= BATTERY_CRITICAL ? 2 : p->model.battery <= BATTERY_LOW ? 1 : 0;

        if (p->depth_um != p->model.depth_um) {
                p->depth_um = p->model.depth_um;
                send_event(p, OMP_EVENT_DEPTH, OMP_SEVERITY_INFO, true, p->depth_um);
        }

        if (told > p->battery_told) {
                p->battery_told = told;
                send_event(p, told == 2 ? OMP_EVENT_BATTERY_CRITICAL : OMP_EVENT_BATTERY_LOW,
                           told == 2 ? OMP_SEVERITY_WARNING : OMP_SEVERITY_NOTICE, true,
                           peripheral_battery(&p->base));
        }
}

/* "12 session time limit": the session ends, and the hand does what the device tells it. */
static void watch_limit(OmpPeripheral *p) {
        int32_t limit_s = p->parameters[OMP_PARAMETER_SESSION_LIMIT];

        if (!p->session || session_seconds(p) < (uint64_t) limit_s)
                return;

        send_event(p, OMP_EVENT_TIME_LIMIT, OMP_SEVERITY_NOTICE, true, limit_s);
        p->sums.flags |= OMP_RECORD_LIMIT;
        measure_end_session(p);
        if (p->model.phase == MODEL_REST)
                measure_set_state(p, OMP_STATE_IDLE);
        else
                model_stop(&p->model);
}

void measure_sample(OmpPeripheral *p) {
        Interval *i = &p->interval;
        uint32_t strokes = p->model.strokes;
        int32_t mn;

        p->device_usec = p->sample_usec;
        p->sample_usec += p->sample_period_usec;
        model_step(&p->model);

        if (p->model.strokes != strokes) {
                p->base.counters.strokes += p->model.strokes - strokes;
                p->last_stroke_usec = p->device_usec;
        }
        measure_phase(p);
        if (!state_measures(p->state))
                return;

        mn = (int32_t) lrint(p->model.force_mn);
        i->peak_mn = i->n == 0 ? mn : MAX(i->peak_mn, mn);
        i->sum_mn += p->model.force_mn;
        i->n++;
        watch_force(p);
        i->n_contact += p->contact;
        watch_rest(p);
        if (p->session)
                records_sample(p, p->model.strokes - strokes);
        watch_limit(p);

        if (p->subscribed[OMP_CHAR_WAVEFORM] && p->waveform_every > 0)
                measure_waveform(p);

        if (p->device_usec >= p->live_due_usec) {
                if (p->subscribed[OMP_CHAR_LIVE])
                        measure_live(p);
                measure_restart_interval(p);
        }
}

void measure_phase(OmpPeripheral *p) {
        ModelPhase before = p->phase;

        if (p->model.phase == before)
                return;

        p->phase = p->model.phase;
        switch (p->phase) {
        case MODEL_REST:
                measure_set_state(p, OMP_STATE_IDLE);
                break;
        case MODEL_TAKEN:
                measure_set_state(p, OMP_STATE_READY);
                if (!is_roller(p))
                        send_event(p, OMP_EVENT_CARTRIDGE_IN, OMP_SEVERITY_INFO, true,
                                         (int32_t) (0xc0ffee ^ (p->config.seed & 0xffff)));
                break;
        case MODEL_WORK:
                motor_event(p, true);
                if (!p->session)
                        measure_begin_session(p);
                measure_set_state(p, OMP_STATE_RUNNING);
                break;
        case MODEL_PAUSE:
                motor_event(p, false);
                measure_set_state(p, OMP_STATE_PAUSED);
                break;
        case MODEL_DONE:
                if (before == MODEL_WORK)
                        motor_event(p, false);
                if (p->session)
                        measure_end_session(p);
                measure_set_state(p, OMP_STATE_READY);
                break;
        }
}

void measure_restart_interval(OmpPeripheral *p) {
        p->interval = (Interval) {};
        p->live_due_usec = p->device_usec + (uint64_t) p->parameters[OMP_PARAMETER_LIVE_PERIOD] * 1000;
}

unsigned measure_batch(const OmpPeripheral *p) {
        return MIN((unsigned) p->parameters[OMP_PARAMETER_WAVEFORM_BATCH],
                   omp_waveform_capacity(p->base.value_max, p->config.crc));
}

void measure_flush_waveform(OmpPeripheral *p) {
        OmpWaveform *w = &p->waveform;
        uint8_t buf[OMP_VALUE_MAX];
        int n;

        if (w->n == 0)
                return;

        w->sequence = p->sequence[OMP_CHAR_WAVEFORM]++;
        w->crc = p->config.crc;
        n = omp_waveform_encode(w, buf, MIN(sizeof(buf), p->base.value_max));
        w->n = 0;
        if (n > 0)
                (void) peripheral_send(&p->base, OMP_CHAR_WAVEFORM, buf, (size_t) n);
}

/* What was being filled goes out as it is: samples of two rates are never in one value. */
void measure_set_waveform(OmpPeripheral *p) {
        int32_t hz = p->parameters[OMP_PARAMETER_WAVEFORM_RATE];

        measure_flush_waveform(p);
        p->waveform_sum = 0;
        p->waveform_n = 0;
        p->waveform_every = hz > 0 ? MAX(1u, p->model.rate_hz / (unsigned) hz) : 0;
        p->waveform.period_usec =
                (uint16_t) MIN(p->sample_period_usec * MAX(1u, p->waveform_every), UINT16_MAX);
}

uint8_t measure_area(const OmpPeripheral *p) {
        return p->area_chosen ? p->area : p->model.area;
}

void measure_begin_session(OmpPeripheral *p) {
        p->session = true;
        p->session_id++;
        p->session_usec = p->device_usec;
        p->session_strokes = (uint32_t) p->base.counters.strokes;
        records_begin(p);
        send_event(p, OMP_EVENT_SESSION_START, OMP_SEVERITY_INFO, true, (int32_t) p->session_id);
}

void measure_end_session(OmpPeripheral *p) {
        send_event(p, OMP_EVENT_SESSION_END, OMP_SEVERITY_INFO, true, (int32_t) p->session_id);
        p->session = false;
        records_end(p);
        p->area_chosen = false;
}

void measure_set_state(OmpPeripheral *p, OmpState state) {
        OmpState before = p->state;

        if (state == before)
                return;

        p->state = state;
        if (!state_measures(before))
                measure_restart_interval(p);
        if (!state_measures(state))
                measure_flush_waveform(p);
        peripheral_advertisement_changed(&p->base);
}
