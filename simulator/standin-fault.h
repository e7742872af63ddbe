/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can go wrong between a client and bluetoothd, one fault at a time. A fault is armed for a method or a
 * signal and counts from then on; it acts where calls come in, and where answers and signals go out. */

#include "standin-bus.h"

typedef struct Faults Faults;

typedef enum FaultWhat {
        FAULT_NONE,
        FAULT_ERROR,                    /* an error in place of the answer */
        FAULT_DELAY,                    /* late */
        FAULT_LOST,                     /* no answer at all */
        FAULT_HOLD,                     /* a signal: after the next one, or after a while if none follows */
        FAULT_DROP,
        FAULT_TWICE,
} FaultWhat;

typedef struct FaultKnown {             /* an error of BlueZ 5.66, or of the bus on its way */
        const char *member, *name, *text;
} FaultKnown;

/* standin-fault-table.c: ends with one without a member. Those of ANY can come for every method in the table. */
#define FAULT_ANY "*"
extern const FaultKnown fault_table[];
/* Calls visit for each method with each error that it can give. */
void fault_table_foreach(void (*visit)(const char *member, const char *name, const char *text));

Faults *faults_new(sd_event *event);
Faults *faults_free(Faults *faults);
/* bluetoothd goes: what was held is lost with it. Armed faults stay. */
void faults_reset(Faults *faults);
/* "MEMBER[:DETAIL][#N[+]] [after] ERROR-NAME TEXT… | delay MS | lost | hold | drop | twice" or "clear". The Nth from
 * now (the first), or with '+' each from the Nth on. A method's fault acts in place of what it does, with "after" when
 * that has been done. DETAIL is the property of Get and Set, an interface or a property of a signal:
 * "PropertiesChanged:Connected". Errors: -EINVAL, -ENOSPC. */
int faults_control(Faults *faults, const char *argument);
char *faults_report(const Faults *faults, unsigned under_way); /* as JSON; under_way: calls that are not answered yet */

/* A call has come in. True: its fault has dealt with it, now or later. */
bool faults_take_call(Faults *faults, Call *call);
/* An answer goes out: sends it, or what its fault makes of it. Takes the reply, which may be NULL. */
void faults_send_reply(Faults *faults, Call *call, sd_bus_message *reply);
/* A signal goes out; about: words that say what it is about. Takes the signal. */
void faults_send_signal(Faults *faults, sd_bus_message *signal, const char *about);
