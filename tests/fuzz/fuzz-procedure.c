/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "fuzz.h"
#include "link/procedure.h"

/* A device that answers anything on its Control Point. Each step is: what, and its octets. Whatever comes: at most one write is under way, and
 * each job that was taken ends once. */

#define JOBS_MAX 64u

typedef struct Scene {
        Procedures *procedures;
        bool writing;
        unsigned taken, ended;
        bool over[JOBS_MAX];
} Scene;

static Scene scene;

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        assert(!scene.writing && size > 0 && size <= OMP_REQUEST_MAX);
        scene.writing = true;
}

static void on_answered(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        assert(request->op == response->op);
}

static void on_done(const ProcedureEnd *end, void *userdata) {
        bool *over = userdata;

        assert(!*over);
        assert(end->error == 0 || end->error == -ENOTCONN || end->error == -ETIMEDOUT || end->error == -EREMOTEIO || end->error == -EIO);
        assert(end->error == -EREMOTEIO || end->result == 0);
        *over = true;
        scene.ended++;
}

static void add(Input *in, uint64_t now_usec) {
        static const OmpRequest requests[] = {
                { .op = OMP_OP_STOP_MOTOR }, { .op = OMP_OP_ABORT }, { .op = OMP_OP_TRACE, .record = 1 }, { .op = OMP_OP_START },
                { .op = OMP_OP_GET, .parameter = OMP_PARAMETER_WAVEFORM_BATCH }, { .op = OMP_OP_GET, .parameter = 1 },
                { .op = OMP_OP_SET, .parameter = 1, .value = 100 }, { .op = OMP_OP_IDENTIFY, .seconds = 1 },
        };
        uint8_t what = input_u8(in);
        ProcedureJob job = { .n = 1 + (what >> 6), .go_on = what & 0x20, .answered = on_answered, .done = on_done };
        int r;

        if (scene.taken == JOBS_MAX)
                return;
        for (size_t i = 0; i < job.n; i++)
                job.requests[i] = requests[(i == 0 ? what : input_u8(in)) % (sizeof(requests) / sizeof(requests[0]))];
        job.userdata = &scene.over[scene.taken];
        r = procedures_add(scene.procedures, &job, now_usec);
        assert(r == 0 || r == -EBUSY || r == -ETIMEDOUT);
        scene.taken += r == 0;
}

static void step(Input *in, uint64_t now_usec) {
        uint8_t what = input_u8(in), *octets;
        size_t size;

        switch (what % 6) {
        case 0:
                add(in, now_usec);
                break;
        case 1:
        case 2:
                octets = input_take(in, what >> 3, &size);
                procedures_response(scene.procedures, octets, size, now_usec);
                free(octets);
                break;
        case 3:
                if (scene.writing) {
                        scene.writing = false;
                        procedures_written(scene.procedures, what & 0x80 ? -EIO : what & 0x40 ? -ETIMEDOUT : 0, now_usec);
                }
                break;
        case 4:
                procedures_tick(scene.procedures, now_usec);
                assert(procedures_deadline(scene.procedures) > now_usec);
                break;
        case 5:
                procedures_prolong(scene.procedures, now_usec);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        uint64_t now_usec = 1;

        scene = (Scene) { .procedures = procedures_new(input_u8(&in) & 1, on_write, NULL) };
        while (in.size > 0) {
                step(&in, now_usec);
                now_usec += (uint64_t) input_u8(&in) << 18;
        }
        scene.procedures = procedures_free(scene.procedures);
        assert(scene.ended == scene.taken);
        return 0;
}
