//! gh, GitHub's own tool: the command, and what a request of `gh api` asks for.
//!
//! Input: the call, and the files it names if their content is vouched for. Output: one action of
//! the domain `gh`.
//!
//! Sources: `gh help reference` and the sources of cli/cli (`gh/options.tsv`), `pkg/cmd/api` for
//! methods, fields and bodies, `pkg/cmd/root` for aliases.
//!
//! Known gaps: an alias or an extension is opaque unless gh's configuration file is vouched for and
//! defines it on one line. Commands newer than the table are opaque.

mod effects;
mod graphql;
mod request;
mod target;

use std::sync::LazyLock;

use claw_policy::{Action, Set, domain};

use crate::call::files::Files;
use crate::call::{Call, excerpt, text};
use crate::code::git::is_harmless;
use crate::grammar::cobra::{self, Line, Unread};
use crate::loaders::Loads;
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names], &[secret("-b --body")]).behind("secret")];

/// gh's row in the registry. `hub` came before gh and is not read.
pub(crate) static TOOL: Tool = Tool {
    name: "gh",
    names: &["gh", "hub"],
    doc: "The command, its options, the host, and of `gh api` the method, path, body and GraphQL operation; opaque are aliases and extensions that no readable configuration explains, options newer than the table, documents and bodies in files that are not vouched for, and `hub`.",
    denial: Denial { prefix: "", status: 1 },
    can: Abilities::of(Family::Code),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

domain! {
    /// What a gh call asks of GitHub or does here.
    pub(crate) static DOMAIN: Gh = "gh", governed: true, sealed: true;

    /// The command with its sub-commands, aliases of gh's own resolved: `pr list`, `api`.
    COMMAND: String = "command";
    /// `local` asks nothing of a server, `checkout` has git fetch something, `download` writes files here, `secret`
    /// shows credentials, `config` changes gh's or git's settings, `program` installs or runs an extension,
    /// `remote` works inside a codespace, `browser` opens a page.
    EFFECT: String = "effect" of &[
        "browser", "checkout", "config", "destroy", "download", "local", "program", "read",
        "remote", "secret", "write",
    ];
    /// The long names of the options given.
    OPTIONS: Set = "options";
    /// The repository, where the call or the variable GH_REPO says it: `OWNER/NAME` in every spelling.
    REPOSITORY: String = "repository";
    /// The host, in lower case, where the call or the variables GH_HOST and GH_REPO say it.
    HOST: String = "host";
    /// The method of `gh api`, in upper case.
    METHOD: String = "method";
    /// The path or address of `gh api`, as given.
    PATH: String = "path";
    /// The kind of GraphQL operation that runs.
    OPERATION: String = "operation" of &["mutation", "query", "subscription"];
    /// Whether a request carries a body that is not a GraphQL document which was read.
    BODY: bool = "body";
    /// The files whose content is sent; `-` is standard input.
    FILES: Set = "files";
    /// The variables and settings that name a program this command would start here, other than a plain pager or
    /// editor.
    PROGRAMS: Set = "programs";
}

/// gh's commands and options. It looks for an alias or an extension where a word is no command, and in a group of
/// several commands too. `help` reads no options, and those of `extension exec` are the extension's, `--help` too.
static COMMANDS: LazyLock<cobra::Program> = LazyLock::new(|| {
    let is_foreign = |path: &str, children| path.is_empty() || children > 1;
    let own = cobra::Own { joins_words: false, is_foreign, raw: &["extension exec", "help"] };
    cobra::Program::new("gh", include_str!("gh/options.tsv"), own)
});

/// How many aliases may lead to one another.
const ALIASES: usize = 4;

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let words: Vec<&[u8]> = call.argv.iter().skip(1).copied().collect();
    if call.names.contains(&&b"hub"[..]) {
        return vec![Action::opaque(&DOMAIN, said(&words), "`hub` is not read")];
    }
    vec![run(call, files, &words, 0)]
}

fn said(words: &[&[u8]]) -> String {
    excerpt(&words.iter().map(|word| text(word)).collect::<Vec<_>>().join(" "))
}

fn run(call: &Call<'_>, files: &dyn Files, words: &[&[u8]], depth: usize) -> Action {
    let line = match COMMANDS.read(words) {
        Ok(line) => line,
        Err(Unread::Refused(reason)) => return Action::opaque(&DOMAIN, said(words), reason),
        Err(Unread::Foreign(name)) => return foreign(call, files, words, &name, depth),
    };
    let Some(effect) = effects::effect(&line.path) else {
        let reason = format!("what `gh {}` does is not known", line.path);
        return Action::opaque(&DOMAIN, said(words), reason);
    };
    let mut action = Action::new(&DOMAIN, said(words));
    action.set(Gh::COMMAND, line.path.as_str());
    action.set(Gh::OPTIONS, line.options.iter().map(|(name, _)| *name).collect::<Set>());
    if line.is_on("help") || line.path == "help" {
        action.set(Gh::EFFECT, "local");
        return action;
    }
    if line.path == "api" && line.words.len() != 1 {
        return Action::opaque(&DOMAIN, said(words), "`gh api` is given no endpoint, or several");
    }
    action.set(Gh::EFFECT, refine(&line, effect));
    target::aim(call, &line, &mut action);
    match programs(call, files, &line) {
        Ok(programs) => action.set(Gh::PROGRAMS, programs.into_iter().collect::<Set>()),
        Err(reason) => action.set_opaque(Gh::PROGRAMS, reason),
    }
    if line.path == "api" {
        request::read(call, files, &line, &mut action);
    } else {
        action.set(Gh::FILES, sent(&line).map(text).collect::<Set>());
    }
    action
}

/// The files whose content a command sends, beside `gh api`. `-` is standard input.
fn sent<'l, 'a: 'l>(line: &'l Line<'a>) -> impl Iterator<Item = &'a [u8]> + 'l {
    let options = ["body-file", "notes-file", "env-file"];
    let named = options.into_iter().flat_map(|option| line.values(option));
    let words: &[&[u8]] = match line.path.as_str() {
        "gist create" | "ssh-key add" | "gpg-key add" => &line.words,
        "gist edit" | "release create" | "release upload" => {
            line.words.get(1..).unwrap_or_default()
        }
        _ => &[],
    };
    // What stands behind a `#` is how an asset is shown.
    let words = words.iter().map(|word| word.split(|&byte| byte == b'#').next().unwrap_or(word));
    named.chain(words)
}

/// The effect of a command, once its options are taken into account.
fn refine(line: &Line<'_>, effect: &'static str) -> &'static str {
    match line.path.as_str() {
        "auth status" if line.is_on("show-token") => "secret",
        "browse" if line.is_on("no-browser") => "read",
        // Older versions print the token that their file of hosts holds.
        "config get" if line.words.iter().any(|word| word.eq_ignore_ascii_case(b"oauth_token")) => {
            "secret"
        }
        "issue develop" if line.is_on("list") => "read",
        "pr update-branch" => "write",
        _ => effect,
    }
}

/// The programs that the environment or gh's settings name.
fn programs(call: &Call<'_>, files: &dyn Files, line: &Line<'_>) -> Result<Vec<String>, String> {
    let opens = line.path == "browse" || line.is_on("web");
    let edits = effects::effect(&line.path) == Some("write");
    let mut names = vec!["GH_PAGER", "PAGER"];
    if opens {
        names.extend(["GH_BROWSER", "BROWSER"]);
    }
    if edits {
        names.extend(["GH_EDITOR", "GIT_EDITOR", "VISUAL", "EDITOR"]);
    }
    let mut found: Vec<String> = names
        .into_iter()
        .filter(|name| call.var(name).is_some_and(|value| !is_harmless(&text(value))))
        .map(str::to_owned)
        .collect();
    match settings(call, files) {
        Ok(Some(content)) => {
            let relevant = |key: &str| {
                key == "pager" || (key == "browser" && opens) || (key == "editor" && edits)
            };
            let content = text(content);
            let set = content
                .lines()
                .filter(|line| !line.starts_with([' ', '#']))
                .filter_map(|line| line.split_once(':'));
            for (key, value) in set {
                let value = value.trim().trim_matches(['"', '\'']);
                if (relevant(key) && !is_harmless(value))
                    || (key == "http_unix_socket" && !value.is_empty())
                {
                    found.push(key.to_owned());
                }
            }
        }
        Ok(None) => {}
        Err(path) => return Err(format!("the settings in `{}` are not read", text(&path))),
    }
    Ok(found)
}

/// gh's configuration file, as `ConfigDir` of go-gh looks for it.
///
/// # Errors
/// Its path, where it cannot be read.
fn settings<'f>(call: &Call<'_>, files: &'f dyn Files) -> Result<Option<&'f [u8]>, Vec<u8>> {
    let variable = |name| call.var(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("GH_CONFIG_DIR") {
        let path = [folder, b"/config.yml"].concat();
        return files.file(&path).named().map_err(|_| path);
    }
    let path = match (variable("XDG_CONFIG_HOME"), variable("HOME")) {
        (Some(folder), _) => [folder, b"/gh/config.yml"].concat(),
        (None, Some(home)) => [home, b"/.config/gh/config.yml"].concat(),
        (None, None) => b".config/gh/config.yml".to_vec(),
    };
    files.file(&path).sought().map_err(|_| path)
}

/// A word that is no command of gh's own: what its alias stands for, if that can be read.
fn foreign(
    call: &Call<'_>,
    files: &dyn Files,
    words: &[&[u8]],
    name: &str,
    depth: usize,
) -> Action {
    let opaque = |reason: String| Action::opaque(&DOMAIN, said(words), reason);
    let unknown =
        format!("`gh {name}` is no command that is known, perhaps an alias or an extension");
    let Ok(Some(content)) = settings(call, files) else { return opaque(unknown) };
    let unread = || opaque(format!("what the alias `{name}` becomes cannot be read"));
    let value = match alias(&text(content), name) {
        Alias::Absent => return opaque(unknown),
        Alias::Unread => return unread(),
        Alias::Value(value) if depth >= ALIASES || value.contains('$') => return unread(),
        Alias::Value(value) => value,
    };
    if value.starts_with('!') {
        let mut action = Action::new(&DOMAIN, said(words));
        action.set(Gh::COMMAND, name);
        action.set(Gh::EFFECT, "program");
        action.set(Gh::PROGRAMS, [format!("alias {name}")].into_iter().collect::<Set>());
        return action;
    }
    // The alias replaces its name, which cobra has found among the words.
    let parts: Vec<&str> = name.split(' ').collect();
    let at =
        words.iter().position(|word| parts.last().is_some_and(|last| last.as_bytes() == *word));
    let Some(at) = at.filter(|_| parts.len() == 1) else { return unread() };
    let expanded: Vec<&[u8]> = words[..at]
        .iter()
        .copied()
        .chain(value.split_whitespace().map(str::as_bytes))
        .chain(words[at + 1..].iter().copied())
        .collect();
    run(call, files, &expanded, depth + 1)
}

/// What gh's settings say of an alias.
enum Alias {
    Absent,
    /// It is written in a way that is not read.
    Unread,
    Value(String),
}

/// The alias `name`, if it is on one line of the block `aliases:` and holds nothing that YAML reads
/// differently from the eye.
fn alias(settings: &str, name: &str) -> Alias {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines = settings.lines().skip_while(|line| line.trim_end() != "aliases:").skip(1);
    let block: Vec<&str> = lines.take_while(|line| line.starts_with(' ')).collect();
    let key =
        |line: &str| Some(line.split_once(':')?.0.trim().trim_matches(['"', '\'']).to_owned());
    let Some(at) = block.iter().position(|line| key(line).as_deref() == Some(name)) else {
        return Alias::Absent;
    };
    let goes_on = block.get(at + 1).is_some_and(|next| indent(next) > indent(block[at]));
    if goes_on || indent(block[at]) != indent(block[0]) {
        return Alias::Unread;
    }
    let value = block[at].split_once(':').map_or("", |(_, value)| value.trim());
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)));
    let value = quoted.unwrap_or(value);
    let marked =
        quoted.is_none() && (value.starts_with(['|', '>', '&', '*']) || value.contains('#'));
    if value.is_empty() || marked || value.contains(['\\', '\'', '"']) {
        return Alias::Unread;
    }
    Alias::Value(value.to_owned())
}

#[cfg(test)]
mod tests;
