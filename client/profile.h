/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* 'needlectl profile': what vendor profiles there are, whether they are right, and what they make of a packet. Works without the
 * service. Each takes its arguments from the second one of the verb on. */

#include "client/client.h"
#include "profiles/file.h"

Exit profile_list(Client *client);
Exit profile_show(Client *client);
Exit profile_lint(Client *client);
Exit profile_try(Client *client);

/* A file by its name, or one of this host's by its id; says what is wrong. *ret lives as long as `profiles`, or is
 * *ret_own, which is the caller's. EXIT_NOT_FOUND, EXIT_FAILED. */
Exit profile_find(Profiles *profiles, const char *typed, ProfileFile **ret_own, const ProfileFile **ret);
/* Says a problem of a file as "FILE:LINE: reason" on stderr. */
void profile_complain(const char *path, unsigned line, const char *text, void *userdata);
/* "FILE:LINE: reason"; a line of 0 is left out. The caller frees. */
char *profile_problem(const char *path, unsigned line, const char *text);
