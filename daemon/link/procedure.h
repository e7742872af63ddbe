/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The procedures of an OMP device's Control Point over one connection: one after the other, each written and then answered
 * within 30 s (profile 1.9). After one that was not answered in time there is no other on this connection, since its
 * answer could be taken for that of the next.
 *
 * To stop the motor is "always allowed": that waits for no answer but its own, goes before all that waits, and is tried
 * also when the device has left another procedure without an answer. So is the end of a transfer, behind that; without an answer it ends
 * nothing else.
 *
 * Pure state: what is to be written goes out by a function, what came and the time come in. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp-control.h"

#define PROCEDURE_JOBS_MAX 8u           /* that run or wait; those that stop the motor are counted apart */
#define PROCEDURE_REQUESTS_MAX ((unsigned) _OMP_PARAMETER_MAX)
#define PROCEDURE_LIMIT_USEC (30 * UINT64_C(1000000))

typedef struct Procedures Procedures;

typedef struct ProcedureEnd {
        /* 0; -ENOTCONN the connection has gone; -ETIMEDOUT no answer; -EREMOTEIO refused, see `result`; else what the
         * write failed with */
        int error;
        const OmpRequest *request;      /* with which it ended; NULL: none was sent */
        uint8_t result;                 /* OmpResult of a refusal, else 0 */
} ProcedureEnd;

/* Requests that belong together. */
typedef struct ProcedureJob {
        OmpRequest requests[PROCEDURE_REQUESTS_MAX];
        size_t n;                       /* 1 at least */
        bool go_on;                     /* a refusal ends nothing: `answered` tells of it */
        void (*asked)(void *userdata);  /* each request as it is written, also from inside procedures_add(); may be NULL */
        void (*answered)(const OmpRequest *request, const OmpResponse *response, void *userdata); /* each; may be NULL */
        void (*done)(const ProcedureEnd *end, void *userdata); /* exactly once, never from inside procedures_add(); may be NULL */
        void *userdata;
} ProcedureJob;

/* Writes a value to the Control Point; procedures_written() is to follow. At most one is under way. */
typedef void (*ProcedureWrite)(const uint8_t *data, size_t size, void *userdata);

/* crc: bit 13 of Feature. */
Procedures *procedures_new(bool crc, ProcedureWrite write, void *userdata);
/* The connection has gone: all that is under way ends with -ENOTCONN. NULL is fine. Returns NULL. */
Procedures *procedures_free(Procedures *p);

/* The job is copied. -EBUSY: as many as can wait do so; -ETIMEDOUT: the device does not answer on this connection any more. */
int procedures_add(Procedures *p, const ProcedureJob *job, uint64_t now_usec);
/* The write has arrived (0), or failed. The answer of the device may come before this. */
void procedures_written(Procedures *p, int error, uint64_t now_usec);
/* A value of the Control Point. What is no answer to what is under way is passed over. */
void procedures_response(Procedures *p, const uint8_t *data, size_t size, uint64_t now_usec);
/* Of a trace that was asked for something came: the time for its answer begins anew. */
void procedures_prolong(Procedures *p, uint64_t now_usec);
/* When procedures_tick() is to be called; UINT64_MAX: nothing is under way. */
uint64_t procedures_deadline(const Procedures *p);
void procedures_tick(Procedures *p, uint64_t now_usec);
