//! Secrets are planted in calls, and looked for in everything that claw writes or shows.

use std::fs;
use std::path::Path;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{self, Guard};
use claw_tests::record;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// The programs of the calls below, each a copy of the witness: nothing is reached with what they are given.
const PROGRAMS: &[&str] = &[
    "psql",
    "mysql",
    "mysqladmin",
    "mongosh",
    "redis-cli",
    "clickhouse-client",
    "curl",
    "wget",
    "http",
    "aws",
    "docker",
    "helm",
    "kubectl",
    "gh",
    "az",
    "openssl",
    "sshpass",
    "vault",
    "terraform",
    "npm",
    "git",
    "pip",
];

/// Calls with `@` where the secret stands.
const CALLS: &[&[&str]] = &[
    &["psql", "postgres://joe:@@db.example/x"],
    &["psql", "host=db.example password=@ user=joe", "-c", "SELECT 1"],
    &["psql", "-c", "ALTER ROLE joe PASSWORD '@'"],
    &["psql", "-c", "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password '@')"],
    &["mysql", "-p@", "-e", "SELECT 1"],
    &["mysql", "--password=@"],
    &["mysql", "-e", "CREATE USER joe IDENTIFIED BY '@'"],
    &["mysqladmin", "password", "@"],
    &["mongosh", "mongodb://joe:@@db.example/x"],
    &["redis-cli", "-a", "@", "ping"],
    &["redis-cli", "AUTH", "joe", "@"],
    &["clickhouse-client", "--password", "@"],
    &["curl", "-sSu", "joe:@", "https://api.example/"],
    &["curl", "-H", "Authorization: Bearer @", "https://api.example/"],
    &["curl", "-d", "{\"user\": \"joe\", \"password\": \"@\"}", "https://api.example/"],
    &["curl", "https://api.example/x?X-Amz-Signature=@&a=1"],
    &["wget", "--http-password=@", "https://api.example/"],
    &["http", "-a", "joe:@", "https://api.example/"],
    &["aws", "configure", "set", "aws_secret_access_key", "@"],
    &["docker", "login", "-u", "joe", "-p", "@"],
    &["docker", "run", "-e", "API_TOKEN=@", "image"],
    &["helm", "upgrade", "--set", "db.password=@", "release", "chart"],
    &["kubectl", "create", "secret", "generic", "s", "--from-literal=a=@"],
    &["kubectl", "--token", "@", "get", "pods"],
    &["gh", "secret", "set", "NAME", "--body", "@"],
    &["az", "login", "-u", "joe", "-p", "@"],
    &["openssl", "enc", "-aes-256-cbc", "-pass", "pass:@"],
    &["sshpass", "-p", "@", "ssh", "host.example"],
    &["vault", "kv", "put", "secret/x", "a=@"],
    &["terraform", "apply", "-var", "db_password=@"],
    &["npm", "config", "set", "//registry.example/:_authToken", "@"],
    &["git", "clone", "https://oauth2:@@git.example/a.git"],
    &["pip", "install", "--index-url", "https://joe:@@pip.example/simple", "x"],
    // In the text of a shell.
    &["sh", "-c", "PGPASSWORD=@ psql -h db.example"],
    &["bash", "-c", "PGPASSWORD='@' psql -h db.example; true"],
    &["bash", "-c", "export MYSQL_PWD=\"@\"; mysql -e 'SELECT 1'"],
    &["sh", "-c", "mysql -p@ -e 'SELECT 1' && true"],
    &["sh", "-c", "mysql -p'@' -e 'SELECT 1' | cat"],
    &["sh", "-c", "env AWS_SECRET_ACCESS_KEY=@ aws s3 ls"],
    &["sh", "-c", "curl -s -H \"Authorization: token @\" https://api.example/ || true"],
    &["sh", "-c", "curl -u joe:@ https://api.example/"],
    &["sh", "-c", "psql postgres://joe:@@db.example/x"],
    &["sh", "-c", "psql -c \"ALTER USER joe PASSWORD '@'\""],
    &["bash", "-c", "psql <<'EOF'\nALTER USER joe PASSWORD '@';\nEOF\n"],
    &["bash", "-c", "redis-cli <<< 'AUTH @'"],
    &["bash", "-c", "docker login -u joe --password-stdin <<< '@'"],
    &["sh", "-c", "sh -c \"mysql -p'@' -e 'SELECT 1'\""],
    &["sh", "-c", "echo $(redis-cli -a @ ping)"],
    &["bash", "-c", "x=(mysql \"-p@\"); \"${x[@]}\""],
    &["perl", "-e", "$ENV{'PGPASSWORD'} = '@'; system('psql -h db.example')"],
];

/// A secret that stands nowhere else.
fn secret(at: usize) -> String {
    format!("zq{at:02}Vx7Kw9Lm{at:02}")
}

fn planted(at: usize) -> Vec<String> {
    let secret = secret(at);
    // `@@` is a secret with the sign that ends a URL's password behind it.
    let plant = |word: &&str| {
        let kept = word.replace("[@]", "[\u{1}]");
        let planted = kept.replace("@@", "\u{2}\u{1}").replace('@', "\u{2}");
        planted.replace('\u{2}', &secret).replace('\u{1}', "@")
    };
    CALLS[at].iter().map(plant).collect()
}

/// A folder with the programs, first on the path.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        for name in PROGRAMS {
            copy_program(program("witness", Linkage::Static), folder.path().join(name));
        }
        Self { folder }
    }

    /// The call at `at`, made by a process that first writes its own arguments to `unmasked`, as the kernel has them.
    fn call(&self, at: usize, unmasked: &Path) -> Call {
        let first =
            ["/bin/sh", "-c", "cat /proc/$$/cmdline >> \"$0\"; exec \"$@\""].map(str::to_owned);
        let words = first.into_iter().chain([unmasked.display().to_string()]).chain(planted(at));
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        Call::new(words).env("PATH", path).cwd(self.folder.path())
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// Every file of a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the folder can be read").flatten();
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("root can read it"))
        })
        .collect()
}

fn read(words: &[&str], audit: &Path) -> Ran {
    let audit = audit.display().to_string();
    claw::claw(words.iter().copied().chain(["--audit", &audit]))
}

/// What `claw log` and `claw explain` say of everything in an audit.
fn told(audit: &Path) -> Vec<(String, Vec<u8>)> {
    let mut told = Vec::new();
    let mut add = |what: String, ran: Ran| told.push((what, [ran.stdout, ran.stderr].concat()));
    add("claw log".to_owned(), read(&["log"], audit).exits(0));
    add("claw log --json".to_owned(), read(&["log", "--json"], audit).exits(0));
    for record in record::records(audit) {
        let said = read(&["explain", record.id()], audit).exits(0);
        add(format!("claw explain {}", record.id()), said);
    }
    told
}

/// Looks for each secret in each text; what was found says where.
fn leaks(texts: &[(String, Vec<u8>)]) -> Vec<String> {
    let secrets: Vec<String> = (0..CALLS.len()).map(secret).collect();
    let mut found = Vec::new();
    for (name, text) in texts {
        for (at, secret) in secrets.iter().enumerate() {
            if holds(text, secret) {
                let line = text.split(|byte| *byte == b'\n').find(|line| holds(line, secret));
                let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
                found.push(format!("{name}: {:?}: {line}", CALLS[at]));
            }
        }
    }
    found
}

#[test]
fn nothing_that_claw_writes_or_shows_holds_a_planted_secret() {
    let in_shells = CALLS.iter().filter(|call| matches!(call[0], "sh" | "bash")).count();
    assert!(CALLS.len() >= 30 && in_shells >= 10, "{} calls, {in_shells} in shells", CALLS.len());
    let place = Place::new();
    let unmasked = place.folder.path().join("unmasked");
    let scenario =
        Scenario::new("secrets in every spelling, in calls that run and in calls that are denied");
    let (allowed, denied) = (Guard::with_policy("open"), Guard::with_policy("secrets-denied"));
    let mut texts = Vec::new();
    for (at, call) in CALLS.iter().enumerate() {
        let _ = place.call(at, &unmasked).guarded(&allowed);
        let ran = place.call(at, &unmasked).guarded(&denied);
        texts.push((format!("the denial of {call:?}"), ran.stderr));
    }
    scenario.control("the search finds each of them in the arguments that the processes had");
    let control = fs::read(&unmasked).expect("each process wrote its arguments");
    for (at, call) in CALLS.iter().enumerate() {
        assert!(holds(&control, &secret(at)), "{call:?}");
    }
    let denials = texts.iter().filter(|(_, text)| holds(text, "permission denied")).count();
    assert!(denials > CALLS.len() / 2, "{denials} calls were denied in words");
    scenario.then("none is in the audit's files, in what is read from them, or in a denial");
    for guard in [&allowed, &denied] {
        texts.extend(files(guard.audit()));
        texts.extend(told(guard.audit()));
    }
    let found = leaks(&texts);
    assert!(found.is_empty(), "{} leaks\n{}", found.len(), found.join("\n"));
    scenario.then("records say where one stood instead");
    let records = allowed.records();
    for (at, call) in CALLS.iter().enumerate() {
        let named =
            |record: &&record::Record| record.kind() == "exec" && record.argv()[0] == call[0];
        let masked = |record: &&record::Record| record.mentions("‹secret:");
        assert!(records.iter().filter(named).any(|record| masked(&record)), "{at}: {call:?}");
    }
    let _ = read(&["log", "verify"], allowed.audit()).exits(0);
}

#[test]
fn what_claw_check_answers_holds_no_planted_secret() {
    let scenario = Scenario::new("the same calls, judged without running");
    let policy = claw::policy("secrets-denied").display().to_string();
    let mut texts = Vec::new();
    for at in 0..CALLS.len() {
        for form in [&[][..], &["--json"]] {
            let words = ["check", "--policy", &policy]
                .into_iter()
                .chain(form.iter().copied())
                .chain(["--"]);
            let ran = claw::claw(words.map(str::to_owned).chain(planted(at)));
            assert!(matches!(ran.code(), Some(0 | 1)), "{}", ran.story());
            texts.push((format!("claw check {form:?}"), [ran.stdout, ran.stderr].concat()));
        }
    }
    scenario.control("the answers are about the calls");
    assert!(texts.iter().all(|(_, text)| holds(text, "***")));
    scenario.then("none of them shows a secret");
    let found = leaks(&texts);
    assert!(found.is_empty(), "{} leaks\n{}", found.len(), found.join("\n"));
}

#[test]
fn equal_secrets_look_equal_in_one_audit_and_different_in_another() {
    let place = Place::new();
    let scenario = Scenario::new("one password in two spellings, in two audits");
    let shown = |guard: &Guard, words: &[&str]| {
        let path = format!("{}:/usr/bin:/bin", place.folder.path().display());
        let ran = Call::new(words).env("PATH", path).guarded(guard).exits(0);
        let record =
            ran.execs().into_iter().find(|record| record.mentions("‹secret:")).expect("a record");
        let word =
            record.argv().into_iter().find(|word| word.contains("‹secret:")).expect("a word");
        let start = word.find('‹').expect("its beginning");
        let end = word.find('›').expect("its end") + '›'.len_utf8();
        word[start..end].to_owned()
    };
    let (one, other) = (Guard::with_policy("open"), Guard::with_policy("open"));
    let first = shown(&one, &["mysql", "-pa-secret-of-20-bytes"]);
    let second = shown(&one, &["sh", "-c", "PGPASSWORD=a-secret-of-20-bytes psql"]);
    let third = shown(&other, &["mysql", "-pa-secret-of-20-bytes"]);
    let short = shown(&one, &["mysql", "-phunter2"]);
    scenario.then("they look equal in two sessions of one audit, and have a length");
    assert_eq!(first, second);
    assert!(first.starts_with("‹secret:20:"), "{first}");
    scenario.then("another audit has another key, and of a short secret no length is told");
    assert_ne!(first, third);
    assert_eq!(short.matches(':').count(), 1, "{short}");
    scenario.then("the key is for its owner alone");
    use std::os::unix::fs::PermissionsExt;
    let key = fs::metadata(one.audit().join("secrets.key")).expect("the key");
    assert_eq!((key.permissions().mode() & 0o777, key.len()), (0o600, 16));
}
