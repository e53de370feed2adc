/*
 * test_schema.c - numpy's notation to schemas and back; binding fields to text columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema.h"

static char error[SCHEMA_ERROR];

/* Parse and print again. */
static void check_dtype(const char *text, const char *expected)
{
    struct schema s, again;
    char *printed;

    *error = '\0';
    if (schema_parse(&s, text, error) != 0)
        fail_msg("'%s': %s", text, error);
    printed = schema_dtype(&s);
    assert_string_equal(printed, expected);
    assert_int_equal(schema_parse(&again, printed, error), 0);
    assert_true(schema_equal(&s, &again));
    free(printed);
    schema_release(&s);
    schema_release(&again);
}

static void check_refused(const char *text, const char *part)
{
    struct schema s;

    if (schema_parse(&s, text, error) == 0)
        fail_msg("'%s' was taken", text);
    if (strstr(error, part) == NULL)
        fail_msg("'%s': '%s' has no '%s'", text, error, part);
    assert_null(s.fields);
}

static void reads_types(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"chr:S10,pos:i4,pct:f4,c:i4,t:i4", "chr:S10,pos:i4,pct:f4,c:i4,t:i4"},
        {"S10,i4,f4", "f0:S10,f1:i4,f2:f4"},
        {"a:i1,b:i2,c:i8,d:u1,e:u2,f:u4,g:u8,h:f8", "a:i1,b:i2,c:i8,d:u1,e:u2,f:u4,g:u8,h:f8"},
        {"a:int8,b:int16,c:int32,d:int64", "a:i1,b:i2,c:i4,d:i8"},
        {"a:uint8,b:uint16,c:uint32,d:uint64", "a:u1,b:u2,c:u4,d:u8"},
        {"a:float32,b:float64,c:float,d:double,e:int", "a:f4,b:f8,c:f8,d:f8,e:i8"},
        {"a:b,b:h,c:i,d:l,e:q,f:B,g:H,h:I,i:L,j:Q,k:f,l:d",
         "a:i1,b:i2,c:i4,d:i8,e:i8,f:u1,g:u2,h:u4,i:u8,j:u8,k:f4,l:f8"},
        {"a:<f8,b:>i2,c:=i4,d:|S10,e:a10,f:>S3,g:>u1", "a:f8,b:>i2,c:i4,d:S10,e:S10,f:S3,g:u1"},
        {"v:(3)f4,w:(2,3)f8,x:3f4,y:(1)i4,z:(3,)u2", "v:(3)f4,w:(2,3)f8,x:(3)f4,y:(1)i4,z:(3)u2"},
        {"v:(2)>f4,w:>(2)f4,x:2S5,y:()f4", "v:(2)>f4,w:(2)>f4,x:(2)S5,y:f4"},
        {" a : i4 , b : ( 2 , 3 ) f4 ", "a:i4,b:(2,3)f4"},
        {"# all\nchr:S10   # name\npos:i4,\n\n  pct:f4\n#end", "chr:S10,pos:i4,pct:f4"},
        {"a#b:i4", "[('a#b', 'i4')]"},
        {"[('chr','S10'),('pos','<i4'),('v','f4',(3,))]", "chr:S10,pos:i4,v:(3)f4"},
        {"[('a', '>f8', (2, 3)), ('b', '|S4', 2),]", "a:(2,3)>f8,b:(2)S4"},
        {"dtype([('x', '<f4'), (\"y\", '<i2')])", "x:f4,y:i2"},
        {"np.dtype([('x', 'f4')])", "x:f4"},
        {"[('a b', 'i4'), ('c:d', 'f8'), ('it\\'s', 'S3'), ('t\\x09b', 'i1'), (\"q\", 'f4', (2,3))]",
         "[('a b', 'i4'), ('c:d', 'f8'), ('it\\'s', 'S3'), ('t\\x09b', 'i1'), ('q', 'f4', (2,3))]"},
        {"T\xc3\xa9:f4", "T\xc3\xa9:f4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_dtype(rows[i].text, rows[i].expected);
}

static void refuses_what_does_not_exist(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"a:U10", "bytes"},       {"a:b1", "boolean"},         {"a:?", "boolean"},       {"a:bool", "boolean"},
        {"a:c16", "complex"},     {"a:O", "object"},           {"a:M8", "date"},         {"a:M8[ns]", "date"},
        {"a:datetime64", "date"}, {"a:V8", "raw"},             {"a:f2", "f4 f8"},        {"a:f16", "f4 f8"},
        {"a:i3", "i1 i2 i4 i8"},  {"a:longdouble", "no type"}, {"a:S0", "length"},       {"a:S", "length"},
        {"a:S10x", "length"},     {"a:", "type is missing"},   {"a:i4,a:f4", "two fields"}, {"a/b:i4", "'_'"},
        {":i4", "empty"},         {"", "no fields"},           {" \n# nothing\n", "no fields"},
        {"a:i4,,b:i4", "nothing between"}, {",a:i4", "nothing between"}, {"a:b:i4", "two colons"},
        {"a:(2", "(3)f4"},        {"a:(0)f4", "1 at least"},   {"a:(1,1,1,1,1)f4", "dimensions"},
        {"a:(99999,99999)f8", "too large"}, {"a:S4000000000", "too large"},
        {"[('a','i4'", "')'"},    {"[('a','i4')", "']'"},      {"[('a')]", "no type"},
        {"[('a', 'i4'), 'b']", "('name', 'type')"},
        {"[('a','i4')] x", "more behind"}, {"[(('t','a'),'i4')]", "titles"}, {"[('a',[('b','i4')])]", "records within"},
        {"{'names':['a']}", "[('name', 'type')"}, {"[('a','i4)]", "quote"}, {"[('a','(2)i4',3)]", "one shape"},
        {"[('', 'i4')]", "empty"}, {"[('a/b', 'i4')]", "'_'"}, {"[]", "no fields"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refused(rows[i].text, rows[i].part);
}

static void tells_overrides(void **state)
{
    static const char *const yes[] = {"pos=i8,pct=f4", " pos = i8", "pos==i4", "#x\npos=i4"};
    static const char *const no[] = {"pos:i8", "=i4,=f4", "pos:=i4", "(3)=f4", "3=f4", "[('a','=i4')]", "S10,i4", "",
                                     "a:i4,b=f4"};
    struct schema s;

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(schema_is_override(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(schema_is_override(no[i]));

    assert_int_equal(schema_parse_override(&s, "pos=i8,a/b=>f4", error), 0);
    assert_int_equal(s.n_fields, 2);
    assert_string_equal(s.fields[1].name, "a/b");
    assert_true(s.fields[1].big_endian);
    schema_release(&s);
    assert_int_equal(schema_parse_override(&s, "pos=i8,f4", error), -1);
    assert_int_equal(schema_parse_override(&s, "pos=i8,pos=i4, chr = S ", error), 0);
    assert_int_equal(s.n_fields, 3);
    assert_int_equal(s.fields[1].least_bytes, 0);
    assert_int_equal(s.fields[2].least_bytes, 1);
    assert_int_equal(s.fields[2].kind, KIND_STRING);
    schema_release(&s);
    assert_int_equal(schema_parse_override(&s, "chr=S12+", error), 0);
    assert_int_equal(s.fields[0].least_bytes, 12);
    schema_release(&s);
    assert_int_equal(schema_parse_override(&s, "chr=S+", error), -1);
    assert_int_equal(schema_parse_override(&s, "chr=S0+", error), -1);
    assert_int_equal(schema_parse_override(&s, "chr=i4+", error), -1);
    assert_int_equal(schema_parse(&s, "chr:S", error), -1);
    assert_int_equal(schema_parse(&s, "chr:S8+", error), -1);
}

static void binds_in_order(void **state)
{
    struct schema s;

    (void)state;
    assert_int_equal(schema_parse(&s, "a:S3,v:(2)>f4,b:i8", error), 0);
    assert_int_equal(schema_elements(&s), 4);
    assert_int_equal(schema_bind(&s, NULL, 0, 4, error), 0);
    assert_true(s.exact);
    assert_int_equal(s.n_columns, 4);
    assert_int_equal(s.row_bytes, 19);
    assert_int_equal(s.n_cells, 4);
    assert_int_equal(s.cells[2].column, 2);
    assert_int_equal(s.cells[2].field, 1);
    assert_int_equal(s.cells[2].offset, 7);
    assert_true(s.cells[2].swap);
    assert_ptr_equal(s.cells[3].missing, &s.fields[2].missing);
    assert_int_equal(schema_bind(&s, NULL, 0, 5, error), -1);
    schema_release(&s);
}

static void binds_chosen_columns(void **state)
{
    const int32_t chosen[] = {4, 0, -1, 0}, far_column[] = {5, 0, -1, 0}, far_back[] = {4, 0, -6, 0};
    struct schema s;

    (void)state;
    assert_int_equal(schema_parse(&s, "a:i4,b:f8,c:S2,d:S4", error), 0);
    assert_int_equal(schema_bind(&s, chosen, 3, 5, error), -1);
    assert_int_equal(schema_bind(&s, far_column, 4, 5, error), -1);
    assert_non_null(strstr(error, "column 5"));
    assert_int_equal(schema_bind(&s, far_back, 4, 5, error), -1);
    assert_int_equal(schema_bind(&s, chosen, 4, 5, error), 0);
    assert_false(s.exact);
    assert_int_equal(s.n_columns, 5);
    assert_int_equal(s.cells[0].column, 0);
    assert_int_equal(s.cells[0].field, 1);
    assert_int_equal(s.cells[1].field, 3);
    assert_int_equal(s.cells[2].column, 4);
    assert_int_equal(s.cells[3].column, 4);
    assert_int_equal(s.cells[2].from_end, 0);
    assert_int_equal(s.cells[3].from_end, -1);
    assert_int_equal(schema_bind(&s, chosen, 4, 0, error), 0);
    assert_int_equal(s.n_columns, 5);
    schema_release(&s);
}

static void refuses_large_rows(void **state)
{
    struct schema s;

    (void)state;
    assert_int_equal(schema_parse(&s, "a:S1500000000,b:S1500000000", error), 0);
    assert_int_equal(schema_bind(&s, NULL, 0, 2, error), -1);
    assert_non_null(strstr(error, "2 GiB"));
    schema_release(&s);
}

static void copies_stand_alone(void **state)
{
    struct schema s, copy;

    (void)state;
    assert_int_equal(schema_parse(&s, "a:i4,b:(3)f8,c:S2", error), 0);
    assert_int_equal(schema_bind(&s, NULL, 0, 0, error), 0);
    assert_int_equal(schema_copy(&copy, &s), 0);
    assert_true(schema_equal(&s, &copy));
    schema_release(&s);
    assert_int_equal(copy.n_cells, 5);
    assert_ptr_equal(copy.cells[4].missing, &copy.fields[2].missing);
    assert_int_equal(schema_add(&copy, "d", 1), 0);
    assert_int_equal(schema_add(&copy, "e", 1), 0);
    assert_string_equal(copy.fields[4].name, "e");
    schema_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_types),
        cmocka_unit_test(refuses_what_does_not_exist),
        cmocka_unit_test(tells_overrides),
        cmocka_unit_test(binds_in_order),
        cmocka_unit_test(binds_chosen_columns),
        cmocka_unit_test(refuses_large_rows),
        cmocka_unit_test(copies_stand_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
