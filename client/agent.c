/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/agent.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REGISTER_MSEC 10000

static bool forbidden;
static pid_t agent;             /* 0: not started */

/* In the child: only what is safe after fork(). */
static G_GNUC_NORETURN void become_agent(int notify_fd, pid_t parent, const char *notify) {
        static const int of_ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        sigset_t none;
        int tty;

        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(of_ours); i++)
                (void) signal(of_ours[i], SIG_DFL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
                _exit(EXIT_FAILURE);

        /* Data is ours to write; what it says goes to the terminal. */
        tty = open("/dev/tty", O_WRONLY | O_CLOEXEC);
        if (tty < 0 || dup2(tty, STDOUT_FILENO) < 0 || fcntl(notify_fd, F_SETFD, 0) < 0)
                _exit(EXIT_FAILURE);
        (void) execlp("pkttyagent", "pkttyagent", "--notify-fd", notify, "--fallback", (char *) NULL);
        _exit(EXIT_FAILURE);
}

void agent_forbid(void) {
        forbidden = true;
}

bool agent_may_ask(void) {
        return !forbidden && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

void agent_start(void) {
        char notify[16];
        pid_t parent = getpid();
        int fds[2];

        if (agent > 0 || geteuid() == 0 || !agent_may_ask() || pipe2(fds, O_CLOEXEC) < 0)
                return;

        (void) g_snprintf(notify, sizeof(notify), "%d", fds[1]);
        agent = fork();
        if (agent == 0)
                become_agent(fds[1], parent, notify);
        (void) close(fds[1]);
        if (agent > 0) {
                struct pollfd hangup = { .fd = fds[0] };

                (void) poll(&hangup, 1, REGISTER_MSEC); /* it closes its end when it is registered, or ends */
        } else
                agent = 0;
        (void) close(fds[0]);
}

void agent_stop(void) {
        if (agent <= 0)
                return;

        (void) kill(agent, SIGTERM);
        (void) kill(agent, SIGCONT);
        (void) waitpid(agent, NULL, 0);
        agent = 0;
}
