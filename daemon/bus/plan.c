/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/plan.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/history.h"
#include "bus/options.h"
#include "bus/private.h"
#include "needled/omp.h"

#define INTERFACE "org.needled.Plan1"
#define REST_MAX_USEC (365 * UINT64_C(86400000000))
#define WEEKLY_MAX 7u
#define COURSE_MAX 52u
#define LANGUAGE_MAX 64u

static const BusPlanOps *ops_of(const Call *call) {
        return call->bus->settings.ops->plan;
}

static void *hub_of(const Call *call) {
        return call->bus->settings.userdata;
}

static int read_options(Call *call, const Option *options, size_t n, sd_bus_error *error) {
        int r;

        r = sd_bus_message_rewind(call->message, true);
        return r < 0 ? r : options_read(call->message, options, n, error);
}

static int check_subject(const char *subject, sd_bus_error *error) {
        return options_check_text("subject", subject, OPTIONS_LABEL_MAX, false, error);
}

/* ---- Get ---- */

typedef struct Question {
        const char *subject, *area, *language;
        uint8_t area_number;            /* 0: any */
} Question;

static int read_question(Call *call, Question *ret, sd_bus_error *error) {
        const Option options[] = {
                { "subject", 's', &ret->subject, NULL },
                { "area", 's', &ret->area, NULL },
                { "language", 's', &ret->language, NULL },
        };
        int r;

        *ret = (Question) { .subject = "", .area = "", .language = "" };
        r = read_options(call, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        r = check_subject(ret->subject, error);
        if (r < 0)
                return r;
        r = options_check_text("language", ret->language, LANGUAGE_MAX, false, error);
        if (r < 0 || !*ret->area)
                return r;
        r = options_check_area(ret->area, error);
        if (r < 0)
                return r;

        return omp_area_from_name(ret->area, &ret->area_number);
}

/* 0 is not known. */
static int append_known(sd_bus_message *m, const char *key, char type, uint64_t value) {
        const uint32_t u = (uint32_t) MIN(value, UINT32_MAX);

        if (value == 0)
                return 0;
        return dictionary_basic(m, key, type, type == 'u' ? (const void *) &u : &value);
}

static int append_plan(sd_bus_message *m, const Plan *plan, uint64_t now_usec) {
        g_autofree char *text = plan_reason_text(plan, now_usec);
        const struct {
                const char *key;
                char type;
                uint64_t value;
        } known[] = {
                { "depth", 'u', plan->depth_um },
                { "week_limit", 'u', plan->week_limit },
                { "course_start", 't', plan->course_start_usec },
                { "course_limit", 'u', plan->course_limit },
                { "last_session", 't', plan->last_session_usec },
        };
        const uint32_t week_count = plan->week_count, course_weeks = plan->course_weeks;
        int r;

        r = dictionary_basic(m, "next_earliest", 't', &plan->next_earliest_usec);
        if (r >= 0)
                r = dictionary_string(m, "reason", text);
        if (r >= 0)
                r = dictionary_string(m, "reason_code", plan_reason_name(plan->reason));
        if (r >= 0 && plan->last_session_usec > 0)
                r = dictionary_basic(m, "rest", 't', &plan->rest_usec);
        if (r >= 0)
                r = dictionary_basic(m, "week_count", 'u', &week_count);
        if (r >= 0)
                r = dictionary_basic(m, "course_weeks", 'u', &course_weeks);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(known); i++)
                r = append_known(m, known[i].key, known[i].type, known[i].value);

        return r;
}

static int append_rules(sd_bus_message *m, const PlanRules *rules) {
        const uint32_t weekly_max = rules->weekly_max, course_weeks = rules->course_weeks;
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', "rules");
        if (r >= 0)
                r = sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, "a{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 6, "rest_300um", "t", rules->rest_300_usec, "rest_500um", "t", rules->rest_500_usec,
                                          "rest_1000um", "t", rules->rest_1000_usec, "rest_deeper", "t", rules->rest_deeper_usec, "weekly_max",
                                          "u", weekly_max, "course_weeks", "u", course_weeks);
        if (r >= 0)
                r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_contraindications(Call *call, sd_bus_message *m, const char *language) {
        const BusPlanOps *ops = ops_of(call);
        const char *version = ops->contraindications_version(hub_of(call));
        g_auto(GStrv) texts = NULL;
        int r;

        if (!version)
                return 0;
        texts = ops->contraindications(language, hub_of(call));
        r = dictionary_string(m, "contraindications_version", version);
        if (r >= 0)
                r = append_known(m, "acknowledged_at", 't', ops->acknowledged_at(call->caller->uid, hub_of(call)));
        if (r >= 0)
                r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', "contraindications");
        if (r >= 0)
                r = sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, texts);
        if (r >= 0)
                r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int reply_plan(Call *call, const BusPlan *plan, sd_bus_error *error) {
        g_autoptr(sd_bus_message) reply = NULL;
        Question question;
        int r;

        r = read_question(call, &question, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = append_plan(reply, &plan->plan, plan->now_usec);
        if (r >= 0)
                r = append_rules(reply, &plan->rules);
        if (r >= 0)
                r = append_contraindications(call, reply, question.language);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                call_reply_take(call, g_steal_pointer(&reply));

        return MIN(r, 0);
}

static void on_plan(int status, const BusPlan *plan, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        Call *call = userdata;
        int r;

        if (!call->message) {
                call_reply_take(call, NULL);
                return;
        }
        r = status < 0 ? history_store_error(call, status, &error) : reply_plan(call, plan, &error);
        if (r < 0)
                call_finish(call, r, &error);
}

static int run_get(Call *call, sd_bus_error *error) {
        Question question;
        int r;

        r = read_question(call, &question, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        ops_of(call)->get(call->caller->uid, question.subject, question.area_number, on_plan, call, hub_of(call));
        return 0;
}

/* ---- Configure ---- */

static int check_rest(const char *name, bool given, uint64_t usec, int64_t *ret, sd_bus_error *error) {
        *ret = given ? (int64_t) usec : -1;
        if (!given || usec <= REST_MAX_USEC)
                return 0;

        return error_set(error, ERROR_INVALID_ARGUMENT, "\"%s\" is 365 days at most, in microseconds; 0 is none.", name);
}

static int check_number(const char *name, bool given, uint32_t number, uint32_t max, int *ret, sd_bus_error *error) {
        *ret = given ? (int) MIN(number, max) : -1;
        if (!given || number <= max)
                return 0;

        return error_set(error, ERROR_INVALID_ARGUMENT, "\"%s\" is %u at most; 0 is not counted.", name, max);
}

static int read_changes(Call *call, StorePlan *ret, bool *ret_reset, sd_bus_error *error) {
        static const char *const rests[] = { "rest_300um", "rest_500um", "rest_1000um", "rest_deeper" };
        int64_t *const values[] = { &ret->rest_300_usec, &ret->rest_500_usec, &ret->rest_1000_usec, &ret->rest_deeper_usec };
        const char *subject = "";
        uint64_t usec[4];
        uint32_t weekly_max, course_weeks;
        bool given[6] = {};
        const Option options[] = {
                { "subject", 's', &subject, NULL },
                { "reset", 'b', ret_reset, NULL },
                { rests[0], 't', &usec[0], &given[0] },
                { rests[1], 't', &usec[1], &given[1] },
                { rests[2], 't', &usec[2], &given[2] },
                { rests[3], 't', &usec[3], &given[3] },
                { "weekly_max", 'u', &weekly_max, &given[4] },
                { "course_weeks", 'u', &course_weeks, &given[5] },
        };
        int r;

        *ret_reset = false;
        *ret = (StorePlan) { .owner = call->caller->uid };
        r = read_options(call, options, G_N_ELEMENTS(options), error);
        if (r >= 0)
                r = check_subject(subject, error);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(rests); i++)
                r = check_rest(rests[i], given[i], given[i] ? usec[i] : 0, values[i], error);
        if (r >= 0)
                r = check_number("weekly_max", given[4], given[4] ? weekly_max : 0, WEEKLY_MAX, &ret->weekly_max, error);
        if (r >= 0)
                r = check_number("course_weeks", given[5], given[5] ? course_weeks : 0, COURSE_MAX, &ret->course_weeks, error);
        ret->subject = (char *) subject; /* of the message; nobody writes to it */
        return r;
}

static int run_configure(Call *call, sd_bus_error *error) {
        StorePlan changes;
        bool reset;
        int r;

        r = read_changes(call, &changes, &reset, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        ops_of(call)->configure(&changes, reset, call_done, call, hub_of(call));
        return 0;
}

/* ---- Acknowledge ---- */

static int run_acknowledge(Call *call, sd_bus_error *error) {
        const char *version = NULL, *current = ops_of(call)->contraindications_version(hub_of(call));
        const Option options[] = { { "version", 's', &version, NULL } };
        int r;

        r = read_options(call, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (!current)
                return error_set(error, ERROR_NOT_READY,
                                 "There is no list of contraindications to acknowledge; the journal of needled says what is wrong with its file.");
        if (!version)
                return error_set(error, ERROR_INVALID_ARGUMENT, "Name the \"version\" of the list that was read; the current one is \"%s\".",
                                 current);
        if (strcmp(version, current) != 0)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "The current version of the list is \"%s\", not \"%.32s\"; read it, then acknowledge that one.", current, version);
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        ops_of(call)->acknowledge(call->caller->uid, call_done, call, hub_of(call));
        return 0;
}

#define METHOD(name, run) CALL_METHOD(userdata, name, CALL_ANYBODY, NULL, run)

METHOD(get, run_get)
METHOD(configure, run_configure)
METHOD(acknowledge, run_acknowledge)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a{sv}", plan), method_get, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Configure", SD_BUS_ARGS("a{sv}", rules), SD_BUS_NO_RESULT, method_configure, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Acknowledge", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_acknowledge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int plan_register(Bus *bus) {
        return bus_serve(bus, BUS_ROOT, INTERFACE, vtable, NULL);
}
