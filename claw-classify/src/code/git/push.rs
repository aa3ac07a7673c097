//! Where a push goes and what it does there.
//!
//! Sources: git-push(1), `builtin/push.c`, `builtin/send-pack.c`, `refspec.c`, `remote.c`.

use std::collections::BTreeSet;

use claw_policy::{Action, Set};

use super::Git;
use super::config::{self, Setting, Source};
use super::destinations;
use super::options::{self, Line, Unknown};
use crate::call::text;

/// Settings of the repository and of the call, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Every setting, those of the call last.
    pub(super) settings: Vec<Setting>,
    /// Whether the repository's own configuration file is among them.
    pub(super) repository: bool,
    /// Why settings may be missing among them: a file of them could not be read.
    pub(super) unread: Option<String>,
    /// The ref that is checked out; none if that is not known, or if it is no branch.
    pub(super) head: Option<String>,
}

impl Known {
    pub(super) fn of_remote<'s>(
        &'s self,
        variable: &'s str,
    ) -> impl Iterator<Item = (&'s str, &'s Setting)> {
        self.settings.iter().filter_map(move |setting| {
            let (head, tail) = setting.key.rsplit_once('.')?;
            let name = head.strip_prefix("remote.")?;
            (tail == variable).then_some((name, setting))
        })
    }
}

/// The kind of place that a word names, by the rules of `remote.c`.
pub(super) fn place(word: &[u8], known: &Known) -> &'static str {
    let word_text = text(word);
    let mut configured =
        known.of_remote("url").filter(|(_, setting)| setting.from != Source::Perhaps);
    if configured.any(|(name, _)| name == word_text) || word == b"." {
        return "name";
    }
    let colon = word.iter().position(|&byte| byte == b':');
    let slash = word.iter().position(|&byte| byte == b'/');
    match (colon, slash) {
        (Some(colon), Some(slash)) if colon < slash => "url",
        (Some(_), None) => "url",
        (_, Some(_)) => "path",
        (None, None) if !config::is_name(word) || known.repository => "path",
        (None, None) => "name",
    }
}

/// The transport helper of `HELPER::ADDRESS`.
pub(super) fn helper(word: &[u8]) -> Option<&str> {
    let at = word.windows(2).position(|pair| pair == b"::")?;
    let name = str::from_utf8(&word[..at]).ok()?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .then_some(name)
}

/// What refspecs ask for beyond an ordinary update.
#[derive(Debug, Default, Clone, Copy)]
struct Asked {
    forced: bool,
    deletes: bool,
    /// Whether a refspec begins with `+`, or the remote is mirrored by a setting.
    plus: bool,
}

impl Asked {
    fn refspec(&mut self, spec: &[u8]) {
        let (forced, rest) = match spec.strip_prefix(b"+") {
            Some(rest) => (true, rest),
            None => (false, spec),
        };
        self.forced |= forced;
        self.plus |= forced;
        // A lone colon pushes what both sides have.
        self.deletes |= rest.len() > 1 && rest.starts_with(b":");
    }
}

/// Reads `git push`.
///
/// # Errors
/// If git would refuse the words.
pub(super) fn push<'a>(
    words: &[&'a [u8]],
    known: &Known,
    action: &mut Action,
) -> Result<Line<'a>, String> {
    let line = options::read("push", words, Unknown::Refuse)?;
    let mut operands = line.operands.iter().copied();
    let remote = operands.next().or_else(|| line.value("repo")).filter(|word| !word.is_empty());
    let specs: Vec<&[u8]> = operands.collect();
    let mut asked = Asked {
        forced: line.is_on("force") || line.is_on("force-with-lease") || line.is_on("mirror"),
        deletes: line.is_on("delete") || line.is_on("prune") || line.is_on("mirror"),
        plus: false,
    };
    for spec in &specs {
        asked.refspec(spec);
    }
    let name = remote.map(text);
    let concerns = |of: &str| name.as_ref().is_none_or(|name| name == of);
    if specs.is_empty() {
        for (_, setting) in known.of_remote("push").filter(|(of, _)| concerns(of)) {
            asked.refspec(setting.text().as_bytes());
        }
    }
    if known.of_remote("mirror").any(|(of, setting)| concerns(of) && setting.is_true()) {
        asked = Asked { forced: true, deletes: true, plus: true };
    }
    action.set(Git::FORCED, asked.forced);
    action.set(Git::DELETES, asked.deletes);
    action.set(Git::DRY_RUN, line.is_on("dry-run"));
    action.set(Git::REFSPECS, specs.iter().map(|spec| text(spec)).collect::<Set>());
    let by_force = line.is_on("force") || line.is_on("mirror") || asked.plus;
    action.set(Git::LEASED, line.is_on("force-with-lease") && !by_force);
    match destinations::branches(&line, name.as_deref(), &specs, known) {
        Ok(branches) => {
            let own = destinations::head(known).map(|head| branches.iter().eq([&head]));
            match own {
                Ok(own) => action.set(Git::OWN_BRANCH, own),
                Err(why) => action.set_opaque(Git::OWN_BRANCH, why),
            }
            action.set(Git::BRANCHES, branches);
        }
        Err(why) => {
            action.set_opaque(Git::OWN_BRANCH, why.clone());
            action.set_opaque(Git::BRANCHES, why);
        }
    }
    match remote {
        Some(_) => aim(remote, known, action),
        None => aim_by_settings(known, action),
    }
    Ok(line)
}

/// Where a push goes that names no remote: the branch's own or the default one. Which branch it is,
/// is not known here, so every setting counts, and an address among them counts more than a name.
fn aim_by_settings(known: &Known, action: &mut Action) {
    let chosen = known.settings.iter().filter(|setting| setting.chooses_remote());
    let chosen: BTreeSet<Vec<u8>> = chosen.map(|setting| setting.text().into_bytes()).collect();
    let address = chosen.iter().find(|value| place(value, known) != "name");
    let first = chosen.first().filter(|_| chosen.len() == 1);
    aim(address.or(first).map(Vec::as_slice), known, action);
    if address.is_none() && chosen.len() > 1 {
        action.set_opaque(Git::REMOTE, "which of several remotes it is depends on the branch");
    }
}

/// Reads `git send-pack`, the plumbing that always takes an address.
///
/// # Errors
/// If git would refuse the words.
pub(super) fn send_pack<'a>(
    words: &[&'a [u8]],
    known: &Known,
    action: &mut Action,
) -> Result<Line<'a>, String> {
    let line = options::read("send-pack", words, Unknown::Refuse)?;
    if line.is_on("stateless-rpc") {
        // It speaks over its own standard input and output, to the helper that has the connection.
        action.set(Git::EFFECT, "local");
        return Ok(line);
    }
    let mut operands = line.operands.iter().copied();
    let address = operands.next();
    let mut asked = Asked {
        forced: line.is_on("force") || line.is_on("force-with-lease") || line.is_on("mirror"),
        deletes: line.is_on("mirror"),
        plus: false,
    };
    let specs: Vec<&[u8]> = operands.collect();
    for spec in &specs {
        asked.refspec(spec);
    }
    action.set(Git::REFSPECS, specs.iter().map(|spec| text(spec)).collect::<Set>());
    action.set(Git::DRY_RUN, line.is_on("dry-run"));
    match line.is_on("stdin") {
        true => action.set_opaque(Git::BRANCHES, "the refs come from standard input"),
        // It knows no settings of remotes.
        false => match destinations::branches(&line, None, &specs, &Known::default()) {
            Ok(branches) => action.set(Git::BRANCHES, branches),
            Err(why) => action.set_opaque(Git::BRANCHES, why),
        },
    }
    if line.is_on("stdin") {
        let reason = "the refs come from standard input";
        action.set_opaque(Git::FORCED, reason);
        action.set_opaque(Git::DELETES, reason);
    } else {
        action.set(Git::FORCED, asked.forced);
        action.set(Git::DELETES, asked.deletes);
    }
    aim(address, known, action);
    // Here a name is not looked up: it is an address.
    action.set(Git::REMOTE_KIND, if address.is_some_and(config::is_name) { "path" } else { "url" });
    action.set(Git::REMOTE_CONFIGURED, false);
    Ok(line)
}

/// Where the push goes. Without a word for it git takes a configured remote.
pub(super) fn aim(remote: Option<&[u8]>, known: &Known, action: &mut Action) {
    let Some(remote) = remote else {
        action.set(Git::REMOTE_CONFIGURED, true);
        return;
    };
    let kind = place(remote, known);
    let shown = text(remote);
    let mut addresses = known.of_remote("url").chain(known.of_remote("pushurl"));
    let configured = kind == "name" || addresses.any(|(_, setting)| setting.text() == shown);
    action.set(Git::REMOTE, shown.into_owned());
    action.set(Git::REMOTE_KIND, kind);
    action.set(Git::REMOTE_CONFIGURED, configured);
}
