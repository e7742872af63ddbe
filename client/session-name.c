/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/session-name.h"

#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/session-filter.h"

#define UUID_LENGTH 36u

/* Those that fit: the first one's number, and what to call them all. */
typedef struct Fits {
        uint64_t id;
        unsigned n;
        GString *list;
} Fits;

static bool is_uuid_prefix(const char *typed) {
        size_t length = strlen(typed);

        return length >= SESSION_UUID_PREFIX_MIN && length <= UUID_LENGTH && strspn(typed, "0123456789abcdefABCDEF-") == length &&
               strspn(typed, G_CSET_DIGITS) < length;
}

static bool is_latest(const char *typed) {
        return strcmp(typed, "last") == 0 || strcmp(typed, "latest") == 0;
}

static void offer(Fits *fits, const json_t *session, const char *typed) {
        g_autofree char *text = NULL;
        uint64_t id = (uint64_t) json_number(session, "id");

        if (objects_session_match(session, typed) == MATCH_NONE || (fits->n > 0 && id == fits->id))
                return;

        text = g_strdup_printf("%" PRIu64 " (%s)", id, json_text(session, "uuid"));
        client_add_candidate(fits->list, fits->n++, text);
        fits->id = id;
}

static Exit offer_stored(Client *client, Fits *fits, const char *typed) {
        SessionFilter filter = { .limit = UINT64_MAX };
        json_auto *sessions = json_array();
        json_t *session;
        size_t i;
        Exit e;

        e = client_connect(client);
        if (e == EXIT_DONE)
                e = session_filter_list(client, &filter, sessions);
        json_array_foreach(sessions, i, session)
                offer(fits, session, typed);

        return e;
}

static Exit find_latest(Client *client, uint64_t *ret) {
        SessionFilter filter = {};
        json_auto *page = NULL;
        Exit e;

        e = client_connect(client);
        if (e == EXIT_DONE)
                e = session_filter_page(client, &filter, 1, 0, &page);
        if (e != EXIT_DONE)
                return e;
        if (json_array_size(page) == 0) {
                output_error("No session is stored yet: there is no latest one.");
                return EXIT_NOT_FOUND;
        }

        *ret = (uint64_t) json_number(json_array_get(page, 0), "id");
        return EXIT_DONE;
}

static Exit there_is_none(const char *typed) {
        output_error("There is no session '%s'. 'needlectl sessions' lists them with their numbers.", typed);
        return EXIT_NOT_FOUND;
}

static Exit find_by_uuid(Client *client, const Objects *objects, const char *typed, uint64_t *ret) {
        g_autoptr(GString) list = g_string_new(NULL);
        Fits fits = { .list = list };
        json_t *session;
        size_t i;
        Exit e;

        json_array_foreach(objects ? objects->sessions : NULL, i, session)
                if (objects_session_is_live(session))
                        offer(&fits, session, typed);
        e = offer_stored(client, &fits, typed);
        if (e != EXIT_DONE)
                return e;
        if (fits.n > 1) {
                output_error("'%s' fits more than one session: %s. Name one.", typed, list->str);
                return EXIT_USAGE;
        }
        if (fits.n == 0)
                return EXIT_NOT_FOUND;

        *ret = fits.id;
        return EXIT_DONE;
}

bool session_name_is_one(const char *typed) {
        uint64_t id;

        return format_parse_unsigned(typed, 1, INT64_MAX, &id) == 0 || is_latest(typed) || is_uuid_prefix(typed);
}

Exit session_name_find(Client *client, const Objects *objects, const char *typed, uint64_t *ret) {
        const json_t *session = NULL;
        Exit e = EXIT_NOT_FOUND;

        if (format_parse_unsigned(typed, 1, INT64_MAX, ret) == 0)
                return EXIT_DONE;
        if (is_latest(typed))
                return find_latest(client, ret);
        if (is_uuid_prefix(typed))
                e = find_by_uuid(client, objects, typed, ret);
        if (e != EXIT_NOT_FOUND)
                return e;
        if (!objects || objects_find_session(objects, typed, &session) < 0)
                return there_is_none(typed);

        *ret = (uint64_t) json_number(session, "id");
        return EXIT_DONE;
}

Exit session_name_ids(Client *client, GArray *ids) {
        for (int i = 0; i < client->n_args; i++) {
                bool known = false;
                uint64_t id;
                Exit e;

                e = session_name_find(client, NULL, client->args[i], &id);
                if (e != EXIT_DONE)
                        return e;
                for (unsigned k = 0; k < ids->len; k++)
                        known |= g_array_index(ids, uint64_t, k) == id;
                if (!known)
                        g_array_append_val(ids, id);
        }

        return EXIT_DONE;
}
