/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In front of all calls, those too that libsystemd answers (properties, introspection): a message waits here until the
 * bus has said whose it is, and that user's calls are counted before anything else is done for it. */

#include <systemd/sd-bus.h>

#include "bus/bucket.h"
#include "bus/bus.h"
#include "bus/call.h"
#include "bus/caller.h"

#define GATE_MESSAGE_MAX (16u * 1024u)  /* octets of a call's arguments: the longest texts that any takes are a fourth of it */
/* Messages that wait since the bus does not take them, from which on */
#define GATE_QUEUED_LARGE_MAX 32u       /* … nothing is answered that may be large */
#define GATE_QUEUED_MAX 1024u           /* … nothing is answered */

int gate_register(Bus *bus);

/* Errors: `error` is set, the user has made too many calls. */
int gate_take(Bus *bus, const Caller *caller, BucketKind kind, sd_bus_error *error);

/* The beginning of an answer that may be large. Errors: `error` is set, the bus does not take as much as is answered. */
int gate_large_reply(Call *call, sd_bus_message **ret, sd_bus_error *error);

/* For the observer of callers. */
void gate_identified(Bus *bus, Caller *caller);
void gate_left(Caller *caller, int error);
