/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be said of the service when it does not answer. */

#include <glib.h>

/* How systemd has the unit; "" what it did not tell. */
typedef struct DoctorUnit {
        const char *load_state, *active_state, *result;
} DoctorUnit;

typedef struct DoctorAdvice {
        const char *finding;    /* the end of "The unit needled.service " */
        const char *remedy;     /* a command, or a sentence */
} DoctorAdvice;

/* Never NULL. */
const DoctorAdvice *doctor_unit_advice(const DoctorUnit *unit);

typedef struct DoctorColumns {
        unsigned check;         /* for what was looked at; a longer one moves its line to the right */
        unsigned all;           /* of the screen; 0: no limit */
} DoctorColumns;

/* The lines that a finding is shown as, each with its line end. The caller frees. */
char *doctor_render(const char *check, const char *status, const char *finding, const char *remedy, DoctorColumns columns);
