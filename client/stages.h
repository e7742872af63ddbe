/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stages of a procedure: what the sources say about each, and what the record does with it. Facts with their
 * sources, no advice. */

#include <jansson.h>

#include "needled/note.h"

typedef struct StageFacts {
        const char *says;               /* what is done in it */
        const char *source;             /* who says so */
        const char *kept;               /* what the record does with it */
} StageFacts;

/* NULL for STAGE_NONE. */
const StageFacts *stages_facts(Stage stage);
/* All of them in order, as JSON; a new reference. */
json_t *stages_json(void);
/* For people, `columns` wide (0: no limit); `current`: the one that it is in. The caller frees. */
char *stages_text(Stage current, unsigned columns);
