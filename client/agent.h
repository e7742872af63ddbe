/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks for a password where polkit wants one: the agent of the desktop, else pkttyagent on this terminal. */

#include <stdbool.h>

/* --no-ask-password. */
void agent_forbid(void);
/* Whether somebody can be asked: stdin and stderr are a terminal, and it is not forbidden. */
bool agent_may_ask(void);

/* Starts pkttyagent once, and waits until polkit knows it; it ends with us. Nothing for root, who is not asked, and
 * where it is not installed: an agent of the desktop may do. */
void agent_start(void);
void agent_stop(void);
