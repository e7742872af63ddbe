/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes back in what an older version had put aside as "<path>.v<version>", now that this one can read it. The file is opened by a connection
 * of its own, on the writer's thread: what is wrong with it is never taken for damage of the database. It is checked whole, led on to this version,
 * and then what was set, devices and sessions that had not ended come over in one transaction before anybody is told what there is; sessions that
 * are over follow in steps of bounded time, under rows that nobody sees until they are whole. At the end the file is removed: it would be a second copy.
 *
 * How far it has come stands in the database, in the transaction that shows a session: what is erased here after it came does not come again. A
 * process that ends in the middle leaves a session that nobody sees, which the eraser takes away, and the next one goes on. Whose sessions are not to come
 * because all of theirs were erased meanwhile stands there too, until the file is gone: it is not written to.
 *
 * What fails is left for the next start. Functions return SQLite's result codes, of the database; those of the file stay in here. */

#include "store/ledger.h"

#define ASIDE_STEP_USEC UINT64_C(20000) /* as the eraser's */

typedef struct Aside {
        char *path;             /* the file; NULL: there is none that is to be taken in */
        char *key;              /* of `meta`: the highest id that is dealt with */
        char *trouble;          /* a sentence: why one was left where it is */
        char *refused;          /* its name */
        sqlite3 *db;
        sqlite3_stmt *sessions; /* of it, the next ones */
        sqlite3_stmt *details;  /* of the session that is being taken in, of the table `table` */
        sqlite3_stmt *into;     /* the database's, for the same */
        unsigned table;
        uint64_t from, id;      /* of that session: there, and here; 0: none */
        uint64_t next_id;       /* for those whose id is used here: some are set apart for them */
} Aside;

/* Of what it says about trouble; the rest goes with aside_stop(). */
void aside_done(Aside *aside);
/* With the database open and before anything is loaded from it. Looks for such a file, and takes what must be here before anybody is told.
 * If there is one that is left where it is, `trouble` says so. `free_min`: octets that stay free on the disk. */
int aside_begin(Aside *aside, Ledger *ledger, const char *path, uint64_t free_min);
bool aside_is_busy(const Aside *aside);
/* One step; outside of a transaction. */
int aside_step(Aside *aside, Ledger *ledger);
/* In the transaction that an erasure begins with: what has not come yet of these sessions does not come, of this file nor of any other that is put
 * aside now, whoever can read it. (uid_t) -1: everybody's; name as store_owner_fits(). */
int aside_forget(Aside *aside, Ledger *ledger, const char *path, uid_t owner, const char *owner_name);
/* The connection of the database goes, or a step failed: the next start goes on. */
void aside_stop(Aside *aside, Ledger *ledger);
