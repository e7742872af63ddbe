/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/options.h"

#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/match.h"
#include "client/output.h"

const OptionInfo option_info[_OPTION_MAX] = {
        [OPTION_HELP] = { "help", 'h', NULL, "Show what there is, or with a verb what it does" },
        [OPTION_VERSION] = { "version", 0, NULL, "Show the version of this program" },
        [OPTION_JSON] = { "json", 0, NULL, "Print JSON, which stays as it is across versions" },
        [OPTION_NO_LEGEND] = { "no-legend", 0, NULL, "Leave out the heads of tables" },
        [OPTION_NO_PAGER] = { "no-pager", 0, NULL, "Do not pipe output into a pager" },
        [OPTION_COLOR] = { "color", 0, "WHEN", "Colours: auto, always or never" },
        [OPTION_QUIET] = { "quiet", 'q', NULL, "Print data and errors, no other messages" },
        [OPTION_REDACT] = { "redact", 0, NULL,
                              "Print other names for addresses, aliases, persons, notes and this host, to share it" },
        [OPTION_NO_ASK_PASSWORD] = { "no-ask-password", 0, NULL, "Do not ask for authorisation; what needs it is refused" },
        [OPTION_SECONDS] = { "seconds", 's', "N", "How many seconds: a search 1 to 30 (15), a release at most 2592000" },
        [OPTION_FOR] = { "for", 0, "TIME", "How long to let it go: 90s, 30min, 2h, 1d 12h, at most 30d" },
        [OPTION_ALIAS] = { "alias", 'a', "NAME", "What to call it from now on" },
        [OPTION_ALLOW_UNBONDED] = { "allow-unbonded", 0, NULL,
                                    "Adopt it even if it cannot bond: others near can read and imitate it" },
        [OPTION_SUBJECT] = { "subject", 0, "TEXT", "Who is treated" },
        [OPTION_AREA] = { "area", 0, "AREA", "Where: forehead, cheek-left, scalp-front, ..." },
        [OPTION_PRODUCT] = { "product", 0, "TEXT", "What is used with it" },
        [OPTION_NOTE] = { "note", 0, "TEXT", "Anything else to remember" },
        [OPTION_UNTIL_END] = { "until-end", 0, NULL, "Leave when the session ends" },
        [OPTION_SINCE] = { "since", 'S', "TIME",
                           "From then on: 2026-02-03, \"2026-02-03 14:05\", today, yesterday, 2d, 1w" },
        [OPTION_UNTIL] = { "until", 'U', "TIME", "Before then" },
        [OPTION_DEVICE] = { "device", 'd', "DEVICE", "Of this device" },
        [OPTION_LIMIT] = { "limit", 'n', "N", "At most so many (50 sessions)" },
        [OPTION_OUTPUT] = { "output", 'o', "FILE", "Where to write it, readable by you alone (stdout)" },
        [OPTION_FORCE] = { "force", 0, NULL, "Write over a file that exists" },
        [OPTION_FORMAT] = { "format", 'f', "FORMAT", "What to write: tape, json or csv (tape)" },
        [OPTION_SPEED] = { "speed", 0, "N", "How many times as fast as it was; 0: at once (1)" },
        [OPTION_CHAR] = { "char", 'c', "ALIAS", "The characteristic that it came from" },
        [OPTION_HEX] = { "hex", 0, "OCTETS", "A packet, as \"a5 01 00\"" },
        [OPTION_TAPE] = { "tape", 0, "FILE", "All packets of a tape" },
        [OPTION_OWNER] = { "owner", 0, "USER", "Whose: a user's name or number, or all" },
        [OPTION_ALL] = { "all", 0, NULL, "All of them, however many" },
        [OPTION_YES] = { "yes", 'y', NULL, "Do not ask" },
        [OPTION_COPIES] = { "copies", 0, NULL, "Copies of the record that were put aside, damaged or newer; root only" },
        [OPTION_RESAMPLE] = { "resample", 0, "HZ", "Of csv: rows at this rate, not one for each frame; 1 to 1000" },
        [OPTION_FROM] = { "from", 0, "TIME", "Only what is later in the session: 90s, 2min 30s" },
        [OPTION_TO] = { "to", 0, "TIME", "Only what is earlier in the session" },
        [OPTION_FOLLOW] = { "follow", 0, "DIR", "Write each session into this folder as it ends, once" },
        [OPTION_TAIL] = { "follow", 'f', NULL, "Wait for what comes, and show it" },
        [OPTION_EXPLAIN] = { "explain", 'x', NULL, "Say what each entry means, and what to do" },
        [OPTION_PAGE] = { "output", 'o', "FILE", "Where to write it, readable by you alone; - is stdout "
                                                 "(needled-session-ID.html)" },
        [OPTION_PAGE_FORMAT] = { "format", 'f', "FORMAT", "The page as html, or its drawings as png or pdf (html)" },
};

#define LONG_FIRST 256

static bool is_shared(const char *a, const char *b) {
        return a && b && strcmp(a, b) == 0;
}

/* Whether an option counts on the command line of this verb, by its name or by its letter. */
static bool counts(Option option, const char *verb, bool by_letter) {
        const OptionInfo *info = &option_info[option];

        if (option_verb(option))
                return is_shared(option_verb(option), verb);
        for (int i = 0; i < _OPTION_MAX; i++) {
                const OptionInfo *other = &option_info[i];

                if (is_shared(option_verb((Option) i), verb) &&
                    (by_letter ? other->letter == info->letter : strcmp(other->name, info->name) == 0))
                        return false;
        }

        return true;
}

static void build_tables(const char *verb, struct option *longs, GString *shorts) {
        size_t n = 0;

        /* ":" tells a missing argument from an unknown option. */
        g_string_append_c(shorts, ':');

        for (int i = 0; i < _OPTION_MAX; i++) {
                const OptionInfo *info = &option_info[i];

                if (counts((Option) i, verb, false))
                        longs[n++] = (struct option){ info->name, info->argument ? required_argument : no_argument, NULL,
                                                      LONG_FIRST + i };
                if (info->letter && counts((Option) i, verb, true)) {
                        g_string_append_c(shorts, info->letter);
                        if (info->argument)
                                g_string_append_c(shorts, ':');
                }
        }
}

static int find_letter(const char *verb, int letter) {
        for (int i = 0; i < _OPTION_MAX; i++)
                if (option_info[i].letter && option_info[i].letter == letter && counts((Option) i, verb, true))
                        return i;

        return -ENOENT;
}

/* The first word that is no option. It may be the argument of one that stands before the verb; then it is no verb
 * either, but for who calls a device "log". */
static const char *likely_verb(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (argv[i][0] != '-')
                        return argv[i];

        return NULL;
}

static Exit unknown_option(const char *typed, int letter) {
        g_autofree char *word = g_strndup(typed, strcspn(typed, "="));
        const char *names[_OPTION_MAX], *meant = NULL;

        if (letter > 0 && letter < LONG_FIRST) {
                output_error("There is no option -%c. 'needlectl --help' lists what there is.", letter);
                return EXIT_USAGE;
        }

        for (int i = 0; i < _OPTION_MAX; i++)
                names[i] = option_info[i].name;

        if (letter >= LONG_FIRST) /* known, but an argument was given to one that takes none */
                output_error("The option --%s takes no argument.", option_info[letter - LONG_FIRST].name);
        else if ((meant = match_suggest(word + strspn(word, "-"), names, _OPTION_MAX)))
                output_error("There is no option '%s', or more than one that begins so. Did you mean "
                             "'--%s'?",
                             word, meant);
        else
                output_error("There is no option '%s'. 'needlectl --help' lists what there is.", word);

        return EXIT_USAGE;
}

static Exit missing_argument(const char *verb, int c) {
        int i = c >= LONG_FIRST ? c - LONG_FIRST : find_letter(verb, c);

        output_error("The option --%s needs an argument: --%s=%s.", option_info[i].name, option_info[i].name,
                     option_info[i].argument);
        return EXIT_USAGE;
}

const char *option_verb(Option option) {
        if (option == OPTION_PAGE || option == OPTION_PAGE_FORMAT)
                return "report";

        return option == OPTION_TAIL ? "log" : NULL;
}

Exit options_parse(int argc, char **argv, Options *ret) {
        struct option longs[_OPTION_MAX + 1] = {};
        g_autoptr(GString) shorts = g_string_new(NULL);
        const char *verb = likely_verb(argc, argv);
        Options options = {};
        int c;

        build_tables(verb, longs, shorts);
        optind = 0; /* begin anew, GNU's way: tests parse many command lines */
        opterr = 0;
        while ((c = getopt_long(argc, argv, shorts->str, longs, NULL)) >= 0) {
                int i;

                if (c == '?')
                        return unknown_option(argv[optind - 1], optopt);
                if (c == ':')
                        return missing_argument(verb, optopt);

                i = c >= LONG_FIRST ? c - LONG_FIRST : find_letter(verb, c);
                options.value[i] = optarg ? optarg : "";
        }

        options.args = argv + optind;
        options.n_args = argc - optind;
        *ret = options;
        return EXIT_DONE;
}

Exit options_number(const Options *options, Option option, uint64_t min, uint64_t max, uint64_t fallback,
                    uint64_t *ret) {
        const char *value = options->value[option];

        if (!value) {
                *ret = fallback;
                return EXIT_DONE;
        }
        if (format_parse_unsigned(value, min, max, ret) < 0) {
                output_error("--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'.",
                             option_info[option].name, min, max, value);
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

Exit options_time(const Options *options, Option option, uint64_t now_realtime_usec, uint64_t *ret) {
        const char *value = options->value[option];

        *ret = 0;
        if (value && format_parse_time(value, now_realtime_usec, ret) < 0) {
                output_error("--%s does not understand '%s'. It takes 2026-02-03, \"2026-02-03 14:05\", "
                             "today, yesterday, 6h, 2d or 1w.",
                             option_info[option].name, value);
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}
