/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The areas of the body that have a name of their own. */

#define AREAS_MAX 64u

/* By their numbers; returns how many. */
unsigned areas_list(const char *names[static AREAS_MAX]);
