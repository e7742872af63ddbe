/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What cannot be taken back is asked for first: on a terminal, else --yes has to say it. */

#include "client/client.h"

/* `question` without its question mark. EXIT_NOTHING_TO_DO: the answer was no; EXIT_USAGE: there is nobody to ask. The
 * user was told. */
Exit confirm_ask(const Client *client, const char *question);
