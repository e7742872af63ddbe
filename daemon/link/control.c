/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "link/procedure.h"
#include "log.h"

/* What an OMP device is told by its Control Point, once the socket of its answers is there. procedure.c says what comes
 * after what; here are the ways to bluetoothd and back, what a refusal means to people, and what each connection begins
 * with: the device's parameters are read, and those of the configuration written where it has others. */

#define IDENTIFY_SEC 5u

#define BROKE_OFF "The link to the device broke off before it answered: bring it near, and try again."
#define NO_ANSWER "The device has not answered within 30 s: switch it off and on, and try again."
#define MANY_WAIT "Too much waits for the device already: try again in a moment."
#define IN_USE "The device is in use: hold it still, away from the skin, with its motor off, and try again."
#define UNDER_WAY "The device is busy with something else: try again in a moment."

struct Control {
        Device *device;                 /* weak: our owner */
        char *path;                     /* of the characteristic */
        Procedures *procedures;
        Calls calls;
        sd_event_source *timer;
        int unsent;                     /* why a write could not be sent; 0: none */
        bool changed;                   /* of device->parameters, and not told yet */
        uint32_t next_entry;            /* of the trace that was answered last */
};

typedef struct Request {                /* of a client */
        Device *device;                 /* weak; it outlives its Control */
        LinkDone done;
        void *userdata;
} Request;

/* ---- To bluetoothd and back ---- */

static void arm(Control *c);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Control *c = userdata;
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);
        int unsent = c->unsent;

        c->unsent = 0;                  /* what is written next may fail as well */
        if (unsent < 0)
                procedures_written(c->procedures, unsent, now_usec);
        procedures_tick(c->procedures, now_usec);
        arm(c);
        return 0;
}

static void arm(Control *c) {
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);
        uint64_t deadline_usec = c->unsent < 0 ? now_usec : procedures_deadline(c->procedures);

        if (deadline_usec != UINT64_MAX)
                link_timer(c->device->link, &c->timer, deadline_usec > now_usec ? deadline_usec - now_usec : 0, on_timer, c);
        else if (c->timer)
                (void) sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Control *c = userdata;

        if (error)
                log_debug("%s: Control Point: %s", c->device->path, error->sentence);
        procedures_written(c->procedures, error ? error->error : 0, clock_usec(CLOCK_BOOTTIME));
        arm(c);
}

static void write_value(const uint8_t *data, size_t size, void *userdata) {
        Control *c = userdata;
        int r;

        r = bluez_write(c->device->link->bluez, &c->calls, c->path, data, size, false, on_written, c);
        if (r < 0)
                c->unsent = r;
        else
                notify_deliver(c->device, OMP_CHAR_CONTROL_POINT, FRAME_TO_DEVICE, data, size);
}

static int add_job(Control *c, const ProcedureJob *job) {
        int r = procedures_add(c->procedures, job, clock_usec(CLOCK_BOOTTIME));

        arm(c);
        return r;
}

/* ---- Parameters ---- */

static void take_answer(const OmpRequest *request, const OmpResponse *response, Device *device) {
        DeviceParameters *p = &device->parameters, before = *p;
        bool ok = response->result == OMP_RESULT_OK;

        if (request->op == OMP_OP_GET && ok && response->has_value)
                device_put_parameter(p, request->parameter, response->value);
        else if (request->op == OMP_OP_GET && !ok)
                p->known &= ~(UINT32_C(1) << request->parameter);
        else if (request->op == OMP_OP_SET && ok)
                device_put_parameter(p, request->parameter, request->value);

        if (device->work->control && memcmp(&before, p, sizeof(before)) != 0)
                device->work->control->changed = true;
}

static void tell_changed(Device *device) {
        Control *c = device->work->control;

        if (!c || !c->changed)
                return;

        c->changed = false;
        device_changed(device, DEVICE_CHANGED_PARAMETERS);
}

static void add_reads(ProcedureJob *job) {
        job->go_on = true; /* a device may lack some */
        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++)
                job->requests[job->n++] = (OmpRequest) { .op = OMP_OP_GET, .parameter = id };
}

static void say_not_taken(Device *device, uint8_t id) {
        uint32_t bit = UINT32_C(1) << id;

        if (device->work->told_parameters & bit)
                return;

        device->work->told_parameters |= bit;
        log_device(LOG_INFO, device_label(device),
                   "%s does not take %s of needled.conf: its own holds", log_name(device_label(device)).text, omp_parameter_info(id)->name);
}

static void on_written_at_connect(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        Device *device = userdata;

        take_answer(request, response, device);
        if (response->result != OMP_RESULT_OK)
                say_not_taken(device, request->parameter);
}

static void on_all_written(const ProcedureEnd *end, void *userdata) {
        tell_changed(userdata);
}

/* Those that it has otherwise. */
static void write_wanted(Device *device) {
        const DeviceParameters *wanted = &device->link->settings.parameters, *has = &device->parameters;
        ProcedureJob job = { .go_on = true, .answered = on_written_at_connect, .done = on_all_written, .userdata = device };

        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++) {
                if (!device_knows_parameter(wanted, id))
                        continue;
                if (!device_knows_parameter(has, id) ||
                    omp_parameter_check(id, wanted->value[id], &device->feature) != OMP_RESULT_OK)
                        say_not_taken(device, id);
                else if (has->value[id] != wanted->value[id])
                        job.requests[job.n++] = (OmpRequest) { .op = OMP_OP_SET, .parameter = id, .value = wanted->value[id] };
        }
        if (job.n == 0 || add_job(device->work->control, &job) < 0)
                tell_changed(device);
}

static void on_read_at_connect(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        take_answer(request, response, userdata);
}

static void on_all_read(const ProcedureEnd *end, void *userdata) {
        Device *device = userdata;

        if (!device->work->control)
                return; /* the link has gone */
        if (end->error < 0) {
                if (!(device->work->told_parameters & 1))
                        log_device(LOG_INFO, device_label(device),
                                   "%s does not tell its parameters (%s): limits are those of needled.conf", log_name(device_label(device)).text,
                                   g_strerror(-end->error));
                device->work->told_parameters |= 1;
                tell_changed(device);
                return;
        }

        write_wanted(device);
}

/* ---- What clients ask ---- */

/* What a refusal means, and what helps. */
static int refusal(const ProcedureEnd *end, const char **ret) {
        switch ((OmpResult) end->result) {
        case OMP_RESULT_NOT_SUPPORTED:
                *ret = "The device does not know this operation: its firmware does not offer it.";
                return -EOPNOTSUPP;
        case OMP_RESULT_INVALID:
                *ret = "The device knows no such parameter, or not with such a value: see what it has (needlectl get).";
                return -EINVAL;
        case OMP_RESULT_OUT_OF_RANGE:
                *ret = "The value is out of the range of this device: choose another.";
                return -EINVAL;
        case OMP_RESULT_BUSY:
                *ret = end->request->op == OMP_OP_TARE ? IN_USE : UNDER_WAY;
                return -EBUSY;
        case OMP_RESULT_WRONG_STATE:
                *ret = "The device cannot do this in its present state: end what it does, and try again.";
                return -EAGAIN;
        case OMP_RESULT_NEEDS_CONFIRMATION:
                *ret = "The device asks for a confirmation: press its button, and try again.";
                return -EAGAIN;
        case OMP_RESULT_STORAGE_FULL:
                *ret = "The memory of the device is full: take its stored sessions over, and try again.";
                return -EIO;
        case OMP_RESULT_FAILED:
        case OMP_RESULT_OK:
                break;
        }

        *ret = "The device tried, and failed: switch it off and on, and try again.";
        return -EIO;
}

static int meaning(const ProcedureEnd *end, const char **ret) {
        switch (-end->error) {
        case 0:
                *ret = "";
                return 0;
        case EREMOTEIO:
                return refusal(end, ret);
        case ENOTCONN:
                *ret = BROKE_OFF;
                return -ENOTCONN;
        case ETIMEDOUT:
                *ret = NO_ANSWER;
                return -ETIMEDOUT;
        case EALREADY:
        case EBUSY:
                *ret = UNDER_WAY;
                return -EBUSY;
        default:
                *ret = "bluetoothd could not hand it to the device: try again, and look at the journal of bluetooth.service.";
                return -EIO;
        }
}

static void on_client_answered(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        take_answer(request, response, ((Request *) userdata)->device);
}

static void on_client_done(const ProcedureEnd *end, void *userdata) {
        g_autofree Request *request = userdata;
        g_autofree char *named = NULL;
        const char *message;
        int error = meaning(end, &message);

        tell_changed(request->device);
        if (end->error == -EREMOTEIO && end->request->op == OMP_OP_SET)
                named = g_strdup_printf("%s=%i was refused, and what was set before it stays set: %s",
                                        omp_parameter_info(end->request->parameter)->name, end->request->value, message);
        request->done(error, named ?: message, request->userdata);
}

static void add_requests(ProcedureJob *job, LinkControl what, const DeviceParameters *parameters) {
        switch (what) {
        case LINK_CONTROL_IDENTIFY:
                job->requests[job->n++] = (OmpRequest) { .op = OMP_OP_IDENTIFY, .seconds = IDENTIFY_SEC };
                break;
        case LINK_CONTROL_TARE:
                job->requests[job->n++] = (OmpRequest) { .op = OMP_OP_TARE };
                break;
        case LINK_CONTROL_STOP_MOTOR:
                job->requests[job->n++] = (OmpRequest) { .op = OMP_OP_STOP_MOTOR };
                break;
        case LINK_CONTROL_READ:
                add_reads(job);
                break;
        case LINK_CONTROL_SET:
                for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++)
                        if (device_knows_parameter(parameters, id))
                                job->requests[job->n++] =
                                        (OmpRequest) { .op = OMP_OP_SET, .parameter = id, .value = parameters->value[id] };
                break;
        }
}

/* ---- Traces of stored sessions ---- */

static void on_trace_answered(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        Device *device = userdata;

        if (device->work->control)
                device->work->control->next_entry = response->next_entry;
}

static void on_trace_asked(void *userdata) {
        sync_tracing(userdata);
}

static void on_trace_done(const ProcedureEnd *end, void *userdata) {
        Device *device = userdata;

        sync_traced(device, end->error, end->result, device->work->control ? device->work->control->next_entry : 0);
}

bool control_works(const Device *device) {
        return device->work->control;
}

int control_trace(Device *device, uint32_t record, uint32_t first_entry) {
        const ProcedureJob job = {
                .requests = { { .op = OMP_OP_TRACE, .record = record, .first_entry = first_entry } }, .n = 1,
                .asked = on_trace_asked, .answered = on_trace_answered, .done = on_trace_done, .userdata = device,
        };

        return device->work->control ? add_job(device->work->control, &job) : -ENOTCONN;
}

void control_stop_trace(Device *device) {
        const ProcedureJob job = { .requests = { { .op = OMP_OP_ABORT } }, .n = 1 };

        if (device->work->control)
                (void) add_job(device->work->control, &job); /* without it the trace comes to its end by itself */
}

void control_prolong(Device *device) {
        if (device->work->control)
                procedures_prolong(device->work->control->procedures, clock_usec(CLOCK_BOOTTIME));
}

/* ---- Whether it can be asked ---- */

static const Stream *find_stream(const Device *device) {
        for (size_t i = 0; i < device->work->n_streams; i++)
                if (device->work->streams[i].ch->channel == OMP_CHAR_CONTROL_POINT)
                        return &device->work->streams[i];

        return NULL;
}

static bool is_given(const Stream *stream) {
        return stream && (stream->mode == STREAM_FD || stream->mode == STREAM_SIGNAL);
}

/* Why there is no Control. */
static int unusable(const Device *device, const char **ret_message) {
        const Stream *stream;

        if (!device->profile || device->profile->vendor) {
                *ret_message = "The device has a vendor's profile, and only devices of the Open Microneedling Profile can be told "
                               "what to do.";
                return -EOPNOTSUPP;
        }
        if (!device->work->up) {
                *ret_message = "The device is not connected: bring it near, switch it on, and try again.";
                return -ENOTCONN;
        }

        stream = find_stream(device);
        if (!stream || (stream->mode == STREAM_SKIPPED && stream->error == -ENOENT)) {
                *ret_message = "The device has no Control Point: it cannot be told what to do.";
                return -EOPNOTSUPP;
        }
        if (stream->mode == STREAM_SKIPPED && stream->error == -EOPNOTSUPP) {
                *ret_message = "bluetoothd would show the answers of the device to every local user: set AllowBroadcast=yes in "
                               "needled.conf to ask it all the same.";
                return -EOPNOTSUPP;
        }
        if (stream->mode == STREAM_SKIPPED) {
                *ret_message = "Another program holds the Control Point of the device: close it, and try again.";
                return -EBUSY;
        }

        *ret_message = "The device has just been connected: try again in a moment.";
        return -EAGAIN;
}

int link_control(Link *link, Device *device, LinkControl what, const DeviceParameters *parameters, LinkDone done, void *userdata,
                 const char **ret_message) {
        ProcedureJob job = { .answered = on_client_answered, .done = on_client_done };
        Request *request;
        int r;

        if (!device->work->control)
                return unusable(device, ret_message);

        add_requests(&job, what, parameters);
        if (job.n == 0) {
                *ret_message = "There is nothing to set: name a parameter.";
                return -EINVAL;
        }

        request = g_new(Request, 1);
        *request = (Request) { .device = device, .done = done, .userdata = userdata };
        job.userdata = request;
        r = add_job(device->work->control, &job);
        if (r < 0) {
                g_free(request);
                *ret_message = r == -EBUSY ? MANY_WAIT : NO_ANSWER;
        }

        return r;
}

/* ---- The connection ---- */

void control_begin(Device *device) {
        const Stream *stream = device->profile->vendor ? NULL : find_stream(device);
        ProcedureJob job = { .answered = on_read_at_connect, .done = on_all_read, .userdata = device };
        Control *c;

        if (device->work->control || !is_given(stream))
                return;

        c = g_new(Control, 1);
        *c = (Control) { .device = device, .path = g_strdup(stream->path) };
        c->procedures = procedures_new(device->feature.bits & OMP_FEATURE_E2E_CRC, write_value, c);
        device->work->control = c;
        add_reads(&job);
        (void) add_job(c, &job); /* the first: it has room */
}

void control_response(Device *device, const uint8_t *data, size_t size) {
        Control *c = device->work->control;

        if (!c)
                return;

        procedures_response(c->procedures, data, size, clock_usec(CLOCK_BOOTTIME));
        arm(c);
}

void control_close(Device *device) {
        Control *c = g_steal_pointer(&device->work->control);

        if (!c)
                return;

        calls_clear(&c->calls);
        procedures_free(c->procedures);
        if (c->changed)
                device_changed(device, DEVICE_CHANGED_PARAMETERS);
        sd_event_source_disable_unref(c->timer);
        g_free(c->path);
        g_free(c);
}
