/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What needlectl can do. Each verb stands in the file of its noun. */

#include <stddef.h>
#include <stdint.h>

#include "client/client.h"

typedef struct Verb {
        const char *name;
        const char *arguments;  /* as the help shows them, "" for none */
        const char *summary;    /* one line; NULL: for the shells, not for people */
        const char *details;    /* what one has to know beyond it, NULL if nothing */
        int args_min, args_max;
        uint64_t options;       /* OPTION_BIT() of those beyond the common ones */
        Exit (*run)(Client *client);
} Verb;

extern const Verb verbs[];
extern const size_t n_verbs;

/* NULL: there is none of this name. */
const Verb *verb_find(const char *name);

/* help.c */
void help_print(void);
void help_print_verb(const Verb *verb);
Exit verb_help(Client *client);
Exit verb_version(Client *client);

/* complete.c */
Exit verb_complete(Client *client);

/* status.c */
Exit verb_status(Client *client);

/* setup.c */
Exit verb_setup(Client *client);

/* doctor.c */
Exit verb_doctor(Client *client);

/* log.c */
Exit verb_log(Client *client);

/* devices.c */
Exit verb_devices(Client *client);
Exit verb_adopt(Client *client);
Exit verb_forget(Client *client);
Exit verb_connect(Client *client);
Exit verb_release(Client *client);
Exit verb_autoconnect(Client *client);
Exit verb_alias(Client *client);

/* control.c */
Exit verb_identify(Client *client);
Exit verb_tare(Client *client);
Exit verb_stop_motor(Client *client);
Exit verb_sync(Client *client);
Exit verb_get(Client *client);
Exit verb_set(Client *client);

/* search.c */
Exit verb_search(Client *client);

/* sessions.c */
Exit verb_start(Client *client);
Exit verb_pause(Client *client);
Exit verb_resume(Client *client);
Exit verb_finish(Client *client);
Exit verb_discard(Client *client);

/* procedure.c */
Exit verb_stage(Client *client);
Exit verb_area(Client *client);
Exit verb_mark(Client *client);
Exit verb_annotate(Client *client);

/* history.c */
Exit verb_sessions(Client *client);
Exit verb_show(Client *client);

/* plan.c */
Exit verb_plan(Client *client);
Exit verb_acknowledge(Client *client);

/* watch.c */
Exit verb_watch(Client *client);

/* replay.c */
Exit verb_replay(Client *client);

/* profile.c */
Exit verb_profile(Client *client);

/* export.c */
Exit verb_export(Client *client);

/* import.c */
Exit verb_import(Client *client);

/* report.c */
Exit verb_report(Client *client);

/* erase.c */
Exit verb_delete(Client *client);
Exit verb_erase(Client *client);

/* verify.c */
Exit verb_verify(Client *client);

/* record.c */
Exit verb_record(Client *client);
