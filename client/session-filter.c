/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/session-filter.h"

#include <glib.h>
#include <pwd.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/service.h"

#define LIMIT_MAX 1000000

static int append_filter(sd_bus_message *call, const SessionFilter *filter, uint64_t limit, uint64_t before) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(call, "{sv}", "limit", "u", (uint32_t) limit);
        if (r >= 0 && filter->since_usec > 0)
                r = sd_bus_message_append(call, "{sv}", "since", "t", filter->since_usec);
        if (r >= 0 && filter->until_usec > 0)
                r = sd_bus_message_append(call, "{sv}", "until", "t", filter->until_usec);
        if (r >= 0 && before > 0)
                r = sd_bus_message_append(call, "{sv}", "before", "t", before);
        if (r >= 0 && filter->owner_given)
                r = sd_bus_message_append(call, "{sv}", "owner", "u", (uint32_t) filter->owner);
        if (r >= 0)
                r = service_append_text(call, "device", filter->device);
        if (r >= 0)
                r = service_append_text(call, "subject", filter->subject);
        if (r >= 0)
                r = service_append_text(call, "area", filter->area);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

bool session_filter_given(const Options *options) {
        for (int i = _OPTION_COMMON_MAX; i < _OPTION_MAX; i++)
                if (SESSION_FILTER_OPTIONS & OPTION_BIT(i) && options_has(options, (Option) i))
                        return true;

        return false;
}

Exit session_filter_owner(const char *typed, uid_t *ret) {
        const struct passwd *user;
        uint64_t uid;

        if (strcmp(typed, "all") == 0) {
                *ret = (uid_t) -1;
                return EXIT_DONE;
        }
        if (format_parse_unsigned(typed, 0, UINT32_MAX - 1, &uid) == 0) {
                *ret = (uid_t) uid;
                return EXIT_DONE;
        }
        user = getpwnam(typed);
        if (!user) {
                output_error("There is no user '%s'. --owner takes a user's name or number, or 'all'.", typed);
                return EXIT_NOT_FOUND;
        }

        *ret = user->pw_uid;
        return EXIT_DONE;
}

/* The device of a session is its address, which stays when the device is forgotten: what no device is called
 * is passed on as it is. */
Exit session_filter_read(Client *client, Objects *objects, uint64_t fallback, SessionFilter *ret) {
        const Options *options = &client->options;
        const json_t *device = NULL;
        Exit e;

        *ret = (SessionFilter) { .device = options->value[OPTION_DEVICE], .subject = options->value[OPTION_SUBJECT],
                                 .area = options->value[OPTION_AREA], .owner_given = options_has(options, OPTION_OWNER) };
        if (options_has(options, OPTION_ALL) && options_has(options, OPTION_LIMIT)) {
                output_error("--all is without a limit; leave out one of --all and --limit.");
                return EXIT_USAGE;
        }

        e = options_number(options, OPTION_LIMIT, 1, LIMIT_MAX,
                           options_has(options, OPTION_ALL) ? UINT64_MAX : fallback, &ret->limit);
        if (e == EXIT_DONE && ret->owner_given)
                e = session_filter_owner(options->value[OPTION_OWNER], &ret->owner);
        if (e == EXIT_DONE)
                e = options_time(options, OPTION_SINCE, client_now(), &ret->since_usec);
        if (e == EXIT_DONE)
                e = options_time(options, OPTION_UNTIL, client_now(), &ret->until_usec);
        if (e == EXIT_DONE)
                e = client_connect(client);
        if (e != EXIT_DONE || !ret->device)
                return e;

        e = client_objects(client, objects);
        if (e != EXIT_DONE)
                return e;
        if (objects_find_device(objects, ret->device, &device) == 0)
                ret->device = json_text(device, "address");

        return EXIT_DONE;
}

Exit session_filter_list(Client *client, const SessionFilter *filter, json_t *ret) {
        const size_t n_before = json_array_size(ret);

        for (;;) {
                size_t n_listed = json_array_size(ret) - n_before;
                uint64_t limit = MIN(filter->limit - n_listed, SESSION_PAGE_MAX);
                uint64_t before = n_listed > 0 ? (uint64_t) json_number(json_array_get(ret, n_before + n_listed - 1), "id") : 0;
                json_auto *page = NULL;
                Exit e;

                if (limit == 0)
                        return EXIT_DONE;
                e = session_filter_page(client, filter, limit, before, &page);
                if (e == EXIT_NOT_FOUND && before > 0) { /* deleted meanwhile: on from the one before it */
                        json_array_remove(ret, n_before + n_listed - 1);
                        continue;
                }
                if (e != EXIT_DONE)
                        return e;

                json_array_extend(ret, page);
                if (json_array_size(page) < limit)
                        return EXIT_DONE;
        }
}

Exit session_filter_page(Client *client, const SessionFilter *filter, uint64_t limit, uint64_t before, json_t **ret) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) call = NULL;
        Exit e;
        int r;

        e = service_message(client->bus, SERVICE_ROOT, SERVICE_HISTORY, "List", &call);
        if (e != EXIT_DONE)
                return e;
        r = append_filter(call, filter, limit, before);
        if (r < 0)
                return service_message_error(r);

        r = service_try(client->bus, call, 0, &error, ret);
        if (r >= 0)
                return EXIT_DONE;
        e = service_exit(error.name, r);
        return e == EXIT_NOT_FOUND && before > 0 ? e : service_error(&error, r);
}
