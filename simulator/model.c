/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "model.h"

typedef struct Area {
        uint8_t area;
        uint16_t depth_um;
        double force;           /* bony areas are treated more lightly */
} Area;

/* Depths inside the ranges that a pen's maker gives for thin to thick skin: forehead 0.25–0.75 mm, nose
 * 0.25–0.5, cheek and chin 0.5–2.0. */
static const Area pen_areas[] = {
        { 1, 500, 0.85 }, { 3, 750, 1.10 }, { 4, 750, 1.10 },
        { 5, 250, 0.70 }, { 9, 750, 1.00 }, { 10, 500, 0.95 },
};
static const Area roller_areas[] = {
        { 0, 250, 1.00 },       /* a roller has no way to know */
};

typedef struct Habit { /* of a hand with this kind of device */
        unsigned rate_hz;
        double force_mn[2], pass_s[2], pass_mm[2], lift_s[2];
        unsigned group[2];      /* passes between two lifts */
        double reversal;        /* share of the force that is left when it turns round */
        double drain;           /* % of the battery a minute at work */
} Habit;

static const Habit pen_habit = {
        .rate_hz = 1000,
        .force_mn = { 700, 1300 }, .pass_s = { 0.8, 2.2 }, .pass_mm = { 25, 60 }, .lift_s = { 0.2, 0.7 },
        .group = { 1, 3 }, .reversal = 0.7, .drain = 0.8,
};
static const Habit roller_habit = {
        .rate_hz = 200,
        .force_mn = { 1300, 2600 }, .pass_s = { 0.45, 0.9 }, .pass_mm = { 60, 110 }, .lift_s = { 0.4, 1.0 },
        .group = { 4, 9 }, .reversal = 0.6, .drain = 0.1,
};

#define EDGE_S 0.12             /* how long it takes to set the device down, or to lift it */
#define RIPPLE 0.4              /* how much of a pen's force comes and goes with each stroke */
#define DROOP_PER_N 0.04        /* a pressed motor slows down … */
#define SPIN_UP_S 0.15
#define IDLE_MA 180
#define MA_PER_N 130            /* … and draws more */

/* splitmix64: small, and every seed is a good one. */
static uint64_t random_u64(Model *m) {
        uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

static double random_between(Model *m, const double range[2]) {
        return range[0] + (range[1] - range[0]) * (double) (random_u64(m) >> 11) * 0x1p-53;
}

static unsigned random_count(Model *m, unsigned low, unsigned high) {
        return low + (unsigned) (random_u64(m) % (high - low + 1));
}

static double random_unit(Model *m) { /* −1 … 1 */
        return random_between(m, (const double[2]) { -1, 1 });
}

static const Habit *model_habit(const Model *m) {
        return m->kind == OMP_KIND_ROLLER ? &roller_habit : &pen_habit;
}

static const Area *model_area(const Model *m) {
        if (m->kind == OMP_KIND_ROLLER)
                return roller_areas;

        return pen_areas + m->area_index % (sizeof(pen_areas) / sizeof(pen_areas[0]));
}

static void wander_init(Wander *w, double hz, double dt) {
        *w = (Wander) { .hz = hz, .k = 1 - exp(-2 * M_PI * hz * dt) };
}

/* A random target now and then, and two low-passes towards it: band-limited, and never beyond −1 … 1. */
static double wander_step(Model *m, Wander *w) {
        w->left_s -= m->dt;
        if (w->left_s <= 0) {
                w->target = random_unit(m);
                w->left_s = (0.75 + 0.25 * random_unit(m)) / (2 * w->hz);
        }

        w->a += (w->target - w->a) * w->k;
        w->b += (w->a - w->b) * w->k;
        return w->b;
}

static void model_take_area(Model *m, unsigned index) {
        const Area *area;

        m->area_index = index;
        area = model_area(m);
        m->area = area->area;
        m->depth_um = area->depth_um;
        m->area_force = area->force;
}

static void model_begin_pass(Model *m, bool first) {
        const Habit *habit = model_habit(m);
        ModelPass *pass = &m->pass;
        double scale;

        m->passes_left--;
        *pass = (ModelPass) {
                .length_s = random_between(m, habit->pass_s),
                .from = first ? 0 : habit->reversal,
                .to = m->passes_left == 0 ? 0 : habit->reversal,
                .force_mn = random_between(m, habit->force_mn) * m->area_force,
                .length_mm = random_between(m, habit->pass_mm),
        };
        m->down = true;

        if (m->passes_to_over > 0) {
                m->passes_to_over--;
                return;
        }

        /* Well beyond the threshold, so that the wander cannot bring it back below. */
        m->passes_to_over = random_count(m, 7, 14);
        pass->over_length_s = random_between(m, (const double[2]) { 0.5, 0.9 });
        pass->over_s = 0.2;
        pass->over_mn = m->over_threshold_mn * random_between(m, (const double[2]) { 1.4, 1.6 });
        scale = fmax(1, (pass->over_length_s + 2 * pass->over_s) / pass->length_s);
        pass->length_s *= scale;
}

static void model_lift(Model *m) {
        const Habit *habit = model_habit(m);

        m->down = false;
        m->away_s = random_between(m, habit->lift_s);
        m->passes_left = random_count(m, habit->group[0], habit->group[1]);
}

static void model_enter(Model *m, ModelPhase phase, double left_s) {
        m->phase = phase;
        m->phase_left_s = left_s;
}

/* The work is done, or goes on with the next area, after a pause in the middle of a long one. */
static void model_between_groups(Model *m) {
        if (m->work_s >= m->procedure_s) {
                model_enter(m, MODEL_DONE, 1.5);
                return;
        }

        if (m->work_s < m->next_area_s) {
                model_begin_pass(m, true);
                return;
        }

        model_take_area(m, m->area_index + 1);
        m->next_area_s += m->procedure_s / 5;
        m->away_s = random_between(m, (const double[2]) { 0.8, 1.6 });
        if (!m->paused_once && m->procedure_s >= 30 && m->work_s >= m->procedure_s / 2) {
                m->paused_once = true;
                model_enter(m, MODEL_PAUSE, random_between(m, (const double[2]) { 2, 4 }));
        }
}

static void model_end_pass(Model *m) {
        m->passes++;
        if (m->kind == OMP_KIND_ROLLER)
                m->strokes++;   /* "ended by reversal or lift" */

        if (m->passes_left == 0 || m->work_s >= m->procedure_s)
                model_lift(m);
        else
                model_begin_pass(m, false);
}

static double smooth(double x) { /* 0 … 1 without corners */
        return x <= 0 ? 0 : x >= 1 ? 1 : 0.5 - 0.5 * cos(M_PI * x);
}

/* What the hand wants at this moment of the pass. */
static double pass_force(const ModelPass *pass) {
        double edge = fmin(EDGE_S, pass->length_s / 3);
        double rise = pass->from + (1 - pass->from) * smooth(pass->s / edge);
        double fall = pass->to + (1 - pass->to) * smooth((pass->length_s - pass->s) / edge);
        double force = pass->force_mn * fmin(rise, fall);
        double over;

        if (pass->over_length_s > 0) {
                over = fmin(smooth((pass->s - pass->over_s) / edge),
                            smooth((pass->over_s + pass->over_length_s - pass->s) / edge));
                force += (pass->over_mn - pass->force_mn) * over * fmin(rise, fall);
        }

        return force;
}

/* One sample of a hand at work; its force without the motor's part. */
static double model_step_hand(Model *m) {
        double force;

        if (!m->down) {
                m->away_s -= m->dt;
                if (m->away_s <= 0)
                        model_between_groups(m);
                return 0;
        }

        m->pass.s += m->dt;
        /* Slow at both ends, fast in the middle. */
        if (m->kind == OMP_KIND_ROLLER)
                m->distance_mm += m->pass.length_mm * m->dt * M_PI / 2 / m->pass.length_s *
                                  sin(M_PI * fmin(1, m->pass.s / m->pass.length_s));

        force = pass_force(&m->pass);
        if (m->pass.s >= m->pass.length_s)
                model_end_pass(m);
        return force;
}

static void model_step_motor(Model *m, bool on, double load_mn) {
        double target, wander = wander_step(m, &m->motor_wander);

        if (!on) {
                m->motor_hz = 0;
                m->current_ma = 0;
                return;
        }

        target = m->set_point_per_min / 60.0 * (1 + 0.01 * wander) *
                 (1 - DROOP_PER_N * fmax(0, load_mn) / 1000);
        if (m->motor_hz == 0) /* it starts with a jerk: no stroke takes longer than 20 ms */
                m->motor_hz = 55;
        m->motor_hz += (target - m->motor_hz) * m->dt / SPIN_UP_S;
        m->current_ma = IDLE_MA + MA_PER_N * fmax(0, load_mn) / 1000;

        m->stroke_phase += m->motor_hz * m->dt;
        if (m->stroke_phase >= 1) {
                m->stroke_phase -= 1;
                m->strokes++;
        }
}

static void model_step_phase(Model *m) {
        m->phase_left_s -= m->dt;
        if (m->phase_left_s > 0)
                return;

        switch (m->phase) {
        case MODEL_REST:
        case MODEL_WORK:
                break;
        case MODEL_TAKEN:
                model_enter(m, MODEL_WORK, 0);
                model_lift(m);
                break;
        case MODEL_PAUSE:
                model_enter(m, MODEL_WORK, 0);
                break;
        case MODEL_DONE:
                model_enter(m, MODEL_REST, 0);
                break;
        }
}

void model_init(Model *m, OmpKind kind, uint64_t seed) {
        *m = (Model) { .kind = kind, .random = seed };
        m->rate_hz = model_habit(m)->rate_hz;
        m->dt = 1.0 / m->rate_hz;
        if (kind != OMP_KIND_ROLLER)
                m->set_point_per_min = random_count(m, 130, 160) * 50; /* 6500 … 8000 /min, 108 … 133 Hz */
        m->battery = random_count(m, 70, 98);
        wander_init(&m->slow, 1.2, m->dt);
        wander_init(&m->tremor, 9, m->dt);
        wander_init(&m->motor_wander, 0.5, m->dt);
        model_take_area(m, 0);
}

void model_start(Model *m, uint64_t procedure_usec, double over_mn) {
        if (m->phase != MODEL_REST && m->phase != MODEL_DONE)
                return;

        m->procedure_s = (double) procedure_usec / 1e6;
        m->over_threshold_mn = over_mn;
        m->work_s = 0;
        m->next_area_s = m->procedure_s / 5;
        m->paused_once = false;
        m->down = false;
        m->passes_to_over = random_count(m, 3, 6);
        model_take_area(m, 0);
        model_enter(m, MODEL_TAKEN, random_between(m, (const double[2]) { 0.8, 1.2 }));
}

void model_stop(Model *m) {
        switch (m->phase) {
        case MODEL_REST:
        case MODEL_DONE:
                return;
        case MODEL_TAKEN:
        case MODEL_PAUSE:
                model_enter(m, MODEL_DONE, 1.5);
                return;
        case MODEL_WORK:
                /* The pass under way ends as soon as a hand can lift, and no other begins. */
                m->procedure_s = m->work_s;
                m->passes_left = 0;
                if (m->down && m->pass.length_s - m->pass.s > EDGE_S) {
                        m->pass.to = 0;
                        m->pass.length_s = fmax(m->pass.s + EDGE_S, 3 * EDGE_S);
                }
                return;
        }
}

void model_step(Model *m) {
        double force = 0, slow = wander_step(m, &m->slow), tremor = wander_step(m, &m->tremor);

        if (m->phase == MODEL_WORK) {
                m->work_s += m->dt;
                m->battery -= model_habit(m)->drain / 60 * m->dt;
                force = model_step_hand(m) * (1 + 0.18 * slow + 0.04 * tremor);
        } else {
                if (m->phase == MODEL_PAUSE)
                        m->work_s += m->dt; /* the session goes on */
                model_step_phase(m);
        }

        if (m->kind != OMP_KIND_ROLLER) {
                model_step_motor(m, m->phase == MODEL_WORK, force);
                /* The needles go in at the front of the turn: the force comes and goes with each stroke. */
                force *= 1 + RIPPLE * cos(2 * M_PI * m->stroke_phase);
        }

        m->battery = fmax(m->battery, 1);
        m->force_mn = force + 4 * random_unit(m); /* the sensor's own noise */
}

void model_rest(Model *m, uint64_t samples) {
        m->battery = fmax(1, m->battery - 0.02 / 60 * m->dt * (double) samples);
        m->force_mn = 0;
}
