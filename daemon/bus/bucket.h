/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How many calls a user may make: token buckets, one of each kind for each uid. Time is an argument, and nothing here
 * waits or allocates. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BUCKET_USERS_MAX 64u    /* that are short of tokens at the same time; more share one bucket */

typedef enum BucketKind {
        BUCKET_CALLS,           /* every call, properties and introspection too */
        BUCKET_WORK,            /* calls that change something, ask the store or a device, or for all objects */
        _BUCKET_KIND_MAX,
} BucketKind;

#define BUCKET_CALLS_PER_SEC 500u
#define BUCKET_CALLS_BURST 1000u
#define BUCKET_WORK_PER_SEC 50u
#define BUCKET_WORK_BURST 200u

typedef struct Bucket {
        uid_t uid;
        uint64_t full_at_usec[_BUCKET_KIND_MAX];        /* when it has all its tokens again */
} Bucket;

typedef struct Buckets {        /* zeroed: nobody has taken anything */
        Bucket users[BUCKET_USERS_MAX];
        unsigned n;
        Bucket others;
} Buckets;

/* Takes a token of that user's; false: there is none now. */
bool buckets_take(Buckets *buckets, uid_t uid, BucketKind kind, uint64_t now_usec);
