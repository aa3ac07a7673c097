//! From bytes to facts: an ungoverned program, a `psql -c` of 200 bytes by both parsers, kubectl.

use std::hint::black_box;

use claw_classify::{Call, classify};
use criterion::{Criterion, criterion_group, criterion_main};

const SELECT: &str = "SELECT u.id, u.email, count(o.id) AS orders FROM users u LEFT JOIN orders o \
     ON o.user_id = u.id WHERE u.created_at > now() - interval '30 days' GROUP BY u.id, u.email \
     ORDER BY orders DESC LIMIT 50";

fn facts(criterion: &mut Criterion) {
    let env: Vec<&[u8]> =
        vec![b"HOME=/root", b"PATH=/usr/bin:/bin", b"LANG=C.UTF-8", b"TERM=xterm"];
    for (what, argv) in [
        ("an ungoverned program", vec!["ls", "-la", "/tmp"]),
        ("psql -c, a SELECT of 200 bytes", vec!["psql", "-X", "-h", "db", "app", "-c", SELECT]),
        ("kubectl get pods", vec!["kubectl", "-n", "prod", "get", "pods", "-o", "json"]),
    ] {
        let bytes: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let names = [bytes[0]];
        let call =
            Call { argv: &bytes, env: &env, path: bytes[0], names: &names, ..Call::default() };
        criterion.bench_function(what, |bench| bench.iter(|| classify(black_box(&call))));
    }
}

criterion_group!(benches, facts);
criterion_main!(benches);
