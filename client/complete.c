/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/agent.h"
#include "client/complete.h"
#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/service.h"
#include "client/session-filter.h"
#include "client/text.h"
#include "client/verbs.h"
#include "needled/note.h"
#include "needled/omp.h"

#define ANSWER_USEC (1 * SECOND_USEC)   /* somebody waits for the next letter */
#define SESSIONS_MAX 100u

static const struct {
        Option option;
        const char *words;      /* separated by spaces; with @ what stands in `sources` */
} option_values[] = {
        { OPTION_COLOR, "auto always never" },
        { OPTION_FORMAT, "tape json csv" },
        { OPTION_PAGE_FORMAT, "html png pdf" },
        { OPTION_AREA, "@AREA" },
        { OPTION_DEVICE, "@DEVICE" },
        { OPTION_SINCE, "today yesterday 7d 30d" },
        { OPTION_UNTIL, "today yesterday" },
};

static const char *const parameters = "live_period_ms waveform_rate_hz overpressure_mn hysteresis_mn feedback_mask "
                                      "session_limit_s contact_threshold_mn zone_low_mn "
                                      "zone_high_mn feedback_window_ms waveform_batch";

static void add(Completion *completion, const char *word, const char *meaning) {
        g_autofree char *shown = text_printable(word), *told = meaning ? text_printable(meaning) : NULL;

        if (*word && g_str_has_prefix(word, completion->typed))
                g_ptr_array_add(completion->lines,
                                g_strdup_printf("%s%s%s%s", completion->before, shown, told ? "\t" : "", told ?: ""));
}

static void add_words(Completion *completion, const char *words) {
        g_auto(GStrv) list = g_strsplit(words, " ", -1);

        for (char **word = list; *word; word++)
                add(completion, *word, NULL);
}

static void add_verbs(Completion *completion) {
        for (size_t i = 0; i < n_verbs; i++)
                if (verbs[i].summary)
                        add(completion, verbs[i].name, verbs[i].summary);
}

static void add_options(Completion *completion, const Verb *verb) {
        uint64_t wanted = OPTION_BIT(_OPTION_COMMON_MAX) - 1;

        wanted |= verb ? verb->options : 0;
        for (int i = 0; i < _OPTION_MAX; i++)
                if (wanted & OPTION_BIT(i)) {
                        g_autofree char *word =
                                g_strdup_printf("--%s%s", option_info[i].name, option_info[i].argument ? "=" : "");

                        add(completion, word, option_info[i].help);
                }
}

static void add_areas(Completion *completion) {
        const char *unknown = omp_area_name(0);

        add(completion, unknown, NULL);
        for (unsigned area = 1; area <= UINT8_MAX; area++) {
                const char *name = omp_area_name((uint8_t) area);

                if (!g_str_equal(name, unknown))
                        add(completion, name, NULL);
        }
}

static void add_stages(Completion *completion) {
        for (Stage stage = STAGE_NONE + 1; stage < _STAGE_MAX; stage++)
                add(completion, stage_name(stage), NULL);
        add(completion, "none", NULL);
}

/* What the service knows is asked for once, and silently: without it there is nothing to propose, and a key that is
 * pressed does not start what somebody has stopped. */
static bool ask(Completion *completion) {
        Client *client = completion->client;

        if (!completion->asked) {
                completion->asked = true;
                completion->answered = client_connect(client) == EXIT_DONE &&
                                       sd_bus_set_method_call_timeout(client->bus, ANSWER_USEC) >= 0 &&
                                       sd_bus_get_name_creds(client->bus, SERVICE_NAME, 0, NULL) >= 0 &&
                                       client_objects(client, &completion->objects) == EXIT_DONE;
        }

        return completion->answered;
}

/* Whether no shell takes the word for more than a word. Anybody may call a device what they like, and bash does not
 * quote what it inserts. */
static bool is_plain(const char *word) {
        g_autofree char *shown = text_printable(word);

        for (const char *p = shown; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                if (!g_unichar_isalnum(c) && (p == shown || (!g_unichar_ismark(c) && !strchr("_-.+@", *p))))
                        return false;
        }

        return *word && g_str_equal(shown, word);
}

static void add_devices(Completion *completion) {
        const json_t *device;
        size_t i;

        if (!ask(completion))
                return;
        json_array_foreach(completion->objects.devices, i, device) {
                const char *alias = json_text(device, "alias"), *address = json_text(device, "address");

                if (is_plain(alias))
                        add(completion, alias, json_text(device, "state"));
                else
                        add(completion, address, objects_device_title(device));
        }
}

static void add_session(Completion *completion, const json_t *session, const char *title, const char *start_key) {
        g_autofree char *id = g_strdup_printf("%" PRId64, json_number(session, "id")),
                        *start = format_time((uint64_t) json_number(session, start_key)),
                        *meaning = g_strdup_printf("%s  %s", start, title);

        add(completion, id, meaning);
}

static void add_live_sessions(Completion *completion) {
        const json_t *session;
        size_t i;

        if (!ask(completion))
                return;
        json_array_foreach(completion->objects.sessions, i, session)
                if (objects_session_is_live(session))
                        add_session(completion, session, "live", "started_at");
}

/* With the word for the newest of them. */
static void add_stored_sessions(Completion *completion) {
        SessionFilter filter = { .limit = SESSIONS_MAX };
        json_auto *sessions = NULL;
        const json_t *session;
        size_t i;

        if (!ask(completion) || session_filter_page(completion->client, &filter, SESSIONS_MAX, 0, &sessions) != EXIT_DONE)
                return;
        if (json_array_size(sessions) > 0)
                add(completion, "latest", "the newest that is stored");
        json_array_foreach(sessions, i, session) {
                const char *alias = json_text(session, "alias");

                add_session(completion, session, *alias ? alias : json_text(session, "device"), "start");
        }
}

static void add_profiles(Completion *completion) {
        g_autoptr(Profiles) profiles = client_profiles(NULL, NULL);

        for (const Profile *const *profile = profiles_all(profiles); *profile; profile++)
                add(completion, (*profile)->id, NULL);
}

static void add_parameters(Completion *completion, const Verb *verb) {
        g_auto(GStrv) names = g_strsplit(parameters, " ", -1);

        for (char **name = names; *name; name++) {
                g_autofree char *word = g_strconcat(*name, strchr(verb->arguments, '=') ? "=" : "", NULL);

                add(completion, word, NULL);
        }
}

/* One alternative of an argument, as the help calls it. */
static void add_kind(Completion *completion, const Verb *verb, const char *kind) {
        if (g_str_equal(kind, "DEVICE"))
                add_devices(completion);
        else if (g_str_equal(kind, "SESSION"))
                add_live_sessions(completion);
        else if (g_str_equal(kind, "ID") && g_str_equal(verb->name, "profile"))
                add_profiles(completion);
        else if (g_str_equal(kind, "ID")) {
                if (g_str_equal(verb->name, "show") || g_str_equal(verb->name, "annotate") || g_str_equal(verb->name, "log") ||
                    g_str_equal(verb->name, "report"))
                        add_live_sessions(completion);
                add_stored_sessions(completion);
        } else if (g_str_equal(kind, "NAME") && g_str_equal(verb->name, "stage"))
                add_stages(completion);
        else if (g_str_equal(kind, "NAME") && g_str_equal(verb->name, "area"))
                add_areas(completion);
        else if (g_str_has_prefix(kind, "PARAMETER"))
                add_parameters(completion, verb);
        else if (g_str_has_prefix(kind, "KEY"))
                add_words(completion, "subject= area= product= note= rating=");
        else if (g_str_equal(kind, "ACTION"))
                add_words(completion, "list show lint try");
        else if (g_str_equal(kind, "VERB"))
                add_verbs(completion);
        else if (g_ascii_islower(*kind))
                add(completion, kind, NULL);
}

/* The argument at `position`, by how the help writes it: "[NAME [SESSION]]", "ID KEY=VALUE...". The last goes on for
 * ever if it says so. */
static void add_argument(Completion *completion, const Verb *verb, unsigned position) {
        g_autofree char *flat = g_strdelimit(g_strdup(verb->arguments), "[]", ' ');
        g_auto(GStrv) split = g_strsplit(flat, " ", -1);
        const char *token = NULL;
        unsigned n = 0;

        for (char **word = split; *word; word++)
                if (**word && (n++ <= position || g_str_has_suffix(*word, "...")))
                        token = *word;
        if (!token || (n <= position && !g_str_has_suffix(token, "...")))
                return;

        g_auto(GStrv) kinds = g_strsplit(token, "|", -1);
        for (char **kind = kinds; *kind; kind++) {
                if (g_str_has_suffix(*kind, "..."))
                        (*kind)[strlen(*kind) - 3] = '\0';
                add_kind(completion, verb, *kind);
        }
}

/* The option with an argument that the word is: of the verb, whose letters may be those of others too, or of any before
 * there is one. */
static const OptionInfo *option_of(const Verb *verb, const char *word, Option *ret) {
        for (int i = 0; i < _OPTION_MAX; i++) {
                const OptionInfo *info = &option_info[i];
                bool counts = !verb || i < _OPTION_COMMON_MAX || verb->options & OPTION_BIT(i);
                bool is = g_str_has_prefix(word, "--") ? g_str_equal(word + 2, info->name) :
                                                         word[0] == '-' && info->letter && word[1] == info->letter && !word[2];

                if (counts && is && info->argument) {
                        *ret = (Option) i;
                        return info;
                }
        }

        return NULL;
}

static void add_values(Completion *completion, Option option) {
        for (size_t i = 0; i < G_N_ELEMENTS(option_values); i++) {
                if (option_values[i].option != option)
                        continue;
                if (g_str_equal(option_values[i].words, "@AREA"))
                        add_areas(completion);
                else if (g_str_equal(option_values[i].words, "@DEVICE"))
                        add_devices(completion);
                else
                        add_words(completion, option_values[i].words);
        }
}

void complete(Completion *completion, char **words, int n_words) {
        const char *typed = n_words > 0 ? words[n_words - 1] : "", *equals = strchr(typed, '=');
        const Verb *verb = NULL;
        unsigned n_arguments = 0;
        Option option;

        for (int i = 0; i + 1 < n_words; i++) {
                if (option_of(verb, words[i], &option)) {
                        if (i + 2 == n_words) {
                                completion->typed = typed;
                                add_values(completion, option);
                                return;
                        }
                        i++;
                } else if (words[i][0] == '-')
                        continue;
                else if (!verb) {
                        for (size_t k = 0; k < n_verbs && !verb; k++)
                                verb = g_str_equal(verbs[k].name, words[i]) ? &verbs[k] : NULL;
                        if (!verb)
                                return;
                } else
                        n_arguments++;
        }

        completion->typed = typed;
        if (g_str_has_prefix(typed, "--") && equals) {
                g_autofree char *name = g_strndup(typed, (size_t) (equals - typed)),
                                *before = g_strndup(typed, (size_t) (equals + 1 - typed));

                if (!option_of(verb, name, &option))
                        return;
                completion->before = before;
                completion->typed = equals + 1;
                add_values(completion, option);
                completion->before = "";
        } else if (typed[0] == '-')
                add_options(completion, verb);
        else if (!verb)
                add_verbs(completion);
        else
                add_argument(completion, verb, n_arguments);
}

Exit verb_complete(Client *client) {
        Completion completion = { .client = client, .before = "", .typed = "" };

        agent_forbid();
        completion.lines = g_ptr_array_new_with_free_func(g_free);
        complete(&completion, client->args, client->n_args);
        for (unsigned i = 0; i < completion.lines->len; i++)
                if (!output_line(completion.lines->pdata[i]))
                        break;

        g_ptr_array_unref(completion.lines);
        objects_done(&completion.objects);
        return EXIT_DONE;
}
