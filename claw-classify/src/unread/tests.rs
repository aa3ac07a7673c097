//! The table, names with versions, and what runs a client by its name.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Meant, NoFiles, TOOLS, Tools};

#[test]
fn the_corpus_has_these_facts() {
    crate::corpus::check(include_str!("../../corpus/unread.toml"));
}

fn tool(name: &[u8]) -> Option<&'static str> {
    match Tools::BUILT_IN.meant(&[name]) {
        Meant::Tool(tool) => Some(TOOLS.iter().find(|known| known.name == tool.name())?.name),
        Meant::Nothing => None,
        Meant::Disputed(..) => panic!("one name, two tools"),
    }
}

/// The effect of a call made by `caller`; none if it is no such client.
fn effect(words: &str, caller: Option<&str>) -> Option<String> {
    let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let call = Call { argv: &argv, names: &[argv[0]], caller, ..Call::default() };
    let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
    let unread = facts.actions.iter().find(|action| action.domain.name() == "unread")?;
    Some(match unread.fact("effect") {
        Some(claw_policy::Reading::Known(claw_policy::Value::Str(effect))) => effect.clone(),
        _ => "?".to_owned(),
    })
}

#[test]
fn every_row_says_what_it_is_and_no_name_stands_twice() {
    let mut seen = BTreeSet::new();
    for line in include_str!("clients.tsv").lines() {
        assert_eq!(line.split('\t').count(), 5, "{line}");
        assert!(line.split('\t').all(|column| !column.is_empty()), "{line}");
        let family = line.split('\t').next().unwrap();
        let known = FAMILIES.iter().any(|tool| tool.can.family.groups() == [family]);
        assert!(known || family == "none", "{family}");
    }
    for row in &TABLE.rows {
        for name in &row.names {
            assert!(seen.insert(*name), "`{name}` stands twice");
            assert!(
                name.trim_matches('*').len() > 1 && !name.trim_matches('*').contains('*'),
                "{name}"
            );
            let read = TOOLS.iter().find(|tool| tool.names.contains(name));
            assert!(read.is_none(), "`{name}` is read as `{}`", read.unwrap().name);
        }
        for tool in &row.helps {
            assert!(TOOLS.iter().any(|known| known.name == *tool), "{tool}");
        }
    }
    assert!(TABLE.names.len() > 1000);
}

#[test]
fn everyday_programs_are_no_clients() {
    for name in include_str!("everyday.txt").split_ascii_whitespace() {
        assert!(tool(name.as_bytes()).is_none_or(|tool| !tool.starts_with("unread")), "{name}");
    }
}

#[test]
fn a_version_or_a_platform_is_no_part_of_a_name() {
    for (name, expected) in [
        ("psql15", Some("psql")),
        ("psql-15", Some("psql")),
        ("psql_15.4", Some("psql")),
        ("psql.exe", Some("psql")),
        ("kubectl.1.33", Some("kubectl")),
        ("kubectl-1.30", Some("kubectl")),
        ("kubectl-v1.30.2-linux-amd64", Some("kubectl")),
        ("kubectl_linux_amd64", Some("kubectl")),
        ("kubectl.real", Some("kubectl")),
        ("terraform-1.5", Some("terraform")),
        ("terraform_1.9.0-rc1_linux_arm64", Some("terraform")),
        ("aws2", Some("aws")),
        ("etcdctl-3.5", Some("unread-databases")),
        ("python3.15", Some("python")),
        ("perl5.36-x86_64-linux-gnu", Some("perl")),
        ("git-2.39", Some("git")),
        ("kubectl-foo", Some("unread-clusters")),
        ("kubectl-krew", Some("kubectl-krew")),
        ("docker-credential-pass", Some("unread-containers")),
        ("terraform-provider-aws_v5.31.0_x5", None),
        ("git-absorb", None),
        ("psqlodbc-setup", None),
        ("redis6379.sh", None),
        ("zip2john", None),
        ("base64", None),
        ("md5sum", None),
        ("python3-config", None),
        ("x86_64-linux-gnu-gcc-12", None),
        ("gh2", None),
        ("15", None),
        ("-15", None),
        ("", None),
    ] {
        assert_eq!(tool(name.as_bytes()), expected, "{name}");
    }
}

#[test]
fn a_versioned_name_is_read_as_the_name() {
    for (versioned, plain) in [
        ("git-2.39 push --force", "git push --force"),
        ("kubectl.1.33 delete pod p", "kubectl delete pod p"),
        ("mysqldump8.0 app", "mysqldump app"),
        ("npx-10 prisma", "npx prisma"),
    ] {
        let actions = |words: &str| crate::corpus::shown(&crate::corpus::actions(words));
        assert_eq!(actions(versioned), actions(plain));
    }
}

#[test]
fn a_helper_is_one_only_where_its_tool_called() {
    for (words, caller) in [
        ("git-remote-https origin u", "git"),
        ("git-credential-store get", "git"),
        ("git-lfs filter-process", "git"),
        ("gke-gcloud-auth-plugin", "kubectl"),
        ("docker-credential-pass get", "docker"),
    ] {
        assert_eq!(effect(words, Some(caller)).as_deref(), Some("helper"), "{words}");
        assert_eq!(effect(words, Some("psql")).as_deref(), Some("?"), "{words}");
        assert_eq!(effect(words, None).as_deref(), Some("?"), "{words}");
    }
    assert_eq!(effect("etcdctl get k", Some("git")).as_deref(), Some("?"));
}

#[test]
fn calls_in_calls_are_not_followed_without_end() {
    let words = "hatch run ".repeat(3000) + "prisma db push";
    assert_eq!(effect(&words, None).as_deref(), Some("?"));
    let words = "npx ".repeat(3000) + "prisma db push";
    assert!(effect(&words, None).is_some());
}

proptest! {
    /// Whatever stands behind a separator, only versions and platforms leave the name in front the tool.
    #[test]
    fn only_versions_are_left_out(
        stem in prop::sample::select(vec!["psql", "git", "redis-cli", "docker", "mongosh"]),
        separator in "[-_.]",
        rest in "[a-z]{3,9}",
    ) {
        let platforms = ["linux", "amd64", "darwin", "windows", "freebsd", "static", "macos", "real", "orig", "distrib",
            "musl", "gnu", "bin", "exe", "osx", "x64", "alpha", "beta"];
        prop_assume!(!platforms.contains(&rest.as_str()));
        let name = format!("{stem}{separator}{rest}");
        let exact = TOOLS.iter().any(|tool| tool.names.contains(&name.as_str()));
        prop_assume!(!exact && exactly(name.as_bytes()).is_none() && by_pattern(name.as_bytes()).is_none());
        prop_assert_eq!(tool(name.as_bytes()), None);
    }

    #[test]
    fn a_version_behind_any_tool_changes_nothing(
        row in prop::sample::select(TOOLS.to_vec()),
        version in "[-_.]v?[0-9]{1,2}(\\.[0-9]{1,3}){0,2}",
    ) {
        let name = format!("{}{version}", row.names[0]);
        prop_assert_eq!(tool(name.as_bytes()), Some(row.name), "{}", name);
    }

    #[test]
    fn any_name_and_call_is_read(name in prop::collection::vec(any::<u8>(), 0..12), words in prop::collection::vec("[a-z@:#./ -]{0,8}", 0..5)) {
        let argv: Vec<&[u8]> = std::iter::once(&name[..]).chain(words.iter().map(String::as_bytes)).collect();
        for names in [&name[..], b"npx", b"hatch", b"python3", b"bundle"] {
            let call = Call { argv: &argv, names: &[names], ..Call::default() };
            prop_assert!(!Tools::BUILT_IN.classify(&call, &NoFiles).actions.is_empty());
        }
    }
}
