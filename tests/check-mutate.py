#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/mutate, tried out on a file of its own: each change that it makes of the file, and what becomes of each."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tools'))
import mutate                   # noqa: E402
import mutate_places            # noqa: E402

SOURCE = '''#include <assert.h>

/* a + b */
#define STEP 2                  /* of 1 */
static const int table[1] = { 8 };
int so_many;

int sum_until(int n) {
        int unused[4];
        int sum = 0;

        assert(n >= 0);
        for (int i = 0; i < n; i++)
                sum += i & 1 ? table[0] : STEP;
        if (sum > 100 && n)
                return 100;
        so_many += 1;
        (void) unused;

        return sum;
}
'''
TEST = '''int sum_until(int);
int main(void) {
        return sum_until(0) != 0 || sum_until(1) != 2 || sum_until(2) != 10 || sum_until(90) != 100;
}
'''
# Line, what is there behind the change (white space as one), and what becomes of it.
EXPECTED = '''
4 #define STEP 1 /* of 1 */: killed
4 #define STEP 3 /* of 1 */: killed
5 static const int table[1] = { 7 };: killed
5 static const int table[1] = { 9 };: killed
10 int sum = 1;: killed
13 for (int i = 1; i < n; i++): killed
13 for (int i = 0; i <= n; i++): killed
13 for (int i = 0; i >= n; i++): hung
13 for (int i = 0; i < n; i--): hung
14 ;: killed
14 sum -= i & 1 ? table[0] : STEP;: killed
14 sum += i | 1 ? table[0] : STEP;: killed
14 sum += i & 0 ? table[0] : STEP;: killed
14 sum += i & 2 ? table[0] : STEP;: killed
14 sum += i & 1 && 0 ? table[0] : STEP;: killed
14 sum += i & 1 || 1 ? table[0] : STEP;: killed
14 sum += i & 1 ? table[1] : STEP;: killed
15 if (!(sum > 100 && n)): killed
15 if (sum <= 100 && n): killed
15 if (sum >= 100 && n): listed
15 if (sum > 101 && n): survives
15 if (sum > 99 && n): survives
15 if (sum > 100 || n): killed
16 return 0;: killed
16 return 101;: killed
16 return 99;: killed
17 ;: survives
17 so_many -= 1;: survives
17 so_many += 0;: survives
17 so_many += 2;: survives
18 ;: same code
20 return 0;: killed
'''


def main():
    with tempfile.TemporaryDirectory(prefix='needled-mutate-') as folder:
        top = mutate.TOP = pathlib.Path(folder)
        (top / 'sum.c').write_text(SOURCE)
        (top / 'test.c').write_text(TEST)
        build = object.__new__(mutate.Build)
        build.folder = top
        build.compile = {'sum.o': (str(top / 'sum.c'), ['gcc', '-w'])}
        build.object_of = {str(top / 'sum.c'): 'sum.o'}
        build.links = {'sum': ['gcc', '-o', 'test', 'test.c', 'sum.o']}
        build.includes = {}
        programs = [mutate.Program('sum', 0, {('sum.c', 'sum_until'), ('sum.c', '')})]
        places = mutate_places.mutants('sum.c', SOURCE)
        (top / 'same').write_text('# Comment.\nsum.c sum_until\n- if (sum > 100 && n)\n+ if (sum >= 100 && n)\nIt is 100 in either case.\n')
        found = [f'{m.line} {m.after}: {how}' for m, how in mutate.judge_all(build, places, programs, mutate.read_listed(top / 'same'))]
        if (top / 'sum.c').read_text() != SOURCE:
            sys.exit('the file itself was changed')
    expected = EXPECTED.strip().splitlines()
    wrong = [f'not expected: {line}' for line in found if line not in expected] + [f'missing: {line}' for line in expected if line not in found]
    if wrong:
        sys.exit('\n'.join(wrong))
    print(f'{len(found)} changes became what they should')


if __name__ == '__main__':
    main()
