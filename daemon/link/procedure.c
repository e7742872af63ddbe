/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/procedure.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>

/* Three queues: what comes first in this order is written first. */
typedef enum Lane {
        LANE_STOP,
        LANE_ABORT,
        LANE_USUAL,
        _LANE_MAX,
} Lane;

typedef struct Job {
        ProcedureJob job;
        size_t at;                      /* the request that is next, or under way */
} Job;

typedef struct Queue {
        GQueue jobs;                    /* Job*, owned; the first runs */
        bool asked;                     /* its request was written, and is not answered */
        uint64_t deadline_usec;         /* while `asked` */
} Queue;

struct Procedures {
        bool crc;
        ProcedureWrite write;
        void *userdata;
        Queue queues[_LANE_MAX];
        bool writing;                   /* a write is under way: bluetoothd takes one at a time */
        Lane written;                   /* whose it is */
        bool mute;                      /* something was not answered in time */
};

static Lane lane_of(const ProcedureJob *job) {
        uint8_t op = job->requests[0].op;

        if (job->n > 1)
                return LANE_USUAL;

        return op == OMP_OP_STOP_MOTOR ? LANE_STOP : op == OMP_OP_ABORT ? LANE_ABORT : LANE_USUAL;
}

static void end_job(Queue *q, int error, uint8_t result) {
        g_autofree Job *j = g_queue_pop_head(&q->jobs);
        bool sent = q->asked || j->at > 0;
        ProcedureEnd end = { .error = error, .request = sent ? &j->job.requests[j->at] : NULL, .result = result };

        q->asked = false;
        if (j->job.done)
                j->job.done(&end, j->job.userdata);
}

/* Only those that are there now: an answer may lead to a new one. */
static void end_all(Queue *q, int error) {
        for (unsigned n = q->jobs.length; n > 0 && q->jobs.length > 0; n--)
                end_job(q, error, 0);
}

static void write_request(Procedures *p, Lane lane, uint64_t now_usec) {
        Queue *q = &p->queues[lane];
        const Job *j = g_queue_peek_head(&q->jobs);
        uint8_t data[OMP_REQUEST_MAX];
        int n = omp_request_encode(&j->job.requests[j->at], p->crc, data, sizeof(data));

        assert(n > 0); /* ours alone */
        q->asked = true;
        q->deadline_usec = now_usec + PROCEDURE_LIMIT_USEC;
        p->writing = true;
        p->written = lane;
        if (j->job.asked)
                j->job.asked(j->job.userdata);
        p->write(data, (size_t) n, p->userdata);
}

static void go_on(Procedures *p, uint64_t now_usec) {
        for (int lane = 0; lane < _LANE_MAX && !p->writing; lane++)
                if (p->queues[lane].jobs.length > 0 && !p->queues[lane].asked)
                        write_request(p, (Lane) lane, now_usec);
}

static bool answers(const OmpRequest *request, const OmpResponse *response) {
        if (request->op != response->op)
                return false;

        return request->op != OMP_OP_GET || response->result != OMP_RESULT_OK || request->parameter == response->parameter;
}

/* The end of a transfer shows in the answer to the transfer, which some devices leave it at. */
static void not_answered(Procedures *p, Lane lane) {
        if (lane == LANE_ABORT) {
                end_job(&p->queues[lane], -ETIMEDOUT, 0);
                return;
        }

        p->mute = true;
        end_job(&p->queues[lane], -ETIMEDOUT, 0);
        end_all(&p->queues[LANE_USUAL], -ETIMEDOUT);
}

Procedures *procedures_new(bool crc, ProcedureWrite write, void *userdata) {
        Procedures *p = g_new(Procedures, 1);

        *p = (Procedures) { .crc = crc, .write = write, .userdata = userdata };
        return p;
}

Procedures *procedures_free(Procedures *p) {
        if (!p)
                return NULL;

        for (int lane = 0; lane < _LANE_MAX; lane++)
                while (p->queues[lane].jobs.length > 0)
                        end_job(&p->queues[lane], -ENOTCONN, 0);
        g_free(p);
        return NULL;
}

int procedures_add(Procedures *p, const ProcedureJob *job, uint64_t now_usec) {
        Lane lane = lane_of(job);
        Job *j;

        assert(job->n > 0 && job->n <= PROCEDURE_REQUESTS_MAX);
        if (p->mute && lane == LANE_USUAL)
                return -ETIMEDOUT;
        if (p->queues[lane].jobs.length >= PROCEDURE_JOBS_MAX)
                return -EBUSY;

        j = g_new(Job, 1);
        *j = (Job) { .job = *job };
        g_queue_push_tail(&p->queues[lane].jobs, j);
        go_on(p, now_usec);
        return 0;
}

void procedures_written(Procedures *p, int error, uint64_t now_usec) {
        bool waits = p->queues[p->written].asked; /* else it was answered before */

        p->writing = false;
        if (waits && error == -ETIMEDOUT)
                not_answered(p, p->written);
        else if (waits && error < 0)
                end_job(&p->queues[p->written], error, 0);
        go_on(p, now_usec);
}

void procedures_response(Procedures *p, const uint8_t *data, size_t size, uint64_t now_usec) {
        OmpResponse response;

        if (omp_response_decode(data, size, p->crc, &response) < 0)
                return;

        for (int lane = 0; lane < _LANE_MAX; lane++) {
                Queue *q = &p->queues[lane];
                Job *j = g_queue_peek_head(&q->jobs);

                if (!q->asked || !answers(&j->job.requests[j->at], &response))
                        continue;

                if (j->job.answered)
                        j->job.answered(&j->job.requests[j->at], &response, j->job.userdata);
                if (response.op == OMP_OP_TRACE) /* there is nothing to end any more */
                        end_all(&p->queues[LANE_ABORT], 0);
                if (response.result != OMP_RESULT_OK && !j->job.go_on)
                        end_job(q, -EREMOTEIO, response.result);
                else if (j->at + 1 == j->job.n)
                        end_job(q, 0, 0);
                else {
                        j->at++;
                        q->asked = false;
                }
                break;
        }
        go_on(p, now_usec);
}

void procedures_prolong(Procedures *p, uint64_t now_usec) {
        Queue *q = &p->queues[LANE_USUAL];
        const Job *j = q->asked ? g_queue_peek_head(&q->jobs) : NULL;

        if (j && j->job.requests[j->at].op == OMP_OP_TRACE)
                q->deadline_usec = now_usec + PROCEDURE_LIMIT_USEC;
}

uint64_t procedures_deadline(const Procedures *p) {
        uint64_t deadline = UINT64_MAX;

        for (int lane = 0; lane < _LANE_MAX; lane++)
                if (p->queues[lane].asked)
                        deadline = MIN(deadline, p->queues[lane].deadline_usec);

        return deadline;
}

void procedures_tick(Procedures *p, uint64_t now_usec) {
        for (int lane = 0; lane < _LANE_MAX; lane++)
                if (p->queues[lane].asked && p->queues[lane].deadline_usec <= now_usec)
                        not_answered(p, (Lane) lane);
        go_on(p, now_usec);
}
