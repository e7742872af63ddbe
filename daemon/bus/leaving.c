/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/leaving.h"

#include "autoptr.h"
#include "bus/private.h"

#define LEAVING_DEFAULT_USEC (60 * UINT64_C(1000000))

typedef struct Leaving {
        Bus *bus;
        Reader *reader;
        sd_event_source *deadline;
} Leaving;

static void leaving_remove(Leaving *l) {
        l->bus->n_readers--;
        g_ptr_array_remove_fast(l->bus->leaving, l);
}

static void on_closed(Reader *reader, void *userdata) {
        leaving_remove(userdata);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        leaving_remove(userdata);
        return 0;
}

void leaving_add(Bus *bus, Reader *reader) {
        const uint64_t usec = bus->settings.leaving_usec ?: LEAVING_DEFAULT_USEC;
        Leaving *l = g_new0(Leaving, 1);

        l->bus = bus;
        l->reader = reader;
        reader_hand_over(reader, on_closed, l);
        bus->n_readers++;
        g_ptr_array_add(bus->leaving, l);
        if (sd_event_add_time_relative(bus->event, &l->deadline, CLOCK_BOOTTIME, usec, 0, on_deadline, l) < 0)
                leaving_remove(l);
}

unsigned leaving_count(const Bus *bus, uid_t owner) {
        unsigned n = 0;

        for (unsigned i = 0; i < bus->leaving->len; i++)
                n += reader_options(((const Leaving *) bus->leaving->pdata[i])->reader)->owner == owner;

        return n;
}

void leaving_reap(Bus *bus) {
        for (unsigned i = bus->leaving->len; i-- > 0;)
                if (reader_is_dead(((const Leaving *) bus->leaving->pdata[i])->reader))
                        leaving_remove(bus->leaving->pdata[i]);
}

void leaving_free(void *leaving) {
        Leaving *l = leaving;

        sd_event_source_disable_unref(l->deadline);
        reader_free(l->reader);
        g_free(l);
}
