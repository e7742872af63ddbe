/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parameters of a device as they are typed. */

#include <errno.h>
#include <stdint.h>

#include "needled/omp-control.h"

typedef struct ControlParameter {
        uint8_t id;                     /* OmpParameter */
        int32_t value;
} ControlParameter;

/* -ENOENT, after a sentence: there is none of this name. */
int control_find_parameter(const char *name, uint8_t *ret_id);
/* "overpressure_mn=2500". -EINVAL, -ENOENT, after a sentence. What a device takes is its own to say. */
int control_parse_parameter(const char *typed, ControlParameter *ret);
