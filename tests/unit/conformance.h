/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A conversation with a device that speaks the profile, without a carrier: what a host writes, and what it expects.
 *
 * Whatever a device sends is checked as it comes: subscribed, not empty, within ATT_MTU − 3 and 512 octets (1.1). Octets are as
 * the profile prints them. With feature bit 13 requests and responses of the Control Point get their CRC here. */

#include "codec-test.h"
#include "needled/omp-control.h"
#include "needled/omp-records.h"
#include "simulator/peripheral.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)

typedef struct Host {
        Peripheral *p;
        bool crc;
        bool takes_empty;               /* asked for values without octets */
        bool full;                      /* has no room */
        uint64_t now_usec;
        size_t value_max;
        GPtrArray *values[_OMP_CHAR_MAX]; /* of GBytes */
        unsigned seen[_OMP_CHAR_MAX];   /* how many of them have been expected */
} Host;

PeripheralConfig config_of(OmpKind kind, bool crc);
Host *host_new(const PeripheralConfig *config, unsigned mtu);
void host_free(Host *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

void run(Host *h, uint64_t usec);
void enable(Host *h, OmpChar c);
void enable_all(Host *h);
void reconnect(Host *h);                /* with no subscription, as the profile wants it */
void control(Host *h, const char *word, const char *argument);
void procedure(Host *h);                /* one of the hand, from its begin to its end */

/* A write that is taken, and one that is refused with an ATT error. */
void writes(Host *h, OmpChar c, const char *hex);
void refused(Host *h, OmpChar c, const char *hex, int error);
void reads(Host *h, OmpChar c, const char *hex);
/* The next value that has not been expected yet, with the octets; and that there is none. */
void expect(Host *h, OmpChar c, const char *hex);
void expect_nothing(Host *h, OmpChar c);
void forget(Host *h, OmpChar c);        /* what came until now */
/* A request to the Control Point, and with its response, without CRC (they get one where the device has them). */
void request(Host *h, const char *hex);
void ask(Host *h, const char *request, const char *response);

const uint8_t *value(const Host *h, OmpChar c, unsigned i, size_t *ret_size);
unsigned count(const Host *h, OmpChar c);
OmpLive live(const Host *h, unsigned i);
OmpEvent event(const Host *h, unsigned i);
OmpStatus status(const Host *h);        /* read */
bool find_event(const Host *h, unsigned from, uint8_t code, OmpEvent *ret);
/* What Session Data brought since `from`, put together; records and trace chunks. */
typedef struct Bodies {
        unsigned n, lost;               /* bodies; losses that showed in the counter */
        OmpBody body[64];
} Bodies;
void bodies(const Host *h, unsigned from, Bodies *ret);

/* A clause and what it is about, "1.9/tare". */
typedef struct ConformanceCase {
        const char *name;
        void (*test)(void);
} ConformanceCase;

int conformance_main(int argc, char **argv, const ConformanceCase *cases, size_t n);
