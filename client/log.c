/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/redact.h"
#include "client/service.h"
#include "client/session-name.h"
#include "client/verbs.h"

/* journalctl shows it: with its pager and colours, in all its forms, and following. Whether there is anything to show
 * is asked before, so that whoever may not see it is told so, and scripts are told that there is nothing. */

#define UNIT "needled.service"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_journal, sd_journal_close)

static void add(GPtrArray *words, const char *word) {
        g_ptr_array_add(words, g_strdup(word));
}

GPtrArray *log_matches(const LogQuery *query) {
        GPtrArray *terms = g_ptr_array_new_with_free_func(g_free);

        add(terms, "_SYSTEMD_UNIT=" UNIT);
        if (query->session > 0) {
                g_ptr_array_add(terms, g_strdup_printf("NEEDLED_SESSION=%" PRIu64, query->session));
                return terms;
        }

        /* What systemd says of it, and of its crashes. */
        add(terms, "");
        add(terms, "UNIT=" UNIT);
        add(terms, "_PID=1");
        add(terms, "");
        add(terms, "COREDUMP_UNIT=" UNIT);
        add(terms, "_UID=0");
        return terms;
}

static void add_time(GPtrArray *words, const char *option, uint64_t usec) {
        if (usec > 0)
                g_ptr_array_add(words, g_strdup_printf("--%s=@%" PRIu64 ".%06" PRIu64, option, usec / SECOND_USEC,
                                                       usec % SECOND_USEC));
}

GPtrArray *log_command(const LogQuery *query, const Options *options) {
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) terms = log_matches(query);

        add(words, "journalctl");
        add(words, "--system");
        if (options_has(options, OPTION_JSON))
                add(words, "--output=json");
        if (options_has(options, OPTION_EXPLAIN))
                add(words, "--catalog");
        if (options_has(options, OPTION_TAIL))
                add(words, "--follow");
        if (options_has(options, OPTION_NO_PAGER) || options_has(options, OPTION_REDACT))
                add(words, "--no-pager");
        if (options_has(options, OPTION_QUIET) || options_has(options, OPTION_NO_LEGEND))
                add(words, "--quiet");
        if (query->limit > 0)
                g_ptr_array_add(words, g_strdup_printf("--lines=%" PRIu64, query->limit));
        add_time(words, "since", query->since_usec);
        add_time(words, "until", query->until_usec);
        for (unsigned i = 0; i < terms->len; i++)
                add(words, *(const char *) terms->pdata[i] ? terms->pdata[i] : "+");

        g_ptr_array_add(words, NULL);
        return words;
}

/* > 0: there is an entry, 0: there is none that we may see, or a negative errno. */
static int look(const LogQuery *query) {
        g_autoptr(sd_journal) journal = NULL;
        g_autoptr(GPtrArray) terms = log_matches(query);
        uint64_t usec;
        int r;

        r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        for (unsigned i = 0; r >= 0 && i < terms->len; i++) {
                const char *term = terms->pdata[i];

                r = *term ? sd_journal_add_match(journal, term, 0) : sd_journal_add_disjunction(journal);
        }
        if (r >= 0)
                r = query->since_usec > 0 ? sd_journal_seek_realtime_usec(journal, query->since_usec)
                                          : sd_journal_seek_head(journal);
        if (r >= 0)
                r = sd_journal_next(journal);
        if (r <= 0 || query->until_usec == 0)
                return r;

        r = sd_journal_get_realtime_usec(journal, &usec);
        return r < 0 ? r : usec <= query->until_usec;
}

typedef enum Access {
        ACCESS_GRANTED,
        ACCESS_DENIED,
        ACCESS_NO_JOURNAL,
} Access;

/* Of the journal of the system. */
static Access access_of_journal(void) {
        static const char *const folders[] = { "/var/log/journal", "/run/log/journal" };
        char machine[SD_ID128_STRING_MAX];
        sd_id128_t id;
        Access access_now = ACCESS_NO_JOURNAL;

        if (sd_id128_get_machine(&id) < 0)
                return ACCESS_NO_JOURNAL;

        (void) sd_id128_to_string(id, machine);
        for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
                g_autofree char *path = g_build_filename(folders[i], machine, "system.journal", NULL);

                if (access(path, R_OK) == 0)
                        return ACCESS_GRANTED;
                if (errno == EACCES)
                        access_now = ACCESS_DENIED;
        }

        return access_now;
}

static Exit denied(void) {
        const struct passwd *user = getpwuid(geteuid());

        output_error("You may not see the journal of the system: root may, and the members of the groups "
                     "systemd-journal and adm. Run 'sudo needlectl log', or join: sudo usermod -aG systemd-journal %s, and "
                     "log in again.", user ? user->pw_name : "USER");
        return EXIT_NOT_AUTHORISED;
}

/* Nothing that is seen may be nothing that may be seen. */
static Exit nothing(const LogQuery *query, int error) {
        if (error < 0 && error != -EACCES && error != -ENOENT) {
                output_error("The journal cannot be read: %s. 'journalctl --verify' looks for damage.", g_strerror(-error));
                return EXIT_FAILED;
        }

        switch (access_of_journal()) {
        case ACCESS_DENIED:
                return denied();
        case ACCESS_NO_JOURNAL:
                output_error("This computer keeps no journal of the system. 'systemctl status systemd-journald' tells why.");
                return EXIT_FAILED;
        case ACCESS_GRANTED:
                break;
        }

        if (query->session > 0) {
                output_error("The journal has nothing of session %" PRIu64 "%s. It may have been cut since; "
                             "'needlectl show %" PRIu64
                             "' tells what is in the record.", query->session,
                             query->since_usec || query->until_usec ? " in that time" : "", query->session);
                return EXIT_NOT_FOUND;
        }

        output_say("The journal has nothing of needled%s.", query->since_usec || query->until_usec ? " in that time" : "");
        return EXIT_NOTHING_TO_DO;
}

/* A number needs no service. */
static Exit read_session(Client *client, const char *typed, uint64_t *ret) {
        g_auto(Objects) objects = {};
        Exit e;

        if (format_parse_unsigned(typed, 1, INT64_MAX, ret) == 0)
                return EXIT_DONE;
        if (!session_name_is_one(typed)) {
                output_error("'%s' is not the number of a session. 'needlectl sessions' lists them.", typed);
                return EXIT_USAGE;
        }

        e = client_objects(client, &objects);
        return e == EXIT_DONE ? session_name_find(client, &objects, typed, ret) : e;
}

static Exit read_query(Client *client, LogQuery *ret) {
        const char *typed = client_arg(client, 0);
        Exit e;

        *ret = (LogQuery) {};
        e = typed ? read_session(client, typed, &ret->session) : EXIT_DONE;
        if (e != EXIT_DONE)
                return e;

        e = options_time(&client->options, OPTION_SINCE, client_now(), &ret->since_usec);
        if (e == EXIT_DONE)
                e = options_time(&client->options, OPTION_UNTIL, client_now(), &ret->until_usec);
        return e == EXIT_DONE ? options_number(&client->options, OPTION_LIMIT, 1, 1000000, 0, &ret->limit) : e;
}

/* The journal tells devices that were forgotten since, and what the computer was called before. */
static void learn(Client *client) {
        static const struct {
                const char *field;
                RedactKind kind;
        } fields[] = {
                { "NEEDLED_DEVICE", REDACT_DEVICE },
                { "_HOSTNAME", REDACT_HOST },
                { "_MACHINE_ID", REDACT_HOST },
        };
        g_autoptr(sd_journal) journal = NULL;

        if (client->bus || sd_bus_open_system(&client->bus) >= 0)
                service_learn(client->bus);
        if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0)
                return;

        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                size_t prefix = strlen(fields[i].field) + 1, length;
                const void *data;

                if (sd_journal_query_unique(journal, fields[i].field) < 0)
                        continue;
                while (sd_journal_enumerate_unique(journal, &data, &length) > 0) {
                        g_autofree char *value = length > prefix ? g_strndup((const char *) data + prefix, length - prefix)
                                                                   : NULL;

                        redact_learn_word(fields[i].kind, value);
                }
        }
}

static bool print_line(const char *line, bool json) {
        g_autofree char *text = NULL;
        json_auto *object = json ? json_loads(line, 0, NULL) : NULL;

        if (object) {
                output_json_line(object);
                return true;
        }

        text = redact_message(line);
        return output_line(text);
}

/* journalctl's lines with other names. Ctrl-C ends it, and then us. */
static Exit run_redacted(Client *client, char **words) {
        bool json = options_has(&client->options, OPTION_JSON);
        char *line = NULL;
        size_t size = 0;
        ssize_t n;
        FILE *lines;
        int fd, status = 0;
        GPid pid;

        if (!g_spawn_async_with_pipes(NULL, words, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                                      &fd, NULL, NULL) ||
            !(lines = fdopen(fd, "r"))) {
                output_error("journalctl cannot be run. It is a part of systemd.");
                return EXIT_FAILED;
        }

        do {
                n = getline(&line, &size, lines);
                if (n > 0 && line[n - 1] == '\n')
                        line[n - 1] = '\0';
        } while (n > 0 && print_line(line, json));
        free(line);
        (void) fclose(lines);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_FAILED;
}

Exit verb_log(Client *client) {
        g_autoptr(GPtrArray) words = NULL;
        bool follow = options_has(&client->options, OPTION_TAIL);
        LogQuery query;
        Exit e;
        int r;

        e = read_query(client, &query);
        if (e != EXIT_DONE)
                return e;
        if (follow && query.until_usec > 0) {
                output_error("--follow has no end; leave out --until.");
                return EXIT_USAGE;
        }

        r = look(&query);
        /* Who follows waits for the first; but not for what he may not see. */
        if (r <= 0 && !(follow && access_of_journal() == ACCESS_GRANTED))
                return nothing(&query, r);

        words = log_command(&query, &client->options);
        (void) g_setenv("SYSTEMD_COLORS", output_has_color() ? "1" : "0", TRUE);
        (void) fflush(stdout);
        if (redact_is_on()) {
                learn(client);
                return run_redacted(client, (char **) words->pdata);
        }
        (void) execvp(words->pdata[0], (char *const *) words->pdata);
        output_error("journalctl cannot be run: %s. It is a part of systemd.", g_strerror(errno));
        return EXIT_FAILED;
}
