/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus side of the stand-in: objects with interfaces, methods that are calls to be answered, properties.
 * Nothing here knows what BlueZ is, beside the names in one table. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Standin Standin;

typedef enum Interface {
        INTERFACE_OBJECT_MANAGER,
        INTERFACE_PROPERTIES,
        INTERFACE_INTROSPECTABLE,
        INTERFACE_AGENT_MANAGER,
        INTERFACE_ADAPTER,
        INTERFACE_GATT_MANAGER,
        INTERFACE_DEVICE,
        INTERFACE_BATTERY,
        INTERFACE_SERVICE,
        INTERFACE_CHARACTERISTIC,
        INTERFACE_DESCRIPTOR,
        _INTERFACE_MAX,
} Interface;

typedef struct Object {
        char *path;
        unsigned interfaces;            /* 1 << Interface */
        void *what;                     /* Adapter, Device, … as its interfaces say; weak */
} Object;

typedef struct Method Method;

/* A method call under way. Whoever handles it answers exactly once, now or later, and must not touch it
 * afterwards. */
typedef struct Call {
        Standin *standin;
        sd_bus_message *message;
        const Method *method;
        void *what;                     /* of the object, valid while it is handled */
        sd_event_source *timer;
        /* What is to become of its answer: standin-fault.c. */
        unsigned fault;                 /* FaultWhat */
        uint64_t fault_delay_usec;
        sd_bus_message *fault_reply;
} Call;

struct Method {
        const char *name, *in, *out;    /* signatures */
        uint64_t delay_usec;            /* what 5.66 takes before it does it; nothing with --fast */
        void (*handle)(Call *call);
};

typedef struct Property {
        const char *name, *signature;
        int (*get)(void *what, sd_bus_message *m);      /* appends the bare value */
        bool (*exists)(void *what);                     /* NULL: always */
        /* The message stands in the variant. NULL: read only. False: the value is refused. */
        bool (*set)(Call *call, sd_bus_message *m);     /* answers the call if it returns true */
} Property;

typedef struct InterfaceInfo {
        const char *name;
        const Method *methods;          /* both end with one without a name */
        const Property *properties;
} InterfaceInfo;

/* standin-bus.c */
Object *object_add(Standin *s, const char *path, unsigned interfaces, void *what); /* with InterfacesAdded */
Object *object_remove(Standin *s, Object *object); /* with InterfacesRemoved; NULL */
void object_add_interface(Standin *s, Object *object, Interface interface);
void object_remove_interface(Standin *s, Object *object, Interface interface);
Object *object_find(Standin *s, const char *path);
void object_free(Object *object);
/* PropertiesChanged; NULL ends the names. What does not exist (any more) is named as invalidated. */
void object_changed(Standin *s, Object *object, Interface interface, ...) G_GNUC_NULL_TERMINATED;
int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error);
const char *call_sender(const Call *call);
sd_bus_message *call_new_reply(Call *call);
void call_send(Call *call, sd_bus_message *reply);      /* takes the reply */
void call_reply(Call *call);                            /* without arguments */
void call_error(Call *call, const char *name, const char *text); /* name without "org.bluez.Error." */
void call_run(Call *call);                              /* (again) handled now */
void call_run_later(Call *call, uint64_t delay_usec);
void call_free(Call *call);

extern const InterfaceInfo interfaces[_INTERFACE_MAX];
Interface interface_by_name(const char *name);          /* _INTERFACE_MAX: none of ours */
const Property *property_by_name(Interface interface, const char *name);
bool object_has(const Object *object, Interface interface);
bool path_under(const char *path, const char *parent);  /* at any depth */
/* To a message: a variant, an a{sv}, an a{sa{sv}}. */
int append_value(sd_bus_message *m, const Property *p, void *what);
int append_properties(sd_bus_message *m, Interface interface, void *what);
int append_interfaces(sd_bus_message *m, const Object *object, unsigned which);

/* standin-standard.c */
extern const Method object_manager_methods[];
extern const Method properties_methods[];
extern const Method introspectable_methods[];
