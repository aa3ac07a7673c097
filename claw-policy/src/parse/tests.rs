//! Every diagnostic, with the bytes it points at: `«` and `»` mark them in the policies below.

use crate::decision::Change;
use crate::diagnostic::Diagnostic;
use crate::door::Door;
use crate::policy::{Denial, Errno, Mode, Policy};
use crate::verdict::Verdict;
use crate::vocabulary::{LIMIT_ROWS, READ_ONLY, SCHEMA, STOP};

pub(super) fn parse(text: &str) -> Result<Policy, Vec<Diagnostic>> {
    super::parse(text, "p.toml", &SCHEMA)
}

/// The mistakes of `marked`. Its marks are removed first, and show where the mistakes must be.
#[track_caller]
fn mistakes(marked: &str) -> Vec<Diagnostic> {
    let mut text = String::new();
    let mut spans = Vec::new();
    for (index, piece) in marked.split(['«', '»']).enumerate() {
        let start = text.len();
        text.push_str(piece);
        if index % 2 == 1 {
            spans.push(start..text.len());
        }
    }
    let found = parse(&text).expect_err("the policy is wrong");
    let at: Vec<_> = found.iter().map(|diagnostic| diagnostic.span.clone()).collect();
    assert_eq!(at, spans, "{found:#?}");
    found
}

/// The one mistake of a policy, as `MESSAGE | HELP`.
#[track_caller]
pub(super) fn mistake(marked: &str) -> String {
    let found = mistakes(&format!("version = 1\n{marked}"));
    let [Diagnostic { message, help, .. }] = &found[..] else { panic!("not one: {found:#?}") };
    match help {
        Some(help) => format!("{message} | {help}"),
        None => message.clone(),
    }
}

/// The one mistake of a rule that is otherwise right; `lines` are its own.
#[track_caller]
fn rule_mistake(lines: &str) -> String {
    mistake(&format!("[[rule]]\nid = \"r\"\nverdict = \"deny\"\nreason = \"no\"\n{lines}"))
}

/// The one mistake of a connect rule that is otherwise right.
#[track_caller]
fn connect_mistake(lines: &str) -> String {
    mistake(&format!("[[connect]]\nid = \"c\"\nverdict = \"deny\"\nreason = \"no\"\n{lines}"))
}

#[test]
fn the_whole_language_is_read() {
    let policy = parse(
        r#"version = 1
mode = "observe"
[defaults]
exec = "deny"
governed = "allow"
connect = "deny"
[denial]
style = "errno"
errno = "ENOENT"
[[rule]]
id = "a"
tools = ["psql"]
verdict = "rewrite"
match.sql = { effect = "read", limited = false, depth = { above = 1, below = 9 } }
match.exec.injected = { none = ["LD_*"] }
unless.sql.tables_written = { any = "a", all = ["a"], only = ["a", "b?"], none = "c" }
rewrite = { limit_rows = 0x10, set_env = { A = "1" }, unset_env = "B" }
[[connect]]
id = "b"
to = ["10.0.0.0/8", "::1", "::ffff:1.2.3.4", "::ffff:1.2.0.0/112"]
ports = [80, "8000-8999"]
protocol = "udp"
verdict = "allow"
"#,
    )
    .expect("right");
    assert_eq!(policy.file(), "p.toml");
    assert_eq!(policy.mode(), Mode::Observe);
    let defaults = policy.defaults();
    assert_eq!(
        [defaults.exec, defaults.governed, defaults.connect].map(Verdict::name),
        ["deny", "allow", "deny"]
    );
    assert_eq!(policy.denial(), Denial::Errno(Errno::Enoent));
    let [rule] = policy.rules() else { panic!("one rule") };
    assert_eq!((rule.line, rule.at.as_str()), (10, "p.toml:10"));
    assert_eq!(
        rule.changes,
        [
            Change::Limit(&LIMIT_ROWS, 16),
            Change::SetEnv("A".into(), "1".into()),
            Change::UnsetEnv("B".into())
        ]
    );
    let [connect] = policy.connect() else { panic!("one connect rule") };
    assert_eq!(connect.at, "p.toml:18");
    let networks: Vec<String> = connect.to.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "::1/128", "1.2.3.4/32", "1.2.0.0/16"]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let policy = parse("version = 1").expect("right");
    assert_eq!(policy.mode(), Mode::Enforce);
    let defaults = policy.defaults();
    assert_eq!(
        [defaults.exec, defaults.governed, defaults.connect].map(Verdict::name),
        ["allow", "deny", "allow"]
    );
    assert_eq!(policy.denial(), Denial::Tool);
    let errno = parse("version = 1\ndenial.style = \"errno\"").expect("right");
    assert_eq!(errno.denial(), Denial::Errno(Errno::Eacces));
    let connect = "version = 1\n[[connect]]\nid = \"c\"\nto = \"::1\"\nverdict = \"allow\"";
    let connect = parse(connect).expect("right");
    let loopback = "::1".parse().expect("an address");
    let outcome = crate::connect::decide(&connect, loopback, 0, crate::connect::Protocol::Udp);
    assert!(outcome.rule.is_some());
}

#[test]
fn every_mistake_is_reported_at_once_and_in_order() {
    let found = mistakes(
        r#"version = 1
«modes» = "enforce"
[defaults]
exec = «"ask"»
[[rule]]
id = "a"
verdict = «"denny"»
match.sql.«efect» = "ddl"
match.sql.limited = «"no"»
[[connect]]
id = «"a"»
to = «"10.0.0.1/8"»
verdict = "allow"
"#,
    );
    let lines: Vec<usize> = found.iter().map(|diagnostic| diagnostic.line).collect();
    assert_eq!(lines, [2, 4, 7, 8, 9, 11, 12]);
    assert_eq!((found[3].column, found[3].label.as_str()), (11, "unknown"));
    assert_eq!(found[3].to_string(), "8:11: there is no fact `sql.efect`; did you mean `effect`?");
}

#[test]
fn toml_errors_stand_beside_the_others_without_their_consequences() {
    let found = mistakes(
        "version = 1\n[[rule]]\nid = «»\nverdict = \"allow\"\nmatch.sql.«efect» = \"ddl\"\nmatch.sql.«efect» = 1\n",
    );
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert!(messages[0].contains("string values must be quoted"), "{messages:?}");
    assert_eq!(messages[1], "there is no fact `sql.efect`");
    assert_eq!(messages[2], "duplicate key");
}

#[test]
fn the_version_is_required_and_must_be_known() {
    let found = mistakes("«»mode = \"enforce\"");
    assert_eq!(found[0].message, "a policy says which `version` of the language it is in");
    let found = mistakes("version = «2»\nnew = 1");
    assert_eq!(found[0].message, "version 2 of the policy language is not one this claw reads");
    assert_eq!(found[0].help.as_deref(), Some("this claw reads `version = 1`"));
    let found = mistakes("version = «\"1\"»");
    assert_eq!(found[0].message, "`version` is a whole number, not a string");
    let found = mistakes("version = «99999999999999999999»");
    assert_eq!(found[0].message, "`version` is too large a number");
}

#[test]
fn unknown_keys_are_refused_in_every_table() {
    assert_eq!(mistake("«rules» = 1"), "`rules` is not a key of a policy | did you mean `rule`?");
    assert_eq!(
        mistake("[defaults]\n«network» = \"deny\""),
        "`network` is not a key of `defaults` | expected `exec`, `governed`, `connect`, `unix` or `injected_env`"
    );
    assert_eq!(
        mistake("[denial]\n«stile» = \"tool\""),
        "`stile` is not a key of `denial` | did you mean `style`?"
    );
    assert_eq!(
        rule_mistake("tools = \"psql\"\n«matches» = 1"),
        "`matches` is not a key of a rule | did you mean `match`?"
    );
    assert_eq!(
        rule_mistake("match.sql.tables_written = { «onyl» = \"a\" }"),
        "`onyl` is not a key of what is asked of `sql.tables_written` | did you mean `only`?"
    );
    assert_eq!(
        rule_mistake("match.sql.depth = { «over» = 1 }"),
        "`over` is not a key of what is asked of `sql.depth` | expected `above` or `below`"
    );
    assert_eq!(
        rule_mistake("match.sql.effect = { «only» = \"read\" }"),
        "`only` is not a key of what is asked of `sql.effect` | expected `any` or `none`"
    );
    assert_eq!(
        connect_mistake("to = \"::1\"\n«port» = 80"),
        "`port` is not a key of a connect rule | did you mean `ports`?"
    );
    assert_eq!(
        mistake(
            "[[rule]]\nid = \"r\"\nverdict = \"rewrite\"\ntools = \"psql\"\nrewrite.«limit_row» = 1"
        ),
        "`limit_row` is not a key of `rewrite` | did you mean `limit_rows`?"
    );
}

#[test]
fn tools_are_pinned_by_digest() {
    let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let text = format!("version = 1\npins.psql = [\"{digest}\"]");
    let policy = parse(&text).expect("right");
    let pins = policy.pins("psql").expect("pinned");
    assert_eq!((pins.len(), pins[0][0], pins[0][31]), (1, 0x2c, 0xae));
    assert_eq!(policy.pins("kubectl"), None);
    assert_eq!(mistake("pins.«pqsl» = []"), "`pqsl` is not a key of `pins` | did you mean `psql`?");
    let no_digest =
        "`pins.psql` holds what is no SHA-256 digest | put what `sha256sum FILE` prints";
    assert_eq!(mistake("pins.psql = [«\"2c26\"»]"), no_digest);
    assert_eq!(mistake(&format!("pins.psql = [«\"{}\"»]", digest.replace("2c", "+c"))), no_digest);
}

#[test]
fn words_are_those_of_the_language() {
    assert_eq!(
        mistake("mode = «\"enforced\"»"),
        "`enforced` is not a value of `mode` | did you mean `enforce`?"
    );
    assert_eq!(
        mistake("defaults.governed = «\"rewrite\"»"),
        "`rewrite` is not a value of `defaults.governed` | expected `allow` or `deny`"
    );
    assert_eq!(
        mistake("[doors]\n«ptace» = \"open\""),
        "`ptace` is not a key of `doors` | did you mean `ptrace`?"
    );
    assert_eq!(
        mistake("doors.ptrace = «true»"),
        "`doors.ptrace` is a string, not `true` or `false`"
    );
    assert_eq!(
        mistake("denial.style = «\"silent\"»"),
        "`silent` is not a value of `denial.style` | expected `tool` or `errno`"
    );
    assert_eq!(
        mistake("denial = { style = \"errno\", errno = «\"EACCESS\"» }"),
        "`EACCESS` is not a value of `denial.errno` | did you mean `EACCES`?"
    );
    assert_eq!(
        mistake("denial.errno = «\"EPERM\"»"),
        "`denial.errno` has no effect here | add `style = \"errno\"`, or remove it"
    );
    assert_eq!(
        connect_mistake("to = \"::1\"\nprotocol = «\"TCP\"»"),
        "`TCP` is not a value of `protocol` | did you mean `tcp`?"
    );
}

#[test]
fn ask_is_not_a_verdict_yet() {
    assert_eq!(
        mistake("[[rule]]\nid = \"r\"\ntools = \"psql\"\nverdict = «\"ask\"»"),
        "`ask` is not a verdict that this version knows | expected `allow`, `rewrite` or `deny`"
    );
    assert_eq!(
        mistake("[[connect]]\nid = \"r\"\nto = \"::1\"\nverdict = «\"ask\"»"),
        "`ask` is not a verdict that this version knows | expected `allow` or `deny`"
    );
    assert_eq!(
        mistake("[[connect]]\nid = \"r\"\nto = \"::1\"\nverdict = «\"rewrite\"»"),
        "`rewrite` is not a value of `verdict` | expected `allow` or `deny`"
    );
}

#[test]
fn values_have_the_type_they_are_read_as() {
    assert_eq!(mistake("defaults = «1»"), "`defaults` is a table, not a whole number");
    assert_eq!(
        mistake("«[rule]»\nid = \"r\""),
        "`rule` is a list of tables, not a table | write `[[rule]]`"
    );
    assert_eq!(mistake("rule = [«1»]"), "an entry of `rule` is a table, not a whole number");
    assert_eq!(mistake("mode = «true»"), "`mode` is a string, not `true` or `false`");
    assert_eq!(
        rule_mistake("match.sql.limited = «\"yes\"»"),
        "`sql.limited` is `true` or `false`, not a string"
    );
    assert_eq!(
        rule_mistake("match.sql.effect = «true»"),
        "`sql.effect` is matched by strings, not `true` or `false`"
    );
    assert_eq!(
        rule_mistake("match.sql.kinds = [\"select\", «2024-01-01»]"),
        "`sql.kinds` is matched by strings, not a date or time"
    );
    assert_eq!(
        rule_mistake("match.sql.depth = [1, «1.5»]"),
        "`sql.depth` is a whole number, not a fraction"
    );
    assert_eq!(rule_mistake("match.sql = «\"ddl\"»"), "`match.sql` is a table, not a string");
    assert_eq!(rule_mistake("match = «[]»"), "`match` is a table, not a list");
    assert_eq!(rule_mistake("tools = [«1»]"), "a tool's name is a string, not a whole number");
}

#[test]
fn names_are_those_of_the_schema() {
    assert_eq!(
        rule_mistake("tools = [\"psql\", «\"kubctl\"»]"),
        "`kubctl` is not a tool that claw governs | did you mean `kubectl`?"
    );
    assert_eq!(
        rule_mistake("match.«sq».effect = \"ddl\""),
        "there are no facts of a domain `sq` | did you mean `sql`?"
    );
    assert_eq!(
        rule_mistake("unless.k8s.«resource» = \"pods\""),
        "there is no fact `k8s.resource` | expected `verb` or `opaque`"
    );
    assert_eq!(
        rule_mistake("match.sql.effect = [\"read\", «\"wirte\"»]"),
        "`sql.effect` is never `wirte` | did you mean `write`?"
    );
    assert_eq!(
        rule_mistake("match.sql.kinds = { none = «\"drop_*_x\"» }"),
        "`sql.kinds` is never `drop_*_x` | it is `select`, `insert`, `drop_table` or `drop_view`"
    );
    assert!(
        parse(
            "version = 1\n[[rule]]\nid = \"r\"\nverdict = \"allow\"\nmatch.sql.kinds = \"drop_*\""
        )
        .is_ok()
    );
}

#[test]
fn ids_are_there_well_spelt_and_unique() {
    assert_eq!(mistake("«[[rule]]»\ntools = \"psql\"\nverdict = \"allow\""), "a rule needs `id`");
    assert_eq!(
        mistake("[[rule]]\nid = «\"SQL no DDL!\"»\ntools = \"psql\"\nverdict = \"allow\""),
        "`SQL no DDL!` is not a rule id | did you mean `sql-no-ddl`?"
    );
    assert_eq!(
        mistake("[[rule]]\nid = «\"\"»\ntools = \"psql\"\nverdict = \"allow\""),
        "`` is not a rule id"
    );
    assert_eq!(
        mistake(
            "[[rule]]\nid = \"r\"\ntools = \"psql\"\nverdict = \"allow\"\n[[connect]]\nid = «\"r\"»\nto = \"::1\"\nverdict = \"allow\""
        ),
        "the id `r` is already used on line 3 | records and denials name a rule by its id: give each its own"
    );
}

#[test]
fn a_rule_says_what_happens_and_why() {
    assert_eq!(mistake("«[[rule]]»\nid = \"r\"\ntools = \"psql\""), "a rule needs `verdict`");
    assert_eq!(
        mistake("«[[rule]]»\nid = \"r\"\ntools = \"psql\"\nverdict = \"deny\""),
        "a deny rule says why | the reason is shown to whoever is denied"
    );
    assert_eq!(
        mistake("«[[connect]]»\nid = \"r\"\nto = \"::1\"\nverdict = \"deny\""),
        "a deny rule says why | the reason goes into the record of each denied connection"
    );
    let one_line = "`reason` is one line of text";
    assert_eq!(
        mistake("[[rule]]\nid = \"r\"\ntools = \"psql\"\nverdict = \"deny\"\nreason = «\" \"»"),
        one_line
    );
    assert_eq!(
        mistake("[[rule]]\nid = \"r\"\ntools = \"psql\"\nverdict = \"deny\"\nreason = «\"a\\nb\"»"),
        one_line
    );
    assert_eq!(
        mistake("«[[rule]]»\nid = \"r\"\nverdict = \"deny\"\nreason = \"no\""),
        "this rule matches every call | say what it is about, or use `defaults`"
    );
}

#[test]
fn a_rewrite_rule_has_changes_and_no_other_has() {
    let rewrite = |lines: &str| {
        mistake(&format!("[[rule]]\nid = \"r\"\nverdict = \"rewrite\"\ntools = \"psql\"\n{lines}"))
    };
    assert_eq!(
        mistake("«[[rule]]»\nid = \"r\"\nverdict = \"rewrite\"\ntools = \"psql\""),
        "a rewrite rule says what it changes | add `rewrite = { limit_rows = 1000 }`, `{ set_env = {…} }`, `{ unset_env = […] }` or `{ read_only = true }`"
    );
    assert_eq!(
        rule_mistake("tools = \"psql\"\nrewrite = «{ limit_rows = 1 }»"),
        "a rule whose verdict is `deny` changes nothing | remove it, or say `verdict = \"rewrite\"`"
    );
    assert_eq!(rewrite("rewrite = «{}»"), "`rewrite` changes nothing");
    assert_eq!(rewrite("rewrite = «{ set_env = {} }»"), "`rewrite` changes nothing");
    assert_eq!(rewrite("rewrite.limit_rows = «0»"), "`limit_rows` is at least 1");
    assert_eq!(rewrite("rewrite.limit_rows = «-5»"), "`limit_rows` is at least 1");
    assert_eq!(rewrite("rewrite.set_env = «[]»"), "`set_env` is a table, not a list");
    assert_eq!(
        rewrite("rewrite.set_env.A = «1»"),
        "the value of a variable is a string, not a whole number"
    );
    assert_eq!(rewrite("rewrite.set_env.«\"A=\"» = \"\""), "`A=` cannot name a variable");
    assert_eq!(rewrite("rewrite.set_env.A = «\"\\u0000\"»"), "a variable cannot hold a zero byte");
    assert_eq!(rewrite("rewrite.unset_env = [«\"\"»]"), "`` cannot name a variable");
    assert_eq!(
        rewrite("rewrite = { set_env.A = \"\", unset_env = [«\"A\"»] }"),
        "this rule both sets and removes `A`"
    );
    assert_eq!(
        rewrite("rewrite.read_only = «false»"),
        "`read_only = false` changes nothing | leave it out"
    );
    assert_eq!(
        rewrite("rewrite.on_error_stop = «1»"),
        "`on_error_stop` is `true` or `false`, not a whole number"
    );
}

/// The mistake of a rewrite rule of these lines.
fn rewrite_mistake(lines: &str) -> String {
    mistake(&format!("[[rule]]\nid = \"r\"\nverdict = \"rewrite\"\n{lines}"))
}

#[test]
fn a_change_is_one_that_the_tools_of_the_rule_can_make() {
    let nobody = "only some tools know `on_error_stop`, and this rule is about all";
    let only_psql = "only one tool does: say `tools = [\"psql\"]`";
    assert_eq!(
        rewrite_mistake("match.sql.limited = false\nrewrite.«on_error_stop» = true"),
        format!("{nobody} | {only_psql}")
    );
    for tools in ["[\"psql\", \"mysql\"]", "\"mysql\"", "\"@databases\""] {
        assert_eq!(
            rewrite_mistake(&format!("tools = {tools}\nrewrite.«on_error_stop» = true")),
            format!("`mysql` knows no change `on_error_stop` | {only_psql}")
        );
    }
    assert_eq!(
        rewrite_mistake("tools = [\"psql\", \"kubectl\"]\nrewrite.«limit_rows» = 5"),
        "`kubectl` knows no change `limit_rows` | name tools that do in `tools`: \"psql\", \"mysql\""
    );
    assert_eq!(
        rewrite_mistake("tools = \"@clusters\"\nrewrite.«limit_rows» = 5"),
        "`kubectl` knows no change `limit_rows` | name tools that do in `tools`: \"psql\", \"mysql\""
    );
    assert_eq!(
        rewrite_mistake("tools = \"psql\"\nrewrite.«raed_only» = true"),
        "`raed_only` is not a key of `rewrite` | did you mean `read_only`?"
    );
    let start = "version = 1\n[[rule]]\nid = \"r\"\nverdict = \"rewrite\"\ntools = \"psql\"\nrewrite = { read_only = true, on_error_stop = true, limit_rows = 7 }";
    let [rule] = parse(start).expect("right").rules.try_into().expect("one rule");
    assert_eq!(
        rule.changes,
        [Change::Limit(&LIMIT_ROWS, 7), Change::Switch(&STOP), Change::Switch(&READ_ONLY)]
    );
    assert_eq!(rule.reason, "no more than 7 rows, stops at the first error, a read-only session");
    // A group may contain tools that have no such actions.
    let limited = "version = 1\n[[rule]]\nid = \"r\"\nverdict = \"rewrite\"\ntools = \"@governed\"\nrewrite.limit_rows = 7";
    assert!(parse(limited).is_ok());
}

#[test]
fn groups_stand_for_their_tools() {
    let tools = |tools: &str| {
        let declared = "[tool.deployctl]\n[tool.other]\n";
        let rule = "id = \"r\"\nverdict = \"deny\"\nreason = \"no\"";
        let text = format!("version = 1\n{declared}[[rule]]\n{rule}\ntools = {tools}");
        let [rule] = parse(&text).expect("right").rules.try_into().expect("one rule");
        rule.tools.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tools("\"@databases\""), "psql mysql");
    assert_eq!(tools("[\"rm\", \"@databases\", \"psql\"]"), "rm psql mysql");
    assert_eq!(tools("\"@governed\""), "psql mysql kubectl deployctl other");
    let unknown = |name: &str| {
        let rule = "id = \"r\"\nverdict = \"deny\"\nreason = \"no\"";
        mistake(&format!("[[rule]]\n{rule}\ntools = [«\"{name}\"»]"))
    };
    assert_eq!(
        unknown("@databses"),
        "`@databses` is not a group of tools | did you mean `@databases`?"
    );
    assert_eq!(
        unknown("@x"),
        "`@x` is not a group of tools | expected `@clusters`, `@databases`, `@files` or `@governed`"
    );
    assert_eq!(
        unknown("databases"),
        "`databases` is not a tool that claw governs | expected `psql`, `mysql`, `kubectl` or `rm`"
    );
}

#[test]
fn a_rule_is_about_one_domain() {
    let help = "write a rule for each; only the facts of `exec` can stand beside another domain's";
    assert_eq!(
        rule_mistake("match.k8s.verb = \"get\"\nunless.«sql».limited = true"),
        format!(
            "this rule asks for facts of `k8s` and of `sql`, but an action has one domain | {help}"
        )
    );
    assert!(parse("version = 1\n[[rule]]\nid = \"r\"\nverdict = \"allow\"\nmatch.sql.limited = true\nunless.exec.path = \"/x\"").is_ok());
}

#[test]
fn empty_demands_are_refused() {
    let help = "name at least one value, or remove the key";
    assert_eq!(
        rule_mistake("match.sql.effect = «[]»"),
        format!("`sql.effect` is an empty list | {help}")
    );
    assert_eq!(
        rule_mistake("match.sql.tables_written = { none = «[]» }"),
        format!("`sql.tables_written` is an empty list | {help}")
    );
    assert_eq!(
        rule_mistake("match.sql.depth = «[]»"),
        format!("`sql.depth` is an empty list | {help}")
    );
    assert_eq!(rule_mistake("match.sql.depth = «{}»"), "nothing is asked of `sql.depth`");
    assert_eq!(rule_mistake("match.sql.kinds = «{}»"), "nothing is asked of `sql.kinds`");
    assert_eq!(rule_mistake("tools = «[]»"), format!("`tools` is an empty list | {help}"));
    assert_eq!(rule_mistake("match = «{}»"), "`match` asks for nothing");
    assert_eq!(rule_mistake("match.«sql» = {}"), "`match.sql` asks for nothing");
    assert_eq!(connect_mistake("to = «[]»"), format!("`to` is an empty list | {help}"));
    assert_eq!(
        connect_mistake("to = \"::1\"\nports = «[]»"),
        format!("`ports` is an empty list | {help}")
    );
}

#[test]
fn rules_that_can_never_match_are_refused() {
    let never = "this can never match: ";
    assert_eq!(
        rule_mistake("match.sql.depth = «{ above = 3, below = 4 }»"),
        format!("{never}no number is above 3 and below 4")
    );
    for (demands, why) in [
        (r#"{ any = ["a"], none = ["a*"] }"#, "`none` excludes `a`"),
        (r#"{ all = ["x*", "b"], none = ["b"] }"#, "`none` excludes `b`"),
        (r#"{ all = ["b"], only = ["a*"] }"#, "`only` excludes `b`"),
        (r#"{ any = ["b"], only = ["a*"] }"#, "`only` excludes `b`"),
        (r#"{ only = ["b"], none = ["b"] }"#, "`none` excludes `b`"),
    ] {
        assert_eq!(
            rule_mistake(&format!("match.sql.tables_written = «{demands}»")),
            format!("{never}{why}")
        );
    }
    assert!(parse("version = 1\n[[rule]]\nid = \"r\"\nverdict = \"allow\"\nmatch.sql.tables_written = { any = [\"a\", \"b\"], none = [\"a\"] }").is_ok());
    assert_eq!(
        rule_mistake(
            "match.sql = { limited = true, effect = \"read\" }\nunless = «{ sql.effect = \"read\" }»"
        ),
        "this rule can never match: `unless` holds whenever `match` does"
    );
}

#[test]
fn networks_are_addresses_without_host_bits() {
    assert_eq!(
        connect_mistake("to = [\"::1\", «\"10.1.2.3/8\"»]"),
        "`10.1.2.3/8` is not a network: bits after its prefix are set | did you mean `10.0.0.0/8` or `10.1.2.3`?"
    );
    assert_eq!(
        connect_mistake("to = «\"fd00::1/8\"»"),
        "`fd00::1/8` is not a network: bits after its prefix are set | did you mean `fd00::/8` or `fd00::1`?"
    );
    let help = "write `10.1.2.3`, `10.0.0.0/8`, `::1` or `fd00::/8`; connections are decided by address, not by name";
    for text in ["example.com", "10.0.0.0/33", "10.0.0", "", "010.0.0.1", "[::1]"] {
        assert_eq!(
            connect_mistake(&format!("to = «\"{text}\"»")),
            format!("`{text}` is not an address or a network | {help}")
        );
    }
    assert_eq!(connect_mistake("to = «1»"), "an address in `to` is a string, not a whole number");
    assert_eq!(
        mistake("«[[connect]]»\nid = \"c\"\nverdict = \"allow\""),
        "a connect rule needs `to` or `unix`"
    );
}

#[test]
fn ports_are_numbers_and_ranges_that_exist() {
    let port = |port: &str| connect_mistake(&format!("to = \"::1\"\nports = [«{port}»]"));
    let help = "ports go from 0 to 65535; a range is written `\"8000-8999\"`";
    assert_eq!(port("65536"), format!("`65536` is not a port or a range of ports | {help}"));
    assert_eq!(port("-1"), format!("`-1` is not a port or a range of ports | {help}"));
    assert_eq!(port("\"http\""), format!("`http` is not a port or a range of ports | {help}"));
    assert_eq!(port("\"9-8\""), "the range `9-8` is empty | did you mean `\"8-9\"`?");
    assert_eq!(
        port("true"),
        "a port is a number or a range such as \"8000-8999\", not `true` or `false`"
    );
}

#[test]
fn unix_sockets_are_named_by_path_or_abstractly() {
    assert_eq!(
        connect_mistake("unix = [\"/run/x\", «\"run/x\"»]"),
        "`run/x` is no name of a Unix socket | a path starts with `/` and an abstract name with `@`"
    );
    for path in ["/run//x", "/run/../x", "/run/x/", "/"] {
        assert_eq!(
            connect_mistake(&format!("unix = «\"{path}\"»")),
            format!(
                "no socket has the path `{path}` | sockets are known by their real path, without `//`, `.` and `..`"
            )
        );
    }
    for (key, value) in [("to", "\"::1\""), ("ports", "80"), ("protocol", "\"tcp\"")] {
        assert_eq!(
            connect_mistake(&format!("unix = \"/x\"\n{key} = «{value}»")),
            format!(
                "a rule about `unix` sockets has no `{key}` | make it a rule of its own, or remove it"
            )
        );
    }
    assert_eq!(
        mistake("«[[connect]]»\nid = \"c\"\nunix = \"/x\"\nverdict = \"deny\""),
        "a deny rule says why | the reason goes into the record of each denied connection"
    );
    assert_eq!(
        mistake("defaults.unix = «\"maybe\"»"),
        "`maybe` is not a value of `defaults.unix` | expected `allow` or `deny`"
    );
}

#[test]
fn connect_rules_that_do_not_fit_the_kernel_side_are_refused() {
    // Each port is a range of its own, for both protocols.
    let ports: Vec<String> = (0..17).map(|index| (index * 2).to_string()).collect();
    let ports = ports.join(", ");
    let text = format!(
        "«[[connect]]»\nid = \"c\"\nto = \"10.0.0.0/8\"\nports = [{ports}]\nverdict = \"allow\""
    );
    assert_eq!(
        mistake(&text),
        "the connect rules split the ports of `10.0.0.0/8` into 34 ranges, more than the 32 that the kernel side holds | join neighbouring ports into ranges, or name fewer of them"
    );
    let fits = text.replace(['«', '»'], "").replace("[0, ", "[");
    assert!(parse(&format!("version = 1\n{fits}")).is_ok());
}

#[test]
fn the_documented_example_is_a_policy() {
    let documentation = include_str!("../../../docs/policy.md");
    let example = documentation.split("```").nth(1).expect("a block");
    let lines: Vec<&str> = example.lines().skip(1).collect();
    let policy = parse(&lines.join("\n")).expect("right");
    assert_eq!((policy.rules().len(), policy.connect().len()), (3, 1));
}

#[test]
fn more_networks_than_the_kernel_side_holds_are_refused() {
    let networks = |count: usize| {
        let networks: Vec<String> =
            (0..count).map(|at| format!("\"10.0.{}.{}\"", at / 256, at % 256)).collect();
        networks.join(", ")
    };
    // The two networks that are always there count too: `0.0.0.0/0` and the unspecified address.
    let rule = |count| {
        format!("«[[connect]]»\nid = \"c\"\nto = [{}]\nverdict = \"allow\"", networks(count))
    };
    assert_eq!(
        mistake(&rule(4095)),
        "the connect rules name 4097 IPv4 networks, more than the 4096 that the kernel side holds | name fewer, larger networks"
    );
    let fits = rule(4094).replace(['«', '»'], "");
    assert!(parse(&format!("version = 1\n{fits}")).is_ok());
}

#[test]
fn doors_are_closed_unless_they_are_opened() {
    let closed = |text: &str| {
        parse(&format!("version = 1\n{text}")).expect("right").closed_doors().collect::<Vec<_>>()
    };
    assert_eq!(closed(""), Door::ALL);
    for door in Door::ALL {
        let all_but = Door::ALL.into_iter().filter(|other| *other != door).collect::<Vec<_>>();
        assert_eq!(closed(&format!("doors.{} = \"open\"", door.name())), all_but);
        assert_eq!(closed(&format!("doors.{} = \"closed\"", door.name())), Door::ALL);
    }
}
