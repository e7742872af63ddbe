/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two sets of figures against each other, as the API has them. Pure. */

#include <jansson.h>

/* [{"figure":"lost.live","unit":"1","stored":3,"computed":0}, …] for each that differs, in the order of the figures;
 * one that is absent on a side is absent here too. What this program does not know as a figure is not looked at. A
 * new reference. */
json_t *figures_compare(const json_t *stored, const json_t *computed);
