/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <grp.h>
#include <inttypes.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "autoptr.h"
#include "clock.h"
#include "config.h"
#include "fdstore.h"
#include "hub.h"
#include "log.h"
#include "watchdog.h"

#define EXIT_USAGE 64
#define CONFIG_WARNINGS_MAX 20u         /* in the journal; --check-config says all */
#define LARGE_ALLOCATION (128 * 1024)   /* octets; what glibc begins with */

typedef struct Service {
        const char *config_dir;
        Hub *hub;
        Watchdog *watchdog;
} Service;

typedef struct Arguments {
        const char *config_dir, *state_dir;
        bool check_config;
} Arguments;

static void print_help(void) {
        printf("needled [OPTION…]\n\n"
               "Follows Bluetooth LE microneedling devices and keeps the record. Started by systemd; needlectl(1) is its client.\n\n"
               "  --config-dir=DIR   read needled.conf and needled.conf.d in DIR (%s)\n"
               "  --state-dir=DIR    keep the database in DIR ($STATE_DIRECTORY, or %s)\n"
               "  --check-config     say what is wrong with the configuration, and exit;\n"
               "                     for root it is read as the user needled, as by the service\n"
               "  --debug            say more, never what was measured\n"
               "  --version          print the version\n"
               "  --help             print this\n", NEEDLED_SYSCONFDIR "/needled", NEEDLED_STATEDIR);
}

/* Returns 0 to go on, > 0 when all is said, -EINVAL for a usage error. */
static int parse_arguments(int argc, char **argv, Arguments *ret) {
        enum { ARG_CONFIG_DIR = 0x100, ARG_STATE_DIR, ARG_CHECK_CONFIG, ARG_DEBUG, ARG_VERSION, ARG_HELP };
        static const struct option options[] = {
                { "config-dir", required_argument, NULL, ARG_CONFIG_DIR },
                { "state-dir", required_argument, NULL, ARG_STATE_DIR },
                { "check-config", no_argument, NULL, ARG_CHECK_CONFIG },
                { "debug", no_argument, NULL, ARG_DEBUG },
                { "version", no_argument, NULL, ARG_VERSION },
                { "help", no_argument, NULL, ARG_HELP },
                {},
        };
        const char *state_directory = getenv("STATE_DIRECTORY");
        int c;

        *ret = (Arguments) {
                .config_dir = NEEDLED_SYSCONFDIR "/needled",
                .state_dir = state_directory && *state_directory ? state_directory : NEEDLED_STATEDIR,
        };

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_CONFIG_DIR:
                        ret->config_dir = optarg;
                        break;
                case ARG_STATE_DIR:
                        ret->state_dir = optarg;
                        break;
                case ARG_CHECK_CONFIG:
                        ret->check_config = true;
                        break;
                case ARG_DEBUG:
                        log_set_max_level(LOG_DEBUG);
                        break;
                case ARG_VERSION:
                        puts("needled " NEEDLED_VERSION);
                        return 1;
                case 'h':
                case ARG_HELP:
                        print_help();
                        return 1;
                default:
                        return -EINVAL;
                }

        if (optind < argc) {
                fprintf(stderr, "needled: takes no arguments, only options (see --help): %s\n", argv[optind]);
                return -EINVAL;
        }

        return 0;
}

static void warn_config(const char *file, unsigned line, const char *message, void *userdata) {
        LogContext context = { .message_id = NEEDLED_MESSAGE_CONFIG_INVALID };
        unsigned *left = userdata;      /* NULL: no limit */

        if (left && *left == 0)
                return;
        if (left)
                (*left)--;
        if (line > 0)
                log_with(LOG_WARNING, &context, "%s:%u: %s", file, line, message);
        else
                log_with(LOG_WARNING, &context, "%s: %s", file, message);
}

static void load_config(const char *dir, Config *ret) {
        LogContext context = { .message_id = NEEDLED_MESSAGE_CONFIG_INVALID };
        unsigned left = CONFIG_WARNINGS_MAX, warnings;

        config_defaults(ret);
        warnings = config_load(ret, dir, warn_config, &left);
        if (warnings > CONFIG_WARNINGS_MAX)
                log_with(LOG_WARNING, &context, "%u more things are wrong with the configuration: "
                         NEEDLED_LIBEXECDIR "/needled --check-config names them all", warnings - CONFIG_WARNINGS_MAX);
}

/* root could read what the service cannot. */
static int become_service(void) {
        const struct passwd *user = geteuid() == 0 ? getpwnam("needled") : NULL; /* no thread runs yet */

        if (user && (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
                return log_error_errno(-errno, "the configuration cannot be read as the user needled");

        return 0;
}

static int check_config(const char *dir) {
        Config config;

        if (become_service() < 0)
                return EXIT_FAILURE;

        config_defaults(&config);
        return config_load(&config, dir, warn_config, NULL) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* As at the start: what cannot be read is a warning, and its default stands. Before the bus name is ours nothing is told of it: READY=1
 * would be the start's. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Service *service = userdata;
        bool ready = hub_ready(service->hub);
        Config config;

        if (ready)
                (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_usec(CLOCK_MONOTONIC));
        load_config(service->config_dir, &config);
        hub_configure(service->hub, &config);
        log_info("the configuration was read anew");
        if (ready)
                (void) sd_notify(0, "READY=1");
        return 0;
}

static int prepare_loop(Service *service, sd_event **ret) {
        static const int ends[] = { SIGTERM, SIGINT };
        g_autoptr(sd_event) event = NULL;
        uint64_t watched_usec = 0;
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        (void) signal(SIGPIPE, SIG_IGN);

        /* Not the default loop: of that one sd-event asks in each turn, with gettid(), whether the thread is the right one. */
        r = sd_event_new(&event);
        for (size_t i = 0; i < G_N_ELEMENTS(ends) && r >= 0; i++)
                r = sd_event_add_signal(event, NULL, ends[i], NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, service);
        if (r >= 0 && sd_watchdog_enabled(0, &watched_usec) > 0)
                r = watchdog_new(event, watched_usec, WATCHDOG_HUNG_USEC, &service->watchdog);
        if (r < 0)
                return r;

        *ret = g_steal_pointer(&event);
        return 0;
}

static int run(const Arguments *arguments, const Config *config) {
        static Ring *ring;              /* until the process ends: a thread that a disk holds may still use it */
        g_autoptr(sd_event) event = NULL;
        Service service = { .config_dir = arguments->config_dir };
        HubOptions options = { .config = *config, .config_dir = arguments->config_dir, .state_dir = arguments->state_dir };
        int r;

        (void) umask(0077);
        if (g_mkdir_with_parents(arguments->state_dir, 0700) < 0)
                log_warning("%s cannot be made (%s); sessions are kept in memory until it can be written", arguments->state_dir,
                            g_strerror(errno));

        r = prepare_loop(&service, &event);
        if (r < 0)
                return log_error_errno(r, "the event loop cannot be set up");

        options.ring = ring = fdstore_open();
        options.event = event;
        log_set_event(event);
        options.watchdog = service.watchdog;
        r = hub_new(&options, &service.hub);
        if (r < 0)
                (void) log_error_errno(r, "the system bus cannot be reached");
        else {
                r = sd_event_loop(event);
                (void) sd_notify(0, "STOPPING=1\nSTATUS=Writing what is left.");
                (void) hub_free(service.hub);
        }

        log_set_event(NULL);
        (void) watchdog_free(service.watchdog);
        fdstore_close(ring);
        return r;
}

/* By default glibc keeps ever more of what was freed once something large was freed, up to 64 MiB: a client's large call would cost memory for
 * good. Either threshold, once set, stays as it is. */
static void give_back_memory(void) {
        (void) mallopt(M_MMAP_THRESHOLD, LARGE_ALLOCATION);
        (void) mallopt(M_TRIM_THRESHOLD, LARGE_ALLOCATION);
}

int main(int argc, char **argv) {
        const char *debug = getenv("NEEDLED_DEBUG");
        Arguments arguments;
        Config config;
        int r;

        if (debug && g_str_equal(debug, "1"))
                log_set_max_level(LOG_DEBUG);

        r = parse_arguments(argc, argv, &arguments);
        if (r != 0)
                return r > 0 ? EXIT_SUCCESS : EXIT_USAGE;

        if (arguments.check_config)
                return check_config(arguments.config_dir);

        give_back_memory();
        load_config(arguments.config_dir, &config);
        return run(&arguments, &config) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
