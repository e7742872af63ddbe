/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In front of all calls, those too that libsystemd answers (properties, introspection): a message waits here until the
 * bus has said whose it is, and that user's calls are counted before anything else is done for it. */

#include <systemd/sd-bus.h>

#include "bus/bucket.h"
#include "bus/bus.h"
#include "bus/caller.h"

#define GATE_MESSAGE_MAX (16u * 1024u)  /* octets of a call's arguments: the longest texts that any takes are a fourth of it */

int gate_register(Bus *bus);

/* Errors: `error` is set, the user has made too many calls. */
int gate_take(Bus *bus, const Caller *caller, BucketKind kind, sd_bus_error *error);

/* For the observer of callers. */
void gate_identified(Bus *bus, Caller *caller);
void gate_left(Caller *caller, int error);
