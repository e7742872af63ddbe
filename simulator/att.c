/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "att.h"
#include "octets.h"

/* Opcodes: Vol 3, Part F, 3.4.8. Bit 6 marks a command (never answered), bit 7 a signature. */
enum {
        OP_ERROR = 0x01,
        OP_MTU_REQUEST = 0x02,
        OP_MTU_RESPONSE = 0x03,
        OP_FIND_INFORMATION_REQUEST = 0x04,
        OP_FIND_INFORMATION_RESPONSE = 0x05,
        OP_FIND_BY_TYPE_VALUE_REQUEST = 0x06,
        OP_FIND_BY_TYPE_VALUE_RESPONSE = 0x07,
        OP_READ_BY_TYPE_REQUEST = 0x08,
        OP_READ_BY_TYPE_RESPONSE = 0x09,
        OP_READ_REQUEST = 0x0a,
        OP_READ_RESPONSE = 0x0b,
        OP_READ_BLOB_REQUEST = 0x0c,
        OP_READ_BLOB_RESPONSE = 0x0d,
        OP_READ_BY_GROUP_REQUEST = 0x10,
        OP_READ_BY_GROUP_RESPONSE = 0x11,
        OP_WRITE_REQUEST = 0x12,
        OP_WRITE_RESPONSE = 0x13,
        OP_NOTIFICATION = 0x1b,
        OP_INDICATION = 0x1d,
        OP_CONFIRMATION = 0x1e,
        OP_WRITE_COMMAND = 0x52,

        OP_COMMAND_FLAG = 0x40,
};

#define TYPE_PRIMARY_SERVICE 0x2800
#define TYPE_SECONDARY_SERVICE 0x2801
#define TYPE_CHARACTERISTIC 0x2803
#define TYPE_CCCD 0x2902

#define CCCD_NOTIFY 0x0001
#define CCCD_INDICATE 0x0002

#define VALUE_MAX 512u                  /* Part F, 3.2.9 */
#define INDICATIONS_MAX 16u

/* Bluetooth base UUID 00000000-0000-1000-8000-00805F9B34FB, low octet first; octets 12 and 13 are the
 * short one. */
static const uint8_t base_uuid[16] = {
        0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00, 0x00, 0x80, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

typedef struct Attribute {
        AttUuid type;
        uint8_t properties;             /* of the characteristic that this is the value of */
        bool readable;
        bool fixed;                     /* `value` is the value; else AttOps.read knows it */
        bool is_value;                  /* a characteristic's value: AttOps may see it */
        uint16_t group_end;             /* of a service: its last handle */
        uint16_t cccd;                  /* of a configuration descriptor: what the client wrote */
        uint8_t *value;
        size_t size;
} Attribute;

struct AttServer {
        const AttOps *ops;
        void *userdata;
        uint16_t mtu_offered, mtu;
        bool mtu_exchanged;
        GArray *attributes;             /* of Attribute; handle 1 is the first */
        GQueue indications;             /* of GBytes: whole PDUs; the head is on the way if `indicating` */
        bool indicating;
};

static bool uuid_is(const AttUuid *uuid, uint16_t short_uuid) {
        return uuid->size == 2 && get_le16(uuid->octets) == short_uuid;
}

static bool uuid_equal(const AttUuid *a, const AttUuid *b) {
        return a->size == b->size && memcmp(a->octets, b->octets, a->size) == 0;
}

static void uuid_shorten(AttUuid *uuid) {
        uint8_t base[16];

        memcpy(base, base_uuid, sizeof(base));
        memcpy(base + 12, uuid->octets + 12, 2);
        if (uuid->size != 16 || memcmp(base, uuid->octets, sizeof(base)) != 0)
                return;
        *uuid = att_uuid16(get_le16(uuid->octets + 12));
}

/* From a request: 2 or 16 octets; Part F, 3.2.1: a short one and its long form are the same UUID. */
static AttUuid uuid_from_pdu(const uint8_t *p, size_t size) {
        AttUuid uuid = { .size = (uint8_t) size };

        memcpy(uuid.octets, p, size);
        uuid_shorten(&uuid);
        return uuid;
}

static Attribute *attribute_at(const AttServer *s, uint16_t handle) {
        if (handle == 0 || handle > s->attributes->len)
                return NULL;
        return &g_array_index(s->attributes, Attribute, handle - 1u);
}

static void send_error(AttServer *s, uint8_t request, uint16_t handle, uint8_t error) {
        uint8_t pdu[5] = { OP_ERROR, request };

        put_le16(pdu + 2, handle);
        pdu[4] = error;
        (void) s->ops->send(pdu, sizeof(pdu), s->userdata);
}

/* The whole value, at most VALUE_MAX octets: its length, or a negative ATT error. */
static int attribute_read(AttServer *s, uint16_t handle, uint8_t *buf) {
        const Attribute *a = attribute_at(s, handle);

        if (!a->readable)
                return -ATT_ERROR_READ_NOT_PERMITTED;
        if (uuid_is(&a->type, TYPE_CCCD)) {
                put_le16(buf, a->cccd);
                return 2;
        }
        if (!a->fixed)
                return s->ops->read(handle, buf, VALUE_MAX, s->userdata);
        if (a->size > 0)
                memcpy(buf, a->value, a->size);
        return (int) a->size;
}

/* Start and end of a discovery request at pdu[1]; answers what is wrong with them (3.4.3: "Invalid Handle"
 * with the starting handle). */
static bool range_valid(AttServer *s, const uint8_t *pdu, uint16_t *ret_start, uint16_t *ret_end) {
        uint16_t start = get_le16(pdu + 1), end = get_le16(pdu + 3);

        if (start == 0 || start > end) {
                send_error(s, pdu[0], start, ATT_ERROR_INVALID_HANDLE);
                return false;
        }
        *ret_start = start;
        *ret_end = (uint16_t) MIN(end, s->attributes->len);
        return true;
}

static void on_mtu_request(AttServer *s, const uint8_t *pdu, size_t size) {
        uint8_t response[3] = { OP_MTU_RESPONSE };
        uint16_t mtu = (uint16_t) CLAMP(get_le16(pdu + 1), ATT_MTU_MIN, s->mtu_offered);

        put_le16(response + 1, s->mtu_offered);
        (void) s->ops->send(response, sizeof(response), s->userdata);

        /* 3.4.2.1: "This request shall only be sent once during a connection": later ones are answered and
         * change nothing. */
        if (s->mtu_exchanged)
                return;
        s->mtu_exchanged = true;
        s->mtu = mtu;
        s->ops->mtu_changed(mtu, s->userdata);
}

static void on_find_information(AttServer *s, const uint8_t *pdu, size_t size) {
        uint8_t response[ATT_MTU_MAX] = { OP_FIND_INFORMATION_RESPONSE };
        uint16_t start, end;
        size_t n = 2;
        uint8_t uuid_size = 0;

        if (!range_valid(s, pdu, &start, &end))
                return;
        /* 3.4.3.2: all UUIDs in one response have the same size. */
        for (uint32_t handle = start; handle <= end; handle++) {
                const Attribute *a = attribute_at(s, (uint16_t) handle);

                if (uuid_size == 0)
                        uuid_size = a->type.size;
                if (a->type.size != uuid_size || n + 2 + uuid_size > s->mtu)
                        break;
                put_le16(response + n, (uint16_t) handle);
                memcpy(response + n + 2, a->type.octets, uuid_size);
                n += 2u + uuid_size;
        }
        if (uuid_size == 0) {
                send_error(s, pdu[0], start, ATT_ERROR_NOT_FOUND);
                return;
        }
        response[1] = uuid_size == 2 ? 1 : 2;
        (void) s->ops->send(response, n, s->userdata);
}

static void on_find_by_type_value(AttServer *s, const uint8_t *pdu, size_t size) {
        uint8_t response[ATT_MTU_MAX] = { OP_FIND_BY_TYPE_VALUE_RESPONSE }, value[VALUE_MAX];
        AttUuid type = uuid_from_pdu(pdu + 5, 2);
        uint16_t start, end;
        size_t n = 1;

        if (!range_valid(s, pdu, &start, &end))
                return;
        for (uint32_t handle = start; handle <= end && n + 4 <= s->mtu; handle++) {
                const Attribute *a = attribute_at(s, (uint16_t) handle);
                int length;

                if (!uuid_equal(&a->type, &type))
                        continue;
                length = attribute_read(s, (uint16_t) handle, value);
                if (length < 0 || (size_t) length != size - 7 || memcmp(value, pdu + 7, size - 7) != 0)
                        continue;
                put_le16(response + n, (uint16_t) handle);
                /* 3.4.3.4: not a grouping attribute: the group end is the attribute itself. */
                put_le16(response + n + 2, a->group_end ? a->group_end : (uint16_t) handle);
                n += 4;
        }
        if (n == 1)
                send_error(s, pdu[0], start, ATT_ERROR_NOT_FOUND);
        else
                (void) s->ops->send(response, n, s->userdata);
}

/* Read By Type and Read By Group Type: lists of {handle, [group end,] value}, all of one length, values
 * cut to what fits. */
static void on_read_by(AttServer *s, const uint8_t *pdu, size_t size) {
        bool group = pdu[0] == OP_READ_BY_GROUP_REQUEST;
        size_t head = group ? 4 : 2, n = 2, length_first = 0;
        uint8_t response[ATT_MTU_MAX], value[VALUE_MAX];
        AttUuid type = uuid_from_pdu(pdu + 5, size - 5);
        uint16_t start, end;

        if (!range_valid(s, pdu, &start, &end))
                return;
        if (group && !uuid_is(&type, TYPE_PRIMARY_SERVICE) && !uuid_is(&type, TYPE_SECONDARY_SERVICE)) {
                send_error(s, pdu[0], start, ATT_ERROR_UNSUPPORTED_GROUP);
                return;
        }
        for (uint32_t handle = start; handle <= end; handle++) {
                const Attribute *a = attribute_at(s, (uint16_t) handle);
                int length;

                if (!uuid_equal(&a->type, &type))
                        continue;
                length = attribute_read(s, (uint16_t) handle, value);
                if (length < 0) {
                        /* 3.4.4.1: an error of the first one is the answer; a later one ends the list. */
                        if (n == 2) {
                                send_error(s, pdu[0], (uint16_t) handle, (uint8_t) -length);
                                return;
                        }
                        break;
                }
                length = (int) MIN((size_t) length, MIN(s->mtu - 2u - head, 255u - head));
                if (n == 2)
                        length_first = (size_t) length;
                if ((size_t) length != length_first || n + head + length_first > s->mtu)
                        break;
                put_le16(response + n, (uint16_t) handle);
                if (group)
                        put_le16(response + n + 2, a->group_end);
                memcpy(response + n + head, value, length_first);
                n += head + length_first;
        }
        if (n == 2) {
                send_error(s, pdu[0], start, ATT_ERROR_NOT_FOUND);
                return;
        }
        response[0] = pdu[0] + 1;
        response[1] = (uint8_t) (head + length_first);
        (void) s->ops->send(response, n, s->userdata);
}

static void on_read(AttServer *s, const uint8_t *pdu, size_t size) {
        uint16_t handle = get_le16(pdu + 1), offset = pdu[0] == OP_READ_BLOB_REQUEST ? get_le16(pdu + 3) : 0;
        uint8_t response[ATT_MTU_MAX], value[VALUE_MAX];
        size_t n;
        int length;

        if (!attribute_at(s, handle)) {
                send_error(s, pdu[0], handle, ATT_ERROR_INVALID_HANDLE);
                return;
        }
        length = attribute_read(s, handle, value);
        if (length < 0) {
                send_error(s, pdu[0], handle, (uint8_t) -length);
                return;
        }
        if (offset > length) {
                send_error(s, pdu[0], handle, ATT_ERROR_INVALID_OFFSET);
                return;
        }
        n = MIN((size_t) length - offset, s->mtu - 1u);
        response[0] = pdu[0] + 1;
        memcpy(response + 1, value + offset, n);
        (void) s->ops->send(response, n + 1, s->userdata);
}

/* Vol 3, Part G, 3.3.3.3. Returns 0 or an ATT error. */
static uint8_t cccd_check(const Attribute *cccd, const uint8_t *data, size_t size) {
        uint16_t value;

        if (size != 2)
                return ATT_ERROR_INVALID_LENGTH;
        value = get_le16(data);
        if ((value & ~(CCCD_NOTIFY | CCCD_INDICATE)) != 0)
                return ATT_ERROR_VALUE_NOT_ALLOWED;
        /* 0x0003 is taken where one of the two is possible: the profile says that the device notifies
         * then. */
        if (value == 0 || (value & CCCD_NOTIFY && cccd->properties & ATT_PROPERTY_NOTIFY) ||
            (value & CCCD_INDICATE && cccd->properties & ATT_PROPERTY_INDICATE))
                return 0;
        return ATT_ERROR_CCCD;
}

static void indications_clear(AttServer *s) {
        g_queue_clear_full(&s->indications, (GDestroyNotify) g_bytes_unref);
        s->indicating = false;
}

/* Sends the next one that waits; what finds no room then is lost. */
static int indication_send_next(AttServer *s) {
        while (!s->indicating) {
                GBytes *next = g_queue_peek_head(&s->indications);
                size_t size;
                const uint8_t *pdu;

                if (!next)
                        return 0;
                pdu = g_bytes_get_data(next, &size);
                s->indicating = s->ops->send(pdu, size, s->userdata) >= 0;
                if (!s->indicating) {
                        g_bytes_unref(g_queue_pop_head(&s->indications));
                        return -EAGAIN;
                }
        }
        return 0;
}

static void on_cccd_write(AttServer *s, uint16_t handle, const uint8_t *pdu, size_t size) {
        Attribute *cccd = attribute_at(s, handle);
        uint8_t error = cccd_check(cccd, pdu + 3, size - 3), response = OP_WRITE_RESPONSE;
        bool was = cccd->cccd != 0;

        if (error) {
                send_error(s, pdu[0], handle, error);
                return;
        }
        cccd->cccd = get_le16(pdu + 3);
        /* Answered before anybody hears of it: no value may overtake the response (BlueZ would drop it). */
        (void) s->ops->send(&response, 1, s->userdata);
        if (was != (cccd->cccd != 0))
                s->ops->subscribed((uint16_t) (handle - 1), !was, s->userdata);
}

static void on_write(AttServer *s, const uint8_t *pdu, size_t size) {
        bool command = pdu[0] == OP_WRITE_COMMAND;
        uint8_t needed = command ? ATT_PROPERTY_WRITE_COMMAND : ATT_PROPERTY_WRITE;
        uint8_t error = 0, response = OP_WRITE_RESPONSE;
        uint16_t handle = get_le16(pdu + 1);
        const Attribute *a = attribute_at(s, handle);

        if (!command && a && uuid_is(&a->type, TYPE_CCCD)) {
                on_cccd_write(s, handle, pdu, size);
                return;
        }
        if (!a)
                error = ATT_ERROR_INVALID_HANDLE;
        else if (!a->is_value || (a->properties & needed) == 0 || !s->ops->write)
                error = ATT_ERROR_WRITE_NOT_PERMITTED;
        else if (size - 3 > VALUE_MAX)
                error = ATT_ERROR_INVALID_LENGTH;
        else
                error = (uint8_t) -s->ops->write(handle, pdu + 3, size - 3, s->userdata);
        if (command)
                return; /* 3.4.5.3: no response, whatever happened */
        if (error)
                send_error(s, pdu[0], handle, error);
        else
                (void) s->ops->send(&response, 1, s->userdata);
}

static void on_confirmation(AttServer *s, const uint8_t *pdu, size_t size) {
        if (!s->indicating)
                return;
        g_bytes_unref(g_queue_pop_head(&s->indications));
        s->indicating = false;
        (void) indication_send_next(s);
}

typedef struct Request {
        uint8_t opcode;
        size_t size_min, size_max;      /* of the PDU */
        size_t size_other;              /* the one other length that is right (long UUID), or 0 */
        void (*handler)(AttServer *s, const uint8_t *pdu, size_t size);
} Request;

static const Request requests[] = {
        { OP_MTU_REQUEST, 3, 3, 0, on_mtu_request },
        { OP_FIND_INFORMATION_REQUEST, 5, 5, 0, on_find_information },
        { OP_FIND_BY_TYPE_VALUE_REQUEST, 7, ATT_MTU_MAX, 0, on_find_by_type_value },
        { OP_READ_BY_TYPE_REQUEST, 7, 7, 21, on_read_by },
        { OP_READ_REQUEST, 3, 3, 0, on_read },
        { OP_READ_BLOB_REQUEST, 5, 5, 0, on_read },
        { OP_READ_BY_GROUP_REQUEST, 7, 7, 21, on_read_by },
        { OP_WRITE_REQUEST, 3, ATT_MTU_MAX, 0, on_write },
        { OP_WRITE_COMMAND, 3, ATT_MTU_MAX, 0, on_write },
        { OP_CONFIRMATION, 1, 1, 0, on_confirmation },
};

/* 3.3: a request that nobody here knows has an answer too; commands, responses (odd) and the confirmation
 * have none. */
static bool wants_answer(uint8_t opcode) {
        return (opcode & OP_COMMAND_FLAG) == 0 && opcode % 2 == 0 && opcode != OP_CONFIRMATION;
}

AttUuid att_uuid16(uint16_t uuid) {
        AttUuid ret = { .size = 2 };

        put_le16(ret.octets, uuid);
        return ret;
}

int att_uuid_parse(const char *text, AttUuid *ret) {
        AttUuid uuid = { .size = 16 };
        int octet = 15;

        if (strlen(text) != 36)
                return -EINVAL;
        for (unsigned i = 0; i < 36;) {
                int high, low;

                if (i == 8 || i == 13 || i == 18 || i == 23) {
                        if (text[i++] != '-')
                                return -EINVAL;
                        continue;
                }
                high = g_ascii_xdigit_value(text[i]);
                low = g_ascii_xdigit_value(text[i + 1]);
                if (high < 0 || low < 0)
                        return -EINVAL;
                uuid.octets[octet--] = (uint8_t) (high << 4 | low);
                i += 2;
        }
        uuid_shorten(&uuid);
        *ret = uuid;
        return 0;
}

static void attribute_clear(void *data) {
        g_free(((Attribute *) data)->value);
}

AttServer *att_server_new(uint16_t mtu, const AttOps *ops, void *userdata) {
        AttServer *s = g_new0(AttServer, 1);

        assert(mtu >= ATT_MTU_MIN && mtu <= ATT_MTU_MAX);
        s->ops = ops;
        s->userdata = userdata;
        s->mtu_offered = mtu;
        s->mtu = ATT_MTU_MIN;
        s->attributes = g_array_new(FALSE, TRUE, sizeof(Attribute));
        g_array_set_clear_func(s->attributes, attribute_clear);
        g_queue_init(&s->indications);
        return s;
}

AttServer *att_server_free(AttServer *s) {
        if (!s)
                return NULL;
        indications_clear(s);
        g_array_unref(s->attributes);
        g_free(s);
        return NULL;
}

static uint16_t attribute_add(AttServer *s, const Attribute *a) {
        g_array_append_val(s->attributes, *a);
        /* The service that it belongs to is the last one declared: it grows. */
        for (uint16_t handle = (uint16_t) s->attributes->len; handle > 0; handle--) {
                Attribute *service = attribute_at(s, handle);

                if (!uuid_is(&service->type, TYPE_PRIMARY_SERVICE))
                        continue;
                service->group_end = (uint16_t) s->attributes->len;
                break;
        }
        return (uint16_t) s->attributes->len;
}

uint16_t att_server_add_service(AttServer *s, const AttUuid *uuid) {
        Attribute a = {
                .type = att_uuid16(TYPE_PRIMARY_SERVICE),
                .readable = true,
                .fixed = true,
                .value = g_memdup2(uuid->octets, uuid->size),
                .size = uuid->size,
        };

        return attribute_add(s, &a);
}

uint16_t att_server_add_characteristic(AttServer *s, const AttUuid *uuid, uint8_t properties,
                                       const void *value, size_t size) {
        Attribute declaration = { .type = att_uuid16(TYPE_CHARACTERISTIC), .readable = true, .fixed = true };
        Attribute a = {
                .type = *uuid,
                .properties = properties,
                .readable = (properties & ATT_PROPERTY_READ) != 0,
                .fixed = value != NULL,
                .is_value = true,
                .value = g_memdup2(value, value ? size : 0),
                .size = value ? size : 0,
        };
        Attribute cccd = { .type = att_uuid16(TYPE_CCCD), .properties = properties, .readable = true };
        uint16_t handle;

        assert(a.size <= VALUE_MAX);
        /* Vol 3, Part G, 3.3.1: properties, value handle, UUID. */
        declaration.size = 3u + uuid->size;
        declaration.value = g_malloc(declaration.size);
        declaration.value[0] = properties;
        put_le16(declaration.value + 1, (uint16_t) (s->attributes->len + 2));
        memcpy(declaration.value + 3, uuid->octets, uuid->size);
        (void) attribute_add(s, &declaration);
        handle = attribute_add(s, &a);
        if (properties & (ATT_PROPERTY_NOTIFY | ATT_PROPERTY_INDICATE))
                (void) attribute_add(s, &cccd);
        return handle;
}

void att_server_receive(AttServer *s, const uint8_t *pdu, size_t size) {
        if (size == 0)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                const Request *r = &requests[i];

                if (r->opcode != pdu[0])
                        continue;
                if (((size >= r->size_min && size <= r->size_max) ||
                     (r->size_other && size == r->size_other)) &&
                    size <= s->mtu)
                        r->handler(s, pdu, size);
                else if (wants_answer(pdu[0]))
                        send_error(s, pdu[0], 0, ATT_ERROR_INVALID_PDU);
                return;
        }
        if (wants_answer(pdu[0]))
                send_error(s, pdu[0], 0, ATT_ERROR_NOT_SUPPORTED);
}

int att_server_notify(AttServer *s, uint16_t handle, const uint8_t *data, size_t size) {
        const Attribute *cccd = attribute_at(s, (uint16_t) (handle + 1));
        uint8_t pdu[ATT_MTU_MAX];

        if (!cccd || !uuid_is(&cccd->type, TYPE_CCCD) || cccd->cccd == 0)
                return -ENOTCONN;
        if (size > s->mtu - 3u)
                return -EMSGSIZE;
        pdu[0] = cccd->cccd & CCCD_NOTIFY && cccd->properties & ATT_PROPERTY_NOTIFY ? OP_NOTIFICATION
                                                                                    : OP_INDICATION;
        put_le16(pdu + 1, handle);
        if (size > 0)
                memcpy(pdu + 3, data, size);
        if (pdu[0] == OP_NOTIFICATION)
                return s->ops->send(pdu, size + 3, s->userdata);

        /* 3.3.3: the next indication waits for the confirmation of the one before. */
        if (g_queue_get_length(&s->indications) >= INDICATIONS_MAX)
                return -EAGAIN;
        g_queue_push_tail(&s->indications, g_bytes_new(pdu, size + 3));
        return indication_send_next(s);
}

bool att_server_subscribed(const AttServer *s, uint16_t handle) {
        const Attribute *cccd = attribute_at(s, (uint16_t) (handle + 1));

        return cccd && uuid_is(&cccd->type, TYPE_CCCD) && cccd->cccd != 0;
}

uint16_t att_server_mtu(const AttServer *s) {
        return s->mtu;
}

void att_server_disconnected(AttServer *s) {
        s->mtu = ATT_MTU_MIN;
        s->mtu_exchanged = false;
        indications_clear(s);
        for (unsigned i = 0; i < s->attributes->len; i++)
                g_array_index(s->attributes, Attribute, i).cccd = 0;
}
