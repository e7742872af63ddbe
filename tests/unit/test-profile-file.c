/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "profiles/file.h"
#include "profiles/number.h"

/* Files of a few lines, each wrong in one place; and what is said of it. */

#define UUID "0000ffe1-0000-1000-8000-00805f9b34fb"
#define SERVICE "0000ffe0-0000-1000-8000-00805f9b34fb"
#define HEAD "[Profile]\nFormat=1\nId=a.b\nName=N\nMatch=name:N*\n"                        /* lines 1 to 5 */
#define CHAR "[Characteristic c]\nUUID=" UUID "\nUse=notify\n"                             /* lines 6 to 8 */
#define FIELD "[Field f]\nChar=c\nOffset=0\n"                                             /* lines 9 to 11 */

static GString *said;

static void report(const char *path, unsigned line, const char *text, void *userdata) {
        g_assert_cmpstr(path, ==, "x.mnprofile");
        g_assert_true(g_str_has_suffix(text, ".")); /* a sentence */
        g_string_append_printf(said, "%u: %s\n", line, text);
}

static ProfileFile *parse(const char *text) {
        ProfileFile *file = NULL;
        int r;

        g_string_truncate(said, 0);
        r = profile_file_parse("x.mnprofile", text, strlen(text), report, NULL, &file);
        g_test_message("%s", said->str);
        g_assert_cmpint(r, ==, file ? 0 : -EBADMSG);
        g_assert_cmpint(said->len > 0, ==, !file);
        return file;
}

/* Refused, for exactly these lines: "5 9" if there are two. */
static void refused(const char *text, const char *lines, const char *word) {
        ProfileFile *file = parse(text);
        g_auto(GStrv) told = g_strsplit(said->str, "\n", -1);
        g_autoptr(GString) where = g_string_new(NULL);

        g_assert_null(file);
        for (char **t = told; **t; t++)
                g_string_append_printf(where, "%s%.*s", t == told ? "" : " ", (int) strcspn(*t, ":"), *t);
        g_assert_cmpstr(where->str, ==, lines);
        if (!strstr(said->str, word))
                g_error("\"%s\" is not said in: %s", word, said->str);
}

/* As refused(), of one key of the field in line 12 after Type= in line 11. */
static void field_refused(const char *type, const char *line, const char *word) {
        g_autofree char *text = g_strdup_printf(HEAD CHAR FIELD "Type=%s\n%s\n", type, line);

        refused(text, "13", word);
}

static const VendorField *field_of(ProfileFile *file) {
        g_assert_nonnull(file);
        g_assert_cmpuint(file->vendor.n_fields, ==, 1);
        return file->vendor.fields;
}

static void test_smallest(void) {
        g_autoptr(ProfileFile) file = parse(HEAD CHAR);

        g_assert_nonnull(file);
        g_assert_cmpstr(file->profile.id, ==, "a.b");
        g_assert_cmpstr(file->profile.name, ==, "N");
        g_assert_true(file->profile.vendor == &file->vendor);
        g_assert_cmpuint(file->profile.n_chars, ==, 1);
        g_assert_cmpstr(file->profile.chars[0].uuid, ==, UUID);
        g_assert_cmpuint(file->profile.chars[0].use, ==, PROFILE_FOLLOW | PROFILE_REQUIRED | PROFILE_MEASURES);
        g_assert_null(file->profile.service_uuids[0]);
        g_assert_false(file->profile.needs_services);
        g_assert_cmpuint(file->vendor.n_fields, ==, 0);
        g_assert_true(file->trusted);
}

static void test_text(void) {
        g_autoptr(ProfileFile) file = parse("# a comment\r\n\r\n  [Profile]  \r\n Format = 1\r\nId=a.b\r\nName=Näme # no comment\r\nMatch=name:N*;\r\n" CHAR);
        g_autofree char *large = g_malloc(PROFILE_FILE_SIZE_MAX + 1);
        ProfileFile *none = NULL;

        g_assert_cmpstr(file->profile.name, ==, "Näme # no comment");
        refused("", "0", "no [Profile]");
        refused("Format=1\n" HEAD CHAR, "1", "before the first group");
        refused(HEAD CHAR "what\n", "9", "no Key=value");
        refused(HEAD CHAR "=1\n", "9", "no Key=value");
        refused(HEAD CHAR "[Field f\nChar=c\nOffset=0\nType=u8\n", "9", "line of its own");
        refused(HEAD CHAR "Use=read\n", "9", "twice");
        refused(HEAD CHAR CHAR, "9 9", "there already");
        refused(HEAD "Vendor=a\\nb\n" CHAR, "6", "backslash");
        refused(HEAD CHAR "[Driver/x]\n", "9", "not known");
        refused(HEAD CHAR "[Field]\nChar=c\nOffset=0\nType=u8\n", "9", "needs a name");
        refused(HEAD CHAR "[Field Force]\nChar=c\nOffset=0\nType=u8\n", "9", "needs a name");
        refused("[Profile x]\nFormat=1\nId=a.b\nName=N\nMatch=name:N*\n" CHAR, "1", "without a name");
        refused(HEAD "Name\xff=1\n" CHAR, "6", "UTF-8");

        memset(large, '\n', PROFILE_FILE_SIZE_MAX + 1);
        memcpy(large, HEAD CHAR, strlen(HEAD CHAR));
        g_assert_cmpint(profile_file_parse("x.mnprofile", large, PROFILE_FILE_SIZE_MAX + 1, report, NULL, &none), ==, -EFBIG);
        g_string_truncate(said, 0);
        g_assert_cmpint(profile_file_parse("x.mnprofile", large, PROFILE_FILE_SIZE_MAX, report, NULL, &none), ==, 0);
        profile_file_free(none);
        /* A NUL ends no text. */
        g_assert_cmpint(profile_file_parse("x.mnprofile", HEAD CHAR "\0x", strlen(HEAD CHAR) + 2, report, NULL, &none), ==, -EBADMSG);
}

static void test_format(void) {
        refused("[Profile]\nFormat=2\nDriver=omp\nAnything=1\n", "3", "Driver= belongs to Format=2");
        refused("[Profile]\nFormat=2\nAnything=1\n", "2", "only Format=1");
        refused("[Profile]\nId=a.b\n", "1", "needs Format=1");
}

static void test_profile_keys(void) {
        g_autoptr(ProfileFile) file = parse(HEAD "Vendor=V\nModel=M\nKind=roller\nPriority=7\nNeedles=192\nAreaMm2=78.54\nMaxDepthUm=250\n"
                                                 "StrokeMeaning=pass\n" CHAR);

        g_assert_cmpstr(file->vendor.vendor, ==, "V");
        g_assert_cmpstr(file->vendor.model, ==, "M");
        g_assert_cmpuint(file->vendor.kind, ==, OMP_KIND_ROLLER);
        g_assert_cmpuint(file->priority, ==, 7);
        g_assert_cmpuint(file->vendor.needles, ==, 192);
        g_assert_cmpuint(file->vendor.area_centi_mm2, ==, 7854);
        g_assert_cmpuint(file->vendor.max_depth_um, ==, 250);
        g_assert_true(file->vendor.stroke_is_pass);

        refused(HEAD "Colour=red\n" CHAR, "6", "Colour= is not known in [Profile]");
        refused(HEAD "Name[de]=N\n" CHAR, "6", "not known");
        refused(HEAD "Kind=brush\n" CHAR, "6", "unknown, roller, stamp, pen, rf-pen or other");
        refused(HEAD "Priority=101\n" CHAR, "6", "from 0 to 100");
        refused(HEAD "Needles=-1\n" CHAR, "6", "whole number");
        refused(HEAD "AreaMm2=656\n" CHAR, "6", "655.35");
        refused(HEAD "AreaMm2=-1\n" CHAR, "6", "655.35");
        refused(HEAD "MaxDepthUm=1.5\n" CHAR, "6", "whole number");
        refused(HEAD "StrokeMeaning=both\n" CHAR, "6", "needle or pass");
        refused("[Profile]\nFormat=1\n" CHAR, "1 1 1", "needs Id=");
        refused("[Profile]\nFormat=1\nId=omp1\nName=N\nMatch=name:N*\n" CHAR, "3", "turned round");
        refused("[Profile]\nFormat=1\nId=A.b\nName=\nMatch=name:N*\n" CHAR, "3 4", "needs Name=");
        refused(HEAD, "1", "no [Characteristic");
}

static void test_match_terms(void) {
        g_autoptr(ProfileFile) file = parse("[Profile]\nFormat=1\nId=a.b\nName=N\n"
                                            "Match=service:0000FFE0-0000-1000-8000-00805F9B34FB+name:Pen*;mfr:0x00dc:0a1B;mfr:220;model:M?\n" CHAR);

        g_assert_cmpuint(file->n_matches, ==, 4);
        g_assert_cmpstr(file->matches[0].terms[0].text, ==, SERVICE); /* lower case */
        g_assert_cmpuint(file->matches[1].terms[0].company, ==, 0xdc);
        g_assert_cmpuint(file->matches[1].terms[0].n_prefix, ==, 2);
        g_assert_cmphex(file->matches[1].terms[0].prefix[1], ==, 0x1b);
        g_assert_cmpuint(file->matches[2].terms[0].company, ==, 0xdc);
        g_assert_cmpstr(file->profile.service_uuids[0], ==, SERVICE);
        g_assert_null(file->profile.service_uuids[1]);
        g_assert_false(file->profile.needs_services); /* the others match without */
        g_assert_cmpuint(file->match_line, ==, 5);

#define MATCH(value, word) refused("[Profile]\nFormat=1\nId=a.b\nName=N\nMatch=" value "\n" CHAR, "5", word)
        MATCH("", "needs Match=");
        MATCH("uuid:" SERVICE, "a term is");
        MATCH("service:ffe0", "a term is");
        MATCH("name:", "a term is");
        MATCH("name:*", "not of * and ? alone");
        MATCH("model:?*", "not of * and ? alone");
        MATCH("mfr:0x10000", "a term is");
        MATCH("mfr:1:0", "a term is");
        MATCH("mfr:1:", "a term is");
        MATCH("name:A;;name:B", "empty entry");
        MATCH("name:A+name:B", "one term of a kind");
        MATCH("a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a", "17 entries");
}

static void test_characteristics(void) {
        g_autoptr(ProfileFile) file = parse(HEAD
                "[Characteristic a]\nUUID=0000FFE1-0000-1000-8000-00805f9b34fb\nService=" SERVICE "\nUse=notify;indicate;read;poll:60\n"
                "MinLength=4\nMaxLength=20\nHeader=a5 ??01\nCheck=crc16-mcrf4xx;0;-2;-2\n"
                "[Characteristic b]\nSource=manufacturer-data:0x00dc\n"
                "[Characteristic d]\nSource=service-data:" SERVICE "\n"
                "[Field level]\nChar=b\nOffset=0\nType=u8\nUnit=%\nMeaning=battery\n");
        const VendorChar *c = file->vendor.chars;

        g_assert_cmpstr(c[0].uuid, ==, UUID);
        g_assert_cmpstr(c[0].service_uuid, ==, SERVICE);
        g_assert_cmpuint(c[0].use, ==, VENDOR_NOTIFY | VENDOR_INDICATE | VENDOR_READ | VENDOR_POLL);
        g_assert_cmpuint(c[0].poll_sec, ==, 60);
        g_assert_cmpuint(c[0].length_min, ==, 4);
        g_assert_cmpuint(c[0].length_max, ==, 20);
        g_assert_cmpuint(c[0].n_header, ==, 3);
        g_assert_cmphex(c[0].header_mask[1], ==, 0);
        g_assert_cmpint(c[0].check_at, ==, -2);
        g_assert_cmpuint(c[1].source, ==, VENDOR_MANUFACTURER_DATA);
        g_assert_cmphex(c[1].company, ==, 0xdc);
        g_assert_cmpuint(c[2].source, ==, VENDOR_SERVICE_DATA);
        g_assert_cmpstr(c[2].uuid, ==, SERVICE);
        g_assert_cmpuint(file->profile.n_chars, ==, 1); /* advertisements are none */
        g_assert_cmpuint(file->profile.chars[0].poll_sec, ==, 60);
        g_assert_cmpuint(file->profile.chars[0].use, ==, PROFILE_FOLLOW | PROFILE_READ_AT_CONNECT | PROFILE_POLL | PROFILE_REQUIRED | PROFILE_MEASURES);

#define C(rest) HEAD "[Characteristic c]\n" rest
        refused(C("Use=notify\n"), "6", "UUID= or Source=");
        refused(C("UUID=" UUID "\nSource=manufacturer-data:1\nUse=notify\n"), "6", "UUID= or Source=");
        refused(C("UUID=ffe1\nUse=notify\n"), "7", "128 bits");
        refused(C("UUID=" UUID "\nService=ffe0\nUse=notify\n"), "8", "128 bits");
        refused(C("Source=manufacturer-data:0x10000\n"), "7", "manufacturer-data:");
        refused(C("Source=service-data:ffe0\n"), "7", "service-data:");
        refused(C("Source=beacon:1\n"), "7", "Source=");
        refused(C("Source=manufacturer-data:1\nUse=notify\n"), "8", "just comes");
        refused(C("Source=manufacturer-data:1\nService=" SERVICE "\n"), "8", "has none");
        refused(C("UUID=" UUID "\n"), "6", "needs Use=");
        refused(C("UUID=" UUID "\nUse=write\n"), "8", "is not known");
        refused(C("UUID=" UUID "\nUse=poll:0\n"), "8", "is not known");
        refused(HEAD CHAR "MinLength=0\n", "9", "from 1 to 512");
        refused(HEAD CHAR "MinLength=3\nMaxLength=2\n", "10", "less than");
        refused(HEAD CHAR "Endian=pdp\n", "9", "le or be");
        refused(HEAD CHAR "Header=a5 0\n", "9", "hex octets");
        refused(HEAD CHAR "MaxLength=1\nHeader=a5 01\n", "10", "beyond");
        refused(HEAD CHAR "Header=000102030405060708090a0b0c0d0e0f10\n", "9", "16 at most");
        refused(HEAD CHAR "Check=crc32;0;-1;-1\n", "9", "sum8, xor8");
        refused(HEAD CHAR "Check=sum8;0;-1\n", "9", "sum8, xor8");
        refused(HEAD CHAR "Check=crc16-mcrf4xx;0;-1;-1\n", "9", "within"); /* two octets, the last beyond the end */
        refused(HEAD CHAR "MaxLength=4\nCheck=sum8;0;3;4\n", "10", "within");
        refused(HEAD CHAR "[Characteristic d]\nUUID=" UUID "\nUse=read\n", "9", "the same as");
        refused(HEAD CHAR "Colour=red\n", "9", "not known in [Characteristic]");
}

static void test_limits(void) {
        g_autoptr(GString) text = g_string_new(HEAD);

        for (unsigned i = 0; i < 32; i++)
                g_string_append_printf(text, "[Characteristic c%u]\nUUID=0000%04x-0000-1000-8000-00805f9b34fb\nUse=notify\n", i, i);
        profile_file_free(parse(text->str));
        g_assert_cmpuint(said->len, ==, 0);
        g_string_append(text, "[Characteristic c32]\nUUID=" UUID "\nUse=notify\n");
        refused(text->str, "102", "more than 32");

        g_string_assign(text, HEAD CHAR);
        for (unsigned i = 0; i < 128; i++)
                g_string_append_printf(text, "[Field f%u]\nChar=c\nOffset=%u\nType=u8\n", i, i);
        profile_file_free(parse(text->str));
        g_assert_cmpuint(said->len, ==, 0);
        g_string_append(text, "[Field f128]\nChar=c\nOffset=0\nType=u8\n");
        refused(text->str, "521", "more than 128");

        /* A hundred problems are enough to begin with. */
        g_string_assign(text, HEAD CHAR);
        for (unsigned i = 0; i < 200; i++)
                g_string_append(text, "x\n");
        g_assert_null(parse(text->str));
        g_assert_nonnull(strstr(said->str, "108: "));
        g_assert_null(strstr(said->str, "109: "));
}

static void test_field_keys(void) {
        g_autoptr(ProfileFile) file = parse(HEAD CHAR "Endian=be\nMaxLength=20\n" FIELD
                "Type=s16\nBits=4:8\nInvalid=0x80;-1\nScale=1/3\nBias=-0.5\nRange=-5:10.5\nUnit=N\nMeaning=force\n"
                "When=-1&0xf0>=0x20;0=1;1!=2\nOptional=true\nRepeat=5;@1/5\nWrap=8\nCombine=sum\n");
        const VendorField *f = field_of(file);

        g_assert_cmpuint(f->type, ==, VENDOR_S16);
        g_assert_true(f->big_endian);
        g_assert_cmpuint(f->bit_lsb, ==, 4);
        g_assert_cmpuint(f->bit_width, ==, 8);
        g_assert_cmpuint(f->n_invalid, ==, 2);
        g_assert_cmpint(f->invalid[0], ==, -128); /* as the field's bits are read */
        g_assert_cmpint(f->invalid[1], ==, -1);
        g_assert_cmpint(f->scale_num, ==, 1000);
        g_assert_cmpint(f->bias_num, ==, -1500);
        g_assert_cmpint(f->den, ==, 3);
        g_assert_cmpfloat(f->to_canonical, ==, 1000);
        g_assert_cmpfloat(f->range_min, ==, -5000);
        g_assert_cmpfloat(f->range_max, ==, 10500);
        g_assert_cmpstr(f->unit, ==, "N");
        g_assert_cmpuint(f->meaning, ==, VENDOR_FORCE);
        g_assert_cmphex(file->vendor.meanings, ==, 1u << VENDOR_FORCE);
        g_assert_cmpuint(f->n_conditions, ==, 3);
        g_assert_cmpint(f->conditions[0].offset, ==, -1);
        g_assert_cmphex(f->conditions[0].mask, ==, 0xf0);
        g_assert_cmpuint(f->conditions[0].compare, ==, VENDOR_AT_LEAST);
        g_assert_cmphex(f->conditions[1].mask, ==, 0xff);
        g_assert_cmpuint(f->conditions[2].compare, ==, VENDOR_NOT_EQUAL);
        g_assert_true(f->optional);
        g_assert_cmpuint(f->count, ==, VENDOR_COUNT_OCTET);
        g_assert_cmpuint(f->stride, ==, 5);
        g_assert_cmpuint(f->count_divisor, ==, 5);
        g_assert_cmpuint(f->wrap_bits, ==, 8);
        g_assert_true(f->sum);
        g_assert_cmpuint(file->profile.chars[0].use & PROFILE_MEASURES, ==, PROFILE_MEASURES);
}

/* What is read is broadcast: what is not known for housekeeping is a measurement. */
static void test_what_measures(void) {
        static const struct {
                const char *fields;
                bool measures;
        } cases[] = {
                { "", true }, /* nothing is known of it */
                { FIELD "Type=u8\n", true },
                { FIELD "Type=u8\nMeaning=battery\nUnit=%\n", false },
                { FIELD "Type=u8\nMeaning=battery\nUnit=%\n[Field g]\nChar=c\nOffset=1\nType=u8\n", true },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strconcat(HEAD "[Characteristic c]\nUUID=" UUID "\nUse=read\n", cases[i].fields, NULL);
                g_autoptr(ProfileFile) file = parse(text);

                g_assert_cmpint(!!(file->profile.chars[0].use & PROFILE_MEASURES), ==, cases[i].measures);
        }
}

static void test_field_refused(void) {
        refused(HEAD CHAR "[Field f]\nOffset=0\nType=u8\n", "9", "needs Char=");
        refused(HEAD CHAR "[Field f]\nChar=d\nOffset=0\nType=u8\n", "10", "there is no [Characteristic d]");
        refused(HEAD CHAR "[Field f]\nChar=c\nType=u8\n", "9", "needs Offset=");
        refused(HEAD CHAR FIELD, "9", "needs Type=");
        refused(HEAD CHAR FIELD "Type=u64\n", "12", "Type=u64 is not known");
        field_refused("u8", "Colour=red", "not known in [Field]");
        field_refused("u8", "Endian=up", "le or be");
        field_refused("u8", "Optional=maybe", "false or true");
        field_refused("u8", "Bits=1", "<lowest>:<how many>");
        field_refused("u8", "Bits=4:5", "within the 8 bits");
        field_refused("f32", "Bits=0:1", "whole numbers only");
        field_refused("u8", "Invalid=256", "no number of 8 bits");
        field_refused("u8", "Invalid=1;2;3;4;5", "5 entries");
        field_refused("sfloat", "Invalid=1", "whole numbers only");
        field_refused("u8", "Enum=1", "<raw>:<token>");
        field_refused("u8", "Enum=1:Two words", "<raw>:<token>");
        field_refused("u8", "Enum=1:unknown-1", "<raw>:<token>");
        field_refused("u8", "Enum=300:a", "<raw>:<token>");
        field_refused("u8", "Enum=1:a;1:b", "two tokens");
        field_refused("f32", "Enum=1:a", "whole numbers only");
        field_refused("u8", "Scale=1,5", "decimal number");
        field_refused("u8", "Scale=0", "the same");
        field_refused("u8", "Scale=1/0", "decimal number");
        field_refused("u8", "Bias=1e3", "decimal number");
        field_refused("u8", "Scale=1.2345678901234567890", "more digits");
        field_refused("u8", "Range=5", "<least>:<most>");
        field_refused("u8", "Range=5:1", "<least>:<most>");
        field_refused("u8", "Unit=stone", "Unit=stone is not known");
        field_refused("u8", "Meaning=joy", "Meaning=joy is not known");
        field_refused("u8", "When=0", "one octet");
        field_refused("u8", "When=0>1", "one octet");
        field_refused("u8", "When=0=256", "one octet");
        field_refused("u8", "When=0&0x0f=0x10", "within the mask");
        field_refused("u8", "When=0=1;0=1;0=1;0=1;0=1", "5 entries");
        field_refused("u8", "Repeat=0;1", "<stride>;<n>");
        field_refused("u8", "Repeat=1;257", "256 entries");
        field_refused("u8", "Repeat=1", "<stride>;<n>");
        field_refused("u8", "Repeat=1;@x", "<stride>;<n>");
        field_refused("u8", "Repeat=1;@0/0", "<stride>;<n>");
        field_refused("u8", "Wrap=16", "not more than the field");
        field_refused("u16", "Wrap=12", "8, 16, 24 or 32");
        field_refused("f32", "Wrap=8", "whole numbers only");
        field_refused("u8", "Combine=max", "it is sum");
        field_refused("u8", "Combine=sum", "has none");
        refused(HEAD CHAR FIELD "Type=u8\nMeaning=depth\nUnit=N\n", "14", "cannot be brought to µm");
        refused(HEAD CHAR FIELD "Type=u8\nMeaning=contact\nEnum=0:no;1:yes\n", "14 14", "off and on");
        refused(HEAD CHAR FIELD "Type=u8\nEnum=0:a\nScale=2\n", "14", "exclude each other");
        refused(HEAD CHAR FIELD "Type=u48\nScale=1.23456789\n", "9", "too many digits");
        refused(HEAD CHAR "[Field f]\nChar=c\nOffset=-1\nType=u16\n", "11", "beyond");
        refused(HEAD CHAR "MaxLength=4\n[Field f]\nChar=c\nOffset=3\nType=u16\n", "12", "beyond the characteristic's length of 4");
        refused(HEAD CHAR "MaxLength=4\n" FIELD "Type=u8\nWhen=4=1\n", "14", "length");
        refused(HEAD CHAR "MaxLength=4\n" FIELD "Type=u8\nRepeat=2;3\n", "14", "length");
        refused(HEAD CHAR "MaxLength=4\n" FIELD "Type=u8\nRepeat=1;@4/1\n", "14", "length");
}

/* Every unit, brought to that of a meaning which counts in it. */
static void test_units(void) {
        static const struct {
                const char *meaning, *unit;
                double of_six;
        } cases[] = {
                { "force", "mN", 6 }, { "force", "N", 6000 }, { "force", "gf", 58.8399 }, { "force", "kgf", 58839.9 },
                { "pressure", "kPa", 6 }, { "pressure", "mmHg", 0.799932 }, { "battery", "%", 6 }, { "area", "1", 6 },
                { "motor-speed", "/min", 6 }, { "motor-speed", "Hz", 360 }, { "stroke-rate", "rpm", 6 },
                { "distance", "mm", 6 }, { "distance", "m", 6000 }, { "depth", "µm", 6 }, { "depth", "mm", 6000 },
                { "session-time", "s", 6 }, { "session-time", "ms", 0.006 }, { "timestamp", "us", 0.000006 }, { "battery-time", "min", 360 },
                { "motor-current", "mA", 6 }, { "battery-mv", "mV", 6 }, { "temperature", "°C", 6 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup_printf(HEAD CHAR FIELD "Type=u8\nUnit=%s\nMeaning=%s\n", cases[i].unit, cases[i].meaning);
                g_autoptr(ProfileFile) file = parse(text);
                g_autofree VendorReading *reading = g_new0(VendorReading, 1);

                g_assert_cmpint(vendor_decode(&file->vendor, 0, &(uint8_t) { 6 }, 1, reading), ==, 0);
                g_assert_cmpfloat(reading->values[0].value, ==, cases[i].of_six);
        }
        /* Without a meaning there is no other unit to bring it to. */
        g_autoptr(ProfileFile) plain = parse(HEAD CHAR FIELD "Type=u8\nUnit=N\n");
        g_assert_cmpint(field_of(plain)->scale_num, ==, 1);
}

static void test_actions(void) {
        g_autoptr(ProfileFile) file = parse(HEAD CHAR "[Characteristic w]\nUUID=0000ffe2-0000-1000-8000-00805f9b34fb\n"
                                                      "[Action a]\nOn=stop-motor\nChar=w\nWrite=01 02\nMode=command\n"
                                                      "[Action b]\nOn=connect\nChar=w\nWrite=03\n");

        g_assert_cmpuint(file->vendor.n_actions, ==, 2);
        g_assert_cmpuint(file->vendor.actions[0].when, ==, VENDOR_ON_STOP_MOTOR);
        g_assert_cmpuint(file->vendor.actions[0].channel, ==, 1);
        g_assert_cmpuint(file->vendor.actions[0].size, ==, 2);
        g_assert_true(file->vendor.actions[0].command);
        g_assert_false(file->vendor.actions[1].command);

#define A(rest) HEAD CHAR "[Action a]\n" rest
        refused(A("Char=c\nWrite=01\n"), "9", "needs On=");
        refused(A("On=start-motor\nChar=c\nWrite=01\n"), "10", "connect, start, stop, tare or stop-motor");
        refused(A("On=tare\nWrite=01\n"), "9", "needs Char=");
        refused(A("On=tare\nChar=c\n"), "9", "needs Write=");
        refused(A("On=tare\nChar=c\nWrite=0\n"), "12", "hex octets");
        refused(A("On=tare\nChar=c\nWrite=000102030405060708090a0b0c0d0e0f1011121314\n"), "12", "20 at most");
        refused(A("On=tare\nChar=c\nWrite=01\nMode=maybe\n"), "13", "request or command");
        refused(A("On=tare\nChar=c\nWrite=01\nAgain=yes\n"), "13", "not known in [Action]");
        refused(HEAD "[Characteristic c]\nSource=manufacturer-data:1\n[Action a]\nOn=tare\nChar=c\nWrite=01\n", "8", "cannot be written");
        /* A characteristic that is only written has no fields. */
        refused(HEAD "[Characteristic c]\nUUID=" UUID "\n" FIELD "Type=u8\n[Action a]\nOn=tare\nChar=c\nWrite=01\n", "6", "needs Use=");
}

/* ---- Tests in the file ---- */

static void tested(const char *expect, const char *hex, const char *word) {
        g_autofree char *text = g_strdup_printf(HEAD CHAR "MinLength=2\nHeader=a5\nCheck=sum8;0;-1;-1\n"
                                                "[Field f]\nChar=c\nOffset=1\nType=u8\nScale=1/3\nRepeat=1;end\n"
                                                "[Field t]\nChar=c\nOffset=1\nType=u8\nEnum=1:one;2:two\n"
                                                "[Test x]\nChar=c\nHex=%s\nExpect=%s\n", hex, expect);
        g_autoptr(ProfileFile) file = parse(text);

        g_assert_nonnull(file);
        g_assert_cmpuint(profile_file_test(file, report, NULL), ==, word ? 1 : 0);
        g_test_message("%s", said->str);
        if (word && (!strstr(said->str, word) || !g_str_has_prefix(said->str, "26: ")))
                g_error("\"26: … %s\" is not said in: %s", word, said->str);
}

static void test_tests(void) {
        tested("f=0.333333333333;t=one", "a5 01 a6", NULL);
        tested("t=one;f=0.3333333333", "a5 01 a6", NULL); /* 1e-9 of it */
        tested("f=0.33333;t=one", "a5 01 a6", "gives f=0.3333333333333333, and Expect= says 0.33333");
        tested("f=1;t=unknown-3", "a5 03 a8", NULL);
        tested("f=1;t=unknown-4", "a5 03 a8", "gives t=unknown-3");
        tested("f=1;t=3", "a5 03 a8", "gives t=unknown-3");
        tested("f=1", "a5 03 a8", "which Expect= does not name");
        tested("f=1;t=unknown-3;g=1", "a5 03 a8", "gives no g");
        tested("f=1;f=2;t=unknown-3", "a5 03 06 ae", NULL);
        tested("f=2;f=1;t=unknown-3", "a5 03 06 ae", "gives f=1, and Expect= says 2"); /* entries have an order */
        tested("f=1;t=unknown-3", "a5 03 06 ae", "gives f=2, which");
        tested("check", "a5 03 00", NULL);
        tested("header", "a6 03 a9", NULL);
        tested("length", "a5", NULL);
        tested("length", "a5 03 a8", "is good, and Expect= says that it has a wrong length");
        tested("f=1", "a5 03 00", "has a wrong check, and Expect= says that it is good");
        tested("check", "a6 03 00", "has a wrong header");

        refused(HEAD CHAR "[Test x]\nChar=c\nHex=00\n", "9", "needs Hex= and Expect=");
        refused(HEAD CHAR "[Test x]\nChar=d\nHex=00\nExpect=length\n", "10", "no [Characteristic d]");
        refused(HEAD CHAR "[Test x]\nChar=c\nHex=0g\nExpect=length\n", "11", "in hex");
        refused(HEAD CHAR "[Test x]\nChar=c\nHex=00\nExpect=size\n", "12", "field=value");
        refused(HEAD CHAR "[Test x]\nChar=c\nHex=00\nExpect=a=\n", "12", "field=value");
        refused(HEAD CHAR "[Test x]\nChar=c\nHex=00\nExpect=length\nWhy=not\n", "13", "not known in [Test]");
}

static void test_formats(void) {
        g_autoptr(ProfileFile) file = parse(HEAD CHAR "[Field a]\nChar=c\nOffset=0\nType=u8\nEnum=1:one\n"
                                            "[Field b]\nChar=c\nOffset=1\nType=u16\nScale=9.80665\nMeaning=force\n"
                                            "[Field d]\nChar=c\nOffset=3\nType=s8\nScale=1/3\n"
                                            "[Field e]\nChar=c\nOffset=4\nType=u8\nScale=-1\n");
        static const uint8_t known[] = { 1, 0x96, 0, 0xff, 0 }, unknown[] = { 9, 0, 0, 0, 1 };
        g_autofree VendorReading *reading = g_new0(VendorReading, 1);
        g_autofree char *text = NULL, *other = NULL;

        g_assert_cmpint(vendor_decode(&file->vendor, 0, known, sizeof(known), reading), ==, 0);
        text = profile_reading_format(&file->vendor, reading);
        g_assert_cmpstr(text, ==, "a=one;b=1470.9975;d=-0.3333333333333333;e=0");
        g_assert_cmpint(vendor_decode(&file->vendor, 0, unknown, sizeof(unknown), reading), ==, 0);
        other = profile_reading_format(&file->vendor, reading);
        g_assert_cmpstr(other, ==, "a=unknown-9;b=0;d=0;e=-1");
}

/* ---- Files together ---- */

static unsigned lint(const char *match_a, const char *match_b, const char *id_b) {
        g_autofree char *a = g_strdup_printf("[Profile]\nFormat=1\nId=a.a\nName=A\nMatch=%s\n" CHAR, match_a);
        g_autofree char *b = g_strdup_printf("[Profile]\nFormat=1\nId=%s\nName=B\nMatch=%s\n" CHAR, id_b, match_b);
        g_autoptr(ProfileFile) first = parse(a), second = parse(b);
        const ProfileFile *const files[] = { first, second };

        g_assert_nonnull(first);
        g_assert_nonnull(second);
        return profile_files_lint(files, 2, report, NULL);
}

static void test_lint_duplicates(void) {
        g_assert_cmpuint(lint("name:Pen*", "name:Pen 2*", "b.b"), ==, 1);
        g_assert_true(g_str_has_prefix(said->str, "5: x.mnprofile matches the same device"));
        g_assert_cmpuint(lint("name:Pen*", "name:?en", "b.b"), ==, 1);
        g_assert_cmpuint(lint("name:*n", "name:Pe*", "b.b"), ==, 1);
        g_assert_cmpuint(lint("name:Pen*", "name:Brush*", "b.b"), ==, 0);
        g_assert_cmpuint(lint("name:Pen", "name:Pens", "b.b"), ==, 0);
        g_assert_cmpuint(lint("name:A*b", "name:A*c", "b.b"), ==, 0);
        g_assert_cmpuint(lint("name:Pen*", "name:Pen*\nPriority=1", "b.b"), ==, 0);
        g_assert_cmpuint(lint("name:Pen*", "service:" SERVICE "+name:Pen*", "b.b"), ==, 0); /* that one is better */
        g_assert_cmpuint(lint("service:" SERVICE, "name:X;service:" SERVICE, "b.b"), ==, 1);
        g_assert_cmpuint(lint("service:" SERVICE, "service:" UUID, "b.b"), ==, 0);
        g_assert_cmpuint(lint("mfr:1:0a", "mfr:1:0a0b", "b.b"), ==, 1);
        g_assert_cmpuint(lint("mfr:1:0a", "mfr:1:0b", "b.b"), ==, 0);
        g_assert_cmpuint(lint("mfr:1", "mfr:2", "b.b"), ==, 0);
        g_assert_cmpuint(lint("model:M*", "model:*1", "b.b"), ==, 1);
        g_assert_cmpuint(lint("name:A", "name:B", "a.a"), ==, 1);
        g_assert_nonnull(strstr(said->str, "Id=a.a"));
}

static void test_lint_file(void) {
        g_autoptr(ProfileFile) untested = parse(HEAD CHAR FIELD "Type=u8\n[Test x]\nChar=c\nHex=\nExpect=length\n");
        g_autoptr(ProfileFile) ours = parse("[Profile]\nFormat=1\nId=a.b\nName=N\nMatch=service:" OMP_SERVICE_UUID "\n" CHAR);

        g_assert_cmpuint(profile_files_lint((const ProfileFile *const[]) { untested }, 1, report, NULL), ==, 1);
        g_assert_nonnull(strstr(said->str, "0: [Characteristic c] has no [Test] of a good packet"));
        g_string_truncate(said, 0);
        g_assert_cmpuint(profile_files_lint((const ProfileFile *const[]) { ours }, 1, report, NULL), ==, 1);
        g_assert_true(g_str_has_prefix(said->str, "5: "));
}

/* ---- Numbers ---- */

static void test_numbers(void) {
        Fraction f, half = { 1, 2 };
        int64_t a, b, den;

        g_assert_cmpint(fraction_parse("9.80665", &f), ==, 0);
        g_assert_cmpint(f.num, ==, 196133);
        g_assert_cmpint(f.den, ==, 20000);
        g_assert_cmpint(fraction_parse("-0.50", &f), ==, 0);
        g_assert_cmpint(f.num, ==, -1);
        g_assert_cmpint(f.den, ==, 2);
        g_assert_cmpint(fraction_parse("1.5/0.5", &f), ==, 0);
        g_assert_cmpint(f.num, ==, 3);
        g_assert_cmpint(f.den, ==, 1);
        for (const char *const *bad = (const char *const[]) { "", "-", ".", "1.", "1..2", "+1", "1 ", "1/", "/2", "1/-2", "0x10", NULL }; *bad; bad++)
                g_assert_cmpint(fraction_parse(*bad, &f), ==, -EINVAL);
        g_assert_cmpint(fraction_parse(".5", &f), ==, 0);
        g_assert_cmpint(fraction_parse("1234567890123456789", &f), ==, -ERANGE);
        g_assert_cmpint(fraction_multiply((Fraction) { INT64_C(1) << 40, 1 }, (Fraction) { INT64_C(1) << 40, 1 }, &f), ==, -ERANGE);
        g_assert_cmpint(fraction_multiply((Fraction) { INT64_C(1) << 40, 3 }, (Fraction) { 3, INT64_C(1) << 40 }, &f), ==, 0);
        g_assert_cmpint(f.num, ==, 1);
        g_assert_cmpint(fraction_common(half, (Fraction) { -1, 3 }, &a, &b, &den), ==, 0);
        g_assert_cmpint(a, ==, 3);
        g_assert_cmpint(b, ==, -2);
        g_assert_cmpint(den, ==, 6);
        g_assert_cmpint(fraction_common((Fraction) { 1, INT64_MAX }, half, &a, &b, &den), ==, -ERANGE);
        g_assert_cmpint(number_parse("0x", 0, 9, &a), ==, -EINVAL);
        g_assert_cmpint(number_parse("99999999999999999999", 0, INT64_MAX, &a), ==, -ERANGE);
        g_assert_cmpint(number_parse("1a", 0, 9, &a), ==, -EINVAL);
}

/* GKeyFile reads the same in what is shipped, key by key: the format is its own. */
/* Of a checkout whose files a group may write something is said, and they are loaded all the same. */
static void report_of_files(const char *path, unsigned line, const char *text, void *userdata) {
        g_test_message("%s:%u: %s", path, line, text);
}

static void test_gkeyfile_agrees(void) {
        g_autofree char *folder = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "daemon", "profiles", NULL);
        g_autoptr(Profiles) profiles = profiles_new();
        unsigned n = 0;

        profiles_load_folder(profiles, folder, report_of_files, NULL);
        for (const Profile *const *p = profiles_all(profiles) + 1; *p; p++, n++) {
                const ProfileFile *file = profiles_file(profiles, (*p)->id);
                g_autoptr(GKeyFile) keys = g_key_file_new();

                g_assert_true(g_key_file_load_from_file(keys, file->path, G_KEY_FILE_NONE, NULL));
                g_autofree char *id = g_key_file_get_string(keys, "Profile", "Id", NULL), *name = g_key_file_get_string(keys, "Profile", "Name", NULL);
                g_assert_cmpstr(id, ==, (*p)->id);
                g_assert_cmpstr(name, ==, (*p)->name);
                for (size_t i = 0; i < file->vendor.n_fields; i++) {
                        g_autofree char *group = g_strdup_printf("Field %s", file->vendor.fields[i].name);
                        g_autofree char *meaning = g_key_file_get_string(keys, group, "Meaning", NULL);

                        g_assert_cmpint(g_key_file_get_integer(keys, group, "Offset", NULL), ==, file->vendor.fields[i].offset);
                        g_assert_cmpstr(meaning ? meaning : "", ==, vendor_meaning_name(file->vendor.fields[i].meaning));
                }
        }
        g_assert_cmpuint(n, ==, 5);
}

/* The worked example of the documentation is a profile that lint is content with. */
static void test_documented_example(void) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "vendor-profiles.md", NULL), *text = NULL;
        const char *begin, *end;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        begin = strstr(text, "```mnprofile\n");
        g_assert_nonnull(begin);
        begin += strlen("```mnprofile\n");
        end = strstr(begin, "```");
        g_assert_nonnull(end);

        g_autofree char *example = g_strndup(begin, (size_t) (end - begin));
        g_autoptr(ProfileFile) file = parse(example);
        g_assert_nonnull(file);
        g_assert_cmpuint(file->n_tests, ==, 6);
        g_assert_cmpuint(profile_file_test(file, report, NULL), ==, 0);
        g_assert_cmpuint(profile_files_lint((const ProfileFile *const[]) { file }, 1, report, NULL), ==, 0);
}

/* And its tables name every meaning and unit: a closed set that is not written down is of no use. */
static void test_documented_sets(void) {
        static const char *const units[] = { "mN", "N", "gf", "kgf", "kPa", "mmHg", "%", "1", "/min", "Hz", "rpm", "mm", "m", "µm", "s", "ms",
                                             "us", "min", "mA", "mV", "°C" };
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "vendor-profiles.md", NULL), *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        for (unsigned i = VENDOR_NONE + 1; i < _VENDOR_MEANING_MAX; i++) {
                g_autofree char *name = g_strdup_printf("`%s`", vendor_meaning_name((VendorMeaning) i));

                g_test_message("%s", name);
                g_assert_nonnull(strstr(text, name));
        }
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                g_assert_true(unit_known(units[i]));
        g_assert_false(unit_known("A"));
}

int main(int argc, char **argv) {
        int r;

        said = g_string_new(NULL);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/profile-file/smallest", test_smallest);
        g_test_add_func("/profile-file/text", test_text);
        g_test_add_func("/profile-file/format", test_format);
        g_test_add_func("/profile-file/profile-keys", test_profile_keys);
        g_test_add_func("/profile-file/match-terms", test_match_terms);
        g_test_add_func("/profile-file/characteristics", test_characteristics);
        g_test_add_func("/profile-file/limits", test_limits);
        g_test_add_func("/profile-file/field-keys", test_field_keys);
        g_test_add_func("/profile-file/what-measures", test_what_measures);
        g_test_add_func("/profile-file/field-refused", test_field_refused);
        g_test_add_func("/profile-file/units", test_units);
        g_test_add_func("/profile-file/actions", test_actions);
        g_test_add_func("/profile-file/tests", test_tests);
        g_test_add_func("/profile-file/formats", test_formats);
        g_test_add_func("/profile-file/lint-duplicates", test_lint_duplicates);
        g_test_add_func("/profile-file/lint-file", test_lint_file);
        g_test_add_func("/profile-file/numbers", test_numbers);
        g_test_add_func("/profile-file/gkeyfile-agrees", test_gkeyfile_agrees);
        g_test_add_func("/profile-file/documented-example", test_documented_example);
        g_test_add_func("/profile-file/documented-sets", test_documented_sets);
        r = g_test_run();
        g_string_free(said, TRUE);
        return r;
}
