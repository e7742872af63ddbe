/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/device-control.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/device-object.h"
#include "bus/options.h"
#include "bus/private.h"
#include "needled/omp-control.h"

/* As everywhere in this API: forces are 'i', all else is 'u'. */
static char type_of(const OmpParameterInfo *info) {
        return info->type == OMP_TYPE_S16 ? 'i' : 'u';
}

static int find_device(Call *call, CallSubject *ret, sd_bus_error *error) {
        return device_object_subject(call, sd_bus_message_get_path(call->message), ret, error);
}

/* What was begun is done whoever goes: to take it back would take another message to the device. Link always answers. */
static int begin(Call *call, LinkControl what, const DeviceParameters *parameters, LinkDone done, sd_bus_error *error) {
        DeviceObject *object = call->object;
        const char *message = NULL;
        int r;

        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        r = link_control(call->bus->settings.link, object->device, what, parameters, done, call, &message);
        return r < 0 ? error_set(error, error_from_errno(r), "%s", message) : 0;
}

static int run_identify(Call *call, sd_bus_error *error) {
        return begin(call, LINK_CONTROL_IDENTIFY, NULL, call_done, error);
}

static int run_tare(Call *call, sd_bus_error *error) {
        return begin(call, LINK_CONTROL_TARE, NULL, call_done, error);
}

static int run_stop_motor(Call *call, sd_bus_error *error) {
        return begin(call, LINK_CONTROL_STOP_MOTOR, NULL, call_done, error);
}

/* As long as it takes: whoever goes meanwhile, it goes on. */
static int run_sync(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        DeviceObject *object = call->object;
        const char *message = NULL;
        int r;

        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        r = settings->ops->device_sync(object->device, call_done, call, &message, settings->userdata);
        return r < 0 ? error_set(error, error_from_errno(r), "%s", message) : 0;
}

/* ---- Parameters ---- */

static int append_parameters(sd_bus_message *m, const DeviceParameters *parameters) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        for (uint8_t id = 1; r >= 0 && id < _OMP_PARAMETER_MAX; id++)
                if (device_knows_parameter(parameters, id)) {
                        const OmpParameterInfo *info = omp_parameter_info(id);

                        r = dictionary_basic(m, info->name, type_of(info), &parameters->value[id]);
                }
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

static void on_read(int error, const char *message, void *userdata) {
        Call *call = userdata;
        g_autoptr(sd_bus_message) reply = NULL;
        DeviceObject *object;
        int r;

        if (error < 0 || !call->message) { /* or nobody waits any more */
                call_done(error, message, call);
                return;
        }

        object = device_object_find(call->bus, sd_bus_message_get_path(call->message));
        if (!object) {
                call_fail(call, -ENOENT, NULL);
                return;
        }
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_parameters(reply, &object->device->parameters);
        if (r < 0)
                call_fail(call, r, NULL);
        else
                call_reply_take(call, g_steal_pointer(&reply));
}

static int run_get_parameters(Call *call, sd_bus_error *error) {
        return begin(call, LINK_CONTROL_READ, NULL, on_read, error);
}

/* One value: the variant is next in `m`. */
static int read_parameter(sd_bus_message *m, const Device *device, const char *name, DeviceParameters *parameters,
                          sd_bus_error *error) {
        const OmpParameterInfo *info;
        const char *contents;
        int32_t value, min, max;
        char type[2] = "";
        uint8_t id;
        int r;

        if (omp_parameter_from_name(name, &id) < 0)
                return error_set(error, ERROR_INVALID_ARGUMENT, "There is no parameter \"%.64s\"; GetParameters() tells those that there "
                                 "are.", name);
        if (device_knows_parameter(parameters, id))
                return error_set(error, ERROR_INVALID_ARGUMENT, "The parameter \"%s\" is given twice; give it once.", name);

        info = omp_parameter_info(id);
        type[0] = type_of(info);
        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, type) != 0)
                return error_set(error, ERROR_INVALID_ARGUMENT, "The parameter \"%s\" must be of type \"%s\", not \"%.16s\".", name,
                                 type, contents);
        r = sd_bus_message_read(m, "v", type, &value);
        if (r < 0)
                return r;
        if (omp_parameter_bounds(id, &device->feature, &min, &max) < 0 || value < min || value > max)
                return error_set(error, ERROR_INVALID_ARGUMENT, "The parameter \"%s\" of this device goes from %i to %i%s%s; choose another "
                                 "value.", name, min, max, *info->unit ? " " : "", info->unit);

        device_put_parameter(parameters, id, value);
        return 0;
}

static int read_parameters(sd_bus_message *m, const Device *device, DeviceParameters *ret, sd_bus_error *error) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = read_parameter(m, device, name, ret, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

/* Names, types and bounds first: if one is wrong, none is set. */
static int run_set_parameters(Call *call, sd_bus_error *error) {
        const DeviceObject *object = call->object;
        const Device *device = object->device;
        DeviceParameters parameters = {};
        int r;

        /* Of these nothing is right, and link says why. */
        if (!device->has_feature || (device->profile && device->profile->vendor))
                return begin(call, LINK_CONTROL_SET, &parameters, call_done, error);

        r = read_parameters(call->message, device, &parameters, error);
        if (r < 0)
                return r;

        return begin(call, LINK_CONTROL_SET, &parameters, call_done, error);
}

#define METHOD(name, run) CALL_METHOD(((DeviceObject *) userdata)->bus, name, CALL_CONTROL, find_device, run)

METHOD(identify, run_identify)
METHOD(tare, run_tare)
METHOD(stop_motor, run_stop_motor)
METHOD(sync, run_sync)
METHOD(get_parameters, run_get_parameters)
METHOD(set_parameters, run_set_parameters)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Identify", NULL, NULL, method_identify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Tare", NULL, NULL, method_tare, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopMotor", NULL, NULL, method_stop_motor, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Sync", NULL, NULL, method_sync, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetParameters", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", parameters), method_get_parameters,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetParameters", SD_BUS_ARGS("a{sv}", parameters), SD_BUS_NO_RESULT, method_set_parameters,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int device_control_register(Bus *bus, sd_bus_object_find_t find) {
        return bus_serve(bus, BUS_DEVICES, "org.needled.Device1", vtable, find);
}
