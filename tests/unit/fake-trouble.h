/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can go wrong with the small bluetoothd of fake-bluez.h. */

#include "fake-bluez.h"

void fake_unpair(FakeBluez *fake);              /* Paired and Bonded fall */
void fake_unplug(FakeBluez *fake);              /* the device's objects, then the adapter's */
void fake_battery_gone(FakeBluez *fake);        /* Battery1 goes, as at the beginning of a local Disconnect() */
void fake_char_hide(FakeChar *ch);              /* InterfacesRemoved; its socket ends */
/* From now on calls of this method wait in fake->held. */
void fake_hold(FakeBluez *fake, const char *member);
/* Answers what waits: with an error, or (name NULL) with what the method returns. */
void fake_answer(FakeBluez *fake, const char *name, const char *text);
/* Lets go of org.bluez and lives on: a bluetoothd whose last answers come late. */
void fake_retire(FakeBluez *fake);
