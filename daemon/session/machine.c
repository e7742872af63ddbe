/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/machine.h"

static const char *const input_names[_MACHINE_INPUT_MAX] = {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): an initialiser */
#define INPUT_NAME(id, words, open, running, paused, interrupted, finished) [MACHINE_ON_##id] = words,
        MACHINE_TABLE(INPUT_NAME)
#undef INPUT_NAME
};

const uint8_t machine_steps[_MACHINE_INPUT_MAX][_SESSION_STATE_MAX] = {
#define INPUT_STEPS(id, words, open, running, paused, interrupted, finished)                                                  \
        [MACHINE_ON_##id] = { [SESSION_OPEN] = MACHINE_##open, [SESSION_RUNNING] = MACHINE_##running,                         \
                              [SESSION_PAUSED] = MACHINE_##paused, [SESSION_INTERRUPTED] = MACHINE_##interrupted,             \
                              [SESSION_FINISHED] = MACHINE_##finished },
        MACHINE_TABLE(INPUT_STEPS)
#undef INPUT_STEPS
};

const char *machine_input_name(MachineInput input) {
        return input_names[input];
}
