/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/events-view.h"

#include <glib.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/service.h"
#include "client/table.h"
#include "needled/omp.h"

#define PAGE_MAX 1000u          /* of History1.GetEvents */

static Exit get_page(Client *client, uint64_t id, uint64_t after, json_t **ret) {
        if (after == 0)
                return client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "GetEvents", 0, ret, "ta{sv}", id, 0);

        return client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "GetEvents", 0, ret, "ta{sv}", id, 1, "after", "t", after);
}

Exit events_view_get(Client *client, uint64_t id, json_t **ret) {
        json_auto *events = json_array();
        uint64_t after = 0;
        size_t n = PAGE_MAX;

        while (n == PAGE_MAX) {
                json_auto *page = NULL;
                Exit e = get_page(client, id, after, &page);

                if (e != EXIT_DONE)
                        return e;
                n = json_array_size(page);
                if (n > 0)
                        after = (uint64_t) json_number(json_array_get(page, n - 1), "id");
                json_array_extend(events, page);
        }

        *ret = g_steal_pointer(&events);
        return EXIT_DONE;
}

/* Contact and motor are always asserted, and have the value 0 at the end (profile 1.6). */
static bool is_over(const json_t *event) {
        const json_t *value = json_object_get(event, "value");
        int64_t code = json_number(event, "code");

        if (!json_is_true(json_object_get(event, "asserted")))
                return true;

        return (code == OMP_EVENT_CONTACT || code == OMP_EVENT_MOTOR) && json_is_number(value) && json_number_value(value) == 0;
}

/* An event of the device or an alert begins and ends; the others are moments. */
char *events_view_what(const json_t *event) {
        const char *text = json_text(event, "text"), *name = json_text(event, "name");
        const json_t *raised = json_object_get(event, "raised");

        if (strcmp(json_text(event, "kind"), "mark") == 0)
                return g_strdup(text);
        if (json_object_get(event, "asserted"))
                return g_strdup_printf("%s%s", name, is_over(event) ? " is over" : "");
        if (raised && !json_is_true(raised))
                return g_strdup_printf("%s is over", name);

        return g_strdup(*text ? text : name);
}

char *events_view_text(const json_t *events, bool legend, bool color) {
        static const char *const titles[] = { ">TIME", "KIND", "WHAT" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        json_auto *sorted = json_sorted(events, "time"); /* some are written when what they are about has passed */
        json_t *event;
        size_t i;

        json_array_foreach(sorted, i, event) {
                g_autofree char *time = format_elapsed((uint64_t) MAX(json_number(event, "time"), 0)),
                                *words = events_view_what(event);
                const char *level = json_text(event, "level");
                bool bad = json_is_true(json_object_get(event, "raised")) && strcmp(level, "notice") != 0;

                table_add(table, time, STYLE_PLAIN);
                table_add(table, json_text(event, "kind"), STYLE_PLAIN);
                table_add(table, words, bad ? STYLE_BAD : STYLE_PLAIN);
        }

        return table_rows(table) > 0 ? table_render(table, legend, color) : g_strdup("");
}
