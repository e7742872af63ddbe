# SPDX-License-Identifier: LGPL-2.1-or-later
"""The places of a C file that can be changed, and what to: the mutation operators of tools/mutate.

The file is read as tokens, and the house style is relied on: functions begin and end in column 0, binary operators stand between spaces.
Assertions, comments, strings, sizes of arrays and preprocessor lines (but for numbers of a #define in a .c file) are left alone.
"""
import collections
import re

# Text from `start` to `end` becomes `new`; `before` and `after` are the whole lines, with single spaces.
Mutant = collections.namedtuple('Mutant', 'file line function before after start end new')
Token = collections.namedtuple('Token', 'kind text start end')
Function = collections.namedtuple('Function', 'name first last')

TOKEN = re.compile(r'''(?P<comment>/\*.*?\*/) | (?P<cpp>(?<![^\n])[ \t]*\#(?:\\\n|[^\n])*) | (?P<string>"(?:\\.|[^"\\])*") | (?P<char>'(?:\\.|[^'\\])*')
        | (?P<number>(?<![\w.])(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?)[uUlLfF]*) | (?P<word>[A-Za-z_]\w*)
        | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^!~<>=?:;,.(){}\[\]])''', re.X | re.S)
DEFINE = re.compile(r'\s*#\s*define\s+\w+\s+(?P<value>[^\n]*)$')
NUMBER = re.compile(r'(?<![\w.])(0[xX][0-9a-fA-F]+|[0-9]+)(?![\w.]*\.)([uUlL]*)(?!\w)')

# Between spaces on both sides.
BINARY = {
    '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'], '==': ['!='], '!=': ['=='], '&&': ['||'], '||': ['&&'],
    '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'], '%': ['*'], '&': ['|'], '|': ['&'], '^': ['&'], '<<': ['>>'], '>>': ['<<'],
    '+=': ['-='], '-=': ['+='], '|=': ['&='], '&=': ['|='], '*=': ['/='], '/=': ['*='], '<<=': ['>>='], '>>=': ['<<='], '^=': ['&='],
    '?': ['&& 0 ?', '|| 1 ?'],
}
UNARY = {'!': [''], '~': [''], '++': ['--'], '--': ['++']}
WORDS = {'true': ['false'], 'false': ['true']}
ATTRIBUTE = re.compile(r'__attribute__\(\(.*?\)\)')
ASSERTION = re.compile(r'^(assert|static_assert|_Static_assert|G_STATIC_ASSERT|g_assert\w*)$')
CONTROL = {'if', 'while', 'for', 'switch'}
# What begins a statement that is no expression.
OTHERS = CONTROL | {'else', 'do', 'case', 'default', 'return', 'static', 'const', 'struct', 'union', 'enum', 'typedef', 'extern'}
OPENS, CLOSES = {'(': ')', '[': ']', '{': '}'}, {')', ']', '}'}


def functions(text):
    """Those of a file, by the lines of their braces in column 0."""
    found, name, first = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'[A-Za-z_][^=;]*?\b(\w+)\(.*\{$', line)
        if match or (not name and re.match(r'[A-Za-z_].*\(.*[,)]$', line)):
            name, first = re.search(r'(\w+)\(', ATTRIBUTE.sub('', line)).group(1), number
        elif line.startswith('}') and name:
            found.append(Function(name, first, number))
            name = None
        elif line.endswith(';') and not line.startswith(' ') and name and first + 3 > number:
            name = None
    return found


def other_numbers(text):
    """A whole number one higher, and one lower unless it is 0, in the way that it was written."""
    match = NUMBER.fullmatch(text)
    if not match:
        return []
    digits, suffix = match.groups()
    value = int(digits, 16) if digits[:2].lower() == '0x' else int(digits)
    form = (lambda n: f'0x{n:0{len(digits) - 2}x}') if digits[:2].lower() == '0x' else str
    return [form(n) + suffix for n in (value + 1, value - 1) if n >= 0]


def statement_end(tokens, i):
    """The index of the semicolon that ends what begins at i, or None if its block ends before."""
    depth = 0
    for at in range(i, len(tokens)):
        text = tokens[at].text
        if text in OPENS:
            depth += 1
        elif text in CLOSES:
            depth -= 1
            if depth < 0:
                return None
        elif text == ';' and depth == 0:
            return at
    return None


def is_declaration(tokens, text, i):
    if tokens[i].text in OTHERS:
        return tokens[i].text in {'static', 'const', 'struct', 'union', 'enum'}
    if tokens[i].kind != 'word' or i + 1 >= len(tokens):
        return False
    after = tokens[i + 1]
    return after.kind == 'word' or after.text == '*' and text[after.end] != ' '


class Reader:
    def __init__(self, name, text):
        self.name, self.text, self.mutants = name, text, []
        self.functions = functions(text)
        every = [Token(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(text)]
        self.defines = [t for t in every if t.kind == 'cpp']
        self.tokens = [t for t in every if t.kind not in ('comment', 'cpp')]

    def line(self, position):
        return self.text.count('\n', 0, position) + 1

    def function(self, line):
        return next((f for f in self.functions if f.first <= line <= f.last), None)

    def add(self, start, end, new):
        line = self.line(start)
        first, last = self.text.rfind('\n', 0, start) + 1, self.text.find('\n', end)
        inside = self.function(line)
        before = self.text[first:last]
        after = self.text[first:start] + new + self.text[end:last]
        self.mutants.append(Mutant(self.name, line, inside.name if inside else '', *(' '.join(s.split()) for s in (before, after)),
                                   start, end, new))

    def spaced(self, token):
        return self.text[token.start - 1].isspace() and self.text[token.end:token.end + 1].isspace()

    def statement(self, i):
        """What begins here: it is left out, or gives back something else."""
        end = statement_end(self.tokens, i)
        token = self.tokens[i]
        if end is None or end == i or token.text == '{' or is_declaration(self.tokens, self.text, i):
            return
        if token.text == 'return' and end > i + 1:
            value = self.text[self.tokens[i + 1].start:self.tokens[end].start]
            if value not in ('true', 'false', 'NULL', '0'):
                self.add(self.tokens[i + 1].start, self.tokens[end].start, '0')
        elif token.text not in OTHERS and not ASSERTION.match(token.text):
            self.add(token.start, self.tokens[end].start, '')

    def word_or_sign(self, token):
        if token.kind == 'op' and token.text in UNARY and not self.spaced(token):
            news = UNARY[token.text]
        elif token.kind == 'op' and token.text in BINARY and self.spaced(token):
            news = BINARY[token.text]
        elif token.kind == 'word':
            news = WORDS.get(token.text, [])
        else:
            news = other_numbers(token.text) if token.kind == 'number' else []
        for new in news:
            self.add(token.start, token.end, new)

    def negate(self, i):
        """The condition in the parentheses that open at i, unless it is one comparison or negation, which is turned round as such."""
        depth, signs = 0, set()
        for at in range(i, len(self.tokens)):
            depth += {'(': 1, ')': -1}.get(self.tokens[at].text, 0)
            signs.add(self.tokens[at].text)
            if depth == 0 and signs & {'<', '<=', '>', '>=', '==', '!=', '!'} and not signs & {'&&', '||'}:
                return
            if depth == 0:
                start, end = self.tokens[i].end, self.tokens[at].start
                self.add(start, end, f'!({self.text[start:end]})')
                return

    def read(self):
        stack, begins, size_until = [], False, 0
        for i, token in enumerate(self.tokens):
            before = self.tokens[i - 1] if i else None
            inside = self.function(self.line(token.start))
            quiet = any(ASSERTION.match(word) for _, word in stack)
            sized = '[' in (sign for sign, _ in stack) and (not inside or token.start < size_until)
            if inside and begins and token.text not in CLOSES and '(' not in (sign for sign, _ in stack):
                self.statement(i)
                end = statement_end(self.tokens, i)
                if end and is_declaration(self.tokens, self.text, i):
                    equals = next((t for t in self.tokens[i:end] if t.text == '='), self.tokens[end])
                    size_until = equals.start
            if not quiet and not sized:
                self.word_or_sign(token)
                if token.text == '(' and before and before.text in ('if', 'while') and inside:
                    self.negate(i)
            begins = token.text in ('{', '}', ';', 'else', 'do') or token.text == ':' and (before.text == 'default' or self.is_label(i))
            if token.text in OPENS:
                stack.append((token.text, before.text if before else ''))
            elif token.text in CLOSES and stack:
                begins = begins or token.text == ')' and stack[-1][1] in CONTROL
                stack.pop()
        for token in self.defines if self.name.endswith('.c') else []:
            value = DEFINE.match(re.sub(r'/\*.*', lambda m: ' ' * len(m.group()), token.text))
            for number in NUMBER.finditer(value.group('value')) if value else []:
                for new in other_numbers(number.group()):
                    start = token.start + value.start('value') + number.start()
                    self.add(start, start + len(number.group()), new)
        return sorted(self.mutants, key=lambda m: (m.start, m.end, m.new))

    def is_label(self, i):
        """Whether the colon at i ends a case."""
        for token in reversed(self.tokens[max(0, i - 8):i]):
            if token.text == 'case':
                return True
            if token.text in (';', '{', '}', '?'):
                return False
        return False


def mutants(name, text):
    return Reader(name, text).read()
