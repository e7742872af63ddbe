/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration: needled.conf and needled.conf.d, GKeyFile syntax, later files win key by key. A bad file, key or value is a warning
 * that names file, line and key; the default stands and the service starts. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Config {
        uint64_t session_window_usec;
        uint64_t session_idle_timeout_usec;
        bool session_auto_start;
        bool bluetooth_allow_broadcast;
        uint64_t bluetooth_release_usec; /* of Release() without `seconds`; 0: until Connect() */
} Config;

typedef void (*ConfigWarn)(const char *file, unsigned line, const char *message, void *userdata); /* line 0: the file as a whole */

void config_defaults(Config *config);
/* Reads `dir`/needled.conf and `dir`/needled.conf.d in the order of names. A missing file is no error. Returns the number of warnings. */
unsigned config_load(Config *config, const char *dir, ConfigWarn warn, void *userdata);
