//! ssh, scp and sftp: another host's command, tunnels, and the programs their options name.
//!
//! Sources: ssh(1), scp(1), sftp(1) of OpenSSH 9, ssh_config(5). `ssh` reads options after the host
//! too, as long as they come before the command.

use std::collections::BTreeSet;

use claw_policy::Action;

use super::{DOMAIN, Net, action, host_of, words};
use crate::call::{Call, Stdin, excerpt, text};
use crate::inner::Inner;
use crate::loaders::Loads;
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use crate::writes;

/// ssh's row in the registry.
pub(crate) static SSH: Tool = Tool {
    name: "ssh",
    names: &["ssh", "slogin", "autossh", "mosh"],
    doc: "The options, the host and the command there are read; configuration files are not.",
    denial: Denial { prefix: "ssh: ", status: 255 },
    can: Abilities::of(Family::Remote),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(ssh),
};

/// scp's row in the registry.
pub(crate) static SCP: Tool = Tool {
    name: "scp",
    names: &["scp"],
    doc: "The options and whether any operand is on another host.",
    denial: Denial { prefix: "scp: ", status: 1 },
    can: Abilities::of(Family::Remote),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| vec![scp(context.call)]),
};

/// sftp's row in the registry.
pub(crate) static SFTP: Tool = Tool {
    name: "sftp",
    names: &["sftp"],
    doc: "The options and the host; what a batch file moves is not read.",
    denial: Denial { prefix: "sftp: ", status: 1 },
    can: Abilities::of(Family::Remote),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| vec![sftp(context.call)]),
};

/// A command line, sorted.
#[derive(Default)]
struct Line<'a> {
    /// Letter and value.
    options: Vec<(u8, &'a [u8])>,
    operands: Vec<&'a [u8]>,
    refused: bool,
}

/// Reads options as getopt(3) does. `again` looks for options after the first operand once more, as
/// ssh does; the words after the second are the command.
fn read<'a>(argv: &[&'a [u8]], values: &[u8], switches: &[u8], again: bool) -> Line<'a> {
    let mut line = Line::default();
    let mut at = 1;
    while let Some(&word) = argv.get(at) {
        at += 1;
        if word == b"--" {
            if again && line.operands.is_empty() {
                // The host may still be followed by options.
                continue;
            }
            line.operands.extend(&argv[at..]);
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            line.operands.push(word);
            if line.operands.len() > 1 && again {
                line.operands.extend(&argv[at..]);
                break;
            }
            continue;
        }
        for (offset, letter) in word.iter().enumerate().skip(1) {
            if switches.contains(letter) {
                line.options.push((*letter, b""));
            } else if values.contains(letter) {
                let rest = &word[offset + 1..];
                let value = if rest.is_empty() { argv.get(at).copied() } else { Some(rest) };
                at += usize::from(rest.is_empty());
                match value {
                    Some(value) => line.options.push((*letter, value)),
                    None => line.refused = true,
                }
                break;
            } else {
                line.refused = true;
                break;
            }
        }
    }
    line
}

/// What the `-o` options do here: programs and tunnels (ssh_config(5)).
fn configured(line: &Line<'_>, programs: &mut BTreeSet<String>) -> bool {
    const PROGRAMS: &[&str] = &[
        "include",
        "knownhostscommand",
        "localcommand",
        "match",
        "pkcs11provider",
        "proxycommand",
        "proxyusefdpass",
        "securitykeyprovider",
        "smartcarddevice",
        "xauthlocation",
    ];
    const TUNNELS: &[&str] =
        &["dynamicforward", "localforward", "proxyjump", "remoteforward", "tunnel", "forwardagent"];
    let mut tunnels = false;
    for (_, value) in line.options.iter().filter(|(letter, _)| *letter == b'o') {
        let value = text(value);
        let name = value.trim_start();
        let end = name.find(|char: char| char == '=' || char.is_whitespace()).unwrap_or(name.len());
        let name = name[..end].trim_matches('"').to_ascii_lowercase();
        let off = value.to_ascii_lowercase().ends_with("none")
            || value.to_ascii_lowercase().ends_with("no");
        if PROGRAMS.contains(&name.as_str()) && !off {
            programs.insert(name);
        } else if TUNNELS.contains(&name.as_str()) && !off {
            tunnels = true;
        }
    }
    tunnels
}

fn ssh(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let line = read(call.argv, b"BbcDEeFIiJLlmOopPQRSWw", b"1246AaCfGgKkMNnqsTtVvXxYy", true);
    let has = |letter: u8| line.options.iter().any(|(known, _)| *known == letter);
    if has(b'V') || has(b'Q') {
        return vec![action(call, "local")];
    }
    if line.refused {
        let reason = "ssh would refuse an option, or it is not known";
        return vec![Action::opaque(&DOMAIN, words(call), reason)];
    }
    let mut programs = BTreeSet::new();
    let tunnels = configured(&line, &mut programs);
    for (letter, name) in [(b'F', "config"), (b'I', "pkcs11"), (b'S', "control"), (b'O', "control")]
    {
        if has(letter) {
            programs.insert(name.to_owned());
        }
    }
    if has(b'G') && programs.is_empty() || line.operands.is_empty() {
        return vec![action(call, "local")];
    }
    let command: Vec<_> = line.operands.iter().skip(1).map(|word| text(word)).collect();
    let command = command.join(" ");
    let service = git_service(&command);
    let effect = if !programs.is_empty() {
        "program"
    } else if tunnels || b"LRDWwJ".iter().any(|letter| has(*letter)) {
        "forward"
    } else if service.is_some() {
        "git"
    } else {
        "remote"
    };
    let mut found = action(call, effect);
    found.set(Net::PROGRAMS, programs);
    place(&mut found, line.operands.first().copied().unwrap_or_default());
    if let Some((_, user)) = line.options.iter().find(|(letter, _)| *letter == b'l') {
        found.set(Net::USER, text(user).into_owned());
    }
    if !command.is_empty() {
        found.set(Net::COMMAND, excerpt(&command));
    }
    if let Some(service) = service {
        found.set(Net::GIT_SERVICE, service);
    }
    let mut actions = vec![found];
    if effect != "git" {
        // The shell there reads the words as one text.
        let text = line.operands[1..].join(&b' ');
        let stdin = if has(b'n') || has(b'f') { Stdin::Null } else { call.stdin() };
        if let Some(inner) = Inner::of_text(context.tools, &text, stdin) {
            inner.behind(&mut actions, Net::TOOL);
        }
    }
    actions
}

/// The git service that a command is, as git itself writes it: the service and a quoted path.
fn git_service(command: &str) -> Option<&'static str> {
    const SERVICES: &[&str] = &["git-upload-pack", "git-receive-pack", "git-upload-archive"];
    let (service, path) = command.split_once(' ')?;
    let path = path.strip_prefix('\'')?.strip_suffix('\'')?;
    let plain =
        !path.is_empty() && !path.contains(['\'', '\n', '!', '\\']) && !path.starts_with('-');
    SERVICES.iter().find(|known| **known == service && plain).copied()
}

fn place(found: &mut Action, destination: &[u8]) {
    let destination = text(destination);
    let bare = destination.strip_prefix("ssh://").unwrap_or(&destination);
    let (user, host) = match bare.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, bare),
    };
    found.set(Net::HOST, host.to_ascii_lowercase());
    if let Some(user) = user {
        found.set(Net::USER, user);
    }
}

fn scp(call: &Call<'_>) -> Action {
    let line = read(call.argv, b"cDFiJloPSX", b"12346ABCOpqRrsTv", false);
    if line.refused {
        return Action::opaque(
            &DOMAIN,
            words(call),
            "scp would refuse an option, or it is not known",
        );
    }
    copies(call, &line)
}

fn copies(call: &Call<'_>, line: &Line<'_>) -> Action {
    let mut programs = BTreeSet::new();
    configured(line, &mut programs);
    for (letter, name) in [(b'S', "S"), (b'D', "D"), (b'F', "config")] {
        if line.options.iter().any(|(known, _)| *known == letter) {
            programs.insert(name.to_owned());
        }
    }
    writes::note_destination(call, |word| host_of(&text(word)).is_some());
    let operands: Vec<_> = line.operands.iter().map(|word| text(word)).collect();
    let Some((user, host)) = operands.iter().find_map(|operand| host_of(operand)) else {
        return action(call, "local");
    };
    let mut found = action(call, if programs.is_empty() { "copy" } else { "program" });
    found.set(Net::PROGRAMS, programs);
    found.set(Net::HOST, host.to_ascii_lowercase());
    if let Some(user) = user {
        found.set(Net::USER, user);
    }
    found
}

fn sftp(call: &Call<'_>) -> Action {
    let line = read(call.argv, b"BbcDFiJlmoPRSsX", b"1246AaCfNpqrv", false);
    if line.refused {
        return Action::opaque(
            &DOMAIN,
            words(call),
            "sftp would refuse an option, or it is not known",
        );
    }
    let mut programs = BTreeSet::new();
    configured(&line, &mut programs);
    for letter in *b"DFSs" {
        if line.options.iter().any(|(known, _)| *known == letter) {
            programs.insert(char::from(letter).to_string());
        }
    }
    let mut found = action(call, if programs.is_empty() { "copy" } else { "program" });
    found.set(Net::PROGRAMS, programs);
    let operand = line.operands.first().copied().unwrap_or_default();
    // What is fetched lands in the working directory, or where the commands say.
    call.writes_into("");
    place(&mut found, operand.split(|&byte| byte == b':').next().unwrap_or(operand));
    found
}
