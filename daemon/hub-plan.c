/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/plan.h"
#include "contraindications.h"
#include "hub-private.h"
#include "log.h"
#include "needled/omp.h"

/* What people set for themselves and acknowledged, and when they may go on. Past sessions are the store's: whatever needs them comes later. */

#define USEC_PER_SEC UINT64_C(1000000)
#define LOOK_BACK_USEC (366 * 24 * 3600 * USEC_PER_SEC)
#define SESSIONS_MAX 500u

struct HubPlan {
        GPtrArray *plans;               /* StorePlan, each owned: STORE_PLANS_MAX for each user */
        GHashTable *acknowledgements;   /* uid → StoreAcknowledgement, owned */
        Contraindications *list;        /* NULL: the file is missing or wrong */
        bool opened;                    /* what the database has of it is known */
};

/* One answer of the store's that somebody waits for. */
typedef struct Question {
        Hub *hub;                       /* weak: outlives the store */
        uid_t owner;
        char *subject;
        unsigned area;
        uint64_t session_id;            /* of the live session that it is about; or else: */
        BusPlanDone done;
        void *call;
} Question;

/* One change that somebody waits for. */
typedef struct Change {
        Hub *hub;                       /* weak: outlives the store */
        StorePlan *plan;                /* NULL: an acknowledgement */
        BusDone done;
        void *call;
} Change;

static void plan_free(void *p) {
        StorePlan *plan = p;

        g_free(plan->owner_name);
        g_free(plan->subject);
        g_free(plan);
}

static StorePlan *plan_copy(const StorePlan *plan) {
        StorePlan *copy = g_memdup2(plan, sizeof(*plan));

        copy->owner_name = g_strdup(plan->owner_name);
        copy->subject = g_strdup(plan->subject);
        return copy;
}

static void acknowledgement_free(void *p) {
        StoreAcknowledgement *a = p;

        g_free(a->owner_name);
        g_free(a->version);
        g_free(a);
}

static void remember_acknowledgement(HubPlan *p, const StoreAcknowledgement *a) {
        StoreAcknowledgement *copy = g_memdup2(a, sizeof(*a));

        copy->owner_name = g_strdup(a->owner_name);
        copy->version = g_strdup(a->version);
        (void) g_hash_table_replace(p->acknowledgements, GUINT_TO_POINTER(a->owner), copy);
}

/* A uid that is used again does not inherit. Either name may be unknown. */
static bool is_theirs(Hub *hub, uid_t owner, const char *owner_name) {
        return store_owner_fits(owner_name, hub_user_name(hub, owner));
}

static StorePlan *find_plan(const HubPlan *p, uid_t owner, const char *subject, unsigned *ret_n) {
        StorePlan *found = NULL;

        *ret_n = 0;
        for (unsigned i = 0; i < p->plans->len; i++) {
                StorePlan *plan = p->plans->pdata[i];

                if (plan->owner != owner)
                        continue;
                ++*ret_n;
                if (g_str_equal(plan->subject, subject))
                        found = plan;
        }

        return found;
}

static uint64_t usec_of(int64_t set, uint64_t configured) {
        return set < 0 ? configured : (uint64_t) set;
}

static unsigned number_of(int set, unsigned configured) {
        return set < 0 ? configured : (unsigned) set;
}

static void rules_of(Hub *hub, uid_t owner, const char *subject, PlanRules *ret) {
        const Config *c = &hub->config;
        unsigned n;
        const StorePlan *set = find_plan(hub->plan, owner, subject, &n);

        *ret = (PlanRules) {
                .rest_300_usec = c->plan_rest_300_usec,
                .rest_500_usec = c->plan_rest_500_usec,
                .rest_1000_usec = c->plan_rest_1000_usec,
                .rest_deeper_usec = c->plan_rest_deeper_usec,
                .weekly_max = c->plan_weekly_max,
                .course_weeks = c->plan_course_weeks,
        };
        if (!set || !is_theirs(hub, owner, set->owner_name))
                return;
        ret->rest_300_usec = usec_of(set->rest_300_usec, ret->rest_300_usec);
        ret->rest_500_usec = usec_of(set->rest_500_usec, ret->rest_500_usec);
        ret->rest_1000_usec = usec_of(set->rest_1000_usec, ret->rest_1000_usec);
        ret->rest_deeper_usec = usec_of(set->rest_deeper_usec, ret->rest_deeper_usec);
        ret->weekly_max = number_of(set->weekly_max, ret->weekly_max);
        ret->course_weeks = number_of(set->course_weeks, ret->course_weeks);
}

/* ---- From the record ---- */

/* Of a device that does not tell its depth: the length of its fixed head, while the device is known. */
static uint32_t depth_of(const Hub *hub, const StoreSession *s) {
        const Follower *f;

        if (figures_has(&s->figures, FIGURE_DEPTH_MAX) && s->figures.value[FIGURE_DEPTH_MAX].i > 0)
                return (uint32_t) MIN(s->figures.value[FIGURE_DEPTH_MAX].i, UINT32_MAX);
        f = hub_follower_by_address(hub, s->device_address);
        if (!f || !f->device->has_feature || f->device->feature.bits & OMP_FEATURE_DEPTH)
                return PLAN_DEPTH_UNKNOWN;

        return f->device->feature.max_depth_um; /* 0: unknown here and there */
}

static uint64_t area_bit(const char *name) {
        uint8_t area;

        return *name && omp_area_from_name(name, &area) >= 0 && area < 64 ? UINT64_C(1) << area : 0;
}

static void compute(const Question *q, const StoreSession *sessions, size_t n, BusPlan *ret) {
        g_autofree PlanSession *past = g_new0(PlanSession, n + 1);
        uint64_t ignored;
        size_t n_past = 0;

        for (size_t i = 0; i < n; i++) {
                const StoreSession *s = &sessions[i];

                if (!is_theirs(q->hub, q->owner, s->owner_name))
                        continue;
                past[n_past++] = (PlanSession) {
                        .start_usec = s->start_realtime_usec,
                        .end_usec = s->end_realtime_usec,
                        .depth_um = depth_of(q->hub, s),
                        .areas = s->areas | area_bit(s->area),
                };
        }
        hub_now(&ignored, &ret->now_usec);
        rules_of(q->hub, q->owner, q->subject, &ret->rules);
        plan_compute(&ret->rules, past, n_past, q->area, ret->now_usec, &ret->plan);
}

static Tracker *find_live(const Hub *hub, uint64_t id) {
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Tracker *tracker = ((Follower *) hub->followers->pdata[i])->tracker;

                if (tracker_session(tracker) && tracker_session(tracker)->id == id)
                        return tracker;
        }

        return NULL;
}

/* The session may be over by now. */
static void warn_early(Hub *hub, uint64_t session_id, const BusPlan *plan) {
        Tracker *tracker = find_live(hub, session_id);
        uint64_t now_usec, realtime_usec, left_sec;

        if (!tracker || plan->plan.reason == PLAN_NOW)
                return;

        left_sec = (plan->plan.next_earliest_usec - plan->now_usec + USEC_PER_SEC - 1) / USEC_PER_SEC;
        hub_now(&now_usec, &realtime_usec);
        (void) tracker_alert(tracker, ALERT_REST_NOT_OVER, ALERT_WARNING, (int32_t) MIN(left_sec, INT32_MAX), now_usec, realtime_usec);
}

static void on_listed(int error, const StoreSession *sessions, size_t n, void *userdata) {
        Question *q = userdata;
        BusPlan plan = {};

        if (error == 0 && !q->hub->stopping)
                compute(q, sessions, n, &plan);
        if (q->done)
                q->done(q->hub->stopping ? -ECANCELED : error, &plan, q->call);
        else if (error == 0 && !q->hub->stopping) /* else nobody knows, and nothing is warned of */
                warn_early(q->hub, q->session_id, &plan);
        g_free(q->subject);
        g_free(q);
}

static void ask(const Question *question) {
        Question *q = g_memdup2(question, sizeof(*question));
        StoreFilter filter = { .owner = q->owner, .limit = SESSIONS_MAX };
        uint64_t ignored, realtime_usec;

        hub_now(&ignored, &realtime_usec);
        q->subject = g_strdup(question->subject ?: "");
        filter.subject = q->subject;
        filter.since_usec = realtime_usec > LOOK_BACK_USEC ? realtime_usec - LOOK_BACK_USEC : 0;
        store_list(q->hub->store, &filter, on_listed, q);
}

/* ---- What clients ask ---- */

static void op_get(uid_t owner, const char *subject, unsigned area, BusPlanDone done, void *call, void *userdata) {
        ask(&(Question) { .hub = userdata, .owner = owner, .subject = (char *) subject, .area = area, .done = done, .call = call });
}

/* What was refused is not remembered either. */
static void forget_plan(HubPlan *p, const StorePlan *refused) {
        unsigned n;
        StorePlan *plan = find_plan(p, refused->owner, refused->subject, &n);

        if (plan)
                (void) g_ptr_array_remove_fast(p->plans, plan);
}

static void on_changed(int error, void *userdata) {
        Change *c = userdata;

        if (error == -ENOSPC && c->plan)
                forget_plan(c->hub->plan, c->plan);
        if (error == -ENOSPC)
                c->done(-EDQUOT, "You have plans for as many subjects as one may have; change one of these.", c->call);
        else
                c->done(error == -EIO ? -EINPROGRESS : error, NULL, c->call);
        if (c->plan)
                plan_free(c->plan);
        g_free(c);
}

static Change *change_new(Hub *hub, const StorePlan *plan, BusDone done, void *call) {
        Change *c = g_new0(Change, 1);

        *c = (Change) { .hub = hub, .plan = plan ? plan_copy(plan) : NULL, .done = done, .call = call };
        return c;
}

static void apply(StorePlan *plan, const StorePlan *changes, bool reset) {
        if (reset) {
                plan->rest_300_usec = plan->rest_500_usec = plan->rest_1000_usec = plan->rest_deeper_usec = -1;
                plan->weekly_max = plan->course_weeks = -1;
        }
        if (changes->rest_300_usec >= 0)
                plan->rest_300_usec = changes->rest_300_usec;
        if (changes->rest_500_usec >= 0)
                plan->rest_500_usec = changes->rest_500_usec;
        if (changes->rest_1000_usec >= 0)
                plan->rest_1000_usec = changes->rest_1000_usec;
        if (changes->rest_deeper_usec >= 0)
                plan->rest_deeper_usec = changes->rest_deeper_usec;
        if (changes->weekly_max >= 0)
                plan->weekly_max = changes->weekly_max;
        if (changes->course_weeks >= 0)
                plan->course_weeks = changes->course_weeks;
}

static void op_configure(const StorePlan *changes, bool reset, BusDone done, void *call, void *userdata) {
        Hub *hub = userdata;
        unsigned n;
        StorePlan *plan = find_plan(hub->plan, changes->owner, changes->subject, &n);

        if (!hub->plan->opened || store_state(hub->store) == STORE_UNAVAILABLE) { /* what was set before is not known */
                done(-EAGAIN, "The database cannot be read yet; try again in a moment.", call);
                return;
        }
        if (!plan && n >= STORE_PLANS_MAX) {
                done(-EDQUOT, "You have plans for as many subjects as one may have; change one of these.", call);
                return;
        }
        if (!plan) {
                plan = plan_copy(changes);
                g_ptr_array_add(hub->plan->plans, plan);
        } else {
                reset |= !is_theirs(hub, plan->owner, plan->owner_name);
                apply(plan, changes, reset);
        }
        g_free(plan->owner_name);
        plan->owner_name = g_strdup(hub_user_name(hub, plan->owner));
        store_plan_put(hub->store, plan, on_changed, change_new(hub, plan, done, call));
}

static const char *op_contraindications_version(void *userdata) {
        const Hub *hub = userdata;

        return hub->plan->list ? contraindications_version(hub->plan->list) : NULL;
}

static char **op_contraindications(const char *language, void *userdata) {
        const Hub *hub = userdata;

        return contraindications_texts(hub->plan->list, language);
}

static uint64_t op_acknowledged_at(uid_t owner, void *userdata) {
        Hub *hub = userdata;
        const StoreAcknowledgement *a = g_hash_table_lookup(hub->plan->acknowledgements, GUINT_TO_POINTER(owner));

        if (!a || !hub->plan->list || !is_theirs(hub, owner, a->owner_name) ||
            !g_str_equal(a->version, contraindications_version(hub->plan->list)))
                return 0;

        return a->realtime_usec;
}

/* The first time counts, not each. */
static void op_acknowledge(uid_t owner, BusDone done, void *call, void *userdata) {
        Hub *hub = userdata;
        StoreAcknowledgement a = {
                .owner = owner,
                .owner_name = (char *) hub_user_name(hub, owner),
                .version = (char *) op_contraindications_version(hub),
                .realtime_usec = op_acknowledged_at(owner, hub),
        };
        uint64_t ignored;

        if (a.realtime_usec == 0)
                hub_now(&ignored, &a.realtime_usec);
        remember_acknowledgement(hub->plan, &a);
        store_acknowledge(hub->store, &a, on_changed, change_new(hub, NULL, done, call));
}

typedef struct Person {
        uid_t owner;
        const char *name;
} Person;

static bool is_person(const Person *person, uid_t owner, const char *owner_name) {
        return person->owner == (uid_t) -1 || (person->owner == owner && store_owner_fits(owner_name, person->name));
}

static gboolean is_of(void *key, void *value, void *userdata) {
        const StoreAcknowledgement *a = value;

        return is_person(userdata, a->owner, a->owner_name);
}

static int op_forget(uid_t owner, const char *owner_name, void *userdata) {
        Person person = { owner, owner_name };
        Hub *hub = userdata;

        if (!hub->plan->opened)         /* else what is read then would be theirs again */
                return -EAGAIN;

        for (unsigned i = hub->plan->plans->len; i-- > 0;) {
                const StorePlan *plan = hub->plan->plans->pdata[i];

                if (is_person(&person, plan->owner, plan->owner_name))
                        (void) g_ptr_array_remove_index_fast(hub->plan->plans, i);
        }
        (void) g_hash_table_foreach_remove(hub->plan->acknowledgements, is_of, &person);
        return 0;
}

const BusPlanOps hub_plan_ops = {
        .get = op_get,
        .configure = op_configure,
        .contraindications_version = op_contraindications_version,
        .contraindications = op_contraindications,
        .acknowledged_at = op_acknowledged_at,
        .acknowledge = op_acknowledge,
        .forget = op_forget,
};

/* ---- */

HubPlan *hub_plan_new(void) {
        const char *path = getenv("NEEDLED_CONTRAINDICATIONS") ?: NEEDLED_DATADIR "/contraindications.list";
        g_autofree char *problem = NULL;
        HubPlan *p = g_new0(HubPlan, 1);

        p->plans = g_ptr_array_new_with_free_func(plan_free);
        p->acknowledgements = g_hash_table_new_full(NULL, NULL, NULL, acknowledgement_free);
        if (contraindications_load(path, &p->list, &problem) < 0)
                log_warning("%s: %s; nothing can be acknowledged until needled starts with a right one, sessions run all the same", path,
                            problem);
        return p;
}

HubPlan *hub_plan_free(HubPlan *p) {
        if (!p)
                return NULL;

        g_ptr_array_unref(p->plans);
        g_hash_table_unref(p->acknowledgements);
        contraindications_free(p->list);
        g_free(p);
        return NULL;
}

/* Told twice when the database came late: what was said since is newer. */
void hub_plan_opened(Hub *hub, const StoreOpened *opened) {
        HubPlan *p = hub->plan;
        unsigned n;

        p->opened = true;
        for (size_t i = 0; i < opened->n_plans; i++)
                if (!find_plan(p, opened->plans[i].owner, opened->plans[i].subject, &n))
                        g_ptr_array_add(p->plans, plan_copy(&opened->plans[i]));
        for (size_t i = 0; i < opened->n_acknowledgements; i++)
                if (!g_hash_table_contains(p->acknowledgements, GUINT_TO_POINTER(opened->acknowledgements[i].owner)))
                        remember_acknowledgement(p, &opened->acknowledgements[i]);
}

void hub_plan_session_opened(Hub *hub, Session *s) {
        uint8_t area = s->area_now;

        if (area == 0)
                (void) omp_area_from_name(s->area, &area);
        s->acknowledged = op_acknowledged_at(s->owner, hub) > 0;
        ask(&(Question) { .hub = hub, .owner = s->owner, .subject = s->subject, .area = area, .session_id = s->id });
}
