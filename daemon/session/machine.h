/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The states of a session and all that leads from one to another: the one table of it. docs/session.md shows the same table, and a test
 * compares them. */

#include "session/session.h"

/* What a state does with an input: the state it leads to, or one of these. */
typedef enum MachineStep {
        MACHINE_OPEN = SESSION_OPEN,
        MACHINE_RUNNING = SESSION_RUNNING,
        MACHINE_PAUSED = SESSION_PAUSED,
        MACHINE_INTERRUPTED = SESSION_INTERRUPTED,
        MACHINE_FINISHED = SESSION_FINISHED,
        MACHINE_STAY = _SESSION_STATE_MAX, /* nothing changes */
        MACHINE_BACK,                   /* to the state before the interruption */
        MACHINE_REFUSED,                /* nothing changes, and who asked is told so */
} MachineStep;

/*        input, in words                            open         running      paused       interrupted  finished */
#define MACHINE_TABLE(X)                                                                                                              \
        X(USE,          "use",                       RUNNING,     STAY,        RUNNING,     STAY,        STAY)                        \
        X(FLAG,         "the device's session flag", RUNNING,     STAY,        STAY,        STAY,        STAY)                        \
        X(CONTACT_IDLE, "no contact for a while",    STAY,        PAUSED,      STAY,        STAY,        STAY)                        \
        X(PAUSE,        "pause by hand",             PAUSED,      PAUSED,      REFUSED,     REFUSED,     REFUSED)                     \
        X(UNPAUSE,      "resume by hand",            REFUSED,     REFUSED,     RUNNING,     REFUSED,     REFUSED)                     \
        X(LINK_LOST,    "the link is lost",          INTERRUPTED, INTERRUPTED, INTERRUPTED, STAY,        STAY)                        \
        X(SUSPENDED,    "the computer sleeps",       INTERRUPTED, INTERRUPTED, INTERRUPTED, STAY,        STAY)                        \
        X(LINK_UP,      "the link is back",          STAY,        STAY,        STAY,        BACK,        STAY)                        \
        X(IDLE,         "idle for too long",         FINISHED,    FINISHED,    FINISHED,    STAY,        STAY)                        \
        X(WINDOW,       "the window is over",        STAY,        STAY,        STAY,        FINISHED,    STAY)                        \
        X(DEVICE_END,   "ended by the device",       FINISHED,    FINISHED,    FINISHED,    FINISHED,    STAY)                        \
        X(FINISH,       "finished",                  FINISHED,    FINISHED,    FINISHED,    FINISHED,    REFUSED)                     \
        X(DISCARD,      "discarded",                 FINISHED,    FINISHED,    FINISHED,    FINISHED,    REFUSED)

typedef enum MachineInput {
#define MACHINE_ENUM(id, words, open, running, paused, interrupted, finished) MACHINE_ON_##id,
        MACHINE_TABLE(MACHINE_ENUM)
#undef MACHINE_ENUM
        _MACHINE_INPUT_MAX,
} MachineInput;

const char *machine_input_name(MachineInput input); /* in words */

extern const uint8_t machine_steps[_MACHINE_INPUT_MAX][_SESSION_STATE_MAX]; /* a MachineStep each */

static inline MachineStep machine_step(SessionState from, MachineInput input) {
        return (MachineStep) machine_steps[input][from];
}
