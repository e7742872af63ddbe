/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The reader's half of an import: a tape from a pipe, in slices, line by line, into chunks for the writer. Nothing of it waits: not for the
 * pipe, which belongs to somebody else, and not for the writer. What is kept between slices is bounded, however long the tape. */

#include <stdbool.h>
#include <sys/queue.h>

#include "store/intake.h"

#define IMPORT_SIZE_MAX (UINT64_C(2) * 1024 * 1024 * 1024) /* octets of a tape */
#define IMPORT_LENGTH_USEC (UINT64_C(24) * 3600 * 1000000) /* of the session */

#define IMPORT_LEAST (64u * 1024u)      /* octets, or the end, in what is waited for the pipe: who gives less keeps others from it */

typedef enum ImportWait {
        IMPORT_GOES_ON,                 /* there is something to do */
        IMPORT_WAITS_PIPE,              /* for more of the tape */
        IMPORT_WAITS_WRITER,            /* for room, or until all of it is durable */
} ImportWait;

/* Errors are those of StoreImported. */
Import *import_new(Store *store, const StoreImport *wanted, StoreImported done, void *userdata);
/* Leaves the caller's pipe open. The intake is done with before. */
Import *import_free(Import *import);

struct Import {
        TAILQ_ENTRY(Import) entry;
        Store *store;
        Intake intake;
        StoreSession session;           /* what the caller said, then what the tape's head says */
        StoreImported done;
        void *userdata;
        int fd;                         /* the caller's; its flags are left alone */
        int pipe[2];                    /* ours: what is in it can be read without waiting */
        size_t n_piped;                 /* octets that are: of a pipe of packets (O_DIRECT) a read takes one, however many came */

        uint8_t buffer[64 * 1024];      /* what was read and is not taken yet … */
        size_t at, size;
        char line[TAPE_LINE_MAX + 1];   /* … and the beginning of a line */
        size_t line_size;
        uint64_t n_octets, n_counted;   /* that came, in all and when the deadline was set */
        TapeReader tape;
        bool ended;                     /* nothing comes any more */
        bool has_end;                   /* the line that says how the session ended was there */
        uint64_t end_usec;              /* by it: session time, wall clock */
        uint64_t end_realtime_usec;
        char end_reason[TAPE_TEXT_MAX];
        bool has_figures;
        Figures figures;                /* at its end */

        bool begun, finishing;          /* handed to the writer */
        void *decoding;                 /* of the StoreDecoder; NULL: nobody knows the profile */
        IntakePart part;
        size_t allocated_events, allocated_gaps; /* of it */
        char message[320];              /* what is wrong, "" */

        ImportWait waits;
        uint64_t deadline_usec;         /* for what it waits for */
};

/* Whether it has something to do now. With the mutex held. */
bool import_is_ready(const Import *import);
/* Reads until there is a part for the writer, the pipe is empty or at its end, or it is `until_usec` (CLOCK_MONOTONIC). 1: something came,
 * 0: nothing; negative errno, import->message says why. Without the mutex. */
int import_read(Import *import, uint64_t until_usec);
/* Hands on what was read. 1: all is durable, 0: not yet; negative errno likewise. With the mutex held. */
int import_hand_over(Import *import);
