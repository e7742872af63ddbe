/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "standin.h"

static void introspect_interface(GString *xml, Interface i, void *what) {
        g_string_append_printf(xml, "<interface name=\"%s\">", interfaces[i].name);
        for (const Method *m = interfaces[i].methods; m->name; m++) {
                const char *dir[2] = { "in", "out" };

                g_string_append_printf(xml, "<method name=\"%s\">", m->name);
                for (unsigned d = 0; d < 2; d++) {
                        g_autofree char *copy = g_strdup(d == 0 ? m->in : m->out);

                        for (const char *at = copy; *at;) {
                                const char *end = at + 1;

                                /* One complete type: arrays take the next one with them, dictionaries up to
                                 * their brace. */
                                for (int depth = *at == '{' || *at == '('; *(end - 1) == 'a' || depth > 0;
                                     end++)
                                        depth += (*end == '{' || *end == '(') - (*end == '}' || *end == ')');
                                g_string_append_printf(xml, "<arg type=\"%.*s\" direction=\"%s\"/>",
                                                       (int) (end - at), at, dir[d]);
                                at = end;
                        }
                }
                g_string_append(xml, "</method>");
        }
        for (const Property *p = interfaces[i].properties; p->name; p++)
                if (!p->exists || p->exists(what))
                        g_string_append_printf(xml, "<property name=\"%s\" type=\"%s\" access=\"%s\"/>",
                                               p->name, p->signature, p->set ? "readwrite" : "read");
        if (i == INTERFACE_PROPERTIES) /* as bluetoothd tells it: some clients ask the bus only for signals that are told */
                g_string_append(xml, "<signal name=\"PropertiesChanged\"><arg type=\"s\" name=\"interface\"/>"
                                     "<arg type=\"a{sv}\" name=\"changed_properties\"/><arg type=\"as\" name=\"invalidated_properties\"/></signal>");
        g_string_append(xml, "</interface>");
}

/* Works for paths without an object too, above the ones that have one. */
static void method_introspect(Call *call) {
        Standin *s = call->standin;
        const char *path = sd_bus_message_get_path(call->message);
        size_t skip = g_str_equal(path, "/") ? 1 : strlen(path) + 1;
        g_autoptr(GHashTable) children = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GString) xml = g_string_new(
                "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection "
                "1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\"><node>");
        Object *object = object_find(s, path);
        sd_bus_message *reply;

        for (Interface i = 0; object && i < _INTERFACE_MAX; i++)
                if (object_has(object, i))
                        introspect_interface(xml, i, object->what);

        for (unsigned i = 0; i < s->objects->len; i++) {
                const Object *other = s->objects->pdata[i];
                char *child;

                if (!path_under(other->path, path))
                        continue;
                child = g_strndup(other->path + skip, strcspn(other->path + skip, "/"));
                if (!g_hash_table_contains(children, child))
                        g_string_append_printf(xml, "<node name=\"%s\"/>", child);
                g_hash_table_add(children, child);
        }

        g_string_append(xml, "</node>");
        if (!(reply = call_new_reply(call)))
                return;
        (void) sd_bus_message_append(reply, "s", xml->str);
        call_send(call, reply);
}

static void method_get_managed_objects(Call *call) {
        Standin *s = call->standin;
        sd_bus_message *reply = call_new_reply(call);

        if (!reply)
                return;

        (void) sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}");
        for (unsigned i = 0; i < s->objects->len; i++) {
                const Object *object = s->objects->pdata[i];

                if (g_str_equal(object->path, "/"))
                        continue;
                (void) sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}");
                (void) sd_bus_message_append(reply, "o", object->path);
                (void) append_interfaces(reply, object, object->interfaces);
                (void) sd_bus_message_close_container(reply);
        }
        (void) sd_bus_message_close_container(reply);
        call_send(call, reply);
}

/* The interface that a call about properties names, or _INTERFACE_MAX after an answer. */
static Interface call_interface(Call *call, const char *name) {
        Object *object = object_find(call->standin, sd_bus_message_get_path(call->message));
        Interface i = interface_by_name(name);
        g_autofree char *text = NULL;

        if (i < _INTERFACE_MAX && object && object_has(object, i))
                return i;

        text = g_strdup_printf("No such interface '%s'", name);
        call_error(call, SD_BUS_ERROR_INVALID_ARGS, text);
        return _INTERFACE_MAX;
}

static const Property *call_property(Call *call, Interface interface, const char *name) {
        const Property *p = property_by_name(interface, name);
        g_autofree char *text = NULL;

        if (p && (!p->exists || p->exists(call->what)))
                return p;

        text = g_strdup_printf("No such property '%s'", name);
        call_error(call, SD_BUS_ERROR_INVALID_ARGS, text);
        return NULL;
}

static void method_get(Call *call) {
        const char *interface, *name;
        const Property *p;
        sd_bus_message *reply;
        Interface i;

        if (sd_bus_message_read(call->message, "ss", &interface, &name) < 0) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if ((i = call_interface(call, interface)) == _INTERFACE_MAX || !(p = call_property(call, i, name)) ||
            !(reply = call_new_reply(call)))
                return;

        (void) append_value(reply, p, call->what);
        call_send(call, reply);
}

static void method_get_all(Call *call) {
        const char *interface;
        sd_bus_message *reply;
        Interface i;

        if (sd_bus_message_read(call->message, "s", &interface) < 0) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if ((i = call_interface(call, interface)) == _INTERFACE_MAX || !(reply = call_new_reply(call)))
                return;

        (void) append_properties(reply, i, call->what);
        call_send(call, reply);
}

static void method_set(Call *call) {
        sd_bus_message *m = call->message;
        const char *interface, *name;
        const Property *p;
        Interface i;

        if (sd_bus_message_read(m, "ss", &interface, &name) < 0) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if ((i = call_interface(call, interface)) == _INTERFACE_MAX || !(p = call_property(call, i, name)))
                return;

        if (!p->set) {
                g_autofree char *text = g_strdup_printf("Property '%s' is not writable", name);

                call_error(call, SD_BUS_ERROR_PROPERTY_READ_ONLY, text);
                return;
        }
        if (sd_bus_message_enter_container(m, 'v', p->signature) <= 0 || !p->set(call, m))
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
}

const Method object_manager_methods[] = {
        { "GetManagedObjects", "", "a{oa{sa{sv}}}", 0, method_get_managed_objects },
        {},
};

const Method properties_methods[] = {
        { "Get", "ss", "v", 0, method_get },
        { "GetAll", "s", "a{sv}", 0, method_get_all },
        { "Set", "ssv", "", 0, method_set },
        {},
};

const Method introspectable_methods[] = {
        { "Introspect", "", "s", 0, method_introspect },
        {},
};
