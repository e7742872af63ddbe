/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration: needled.conf and needled.conf.d, GKeyFile syntax, later files win key by key. A bad file, key or value is a warning
 * that names file, line and key; the default stands and the service starts. */

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_OF_DEVICE INT32_MIN

typedef struct Config {
        uint64_t session_window_usec;
        uint64_t session_idle_timeout_usec;
        bool session_auto_start;
        uint64_t session_lead_in_usec;
        uint64_t session_time_limit_usec;       /* 0: none */
        /* [Limits], in mN; LIMIT_OF_DEVICE: not set, the device's own (or, of a device without, the default for its kind) */
        int32_t limits_overpressure_mn, limits_hysteresis_mn, limits_zone_low_mn, limits_zone_high_mn;
        int32_t limits_contact_on_mn, limits_contact_off_mn;
        /* [Plan] */
        uint64_t plan_rest_300_usec, plan_rest_500_usec, plan_rest_1000_usec, plan_rest_deeper_usec;
        unsigned plan_weekly_max, plan_course_weeks;
        /* [Store] */
        uint64_t store_retention_usec;          /* 0: for ever */
        unsigned store_retention_count;         /* of each user; 0: all */
        bool store_clear_on_device;             /* what is durable here goes on the device */
        bool bluetooth_set_parameters;          /* write [Limits] and the time limit into devices that take them */
        bool bluetooth_allow_broadcast;
        uint64_t bluetooth_release_usec; /* of Release() without `seconds`; 0: until Connect() */
        bool journal_figures;           /* what a session came to goes into the journal too */
} Config;

typedef void (*ConfigWarn)(const char *file, unsigned line, const char *message, void *userdata); /* line 0: the file as a whole */

void config_defaults(Config *config);
/* Reads `dir`/needled.conf and `dir`/needled.conf.d in the order of names. A missing file is no error. Returns the number of warnings. */
unsigned config_load(Config *config, const char *dir, ConfigWarn warn, void *userdata);

/* Each key in words, as needled.conf(5) says it: "a time from 1 to 86400 s; default 600 s". The caller frees the text. */
unsigned config_n_keys(void);
void config_describe(unsigned i, const char **ret_group, const char **ret_key, char **ret_text);
