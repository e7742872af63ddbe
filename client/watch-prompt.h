/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the keys of the live view mean: what is asked for, and the line in which it is asked. Pure; octets come in as
 * they were typed. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/areas.h"

#define WATCH_PROMPT_TEXT_MAX 255u      /* octets of a mark */
#define WATCH_PROMPT_SAID_USEC UINT64_C(6000000)

typedef enum WatchAsk {
        WATCH_ASK_NOTHING,
        WATCH_ASK_AREA,         /* a name */
        WATCH_ASK_STAGE,        /* one key */
        WATCH_ASK_MARK,         /* a text */
        WATCH_ASK_TARE,         /* y, or not */
        WATCH_ASK_FINISH,
} WatchAsk;

typedef enum WatchAction {
        WATCH_ACTION_NONE,
        WATCH_ACTION_QUIT,
        WATCH_ACTION_PAUSE,     /* or resume, as the session is */
        WATCH_ACTION_IDENTIFY,
        WATCH_ACTION_TARE,
        WATCH_ACTION_FINISH,
        WATCH_ACTION_AREA,      /* `value` is its name */
        WATCH_ACTION_STAGE,     /* likewise, "" none */
        WATCH_ACTION_MARK,      /* `value` is its text */
} WatchAction;

typedef struct WatchPrompt {
        bool has_actions;       /* else there is nothing but leaving: a tape */
        bool help;              /* the keys are shown */
        WatchAsk ask;
        bool just_asked;        /* what was typed along with the question is no answer to it */
        GString *text;          /* typed so far */
        gsize cursor;           /* octets before it */
        char *stem;             /* what was typed before the list was stepped through; NULL: nobody did */
        unsigned step;          /* where in the list */
        char *value;            /* of the newest action */

        char *said;             /* what came of it, for a while */
        bool said_is_bad;
        uint64_t said_usec;

        char sequence[8];       /* of a key that sends several octets: what came */
        unsigned n_sequence;
        bool is_flushed;        /* the rest of what was typed at once goes: it was pasted */
} WatchPrompt;

void watch_prompt_init(WatchPrompt *p, bool has_actions);
void watch_prompt_done(WatchPrompt *p);

/* One octet. `area` is the one that holds now, NULL: none; `now_usec` on the clock of the picture. */
WatchAction watch_prompt_key(WatchPrompt *p, unsigned char key, const char *area, uint64_t now_usec);
/* No more octets are there: an escape that stands alone is the key of this name. */
void watch_prompt_settle(WatchPrompt *p);

/* Shown below the picture for some seconds. */
void watch_prompt_say(WatchPrompt *p, bool bad, const char *text, uint64_t now_usec);
/* NULL: nothing, or it is old. */
const char *watch_prompt_said(const WatchPrompt *p, uint64_t now_usec);

/* Areas that what was typed may become, at most AREAS_MAX; returns how many. */
unsigned watch_prompt_areas(const WatchPrompt *p, const char *names[static AREAS_MAX]);
