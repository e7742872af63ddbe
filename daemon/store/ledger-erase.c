/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/ledger.h"

/* What is set, begins or ends behind it stays: so it is told here what was there, once, be it that the commit fails. */
static int place_erase(Ledger *ledger, Job *job) {
        int rc = SQLITE_OK;

        job->erase_upto = ledger->next_session_id - 1;
        if (job->erase == ERASE_OWNER) {
                job->spared = job->spared ?: g_array_new(FALSE, FALSE, sizeof(uint64_t));
                rc = rows_not_over(&ledger->rows, job->spared);
        }
        job->erase_placed = rc == SQLITE_OK;
        return rc;
}

/* Durable before it begins, so that the next process goes on with all of it. */
static int note_erase(Ledger *ledger, Job *job, uint64_t session, uid_t owner) {
        RowsErasure erasure = {
                .session = session,
                .owner = owner,
                .owner_name = job->erase_owner_name,
                .upto = job->erase_upto,
                .spared = job->spared,
        };

        erasure.id = job->erase_row = job->erase_row ?: ledger->next_erasure++;
        return rows_erasure_put(&ledger->rows, &erasure);
}

int ledger_erase(Ledger *ledger, Job *job) {
        RowsSessionState state = { .owner = job->erase_owner };
        int rc = SQLITE_OK;

        if (job->erase == ERASE_COPIES)
                return note_erase(ledger, job, ROWS_ERASURE_OF_COPIES, job->erase_owner);
        if (job->erase == ERASE_OWNER) {
                ledger_forget_person(ledger, job->erase_owner, job->erase_owner_name);
                rc = rows_person_delete(&ledger->rows, job->erase_owner, job->erase_owner_name);
        } else if (job->erase == ERASE_SESSION) {
                rc = rows_session_state(&ledger->rows, job->session, &state);
                if (rc == SQLITE_NOTFOUND || (rc == SQLITE_OK && state.ended != 1))
                        return SQLITE_OK; /* there is nothing to go on with */
        } else
                return SQLITE_OK;
        if (rc == SQLITE_OK && !job->erase_placed)
                rc = place_erase(ledger, job);
        return rc == SQLITE_OK ? note_erase(ledger, job, job->session, state.owner) : rc;
}
