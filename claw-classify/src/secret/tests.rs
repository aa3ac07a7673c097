//! Whole calls, and texts that tell of them.

use super::*;
use crate::{in_text, in_variable, secrets};

fn words(line: &[&str]) -> Vec<Vec<u8>> {
    line.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// The words of a call, masked as a denial shows them.
fn shown(line: &[&str]) -> String {
    let argv = words(line);
    let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    let secrets = secrets(&Call { argv: &argv, ..Call::default() });
    let show = |(at, word): (usize, &&[u8])| {
        let masked = masked(word, secrets.of_word(at), |_| HIDDEN.to_owned());
        String::from_utf8(masked).expect("UTF-8")
    };
    argv.iter().enumerate().map(show).collect::<Vec<_>>().join(" ")
}

/// Each line has its words parted by `␣`-less blanks where they hold none, and `hunter2` where the secret is.
#[test]
fn no_spelling_of_a_call_shows_its_secret() {
    let lines: &[&[&str]] = &[
        &["psql", "postgres://u:hunter2@h/db"],
        &["psql", "-d", "host=h password=hunter2 user=u"],
        &["psql", "host=h password='hun ter2 hunter2' user=u"],
        &["/usr/lib/postgresql/15/bin/psql", "-c", "ALTER USER joe PASSWORD 'hunter2'"],
        &["pg_dump", "--dbname=postgres://u:hunter2@h/db"],
        &["mysql", "-phunter2", "db"],
        &["mysql", "--password=hunter2", "db"],
        &["mysql", "--passw=hunter2"],
        &["mysqladmin", "-u", "root", "password", "hunter2"],
        &["mongosh", "mongodb://u:hunter2@h/db"],
        &["mongodump", "-u", "u", "-p", "hunter2"],
        &["mongosh", "--eval", "db.createUser({user: 'u', pwd: 'hunter2', roles: []})"],
        &["redis-cli", "-a", "hunter2", "ping"],
        &["redis-cli", "-h", "h", "AUTH", "joe", "hunter2"],
        &["redis-cli", "config", "set", "requirepass", "hunter2"],
        &["redis-cli", "ACL", "SETUSER", "joe", "on", ">hunter2"],
        &["clickhouse-client", "--password", "hunter2"],
        &["curl", "-u", "joe:hunter2", "https://h/"],
        &["curl", "-sSujoe:hunter2", "https://h/"],
        &["curl", "--user=joe:hunter2", "https://h/"],
        &["curl", "-H", "Authorization: Bearer hunter2", "https://h/"],
        &["curl", "-HAuthorization: hunter2", "https://h/"],
        &["curl", "-H", "X-Api-Key:hunter2", "https://h/"],
        &["curl", "--oauth2-bearer", "hunter2", "https://h/"],
        &["curl", "-b", "session=hunter2", "https://h/"],
        &["curl", "-d", "{\"user\":\"u\",\"password\":\"hunter2\"}", "https://h/"],
        &["curl", "-d", "user=u&password=hunter2", "https://h/"],
        &["curl", "https://h/x?X-Amz-Signature=hunter2&a=1"],
        &["wget", "--http-password=hunter2", "https://h/"],
        &["wget", "--header", "Cookie: hunter2", "https://h/"],
        &["http", "-a", "joe:hunter2", "https://h/"],
        &["http", "-A", "bearer", "-a", "hunter2", "https://h/"],
        &["http", "https://h/", "X-Api-Key:hunter2"],
        &["aws", "configure", "set", "aws_secret_access_key", "hunter2"],
        &["aws", "ssm", "put-parameter", "--name", "n", "--value", "hunter2"],
        &["aws", "secretsmanager", "put-secret-value", "--secret-string", "hunter2"],
        &["docker", "login", "-u", "u", "-p", "hunter2"],
        &["docker", "run", "-e", "PGPASSWORD=hunter2;&x", "postgres"],
        &["docker", "run", "-ePGPASSWORD=hunter2", "postgres"],
        &["docker", "exec", "db", "mysql", "-phunter2"],
        &["helm", "upgrade", "--set", "db.password=hunter2", "r", "c"],
        &["helm", "registry", "login", "-p", "hunter2", "h"],
        &["kubectl", "--token", "hunter2", "get", "pods"],
        &["kubectl", "create", "secret", "generic", "n", "--from-literal=a=hunter2"],
        &["kubectl", "exec", "p", "--", "mysql", "-phunter2"],
        &["gh", "secret", "set", "X", "--body", "hunter2"],
        &["env", "GH_TOKEN=hunter2", "gh", "pr", "list"],
        &["az", "login", "-u", "u", "-p", "hunter2"],
        &["openssl", "enc", "-pass", "pass:hunter2"],
        &["sshpass", "-p", "hunter2", "ssh", "h"],
        &["sshpass", "-phunter2", "ssh", "h"],
        &["npm", "config", "set", "//registry.npmjs.org/:_authToken", "hunter2"],
        &["npm", "config", "set", "//registry.npmjs.org/:_authToken=hunter2"],
        &["pip", "install", "--index-url", "https://u:hunter2@h/simple", "x"],
        &["terraform", "apply", "-var", "db_password=hunter2"],
        &["terraform", "apply", "-var=db_password=hunter2"],
        &["vault", "kv", "put", "secret/x", "a=hunter2"],
        &["vault", "login", "hunter2"],
        &["git", "clone", "https://oauth2:hunter2@h/a.git"],
        &["git", "-c", "http.extraHeader=Authorization: Basic hunter2", "fetch"],
        &["bash", "-c", "PGPASSWORD=hunter2 psql -h h"],
        &["bash", "-c", "PGPASSWORD='hunter2' psql"],
        &["bash", "-c", "export PGPASSWORD=\"hunter2\"; psql"],
        &["bash", "-c", "mysql -phunter2 -e 'SELECT 1' && ls"],
        &["bash", "-c", "mysql -p'hunter2' -e 'SELECT 1'"],
        &["sh", "-c", "curl -u joe:hunter2 https://h/ | jq ."],
        &["sh", "-c", "curl -H \"Authorization: Bearer hunter2\" https://h/"],
        &["sh", "-c", "ssh h 'mysql -phunter2'"],
        &["sh", "-c", "ssh h \"bash -c 'mysql -p\\\"hunter2\\\"'\""],
        &["sh", "-c", "echo $(redis-cli -a hunter2 ping)"],
        &["sh", "-c", "echo `redis-cli -a hunter2 ping`"],
        &["sh", "-c", "redis-cli <<< 'AUTH hunter2'"],
        &["sh", "-c", "redis-cli <<EOF\nAUTH hunter2\nEOF\n"],
        &["sh", "-c", "docker login --password-stdin <<< hunter2"],
        &["sh", "-c", "psql <<'EOF'\nALTER USER joe PASSWORD 'hunter2';\nEOF\n"],
        &["sh", "-c", "psql -c \"ALTER USER joe PASSWORD 'hunter2'\""],
        &["sh", "-c", "psql -c 'ALTER USER joe PASSWORD '\\''hunter2'\\'''"],
        &["sh", "-c", "sudo -u postgres env PGPASSWORD=hunter2 psql"],
        &["sh", "-c", "mysql -phunter2 'unclosed"],
        &["sh", "-c", "sshpass -p hunter2 ssh h; for i in 1 2; do echo $i; done"],
        &["python3", "-c", "import subprocess; subprocess.run(['mysql', '-phunter2'])"],
        &["python3", "-c", "import os; os.environ['PGPASSWORD'] = 'hunter2'; os.system('psql')"],
        &["python3", "-c", "import os; os.system(\"mysql -phunter2 -e 'x'\")"],
        &["python3", "-c", "import psycopg; psycopg.connect('host=h password=hunter2')"],
        &["node", "-e", "connect({ host: 'h', password: 'hunter2' })"],
        &["xargs", "-n1", "mysql", "-phunter2"],
        &["echo", "ghp_hunter2hunter2hunter2"],
    ];
    for line in lines {
        let shown = shown(line);
        assert!(!shown.contains("hunter2"), "{line:?}: {shown}");
        assert!(shown.contains(HIDDEN), "{line:?}: {shown}");
    }
}

#[test]
fn a_masked_call_is_still_told_by_its_words() {
    for (line, expected) in [
        (&["psql", "postgres://u:hunter2@h/db"][..], "psql postgres://u:***@h/db"),
        (&["mysql", "-phunter2"], "mysql -p***"),
        (&["curl", "-H", "Authorization: Bearer x"], "curl -H Authorization: ***"),
        (
            &["aws", "configure", "set", "aws_secret_access_key", "x"],
            "aws configure set aws_secret_access_key ***",
        ),
        (&["bash", "-c", "PGPASSWORD=hunter2 psql -h h"], "bash -c PGPASSWORD=*** psql -h h"),
        (&["bash", "-c", "mysql -p'hunter2' db; ls"], "bash -c mysql -p'***' db; ls"),
        (&["psql", "-c", "ALTER USER joe PASSWORD 'x'"], "psql -c ALTER USER joe PASSWORD '***'"),
    ] {
        assert_eq!(shown(line), expected);
    }
}

#[test]
fn ordinary_calls_are_shown_as_they_are() {
    let lines: &[&[&str]] = &[
        &["ls", "-la", "/tmp"],
        &["psql", "-W", "-c", "SELECT password FROM users WHERE token = session.token"],
        &["psql", "--password", "mydb"],
        &["mysql", "-u", "root", "-p", "mydb"],
        &["mysql", "--password", "mydb"],
        &["docker", "run", "-p", "8080:80", "nginx:1.2@sha256:abcdef"],
        &["docker", "build", "--secret", "id=npm,src=/x", "."],
        &["curl", "-o", "out", "https://h:8080/a/b?x=1"],
        &["git", "commit", "-m", "Fix the password prompt: ask twice"],
        &["kubectl", "get", "secret", "api-token", "-o", "yaml"],
        &["gh", "auth", "login", "--with-token"],
        &["bash", "-c", "curl -H \"Authorization: Bearer $TOKEN\" https://h/"],
        &["bash", "-c", "PGPASSWORD=\"$PW\" psql; cd $PWD"],
        &["docker", "login", "--password-stdin"],
        &["mysql", "--password="],
    ];
    for line in lines {
        assert_eq!(shown(line), line.join(" "));
    }
}

#[test]
fn a_text_about_the_call_is_masked_by_what_the_call_holds() {
    let argv: Vec<&[u8]> = vec![b"mysql", b"-phunter2", b"db"];
    let env: Vec<&[u8]> = vec![b"API_TOKEN=correct horse", b"HOME=/root"];
    let secrets = secrets(&Call { argv: &argv, env: &env, ..Call::default() });
    let shown = |text: &'static str| secrets.hide(text);
    assert_eq!(shown("it said xhunter2x"), "it said x***x");
    assert_eq!(shown("correct horse /root"), "*** /root");
    assert_eq!(shown("cut off: hunt…"), "cut off: ***…");
    assert_eq!(shown("cut off: hun…"), "cut off: hun…");
}

#[test]
fn a_command_of_redis_is_masked_in_a_text_about_its_client_alone() {
    let hidden = |program: &[u8]| {
        secrets(&Call { argv: &[program], ..Call::default() }).hide("AUTH joe hunter2").into_owned()
    };
    assert_eq!(hidden(b"redis-cli"), "AUTH *** ***");
    assert_eq!(hidden(b"cat"), "AUTH joe hunter2");
}

#[test]
fn a_short_value_is_known_as_a_whole_word() {
    let argv: Vec<&[u8]> = vec![b"redis-cli", b"-a", b"ab", b"ping"];
    let secrets = secrets(&Call { argv: &argv, ..Call::default() });
    let at = |text: &str| {
        secrets.in_text(text.as_bytes()).iter().map(|span| span.at.start).collect::<Vec<_>>()
    };
    assert_eq!(at("cab ab tab"), [4]);
}

#[test]
fn equal_values_are_equal_whatever_stands_around_them() {
    let of = |line: &[&str]| {
        let argv = words(line);
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let secrets = secrets(&Call { argv: &argv, ..Call::default() });
        (0..argv.len())
            .find_map(|at| secrets.of_word(at).first().map(|span| span.value.clone()))
            .expect("one")
    };
    let value = of(&["mysql", "-phun@ter2"]);
    for line in [
        &["psql", "postgres://u:hun%40ter2@h/"][..],
        &["curl", "-H", "Authorization: Bearer hun@ter2"],
        &["bash", "-c", "PGPASSWORD='hun@ter2' psql"],
        &["env", "PGPASSWORD=hun@ter2"],
        &["psql", "-c", "ALTER USER x PASSWORD 'hun@ter2'"],
    ] {
        assert_eq!(of(line), value, "{line:?}");
    }
}

#[test]
fn what_was_masked_is_not_masked_again() {
    for text in [
        "mysql -p***",
        "PGPASSWORD=‹secret:0123abcd› psql",
        "Authorization: ***",
        "postgres://u:‹secret:14:0123abcd›@h",
    ] {
        assert_eq!(in_text(text.as_bytes()), vec![], "{text}");
    }
}

#[test]
fn a_secret_does_not_print() {
    let span = in_variable(b"PGPASSWORD", b"hunter2");
    assert!(!format!("{span:?}{}", span[0].value).contains("hunter2"));
    let argv: Vec<&[u8]> = vec![b"mysql", b"-phunter2"];
    assert!(
        !format!("{:?}", secrets(&Call { argv: &argv, ..Call::default() })).contains("hunter2")
    );
}
