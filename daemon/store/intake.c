/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/intake.h"

static void push(Store *store, Job *job, bool urgent) {
        bool was_empty = TAILQ_EMPTY(&store->queue.jobs);

        queue_push(&store->queue, job);
        shared_queued(store, was_empty, urgent);
}

static Intake *find(Store *store, uint64_t id) {
        Intake *intake;

        TAILQ_FOREACH(intake, &store->intakes, entry)
                if (intake->id == id)
                        break;
        return intake;
}

void intake_begin(Store *store, Intake *intake, const StoreSession *session) {
        Job *job = job_new(JOB_INTAKE_BEGIN, session->id);

        *intake = (Intake) { .id = session->id, .begun = true };
        TAILQ_INSERT_TAIL(&store->intakes, intake, entry);
        job->begin = g_new0(StoreSession, 1);
        job_copy_session(job->begin, session);
        push(store, job, true);         /* whether there is one already is worth knowing early */
}

bool intake_has_room(const Intake *intake) {
        return intake->waiting < INTAKE_SIZE_MAX;
}

void intake_part(Store *store, Intake *intake, IntakePart *part) {
        Job *job = job_new(JOB_INTAKE_PART, intake->id);

        intake->waiting += intake_part_size(part);
        job->part = *part;
        job->part_seq = intake->next_seq++;
        *part = (IntakePart) {};
        push(store, job, !intake_has_room(intake));
}

void intake_finish(Store *store, Intake *intake, const StoreEnd *end) {
        Job *job = job_new(JOB_INTAKE_FINISH, intake->id);

        job->end = *end;
        job->end.reason = g_strdup(end->reason);
        job->end.figures = g_memdup2(end->figures, sizeof *end->figures);
        push(store, job, true);
}

void intake_done(Store *store, Intake *intake) {
        if (!intake->begun)
                return;
        TAILQ_REMOVE(&store->intakes, intake, entry);
        if (!intake->finished) {
                queue_drop_intake(&store->queue, intake->id);
                push(store, job_new(JOB_INTAKE_ABANDON, intake->id), true);
                store->n_abandoned++;
        }
        intake->begun = false;
}

void intake_written(Store *store, const Job *job) {
        Intake *intake = find(store, job->session);

        store->n_abandoned -= job->type == JOB_INTAKE_ABANDON;
        if (!intake)
                return;
        if (job->type == JOB_INTAKE_PART)
                intake->waiting -= intake_part_size(&job->part);
        intake->error = intake->error ?: job->result;
        intake->finished |= job->type == JOB_INTAKE_FINISH && job->result == 0;
        shared_wake_reader(store);
}
