/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "store-fixture.h"

/* A session's events come back page by page, in the order in which they were written. */

typedef struct Page {
        Fixture *f;
        GString *told;          /* session time, and the text in brackets; a space after each */
        uint64_t first, last;   /* ids */
        size_t n;
} Page;

static void on_events(int error, const StoreEvent *events, size_t n, void *userdata) {
        Page *page = userdata;

        page->n = n;
        for (size_t i = 0; i < n; i++) {
                g_string_append_printf(page->told, "%" G_GUINT64_FORMAT, events[i].session_usec);
                if (events[i].text)
                        g_string_append_printf(page->told, "(%s)", events[i].text);
                g_string_append_c(page->told, ' ');
                if (i == 0)
                        page->first = events[i].id;
                page->last = events[i].id;
        }
        page->f->error = error;
        page->f->answered = true;
}

static int read_page(Page *page, uint64_t session, uint64_t after, uint64_t before, unsigned limit) {
        const StoreEventFilter filter = { session, after, before, limit };

        if (page->told)
                g_string_free(page->told, TRUE);
        page->told = g_string_new(NULL);
        page->f->answered = false;
        store_events(page->f->store, &filter, on_events, page);
        fixture_wait(page->f, fixture_is_answered, 0);
        return page->f->error;
}

static void write_events(Fixture *f, uint64_t session, unsigned n) {
        for (unsigned i = 1; i <= n; i++)
                store_session_event(f->store, session, &(StoreEvent) {
                        .session_usec = i,
                        .kind = i % 2 ? STORE_EVENT_MARK : STORE_EVENT_STAGE,
                        .code = 2,
                        .text = i % 2 ? "a mark" : NULL,
                });
}

static void begin(Fixture *f, unsigned n) {
        fixture_init(f);
        fixture_start(f);
        fixture_begin(f, 1);
        fixture_begin(f, 2);
        write_events(f, 1, n);
        write_events(f, 2, 3);
        g_assert_cmpint(fixture_end(f, 1), ==, 0);
}

static void end(Fixture *f, Page *page) {
        g_string_free(page->told, TRUE);
        fixture_done(f);
}

static void test_all_of_one_session(void) {
        Fixture f;
        Page page = { .f = &f };

        begin(&f, 5);
        g_assert_cmpint(read_page(&page, 1, 0, 0, STORE_EVENTS_MAX), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "1(a mark) 2 3(a mark) 4 5(a mark) ");
        end(&f, &page);
}

/* "also one that is live" */
static void test_of_a_live_session(void) {
        Fixture f;
        Page page = { .f = &f };

        begin(&f, 5); /* what was queued before the end of the first is written with it */
        g_assert_cmpint(read_page(&page, 2, 0, 0, STORE_EVENTS_MAX), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "1(a mark) 2 3(a mark) ");
        end(&f, &page);
}

static void test_pages_forwards_and_backwards(void) {
        Fixture f;
        Page page = { .f = &f };

        begin(&f, 5);
        g_assert_cmpint(read_page(&page, 1, 0, 0, 2), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "1(a mark) 2 ");
        g_assert_cmpint(read_page(&page, 1, page.last, 0, 2), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "3(a mark) 4 ");
        g_assert_cmpint(read_page(&page, 1, page.last, 0, 2), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "5(a mark) ");
        g_assert_cmpint(read_page(&page, 1, page.last, 0, 2), ==, 0);
        g_assert_cmpuint(page.n, ==, 0);

        g_assert_cmpint(read_page(&page, 1, 0, UINT64_MAX, 2), ==, 0); /* the newest */
        g_assert_cmpstr(page.told->str, ==, "4 5(a mark) ");
        g_assert_cmpint(read_page(&page, 1, 0, page.first, 2), ==, 0);
        g_assert_cmpstr(page.told->str, ==, "2 3(a mark) ");
        g_assert_cmpint(read_page(&page, 1, page.first, page.last, 2), ==, 0); /* between two */
        g_assert_cmpuint(page.n, ==, 0);
        end(&f, &page);
}

static void test_a_page_is_bounded(void) {
        Fixture f;
        Page page = { .f = &f };

        begin(&f, STORE_EVENTS_MAX + 1);
        g_assert_cmpint(read_page(&page, 1, 0, 0, UINT_MAX), ==, 0);
        g_assert_cmpuint(page.n, ==, STORE_EVENTS_MAX);
        g_assert_cmpint(read_page(&page, 1, 0, 0, 0), ==, 0);
        g_assert_cmpuint(page.n, ==, 1);
        end(&f, &page);
}

static void test_no_such_session(void) {
        Fixture f;
        Page page = { .f = &f };

        begin(&f, 1);
        g_assert_cmpint(read_page(&page, 3, 0, 0, STORE_EVENTS_MAX), ==, -ENOENT);
        g_assert_cmpuint(page.n, ==, 0);
        end(&f, &page);
}

/* "After store_free() no callback runs", and everybody was answered. */
static void test_closing_answers(void) {
        Fixture f;
        Page page = { .f = &f, .told = g_string_new(NULL) };

        begin(&f, 1);
        f.answered = false;
        store_events(f.store, &(StoreEventFilter) { .session = 1, .limit = 1 }, on_events, &page);
        fixture_stop(&f);
        g_assert_true(f.answered);
        g_assert_true(f.error == 0 || f.error == -ECANCELED);
        end(&f, &page);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-events/all-of-one-session", test_all_of_one_session);
        g_test_add_func("/store-events/of-a-live-session", test_of_a_live_session);
        g_test_add_func("/store-events/pages-forwards-and-backwards", test_pages_forwards_and_backwards);
        g_test_add_func("/store-events/a-page-is-bounded", test_a_page_is_bounded);
        g_test_add_func("/store-events/no-such-session", test_no_such_session);
        g_test_add_func("/store-events/closing-answers", test_closing_answers);
        return g_test_run();
}
