/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage-plan.h"

#include <glib.h>

StagePlan stage_plan;

static void asked(uid_t owner, const char *subject, void *call) {
        g_assert_null(stage_plan.call);
        stage_plan.n_asked++;
        stage_plan.owner = owner;
        g_strlcpy(stage_plan.subject, subject, sizeof(stage_plan.subject));
        stage_plan.call = call;
}

static void op_get(uid_t owner, const char *subject, unsigned area, BusPlanDone done, void *call, void *userdata) {
        asked(owner, subject, call);
        stage_plan.area = area;
        stage_plan.done_plan = done;
}

static void op_configure(const StorePlan *changes, bool reset, BusDone done, void *call, void *userdata) {
        asked(changes->owner, changes->subject, call);
        stage_plan.changes = *changes;
        stage_plan.reset = reset;
        stage_plan.done = done;
}

static const char *op_contraindications_version(void *userdata) {
        return stage_plan.version;
}

static char **op_contraindications(const char *language, void *userdata) {
        const char *const texts[] = { "Wounds are named.", "Acne is named.", NULL };

        g_strlcpy(stage_plan.language, language, sizeof(stage_plan.language));
        return g_strdupv((char **) texts);
}

static uint64_t op_acknowledged_at(uid_t owner, void *userdata) {
        return stage_plan.acknowledged_at;
}

static void op_acknowledge(uid_t owner, BusDone done, void *call, void *userdata) {
        asked(owner, "", call);
        stage_plan.done = done;
}

static int op_forget(uid_t owner, const char *owner_name, void *userdata) {
        stage_plan.n_forgotten += stage_plan.forget_error == 0;
        stage_plan.owner = owner;
        return stage_plan.forget_error;
}

const BusPlanOps stage_plan_ops = {
        .get = op_get,
        .configure = op_configure,
        .contraindications_version = op_contraindications_version,
        .contraindications = op_contraindications,
        .acknowledged_at = op_acknowledged_at,
        .acknowledge = op_acknowledge,
        .forget = op_forget,
};

void stage_plan_answer(void) {
        void *call = g_steal_pointer(&stage_plan.call);

        g_assert_nonnull(call);
        if (stage_plan.done_plan)
                g_steal_pointer(&stage_plan.done_plan)(stage_plan.error, &stage_plan.answer, call);
        else
                g_steal_pointer(&stage_plan.done)(stage_plan.error, NULL, call);
}
