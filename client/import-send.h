/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call of History1.Import: what is written goes through a pipe to the service, whose answer comes when it has all. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/client.h"

typedef struct ImportSend ImportSend;

/* `labels`: what the service takes beside the tape, by the names of its options; NULL: nothing. */
Exit import_send_begin(Client *client, const json_t *labels, ImportSend **ret);
/* False: the service takes no more; import_send_end() says why. */
bool import_send_write(ImportSend *send, const char *data, size_t size);
/* Waits for the answer; frees it in any case. Errors: the service's, which the user was told unless `quiet`. */
Exit import_send_end(ImportSend *send, bool quiet, uint64_t *ret_id);
