//! From bytes to facts: an ungoverned program, SQL of 200 bytes and of 100 KiB by both parsers and by one, kubectl.

use std::hint::black_box;

use claw_classify::{Call, NoFiles, Stdin, Tools};
use criterion::{Criterion, criterion_group, criterion_main};

const SELECT: &str = "SELECT u.id, u.email, count(o.id) AS orders FROM users u LEFT JOIN orders o \
     ON o.user_id = u.id WHERE u.created_at > now() - interval '30 days' GROUP BY u.id, u.email \
     ORDER BY orders DESC LIMIT 50";

/// How long a long text is.
const LONG: usize = 100 << 10;

fn facts(criterion: &mut Criterion) {
    let env: Vec<&[u8]> =
        vec![b"HOME=/root", b"PATH=/usr/bin:/bin", b"LANG=C.UTF-8", b"TERM=xterm"];
    let statement = format!("{SELECT};\n");
    let script = statement.repeat(LONG / statement.len());
    let mysql = SELECT.replace("interval '30 days'", "interval 30 day");
    for (what, argv, stdin) in [
        ("an ungoverned program", vec!["ls", "-la", "/tmp"], ""),
        ("psql -c, a SELECT of 200 bytes", vec!["psql", "-X", "-h", "db", "app", "-c", SELECT], ""),
        ("psql -c, SELECTs of 100 KiB", vec!["psql", "-X", "-h", "db", "app", "-c", &script], ""),
        ("psql, a script of 100 KiB", vec!["psql", "-X", "-h", "db", "app"], &*script),
        ("mysql -e, a SELECT of 200 bytes", vec!["mysql", "app", "-e", &mysql], ""),
        ("kubectl get pods", vec!["kubectl", "-n", "prod", "get", "pods", "-o", "json"], ""),
    ] {
        let bytes: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let names = [bytes[0]];
        let stdin = Stdin::Content(stdin.as_bytes());
        let call = Call {
            argv: &bytes,
            env: &env,
            path: bytes[0],
            names: &names,
            stdin,
            ..Call::default()
        };
        criterion.bench_function(what, |bench| {
            bench.iter(|| Tools::BUILT_IN.classify(black_box(&call), &NoFiles));
        });
    }
}

criterion_group!(benches, facts);
criterion_main!(benches);
