//! Scripts and queries put together from parts, the same ones each time.

/// What a script is made of: whatever psql's lexer treats in its own way, and ordinary words around it.
const PARTS: &[&str] = &[
    "SELECT 1 ",
    "SELECT",
    " 2 ",
    ",",
    ";",
    ";",
    ";\n",
    "\n",
    "\n",
    "\r",
    " ",
    "'",
    "''",
    "'a'",
    "E'",
    "e'\\'",
    "E'a'",
    "\\'",
    "\"",
    "\"a\"",
    "$$",
    "$a$",
    "$1",
    "--c",
    "-- '\n",
    "/*",
    "*/",
    "/* ; */",
    "(",
    ")",
    "[1:",
    "1:2]",
    "::int",
    ":=",
    ":",
    ":x",
    ":y",
    ":z",
    ":'x'",
    ":\"x\"",
    ":{?x}",
    ":'",
    ":{?",
    "\\;",
    "\\:",
    "\\g\n",
    "\\gx\n",
    "\\r\n",
    "\\p\n",
    "\\echo a\n",
    "\\echo 'a;\n",
    "\\echo a \\\\ ",
    "\\set x 1\n",
    "\\set x 'a''b'\n",
    "\\set x ';'\n",
    "\\set x '''\\n'\n",
    "\\set y :x:x\n",
    "\\set y :'x'\n",
    "\\set z 'SELECT :y; '\n",
    "\\set x '/*'\n",
    "\\set x 'a\\\\b'\n",
    "\\unset x\n",
    "\\if true\n",
    "\\if false\n",
    "\\elif on\n",
    "\\else\n",
    "\\endif\n",
    "\\set SINGLELINE on\n",
    "\\set SINGLELINE off\n",
    "\\x\n",
    "\\t\n",
    "BEGIN",
    " END",
    " CASE ",
    "CREATE ",
    "FUNCTION f()",
    "OR REPLACE ",
    "é",
    "U&'",
    "U&\"",
    "B'",
    "x'",
    "N'",
    "n",
    "+",
    "-",
    "*",
    "/",
    "@",
    ".",
    "0x1F ",
    "1.5e3 ",
    "FROM t",
];

/// Numbers that look random and are the same each time (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % limit
    }
}

/// `count` scripts.
pub(crate) fn scripts(count: usize) -> Vec<String> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut script = || {
        let length = 2 + numbers.below(14);
        (0..length).map(|_| PARTS[numbers.below(PARTS.len())]).collect()
    };
    (0..count).map(|_| script()).collect()
}

/// A query of one column, whose rows have no order yet.
fn query(numbers: &mut Numbers, depth: usize) -> String {
    let simple = [
        "SELECT a FROM t",
        "SELECT a FROM t WHERE a % 2 = 0",
        "SELECT g AS a FROM t",
        "VALUES (7), (3), (9), (1)",
        "SELECT DISTINCT g AS a FROM t",
        "SELECT max(a) AS a FROM t GROUP BY g",
        "SELECT generate_series(1, 6) AS a",
        "SELECT a FROM t ORDER BY a LIMIT 8",
        "SELECT a FROM t ORDER BY a OFFSET 30",
        "SELECT t.a FROM t JOIN t u ON u.a = t.g",
    ];
    if depth == 0 {
        return simple[numbers.below(simple.len())].to_owned();
    }
    let inner = query(numbers, depth - 1);
    match numbers.below(6) {
        0 => format!("({inner}) UNION ({})", query(numbers, depth - 1)),
        1 => format!("({inner}) UNION ALL ({})", query(numbers, depth - 1)),
        2 => format!("({inner}) EXCEPT ({})", query(numbers, depth - 1)),
        3 => format!("WITH c (a) AS ({inner}) SELECT a FROM c"),
        4 => format!("SELECT a FROM ({inner}) AS s (a)"),
        _ => {
            format!("SELECT a FROM (({inner} /* LIMIT 1 */)) AS s (a) WHERE a > (SELECT 1 LIMIT 1)")
        }
    }
}

/// `count` queries, each with an order of all its rows.
pub(crate) fn queries(count: usize) -> Vec<String> {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let orders = ["ORDER BY 1", "ORDER BY 1 DESC", "order by 1 ASC NULLS FIRST"];
    let ends = [
        "",
        "",
        " OFFSET 2",
        " OFFSET 1 ROW",
        " LIMIT ALL",
        " LIMIT NULL OFFSET 1",
        "\nlimit all\n",
    ];
    let tails = ["", "", " ;", " -- LIMIT 1", " /* ; */", " /* a /* b */ */ ; -- c", "\n"];
    let mut one = || {
        let depth = numbers.below(4);
        // An order of its own would stand before the one that is added.
        let query = query(&mut numbers, depth);
        let (order, end, tail) = (
            orders[numbers.below(orders.len())],
            ends[numbers.below(ends.len())],
            tails[numbers.below(tails.len())],
        );
        match numbers.below(4) {
            0 => format!("(SELECT a FROM ({query}) AS o (a) {order}{end}){tail}"),
            _ => format!("SELECT a FROM ({query}) AS o (a) {order}{end}{tail}"),
        }
    };
    (0..count).map(|_| one()).collect()
}
