//! A tool is a file, not a name. Nothing is loaded into it, and no other process reads its memory.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, Database};
use claw_tests::scenario::Scenario;
use claw_tests::tracee::copy_program;

const DROP: &str = "DROP TABLE users";

/// A way to have `original` under another name in `folder`: the program and the words before its own.
type Disguise = fn(original: &Path, folder: &Path) -> Vec<String>;

fn text(path: &Path) -> String {
    path.to_str().expect("the path is ASCII").to_owned()
}

fn copied(original: &Path, folder: &Path) -> Vec<String> {
    let path = folder.join("copied");
    copy_program(original, &path);
    vec![text(&path)]
}

fn linked(original: &Path, folder: &Path) -> Vec<String> {
    let path = folder.join("linked");
    std::fs::hard_link(original, &path).expect("the folder is on the file system of the original");
    vec![text(&path)]
}

fn symlinked(original: &Path, folder: &Path) -> Vec<String> {
    let path = folder.join("symlinked");
    symlink(original, &path).expect("linked");
    vec![text(&path)]
}

fn by_descriptor(original: &Path, _: &Path) -> Vec<String> {
    let program = "import os, sys\nfd = os.open(sys.argv[1], os.O_RDONLY)\n\
                   os.execve(fd, ['x'] + sys.argv[2:], os.environ)";
    ["python3", "-c", program, &text(original)].map(str::to_owned).to_vec()
}

fn in_memory(original: &Path, _: &Path) -> Vec<String> {
    let program = "import os, sys\nfd = os.memfd_create('x')\n\
                   os.write(fd, open(sys.argv[1], 'rb').read())\n\
                   os.execve(fd, ['x'] + sys.argv[2:], os.environ)";
    ["python3", "-c", program, &text(original)].map(str::to_owned).to_vec()
}

fn loader(original: &Path, _: &Path) -> Vec<String> {
    vec!["/lib64/ld-linux-x86-64.so.2".to_owned(), text(original)]
}

fn bind_mounted(original: &Path, folder: &Path) -> Vec<String> {
    let path = folder.join("mounted");
    std::fs::write(&path, "").expect("writable");
    let script = "mount --bind \"$0\" \"$1\" && shift && exec \"$0\" \"$@\"";
    let script = script.replace("exec \"$0\"", "exec \"$MOUNTED\"");
    ["env", &format!("MOUNTED={}", text(&path)), "unshare", "-m", "sh", "-c", &script]
        .into_iter()
        .map(str::to_owned)
        .chain([text(original), text(&path)])
        .collect()
}

const DISGUISES: [(&str, Disguise); 7] = [
    ("a copy", copied),
    ("a hard link", linked),
    ("a symbolic link", symlinked),
    ("a descriptor", by_descriptor),
    ("a file in memory", in_memory),
    ("the loader", loader),
    ("a bind mount", bind_mounted),
];

fn call(words: Vec<String>, database: &Database) -> Call {
    let psql = ["-X", "-A", "-t", "-c", DROP].map(str::to_owned);
    Call::new(words.into_iter().chain(psql)).envs(database.env())
}

/// A folder on the file system that tools are installed on.
fn beside_the_tools() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/usr/local").expect("a temporary directory");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("mode");
    folder
}

#[test]
fn a_tool_is_known_under_any_name() {
    let real = postgres::real_psql();
    for (name, disguise) in DISGUISES {
        let scenario = Scenario::new(format!("psql as {name}"));
        let folder = beside_the_tools();
        let (control, guarded) = (postgres::database(), postgres::database());
        scenario.control("without claw it drops the table");
        let bare = call(disguise(&real, folder.path()), &control).bare().exits(0);
        assert!(!control.has_users(), "{}", bare.story());
        scenario.then("under claw it is denied as psql");
        let folder = beside_the_tools();
        let guard = Guard::with_policy("tools");
        let ran = call(disguise(&real, folder.path()), &guarded).guarded(&guard);
        assert!(guarded.has_users(), "{}", ran.story());
        assert_eq!(ran.only("deny").rule(), "sql-no-ddl", "{}", ran.story());
    }
}

#[test]
fn an_interpreter_that_is_given_a_tool_is_the_tool() {
    let scenario = Scenario::new("perl /usr/bin/psql");
    let wrapper = postgres::wrapper_psql();
    let words = || vec!["perl".to_owned(), "-w".to_owned(), text(&wrapper)];
    let (control, guarded) = (postgres::database(), postgres::database());
    scenario.control("without claw it drops the table");
    let bare = call(words(), &control).bare().exits(0);
    assert!(!control.has_users(), "{}", bare.story());
    scenario.then("under claw the interpreter does not even start");
    let ran = call(words(), &guarded).guarded(&Guard::with_policy("tools"));
    assert!(guarded.has_users(), "{}", ran.story());
    let denied = ran.only("deny");
    assert_eq!(denied.rule(), "sql-no-ddl");
    assert!(denied.argv()[0].ends_with("psql"), "{}", ran.story());
    assert_eq!(ran.execs().len(), 1, "{}", ran.story());
}

#[test]
fn what_is_only_called_a_tool_is_a_program_like_any() {
    let scenario = Scenario::new("a script of one's own that is called psql");
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("mode");
    let path: PathBuf = folder.path().join("psql");
    std::fs::write(&path, "#!/bin/sh\necho anything at all\n").expect("writable");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).expect("mode");
    let policy = std::fs::read_to_string(claw_tests::claw::policy("tools")).expect("readable");
    let strict = folder.path().join("strict.toml");
    let shell =
        "[[rule]]\nid = \"shells\"\nverdict = \"allow\"\nmatch.exec.names = [\"sh\", \"dash\"]\n";
    let policy = policy.replace("exec = \"allow\"", "exec = \"deny\"");
    std::fs::write(&strict, format!("{policy}\n{shell}")).expect("writable");
    let call = Call::new([text(&path), "-c".into(), "SELECT 1".into()]);
    scenario.control(
        "it runs what it likes, and under a policy that lets programs run it does as well",
    );
    assert_eq!(call.bare().exits(0).out(), "anything at all");
    let ran = call.guarded(&Guard::with_policy("tools")).exits(0);
    assert_eq!(ran.out(), "anything at all", "{}", ran.story());
    scenario.then("a policy that lets psql read, and no unknown program run, does not let it");
    let ran = call.guarded(&Guard::with_policy_file(&strict));
    assert_eq!(ran.out(), "", "{}", ran.story());
    assert!(ran.only("deny").reason().contains("not trusted"), "{}", ran.story());
    scenario.control("the real one reads under it");
    let database = postgres::database();
    let real = [text(&postgres::real_psql()), "-XAtc".into(), "SELECT 1".into()];
    let ran = Call::new(real).envs(database.env()).guarded(&Guard::with_policy_file(&strict));
    assert_eq!(ran.exits(0).out(), "1");
}

/// A library that says so when it is loaded.
fn witness(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("w.c"), folder.join("w.so"));
    let text = "#include <unistd.h>\n__attribute__((constructor)) static void loaded(void) {\n\
                (void)!write(2, \"loaded\\n\", 7); }\n";
    std::fs::write(&source, text).expect("writable");
    let built = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .expect("a C compiler");
    assert!(built.success());
    library
}

#[test]
fn nothing_is_loaded_into_a_tool() {
    let scenario = Scenario::new("LD_PRELOAD and LD_AUDIT");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let library = witness(folder.path());
    let database = postgres::database();
    for variable in ["LD_PRELOAD", "LD_AUDIT"] {
        for psql in [postgres::real_psql(), postgres::wrapper_psql()] {
            let words = [text(&psql), "-XAtc".into(), "SELECT 1".into()];
            let call = Call::new([String::from("env"), format!("{variable}={}", text(&library))])
                .envs(database.env());
            let call = Call::new(call.argv().iter().cloned().chain(words.map(Into::into)))
                .envs(database.env());
            scenario.control("without claw it is loaded");
            let bare = call.bare().exits(0);
            assert!(bare.err().contains("loaded"), "{}", bare.story());
            scenario.then("under claw the tool runs without it, and the record says so");
            let ran = call.guarded(&Guard::with_policy("tools")).exits(0);
            assert_eq!((ran.out().as_str(), ran.err().as_str()), ("1", ""), "{}", ran.story());
            let stripped = |ran: &Ran| {
                ran.records.iter().any(|record| {
                    record.verdict() == "rewrite"
                        && record.reason().contains("loaded into the tool")
                })
            };
            assert!(stripped(&ran), "{}", ran.story());
        }
    }
    scenario.control("a program that is no tool keeps it");
    let call = Call::new(["env", &format!("LD_PRELOAD={}", text(&library)), "true"]);
    let ran = call.guarded(&Guard::with_policy("tools")).exits(0);
    assert!(ran.err().contains("loaded"), "{}", ran.story());
}

#[test]
fn nobody_looks_into_a_running_tool() {
    let scenario = Scenario::new("a peer of the same user, and a tool that waits for its server");
    // The server never accepts, so psql waits.
    let server = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = server.local_addr().expect("bound").port();
    let script = format!(
        "PGPASSWORD=hush PGHOST=127.0.0.1 PGPORT={port} {psql} -XAtc 'SELECT 1' & it=$!\n\
         until [ \"$(cat /proc/$it/comm)\" = psql ] && grep -qa ' [St] ' /proc/$it/stat; do :; done\n\
         sleep 0.3\n\
         if grep -qa hush /proc/$it/environ; then echo environ; fi\n\
         if head -c0 /proc/$it/mem; then echo mem; fi\n\
         if ls /proc/$it/fd; then echo fd; fi\n\
         kill $it\n",
        psql = postgres::real_psql().display(),
    );
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-c"];
    let call = Call::new(nobody.iter().copied().chain([script.as_str()]));
    scenario.control("without claw the peer reads its environment and opens its memory");
    let bare = call.bare();
    for seen in ["environ", "mem", "fd"] {
        assert!(bare.out().lines().any(|line| line == seen), "{seen}: {}", bare.story());
    }
    scenario.then("under claw it does neither");
    let ran = call.guarded(&Guard::with_policy("tools"));
    for seen in ["environ", "mem", "fd"] {
        assert!(!ran.out().lines().any(|line| line == seen), "{seen}: {}", ran.story());
    }
    assert!(
        ran.about("SELECT 1").iter().any(|record| record.verdict() == "allow"),
        "{}",
        ran.story()
    );
}

#[test]
fn a_declared_tool_is_read_as_its_policy_says() {
    let scenario = Scenario::new("a tool of the policy's own, and one by another name");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (tool, ran_with) = (folder.path().join("dctl"), folder.path().join("ran"));
    let script = format!("#!/bin/sh\necho \"$*\" >>{}\n", text(&ran_with));
    std::fs::write(&tool, script).expect("writable");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("its own");
    let call = |words: &[&str]| {
        Call::new(std::iter::once(text(&tool)).chain(words.iter().map(|word| (*word).to_owned())))
    };
    let seen = || std::fs::read_to_string(&ran_with).unwrap_or_default();
    let guard = Guard::with_policy("declared");
    scenario.control("without claw it runs");
    call(&["rb", "--env=prod", "api"]).bare().exits(0);
    assert_eq!(seen(), "rb --env=prod api\n");
    scenario.then("what no rule denies runs");
    call(&["rb", "--env=dev", "api"]).guarded(&guard).exits(0);
    assert_eq!(seen(), "rb --env=prod api\nrb --env=dev api\n");
    scenario
        .then("what a rule denies does not, and neither does what the declaration does not cover");
    for words in [&["-eprod", "rb", "api"][..], &["rollback", "api", "--env", "prod"], &["frob"]] {
        let ran = call(words).guarded(&guard).exits(7);
        assert_eq!(ran.only("deny").rule(), "deploy-no-rollback", "{}", ran.story());
    }
    assert_eq!(seen(), "rb --env=prod api\nrb --env=dev api\n");
}

#[test]
fn nothing_is_loaded_into_what_a_tool_is_written_in_here() {
    let scenario =
        Scenario::new("tools that are scripts of another language than they usually are");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| text(&folder.path().join(name));
    let marked = "loaded";
    std::fs::write(at("rc"), format!("echo {marked} >&2\n")).expect("writable");
    let python = format!("import sys\nprint('{marked}', file=sys.stderr)\n");
    std::fs::write(at("sitecustomize.py"), python).expect("writable");
    let perl = format!("package Loaded;\nprint STDERR \"{marked}\\n\";\n1;\n");
    std::fs::write(at("Loaded.pm"), perl).expect("writable");
    for (tool, interpreter, body, variables) in [
        ("helm", "/bin/bash", "echo ran", vec![("BASH_ENV", at("rc"))]),
        ("kubectl", "/usr/bin/python3", "print('ran')", vec![("PYTHONPATH", at(""))]),
        (
            "gh",
            "/usr/bin/perl",
            "print \"ran\\n\"",
            vec![("PERL5LIB", at("")), ("PERL5OPT", "-MLoaded".to_owned())],
        ),
    ] {
        std::fs::write(at(tool), format!("#!{interpreter}\n{body}\n")).expect("writable");
        std::fs::set_permissions(at(tool), std::fs::Permissions::from_mode(0o755))
            .expect("its own");
        for words in [vec![at(tool)], vec![interpreter.to_owned(), at(tool)]] {
            let words = words.into_iter().chain(["version".to_owned()]);
            let call = Call::new(words).envs(variables.clone());
            scenario.control("without claw it is loaded");
            let bare = call.bare().exits(0);
            assert_eq!((bare.out().as_str(), bare.err().as_str()), ("ran", marked), "{tool}");
            scenario.then("under claw the tool runs without it");
            let ran = call.guarded(&Guard::with_policy("open")).exits(0);
            assert_eq!((ran.out().as_str(), ran.err().as_str()), ("ran", ""), "{}", ran.story());
        }
    }
}
