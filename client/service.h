/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service at the other end of the bus, and what its answers mean for whoever called. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "client/exit.h"

#define SERVICE_NAME "org.needled"
#define SERVICE_ROOT "/org/needled"
#define SERVICE_MANAGER "org.needled.Manager1"
#define SERVICE_DEVICE "org.needled.Device1"
#define SERVICE_SESSION "org.needled.Session1"
#define SERVICE_HISTORY "org.needled.History1"
#define SERVICE_PLAN "org.needled.Plan1"
#define SERVICE_ERROR_NOT_READY "org.needled.Error.NotReady"

#define SECOND_USEC UINT64_C(1000000)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_slot, sd_bus_slot_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_event, sd_event_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_event_source, sd_event_source_disable_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

/* The system bus, or the one that DBUS_SYSTEM_BUS_ADDRESS names. */
Exit service_open(sd_bus **ret);
/* With --redact: which devices there are, if the service runs. service_open() does it. */
void service_learn(sd_bus *bus);

/* Whether the bus itself says so: sd-bus believes the sender of what was sent to us directly, and anybody may do that. */
bool service_is_bus(sd_bus_message *m);

/* A call to the service, to be filled and sent. */
Exit service_message(sd_bus *bus, const char *path, const char *interface, const char *member,
                     sd_bus_message **ret);

/* One entry of a dictionary a{sv} that is being written; none if the value is NULL. Negative errno of
 * sd-bus. */
int service_append_text(sd_bus_message *m, const char *key, const char *value);

/* A call that is not sent yet may lead to a question for authorisation, if somebody can be asked. Negative errno. */
int service_may_ask(sd_bus_message *call);

/* Sends the call and waits; says nothing. If the service wants an authorisation and somebody can be asked, it is called
 * again with the question allowed. Negative errno with *error. */
int service_send(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error, sd_bus_message **ret);
/* The same; *ret as of service_call(). */
int service_try(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error, json_t **ret);

/* The same, and says what went wrong. *ret (may be NULL) is the reply's first value, JSON null if it has none; a new
 * reference. */
Exit service_call(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, json_t **ret);

/* What an error means: `name` is the D-Bus error's (may be NULL), `error` a negative errno. */
Exit service_exit(const char *name, int error);

/* What went wrong, in a sentence: the service's own where it has any. The caller frees. */
char *service_error_text(const sd_bus_error *e, int error);

/* Says what went wrong, in the service's own words where it has any, and returns service_exit(). */
Exit service_error(const sd_bus_error *e, int error);

/* Building a message failed: an argument that D-Bus cannot carry. */
Exit service_message_error(int error);
