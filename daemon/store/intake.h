/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The writer's half of an import: what the reader's thread made of a tape, in parts, as jobs in the writer's queue. They do not count
 * against the memory that live frames may take and are never dropped. Instead of that the reader makes no more of them while there is no
 * room, and is woken when there is. Nothing of the session is to be seen until intake_finish() is durable, and what is not finished is taken
 * away again, also after the process has ended. A part is written once, whatever fails in between.
 *
 * All of it on the reader's thread, with the mutex held. */

#include "store/shared.h"

#define INTAKES_MAX 2u                  /* imports at a time */
#define INTAKES_ABANDONED_MAX 8u        /* that came to nothing, which is not written yet */
#define INTAKE_SIZE_MAX (256u * 1024u)  /* octets of one that wait for the writer, roughly */

/* It lies in what the reader keeps of the import. */
struct Intake {
        TAILQ_ENTRY(Intake) entry;
        uint64_t id;                    /* of the session */
        size_t waiting;                 /* octets that are not committed yet */
        uint64_t next_seq;              /* of the next chunk */
        int error;                      /* why it comes to nothing: -EEXIST its owner has the session, by its uuid or by its record, -EIO it can never be written;
                                         * then intake_done() is all that is left to do */
        bool finished;                  /* durable, and to be seen */
        bool begun;
};

/* All of the session but its end and figures; copied. */
void intake_begin(Store *store, Intake *intake, const StoreSession *session);
bool intake_has_room(const Intake *intake);
/* Takes it over; it is empty after that. Also without room: a part is never refused, so that the reader need not keep one. */
void intake_part(Store *store, Intake *intake, IntakePart *part);
/* All parts are handed over. shared_wake_reader() tells when `finished` or `error` is set. */
void intake_finish(Store *store, Intake *intake, const StoreEnd *end);
/* Forgets it; takes away what there is of it, unless it is finished. Also of one that never began (all zero). Counts as abandoned until that
 * is written. */
void intake_done(Store *store, Intake *intake);

/* The writer's side, with the mutex held: what has become of one of its jobs. */
void intake_written(Store *store, const Job *job);
