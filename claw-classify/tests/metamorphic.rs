//! Another spelling of the same call is never judged milder, under `policies/production-readonly.toml`.
//!
//! Input: every command line and every statement of `corpus/`. Each is spelled in ways that the tool, the
//! server or the shell reads as the same, or that run it among other things.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own input has failed")]

use claw_classify::{Call, NoFiles, Tools, schema};
use claw_policy::{Policy, Verdict, decide};

fn policy() -> Policy {
    let text = include_str!("../../policies/production-readonly.toml");
    Policy::parse(text, "production-readonly.toml", &schema()).unwrap()
}

/// The strictest verdict of a call and of what it says it starts.
fn verdict(policy: &Policy, argv: &[Vec<u8>], deep: usize) -> Verdict {
    let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    let names = [words[0].rsplit(|byte| *byte == b'/').next().unwrap()];
    let env: &[&[u8]] = &[b"HOME=/home/me", b"PATH=/usr/bin:/bin"];
    let cwd = Some(&b"/home/me/app"[..]);
    let call = Call { argv: &words, env, cwd, path: words[0], names: &names, ..Call::default() };
    let own = decide(policy, &Tools::BUILT_IN.classify(&call, &NoFiles)).verdict;
    if deep == 0 {
        return own;
    }
    let inner = Tools::BUILT_IN.starts(&call, &NoFiles);
    inner.iter().map(|start| verdict(policy, &start.argv, deep - 1)).fold(own, Verdict::max)
}

fn words(line: &[&str]) -> Vec<Vec<u8>> {
    line.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// The command lines of the corpora, without those that set variables.
fn command_lines() -> Vec<Vec<Vec<u8>>> {
    let lines = claw_corpus::lines().into_iter().filter(|words| !words[0].contains('='));
    let lines: Vec<_> =
        lines.map(|words| words.into_iter().map(String::into_bytes).collect()).collect();
    assert!(lines.len() > 1_500, "{} command lines", lines.len());
    lines
}

/// A word as a shell must be given it.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut out = b"'".to_vec();
    for byte in word {
        match byte {
            b'\'' => out.extend(b"'\\''"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

#[test]
fn wrapping_a_call_is_no_milder() {
    let policy = policy();
    let mut milder = String::new();
    let mut tried = 0;
    for argv in command_lines() {
        let plain = verdict(&policy, &argv, 4);
        let text = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(&b' ');
        let behind = |line: &[&str]| [words(line), argv.clone()].concat();
        let told = |line: &[&str], text: &[u8]| [words(line), vec![text.to_vec()]].concat();
        let twice = [&b"sh -c "[..], &quoted(&text)].concat();
        let wrapped = [
            behind(&["env"]),
            behind(&["env", "-i", "HOME=/home/me"]),
            behind(&["env", "A=b"]),
            behind(&["nice", "-n", "5"]),
            behind(&["timeout", "5"]),
            behind(&["timeout", "-s", "KILL", "5"]),
            behind(&["nohup"]),
            behind(&["setsid"]),
            behind(&["stdbuf", "-oL"]),
            behind(&["env", "nice", "timeout", "9"]),
            told(&["sh", "-c"], &text),
            told(&["bash", "-lc"], &text),
            told(&["bash", "-c"], &[b"exec ", &text[..]].concat()),
            told(&["sh", "-c"], &[b"cd /tmp && ", &text[..]].concat()),
            told(&["sh", "-c"], &[b"true; ", &text[..], b" | cat"].concat()),
            told(&["env", "sh", "-c"], &text),
            told(&["sh", "-c"], &twice),
        ];
        for call in wrapped {
            tried += 1;
            if verdict(&policy, &call, 6) < plain {
                milder += &format!(
                    "{plain}: {}\n",
                    call.iter()
                        .map(|word| String::from_utf8_lossy(word))
                        .collect::<Vec<_>>()
                        .join(" ")
                );
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
    assert!(milder.is_empty(), "milder than without the wrapper:\n{milder}");
}

/// Statements of the corpus.
fn statements() -> Vec<String> {
    let table: toml::Table = include_str!("../corpus/sql.toml").parse().unwrap();
    let rows = table["statement"].as_array().unwrap();
    let all: Vec<String> = rows.iter().map(|row| row["sql"].as_str().unwrap().to_owned()).collect();
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// The same statement, spelled otherwise. Case and blanks change only where nothing is in quotes.
fn spelled(sql: &str) -> Vec<String> {
    let mut all = vec![
        format!("/* note */ {sql}"),
        format!("-- note\n{sql}"),
        format!("\n\t {sql}\n"),
        format!("/* a /* b */ c */{sql}"),
    ];
    if !sql.contains("--") {
        all.push(format!("{sql} /* note */"));
        all.push(format!("{sql};"));
    }
    if !sql.contains(['\'', '"', '$', '\\', '-', '/']) {
        all.push(sql.to_uppercase());
        all.push(sql.to_lowercase());
        all.push(sql.replace(' ', "\n"));
        all.push(sql.replace(' ', " /* ; */ "));
        all.push(sql.replace(' ', "  \t"));
    }
    all
}

/// Texts that run the statement, or that the server refuses.
fn within(sql: &str) -> Vec<String> {
    let sql = sql.trim_end().trim_end_matches(';');
    if sql.contains("--") || sql.contains(';') {
        return Vec::new();
    }
    vec![
        format!("EXPLAIN ANALYZE {sql}"),
        format!("EXPLAIN (ANALYZE, COSTS off) {sql}"),
        format!("EXPLAIN (analyze true) {sql}"),
        format!("WITH x AS ({sql}) SELECT 1"),
        format!("WITH x AS MATERIALIZED ({sql}) SELECT count(*) FROM x"),
        format!("BEGIN; {sql}; COMMIT"),
        format!("SELECT 1; {sql}"),
        format!("{sql}; SELECT 1"),
        format!("PREPARE x AS {sql}; EXECUTE x"),
        format!("DECLARE x CURSOR FOR {sql}"),
    ]
}

#[test]
fn spelling_a_statement_otherwise_is_no_milder() {
    let policy = policy();
    let mut milder = String::new();
    for sql in statements() {
        let of = |sql: &str| verdict(&policy, &words(&["psql", "-X", "-c", sql]), 0);
        let plain = of(&sql);
        for other in spelled(&sql) {
            if of(&other) < plain {
                milder += &format!("{plain}: {other}\n");
            }
        }
        // What may be looked at may be explained; what may not run may not run inside of anything.
        if plain == Verdict::Deny {
            for other in within(&sql) {
                if of(&other) < plain {
                    milder += &format!("{plain}: {other}\n");
                }
            }
        }
    }
    assert!(milder.is_empty(), "milder than the statement by itself:\n{milder}");
}

#[test]
fn other_dialects_are_no_milder_either() {
    let policy = policy();
    let mut milder = String::new();
    for sql in statements() {
        for client in [&["mysql", "-e"][..], &["sqlite3", "a.db"], &["clickhouse-client", "-q"]] {
            let of = |sql: &str| verdict(&policy, &words(&[client, &[sql]].concat()), 0);
            let plain = of(&sql);
            for other in spelled(&sql) {
                if of(&other) < plain {
                    milder += &format!("{plain}: {client:?} {other}\n");
                }
            }
        }
    }
    assert!(milder.is_empty(), "milder than the statement by itself:\n{milder}");
}
