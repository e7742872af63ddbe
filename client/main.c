/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/match.h"
#include "client/output.h"
#include "client/pager.h"
#include "client/redact.h"
#include "client/session-filter.h"
#include "client/text.h"
#include "client/verbs.h"

const Verb verbs[] = {
        { "status", "", "Bluetooth, devices, session and storage at a glance", NULL, 0, 0, 0, verb_status },
        { "setup", "[DEVICE]", "Lead through the first steps with a device",
          "Search, adopt, contraindications, plan, and a test of the device. What is done\n"
          "already is seen, said and skipped: it may be stopped at any place by Ctrl-C, and\n"
          "goes on from there the next time. Each step is a verb of its own too: search,\n"
          "adopt, acknowledge, plan, identify, tare, watch. Needs a terminal.\n"
          "--seconds is how long to search, and to wait for the device (15 and 60).",
          0, 1, OPTION_BIT(OPTION_SECONDS), verb_setup },
        { "devices", "", "List the devices that are adopted, and those that a search found", NULL, 0, 0, 0,
          verb_devices },
        { "search", "", "Look for devices nearby",
          "Devices that are found stay known for a minute after the search, long enough to\n"
          "adopt one.\n"
          "Exits with 3 if there was none.",
          0, 0, OPTION_BIT(OPTION_SECONDS), verb_search },
        { "adopt", "DEVICE", "Bond with a device that was found, and keep it",
          "Put the device in pairing mode first. From then on it is yours: needled connects\n"
          "to it by itself whenever it is switched on. DEVICE is an address, a name, or the\n"
          "beginning of one.\n"
          "On a terminal you are asked for digits if the device shows or takes any;\n"
          "elsewhere only devices that pair without (Just Works) can be adopted.\n"
          "Of a device that is adopted already and whose bond is lost, it makes a new bond:\n"
          "all else stays.",
          1, 1, OPTION_BIT(OPTION_ALIAS) | OPTION_BIT(OPTION_ALLOW_UNBONDED), verb_adopt },
        { "forget", "DEVICE", "Drop a device and its bond; its sessions stay", NULL, 1, 1, 0, verb_forget },
        { "connect", "[DEVICE]", "Connect to a device now, also to one that was let go", NULL, 0, 1, 0, verb_connect },
        { "release", "[DEVICE]", "Let go of a device, so that a phone can have it",
          "needled keeps away from it for that long, or until 'needlectl connect', over\n"
          "restarts of the computer too. Without --seconds and --for it is ReleaseTime of\n"
          "needled.conf, which is until 'needlectl connect' if nobody has set it;\n"
          "--seconds=0 is until 'needlectl connect' in any case.",
          0, 1, OPTION_BIT(OPTION_SECONDS) | OPTION_BIT(OPTION_FOR), verb_release },
        { "autoconnect", "[DEVICE] on|off", "Whether needled connects to a device by itself",
          "DEVICE may be left out if there is only one.", 1, 2, 0, verb_autoconnect },
        { "alias", "DEVICE NAME", "Call a device by a name of your own",
          "An empty NAME takes the alias away.", 2, 2, 0, verb_alias },
        { "identify", "[DEVICE]", "Let a device show itself, by light, sound or vibration", NULL, 0, 1, 0, verb_identify },
        { "tare", "[DEVICE]", "Take what a device measures now for no force",
          "It must be still, away from the skin, with its motor off.", 0, 1, 0, verb_tare },
        { "stop-motor", "[DEVICE]", "Stop the motor of a device now",
          "Works at any time. Nothing starts a motor but the button of the device.", 0, 1, 0, verb_stop_motor },
        { "sync", "[DEVICE]", "Take over the sessions that a device has stored",
          "needled does it by itself when it connects to the device, and after each\n"
          "session. Waits for its end, and exits with 2 if there was nothing new. DEVICE\n"
          "may be left out if there is only one.",
          0, 1, 0, verb_sync },
        { "get", "[PARAMETER...]", "Show the parameters of a device: limits, feedback, how often it measures",
          "All that it has, or those that are named. They are asked of the device itself.", 0, INT_MAX,
          OPTION_BIT(OPTION_DEVICE), verb_get },
        { "set", "PARAMETER=VALUE...", "Set parameters of a device",
          "It keeps them until it is switched off; what needled.conf names in [Limits], and\n"
          "TimeLimit, is written on each connection. If one is wrong, none is set. Forces\n"
          "are in mN: needlectl set overpressure_mn=2500",
          1, INT_MAX, OPTION_BIT(OPTION_DEVICE), verb_set },
        { "start", "[DEVICE]", "Begin a session by hand",
          "Usually a session begins by itself when the device is used.\n"
          "DEVICE may be left out if there is only one.",
          0, 1,
          OPTION_BIT(OPTION_SUBJECT) | OPTION_BIT(OPTION_AREA) | OPTION_BIT(OPTION_PRODUCT) |
                  OPTION_BIT(OPTION_NOTE),
          verb_start },
        { "stage", "[NAME [SESSION]]", "Say where the procedure is, or show what each stage asks for",
          "NAME is cleanse, numb, needling, aftercare, or none. Without it, each stage is\n"
          "shown with what the sources say and what the record does with it; '*' stands\n"
          "before the one that the session is in.\n"
          "SESSION is an id, the beginning of a UUID, or a device; it may be left out if\n"
          "there is only one.",
          0, 2, 0, verb_stage },
        { "area", "[NAME [SESSION]]", "Say which area of the body is worked on from now on",
          "Without NAME, the areas are listed; '*' stands before the one that counts now.\n"
          "While the device itself tells an area, that one counts.",
          0, 2, 0, verb_area },
        { "mark", "TEXT [SESSION]", "Keep a remark with the moment at which it was made", NULL, 1, 2, 0, verb_mark },
        { "pause", "[SESSION]", "Pause a live session",
          "It is over when the device is used again, or by 'needlectl resume'.\n"
          "SESSION is an id, the beginning of a UUID, or a device; it may be left out if there is only one.",
          0, 1, 0, verb_pause },
        { "resume", "[SESSION]", "Go on with a paused session", NULL, 0, 1, 0, verb_resume },
        { "finish", "[SESSION]", "End a live session, and keep it",
          "Prints its figures when it is safely stored. Whatever its device goes on doing,\n"
          "the next session begins when that has been at rest: off the skin, its motor off.",
          0, 1, 0, verb_finish },
        { "discard", "[SESSION]", "End a live session without a trace", "The next one begins as after 'needlectl finish'.",
          0, 1, 0, verb_discard },
        { "watch", "[SESSION|DEVICE]", "Follow a session live",
          "Waits for one if there is none, and goes on to the next. Begins with the last\n"
          "minute of a session that runs.\n"
          "Keys: a sets the area (type its name, Tab steps through), s the stage, m keeps a\n"
          "remark, p pauses and resumes, i lets the device show itself, t tares it, f ends\n"
          "the session (both ask), ? shows the keys, q leaves; Esc is out of a question.\n"
          "What needs a password is refused here: use the verb of this name.\n"
          "Where stdout is no terminal it prints a line a second; with --json one object\n"
          "for each record.",
          0, 1, OPTION_BIT(OPTION_UNTIL_END), verb_watch },
        { "record", "[SESSION|DEVICE]", "Record a live session as a tape",
          "Waits for a session if there is none, and ends with it, or by Ctrl-C. A tape is\n"
          "text: all that the device sent, line by line, for 'needlectl replay', for bug\n"
          "reports and for tests.",
          0, 1, OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_FORCE), verb_record },
        { "sessions", "", "List the sessions that were kept, newest first", NULL, 0, 0,
          SESSION_FILTER_OPTIONS, verb_sessions },
        { "show", "ID", "Show the figures of a session, and what happened in it",
          "ID is the number that 'needlectl sessions' lists, or that of a live session; the\n"
          "beginning of its UUID, of 4 letters or more; or 'latest' (or 'last') for the one\n"
          "that is listed first. So it is wherever an ID is asked for.",
          1, 1, 0,
          verb_show },
        { "annotate", "ID KEY=VALUE...", "Label a session, live or stored",
          "Keys are subject, area, product, note and rating (1 to 5). An empty value takes\n"
          "a label away.\n"
          "area= is what the whole session is called by; 'needlectl area' says where the\n"
          "device is now.",
          2, INT_MAX, 0, verb_annotate },
        { "plan", "", "Show when the minimum rest is over, and why",
          "From the sessions that were recorded, by needle depth and area. It reminds, it\n"
          "is no advice: docs/session.md says where the rules come from.",
          0, 0, OPTION_BIT(OPTION_SUBJECT) | OPTION_BIT(OPTION_AREA), verb_plan },
        { "acknowledge", "[VERSION]", "Read the list of contraindications, and acknowledge it",
          "Asks on a terminal; elsewhere the VERSION of the list that was read must be\n"
          "named. Exits with 2 if it is acknowledged already. Sessions run without it too,\n"
          "and are marked.",
          0, 1, 0, verb_acknowledge },
        { "export", "[ID...]", "Write stored sessions as tapes, JSON or CSV",
          "Those that are named, or those that --since, --until, --device, --subject,\n"
          "--area, --owner or --all choose.\n"
          "One session goes to stdout, or to the file that --output names. If there are\n"
          "several, or --output names a folder, each goes to a file of its own,\n"
          "session-ID.FORMAT, in that folder or in this one; where --output ends in .tar,\n"
          ".tar.gz, .tar.zst or .zip, all go into that archive.\n"
          "--follow waits for sessions of yours to end, writes each into DIR once, and\n"
          "begins with those that are not there yet. docs/record.md describes the formats.",
          0, INT_MAX,
          SESSION_FILTER_OPTIONS | OPTION_BIT(OPTION_FORMAT) | OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_FORCE) |
                  OPTION_BIT(OPTION_RESAMPLE) | OPTION_BIT(OPTION_FROM) | OPTION_BIT(OPTION_TO) | OPTION_BIT(OPTION_FOLLOW),
          verb_export },
        { "report", "[ID...]", "Write a page about a session, or about several",
          "One file in HTML, with drawings, tables and what the figures mean; it needs no\n"
          "network, and can be printed.\n"
          "Of several sessions, named or chosen by --since, --device, --subject, --limit\n"
          "and the like, a page about the course: how figures changed, and the time\n"
          "between. Prints where it wrote it. A session that is still live has a page too,\n"
          "of how far it is. --json prints what the page would show, and writes none\n"
          "without --output. docs/report.md says what is in it, and who should not have it.",
          0, INT_MAX,
          SESSION_FILTER_OPTIONS | OPTION_BIT(OPTION_PAGE) | OPTION_BIT(OPTION_PAGE_FORMAT) | OPTION_BIT(OPTION_FORCE),
          verb_report },
        { "import", "FILE...", "Take sessions in that were exported",
          "Tapes, sessions as JSON, and archives of both; '-' is stdin. They become yours,\n"
          "and their figures are computed again. A file is taken in whole or not at all; of\n"
          "a session that is here already nothing changes.\n"
          "Exits with 1 if one could not be taken in, with 2 if all were here already.",
          1, INT_MAX, 0, verb_import },
        { "delete", "ID...", "Erase stored sessions for good",
          "Asks on a terminal; elsewhere --yes has to say it. What no program can reach\n"
          "(backups, snapshots, worn cells of a flash disk) is named in docs/record.md.",
          1, INT_MAX, OPTION_BIT(OPTION_YES), verb_delete },
        { "erase", "", "Erase all your sessions for good, and what you set and acknowledged",
          "Says how many, and what may remain. --owner names another user, or all. --copies\n"
          "erases instead the files that were put aside, damaged or of a newer version.\n"
          "Asks on a terminal; elsewhere --yes has to say it.",
          0, 0, OPTION_BIT(OPTION_OWNER) | OPTION_BIT(OPTION_COPIES) | OPTION_BIT(OPTION_YES), verb_erase },
        { "verify", "ID|FILE...", "Whether the record of a session is whole, and gives its figures",
          "Checks what is stored, and computes the figures again. Exits with 1 if something\n"
          "is damaged or those that are stored are others, and lists them side by side. Of\n"
          "a tape in a file the figures are printed.",
          1, INT_MAX, 0, verb_verify },
        { "replay", "FILE", "Play a tape as if it were live",
          "The live view of 'watch', its lines or its JSON records, from a tape instead of\n"
          "a device; with --speed 0 the figures alone. Works without the service. '-' reads\n"
          "the tape from stdin.",
          1, 1, OPTION_BIT(OPTION_SPEED), verb_replay },
        { "profile", "ACTION [ID|FILE...]", "Vendor profiles: which there are, and whether they are right",
          "list             those of this host, and which file wins\n"
          "show ID|FILE     what one matches, decodes and does\n"
          "lint FILE...     check files, alone and together, and run their tests; exits with 1 if there is a problem\n"
          "try ID|FILE      what it makes of a packet (--char and --hex), or of those on a tape (--tape)\n"
          "All work without the service.",
          0, INT_MAX, OPTION_BIT(OPTION_CHAR) | OPTION_BIT(OPTION_HEX) | OPTION_BIT(OPTION_TAPE), verb_profile },
        { "doctor", "", "Look for what is wrong, and say what helps",
          "Bluetooth, adapters, each adopted device, storage, clock, vendor profiles and\n"
          "the service itself; also when it does not answer. Below each finding that is not\n"
          "fine stands what helps: a command, or a sentence.\n"
          "Exits with 1 if something fails, with 5 if the service does not answer.",
          0, 0, 0, verb_doctor },
        { "log", "[ID]", "Show the journal of the service, or what happened in one session",
          "Entries of the systemd journal; --json has all their fields, --explain says what\n"
          "each means and what to do.\n"
          "The journal can be read by root and the members of the groups systemd-journal\n"
          "and adm: who may not is told so, and it exits with 4; with 3 if there is nothing\n"
          "of that session, with 2 if there is nothing at all.",
          0, 1,
          OPTION_BIT(OPTION_SINCE) | OPTION_BIT(OPTION_UNTIL) | OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_TAIL) |
                  OPTION_BIT(OPTION_EXPLAIN),
          verb_log },
        { "version", "", "Show the versions of this program and of the service", NULL, 0, 0, 0,
          verb_version },
        { "complete", "[WORD...]", NULL, NULL, 0, INT_MAX, 0, verb_complete },
        { "help", "[VERB]", "Show what there is, or what a verb does", NULL, 0, 1, 0, verb_help },
};

const size_t n_verbs = sizeof verbs / sizeof verbs[0];

const Verb *verb_find(const char *name) {
        const char *names[sizeof verbs / sizeof verbs[0]], *meant;
        size_t n_names = 0;

        for (size_t i = 0; i < n_verbs; i++) {
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
                if (verbs[i].summary)
                        names[n_names++] = verbs[i].name;
        }

        meant = match_suggest(name, names, n_names);
        if (meant)
                output_error("There is no verb '%s'; did you mean '%s'?", name, meant);
        else
                output_error("There is no verb '%s'; 'needlectl help' lists those that there are.", name);

        return NULL;
}

static bool is_one_of(const Verb *verb, const char *const *names) {
        return g_strv_contains(names, verb->name);
}

/* Those that print and end. */
static bool is_paged(const Verb *verb) {
        static const char *const paged[] = { "status", "devices", "sessions", "show", "stage", "area", "get", "plan",
                                             "profile", "doctor", "verify", "help", NULL };

        return is_one_of(verb, paged);
}

/* What these write is there to be complete, or is not text for people. */
static bool is_never_redacted(const Verb *verb) {
        static const char *const complete[] = { "export", "record", "replay", "import", "complete", "profile", NULL };

        return is_one_of(verb, complete);
}

static Exit check_usage(const Verb *verb, const Client *client) {
        for (int i = _OPTION_COMMON_MAX; i < _OPTION_MAX; i++)
                if (options_has(&client->options, (Option) i) && !(verb->options & OPTION_BIT(i))) {
                        output_error("'%s' has no option --%s. 'needlectl help %s' shows those it has.",
                                     verb->name, option_info[i].name, verb->name);
                        return EXIT_USAGE;
                }

        if (redact_is_on() && is_never_redacted(verb)) {
                output_error("'%s' cannot redact what it writes: leave out --redact.", verb->name);
                return EXIT_USAGE;
        }

        if (client->n_args < verb->args_min || client->n_args > verb->args_max) {
                output_error("Usage: needlectl %s%s%s", verb->name, *verb->arguments ? " " : "",
                             verb->arguments);
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

static Exit run(Client *client) {
        const Options *options = &client->options;
        const char *name = options->n_args > 0 ? options->args[0] : "status";
        const Verb *verb;
        Exit e;

        if (options_has(options, OPTION_VERSION)) {
                printf("needlectl %s\n", NEEDLED_VERSION);
                return EXIT_DONE;
        }
        if (options_has(options, OPTION_HELP) && !options_has(options, OPTION_NO_PAGER))
                pager_begin();
        if (options_has(options, OPTION_HELP) && options->n_args == 0) {
                help_print();
                return EXIT_DONE;
        }

        verb = verb_find(name);
        if (!verb)
                return EXIT_USAGE;
        if (options_has(options, OPTION_HELP)) {
                help_print_verb(verb);
                return EXIT_DONE;
        }

        client->n_args = options->n_args > 0 ? options->n_args - 1 : 0;
        client->args = options->args + (options->n_args > 0 ? 1 : 0);
        e = check_usage(verb, client);
        if (e != EXIT_DONE)
                return e;
        if (is_paged(verb) && !options_has(options, OPTION_NO_PAGER))
                pager_begin();
        return verb->run(client);
}

int main(int argc, char **argv) {
        Client client = {};
        Exit e, finished;

        /* The character set alone: numbers keep their point. */
        (void) setlocale(LC_CTYPE, "");
        text_set_utf8(strcmp(nl_langinfo(CODESET), "UTF-8") == 0);

        e = options_parse(argc, argv, &client.options);
        if (e != EXIT_DONE)
                return e;
        if (output_init(client.options.value[OPTION_COLOR], options_has(&client.options, OPTION_QUIET)) <
            0) {
                output_error("--color is auto, always or never, not '%s'.",
                             client.options.value[OPTION_COLOR]);
                return EXIT_USAGE;
        }

        if (options_has(&client.options, OPTION_REDACT))
                redact_enable();
        if (options_has(&client.options, OPTION_NO_ASK_PASSWORD))
                agent_forbid();

        e = run(&client);
        client_done(&client);
        finished = output_finish();
        return e == EXIT_DONE ? finished : e;
}
