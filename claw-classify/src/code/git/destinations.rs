//! Which refs of the remote a push may change, however its refspecs spell them.
//!
//! Sources: gitrevisions(7), git-push(1), `set_refspecs` and `setup_default_push_refspecs` in `builtin/push.c`,
//! `match_explicit` and `query_refspecs` in `remote.c`, git 2.39 to 2.47.

use std::collections::BTreeSet;

use super::options::Line;
use super::push::Known;
use crate::call::text;

/// Why the branch that is checked out is not known.
const NO_HEAD: &str = "which branch is checked out is not known";

/// The refs that a push with these options and refspecs may change. A branch stands by its short name, another ref by
/// its whole one, and `*` for all branches.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn branches(
    line: &Line<'_>,
    remote: Option<&str>,
    specs: &[&[u8]],
    known: &Known,
) -> Result<BTreeSet<String>, String> {
    if let Some(why) = &known.unread {
        return Err(why.clone());
    }
    let mut found = BTreeSet::new();
    let (all, mirror) = (line.is_on("all") || line.is_on("branches"), line.is_on("mirror"));
    if all || mirror || line.is_on("prune") {
        found.insert("*".to_owned());
    }
    if mirror || line.is_on("tags") || line.is_on("follow-tags") {
        found.insert("refs/tags/*".to_owned());
    }
    if mirror {
        found.insert("refs/*".to_owned());
    }
    let mut words = specs.iter().map(|spec| text(spec));
    let mut asks = false;
    while let Some(word) = words.next() {
        asks = true;
        if word == "tag"
            && let Some(tag) = words.next()
        {
            found.insert(format!("refs/tags/{tag}"));
        } else if line.is_on("delete") {
            found.extend(refs(&word));
        } else {
            found.extend(refspec(&word, remote, known)?);
        }
    }
    // `--tags` pushes tags beside what would be pushed without it.
    if !asks && !all && !mirror {
        found.extend(by_settings(remote, known)?);
    }
    Ok(found)
}

/// What one refspec changes.
fn refspec(spec: &str, remote: Option<&str>, known: &Known) -> Result<Vec<String>, String> {
    let spec = spec.strip_prefix(['+', '^']).unwrap_or(spec);
    match spec.split_once(':') {
        Some(("", "")) => Err("a lone `:` pushes what both sides have".to_owned()),
        Some((source, "")) => same_name(source, known),
        Some((_, destination)) => Ok(refs(destination)),
        None => {
            // Settings may lead a branch to another name.
            if of_remote(remote, known).next().is_some() {
                return Err("settings of the remote say where its refs go".to_owned());
            }
            let own = same_name(spec, known)?;
            match (push_default(known).as_deref(), &own[..]) {
                (Some("upstream" | "tracking"), [branch]) => Ok(vec![upstream(branch, known)?]),
                (Some("upstream" | "tracking"), _) => {
                    Err(format!("which branch `{spec}` is and follows is not known"))
                }
                _ => Ok(own),
            }
        }
    }
}

/// The ref of this name on the other side.
fn same_name(source: &str, known: &Known) -> Result<Vec<String>, String> {
    match source {
        "HEAD" | "@" => Ok(vec![head(known)?]),
        // It could be anything that names a commit, and git refuses what has no name there.
        source => Ok(refs(source)),
    }
}

/// What a push without refspecs changes.
fn by_settings(remote: Option<&str>, known: &Known) -> Result<Vec<String>, String> {
    let mut of_remote = of_remote(remote, known).peekable();
    if of_remote.peek().is_some() {
        let each = of_remote.map(|spec| refspec(&spec, None, &Known::default()));
        return Ok(each.collect::<Result<Vec<_>, _>>()?.concat());
    }
    match push_default(known).as_deref() {
        Some("nothing") => Ok(Vec::new()),
        Some("matching") => Err("`push.default` is `matching`: what both sides have".to_owned()),
        Some("upstream" | "tracking") => upstream(&head(known)?, known).map(|branch| vec![branch]),
        // `simple` refuses another name, and an unknown value too.
        Some(_) | None => head(known).map(|branch| vec![branch]),
    }
}

/// The refspecs that settings of the remote give, or those of every remote where none is named.
fn of_remote<'k>(remote: Option<&'k str>, known: &'k Known) -> impl Iterator<Item = String> + 'k {
    let own = known.of_remote("push").filter(move |(of, _)| remote.is_none_or(|name| name == *of));
    own.map(|(_, setting)| setting.text())
}

fn push_default(known: &Known) -> Option<String> {
    let mut all = known.settings.iter().filter(|setting| setting.key == "push.default");
    all.next_back().map(|setting| setting.text().to_ascii_lowercase())
}

/// The branch that `branch` follows.
fn upstream(branch: &str, known: &Known) -> Result<String, String> {
    let key = format!("branch.{branch}.merge");
    let mut merges = known.settings.iter().filter(|setting| setting.key == key);
    match (merges.next(), merges.next()) {
        (Some(merge), None) => {
            let merge = merge.text();
            Ok(merge.strip_prefix("refs/heads/").unwrap_or(&merge).to_owned())
        }
        _ => Err(format!("which branch `{branch}` follows is not known")),
    }
}

/// The branch that is checked out.
///
/// # Errors
/// [`NO_HEAD`].
pub(super) fn head(known: &Known) -> Result<String, String> {
    let head = known.head.as_deref().ok_or(NO_HEAD)?;
    Ok(head.strip_prefix("refs/heads/").unwrap_or(head).to_owned())
}

/// The refs that a name may stand for on the remote, a branch by its short name. `heads/main` is the branch `main` where
/// the remote has that, and becomes the branch `heads/main` where it has not. A plain name is that of a branch, unless
/// the remote has only another ref of that name.
fn refs(name: &str) -> Vec<String> {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        // A branch may be called `refs/tags/v1`, which is no tag.
        let own = if branch.starts_with("refs/") { name } else { branch };
        return vec![own.to_owned()];
    }
    let mut found = vec![name.to_owned()];
    if let Some(branch) = name.strip_prefix("heads/") {
        found.push(branch.to_owned());
    } else if name.starts_with("tags/") {
        found.push(format!("refs/{name}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use claw_policy::{Reading, Value};

    use crate::call::Call;
    use crate::call::files::{File, Files};
    use crate::{NoFiles, Tools};

    /// A repository on the branch `agent/x`, with these settings.
    #[derive(Debug)]
    struct Repository(&'static str);

    impl Files for Repository {
        fn file(&self, path: &[u8]) -> File<'_> {
            match path {
                b"." => File::folder(b"/w"),
                b"/w/.git" => File::folder(b"/w/.git"),
                b"/w/.git/HEAD" => File::content(b"ref: refs/heads/agent/x\n"),
                b"/w/.git/objects" | b"/w/.git/refs" => File::folder(b"/w/.git/x"),
                b"/w/.git/config" => File::content(self.0.as_bytes()),
                _ => File::ABSENT,
            }
        }
    }

    const ORIGIN: &str = "[remote \"origin\"]\n\turl = https://h/r\n";

    fn branches(words: &str, files: &dyn Files) -> String {
        let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let call = Call { argv: &argv, names: &[b"git"], ..Call::default() };
        match Tools::BUILT_IN.classify(&call, files).actions[1].fact("branches") {
            Some(Reading::Known(Value::Set(found))) => {
                found.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            Some(Reading::Opaque(_)) => "?".to_owned(),
            other => panic!("{words}: {other:?}"),
        }
    }

    #[test]
    fn every_spelling_of_a_branch_is_that_branch() {
        for spelling in [
            "main",
            "refs/heads/main",
            "+main",
            "main:main",
            "x:main",
            "HEAD:main",
            "+HEAD:main",
            "agent/x:main",
            "agent/x:refs/heads/main",
            "+agent/x:refs/heads/main",
            ":main",
            ":refs/heads/main",
            "abc123:main",
            "@:main",
        ] {
            for line in
                ["git push origin", "git push -f origin", "git push --force-with-lease origin"]
            {
                let line = format!("{line} {spelling}");
                assert_eq!(branches(&line, &Repository(ORIGIN)), "main", "{line}");
                assert_eq!(branches(&line, &NoFiles), "main", "{line}, which nobody looked at");
            }
        }
        assert_eq!(branches("git push --delete origin main", &Repository(ORIGIN)), "main");
        assert_eq!(branches("git push -d origin refs/heads/main", &Repository(ORIGIN)), "main");
    }

    #[test]
    fn a_lease_on_the_branch_that_is_checked_out_is_told_from_force() {
        for (line, leased, own) in [
            ("git push --force-with-lease", true, true),
            ("git push --force-with-lease origin HEAD", true, true),
            ("git push --force-with-lease origin agent/x", true, true),
            ("git push --force-with-lease -f origin agent/x", false, true),
            ("git push --force-with-lease origin +agent/x", false, true),
            ("git push --force-with-lease origin main", true, false),
            ("git push --force-with-lease origin agent/x main", true, false),
            ("git push --force-with-lease --mirror origin", false, false),
            ("git push origin agent/x", false, true),
        ] {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let call = Call { argv: &argv, names: &[b"git"], ..Call::default() };
            let facts = Tools::BUILT_IN.classify(&call, &Repository(ORIGIN));
            for (name, value) in [("leased", leased), ("own_branch", own)] {
                let found = facts.actions[1].fact(name);
                assert_eq!(found, Some(Reading::Known(&Value::Bool(value))), "{line}: {name}");
            }
        }
    }

    #[test]
    fn other_refs_are_told_apart() {
        for (line, expected) in [
            ("git push origin agent/x agent/y:main", "agent/x main"),
            ("git push origin refs/tags/agent/v1", "refs/tags/agent/v1"),
            ("git push origin tags/agent/v1", "refs/tags/agent/v1 tags/agent/v1"),
            ("git push origin main:tags/v1", "refs/tags/v1 tags/v1"),
            ("git push origin main:refs/heads/tags/v1", "tags/v1"),
            ("git push origin refs/heads/tags/v1", "tags/v1"),
            ("git push origin refs/heads/refs/tags/v1", "refs/heads/refs/tags/v1"),
            ("git push origin heads/main", "heads/main main"),
            ("git push origin agent/x:heads/main", "heads/main main"),
            ("git push origin tag agent/v1", "refs/tags/agent/v1"),
            ("git push --all origin", "*"),
            ("git push --tags origin agent/x", "agent/x refs/tags/*"),
            ("git push --mirror origin", "* refs/* refs/tags/*"),
            ("git push origin refs/heads/*:refs/heads/*", "*"),
            ("git push origin :", "?"),
        ] {
            assert_eq!(branches(line, &Repository(ORIGIN)), expected, "{line}");
        }
    }

    #[test]
    fn the_branch_that_is_checked_out_counts_where_none_is_named() {
        const LED: &str =
            "[remote \"origin\"]\n\turl = h\n\tpush = refs/heads/*:refs/heads/other/*\n";
        const UPSTREAM: &str = "[push]\n\tdefault = upstream\n[branch \"agent/x\"]\n\tremote = origin\n\tmerge = refs/heads/main\n";
        for line in ["git push", "git push origin", "git push origin HEAD", "git push -u origin @"]
        {
            assert_eq!(branches(line, &Repository(ORIGIN)), "agent/x", "{line}");
            assert_eq!(branches(line, &Repository(UPSTREAM)), "main", "{line}");
            assert_eq!(branches(line, &NoFiles), "?", "{line}");
        }
        assert_eq!(branches("git push", &Repository(LED)), "other/*");
        assert_eq!(branches("git push origin HEAD", &Repository(LED)), "?");
        assert_eq!(branches("git push", &Repository("[push]\n\tdefault = matching\n")), "?");
        assert_eq!(branches("git push", &Repository("[push]\n\tdefault = nothing\n")), "");
        assert_eq!(branches("git -c push.default=matching push", &Repository(ORIGIN)), "?");
    }
}
