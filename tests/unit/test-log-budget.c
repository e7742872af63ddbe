/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* However much a device does, an hour of the journal sees fewer than 100 entries about it. */

#include <glib.h>

#include "log-budget.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogBudget, log_budget_free)

/* What came through, each with its time: entries and words about what did not. */
typedef struct Diary {
        LogBudget *budget;
        GArray *times;
        uint64_t omitted, told;         /* causes that were left out, and how many of them were said */
        unsigned per_class[_LOG_CLASS_MAX];
} Diary;

static void diary_new(Diary *d) {
        *d = (Diary) { .budget = log_budget_new(), .times = g_array_new(FALSE, FALSE, sizeof(uint64_t)) };
}

static void diary_done(Diary *d) {
        log_budget_free(d->budget);
        g_array_unref(d->times);
}

static void cause(Diary *d, const char *device, LogClass class, uint64_t now_usec) {
        uint64_t n;

        while (log_budget_deadline(d->budget) <= now_usec) {
                const char *of;

                while (log_budget_next(d->budget, now_usec, &of, &n)) {
                        d->told += n;
                        g_array_append_val(d->times, now_usec);
                }
        }

        switch (log_budget_take(d->budget, device, class, now_usec)) {
        case LOG_ADMITTED:
                d->per_class[class]++;
                g_array_append_val(d->times, now_usec);
                break;
        case LOG_OMITTED_FIRST:
                g_array_append_val(d->times, now_usec);
                d->omitted++;
                break;
        case LOG_OMITTED:
                d->omitted++;
                break;
        }
}

/* The most that any hour has seen. */
static unsigned busiest_hour(const Diary *d) {
        unsigned most = 0;

        for (unsigned i = 0, from = 0; i < d->times->len; i++) {
                while (g_array_index(d->times, uint64_t, i) - g_array_index(d->times, uint64_t, from) > HOUR)
                        from++;
                most = MAX(most, i - from + 1);
        }

        return most;
}

static void test_a_chattering_device(void) {
        Diary d;

        diary_new(&d);
        for (unsigned i = 0; i < 50000; i++) /* 10,000 causes an hour, of all kinds, for five hours */
                cause(&d, "pen", (LogClass) (i % _LOG_CLASS_MAX), HOUR + i * (HOUR / 10000));
        g_assert_cmpuint(busiest_hour(&d), <=, LOG_ENTRIES_PER_HOUR_MAX);
        g_assert_cmpuint(LOG_ENTRIES_PER_HOUR_MAX, <, 100);
        g_assert_cmpuint(busiest_hour(&d), >, 40); /* and is not silent either */
        /* Nothing is lost on the way: what was left out is said, but for what the last hour has left out. */
        g_assert_cmpuint(d.told, >, d.omitted * 3 / 4);
        g_assert_cmpuint(d.told, <=, d.omitted);
        diary_done(&d);
}

/* A burst after a long quiet is the worst hour: all at once, and what comes back meanwhile. */
static void test_a_burst_and_then_all_the_time(void) {
        Diary d;

        diary_new(&d);
        for (unsigned round = 0; round < 5; round++) {
                uint64_t start = (10 + 10 * round) * HOUR;

                for (unsigned i = 0; i < 10000; i++)
                        cause(&d, "pen", (LogClass) (i % _LOG_CLASS_MAX), start + (i < 500 ? 0 : i * (HOUR / 10000)));
        }
        g_assert_cmpuint(busiest_hour(&d), <=, LOG_ENTRIES_PER_HOUR_MAX);
        diary_done(&d);
}

static void test_no_class_starves_another(void) {
        Diary d;

        for (int flood = 0; flood < _LOG_CLASS_MAX; flood++) {
                diary_new(&d);
                for (unsigned i = 0; i < 10000; i++)
                        cause(&d, "pen", (LogClass) flood, HOUR + i * 1000);
                for (int class = 0; class < _LOG_CLASS_MAX; class++)
                        if (class != flood)
                                for (unsigned i = 0; i < 4; i++)
                                        g_assert_cmpint(log_budget_take(d.budget, "pen", (LogClass) class, HOUR + 10 * USEC_PER_SEC), ==, LOG_ADMITTED);
                diary_done(&d);
        }
}

static void test_no_device_starves_another(void) {
        Diary d;

        diary_new(&d);
        for (unsigned i = 0; i < 10000; i++)
                cause(&d, "pen", LOG_CLASS_DEVICE, HOUR + i * 1000);
        g_assert_cmpint(log_budget_take(d.budget, "roller", LOG_CLASS_DEVICE, HOUR + 10 * USEC_PER_SEC), ==, LOG_ADMITTED);
        diary_done(&d);
}

static void test_what_is_left_out_is_said_once_an_hour(void) {
        g_autoptr(LogBudget) b = log_budget_new();
        const char *device;
        uint64_t n, now = HOUR;

        g_assert_cmpuint(log_budget_deadline(b), ==, UINT64_MAX);
        while (log_budget_take(b, "pen", LOG_CLASS_TROUBLE, now) == LOG_ADMITTED)
                ;
        g_assert_cmpuint(log_budget_deadline(b), ==, now + HOUR);
        g_assert_cmpint(log_budget_take(b, "pen", LOG_CLASS_TROUBLE, now), ==, LOG_OMITTED);
        g_assert_false(log_budget_next(b, now + HOUR - 1, &device, &n));

        now += HOUR;
        g_assert_true(log_budget_next(b, now, &device, &n));
        g_assert_cmpstr(device, ==, "pen");
        g_assert_cmpuint(n, ==, 2);
        g_assert_false(log_budget_next(b, now, &device, &n));

        /* It goes on: the next word about it is the next sum. */
        while (log_budget_take(b, "pen", LOG_CLASS_TROUBLE, now) == LOG_ADMITTED)
                ;
        g_assert_cmpint(log_budget_take(b, "pen", LOG_CLASS_TROUBLE, now), ==, LOG_OMITTED);
        now += HOUR;
        g_assert_true(log_budget_next(b, now, &device, &n));
        g_assert_cmpuint(n, ==, 2);

        /* An hour of quiet ends it, without a word. */
        now += HOUR;
        g_assert_false(log_budget_next(b, now, &device, &n));
        g_assert_cmpuint(log_budget_deadline(b), ==, UINT64_MAX);
        while (log_budget_take(b, "pen", LOG_CLASS_TROUBLE, now) == LOG_ADMITTED)
                ;
        g_assert_true(log_budget_next(b, UINT64_MAX, &device, &n)); /* the service ends */
        g_assert_cmpuint(n, ==, 1);
        g_assert_false(log_budget_next(b, UINT64_MAX, &device, &n));
}

/* Names are cheap for whoever makes them up. */
static void test_more_devices_than_are_counted_apart(void) {
        Diary d;

        diary_new(&d);
        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *name = g_strdup_printf("pen %u", i);

                cause(&d, name, LOG_CLASS_DEVICE, HOUR + i);
        }
        g_assert_cmpuint(d.per_class[LOG_CLASS_DEVICE], ==, LOG_DEVICES_MAX + 20);
        /* An hour later nobody owes anything. */
        cause(&d, "another", LOG_CLASS_DEVICE, 4 * HOUR);
        g_assert_cmpuint(d.per_class[LOG_CLASS_DEVICE], ==, LOG_DEVICES_MAX + 21);
        diary_done(&d);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/log-budget/a-chattering-device", test_a_chattering_device);
        g_test_add_func("/log-budget/a-burst-and-then-all-the-time", test_a_burst_and_then_all_the_time);
        g_test_add_func("/log-budget/no-class-starves-another", test_no_class_starves_another);
        g_test_add_func("/log-budget/no-device-starves-another", test_no_device_starves_another);
        g_test_add_func("/log-budget/what-is-left-out-is-said-once-an-hour", test_what_is_left_out_is_said_once_an_hour);
        g_test_add_func("/log-budget/more-devices-than-are-counted-apart", test_more_devices_than_are_counted_apart);
        return g_test_run();
}
