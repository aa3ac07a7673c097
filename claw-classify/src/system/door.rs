//! Doors out of the guarded tree: programs that have others do the work, or do it as somebody else.
//!
//! Input: the call. Output: one action of the domain `door`. Each of these tools can ask something
//! that already runs (a service manager, a scheduler, a terminal's server, a bus, a debugged
//! process) to act, or can change user, root or namespaces. claw cannot see what that then does. So
//! only calls that show something are recognised, by the words their manuals give. Every other call
//! has the tool's own effect.
//!
//! Sources: sudo(8), su(1), runuser(1), doas(1), pkexec(1), systemctl(1), systemd-run(1),
//! busctl(1), machinectl(1), loginctl(1), at(1), crontab(1), tmux(1), screen(1), dbus-send(1),
//! gdbus(1), nsenter(1), unshare(1), chroot(1), gdb(1), strace(1), emacsclient(1), xdotool(1).

use claw_policy::{Action, domain};

use crate::call::{Call, excerpt, text};
use crate::loaders::Loads;
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

domain! {
    /// A call of a program that can have work done where it is not judged.
    pub(crate) static DOMAIN: Door = "door", governed: true, sealed: false;

    /// `inform` shows something and changes nothing, `local` runs a program where it is judged, `identity` acts as
    /// another user, `schedule` has something run later, `service` talks to a service manager or a bus, `session`
    /// types into or starts something in a terminal's or editor's server, `namespace` changes the root or the
    /// namespaces, `attach` takes over a running process, `inject` loads code into a governed tool.
    EFFECT: String = "effect" of EFFECTS;
    /// The sub-command, where there are any.
    VERB: String = "verb";
    /// The words of the call, joined by spaces.
    COMMAND: String = "command";
}

const EFFECTS: &[&str] = &[
    "attach",
    "identity",
    "inform",
    "inject",
    "local",
    "namespace",
    "schedule",
    "service",
    "session",
];

macro_rules! doors {
    ($($id:ident $names:expr, $effect:literal, $informs:expr;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $names[0],
                names: &$names,
                doc: "Calls that only show something are recognised; every other call has the tool's own effect.",
                denial: Denial { prefix: "error: ", status: 1 },
                can: Abilities::of(Family::Doors),
                domains: &[&DOMAIN],
                loads: Loads::NOTHING,
                reader: Reader::Judge(|context| vec![action(context.call, $effect, $informs)]),
            };
        )*
    };
}

doors! {
    SUDO ["sudo", "sudoedit"], "identity", |words| matches!(
        words,
        [b"-l" | b"-ll" | b"--list" | b"-nl" | b"-V" | b"--version", ..]
            | [b"-n", b"-l"]
            | [b"-h" | b"--help" | b"-k" | b"-K"]
    );
    SU ["su", "runuser"], "identity", about;
    DOAS ["doas"], "identity", |words| matches!(words, [b"-L"]);
    PKEXEC ["pkexec"], "identity", about;
    SYSTEMD_RUN ["systemd-run"], "service", about;
    SERVICE ["service", "invoke-rc.d", "rc-service", "initctl"], "service", |words| matches!(
        words,
        [b"--status-all" | b"--version" | b"--help" | b"--list" | b"list" | b"version"]
            | [_, b"status"] | [b"status", _]
    );
    // Links to systemctl(1), which looks at its own name. If it is called by one of these, its
    // arguments mean something else.
    SHUTDOWN ["shutdown", "halt", "poweroff", "reboot", "telinit"], "service", |words| {
        matches!(words, [b"--help" | b"--version"])
    };
    SYSTEMCTL ["systemctl"], "service", |words| verb(words, &SYSTEMCTL_VALUES, &[
        "", "cat", "get-default", "help", "is-active", "is-enabled", "is-failed", "is-system-running",
        "list-automounts", "list-dependencies", "list-jobs", "list-machines", "list-sockets",
        "list-timers", "list-unit-files", "list-units", "show", "show-environment", "status",
    ]);
    BUSCTL ["busctl"], "service", |words| verb(words, &[], &[
        "", "get-property", "introspect", "list", "status", "tree",
    ]);
    MACHINECTL ["machinectl"], "service", |words| verb(words, &[], &["", "list", "show", "status"]);
    LOGINCTL ["loginctl"], "service", |words| verb(words, &[], &[
        "", "list-seats", "list-sessions", "list-users", "seat-status", "session-status", "show-seat",
        "show-session", "show-user", "user-status",
    ]);
    NSPAWN ["systemd-nspawn"], "namespace", about;
    DBUS_SEND ["dbus-send"], "service", about;
    GDBUS ["gdbus"], "service", |words| matches!(words, [b"help" | b"introspect", ..]);
    AT ["at", "atq", "atrm", "batch"], "schedule", |words| match words {
        [b"-V" | b"-l"] | [b"-l", b"-q", _] | [b"-q", _, b"-l"] => true,
        [b"-c", job] => job.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    CRONTAB ["crontab"], "schedule", |words| {
        matches!(words, [b"-l"] | [b"-l", b"-u", _] | [b"-u", _, b"-l"] | [b"-V"])
    };
    TMUX ["tmux"], "session", tmux;
    SCREEN ["screen"], "session", |words| match words {
        [b"-ls" | b"-list" | b"-v" | b"--version" | b"-help" | b"--help"] => true,
        [b"-ls" | b"-list", name] => !name.starts_with(b"-"),
        _ => false,
    };
    EMACSCLIENT ["emacsclient"], "session", about;
    XDOTOOL ["xdotool", "ydotool", "wtype"], "session", about;
    NSENTER ["nsenter"], "namespace", about;
    UNSHARE ["unshare"], "namespace", about;
    CHROOT ["chroot"], "namespace", about;
}

/// gdb's row in the registry.
pub(crate) static GDB: Tool = Tool {
    name: "gdb",
    names: &["gdb", "gdbserver", "lldb"],
    doc: "Whether a running process is attached to is read; a debugged program's children are judged.",
    denial: Denial { prefix: "gdb: ", status: 1 },
    can: Abilities::of(Family::Doors),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| vec![debugger(context.call)]),
};

/// strace's row in the registry.
pub(crate) static STRACE: Tool = Tool {
    name: "strace",
    names: &["strace", "ltrace"],
    doc: "Whether a running process is attached to is read; a traced program is judged when it starts.",
    denial: Denial { prefix: "strace: ", status: 1 },
    can: Abilities::of(Family::Doors),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| vec![tracer(context.call)]),
};

fn words(call: &Call<'_>) -> String {
    let words: Vec<_> = call.argv.iter().take(40).map(|word| text(word)).collect();
    excerpt(&words.join(" "))
}

/// An action of this domain.
pub(crate) fn fact(call: &Call<'_>, effect: &'static str) -> Action {
    let said = words(call);
    Action::new(&DOMAIN, said.clone()).with(Door::EFFECT, effect).with(Door::COMMAND, said)
}

fn action(call: &Call<'_>, effect: &'static str, informs: fn(&[&[u8]]) -> bool) -> Action {
    let given = call.argv.get(1..).unwrap_or_default();
    // atq(1) is a link to at(1), which looks at its own name.
    let own = call.argv.first().copied().unwrap_or(call.path);
    let lists = own.ends_with(b"atq") && given.iter().all(|word| *word != b"-d" && *word != b"-r");
    let mut action = fact(call, if lists || informs(given) { "inform" } else { effect });
    if let Some(verb) = given.iter().find(|word| !word.starts_with(b"-")) {
        action.set(Door::VERB, text(verb).into_owned());
    }
    action
}

/// Whether the only word asks about the program itself.
fn about(words: &[&[u8]]) -> bool {
    matches!(words, [b"--help" | b"--version"])
}

const SYSTEMCTL_VALUES: [&str; 14] = [
    "-t",
    "--type",
    "--state",
    "-p",
    "--property",
    "-P",
    "-n",
    "--lines",
    "-o",
    "--output",
    "--before",
    "--after",
    "--timestamp",
    "--job-mode",
];

/// Whether the first word that is not an option is one of `read`. Options that lead to another
/// host, bus or container are not among the harmless ones of these programs.
fn verb(words: &[&[u8]], values: &[&str], read: &[&str]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Ok(word) = str::from_utf8(word) else { return false };
        if !word.starts_with('-') {
            return read.contains(&word);
        }
        let name = word.split('=').next().unwrap_or(word);
        let elsewhere = name.starts_with("-H")
            || name.starts_with("-M")
            || ["--h", "--m", "--r", "--i", "--a"].iter().any(|start| name.starts_with(start));
        let harmless = matches!(name, "--help" | "-a" | "--all" | "--recursive" | "--after");
        if elsewhere && !harmless {
            return false;
        }
        if values.contains(&word) {
            words.next();
        }
    }
    read.contains(&"")
}

/// Whether a command of tmux only shows what is there. A format with `#(...)` runs a command, and
/// so may whatever follows a `;`.
fn tmux(words: &[&[u8]]) -> bool {
    const READ: &[&[u8]] = &[
        b"capture-pane",
        b"capturep",
        b"has",
        b"has-session",
        b"info",
        b"list-buffers",
        b"list-clients",
        b"list-commands",
        b"list-keys",
        b"list-panes",
        b"list-sessions",
        b"list-windows",
        b"ls",
        b"lsb",
        b"lsc",
        b"lscm",
        b"lsk",
        b"lsp",
        b"lsw",
        b"show",
        b"show-environment",
        b"show-messages",
        b"show-options",
        b"showenv",
        b"showmsgs",
    ];
    let odd = |word: &&[u8]| word.ends_with(b";") || word.windows(2).any(|pair| pair == b"#(");
    if words.iter().any(odd) {
        return false;
    }
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            b"-V" => return true,
            b"-2" | b"-u" => {}
            b"-L" | b"-S" => {
                words.next();
            }
            word => return READ.contains(&word),
        }
    }
    false
}

fn debugger(call: &Call<'_>) -> Action {
    let given = call.argv.get(1..).unwrap_or_default();
    let mut operands = 0;
    let mut words = given.iter();
    let mut attaches = false;
    while let Some(word) = words.next() {
        // What follows belongs to the program.
        if matches!(*word, b"--args" | b"-args" | b"--") {
            break;
        }
        let option = word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-"));
        match option {
            Some(option) => {
                attaches |= option.starts_with(b"p") && !option.starts_with(b"pr")
                    || option.starts_with(b"attach")
                    || option.starts_with(b"multi");
                if matches!(option, b"ex" | b"eval-command" | b"iex" | b"o" | b"O") {
                    attaches |= words.next().is_some_and(|command| takes_over(command));
                } else if matches!(option, b"x" | b"command" | b"ix" | b"s" | b"S") {
                    // A script for the debugger itself.
                    attaches = true;
                }
            }
            None => {
                operands += 1;
                attaches |= operands > 1 && word.iter().all(u8::is_ascii_digit);
            }
        }
    }
    fact(call, if attaches { "attach" } else { "local" })
}

/// Whether a debugger's command attaches to a process, or leaves the debugged program for another.
fn takes_over(command: &[u8]) -> bool {
    let command = command.trim_ascii_start();
    command.starts_with(b"at")
        || command.starts_with(b"ta")
        || command.starts_with(b"so")
        || command.windows(6).any(|word| word == b"attach")
}

fn tracer(call: &Call<'_>) -> Action {
    /// Letters whose value may be the next word (strace(1), ltrace(1)).
    const VALUES: &[u8] = b"abeEIoOPsSuUXxnDlFA";
    let mut words = call.argv.iter().skip(1);
    while let Some(word) = words.next() {
        if word.starts_with(b"--") {
            let name = &word[2..];
            if name.starts_with(b"a") && b"attach".starts_with(&name[..name.len().min(6)]) {
                return fact(call, "attach");
            }
            continue;
        }
        let Some(letters) = word.strip_prefix(b"-") else { break };
        for (at, letter) in letters.iter().enumerate() {
            if *letter == b'p' {
                return fact(call, "attach");
            }
            if VALUES.contains(letter) {
                if at + 1 == letters.len() && b"abeEIoOPsSuUX".contains(letter) {
                    words.next();
                }
                break;
            }
        }
    }
    fact(call, "local")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use crate::call::files::NoFiles;
    use claw_policy::{Reading, Value};
    use proptest::prelude::*;

    fn effect(words: &[&str]) -> String {
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let names = [argv[0]];
        let facts = Tools::BUILT_IN
            .classify(&Call { argv: &argv, names: &names, ..Call::default() }, &NoFiles);
        let [_, action] = &facts.actions[..] else { panic!("{words:?}: {facts:?}") };
        match action.fact("effect") {
            Some(Reading::Known(Value::Str(effect))) => effect.clone(),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn calls() {
        for (line, expected) in [
            ("sudo -l", "inform"),
            ("sudo -n -l", "inform"),
            ("sudo --version", "inform"),
            ("sudo id", "identity"),
            ("sudo -h host id", "identity"),
            ("sudo -k id", "identity"),
            ("su - root", "identity"),
            ("su --version", "inform"),
            ("doas id", "identity"),
            ("pkexec id", "identity"),
            ("runuser -u x id", "identity"),
            ("systemd-run --user id", "service"),
            ("systemd-run --version", "inform"),
            ("systemctl", "inform"),
            ("systemctl status nginx", "inform"),
            ("service nginx status", "inform"),
            ("service --status-all", "inform"),
            ("service nginx restart", "service"),
            ("reboot", "service"),
            ("shutdown -h now", "service"),
            ("poweroff --help", "inform"),
            ("systemctl --no-pager -n 20 status nginx", "inform"),
            ("systemctl -p start show nginx", "inform"),
            ("systemctl --type=service list-units", "inform"),
            ("systemctl --user start x", "service"),
            ("systemctl -H host status x", "service"),
            ("systemctl restart status", "service"),
            ("busctl list", "inform"),
            ("busctl --user call a b c d", "service"),
            ("busctl --address=unix:x list", "service"),
            ("machinectl shell x", "service"),
            ("loginctl list-sessions", "inform"),
            ("loginctl enable-linger", "service"),
            ("dbus-send --session --dest=x /x y.z", "service"),
            ("gdbus introspect -e -d x", "inform"),
            ("gdbus call -e", "service"),
            ("at -l", "inform"),
            ("atq", "inform"),
            ("atq -d 3", "schedule"),
            ("at now + 1 minute", "schedule"),
            ("at -c 3", "inform"),
            ("atrm 3", "schedule"),
            ("batch", "schedule"),
            ("crontab -l", "inform"),
            ("crontab -u me -l", "inform"),
            ("crontab -e", "schedule"),
            ("crontab -", "schedule"),
            ("crontab -r", "schedule"),
            ("tmux ls", "inform"),
            ("tmux -L x list-windows -a", "inform"),
            ("tmux -V", "inform"),
            ("tmux capture-pane -p -t x", "inform"),
            ("tmux send-keys -t x id Enter", "session"),
            ("tmux send id", "session"),
            ("tmux ls ; send-keys id", "session"),
            ("tmux ls -F #(id)", "session"),
            ("tmux -f conf ls", "session"),
            ("tmux", "session"),
            ("screen -ls", "inform"),
            ("screen -S main -X stuff id", "session"),
            ("screen -ls -X", "session"),
            ("nsenter -t 1 -m id", "namespace"),
            ("unshare -r id", "namespace"),
            ("chroot /mnt id", "namespace"),
            ("chroot --version", "inform"),
            ("gdb -p 1234", "attach"),
            ("gdb --pid=1234", "attach"),
            ("gdb ./a 1234", "attach"),
            ("gdb --args ./a 1234", "local"),
            ("gdb -batch -ex run ./a", "local"),
            ("gdb -ex attach ./a", "attach"),
            ("gdb -x script", "attach"),
            ("gdb --version", "local"),
            ("strace -V", "local"),
            ("strace -f -o out ls -p", "local"),
            ("strace -fp 12", "attach"),
            ("strace --attach=12", "attach"),
            ("ltrace -e malloc ls", "local"),
            ("emacsclient -e (x)", "session"),
            ("xdotool type id", "session"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(effect(&words), expected, "{line}");
        }
    }

    #[test]
    fn a_link_to_systemctl_is_not_read_as_a_listing() {
        let call =
            Call { argv: &[b"reboot"], names: &[b"reboot", b"systemctl"], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        assert!(facts.actions.iter().skip(1).all(|action| action.opaque.is_some()), "{facts:?}");
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6),
        ) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, ..Call::default() };
            for tool in [&SUDO, &SYSTEMCTL, &AT, &TMUX, &GDB, &STRACE] {
                prop_assert_eq!(tool.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.len(), 1);
            }
        }
    }
}
