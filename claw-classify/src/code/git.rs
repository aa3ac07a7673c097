//! git: the command, what it does to other repositories, and every program a call names.
//!
//! Input: the call, and configuration files if their content is vouched for. Output: one action of
//! the domain `git`, and one more for each alias that the call defines, with what the alias stands
//! for.
//!
//! Sources: git 2.47's manual pages and help (`git/options.tsv`), `git.c` for global options and
//! aliases, `parse-options.c`, `builtin/push.c`, `remote.c`, `config.c`.
//!
//! The helpers of git (`git remote-https`, `git credential-store` and others) do what git tells them on standard input:
//! a call by hand is a push of which nothing is known, or shows a secret. That git itself made the call is known live.
//!
//! Known gaps: hooks, attributes and drivers of a repository run as programs of their own and are judged when they start.
//! The machine's settings are looked for in `/etc/gitconfig` alone.

mod commands;
mod config;
mod destinations;
mod discovery;
mod options;
mod push;
mod walk;
mod words;

use claw_policy::{Action, Set, domain};

use crate::loaders::Loads;
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
pub(crate) use config::is_harmless;
use walk::{Start, Walk};

/// git's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "git",
    names: &[
        "git",
        "git-daemon",
        "git-fetch-pack",
        "git-http-backend",
        "git-http-push",
        "git-imap-send",
        "git-push",
        "git-receive-pack",
        "git-send-email",
        "git-send-pack",
        "git-subtree",
        "git-svn",
        "git-upload-archive",
        "git-upload-pack",
    ],
    doc: "Global options, the command with every abbreviation of its options, refspecs, settings given by options and variables, aliases of the call and of readable configuration files; opaque are options that git's help does not show, settings from files that are not vouched for, and scripts that push.",
    denial: Denial { prefix: "fatal: ", status: 128 },
    can: Abilities::of(Family::Code),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

domain! {
    /// What a git call does, or what an alias that it defines would do.
    pub(crate) static DOMAIN: Git = "git", governed: true, sealed: true;

    /// The command, with its sub-command where it has one: `push`, `remote add`, `stash push`.
    COMMAND: String = "command";
    /// `local` changes the repository or the work tree, `fetch` reads another repository, `push` sends to one,
    /// `remote` changes where remotes or addresses lead, `config` changes other settings, `program` starts the
    /// program it names, `secret` shows credentials, `serve` answers others, `delegate` leaves it to an alias or a
    /// program called `git-COMMAND`, which is judged when it starts.
    EFFECT: String = "effect" of &[
        "config", "delegate", "fetch", "local", "program", "push", "read", "remote", "secret",
        "serve",
    ];
    /// The long names of the options, for commands whose options are read.
    OPTIONS: Set = "options";
    /// The remote or address of a push, fetch or clone, where the call or a setting that is known names it.
    REMOTE: String = "remote";
    /// What `remote` is.
    REMOTE_KIND: String = "remote_kind" of &["name", "path", "url"];
    /// Whether a push goes to a configured remote. A word that can only be a name counts as one where the
    /// repository's settings are not known; an address does not.
    REMOTE_CONFIGURED: bool = "remote_configured";
    /// The refspecs of a push, as given.
    REFSPECS: Set = "refspecs";
    /// The branches of the remote that a push may change, by their short names, however the refspecs, options and
    /// settings spell them: `main` for `x:main`, `+HEAD:refs/heads/main` and `--delete main`, and the branch that is
    /// checked out where none is named. Other refs stand by their whole names (`refs/tags/v1`), and `*` for all branches.
    BRANCHES: Set = "branches";
    /// Whether a push may overwrite what is there: by option, by `+`, by mirroring, or by a setting.
    FORCED: bool = "forced";
    /// Whether a push overwrites by `--force-with-lease` alone: only what this repository has seen.
    LEASED: bool = "leased";
    /// Whether a push changes the branch that is checked out, under its own name, and nothing else.
    OWN_BRANCH: bool = "own_branch";
    /// Whether a push may delete refs: by option, by an empty source, by pruning, by mirroring, or by a setting.
    DELETES: bool = "deletes";
    /// Whether a push sends nothing.
    DRY_RUN: bool = "dry_run";
    /// The options, settings and variables whose value is a program, or a place programs come from, that is more
    /// than a plain pager, editor, ssh or nothing at all.
    PROGRAMS: Set = "programs";
    /// The keys of the settings given for this call alone: `-c`, `--config-env`, variables, `clone --config`.
    SETTINGS: Set = "settings";
    /// Whether a setting given for this call changes where a remote or an address leads.
    REDIRECTS: bool = "redirects";
    /// The keys and sections that `git config` writes or removes.
    WRITTEN: Set = "written";
    /// Whether a command drops commits or refs of this repository of which nothing else may be left: `update-ref -d`,
    /// what expires or deletes reflogs, prunes at once, clears stashes or rewrites all branches.
    DISCARDS: bool = "discards";
    /// The file that a command which shows something writes to, or that a trace goes to.
    OUTPUT: String = "output";
    /// The folder that `-C` names.
    DIRECTORY: String = "directory";
    /// The repository, where the call or the variable GIT_DIR says it.
    GIT_DIR: String = "git_dir";
}

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let name = call.argv.first().copied().unwrap_or(b"git");
    let name = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
    // git called as `git-push` is `git push`, whatever else the file is called.
    let dashed = name.strip_prefix(b"git-").filter(|name| !name.is_empty());
    let words: Vec<&[u8]> = dashed.into_iter().chain(call.argv.iter().skip(1).copied()).collect();
    let mut walk = Walk { call, files, found: Vec::new() };
    let base = match config::from_environment(call) {
        Ok(settings) => Start { settings, ..Start::default() },
        Err(reason) => return vec![Action::opaque(&DOMAIN, walk::said(&words), reason)],
    };
    if dashed.is_some() {
        walk.command(&words, base, 0);
    } else {
        walk.globals(&words, base, 0);
    }
    walk.found
}

#[cfg(test)]
mod tests;
