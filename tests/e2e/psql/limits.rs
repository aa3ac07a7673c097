//! Row limits on a real server: the rewritten text returns exactly the first rows of the original.

use claw_tests::call::Call;
use claw_tests::postgres::{self, Database};
use claw_tests::scenario::Scenario;

use crate::generated::queries;
use crate::judged::{Psql, judge};

/// Queries that have room for a limit in the middle only: they are denied.
const DENIED: &[&str] = &["SELECT a FROM t ORDER BY a OFFSET 2 FOR SHARE OF t SKIP LOCKED"];

/// What the policy allows.
const ROWS: usize = 3;

/// Queries over `t (a, b, g)`, each with an order of all its rows.
const QUERIES: &[&str] = &[
    "SELECT * FROM t ORDER BY a",
    "SELECT * FROM t ORDER BY a;",
    "SELECT * FROM t ORDER BY a -- the end",
    "SELECT * FROM t ORDER BY a /* LIMIT 1 */ ; -- the end",
    "SELECT a FROM t ORDER BY a OFFSET 4",
    "SELECT a FROM t ORDER BY a OFFSET 4 ROWS",
    "SELECT a FROM t ORDER BY a OFFSET (SELECT 2)",
    "SELECT a FROM t ORDER BY a LIMIT ALL",
    "SELECT a FROM t ORDER BY a LIMIT NULL OFFSET 2",
    "SELECT a FROM t ORDER BY a OFFSET 2 LIMIT ALL",
    "SELECT a FROM t ORDER BY a LIMIT 2",
    "SELECT a FROM t ORDER BY a FETCH FIRST ROW ONLY",
    "SELECT a FROM t ORDER BY a FETCH FIRST 2 ROWS ONLY",
    "SELECT a FROM t ORDER BY a OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY",
    "SELECT g FROM t ORDER BY g FETCH FIRST 2 ROWS WITH TIES",
    "SELECT a FROM t ORDER BY a FOR UPDATE",
    "SELECT a FROM t ORDER BY a FOR SHARE OF t SKIP LOCKED OFFSET 2",
    "SELECT a FROM t ORDER BY a FOR NO KEY UPDATE NOWAIT",
    "(SELECT a FROM t ORDER BY a)",
    "((SELECT a FROM t)) ORDER BY a",
    "((SELECT a FROM t ORDER BY a) ) ;",
    "SELECT a FROM t UNION SELECT -a FROM t ORDER BY 1",
    "SELECT a FROM t UNION ALL SELECT a FROM t ORDER BY 1",
    "(SELECT a FROM t ORDER BY a LIMIT 5) UNION ALL (SELECT g FROM t ORDER BY a LIMIT 5) ORDER BY 1",
    "SELECT a FROM t INTERSECT SELECT g FROM t ORDER BY 1",
    "SELECT a FROM t EXCEPT SELECT g FROM t ORDER BY 1",
    "SELECT a FROM t EXCEPT (SELECT g FROM t UNION VALUES (1), (2)) ORDER BY 1",
    "VALUES (3), (1), (2), (5), (4) ORDER BY 1",
    "VALUES (1), (2), (3), (4)",
    "TABLE t ORDER BY a",
    "WITH c AS (SELECT a FROM t) SELECT * FROM c ORDER BY a",
    "WITH c AS (SELECT a FROM t LIMIT ALL) SELECT * FROM c ORDER BY a",
    "WITH c AS (SELECT a FROM t ORDER BY a LIMIT 7) TABLE c ORDER BY a DESC",
    "WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 20) SELECT n FROM c ORDER BY n",
    "SELECT * FROM (SELECT a FROM t ORDER BY a LIMIT 9) s ORDER BY a DESC",
    "SELECT (SELECT max(a) FROM t LIMIT 1), a FROM t ORDER BY a",
    "SELECT DISTINCT ON (g) g, a FROM t ORDER BY g, a DESC",
    "SELECT DISTINCT g FROM t ORDER BY g",
    "SELECT a, sum(a) OVER (ORDER BY a ROWS 2 PRECEDING) FROM t ORDER BY a",
    "SELECT a, rank() OVER w FROM t WINDOW w AS (PARTITION BY g ORDER BY a) ORDER BY a",
    "SELECT g, count(*) FROM t GROUP BY g HAVING count(*) > 1 ORDER BY g",
    "SELECT g, b, count(*) FROM t GROUP BY GROUPING SETS ((g), (b), ()) ORDER BY g, b, count(*)",
    "SELECT g, b, count(*) FROM t GROUP BY ROLLUP (g, b) ORDER BY g, b, 3",
    "SELECT generate_series(1, 9) AS n ORDER BY n",
    "SELECT unnest(ARRAY[1, 2, 3, 4])",
    "SELECT * FROM generate_series(1, 9) WITH ORDINALITY AS s (n, o) ORDER BY n",
    "SELECT t.a, s.n FROM t, LATERAL (SELECT n FROM generate_series(1, 2) n LIMIT 2) s ORDER BY 1, 2",
    "SELECT t.a FROM t JOIN t u USING (g) ORDER BY t.a, u.a",
    "SELECT a FROM t TABLESAMPLE SYSTEM (100) ORDER BY a",
    "SELECT * FROM ROWS FROM (generate_series(1, 5), generate_series(1, 4)) AS x (p, q) ORDER BY p, q",
    "SELECT * FROM json_to_recordset('[{\"k\":1},{\"k\":2},{\"k\":3},{\"k\":4}]') AS x (k int) ORDER BY k",
    "SELECT value FROM json_array_elements('[1,2,3,4,5]')",
    "SELECT x.* FROM XMLTABLE('/r/v' PASSING '<r><v>1</v><v>2</v><v>3</v><v>4</v></r>' COLUMNS n int PATH '.') x ORDER BY n",
    "SELECT 'a;LIMIT 1', a FROM t ORDER BY a",
    "SELECT $$LIMIT 1$$, a FROM t ORDER BY a",
    "SELECT a AS \"limit\" FROM t ORDER BY \"limit\"",
    "SELECT 1",
    "SELECT count(*) FROM t",
    "SELECT a FROM t WHERE false",
];

/// Queries whose own limit counts as none, because it is no number, and what they are without it.
const COMPUTED: &[(&str, &str)] = &[
    ("SELECT a FROM t ORDER BY a LIMIT 4 + 4", "SELECT a FROM t ORDER BY a"),
    ("SELECT a FROM t ORDER BY a LIMIT (SELECT 7) OFFSET 1", "SELECT a FROM t ORDER BY a OFFSET 1"),
    ("SELECT a FROM t ORDER BY a FETCH FIRST (5 + 5) ROWS ONLY", "SELECT a FROM t ORDER BY a"),
    (
        "SELECT a FROM t ORDER BY a LIMIT length('abcdef') FOR UPDATE",
        "SELECT a FROM t ORDER BY a FOR UPDATE",
    ),
    ("(SELECT a FROM t ORDER BY a LIMIT (3 + 3))", "(SELECT a FROM t ORDER BY a)"),
];

fn table() -> Database {
    let database = postgres::database();
    database.ask("CREATE TABLE t AS SELECT n AS a, 'b' || n % 3 AS b, n % 5 AS g FROM generate_series(1, 40) n");
    database
}

/// The queries as the policy rewrites them; nothing for one that it denies.
fn limited(queries: &[String]) -> Vec<Option<String>> {
    let calls: Vec<Psql> = queries.iter().map(|query| Psql::new(["-X", "-c", query])).collect();
    let answers = judge("limits", &calls);
    let limited = answers.iter().map(|answer| match answer["verdict"].as_str() {
        Some("deny") => None,
        _ => Some(answer["argv"][3].as_str().expect("the text").to_owned()),
    });
    limited.collect()
}

/// The rows of each query, all asked over one unguarded connection.
fn rows(database: &Database, queries: &[String]) -> Vec<Vec<String>> {
    const MARK: &str = "@@@";
    let script: String = queries
        .iter()
        .map(|query| format!("\\echo {MARK}\nBEGIN;\n{query}\n;\nROLLBACK;\n"))
        .collect();
    let psql = postgres::real_psql();
    let call =
        Call::new([psql.as_os_str(), "-XAtq".as_ref(), "-v".as_ref(), "ON_ERROR_STOP=1".as_ref()]);
    let out = call.envs(database.env()).stdin(script).bare().exits(0).out();
    let parts = out.split(MARK).skip(1);
    let rows: Vec<Vec<String>> = parts
        .map(|part| part.strip_prefix('\n').unwrap_or(part).lines().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.len(), queries.len(), "{out}");
    rows
}

fn owned<'a>(queries: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    queries.into_iter().map(str::to_owned).collect()
}

/// Compares queries with what they are without a limit of their own; how many of them could be limited.
fn compare(queries: &[String], whole: &[String]) -> usize {
    let database = table();
    let limited = limited(queries);
    let kept: Vec<usize> = (0..queries.len()).filter(|at| limited[*at].is_some()).collect();
    let whole: Vec<String> = kept.iter().map(|at| whole[*at].clone()).collect();
    let limited: Vec<String> = kept.iter().filter_map(|at| limited[*at].clone()).collect();
    let (all, few) = (rows(&database, &whole), rows(&database, &limited));
    for (index, at) in kept.iter().enumerate() {
        // A limit of its own, whatever its size, stays: all its rows are the first ones.
        let own = limited_by_itself(&queries[*at]);
        let first = if own { all[index].len() } else { all[index].len().min(ROWS) };
        assert_eq!(few[index][..], all[index][..first], "{}\n{}", queries[*at], limited[index]);
    }
    kept.len()
}

/// Whether a query of these lists says a number of rows itself, or lists them.
fn limited_by_itself(query: &str) -> bool {
    let end = query.trim_end_matches([';', ' ', ')']);
    query.starts_with("VALUES")
        || ["LIMIT 2", "ROW ONLY", "ROWS ONLY", "WITH TIES"].iter().any(|own| end.ends_with(own))
}

#[test]
fn limited_queries_return_the_first_rows() {
    let scenario = Scenario::new("queries of every shape are limited");
    let queries = owned(QUERIES.iter().copied());
    scenario.then("each returns the first rows of the original");
    assert_eq!(compare(&queries, &queries), QUERIES.len());
    scenario.then("one that has no room at its end is denied, and never run as it is");
    assert_eq!(limited(&owned(DENIED.iter().copied())), vec![None; DENIED.len()]);
    let computed = owned(COMPUTED.iter().map(|(query, _)| *query));
    let without = owned(COMPUTED.iter().map(|(_, without)| *without));
    let limited = limited(&computed);
    let database = table();
    let texts: Vec<String> =
        limited.into_iter().map(|text| text.expect("it can be limited")).collect();
    for ((few, all), text) in
        rows(&database, &texts).iter().zip(rows(&database, &without)).zip(&texts)
    {
        assert_eq!(few[..], all[..ROWS], "{text}");
    }
}

#[test]
fn generated_queries_return_the_first_rows() {
    let scenario = Scenario::new("queries put together from clauses are limited");
    let queries = queries(150);
    scenario.then("each returns the first rows of the original");
    let limited = compare(&queries, &queries);
    assert!(limited * 10 > queries.len() * 9, "only {limited} of {} could be", queries.len());
}
