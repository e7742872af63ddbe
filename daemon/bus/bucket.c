/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/bucket.h"

#include <glib.h>

static const struct {
        uint64_t interval_usec; /* in which one token comes */
        unsigned burst;
} kinds[_BUCKET_KIND_MAX] = {
        [BUCKET_CALLS] = { 1000000 / BUCKET_CALLS_PER_SEC, BUCKET_CALLS_BURST },
        [BUCKET_WORK] = { 1000000 / BUCKET_WORK_PER_SEC, BUCKET_WORK_BURST },
};

static bool is_full(const Bucket *bucket, uint64_t now_usec) {
        for (unsigned i = 0; i < _BUCKET_KIND_MAX; i++)
                if (bucket->full_at_usec[i] > now_usec)
                        return false;

        return true;
}

/* A full bucket is as good as none: another user can have its place. */
static Bucket *find(Buckets *buckets, uid_t uid, uint64_t now_usec) {
        Bucket *full = NULL;

        for (unsigned i = 0; i < buckets->n; i++) {
                Bucket *bucket = &buckets->users[i];

                if (bucket->uid == uid)
                        return bucket;
                if (!full && is_full(bucket, now_usec))
                        full = bucket;
        }
        if (!full && buckets->n == BUCKET_USERS_MAX)
                return &buckets->others;

        full = full ?: &buckets->users[buckets->n++];
        *full = (Bucket) { .uid = uid };
        return full;
}

bool buckets_take(Buckets *buckets, uid_t uid, BucketKind kind, uint64_t now_usec) {
        uint64_t interval = kinds[kind].interval_usec;
        uint64_t *full_at = &find(buckets, uid, now_usec)->full_at_usec[kind];

        if (*full_at > now_usec + (kinds[kind].burst - 1) * interval)
                return false;

        *full_at = MAX(*full_at, now_usec) + interval;
        return true;
}
