/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/confirm.h"
#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/service.h"
#include "client/session-filter.h"
#include "client/session-name.h"
#include "client/verbs.h"

/* The pages of what goes are overwritten, and there may be many. */
#define ERASE_TIMEOUT_USEC (3600 * SECOND_USEC)

typedef struct Sum {
        uint64_t n_sessions, n_bytes;
        json_t *remains;                /* of the newest answer */
} Sum;

static void sum_done(Sum *sum) {
        json_decref(sum->remains);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sum, sum_done)

static void add_answer(Sum *sum, const json_t *answer) {
        sum->n_sessions += (uint64_t) MAX(json_number(answer, "sessions"), 0);
        sum->n_bytes += (uint64_t) MAX(json_number(answer, "bytes"), 0);
        json_decref(sum->remains);
        sum->remains = json_incref(json_object_get(answer, "remains"));
}

/* What was erased, and what no call of this one could reach. */
static void print_sum(const Client *client, const Sum *sum, bool copies) {
        g_autofree char *size = g_format_size_full(sum->n_bytes, G_FORMAT_SIZE_IEC_UNITS);

        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:I s:I s:O*}", "sessions", (json_int_t) sum->n_sessions, "bytes",
                                             (json_int_t) sum->n_bytes, "remains", sum->remains);

                output_json(reply);
                return;
        }

        if (copies)
                output_say("Copies that were put aside are erased: %s.", size);
        else
                output_say("%" PRIu64 " session%s erased; the files have shrunk by %s.", sum->n_sessions,
                           sum->n_sessions == 1 ? " is" : "s are", size);
        for (size_t i = 0; i < json_array_size(sum->remains); i++) {
                const char *name = json_string_value(json_array_get(sum->remains, i));

                if (name && strstr(name, ".backup-v"))
                        output_say("What was erased may still be in %s, a backup that could not be removed; remove it.", name);
                else
                        output_say("What was erased may still be in %s, which was put aside%s.", name,
                                   copies ? " and could not be removed" : "; 'sudo needlectl erase --copies' erases it");
        }
}

/* ---- delete ---- */

static Exit delete_one(Client *client, uint64_t id, Sum *sum) {
        json_auto *answer = NULL;
        Exit e = client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "Delete", ERASE_TIMEOUT_USEC, &answer, "t", id);

        if (e == EXIT_DONE)
                add_answer(sum, answer);
        return e;
}

Exit verb_delete(Client *client) {
        g_autoptr(GArray) ids = g_array_new(false, false, sizeof(uint64_t));
        g_autofree char *question = NULL;
        g_auto(Sum) sum = {};
        Exit e;

        e = session_name_ids(client, ids);
        if (e != EXIT_DONE)
                return e;
        question = ids->len == 1 ? g_strdup_printf("Erase session %" PRIu64 " for good", g_array_index(ids, uint64_t, 0))
                                 : g_strdup_printf("Erase these %u sessions for good", ids->len);
        e = confirm_ask(client, question);
        for (unsigned i = 0; i < ids->len && e == EXIT_DONE; i++)
                e = delete_one(client, g_array_index(ids, uint64_t, i), &sum);
        if (e == EXIT_DONE || sum.n_sessions > 0)
                print_sum(client, &sum, false);

        return e;
}

/* ---- erase ---- */

static Exit erase_all(Client *client, uid_t owner, bool copies, Sum *sum) {
        json_auto *answer = NULL;
        Exit e = copies ? client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "EraseAll", ERASE_TIMEOUT_USEC, &answer,
                                           "a{sv}", 1, "copies", "b", 1)
                        : client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "EraseAll", ERASE_TIMEOUT_USEC, &answer,
                                           "a{sv}", 1, "owner", "u", (uint32_t) owner);

        if (e == EXIT_DONE)
                add_answer(sum, answer);
        return e;
}

Exit verb_erase(Client *client) {
        const char *owner = client->options.value[OPTION_OWNER];
        bool copies = options_has(&client->options, OPTION_COPIES);
        g_autofree char *question = NULL;
        uid_t uid = getuid();
        g_auto(Sum) sum = {};
        Exit e;

        if (copies && owner) {
                output_error("Copies that were put aside hold the sessions of all users: --copies goes without --owner.");
                return EXIT_USAGE;
        }
        e = owner ? session_filter_owner(owner, &uid) : EXIT_DONE;
        if (e != EXIT_DONE)
                return e;

        if (copies)
                question = g_strdup("Erase the copies of the record that were put aside, with the sessions of all users");
        else if (uid == (uid_t) -1)
                question = g_strdup("Erase all sessions of all users for good, with what they set and acknowledged");
        else if (owner)
                question = g_strdup_printf("Erase all sessions of %s for good, with what they set and acknowledged", owner);
        else
                question = g_strdup("Erase all your sessions for good, with what you set and acknowledged");
        e = confirm_ask(client, question);
        if (e == EXIT_DONE)
                e = erase_all(client, uid, copies, &sum);
        if (e != EXIT_DONE)
                return e;

        print_sum(client, &sum, copies);
        return !copies && sum.n_sessions == 0 ? EXIT_NOTHING_TO_DO : EXIT_DONE;
}
