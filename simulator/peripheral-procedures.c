/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "peripheral-omp.h"

#define WAVEFORM_HZ_MIN 16              /* a slower one has a period that no value can tell */
#define AREA_LAST 22
#define AREA_USER_FIRST 0xf0
#define AREA_USER_LAST 0xfe

/* ---- Clock (1.8) ---- */

OmpElapsed procedures_clock(const OmpPeripheral *p) {
        OmpElapsed now = p->clock;

        if (!p->clock_set)
                return omp_elapsed_unset(tick_of(p->device_usec));

        now.count += (p->device_usec - p->clock_usec) / omp_resolution_usec(omp_elapsed_resolution(&p->clock));
        return now;
}

void procedures_unset_clock(OmpPeripheral *p) {
        bool had = p->clock_set;

        p->clock_set = false;
        if (had)
                peripheral_advertisement_changed(&p->base);
}

int procedures_read_clock(const OmpPeripheral *p, uint8_t *buf, size_t size) {
        OmpClock clock = { .tick = tick_of(p->device_usec), .elapsed = procedures_clock(p) };

        return omp_clock_encode(&clock, buf, size);
}

int procedures_write_clock(OmpPeripheral *p, const uint8_t *data, size_t size) {
        int error = omp_clock_write_decode(data, size, &p->clock);
        bool had = p->clock_set;

        if (error != 0)
                return -error;

        p->clock_set = true;
        p->clock_usec = p->device_usec;
        if (!had)
                peripheral_advertisement_changed(&p->base);
        return 0;
}

/* ---- Parameters (1.9) ---- */

void procedures_boot(OmpPeripheral *p) {
        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++)
                p->parameters[id] = omp_parameter_default(id, p->config.kind);

        /* What the options say instead. */
        p->parameters[OMP_PARAMETER_LIVE_PERIOD] = (int32_t) p->config.live_period_ms;
        p->parameters[OMP_PARAMETER_WAVEFORM_RATE] = (int32_t) p->config.waveform_hz;
        measure_set_waveform(p);
}

static OmpResult procedure_get(const OmpPeripheral *p, OmpResponse *response) {
        response->parameter = p->request.parameter;
        response->has_value = true;
        response->value = p->parameters[p->request.parameter];
        return OMP_RESULT_OK;
}

static OmpResult procedure_set(OmpPeripheral *p) {
        OmpFeature feature = omp_feature(p);
        uint8_t id = p->request.parameter;
        int32_t value = p->request.value;
        OmpResult result = omp_parameter_check(id, value, &feature);

        if (result != OMP_RESULT_OK)
                return result;
        if (id == OMP_PARAMETER_WAVEFORM_RATE && value != 0 &&
            (value < WAVEFORM_HZ_MIN || !(feature.bits & OMP_FEATURE_WAVEFORM)))
                return OMP_RESULT_OUT_OF_RANGE;

        p->parameters[id] = value;
        if (id == OMP_PARAMETER_WAVEFORM_RATE || id == OMP_PARAMETER_WAVEFORM_BATCH)
                measure_set_waveform(p);
        return OMP_RESULT_OK;
}

/* ---- The other operations (1.9) ---- */

static bool area_exists(uint8_t area) {
        return area <= AREA_LAST || (area >= AREA_USER_FIRST && area <= AREA_USER_LAST);
}

static void take_area(OmpPeripheral *p) {
        p->area_chosen = true;
        p->area = p->request.area;
}

static OmpResult procedure_tare(OmpPeripheral *p) {
        if (p->contact || p->model.motor_hz > 0)
                return OMP_RESULT_BUSY; /* "must be still, no contact" */

        p->tare_valid = true;
        return OMP_RESULT_OK;
}

/* The device waits in the hand until the button is pressed: "no command starts the motor". */
static OmpResult procedure_start(OmpPeripheral *p, OmpResponse *response) {
        if (!area_exists(p->request.area))
                return OMP_RESULT_OUT_OF_RANGE;
        if (p->session)
                return OMP_RESULT_WRONG_STATE;
        if (p->storage_full)
                return OMP_RESULT_STORAGE_FULL;

        measure_begin_session(p);
        take_area(p);
        if (p->state == OMP_STATE_IDLE)
                measure_set_state(p, OMP_STATE_READY);
        p->sample_usec = MAX(p->sample_usec, p->device_usec + p->sample_period_usec);
        response->session_id = p->session_id;
        return OMP_RESULT_OK;
}

static OmpResult procedure_stop(OmpPeripheral *p, OmpResponse *response) {
        if (!p->session)
                return OMP_RESULT_WRONG_STATE;

        measure_end_session(p);
        if (p->model.phase == MODEL_REST)
                measure_set_state(p, OMP_STATE_IDLE);
        response->session_id = p->session_id;
        return OMP_RESULT_OK;
}

static OmpResult procedure_area(OmpPeripheral *p) {
        if (!(omp_feature(p).bits & OMP_FEATURE_AREA))
                return OMP_RESULT_NOT_SUPPORTED;
        if (!area_exists(p->request.area))
                return OMP_RESULT_OUT_OF_RANGE;

        take_area(p);
        return OMP_RESULT_OK;
}

/* "Always allowed": in every state, and whatever bit 15 says. */
static OmpResult procedure_stop_motor(OmpPeripheral *p) {
        if (!(omp_feature(p).bits & OMP_FEATURE_MOTOR_SPEED))
                return OMP_RESULT_NOT_SUPPORTED; /* there is no motor */

        model_stop(&p->model);
        measure_phase(p);
        return OMP_RESULT_OK;
}

static OmpResult procedure_abort(OmpPeripheral *p) {
        transfer_abort(p);
        return OMP_RESULT_OK;
}

/* The bonds are the carrier's, and stay. */
static OmpResult procedure_factory_reset(OmpPeripheral *p) {
        if (!p->confirmed)
                return OMP_RESULT_NEEDS_CONFIRMATION;
        if (p->session || p->transfer.kind != TRANSFER_NONE)
                return OMP_RESULT_BUSY;

        p->confirmed = false;
        p->session_id = 0;
        records_clear(p);
        procedures_unset_clock(p);
        procedures_boot(p);
        return OMP_RESULT_OK;
}

static OmpResult carry_out(OmpPeripheral *p, OmpResponse *response) {
        switch ((OmpOp) p->request.op) {
        case OMP_OP_GET:
                return procedure_get(p, response);
        case OMP_OP_SET:
                return procedure_set(p);
        case OMP_OP_TARE:
                return procedure_tare(p);
        case OMP_OP_START:
                return procedure_start(p, response);
        case OMP_OP_STOP:
                return procedure_stop(p, response);
        case OMP_OP_AREA:
                return procedure_area(p);
        case OMP_OP_SIGNAL:
        case OMP_OP_IDENTIFY:
                return OMP_RESULT_OK; /* nobody is there to feel or see it */
        case OMP_OP_TRACE:
                return transfer_begin_trace(p, p->request.record, p->request.first_entry);
        case OMP_OP_ABORT:
                return procedure_abort(p);
        case OMP_OP_FACTORY_RESET:
                return procedure_factory_reset(p);
        case OMP_OP_STOP_MOTOR: /* never waits here */
        case OMP_OP_RESPONSE:
                break;
        }

        return OMP_RESULT_NOT_SUPPORTED;
}

int procedures_write_control(OmpPeripheral *p, const uint8_t *data, size_t size) {
        OmpRequest request;
        OmpResult result;
        int error = omp_request_decode(data, size, p->config.crc, &request, &result);
        bool beside; /* may come while a trace is being sent */

        if (error != 0)
                return -error;
        if (!p->base.wanted[OMP_CHAR_CONTROL_POINT])
                return -OMP_ATT_CCCD;
        if (result == OMP_RESULT_OK && request.op == OMP_OP_TRACE && !p->base.wanted[OMP_CHAR_SESSION_DATA])
                return -OMP_ATT_CCCD;
        if (result == OMP_RESULT_OK && request.op == OMP_OP_STOP_MOTOR) {
                p->motor_stops_pending++;
                return 0;
        }
        beside = request.op == OMP_OP_ABORT || request.op == OMP_OP_STOP_MOTOR;
        if (procedures_asked(p) || (transfer_runs(p, TRANSFER_TRACE) && !beside))
                return -OMP_ATT_IN_PROGRESS;

        p->request_pending = true;
        p->request = request;
        p->request_result = result;
        return 0;
}

bool procedures_asked(const OmpPeripheral *p) {
        return p->request_pending || p->motor_stops_pending > 0;
}

void procedures_carry_out(OmpPeripheral *p) {
        OmpResponse response = { .op = p->request.op };
        OmpResult result = p->request_result;

        for (; p->motor_stops_pending > 0; p->motor_stops_pending--) {
                OmpResponse stopped = { .op = OMP_OP_STOP_MOTOR, .result = (uint8_t) procedure_stop_motor(p) };

                procedures_answer(p, &stopped);
        }
        if (!p->request_pending)
                return;

        p->request_pending = false;
        if (result == OMP_RESULT_OK)
                result = carry_out(p, &response);
        if (p->request.op == OMP_OP_TRACE && result == OMP_RESULT_OK)
                return; /* answered at its end */

        response.result = (uint8_t) result;
        procedures_answer(p, &response);
}

void procedures_answer(OmpPeripheral *p, const OmpResponse *response) {
        uint8_t buf[OMP_RESPONSE_MAX];
        int n = omp_response_encode(response, p->config.crc, buf, sizeof(buf));

        if (n > 0 && p->base.wanted[OMP_CHAR_CONTROL_POINT])
                (void) peripheral_send(&p->base, OMP_CHAR_CONTROL_POINT, buf, (size_t) n);
}
