/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the profile's numbers are called, for people and for other programs. A number without a name is never hidden: it is
 * "unknown-<n>". */

#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

typedef enum OmpVocabulary {
        OMP_WORDS_KIND,                 /* OmpKind */
        OMP_WORDS_FEATURE,              /* bits of Feature, by their number */
        OMP_WORDS_LIVE_FLAG,            /* bits of Live's flags */
        OMP_WORDS_ENCODING,             /* OmpEncoding */
        OMP_WORDS_CHANNEL,              /* of a waveform */
        OMP_WORDS_EVENT,                /* OMP_EVENT_*; the vendors' codes are "vendor-<n>" */
        OMP_WORDS_EVENT_FLAG,           /* bits of Event's flags */
        OMP_WORDS_SEVERITY,             /* OmpSeverity */
        OMP_WORDS_STATE,                /* OmpState */
        OMP_WORDS_STATUS_FLAG,          /* bits of Status's flags */
        OMP_WORDS_AREA,                 /* of the body */
        OMP_WORDS_CLOCK_SOURCE,         /* OmpClockSource */
        OMP_WORDS_ELAPSED_FLAG,         /* bits of an Elapsed Time's flags */
        OMP_WORDS_OP,                   /* OmpOp */
        OMP_WORDS_RESULT,               /* OmpResult */
        OMP_WORDS_PARAMETER,            /* OmpParameter */
        OMP_WORDS_FEEDBACK,             /* bits of the feedback mask */
        OMP_WORDS_ATT_ERROR,            /* OmpAttError */
        OMP_WORDS_RACP_OP,              /* OmpRacpOp */
        OMP_WORDS_RACP_OPERATOR,        /* OmpRacpOperator */
        OMP_WORDS_RACP_CODE,            /* OmpRacpCode */
        OMP_WORDS_BODY,                 /* OmpBodyType */
        OMP_WORDS_RECORD_FLAG,          /* bits of a record's flags */
        _OMP_VOCABULARY_MAX,
} OmpVocabulary;

#define OMP_WORD_SIZE 20u               /* holds "unknown-4294967295" */

/* NULL: the number has no name. */
const char *omp_name(OmpVocabulary vocabulary, uint32_t number);
/* The name, or "unknown-<number>" written into buf, which has OMP_WORD_SIZE octets. Returns the name or buf. */
const char *omp_word(OmpVocabulary vocabulary, uint32_t number, char *buf);
