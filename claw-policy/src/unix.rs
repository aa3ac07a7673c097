//! Rules about Unix sockets.
//!
//! A socket may go by several names: the path that leads to its file once every link has been followed, the
//! path or the abstract name it was bound to, and whatever else its file is called. The caller finds them
//! ([`Names`]), and this module matches them with the rules. An allow rule must match every name, so that a
//! link or a rename to an allowed name opens nothing. For a deny rule one name is enough.

use crate::decision::Outcome;
use crate::policy::Policy;
pub use crate::rule::UnixRule;
use crate::verdict::Verdict;

/// The names of a Unix socket. An abstract name is spelled with an `@` for its first byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Each of these is decided, and the strictest verdict counts. Messages show the first.
    pub all: Vec<String>,
    /// Deny rules also apply to these names. Allow rules and defaults do not.
    pub also: Vec<String>,
}

/// Decides a call to the Unix socket with these names.
#[must_use]
pub fn decide(policy: &Policy, names: &Names) -> Outcome {
    let strictest = |name: &str| {
        let covering = policy.unix().iter().filter(|rule| rule.covers(name));
        // Of equally strict rules, the first.
        covering.reduce(|one, other| {
            let stricter = other.verdict.strictness() > one.verdict.strictness();
            if stricter { other } else { one }
        })
    };
    let default = policy.defaults().unix;
    let mut decided: Option<(Verdict, Option<&UnixRule>, &str)> = None;
    let also = names.also.iter().map(|name| (name, true));
    for (name, deny_only) in names.all.iter().map(|name| (name, false)).chain(also) {
        let rule = strictest(name).filter(|rule| !deny_only || !rule.verdict.runs());
        let verdict = match rule {
            Some(rule) => rule.verdict,
            None if deny_only => continue,
            None => default,
        };
        // Between equally strict outcomes, prefer a rule to a default.
        let weight = |verdict: Verdict, by_rule| (verdict.strictness(), by_rule);
        let is_stricter = |(other, other_rule, _): (Verdict, Option<&UnixRule>, &str)| {
            weight(verdict, rule.is_some()) > weight(other, other_rule.is_some())
        };
        if decided.is_none_or(is_stricter) {
            decided = Some((verdict, rule, name));
        }
    }
    let called = names.all.first().map_or("", String::as_str);
    let (verdict, rule, name) = decided.unwrap_or((default, None, called));
    let mut because = vec![format!("unix = {called}")];
    if name != called {
        because.push(format!("unix = {name}, which is the same socket"));
    }
    Outcome {
        action: 0,
        verdict,
        rule: rule.map(|rule| rule.id.clone()),
        at: rule.map(|rule| rule.at.clone()),
        reason: rule.map_or_else(
            || format!("no rule covers this Unix socket (`defaults.unix` is `{verdict}`)"),
            |rule| rule.reason.clone(),
        ),
        because,
        unread: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::vocabulary::SCHEMA;

    fn policy(text: &str) -> Policy {
        parse(&format!("version = 1\n{text}"), "p.toml", &SCHEMA).expect("right")
    }

    fn names(all: &[&str], also: &[&str]) -> Names {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Names { all: own(all), also: own(also) }
    }

    fn decided(policy: &Policy, all: &[&str], also: &[&str]) -> (&'static str, Option<String>) {
        let outcome = decide(policy, &names(all, also));
        (outcome.verdict.name(), outcome.rule)
    }

    fn by(verdict: &'static str, rule: &str) -> (&'static str, Option<String>) {
        (verdict, Some(rule.to_owned()))
    }

    const RULES: &str = r#"
[[connect]]
id = "server"
unix = ["/run/pg/.s.*", "@pg-?"]
verdict = "allow"
[[connect]]
id = "no-docker"
unix = "*docker*"
verdict = "deny"
reason = "no"
"#;

    #[test]
    fn the_strictest_rule_decides_and_else_the_default() {
        let open = policy(RULES);
        assert_eq!(decided(&open, &["/run/pg/.s.1"], &[]), by("allow", "server"));
        assert_eq!(decided(&open, &["@pg-1"], &[]), by("allow", "server"));
        assert_eq!(decided(&open, &["/run/pg/.s.docker"], &[]), by("deny", "no-docker"));
        assert_eq!(decided(&open, &["/run/other"], &[]), ("allow", None));
        let closed = policy(&format!("defaults.unix = \"deny\"\n{RULES}"));
        assert_eq!(decided(&closed, &["/run/other"], &[]), ("deny", None));
        assert_eq!(decided(&closed, &["/run/pg/.s.1"], &[]), by("allow", "server"));
        let outcome = decide(&closed, &names(&["/run/other"], &[]));
        let reason = "no rule covers this Unix socket (`defaults.unix` is `deny`)";
        assert_eq!(
            (outcome.reason.as_str(), &outcome.because[..]),
            (reason, &["unix = /run/other".to_owned()][..])
        );
    }

    #[test]
    fn every_name_is_decided() {
        let closed = policy(&format!("defaults.unix = \"deny\"\n{RULES}"));
        assert_eq!(decided(&closed, &["/run/pg/.s.1", "/run/other"], &[]), ("deny", None));
        let docker = ["/run/pg/.s.1", "/run/docker.sock"];
        assert_eq!(decided(&closed, &docker, &[]), by("deny", "no-docker"));
        let outcome = decide(&closed, &names(&docker, &[]));
        assert_eq!(
            outcome.because,
            ["unix = /run/pg/.s.1", "unix = /run/docker.sock, which is the same socket"]
        );
    }

    #[test]
    fn further_names_can_only_deny() {
        let closed = policy(&format!("defaults.unix = \"deny\"\n{RULES}"));
        let pg = ["/run/pg/.s.1"];
        assert_eq!(decided(&closed, &pg, &["/other"]), by("allow", "server"));
        assert_eq!(decided(&closed, &pg, &["/x/docker"]), by("deny", "no-docker"));
        assert_eq!(decided(&closed, &["/other"], &pg), ("deny", None));
    }

    #[test]
    fn folders_are_known_by_both_names() {
        let mut policy = policy(
            "[[connect]]\nid = \"c\"\nunix = [\"/var/run/a/*.sock\", \"@x/y\", \"*z\"]\nverdict = \"deny\"\nreason = \"no\"",
        );
        let mut asked = Vec::new();
        policy.resolve_unix_folders(|folder| {
            asked.push(folder.to_owned());
            Some("/run/a".to_owned())
        });
        assert_eq!(asked, ["/var/run/a"]);
        for name in ["/var/run/a/b.sock", "/run/a/b.sock", "@x/y", "z"] {
            assert_eq!(decided(&policy, &[name], &[]).0, "deny", "{name}");
        }
        assert_eq!(decided(&policy, &["/run/b.sock"], &[]).0, "allow");
    }

    #[test]
    fn only_names_without_wildcards_are_paths() {
        let rules = policy(
            "[[connect]]\nid = \"c\"\nunix = [\"/a\", \"/b*\", \"@c\"]\nverdict = \"deny\"\nreason = \"no\"\n[[connect]]\nid = \"d\"\nunix = \"/d\"\nverdict = \"allow\"",
        );
        assert_eq!(rules.denied_unix_paths().collect::<Vec<_>>(), ["/a"]);
        assert!(rules.speaks_of_unix());
        assert!(!policy("").speaks_of_unix());
        assert!(policy("defaults.unix = \"deny\"").speaks_of_unix());
    }
}
