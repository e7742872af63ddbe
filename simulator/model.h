/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The body model: a hand that uses a pen or a roller, sample by sample at the sensor's own rate. It is the
 * truth that the device measures; thresholds, events and packets are the device's (peripheral.c).
 *
 * A procedure is work on a list of areas. On each area the hand makes groups of passes: it sets the device
 * down, moves to and fro, lifts it. The force follows the hand (slow wander, tremor, rise and fall at each
 * pass), a pen's motor adds its strokes to it, and every few passes the hand presses too hard for a while.
 * The same seed gives the same samples. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/omp.h"

typedef enum ModelPhase {
        MODEL_REST,             /* on the table */
        MODEL_TAKEN,            /* in the hand, before the work */
        MODEL_WORK,
        MODEL_PAUSE,            /* in the middle: the motor is off */
        MODEL_DONE,             /* in the hand, after the work */
} ModelPhase;

/* Something that wanders about between −1 and 1, never faster than its frequency. */
typedef struct Wander {
        double target, a, b;
        double left_s;          /* until the next target */
        double hz, k;
} Wander;

/* One pass: one direction, in contact. */
typedef struct ModelPass {
        double s, length_s;     /* how far, of how long */
        double from, to;        /* share of the force at its ends: 0 where it is set down or lifted */
        double force_mn;
        double length_mm;
        double over_s, over_length_s, over_mn; /* when and how much too hard; length 0: not in this one */
} ModelPass;

typedef struct Model {
        OmpKind kind;
        unsigned rate_hz;       /* samples a second: 1000 for a pen, 200 for a roller */

        /* What the device's sensors see. */
        ModelPhase phase;
        double force_mn;        /* of this sample */
        double motor_hz;        /* 0: off */
        unsigned set_point_per_min; /* of the motor, 0 for a roller */
        double current_ma;
        uint32_t strokes;       /* pen: turns of the motor; roller: passes */
        uint32_t passes;
        double distance_mm;     /* rolled */
        uint8_t area;           /* 1.9 Areas */
        uint16_t depth_um;
        double battery;         /* % */

        /* private */
        uint64_t random;
        double dt;
        double procedure_s, work_s, phase_left_s, next_area_s;
        unsigned area_index;
        bool paused_once;
        bool down;              /* a pass is being made; else the hand is away for away_s */
        double away_s;
        unsigned passes_left;   /* of this group */
        unsigned passes_to_over;
        double over_threshold_mn;
        ModelPass pass;
        Wander slow, tremor, motor_wander;
        double stroke_phase;    /* 0 … 1 of a turn */
        double area_force;      /* how hard on this area, 1: as usual */
} Model;

void model_init(Model *m, OmpKind kind, uint64_t seed);
/* The hand takes the device and begins; nothing if it is under way. `over_mn` is what the device calls too
 * hard. */
void model_start(Model *m, uint64_t procedure_usec, double over_mn);
/* The hand lifts and puts it away soon. */
void model_stop(Model *m);
/* One sample further. */
void model_step(Model *m);
/* Many samples at once while nothing is done with it (MODEL_REST): only the battery notices. */
void model_rest(Model *m, uint64_t samples);
