//! How rules meet actions: by example, and by what must hold of every policy and every call.

use proptest::prelude::*;

use super::decide;
use crate::decision::{Change, Decision, Outcome};
use crate::fact::{Action, Facts};
use crate::handle::{Fact, FactType, Set};
use crate::matcher::{Condition, Matcher, Names, Subject};
use crate::parse::parse;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::{About, Rule};
use crate::verdict::Verdict;
use crate::vocabulary::{EXEC, Exec, FILE, K8S, K8s, LIMIT_ROWS, OnFiles, SCHEMA, SQL, Sql, exec};

fn policy(text: &str) -> Policy {
    parse(&format!("version = 1\n{text}"), "p.toml", &SCHEMA).expect("right")
}

fn psql(actions: impl IntoIterator<Item = Action>) -> Facts {
    Facts {
        tool: Some("psql".into()),
        disputed: None,
        actions: [exec()].into_iter().chain(actions).collect(),
    }
}

fn sql(effect: &str) -> Action {
    Action::new(&SQL, effect).with(Sql::EFFECT, effect)
}

/// The verdict, the rule that gave it and where it stands.
fn said(decision: &Decision) -> (&str, Option<&str>, Option<&str>) {
    let deciding = &decision.deciding;
    assert_eq!(decision.verdict.name(), deciding.verdict.name());
    (deciding.verdict.name(), deciding.rule.as_deref(), deciding.at.as_deref())
}

const RULES: &str = r#"
[[rule]]
id = "reads"
verdict = "allow"
match.sql.effect = "read"
[[rule]]
id = "scratch"
verdict = "allow"
match.sql = { effect = "write", tables_written = { only = ["scratch.*"] } }
[[rule]]
id = "no-ddl"
verdict = "deny"
reason = "schema changes go through migrations"
match.sql.effect = ["ddl", "admin"]
unless.sql.tables_written = { only = ["scratch.*"] }
[[rule]]
id = "limit"
verdict = "rewrite"
match.sql = { effect = "read", limited = false }
rewrite = { limit_rows = 1000 }
"#;

fn written(effect: &str, tables: &[&str]) -> Action {
    sql(effect).with(Sql::TABLES_WRITTEN, tables.iter().copied().collect::<Set>())
}

fn rm(targets: &[&str]) -> Facts {
    let action = Action::new(&FILE, "rm")
        .with(OnFiles::EFFECT, "delete")
        .with(OnFiles::TARGETS, targets.iter().copied().collect::<Set>());
    Facts { tool: Some("rm".into()), disputed: None, actions: vec![exec(), action] }
}

#[test]
fn what_the_environment_has_loaded_into_a_governed_tool_is_stripped_unless_the_policy_says_otherwise()
 {
    let mut injected = psql([sql("read")]);
    let names = || ["LD_PRELOAD", "PERL5LIB"].into_iter().collect::<Set>();
    injected.actions[0].set(Exec::INJECTED_ENV, names());
    let decided =
        |default: &str, facts: &Facts| decide(&policy(&format!("{default}{RULES}")), facts);
    let unset = |name: &str| Change::UnsetEnv(name.to_owned());
    let strips = |decision: &Decision| -> Vec<Change> {
        decision.rewrites.iter().map(|rewrite| rewrite.change.clone()).collect()
    };
    for default in ["", "defaults.injected_env = \"strip\""] {
        let decision = decided(default, &injected);
        assert_eq!(said(&decision), ("rewrite", None, None));
        assert_eq!(strips(&decision), [unset("LD_PRELOAD"), unset("PERL5LIB")]);
        assert_eq!(decision.deciding.because, ["exec.injected_env = [LD_PRELOAD, PERL5LIB]"]);
    }
    let decision = decided("defaults.injected_env = \"deny\"", &injected);
    assert_eq!(said(&decision), ("deny", None, None));
    assert_eq!(strips(&decision), []);
    let decision = decided("defaults.injected_env = \"keep\"", &injected);
    assert_eq!(said(&decision), ("allow", Some("reads"), Some("p.toml:3")));

    // A stricter rule decides. A rule's own change is made as well. Other programs keep their variables.
    let mut ddl = injected.clone();
    ddl.actions[1] = sql("ddl");
    assert_eq!(said(&decided("", &ddl)).1, Some("no-ddl"));
    let mut wide = injected.clone();
    wide.actions[1].set(Sql::LIMITED, false);
    let decision = decided("", &wide);
    assert_eq!(decision.deciding.rule.as_deref(), Some("limit"));
    assert_eq!(strips(&decision)[1..], [unset("LD_PRELOAD"), unset("PERL5LIB")]);
    let mut other = Facts { tool: None, disputed: None, actions: vec![exec()] };
    other.actions[0].set(Exec::INJECTED_ENV, names());
    assert_eq!(decided("", &other).verdict.name(), "allow");
}

#[test]
fn a_file_that_only_goes_by_a_tool_s_name_is_a_program_as_well() {
    let mut copy = psql([sql("read")]);
    for (trusted, default, expected) in
        [(true, "deny", "allow"), (false, "allow", "allow"), (false, "deny", "deny")]
    {
        copy.actions[0].set(Exec::TRUSTED, trusted);
        let decision = decide(&policy(&format!("defaults.exec = \"{default}\"{RULES}")), &copy);
        assert_eq!(decision.verdict.name(), expected, "trusted {trusted}, defaults.exec {default}");
    }
}

#[test]
fn an_everyday_call_takes_the_default_of_programs_unless_a_rule_speaks_of_it() {
    let rules = r#"
[[rule]]
id = "keep-etc"
verdict = "deny"
reason = "the machine's own settings stay"
match.file.targets = "/etc/*"
"#;
    let etc = ["/etc/passwd"];
    for (defaults, targets, expected) in [
        (r#"exec = "allow""#, &["/tmp/x"][..], ("allow", None)),
        (r#"exec = "deny""#, &["/tmp/x"], ("deny", None)),
        (r#"exec = "allow""#, &etc, ("deny", Some("keep-etc"))),
    ] {
        let policy = policy(&format!("[defaults]\n{defaults}\ngoverned = \"deny\"\n{rules}"));
        let decision = decide(&policy, &rm(targets));
        let (verdict, rule, _) = said(&decision);
        assert_eq!((verdict, rule), expected, "{defaults} {targets:?}");
    }
    assert!(!rm(&etc).governed());
    assert!(psql([sql("read")]).governed());
    assert!(psql([]).governed());
}

#[test]
fn an_everyday_call_is_allowed_by_rules_about_what_it_does_or_about_the_call() {
    let head = "[defaults]\nexec = \"deny\"\n[[rule]]\nid = \"r\"\nverdict = \"allow\"\n";
    for rule in [
        r#"match.file.targets = { only = ["/tmp/*"] }"#,
        r#"match.exec.path = "/usr/bin/psql""#,
        r#"tools = ["rm"]"#,
    ] {
        let policy = policy(&format!("{head}{rule}\n"));
        assert_eq!(decide(&policy, &rm(&["/tmp/x"])).verdict.name(), "allow", "{rule}");
    }
    let policy = policy(&format!("{head}match.file.targets = {{ only = [\"/tmp/*\"] }}\n"));
    assert_eq!(decide(&policy, &rm(&["/tmp/x", "/etc/x"])).verdict.name(), "deny");
}

#[test]
fn rules_speak_of_a_call_by_its_tool_or_by_what_it_does() {
    let rule = |text: &str| {
        policy(&format!("[[rule]]\nid = \"r\"\nverdict = \"deny\"\nreason = \"x\"\n{text}\n"))
    };
    assert!(rule(r#"match.file.effect = "move""#).speaks_of(&rm(&["/x"])));
    assert!(rule(r#"tools = ["rm"]"#).speaks_of(&rm(&["/x"])));
    assert!(!rule(r#"tools = ["psql"]"#).speaks_of(&rm(&["/x"])));
    assert!(!rule(r#"match.sql.effect = "ddl""#).speaks_of(&rm(&["/x"])));
    assert!(policy("").speaks_of(&psql([sql("read")])));
}

#[test]
fn an_everyday_action_that_cannot_be_read_is_denied_only_where_a_rule_asks_for_it() {
    let opaque = || {
        let action = Action::opaque(&FILE, "rm x", "the working directory is not known");
        Facts { tool: Some("rm".into()), disputed: None, actions: vec![exec(), action] }
    };
    let silent = policy("[defaults]\ngoverned = \"deny\"\n");
    assert_eq!(decide(&silent, &opaque()).verdict.name(), "allow");
    let asks = policy(
        "[[rule]]\nid = \"r\"\nverdict = \"deny\"\nreason = \"x\"\nmatch.file.targets = \"/etc/*\"\n",
    );
    assert_eq!(said(&decide(&asks, &opaque())).1, Some("r"));
}

#[test]
fn the_strictest_rule_decides_each_action_and_the_call() {
    let policy = policy(RULES);
    let limited = sql("read").with(Sql::LIMITED, true);
    assert_eq!(
        said(&decide(&policy, &psql([limited.clone()]))),
        // The call itself is allowed too, but by no rule.
        ("allow", Some("reads"), Some("p.toml:3"))
    );
    let decision = decide(&policy, &psql([limited, written("ddl", &["users"]), sql("admin")]));
    assert_eq!(said(&decision), ("deny", Some("no-ddl"), Some("p.toml:11")));
    assert_eq!(decision.deciding.action, 2);
    assert_eq!(decision.deciding.reason, "schema changes go through migrations");
    assert_eq!(decision.deciding.because, ["sql.effect = ddl"]);
    let verdicts: Vec<&str> =
        decision.outcomes.iter().map(|outcome| outcome.verdict.name()).collect();
    assert_eq!(verdicts, ["allow", "allow", "deny", "deny"]);
    assert_eq!(decision.outcomes[1].rule.as_deref(), Some("reads"));
}

#[test]
fn unless_excuses_and_only_never_holds_for_nothing() {
    let policy = policy(RULES);
    let verdict = |action| decide(&policy, &psql([action])).outcomes[1].clone();
    // `unless` excuses it from the deny rule, and no other rule covers it.
    let excused = verdict(written("ddl", &["scratch.t"]));
    assert_eq!((excused.verdict.name(), excused.rule), ("deny", None));
    assert_eq!(excused.reason, "no rule covers this `sql` action (`defaults.governed` is `deny`)");
    assert_eq!(verdict(written("ddl", &[])).rule.as_deref(), Some("no-ddl"));
    assert_eq!(verdict(written("write", &["scratch.t"])).rule.as_deref(), Some("scratch"));
    assert_eq!(verdict(written("write", &["scratch.t", "users"])).verdict.name(), "deny");
    assert_eq!(verdict(written("write", &[])).verdict.name(), "deny");
}

#[test]
fn a_rewrite_permits_and_changes() {
    let policy = policy(RULES);
    let unlimited = || sql("read").with(Sql::LIMITED, false);
    let decision =
        decide(&policy, &psql([unlimited(), sql("read").with(Sql::LIMITED, true), unlimited()]));
    assert_eq!(said(&decision), ("rewrite", Some("limit"), Some("p.toml:17")));
    assert_eq!(decision.deciding.reason, "no more than 1000 rows");
    let rewrites: Vec<_> =
        decision.rewrites.iter().map(|rewrite| (rewrite.action, &rewrite.change)).collect();
    assert_eq!(
        rewrites,
        [(1, &Change::Limit(&LIMIT_ROWS, 1000)), (3, &Change::Limit(&LIMIT_ROWS, 1000))]
    );
    let denied = decide(&policy, &psql([unlimited(), sql("admin")]));
    assert_eq!((denied.verdict.name(), denied.rewrites.len()), ("deny", 0));
}

#[test]
fn rewrites_compose_in_file_order_and_the_smallest_limit_stays() {
    let policy = policy(
        r#"
[[rule]]
id = "wide"
verdict = "rewrite"
match.sql.effect = "read"
rewrite = { limit_rows = 1000, unset_env = ["A"] }
[[rule]]
id = "narrow"
verdict = "rewrite"
match.sql.limited = false
rewrite = { limit_rows = 10, set_env = { B = "1" } }
"#,
    );
    let facts = psql([sql("read"), sql("read").with(Sql::LIMITED, false)]);
    let decision = decide(&policy, &facts);
    let rewrites: Vec<_> = decision
        .rewrites
        .iter()
        .map(|rewrite| (rewrite.action, rewrite.rule.as_str(), rewrite.change.clone()))
        .collect();
    let unset = Change::UnsetEnv("A".into());
    assert_eq!(
        rewrites,
        [
            (1, "wide", Change::Limit(&LIMIT_ROWS, 1000)),
            (1, "wide", unset.clone()),
            (2, "wide", unset),
            (2, "narrow", Change::Limit(&LIMIT_ROWS, 10)),
            (2, "narrow", Change::SetEnv("B".into(), "1".into())),
        ]
    );
}

#[test]
fn what_is_opaque_is_read_the_stricter_way() {
    let policy = policy(RULES);
    let mut unreadable = Action::new(&SQL, "?").with(Sql::LIMITED, true);
    unreadable.set_opaque(Sql::EFFECT, "two grammars disagree");
    let outcome = decide(&policy, &psql([unreadable])).outcomes[1].clone();
    assert_eq!((outcome.verdict.name(), outcome.rule.as_deref()), ("deny", Some("no-ddl")));
    assert_eq!(
        outcome.because,
        ["sql.effect is opaque: two grammars disagree", "sql.tables_written is absent"][..1]
    );

    assert_eq!(
        outcome.reason,
        "cannot be read: two grammars disagree (not ruled out: schema changes go through migrations)"
    );

    // Whether to add a limit is unknown, so the call neither runs as it is nor changed.
    let mut read = sql("read");
    read.set_opaque(Sql::LIMITED, "the limit is an expression");
    let outcome = decide(&policy, &psql([read])).outcomes[1].clone();
    assert_eq!((outcome.verdict.name(), outcome.rule.as_deref()), ("deny", Some("limit")));
    assert_eq!(outcome.reason, "cannot be changed as the rule asks: the limit is an expression");
    assert_eq!(
        outcome.because,
        ["sql.effect = read", "sql.limited is opaque: the limit is an expression"]
    );
}

#[test]
fn a_rule_that_matches_is_named_before_one_that_is_not_ruled_out() {
    let policy = policy(
        r#"
[[rule]]
id = "change"
verdict = "rewrite"
match.sql.limited = false
rewrite.limit_rows = 1
[[rule]]
id = "perhaps"
verdict = "deny"
reason = "perhaps"
match.sql.kinds = "insert"
[[rule]]
id = "surely"
verdict = "deny"
reason = "surely"
match.sql.effect = "admin"
"#,
    );
    let rule = |effect: &str| {
        let mut action = sql(effect);
        action.set_opaque(Sql::LIMITED, "why");
        action.set_opaque(Sql::KINDS, "why");
        decide(&policy, &psql([action])).deciding.rule
    };
    assert_eq!(rule("admin").as_deref(), Some("surely"));
    assert_eq!(rule("read").as_deref(), Some("perhaps"));
}

#[test]
fn an_unreadable_excuse_excuses_nothing_and_takes_a_permission_away() {
    let policy = policy(
        r#"
defaults.governed = "allow"
[[rule]]
id = "no"
verdict = "deny"
reason = "no"
match.sql.effect = "write"
unless.sql.limited = true
[[rule]]
id = "yes"
verdict = "allow"
match.sql.effect = "read"
unless.sql.limited = true
[[rule]]
id = "change"
verdict = "rewrite"
match.sql.effect = "ddl"
unless.sql.limited = true
rewrite.limit_rows = 1
"#,
    );
    let outcome = |effect: &str| {
        let mut action = sql(effect);
        action.set_opaque(Sql::LIMITED, "why");
        decide(&policy, &psql([action])).outcomes[1].clone()
    };
    let denied = outcome("write");
    assert_eq!((denied.verdict.name(), denied.rule.as_deref()), ("deny", Some("no")));
    assert_eq!(denied.because, ["sql.effect = write", "sql.limited is opaque: why"]);
    assert_eq!(outcome("read").rule, None);
    assert_eq!(outcome("ddl").verdict.name(), "deny");
}

#[test]
fn an_opaque_action_that_no_rule_matches_takes_the_governed_default() {
    let opaque = |domain| Action::opaque(domain, "?", "stdin is a pipe");
    let outcome = decide(&policy(""), &psql([opaque(&SQL)])).outcomes[1].clone();
    assert_eq!((outcome.verdict.name(), outcome.rule), ("deny", None));
    assert_eq!(
        outcome.reason,
        "stdin is a pipe, and no rule covers it (`defaults.governed` is `deny`)"
    );
    assert_eq!(outcome.because, ["sql is opaque: stdin is a pipe"]);
    let open = policy("defaults.governed = \"allow\"");
    assert_eq!(decide(&open, &psql([opaque(&SQL)])).verdict.name(), "allow");
    // A program that cannot be read gets no milder verdict than one that can.
    let program = Facts { tool: None, disputed: None, actions: vec![opaque(&EXEC)] };
    assert_eq!(decide(&policy(""), &program).verdict.name(), "deny");
    let closed = policy("defaults = { exec = \"deny\", governed = \"allow\" }");
    assert_eq!(decide(&closed, &program).verdict.name(), "deny");
}

#[test]
fn opaque_can_be_asked_for() {
    let policy = policy(
        r#"
[[rule]]
id = "unreadable"
verdict = "deny"
reason = "no"
match.sql.opaque = true
[[rule]]
id = "readable"
verdict = "allow"
match.sql.opaque = false
"#,
    );
    let rule = |action| decide(&policy, &psql([action])).outcomes[1].rule.clone();
    assert_eq!(rule(sql("read")).as_deref(), Some("readable"));
    assert_eq!(rule(Action::opaque(&SQL, "?", "why")).as_deref(), Some("unreadable"));
    let mut partly = sql("read");
    partly.set_opaque(Sql::KINDS, "why");
    let decision = decide(&policy, &psql([partly]));
    assert_eq!(decision.deciding.because, ["sql is opaque: why"]);
}

#[test]
fn absent_facts_fail_every_demand() {
    let policy = policy(
        r#"
[[rule]]
id = "none"
verdict = "allow"
match.sql.tables_written = { none = ["secret"] }
[[rule]]
id = "false"
verdict = "allow"
match.sql.limited = false
"#,
    );
    assert_eq!(decide(&policy, &psql([sql("read")])).verdict.name(), "deny");
    assert_eq!(decide(&policy, &psql([written("read", &[])])).verdict.name(), "allow");
}

#[test]
fn defaults_decide_what_no_rule_is_about() {
    let policy = policy("");
    let program = Facts { tool: None, disputed: None, actions: vec![exec()] };
    let decision = decide(&policy, &program);
    assert_eq!(decision.verdict.name(), "allow");
    assert_eq!(
        decision.deciding.reason,
        "no tool governs this program (`defaults.exec` is `allow`)"
    );
    let nothing = decide(&policy, &psql([]));
    assert_eq!(nothing.verdict.name(), "deny");
    assert_eq!(nothing.deciding.reason, "no rule covers `psql` (`defaults.governed` is `deny`)");
    let nothing_read = decide(&policy, &Facts::default());
    assert_eq!(nothing_read.verdict.name(), "deny");
    // A governed tool is no ungoverned program.
    let policy = super::tests::policy("defaults = { exec = \"deny\", governed = \"allow\" }");
    assert_eq!(decide(&policy, &program).verdict.name(), "deny");
    assert_eq!(decide(&policy, &psql([sql("read")])).verdict.name(), "allow");
    assert_eq!(decide(&policy, &psql([])).verdict.name(), "allow");
}

#[test]
fn facts_of_the_call_stand_beside_those_of_its_actions() {
    let policy = policy(
        r#"
[[rule]]
id = "reads"
verdict = "allow"
match.sql.effect = "read"
match.exec.path = "/usr/*"
"#,
    );
    assert_eq!(decide(&policy, &psql([sql("read")])).verdict.name(), "allow");
    let elsewhere = Action::new(&EXEC, "psql").with(Exec::PATH, "/tmp/psql");
    let facts =
        Facts { tool: Some("psql".into()), disputed: None, actions: vec![elsewhere, sql("read")] };
    assert_eq!(decide(&policy, &facts).verdict.name(), "deny");
}

#[test]
fn tools_narrow_a_rule_and_say_what_it_is_about() {
    let rule = |verdict: &str, rest: &str| {
        policy(&format!("[[rule]]\nid = \"r\"\nverdict = \"{verdict}\"\nreason = \"x\"\n{rest}"))
    };
    let rules = |policy: &Policy, facts: &Facts| -> Vec<bool> {
        decide(policy, facts).outcomes.iter().map(|outcome| outcome.rule.is_some()).collect()
    };
    let kubectl = || {
        let get = Action::new(&K8S, "get").with(K8s::VERB, "get");
        Facts { tool: Some("kubectl".into()), disputed: None, actions: vec![exec(), get] }
    };
    let every = rule("deny", "tools = \"psql\"");
    assert_eq!(rules(&every, &psql([sql("read")])), [true, true]);
    assert_eq!(rules(&every, &psql([])), [true]);
    assert_eq!(rules(&every, &kubectl()), [false, false]);
    assert_eq!(
        rules(&every, &Facts { tool: None, disputed: None, actions: vec![exec()] }),
        [false]
    );

    let by_call = rule("deny", "match.exec.path = \"/usr/bin/*\"");
    assert_eq!(rules(&by_call, &psql([sql("read")])), [true, false]);
    let by_domain = rule("allow", "tools = \"kubectl\"\nmatch.sql.effect = \"read\"");
    assert_eq!(rules(&by_domain, &psql([sql("read")])), [false, false]);
    // An environment change belongs to the call, and permits none of its actions.
    let environment = rule("rewrite", "tools = \"psql\"\nrewrite.set_env.A = \"1\"");
    assert_eq!(rules(&environment, &psql([sql("read")])), [true, false]);
    let start = rule("rewrite", "tools = \"psql\"\nrewrite.read_only = true");
    assert_eq!(rules(&start, &psql([sql("read")])), [true, false]);
    let limit = rule("rewrite", "tools = \"psql\"\nrewrite.limit_rows = 1");
    assert_eq!(rules(&limit, &psql([sql("read")])), [false, true]);
}

#[test]
fn observing_decides_the_same() {
    let observing = policy(&format!("mode = \"observe\"\n{RULES}"));
    let facts = psql([sql("admin")]);
    let verdict = decide(&observing, &facts).verdict.name();
    assert_eq!(verdict, decide(&policy(RULES), &facts).verdict.name());
    assert_eq!(verdict, "deny");
}

/// One fact of a generated action.
#[derive(Debug, Clone)]
enum Known<T> {
    Absent,
    Opaque,
    Value(T),
}

fn known<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Known<T>> {
    prop_oneof![
        1 => Just(Known::Absent),
        1 => Just(Known::Opaque),
        4 => value.prop_map(Known::Value),
    ]
}

fn put<T: FactType, V: Into<T>>(action: &mut Action, fact: Fact<T>, known: Known<V>) {
    match known {
        Known::Absent => {}
        Known::Opaque => action.set_opaque(fact, "unreadable"),
        Known::Value(value) => action.set(fact, value),
    }
}

const TABLES: [&str; 3] = ["a", "b", "scratch.a"];

fn tables() -> impl Strategy<Value = Set> + Clone {
    prop::sample::subsequence(TABLES.to_vec(), 0..=3).prop_map(|names| names.into_iter().collect())
}

fn effects() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["read", "write", "ddl", "admin"])
}

prop_compose! {
    fn sql_action()(
        effect in known(effects()),
        limited in known(any::<bool>()),
        written in known(tables()),
        depth in known(0i64..4),
        whole in prop::bool::weighted(0.1),
    ) -> Action {
        let mut action = if whole {
            Action::opaque(&SQL, "?", "unreadable")
        } else {
            Action::new(&SQL, "sql")
        };
        put(&mut action, Sql::EFFECT, effect);
        put(&mut action, Sql::LIMITED, limited);
        put(&mut action, Sql::TABLES_WRITTEN, written);
        put(&mut action, Sql::DEPTH, depth);
        action
    }
}

prop_compose! {
    fn exec_action()(injected in known(tables()), whole in prop::bool::weighted(0.1)) -> Action {
        let mut action = if whole { Action::opaque(&EXEC, "?", "unreadable") } else { exec() };
        put(&mut action, Exec::INJECTED, injected);
        action
    }
}

/// A call of a governed tool that does at least one thing.
fn call() -> impl Strategy<Value = Facts> {
    (exec_action(), prop::collection::vec(sql_action(), 1..4)).prop_map(|(first, others)| Facts {
        disputed: None,
        tool: Some("psql".into()),
        actions: [first].into_iter().chain(others).collect(),
    })
}

fn names() -> impl Strategy<Value = Matcher> {
    let patterns = || {
        prop::sample::subsequence(vec!["a", "b", "scratch.*", "?"], 0..=2)
            .prop_map(|texts| texts.into_iter().map(Pattern::new).collect::<Vec<_>>())
    };
    (patterns(), patterns(), patterns(), patterns())
        .prop_map(|(any, all, only, none)| Matcher::Names(Names { any, all, only, none }))
}

fn condition() -> impl Strategy<Value = Condition> {
    let fact = |domain, name, matcher| Condition { domain, subject: Subject::Fact(name), matcher };
    let effect = prop::collection::vec(effects(), 1..3).prop_map(|names| {
        let any = names.into_iter().map(Pattern::new).collect();
        Matcher::Names(Names { any, ..Names::default() })
    });
    prop_oneof![
        effect.prop_map(move |matcher| fact((&SQL).into(), "effect".into(), matcher)),
        any::<bool>().prop_map(move |want| fact(
            (&SQL).into(),
            "limited".into(),
            Matcher::Bool(want)
        )),
        names().prop_map(move |matcher| fact((&SQL).into(), "tables_written".into(), matcher)),
        (0i64..4).prop_map(move |above| {
            fact(
                (&SQL).into(),
                "depth".into(),
                Matcher::IntBetween { above: Some(above), below: None },
            )
        }),
        names().prop_map(move |matcher| fact((&EXEC).into(), "injected".into(), matcher)),
    ]
}

prop_compose! {
    fn rule()(
        verdict in prop::sample::select(Verdict::ALL.to_vec()),
        matches in prop::collection::vec(condition(), 0..3),
        unless in prop::collection::vec(condition(), 0..2),
        every: bool,
    ) -> Rule {
        let sql = matches.iter().chain(&unless).any(|condition| condition.domain.name() == SQL.name);
        Rule {
            id: "r".into(),
            line: 1,
            at: "p.toml:1".into(),
            verdict,
            reason: "x".into(),
            changes: if verdict.needs_changes() { vec![Change::Limit(&LIMIT_ROWS, 1)] } else { vec![] },
            tools: vec![],
            about: match (sql, every) {
                (true, _) => About::Domain(SQL.name.into()),
                (false, true) => About::Every,
                (false, false) => About::Call,
            },
            matches,
            unless,
        }
    }
}

prop_compose! {
    fn any_policy()(rules in prop::collection::vec(rule(), 0..5), exec: bool, governed: bool) -> Policy {
        let default = |deny| if deny { Verdict::Deny } else { Verdict::Allow };
        let mut policy = policy("");
        policy.rules = rules;
        policy.defaults.exec = default(exec);
        policy.defaults.governed = default(governed);
        policy
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_action_more_is_never_milder(policy in any_policy(), facts in call(), extra in sql_action()) {
        let before = decide(&policy, &facts).verdict.strictness();
        let mut more = facts;
        more.actions.push(extra);
        prop_assert!(decide(&policy, &more).verdict.strictness() >= before);
    }

    #[test]
    fn a_deny_rule_more_is_never_milder(
        policy in any_policy(),
        facts in call(),
        extra in rule(),
        at in any::<prop::sample::Index>(),
    ) {
        let before = decide(&policy, &facts).verdict.strictness();
        let mut more = policy;
        let at = at.index(more.rules.len() + 1);
        more.rules.insert(at, Rule { verdict: Verdict::Deny, changes: vec![], ..extra });
        prop_assert!(decide(&more, &facts).verdict.strictness() >= before);
    }

    #[test]
    fn an_allow_rule_more_is_never_stricter(policy in any_policy(), facts in call(), extra in rule()) {
        let before = decide(&policy, &facts).verdict.strictness();
        let mut more = policy;
        more.rules.push(Rule { verdict: Verdict::Allow, changes: vec![], ..extra });
        prop_assert!(decide(&more, &facts).verdict.strictness() <= before);
    }

    #[test]
    fn an_unreadable_fact_is_never_milder(
        policy in any_policy(),
        facts in call(),
        action in any::<prop::sample::Index>(),
        fact in prop::sample::select(vec!["effect", "limited", "tables_written", "depth"]),
    ) {
        let mut less = facts.clone();
        let action = action.index(less.actions.len());
        let fact = if action == 0 { "injected" } else { fact };
        less.actions[action].set_named_opaque(fact, "unreadable").unwrap();
        prop_assert!(decide(&policy, &less).verdict.strictness() >= decide(&policy, &facts).verdict.strictness());
    }

    #[test]
    fn an_unreadable_action_is_never_milder(
        policy in any_policy(),
        facts in call(),
        action in any::<prop::sample::Index>(),
    ) {
        let mut less = facts.clone();
        let action = &mut less.actions[action.index(facts.actions.len())];
        *action = Action::opaque(action.domain.clone(), "?", "unreadable");
        prop_assert!(decide(&policy, &less).verdict.strictness() >= decide(&policy, &facts).verdict.strictness());
    }

    #[test]
    fn the_deciding_outcome_is_one_of_the_strictest(policy in any_policy(), facts in call()) {
        let decision = decide(&policy, &facts);
        let strictness = |outcome: &Outcome| outcome.verdict.strictness();
        let strictest = decision.outcomes.iter().map(strictness).max();
        prop_assert_eq!(strictest, Some(decision.verdict.strictness()));
        prop_assert_eq!(decision.deciding.verdict.name(), decision.verdict.name());
        let of_action = &decision.outcomes[decision.deciding.action];
        prop_assert_eq!(format!("{of_action:?}"), format!("{:?}", decision.deciding));
        let by_rule = decision
            .outcomes
            .iter()
            .any(|outcome| Some(strictness(outcome)) == strictest && outcome.rule.is_some());
        prop_assert_eq!(by_rule, decision.deciding.rule.is_some());
        prop_assert_eq!(decision.rewrites.is_empty(), decision.verdict.name() != "rewrite");
    }

    #[test]
    fn any_text_is_a_policy_or_has_mistakes(text in "[\\[\\]{}=\"a-z.,0-9\n #'-]{0,80}") {
        let text = format!("version = 1\n[[rule]]\n{text}");
        if let Err(mistakes) = parse(&text, "p.toml", &SCHEMA) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!(mistake.span.end <= text.len());
                prop_assert!(text.get(mistake.span).is_some());
            }
        }
    }
}

#[test]
fn the_rules_of_both_disputed_tools_apply() {
    let policy = policy(
        r#"
        [defaults]
        governed = "allow"
        [[rule]]
        id = "no-kubectl"
        tools = ["kubectl"]
        verdict = "deny"
        reason = "not from here"
        "#,
    );
    let facts = Facts {
        tool: Some("psql".into()),
        disputed: Some("kubectl".into()),
        actions: vec![exec()],
    };
    assert_eq!(decide(&policy, &facts).deciding.rule.as_deref(), Some("no-kubectl"));
    let undisputed = Facts { disputed: None, ..facts };
    assert_eq!(decide(&policy, &undisputed).verdict.name(), "allow");
}
