/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of needlectl: what was asked for, and the service it is asked of. */

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "client/exit.h"
#include "client/objects.h"
#include "client/options.h"
#include "profiles/profile.h"

typedef struct Client {
        Options options;
        char **args;            /* of the verb, without its name */
        int n_args;
        sd_bus *bus;            /* NULL until client_connect() */
} Client;

void client_done(Client *client);

static inline bool client_wants_json(const Client *client) {
        return options_has(&client->options, OPTION_JSON);
}

/* The argument at `i`, NULL if there are fewer. */
static inline const char *client_arg(const Client *client, int i) {
        return i < client->n_args ? client->args[i] : NULL;
}

/* Connects to the bus; nothing if that is done. */
Exit client_connect(Client *client);

/* What the service shows now (objects_done). */
Exit client_objects(Client *client, Objects *ret);

/* The device or live session that was meant, or without a name (NULL) the only one it can be; says so if
 * there is none, or more than one. *ret is borrowed from *objects. */
Exit client_device(const Objects *objects, const char *typed, const json_t **ret);
Exit client_session(const Objects *objects, const char *typed, const json_t **ret);
/* Says that no live session is meant by what was typed, and which there are; EXIT_NOT_FOUND. */
Exit client_no_session(const char *typed);

/* The same among what the service shows now (objects_done). A session that has ended is told so: EXIT_NOTHING_TO_DO. */
Exit client_find_device(Client *client, const char *typed, Objects *objects, const json_t **ret);
Exit client_find_session(Client *client, const char *typed, Objects *objects, const json_t **ret);

/* One more of those that a word fits, the `n`th from 0, for a message; of many only the first. */
void client_add_candidate(GString *list, unsigned n, const char *text);

/* A call without arguments to an object, and its reply's first value (ret may be NULL). */
Exit client_call(Client *client, const char *path, const char *interface, const char *member,
                 uint64_t timeout_usec, json_t **ret);
/* The same with arguments, as sd_bus_message_append() takes them. */
Exit client_call_with(Client *client, const char *path, const char *interface, const char *member,
                      uint64_t timeout_usec, json_t **ret, const char *types, ...);

/* The properties of Manager1. */
Exit client_manager(Client *client, json_t **ret);

/* In µs. */
uint64_t client_clock(clockid_t clock);
/* CLOCK_REALTIME */
uint64_t client_now(void);

/* A timer on CLOCK_MONOTONIC that is off until it is given a time. Negative errno. */
int client_add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler, void *userdata);
/* Ctrl-C, and whatever else asks us to go, ends the loop with EXIT_DONE. Negative errno. */
int client_leave_on_signals(sd_event *event);

/* The profiles of this host: those that the service loads too. `report` may be NULL: what is refused is passed over. */
char **client_profile_folders(void); /* the caller frees */
Profiles *client_profiles(ProfilesReport report, void *userdata);
