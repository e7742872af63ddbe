/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "standin.h"

#define CALLS_MAX 4096u         /* under way at once */

static const Method no_methods[] = { {} };
static const Property no_properties[] = { {} };

const InterfaceInfo interfaces[_INTERFACE_MAX] = {
        [INTERFACE_OBJECT_MANAGER] = { "org.freedesktop.DBus.ObjectManager", object_manager_methods,
                                       no_properties },
        [INTERFACE_PROPERTIES] = { "org.freedesktop.DBus.Properties", properties_methods, no_properties },
        [INTERFACE_INTROSPECTABLE] = { "org.freedesktop.DBus.Introspectable", introspectable_methods,
                                       no_properties },
        [INTERFACE_AGENT_MANAGER] = { "org.bluez.AgentManager1", agent_manager_methods, no_properties },
        [INTERFACE_ADAPTER] = { "org.bluez.Adapter1", adapter_methods, adapter_properties },
        [INTERFACE_GATT_MANAGER] = { "org.bluez.GattManager1", gatt_manager_methods, no_properties },
        [INTERFACE_DEVICE] = { "org.bluez.Device1", device_methods, device_properties },
        [INTERFACE_BATTERY] = { "org.bluez.Battery1", no_methods, battery_properties },
        [INTERFACE_SERVICE] = { "org.bluez.GattService1", no_methods, service_properties },
        [INTERFACE_CHARACTERISTIC] = { "org.bluez.GattCharacteristic1", characteristic_methods,
                                       characteristic_properties },
        [INTERFACE_DESCRIPTOR] = { "org.bluez.GattDescriptor1", descriptor_methods, descriptor_properties },
};

static bool interface_shown(Interface interface) { /* bluetoothd lists these two of the standard ones */
        return interface != INTERFACE_OBJECT_MANAGER;
}

static int append_entry(sd_bus_message *m, const Property *p, void *what) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", p->name)) < 0 || (r = append_value(m, p, what)) < 0)
                return r;

        return sd_bus_message_close_container(m);
}

/* "Device1 Battery1" */
static void add_words(GString *about, unsigned which) {
        for (Interface i = 0; i < _INTERFACE_MAX; i++)
                if (which >> i & 1 && interface_shown(i))
                        g_string_append_printf(about, "%s ", strrchr(interfaces[i].name, '.') + 1);
}

static void emit_added(Standin *s, const Object *object, unsigned which) {
        g_autoptr(GString) about = g_string_new(NULL);
        sd_bus_message *m = NULL;

        if (!s->bus || sd_bus_message_new_signal(s->bus, &m, "/", interfaces[INTERFACE_OBJECT_MANAGER].name,
                                                 "InterfacesAdded") < 0)
                return;

        (void) sd_bus_message_append(m, "o", object->path);
        (void) append_interfaces(m, object, which);
        add_words(about, which);
        faults_send_signal(s->faults, m, about->str);
}

static void emit_removed(Standin *s, const Object *object, unsigned which) {
        g_autoptr(GString) about = g_string_new(NULL);
        sd_bus_message *m = NULL;

        if (!s->bus || sd_bus_message_new_signal(s->bus, &m, "/", interfaces[INTERFACE_OBJECT_MANAGER].name,
                                                 "InterfacesRemoved") < 0)
                return;

        (void) sd_bus_message_append(m, "o", object->path);
        (void) sd_bus_message_open_container(m, 'a', "s");
        for (Interface i = 0; i < _INTERFACE_MAX; i++)
                if (which >> i & 1 && interface_shown(i))
                        (void) sd_bus_message_append(m, "s", interfaces[i].name);
        (void) sd_bus_message_close_container(m);
        add_words(about, which);
        faults_send_signal(s->faults, m, about->str);
}

static int on_call_delayed(sd_event_source *source, uint64_t usec, void *userdata) {
        Call *call = userdata;

        call->timer = sd_event_source_disable_unref(call->timer);
        call_run(call);
        return 0;
}

/* As libdbus answers for bluetoothd. */
static int refuse(sd_bus_message *m, const char *error) {
        return sd_bus_reply_method_errorf(
                m, error, "Method \"%s\" with signature \"%s\" on interface \"%s\" doesn't exist\n",
                sd_bus_message_get_member(m), sd_bus_message_get_signature(m, true),
                sd_bus_message_get_interface(m) ?: "(null)");
}

static const Method *find_method(sd_bus_message *m, Interface interface) {
        if (interface == _INTERFACE_MAX)
                return NULL;

        for (const Method *method = interfaces[interface].methods; method->name; method++)
                if (g_str_equal(method->name, sd_bus_message_get_member(m)) &&
                    sd_bus_message_has_signature(m, method->in))
                        return method;

        return NULL;
}

static bool path_leads_to_objects(Standin *s, const char *path) {
        for (unsigned i = 0; i < s->objects->len; i++)
                if (path_under(((Object *) s->objects->pdata[i])->path, path))
                        return true;

        return false;
}

Object *object_add(Standin *s, const char *path, unsigned which, void *what) {
        Object *object = g_new0(Object, 1);

        object->path = g_strdup(path);
        object->interfaces = which | 1u << INTERFACE_INTROSPECTABLE;
        object->what = what;
        g_ptr_array_add(s->objects, object);
        g_hash_table_insert(s->by_path, object->path, object);
        emit_added(s, object, object->interfaces);
        return object;
}

Object *object_remove(Standin *s, Object *object) {
        if (!object)
                return NULL;

        emit_removed(s, object, object->interfaces);
        g_hash_table_remove(s->by_path, object->path);
        g_ptr_array_remove(s->objects, object);
        return NULL;
}

void object_add_interface(Standin *s, Object *object, Interface interface) {
        if (object->interfaces >> interface & 1)
                return;

        object->interfaces |= 1u << interface;
        emit_added(s, object, 1u << interface);
}

void object_remove_interface(Standin *s, Object *object, Interface interface) {
        if (!(object->interfaces >> interface & 1))
                return;

        object->interfaces &= ~(1u << interface);
        emit_removed(s, object, 1u << interface);
}

Object *object_find(Standin *s, const char *path) {
        return g_hash_table_lookup(s->by_path, path);
}

void object_free(Object *object) {
        g_free(object->path);
        g_free(object);
}

void object_changed(Standin *s, Object *object, Interface interface, ...) {
        g_autoptr(GString) about = g_string_new(NULL);
        sd_bus_message *m = NULL;
        const char *name;
        va_list ap;

        if (!s->bus || !object ||
            sd_bus_message_new_signal(s->bus, &m, object->path, interfaces[INTERFACE_PROPERTIES].name,
                                      "PropertiesChanged") < 0)
                return;

        (void) sd_bus_message_append(m, "s", interfaces[interface].name);
        (void) sd_bus_message_open_container(m, 'a', "{sv}");
        va_start(ap, interface);
        while ((name = va_arg(ap, const char *))) {
                const Property *p = property_by_name(interface, name);

                g_string_append_printf(about, "%s ", name);
                if (!p->exists || p->exists(object->what))
                        (void) append_entry(m, p, object->what);
        }
        va_end(ap);
        (void) sd_bus_message_close_container(m);

        (void) sd_bus_message_open_container(m, 'a', "s");
        va_start(ap, interface);
        while ((name = va_arg(ap, const char *))) {
                const Property *p = property_by_name(interface, name);

                if (p->exists && !p->exists(object->what))
                        (void) sd_bus_message_append(m, "s", name);
        }
        va_end(ap);
        (void) sd_bus_message_close_container(m);
        add_words(about, 1u << interface);
        faults_send_signal(s->faults, m, about->str);
}

int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Standin *s = userdata;
        const char *path = sd_bus_message_get_path(m);
        Object *object = object_find(s, path);
        const char *name = sd_bus_message_get_interface(m);
        Interface interface = name ? interface_by_name(name) : _INTERFACE_MAX;
        const Method *method = find_method(m, interface);
        bool here = object ? interface < _INTERFACE_MAX && object_has(object, interface)
                           : interface == INTERFACE_INTROSPECTABLE && path_leads_to_objects(s, path);
        uint64_t delay;
        Call *call;

        s->n_calls++;
        if (!object && !here)
                return refuse(m, SD_BUS_ERROR_UNKNOWN_OBJECT);
        if (!method || !here)
                return refuse(m, SD_BUS_ERROR_UNKNOWN_METHOD);
        if (s->calls->len >= CALLS_MAX)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                                  "Too many calls under way");

        call = g_new0(Call, 1);
        *call = (Call) { .standin = s, .message = sd_bus_message_ref(m), .method = method };
        g_ptr_array_add(s->calls, call);
        if (faults_take_call(s->faults, call))
                return 1;
        delay = standin_delay(s, method->delay_usec);
        if (delay > 0)
                call_run_later(call, delay);
        else
                call_run(call);

        return 1;
}

const char *call_sender(const Call *call) {
        return sd_bus_message_get_sender(call->message) ?: "";
}

sd_bus_message *call_new_reply(Call *call) {
        sd_bus_message *reply = NULL;

        if (sd_bus_message_new_method_return(call->message, &reply) < 0)
                call_send(call, NULL);
        return reply;
}

void call_send(Call *call, sd_bus_message *reply) {
        Standin *s = call->standin;

        if (s->bus)
                faults_send_reply(s->faults, call, reply);
        else
                sd_bus_message_unref(reply);
        g_ptr_array_remove_fast(s->calls, call);
}

void call_reply(Call *call) {
        sd_bus_message *reply = call_new_reply(call);

        if (reply)
                call_send(call, reply);
}

void call_error(Call *call, const char *name, const char *text) {
        g_autofree char *full =
                strchr(name, '.') ? g_strdup(name) : g_strconcat("org.bluez.Error.", name, NULL);
        sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(full, text);
        sd_bus_message *reply = NULL;

        (void) sd_bus_message_new_method_error(call->message, &reply, &error);
        call_send(call, reply);
}

void call_run(Call *call) {
        Object *object = object_find(call->standin, sd_bus_message_get_path(call->message));
        Interface i = interface_by_name(sd_bus_message_get_interface(call->message));

        /* It may have gone while the call waited. */
        if (i != INTERFACE_INTROSPECTABLE && (!object || !object_has(object, i))) {
                g_autofree char *text = g_strdup_printf(
                        "Method \"%s\" with signature \"%s\" on interface \"%s\" doesn't exist\n",
                        sd_bus_message_get_member(call->message),
                        sd_bus_message_get_signature(call->message, true),
                        sd_bus_message_get_interface(call->message));

                call_error(call, SD_BUS_ERROR_UNKNOWN_OBJECT, text);
                return;
        }

        (void) sd_bus_message_rewind(call->message, true);
        call->what = object ? object->what : NULL;
        call->method->handle(call);
}

void call_run_later(Call *call, uint64_t delay_usec) {
        standin_timer(call->standin, &call->timer, delay_usec, on_call_delayed, call);
}

void call_free(Call *call) {
        sd_event_source_disable_unref(call->timer);
        sd_bus_message_unref(call->fault_reply);
        sd_bus_message_unref(call->message);
        g_free(call);
}

Interface interface_by_name(const char *name) {
        for (Interface i = 0; i < _INTERFACE_MAX; i++)
                if (g_str_equal(interfaces[i].name, name))
                        return i;

        return _INTERFACE_MAX;
}

const Property *property_by_name(Interface interface, const char *name) {
        for (const Property *p = interfaces[interface].properties; p->name; p++)
                if (g_str_equal(p->name, name))
                        return p;

        return NULL;
}

bool object_has(const Object *object, Interface interface) {
        return object->interfaces >> interface & 1;
}

bool path_under(const char *path, const char *parent) {
        size_t n = strlen(parent);

        if (g_str_equal(parent, "/"))
                return path[1] != '\0';

        return strncmp(path, parent, n) == 0 && path[n] == '/';
}

int append_value(sd_bus_message *m, const Property *p, void *what) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'v', p->signature)) < 0 || (r = p->get(what, m)) < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int append_properties(sd_bus_message *m, Interface interface, void *what) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'a', "{sv}")) < 0)
                return r;
        for (const Property *p = interfaces[interface].properties; p->name; p++)
                if ((!p->exists || p->exists(what)) && (r = append_entry(m, p, what)) < 0)
                        return r;

        return sd_bus_message_close_container(m);
}

int append_interfaces(sd_bus_message *m, const Object *object, unsigned which) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'a', "{sa{sv}}")) < 0)
                return r;
        for (Interface i = 0; i < _INTERFACE_MAX; i++) {
                if (!(which >> i & 1) || !interface_shown(i))
                        continue;
                if ((r = sd_bus_message_open_container(m, 'e', "sa{sv}")) < 0 ||
                    (r = sd_bus_message_append(m, "s", interfaces[i].name)) < 0 ||
                    (r = append_properties(m, i, object->what)) < 0 ||
                    (r = sd_bus_message_close_container(m)) < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}
