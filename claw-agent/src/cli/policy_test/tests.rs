//! Test files in a folder of their own, and what running them says.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Suite, test, tests_at};

const POLICY: &str = r#"version = 1
[[rule]]
id = "no-injection"
verdict = "deny"
reason = "loads foreign code"
match.exec.injected_env = "*"
[[rule]]
id = "tame-less"
verdict = "rewrite"
match.exec.names = "less"
rewrite.set_env.LESSSECURE = "1"
[[connect]]
id = "no-metadata"
to = "169.254.169.254"
ports = 80
verdict = "deny"
reason = "credentials live there"
"#;

/// A folder with the policy and these tests of it.
fn folder(tests: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.toml"), POLICY).expect("written");
    let file = folder.path().join("p.test.toml");
    fs::write(&file, format!("policy = \"p.toml\"\n{tests}")).expect("written");
    (folder, file)
}

/// How many cases passed, what the others say, and the warnings.
fn run(tests: &str) -> (usize, String, Vec<String>) {
    let (folder, file) = folder(tests);
    let mut suites: BTreeMap<PathBuf, Suite> = BTreeMap::new();
    let results = test(&file, &mut suites).expect("tested");
    let place = format!("{}/", folder.path().display());
    let warnings = suites.values().flat_map(Suite::unreached);
    let warnings = warnings.map(|warning| warning.replace(&place, "")).collect();
    (results.passed, results.report(&file).replace(&place, ""), warnings)
}

/// What is wrong with these tests.
fn mistake(tests: &str) -> String {
    let (folder, file) = folder(tests);
    let error = test(&file, &mut BTreeMap::new()).expect_err("the tests are wrong");
    let mut out = Vec::new();
    error.render(&mut out, false).expect("rendered");
    let out = String::from_utf8(out).expect("text");
    out.replace(&format!("{}/", folder.path().display()), "")
}

const ALL: &str = r#"
[[case]]
name = "injection"
argv = ["ls"]
env = { LD_PRELOAD = "x" }
expect = "deny"
rule = "no-injection"
[[case]]
name = "less is tamed"
argv = ["less", "f"]
expect = "rewrite"
argv_after = ["less", "f"]
[[connect]]
to = "169.254.169.254:80"
expect = "deny"
rule = "no-metadata"
[[connect]]
name = "mapped"
to = "[::ffff:169.254.169.254]:443"
protocol = "udp"
expect = "allow"
"#;

#[test]
fn everything_as_expected_passes_in_silence() {
    assert_eq!(run(ALL), (4, String::new(), vec![]));
}

#[test]
fn what_is_not_as_expected_is_shown_beside_what_was() {
    let (passed, report, _) = run(r#"
[[case]]
name = "wrong verdict"
argv = ["ls", "a b"]
env = { LD_PRELOAD = "x" }
expect = "allow"
[[case]]
name = "wrong rule"
argv = ["less"]
expect = "rewrite"
rule = "no-injection"
[[case]]
name = "wrong argv"
argv = ["less"]
expect = "rewrite"
argv_after = ["less", "-S"]
[[connect]]
to = "169.254.169.254:80"
protocol = "tcp"
expect = "allow"
"#);
    assert_eq!(passed, 0);
    assert_eq!(
        report,
        "\
p.test.toml:3: wrong verdict
  call      ls 'a b'
  expected  allow
  got       deny by `no-injection` (p.toml:2): loads foreign code
            exec.injected_env = [LD_PRELOAD]
p.test.toml:8: wrong rule
  call      less
  expected  rewrite by `no-injection`
  got       rewrite by `tame-less` (p.toml:7): `LESSSECURE` set
            exec.names = [less]
p.test.toml:13: wrong argv
  call      less
  expected  rewrite
            less -S
  got       rewrite by `tame-less` (p.toml:7): `LESSSECURE` set
            exec.names = [less]
            less
p.test.toml:18: connect tcp 169.254.169.254:80
  call      connect tcp 169.254.169.254:80
  expected  allow
  got       deny by `no-metadata` (p.toml:12): credentials live there
            connect = tcp 169.254.169.254:80
"
    );
}

#[test]
fn rules_that_no_case_reaches_are_a_warning() {
    let (_, _, warnings) = run("[[case]]\nname = \"n\"\nargv = [\"less\"]\nexpect = \"rewrite\"");
    assert_eq!(
        warnings,
        [
            "warning: no case reaches the rule `no-injection` (p.toml:2)",
            "warning: no case reaches the rule `no-metadata` (p.toml:12)",
        ]
    );
}

#[test]
fn mistakes_in_tests_are_shown_with_their_place() {
    let unknown = mistake("[[case]]\nname = \"n\"\nargv = [\"ls\"]\nexpects = \"allow\"");
    assert!(unknown.contains("unknown field `expects`"), "{unknown}");
    assert!(unknown.contains("[p.test.toml:5:1]"), "{unknown}");
    let verdict = mistake("[[case]]\nname = \"n\"\nargv = [\"ls\"]\nexpect = \"ask\"");
    assert!(verdict.contains("unknown variant `ask`"), "{verdict}");
    let rule = mistake(
        "[[case]]\nname = \"n\"\nargv = [\"ls\"]\nexpect = \"deny\"\nrule = \"no-injectoin\"",
    );
    assert!(rule.contains("the policy has no rule `no-injectoin` here"), "{rule}");
    assert!(rule.contains("did you mean `no-injection`?"), "{rule}");
    assert!(rule.contains("[p.test.toml:6:8]"), "{rule}");
    let connect =
        mistake("[[connect]]\nto = \"10.0.0.1:1\"\nexpect = \"deny\"\nrule = \"no-injection\"");
    assert!(connect.contains("the policy has no rule `no-injection` here"), "{connect}");
    let address = mistake("[[connect]]\nto = \"example.com:80\"\nexpect = \"deny\"");
    assert!(address.contains("[p.test.toml:3:6]"), "{address}");
    let empty = mistake("[[case]]\nname = \"n\"\nargv = []\nexpect = \"deny\"");
    assert!(empty.contains("`argv` is empty"), "{empty}");
    let nothing = mistake("");
    assert!(nothing.contains("there is no `[[case]]` and no `[[connect]]`"), "{nothing}");
}

#[test]
fn a_policy_that_is_wrong_or_missing_is_an_error() {
    let (folder, file) = folder(ALL);
    fs::write(folder.path().join("p.toml"), "version = 1\nmodes = 1").expect("written");
    let error = test(&file, &mut BTreeMap::new()).expect_err("wrong");
    assert!(error.to_string().contains("p.toml:2:1: `modes` is not a key"), "{error}");
    fs::remove_file(folder.path().join("p.toml")).expect("removed");
    let error = test(&file, &mut BTreeMap::new()).expect_err("missing");
    assert!(error.to_string().contains("cannot read"), "{error}");
}

#[test]
fn tests_are_found_in_folders_beside_policies_and_by_name() {
    let (folder, file) = folder(ALL);
    let only: std::collections::BTreeSet<PathBuf> = [file.clone()].into();
    assert_eq!(tests_at(folder.path()).expect("found"), only);
    assert_eq!(tests_at(&folder.path().join("p.toml")).expect("found"), only);
    assert_eq!(tests_at(&file).expect("found"), only);
    let refused = |path: &std::path::Path| {
        let place = format!("{}/", folder.path().display());
        tests_at(path).expect_err("no tests").to_string().replace(&place, "")
    };
    assert_eq!(refused(&folder.path().join("q.toml")), "there is no `q.toml`");
    fs::remove_file(&file).expect("removed");
    assert_eq!(
        refused(&folder.path().join("p.toml")),
        "`p.toml` has no tests: there is no `p.test.toml` beside it"
    );
    assert!(refused(folder.path()).starts_with("no `*.test.toml` in the folder "));
}
