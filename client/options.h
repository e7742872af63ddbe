/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line: one table of options for all verbs. */

#include <stdbool.h>
#include <stdint.h>

#include "client/exit.h"

typedef enum Option {
        /* for every verb */
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_NO_PAGER,
        OPTION_COLOR,
        OPTION_QUIET,
        OPTION_REDACT,
        OPTION_NO_ASK_PASSWORD,
        _OPTION_COMMON_MAX,
        /* for those that name them */
        OPTION_SECONDS = _OPTION_COMMON_MAX,
        OPTION_FOR,
        OPTION_ALIAS,
        OPTION_ALLOW_UNBONDED,
        OPTION_SUBJECT,
        OPTION_AREA,
        OPTION_PRODUCT,
        OPTION_NOTE,
        OPTION_UNTIL_END,
        OPTION_SINCE,
        OPTION_UNTIL,
        OPTION_DEVICE,
        OPTION_LIMIT,
        OPTION_OUTPUT,
        OPTION_FORCE,
        OPTION_FORMAT,
        OPTION_SPEED,
        OPTION_CHAR,
        OPTION_HEX,
        OPTION_TAPE,
        OPTION_OWNER,
        OPTION_ALL,
        OPTION_YES,
        OPTION_COPIES,
        OPTION_RESAMPLE,
        OPTION_FROM,
        OPTION_TO,
        OPTION_FOLLOW,
        OPTION_TAIL,
        OPTION_EXPLAIN,
        OPTION_PAGE,
        OPTION_PAGE_FORMAT,
        _OPTION_MAX,
} Option;

#define OPTION_BIT(option) (UINT64_C(1) << (option))

typedef struct OptionInfo {
        const char *name;
        char letter;            /* 0: none */
        const char *argument;   /* what it is called in the help; NULL: takes none */
        const char *help;
} OptionInfo;

extern const OptionInfo option_info[_OPTION_MAX];

/* The verb that has this option alone: there, others of its name or letter do not count. NULL: any may have it. */
const char *option_verb(Option option);

typedef struct Options {
        const char *value[_OPTION_MAX]; /* NULL: not given; "" for those without an argument */
        char **args;            /* what is left, the verb first */
        int n_args;
} Options;

/* Takes the options out of the command line, wherever they stand. EXIT_USAGE. */
Exit options_parse(int argc, char **argv, Options *ret);

static inline bool options_has(const Options *options, Option option) {
        return options->value[option];
}

/* A number in min … max, or `fallback` if the option was not given. EXIT_USAGE. */
Exit options_number(const Options *options, Option option, uint64_t min, uint64_t max, uint64_t fallback,
                    uint64_t *ret);

/* A moment (format_parse_time), or 0 if the option was not given. EXIT_USAGE. */
Exit options_time(const Options *options, Option option, uint64_t now_realtime_usec, uint64_t *ret);
