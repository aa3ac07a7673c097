//! Keeps deny.toml: the licences, versions and sources of every crate that is linked in or helps to build.
//!
//! The file is cargo-deny's. This checks what `cargo metadata` shows without a network: licences, bans and
//! sources. For an entry that matches nothing cargo-deny warns and this fails, so that the lists stay short.
//!
//! Known gaps: advisories are not looked up, and a licence is the one that the crate's manifest states,
//! whatever its files contain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use crate::command;
use crate::workspace::Workspace;

/// The part of cargo-deny's format that this check understands. Anything else is an error, never silently
/// ignored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rules {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Deny,
    multiple_versions_include_dev: Yes,
    skip: Vec<Entry>,
    wildcards: Deny,
    allow_wildcard_paths: bool,
    deny: Vec<Entry>,
}

/// The one level that this check has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deny {
    Deny,
}

/// The one value that this check supports: development dependencies count.
#[derive(Debug, Deserialize)]
#[serde(try_from = "bool")]
struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        if yes { Ok(Self) } else { Err("this check counts development's dependencies: say `true`") }
    }
}

/// A crate, `name` or `name@version`, and why it is listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Deny,
    unknown_git: Deny,
    allow_registry: Vec<String>,
}

/// What `cargo metadata` says, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for a crate of this workspace.
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
}

/// Compares what the workspace is built from with deny.toml.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let text =
        fs::read_to_string(workspace.path("deny.toml")).context("cannot read `deny.toml`")?;
    let rules: Rules = toml::from_str(&text).context("`deny.toml`")?;
    let mut crates = BTreeMap::new();
    for target in &rules.graph.targets {
        let mut cargo = workspace.cargo();
        cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]);
        let metadata: Metadata = serde_json::from_str(&command::output(&mut cargo)?)?;
        let built: BTreeSet<String> =
            metadata.resolve.nodes.into_iter().map(|node| node.id).collect();
        let built = metadata.packages.into_iter().filter(|package| built.contains(&package.id));
        crates.extend(built.map(|package| (package.id.clone(), package)));
    }
    let crates: Vec<Package> = crates.into_values().collect();
    let wrong: Vec<String> = [
        licences(&rules.licenses, &crates)?,
        versions(&rules.bans, &crates),
        banned(&rules.bans, &crates),
        sources(&rules.sources, &crates),
    ]
    .concat();
    if !wrong.is_empty() {
        bail!("deny.toml:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

/// Crates whose licence is not allowed, and allowed licences that no crate names.
fn licences(rules: &Licences, crates: &[Package]) -> Result<Vec<String>> {
    let parsed = rules.allow.iter().map(|name| Ok((name, Licensee::parse(name)?)));
    let allowed: Vec<(&String, Licensee)> = parsed
        .collect::<Result<_, spdx::ParseError>>()
        .context("`licenses.allow` in `deny.toml` holds something else than an SPDX licence")?;
    let mut named = BTreeSet::new();
    let mut wrong = Vec::new();
    for package in crates {
        let Package { name, version, license, .. } = package;
        let Some(license) = license else {
            wrong.push(format!("`{name}` {version} states no licence"));
            continue;
        };
        // Old manifests write `MIT/Apache-2.0` for a choice.
        let expression = Expression::parse_mode(license, ParseMode::LAX)
            .with_context(|| format!("the licence of `{name}` {version}"))?;
        let fits = expression.evaluate(|wanted| {
            let mut fitting = allowed.iter().filter(|(_, licensee)| licensee.satisfies(wanted));
            let first = fitting.next();
            named.extend(first.map(|(name, _)| *name));
            first.is_some()
        });
        if !fits {
            wrong.push(format!("`{name}` {version} is `{license}`, which is not allowed"));
        }
    }
    let stale = rules.allow.iter().filter(|name| !named.contains(name));
    wrong.extend(stale.map(|name| format!("no crate is `{name}`: drop it")));
    Ok(wrong)
}

/// Crates of which more than one version is built, but for those that are skipped, and skips that skip nothing.
fn versions(rules: &Bans, crates: &[Package]) -> Vec<String> {
    let skipped = |package: &Package| {
        let name = format!("{}@{}", package.name, package.version);
        rules.skip.iter().any(|entry| entry.name == name)
    };
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in crates.iter().filter(|package| !skipped(package)) {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    let mut wrong: Vec<String> = several
        .map(|(name, versions)| format!("`{name}` is built as {}", versions.join(" and as ")))
        .collect();
    for Entry { name, .. } in &rules.skip {
        let (crate_name, version) = name.split_once('@').unwrap_or((name, ""));
        let of_it = crates.iter().filter(|package| package.name == crate_name);
        let (this, others): (Vec<&Package>, _) = of_it.partition(|one| one.version == version);
        if this.is_empty() || others.is_empty() {
            wrong.push(format!("`{name}` need not be skipped: drop it"));
        }
    }
    wrong
}

/// Crates that may not be built at all, and dependencies of ours that take any version.
fn banned(rules: &Bans, crates: &[Package]) -> Vec<String> {
    let Bans {
        multiple_versions: Deny::Deny,
        multiple_versions_include_dev: Yes,
        wildcards: Deny::Deny,
        ..
    } = rules;
    let denied = |package: &Package| {
        let entry = rules.deny.iter().find(|entry| entry.name == package.name)?;
        Some(format!("`{}` is banned: {}", entry.name, entry.reason))
    };
    let mut wrong: Vec<String> = crates.iter().filter_map(denied).collect();
    for package in crates.iter().filter(|package| package.source.is_none()) {
        let any = package.dependencies.iter().filter(|dependency| dependency.req == "*");
        let any = any.filter(|it| it.path.is_none() || !rules.allow_wildcard_paths);
        wrong
            .extend(any.map(|it| format!("`{}` takes any version of `{}`", package.name, it.name)));
    }
    wrong
}

/// Crates from anywhere but the registries that are named.
fn sources(rules: &Sources, crates: &[Package]) -> Vec<String> {
    let Sources { unknown_registry: Deny::Deny, unknown_git: Deny::Deny, allow_registry } = rules;
    let foreign = |package: &Package| {
        let source = package.source.as_deref()?;
        let known = source
            .strip_prefix("registry+")
            .is_some_and(|registry| allow_registry.iter().any(|allowed| allowed == registry));
        (!known).then(|| format!("`{}` comes from `{source}`", package.name))
    };
    crates.iter().filter_map(foreign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, license: &str) -> Package {
        Package {
            id: format!("{name} {version}"),
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some(license.to_owned()),
            source: Some(CRATES_IO.to_owned()),
            dependencies: Vec::new(),
        }
    }

    fn rules() -> Rules {
        toml::from_str(
            r#"
            [graph]
            targets = []
            [licenses]
            allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
            [bans]
            multiple-versions = "deny"
            multiple-versions-include-dev = true
            skip = [{ crate = "syn@2.0.0", reason = "macros" }]
            wildcards = "deny"
            allow-wildcard-paths = true
            deny = [{ crate = "openssl-sys", reason = "rustls" }]
            [sources]
            unknown-registry = "deny"
            unknown-git = "deny"
            allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn one_of_a_choice_of_licences_is_enough_and_each_of_several_is_needed() {
        let exception = package("c", "1.0.0", "Apache-2.0 WITH LLVM-exception");
        let wrong = |license: &str| {
            let crates =
                [package("a", "1.0.0", "MIT"), exception.clone(), package("b", "1.0.0", license)];
            licences(&rules().licenses, &crates).unwrap()
        };
        assert_eq!(wrong("GPL-3.0-only OR MIT"), [""; 0]);
        assert_eq!(wrong("GPL-3.0-only/MIT"), [""; 0]);
        for license in ["GPL-3.0-only", "GPL-3.0-only AND MIT", "Apache-2.0"] {
            assert_eq!(wrong(license), [format!("`b` 1.0.0 is `{license}`, which is not allowed")]);
        }
        let unlicensed = Package { license: None, ..package("b", "1.0.0", "") };
        let crates = [package("a", "1.0.0", "MIT"), unlicensed];
        assert_eq!(
            licences(&rules().licenses, &crates).unwrap(),
            [
                "`b` 1.0.0 states no licence",
                "no crate is `Apache-2.0 WITH LLVM-exception`: drop it",
            ]
        );
    }

    #[test]
    fn a_second_version_needs_a_reason_and_a_reason_needs_a_second_version() {
        let syn = |version| package("syn", version, "MIT");
        let wrong = |crates: &[Package]| versions(&rules().bans, crates);
        assert_eq!(wrong(&[syn("2.0.0"), syn("3.0.0")]), [""; 0]);
        assert_eq!(
            wrong(&[syn("2.0.0"), syn("3.0.0"), syn("4.0.0")]),
            ["`syn` is built as 3.0.0 and as 4.0.0"]
        );
        for crates in [&[syn("3.0.0")][..], &[syn("2.0.0")], &[]] {
            assert_eq!(wrong(crates), ["`syn@2.0.0` need not be skipped: drop it"]);
        }
    }

    #[test]
    fn banned_crates_wildcards_and_other_sources_are_named() {
        let ours = Package {
            source: None,
            dependencies: vec![
                Dependency { name: "serde".into(), req: "*".into(), path: None },
                Dependency { name: "claw-common".into(), req: "*".into(), path: Some("/x".into()) },
            ],
            ..package("claw-agent", "0.1.0", "Apache-2.0")
        };
        let crates = [ours, package("openssl-sys", "0.9.0", "MIT")];
        assert_eq!(
            banned(&rules().bans, &crates),
            ["`openssl-sys` is banned: rustls", "`claw-agent` takes any version of `serde`"]
        );
        let elsewhere = |source: &str| {
            let crates = [Package { source: Some(source.into()), ..package("a", "1.0.0", "MIT") }];
            sources(&rules().sources, &crates)
        };
        assert_eq!(elsewhere(CRATES_IO), [""; 0]);
        for source in ["git+https://example.com/a", "registry+https://example.com/index"] {
            assert_eq!(elsewhere(source), [format!("`a` comes from `{source}`")]);
        }
    }

    #[test]
    fn a_setting_that_this_check_does_not_know_is_an_error() {
        let unknown = "[graph]\ntargets = []\nexclude = [\"a\"]\n";
        let error = toml::from_str::<Rules>(unknown).unwrap_err().to_string();
        assert!(error.contains("unknown field `exclude`"), "{error}");
    }
}
