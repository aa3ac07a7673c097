//! Command lines and environments: where the real psql connects, with what settings, and what it sends.

use std::collections::BTreeMap;

use claw_tests::backend::Backend;
use claw_tests::scenario::Scenario;
use serde_json::Value;

use crate::judged::{Followed, Psql, comes_with_connection, compare, env, judge, real, statements};

/// Words, and what is around them: variables and files, whose names end in `=`, and `stdin`. `@` is the port.
type Around = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// Calls whose server, settings and statements claw knows.
const TOLD: &[Around] = &[
    (&["-c", "SELECT 1"], &[]),
    (&["-cSELECT 1", "--command", "SELECT 2", "--com=SELECT 3"], &[]),
    (&["-XAtqc", "SELECT 1", "-1"], &[]),
    (&["-h", "127.0.0.2", "-c", "SELECT 1"], &[]),
    (&["-h127.0.0.2", "-p@", "-c", "SELECT 1"], &[("PGPORT", "1")]),
    (&["--hos=127.0.0.2", "--port", "@", "-c", "SELECT 1"], &[("PGPORT", "1")]),
    (&["-qAth", "127.0.0.2", "-c", "SELECT 1"], &[]),
    (&["other", "them", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1", "other"], &[]),
    (&["-U", "them", "-d", "other", "-c", "SELECT 1"], &[]),
    (&["-d", "other", "them", "-c", "SELECT 1"], &[]),
    (&["-U", "them", "other", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1", "--", "-c", "SELECT 2"], &[]),
    (&["--dbname=host=127.0.0.2 port=@ dbname=other user=them", "-c", "SELECT 1"], &[]),
    (&["-h", "127.0.0.1", "host = 127.0.0.2 dbname='ot\\'her'", "-c", "SELECT 1"], &[]),
    (&["host=nowhere.invalid hostaddr=127.0.0.2", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1"], &[("PGHOSTADDR", "127.0.0.2")]),
    (&["postgresql://them:pw@127.0.0.2:@/other", "-c", "SELECT 1"], &[("PGPORT", "1")]),
    (&["postgres://127.0.0.2", "-c", "SELECT 1"], &[]),
    (
        &["-d", "postgres:///ot%68er?host=127.0.0.2&port=@&user=them", "-c", "SELECT 1"],
        &[("PGPORT", "1")],
    ),
    (&["postgres://127.0.0.2/?options=-c%20work_mem%3D1MB", "-c", "SELECT 1"], &[]),
    (&["host=127.0.0.2 options='-c work_mem=1MB --jit=off'", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1"], &[("PGOPTIONS", "-c work_mem=2MB -cjit=off --geqo=on")]),
    (&["-c", "SELECT 1"], &[("PGTZ", "UTC"), ("PGDATESTYLE", "ISO"), ("PGGEQO", "off")]),
    (&["-c", "SELECT 1"], &[("PGCLIENTENCODING", "LATIN1")]),
    (&["dbname=other client_encoding=LATIN1", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1"], &[("PGDATABASE", "")]),
    (&["-d", "", "-h", "", "-c", "SELECT 1"], &[]),
    (&["-c", "SELECT 1"], &[("PGDATABASE", "host=127.0.0.2 options='-c work_mem=1MB'")]),
    (&["-c", "SELECT 1"], &[("PGAPPNAME", "x"), ("PGCONNECT_TIMEOUT", "5")]),
    (&["-c", "SELECT 1", "-f", "a.sql", "-c", "SELECT 3"], &[("a.sql=", "SELECT 2;")]),
    (
        &["-1Xqf", "a.sql", "-v", "x=7"],
        &[("a.sql=", "SELECT :x;\n\\ir b.sql\n"), ("b.sql=", "SELECT 8;")],
    ),
    (
        &["--set", "x=1", "--variable=y=:x", "-vz", "-f", "a.sql"],
        &[("a.sql=", "SELECT :x, :'y', :{?z};")],
    ),
    (&["-v", "x=1", "-c", "SELECT ':x'"], &[]),
    (&["-c", "\\set x 5", "-c", "\\echo :x", "-f", "a.sql"], &[("a.sql=", "SELECT :x;")]),
    (&["-c", "\\i a.sql", "-c", "SELECT 2"], &[("a.sql=", "SELECT 1;\n\\q\nSELECT 3;")]),
    (&["-c", "\\q", "-c", "SELECT 2"], &[]),
    (&["-f", "-", "-c", "SELECT 2"], &[("stdin", "SELECT 1;\n")]),
    (&["-f", "/dev/stdin"], &[("stdin", "SELECT 1;\n")]),
    (&[], &[("stdin", "SELECT 1;\n")]),
    (&["-S"], &[("stdin", "SELECT 1\nSELECT 2\n")]),
    (&["-c", "SELECT 2"], &[("PSQLRC", "rc"), ("rc=", "SELECT 1;\n")]),
    (&["-X", "-c", "SELECT 2"], &[("PSQLRC", "rc"), ("rc=", "SELECT 1;\n")]),
    (&["-f", "a.sql"], &[("PSQLRC", "rc"), ("rc=", "\\set x 1\n"), ("a.sql=", "SELECT :x;")]),
    (&["other", "-c", "SELECT 1"], &[("POSIXLY_CORRECT", "1"), ("stdin", "SELECT 2;")]),
    (&["-c", "SELECT 1; DROP TABLE t; SELECT '\\'"], &[]),
    (&["-c", "SELECT 1 \\; SELECT 2"], &[]),
    (&["--csv", "-P", "pager=off", "-F", ",", "-R", ";", "-T", "a", "-c", "SELECT 1"], &[]),
    (&["-o", "out.txt", "-L", "log.txt", "-c", "SELECT 1"], &[]),
];

/// Calls of which claw says that it cannot tell where they go or what they do, or that psql refuses.
const OPAQUE: &[Around] = &[
    (&["--frobnicate", "-c", "SELECT 1"], &[]),
    (&["--h", "-c", "SELECT 1"], &[]),
    (&["--no-p", "-c", "SELECT 1"], &[]),
    (&["-c"], &[]),
    (&["--quiet=1", "-c", "SELECT 1"], &[]),
    (&["-y", "-c", "SELECT 1"], &[]),
    (&["host", "host=127.0.0.2 junk", "-c", "SELECT 1", "-d", "host=127.0.0.2 junk"], &[]),
    (&["postgres://127.0.0.2:@/%zz", "-c", "SELECT 1"], &[]),
    (&["host = 127.0.0.2 dbname='ot''her'", "-c", "SELECT 1"], &[]),
    (&["-s"], &[("stdin", "SELECT 1;\n\nSELECT 2;\n\n")]),
    (&["-c", "\\x \\! id"], &[]),
];

/// Calls that let a service say where they go.
const SERVICES: &[Around] = &[
    (&["service=svc", "-c", "SELECT 1"], &[("PGSERVICEFILE", "services"), ("services=", SERVICE)]),
    (
        &["-c", "SELECT 1"],
        &[("PGSERVICE", "svc"), ("PGSERVICEFILE", "services"), ("services=", SERVICE)],
    ),
    (
        &["-c", "SELECT 1"],
        &[("PGSERVICE", "svc"), ("PGSYSCONFDIR", "."), ("pg_service.conf=", SERVICE)],
    ),
    (
        &["postgres:///?service=svc", "-c", "SELECT 1"],
        &[("PGSERVICEFILE", "services"), ("services=", SERVICE)],
    ),
];

const SERVICE: &str = "[svc]\nhost=127.0.0.2\ndbname=secret\noptions=-c work_mem=3MB\n";

fn calls(backend: &Backend, table: &[Around]) -> Vec<Psql> {
    let port = backend.port().to_string();
    let filled = |text: &str| match text.contains("them:pw@") {
        true => text.replace(":@", &format!(":{port}")),
        false => text.replace('@', &port),
    };
    let call = |(words, around): &Around| {
        let mut call = Psql::new(words.iter().map(|word| filled(word)));
        call.env = env(backend);
        for (name, value) in *around {
            match name.strip_suffix('=') {
                _ if *name == "stdin" => call.stdin = (*value).to_owned(),
                Some(file) => {
                    call.files.insert(file.to_owned(), (*value).to_owned());
                }
                None => {
                    call.env.insert((*name).to_owned(), (*value).to_owned());
                }
            }
        }
        call
    };
    table.iter().map(call).collect()
}

fn sql(answer: &Value) -> impl Iterator<Item = &Value> {
    let actions = answer["facts"]["actions"].as_array().expect("actions");
    actions.iter().filter(|action| action["domain"] == "sql")
}

fn is_opaque(answer: &Value) -> bool {
    let actions = answer["facts"]["actions"].as_array().expect("actions");
    actions.iter().any(|action| action["opaque"].is_string())
}

#[test]
fn psql_connects_and_sends_what_is_told() {
    let scenario = Scenario::new("psql is called in every way that its manual knows");
    let backend = Backend::start();
    let calls = calls(&backend, TOLD);
    let judged = judge("open", &calls);
    for ((call, answer), (real, sent)) in calls.iter().zip(&judged).zip(real(&backend, &calls)) {
        let story = &real.story;
        assert_eq!(real.seen.len(), 1, "it connects once: {story}");
        let seen = &real.seen[0];
        scenario.then("it sends what was judged");
        // `-1` has psql send two texts of its own.
        let own = |statement: &Value| {
            call.words.iter().any(|word| word.starts_with("-1") || word == "-1")
                && ["BEGIN", "COMMIT"].contains(&statement["text"].as_str().unwrap_or(""))
        };
        let sent: Vec<Value> = sent.into_iter().filter(|statement| !own(statement)).collect();
        let followed = compare(&statements(answer), &sent);
        assert_eq!(followed, Ok(Followed::Whole), "{story}");
        scenario.then("it goes where the facts say, as whom they say");
        let first = sql(answer).find(|action| !comes_with_connection(action)).expect("a statement");
        let port = backend.port().to_string();
        let user = seen.parameters.get("user").cloned().unwrap_or_default();
        let database = seen.parameters.get("database").cloned().unwrap_or_default();
        for (name, real, otherwise) in [
            ("host", &seen.host, ""),
            ("port", &port, ""),
            ("user", &user, "root"),
            ("database", &database, &*user),
        ] {
            let told = first[name].as_str().unwrap_or(otherwise);
            assert_eq!(told, real, "{name} of {story}\n{first}");
        }
        scenario.then("it brings no setting that the facts do not name");
        let told: BTreeMap<&str, &str> = sql(answer)
            .filter(|action| comes_with_connection(action))
            .filter_map(|action| {
                Some((action["setting"].as_str()?, action["setting_value"].as_str()?))
            })
            .collect();
        for (name, value) in &seen.parameters {
            match &**name {
                "user" | "database" | "application_name" => {}
                "options" => {
                    let words = value.replace("-c", " ").replace("--", " ");
                    for setting in words.split_whitespace() {
                        let (name, value) = setting.split_once('=').expect("a setting");
                        assert_eq!(told.get(name), Some(&&*value.to_lowercase()), "{story}");
                    }
                }
                name => assert_eq!(
                    told.get(&*name.to_lowercase()),
                    Some(&&*value.to_lowercase()),
                    "{name}: {story}"
                ),
            }
        }
    }
}

#[test]
fn what_psql_refuses_or_hides_is_opaque() {
    let scenario = Scenario::new("psql is called so that it refuses, or waits for an answer");
    let backend = Backend::start();
    let calls = calls(&backend, OPAQUE);
    let judged = judge("open", &calls);
    for (answer, (real, sent)) in judged.iter().zip(real(&backend, &calls)) {
        scenario.then("the facts are opaque, and say nothing that did not happen before");
        assert!(is_opaque(answer), "{}\n{answer}", real.story);
        let judged: Vec<Value> = statements(answer);
        let known: Vec<Value> =
            judged.into_iter().take_while(|action| !action["opaque"].is_string()).collect();
        assert!(known.len() <= sent.len() && known[..] == sent[..known.len()], "{}", real.story);
    }
}

#[test]
fn a_service_is_a_fact_of_its_own() {
    let scenario = Scenario::new("a service file says where psql goes");
    let backend = Backend::start();
    let calls = calls(&backend, SERVICES);
    let judged = judge("open", &calls);
    for (answer, (real, _)) in judged.iter().zip(real(&backend, &calls)) {
        scenario.control("the real psql follows it");
        let database = real.seen.first().and_then(|seen| seen.parameters.get("database"));
        assert_eq!(database.map(String::as_str), Some("secret"), "{}", real.story);
        scenario.then("the facts say that the service decides, and do not name another place");
        let actions = answer["facts"]["actions"].as_array().expect("actions");
        assert!(actions.iter().any(|action| action["class"] == "connect"), "{answer}");
        let statement = sql(answer).last().expect("a statement");
        for place in ["host", "port", "user", "database"] {
            let told = statement[place].as_str();
            let opaque = statement[place]["opaque"].is_string();
            assert!(told.is_none() || opaque, "{place}: {statement}");
        }
    }
}

#[test]
fn help_and_version_connect_to_nothing() {
    let scenario = Scenario::new("psql is asked for its help or its version");
    let backend = Backend::start();
    let table: &[Around] = &[
        (&["--help"], &[]),
        (&["-?", "-c", "SELECT 1"], &[]),
        (&["--help=commands", "-c", "SELECT 1"], &[]),
        (&["-c", "SELECT 1", "--help=variables"], &[]),
        (&["--version"], &[]),
        (&["-V", "-c", "SELECT 1"], &[]),
    ];
    let calls = calls(&backend, table);
    let judged = judge("open", &calls);
    let _ = backend.take();
    for (call, answer) in calls.iter().zip(&judged) {
        let (status, story) = call.run();
        scenario.then("it prints and leaves");
        assert_eq!((status, backend.take()), (0, Vec::new()), "{story}");
        assert_eq!(sql(answer).count(), 0, "{story}\n{answer}");
    }
}
