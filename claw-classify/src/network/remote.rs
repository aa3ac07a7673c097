//! Programs that connect to anything: netcat, socat, telnet, openssl, rsync, and the ones of
//! OpenSSH.
//!
//! Input: the call. Output: one action of the domain `net`.
//!
//! Sources: nc(1) of OpenBSD and of netcat-traditional, ncat(1), socat(1), telnet(1), openssl(1),
//! rsync(1), ssh(1), scp(1), sftp(1), ssh_config(5).
//!
//! Known gaps: the configuration files of ssh, which can name programs too, are not read. The
//! command line does not say what is sent and received. Options that only some variants of a
//! program have count as a connection.

mod netcat;
mod socat;
mod ssh;

use claw_policy::{Action, Set, domain};

use crate::call::{Call, Stdin, excerpt, text};
use crate::loaders::Loads;
use crate::tool::{Abilities, Denial, Family, Reader, Tool};
use crate::writes;

pub(crate) use ssh::{SCP, SFTP, SSH};

domain! {
    /// A connection that a call makes or waits for.
    pub(crate) static DOMAIN: Net = "net", governed: true, sealed: true;

    /// `local` connects nothing, `probe` connects and sends nothing, `connect` sends and receives bytes, `copy`
    /// moves files from or to another host, `remote` runs a command or a shell on another host, `git` is one of
    /// git's own services there, `forward` opens a tunnel, `listen` waits for others, `program` starts a program
    /// here that is named by an option, or joined to a connection.
    EFFECT: String = "effect" of &[
        "connect", "copy", "forward", "git", "listen", "local", "probe", "program", "remote",
    ];
    /// The other host, where the call says it.
    HOST: String = "host";
    /// The ports that are connected to, or waited on, as the call says them.
    PORTS: Set = "ports";
    /// The user there, where the call says it.
    USER: String = "user";
    /// What would run on the other host.
    COMMAND: String = "command";
    /// The governed tool that would run there, where that is all that would run; its own actions follow.
    TOOL: String = "tool";
    /// Which of git's services would run there.
    GIT_SERVICE: String = "git_service" of &["git-receive-pack", "git-upload-archive", "git-upload-pack"];
    /// The options that name a program or code to load here.
    PROGRAMS: Set = "programs";
}

macro_rules! tools {
    ($($id:ident $names:expr, $doc:literal, $classify:expr;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $names[0],
                names: &$names,
                doc: $doc,
                denial: Denial { prefix: "error: ", status: 1 },
                can: Abilities::of(Family::Remote),
                domains: &[&DOMAIN],
                loads: Loads::NOTHING,
                reader: Reader::Judge(|context| vec![($classify)(context.call)]),
            };
        )*
    };
}

tools! {
    NC ["nc", "ncat", "netcat", "nc.openbsd", "nc.traditional"],
        "Whether it listens, starts a program, only probes, or connects, and to which host.", netcat::nc;
    SOCAT ["socat"], "Both addresses are read.", socat::socat;
    TELNET ["telnet"], "The host and the port are read.", netcat::telnet;
    OPENSSL ["openssl"],
        "The sub-commands that connect or listen, and the options that load code, are read.", openssl;
    RSYNC ["rsync"], "Whether any operand is on another host.", rsync;
    FETCHERS [
        "aria2c", "axel", "chisel", "curlie", "ftp", "lftp", "ngrok", "sshfs", "tftp", "wget2", "websocat",
    ], "Only requests for help are read.", fetcher;
}

fn words(call: &Call<'_>) -> String {
    let words: Vec<_> = call.argv.iter().take(40).map(|word| text(word)).collect();
    excerpt(&words.join(" "))
}

fn action(call: &Call<'_>, effect: &'static str) -> Action {
    Action::new(&DOMAIN, words(call)).with(Net::EFFECT, effect)
}

/// Whether the only word asks about the program itself.
fn about(call: &Call<'_>) -> bool {
    matches!(call.argv, [_, b"--help" | b"--version" | b"-h" | b"-V"])
}

fn fetcher(call: &Call<'_>) -> Action {
    if matches!(call.argv, [_, b"--help" | b"--version"]) {
        return action(call, "local");
    }
    Action::opaque(&DOMAIN, words(call), "the program's command line is not read")
}

fn openssl(call: &Call<'_>) -> Action {
    let given: Vec<String> = call.argv.iter().skip(1).map(|word| text(word).into_owned()).collect();
    let has = |names: &[&str]| {
        given.iter().any(|word| {
            let option = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
            option.is_some_and(|option| names.contains(&option.split('=').next().unwrap_or(option)))
        })
    };
    let loads: Vec<&str> = ["engine", "provider", "provider-path", "config", "keyform"]
        .into_iter()
        .filter(|name| has(&[name]))
        .collect();
    let sends_nothing =
        matches!(call.stdin(), Stdin::Null) || matches!(call.stdin(), Stdin::Content([]));
    let effect = match given.first().map(String::as_str) {
        // Without a sub-command it reads some from standard input.
        None if !sends_nothing => "connect",
        Some("engine") => "program",
        _ if !loads.is_empty() => "program",
        Some("s_client" | "s_time") if has(&["help"]) => "local",
        Some("s_client") if sends_nothing && !has(&["proxy", "unix"]) => "probe",
        Some("s_client" | "s_time" | "cmp") => "connect",
        Some("s_server") => "listen",
        Some("ocsp") if has(&["port"]) => "listen",
        Some("ocsp") if has(&["url", "host"]) => "connect",
        Some("storeutl" | "crl" | "x509" | "ts" | "verify")
            if given.iter().any(|word| word.contains("://")) || has(&["crl_download"]) =>
        {
            "connect"
        }
        _ => "local",
    };
    let mut action = action(call, effect);
    action.set(Net::PROGRAMS, loads.into_iter().collect::<Set>());
    let to = given.iter().position(|word| word.trim_start_matches('-') == "connect");
    if let Some(host) = to.and_then(|at| given.get(at + 1)) {
        let (host, port) = host.rsplit_once(':').unwrap_or((host, "4433"));
        action.set(Net::HOST, host.to_ascii_lowercase());
        action.set(Net::PORTS, Set::from_iter([port]));
    }
    action
}

/// Whether an operand of scp or rsync is on another host: a colon before any slash.
fn host_of(operand: &str) -> Option<(Option<&str>, &str)> {
    let place = match operand.split_once("://") {
        Some(("scp" | "sftp" | "rsync", rest)) => rest.split(['/', ':']).next()?,
        _ => {
            let (place, _) = operand.split_once(':')?;
            if place.contains('/') {
                return None;
            }
            place
        }
    };
    Some(match place.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, place),
    })
}

fn rsync(call: &Call<'_>) -> Action {
    /// Options whose value is a word that names no host or file.
    const VALUES: &[&str] = &[
        "--backup-dir",
        "--block-size",
        "--bwlimit",
        "--chmod",
        "--chown",
        "--compress-level",
        "--contimeout",
        "--exclude",
        "--exclude-from",
        "--filter",
        "--groupmap",
        "--include",
        "--include-from",
        "--info",
        "--log-file",
        "--log-file-format",
        "--max-delete",
        "--max-size",
        "--min-size",
        "--modify-window",
        "--out-format",
        "--partial-dir",
        "--suffix",
        "--temp-dir",
        "--timeout",
        "--usermap",
        "-B",
        "-f",
        "-T",
    ];
    let mut found = None;
    let mut programs = std::collections::BTreeSet::new();
    let mut words = call.argv.iter().skip(1).map(|word| text(word));
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or(&word);
        match name {
            "--daemon" => return action(call, "listen"),
            "--server" => return action(call, "connect"),
            _ if VALUES.contains(&&*word) => {
                words.next();
            }
            "--rsh" | "--rsync-path" | "--early-input" => {
                programs.insert(name.trim_start_matches('-').to_owned());
                if !word.contains('=') {
                    words.next();
                }
            }
            _ if name.starts_with("--files-from") => {
                let value = word.split_once('=').map(|(_, value)| value.to_owned());
                let value = value.or_else(|| words.next().map(std::borrow::Cow::into_owned));
                if value.is_some_and(|value| value.contains(':')) {
                    return action(call, "copy");
                }
            }
            _ if word.starts_with("--") => {}
            _ if word.starts_with('-') && word.len() > 1 => {
                // `-e` takes the rest of the bundle, or the next word.
                if let Some(at) = word.find('e') {
                    programs.insert("rsh".to_owned());
                    if at + 1 == word.len() {
                        words.next();
                    }
                }
            }
            operand => {
                if found.is_none() {
                    found = host_of(operand)
                        .map(|(user, host)| (user.map(str::to_owned), host.to_owned()));
                }
            }
        }
    }
    writes::note_destination(call, |word| host_of(&text(word)).is_some());
    let Some((user, host)) = found else { return action(call, "local") };
    for name in ["RSYNC_RSH", "RSYNC_CONNECT_PROG"] {
        if call.var(name).is_some() {
            programs.insert(name.to_owned());
        }
    }
    let mut action = action(call, if programs.is_empty() { "copy" } else { "program" });
    action.set(Net::PROGRAMS, programs);
    action.set(Net::HOST, host.to_ascii_lowercase());
    if let Some(user) = user {
        action.set(Net::USER, user);
    }
    action
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoFiles, Tools};
    use claw_policy::{Reading, Value};
    use proptest::prelude::*;

    fn effect(words: &[&str]) -> String {
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let names = [argv[0]];
        let facts = Tools::BUILT_IN
            .classify(&Call { argv: &argv, names: &names, ..Call::default() }, &NoFiles);
        let [_, action, ..] = &facts.actions[..] else { panic!("{words:?}: {facts:?}") };
        match action.fact("effect") {
            Some(Reading::Known(Value::Str(effect))) => effect.clone(),
            Some(Reading::Opaque(_)) => "?".to_owned(),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn calls() {
        for (line, expected) in [
            ("nc -h", "local"),
            ("nc -z localhost 5432", "probe"),
            ("nc -zv -w 3 localhost 5432", "probe"),
            ("nc -vzw3 localhost 5432", "probe"),
            ("nc -z -x proxy h 1", "connect"),
            ("nc db 5432", "connect"),
            ("nc -l 4444", "listen"),
            ("nc -lvnp 4444", "listen"),
            ("nc -e /bin/sh h 1", "program"),
            ("nc -ve sh h 1", "program"),
            ("ncat --exec sh h 1", "program"),
            ("ncat --sh-exec=sh h 1", "program"),
            ("ncat --listen 1", "listen"),
            ("socat -V", "local"),
            ("socat - TCP:h:1", "connect"),
            ("socat TCP:h:1 EXEC:sh", "program"),
            ("socat -d -d tcp-l:1,fork system:id", "program"),
            ("socat TCP-LISTEN:1 -", "listen"),
            ("socat - FILE:/tmp/x", "local"),
            ("socat -u /tmp/a /tmp/b", "local"),
            ("socat - UNIX-CONNECT:/s", "connect"),
            ("telnet h 25", "connect"),
            ("openssl version", "local"),
            ("openssl x509 -in c.pem -noout -text", "local"),
            ("openssl dgst -sha256 f", "local"),
            ("openssl rand -hex 16", "local"),
            ("openssl s_client -connect h:443", "connect"),
            ("openssl s_server -port 1", "listen"),
            ("openssl enc -engine x -in f", "program"),
            ("openssl req -new -provider-path /tmp", "program"),
            ("openssl", "connect"),
            ("rsync -a a/ b/", "local"),
            ("rsync -av --delete --exclude x:y a/ b/", "local"),
            ("rsync -a a/ h:b/", "copy"),
            ("rsync -a rsync://h/m b/", "copy"),
            ("rsync -a h::m b/", "copy"),
            ("rsync -e ssh a/ h:b/", "program"),
            ("rsync -ave sh a/ h:b/", "program"),
            ("rsync -a ./x:y b/", "local"),
            ("rsync --daemon", "listen"),
            ("rsync --version", "local"),
            ("aria2c --version", "local"),
            ("aria2c https://h/x", "?"),
            ("ssh -V", "local"),
            ("ssh -Q cipher", "local"),
            ("ssh -G h", "local"),
            ("ssh h", "remote"),
            ("ssh h id", "remote"),
            ("ssh -p 22 -l me h -- id", "remote"),
            ("ssh -tt h id", "remote"),
            ("ssh -R 1:h:2 h", "forward"),
            ("ssh -NL1:h:2 h", "forward"),
            ("ssh -D 1 h", "forward"),
            ("ssh -W h:1 g", "forward"),
            ("ssh -o ProxyCommand=sh h", "program"),
            ("ssh -oproxycommand=sh h", "program"),
            ("ssh h -o ProxyCommand=sh", "program"),
            ("ssh -o RemoteForward=1 h", "forward"),
            ("ssh -o StrictHostKeyChecking=no h id", "remote"),
            ("ssh -F conf h", "program"),
            ("ssh -I lib.so h", "program"),
            ("ssh -o ProxyCommand=sh -V h", "local"),
            ("ssh -Z h", "?"),
            ("scp a b", "local"),
            ("scp a h:b", "copy"),
            ("scp -r h:a b", "copy"),
            ("scp -P 2 ./a:b c", "local"),
            ("scp -S sh a h:", "program"),
            ("scp -o ProxyCommand=sh a h:", "program"),
            ("sftp h", "copy"),
            ("sftp -D sh h", "program"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(effect(&words), expected, "{line}");
        }
        let git = &["ssh", "-o", "SendEnv=GIT_PROTOCOL", "git@h", "git-upload-pack 'o/r.git'"];
        assert_eq!(effect(git), "git");
        assert_eq!(effect(&["ssh", "git@h", "git-upload-pack 'x'; id"]), "remote");
        assert_eq!(effect(&["ssh", "git@h", "git-upload-pack 'x'$(id)'y'"]), "remote");
    }

    #[test]
    fn actions_of_a_tool_that_would_run_there_follow() {
        let argv: &[&[u8]] = &[b"ssh", b"h", b"k", b"delete", b"ns", b"prod"];
        let found =
            SSH.read(&Tools::BUILT_IN.context(&Call { argv, ..Call::default() }, &NoFiles)).actions;
        let domains: Vec<&str> = found.iter().map(|action| action.domain.name()).collect();
        assert_eq!(domains, ["net", "k8s"]);
    }

    #[test]
    fn a_handshake_without_input_is_a_probe() {
        let argv: &[&[u8]] = &[b"openssl", b"s_client", b"-connect", b"h:443"];
        let call = Call { argv, stdin: Stdin::Null, ..Call::default() };
        let found = openssl(&call);
        assert_eq!(found.fact("effect"), Some(Reading::Known(&Value::from("probe"))));
        assert_eq!(found.fact("host"), Some(Reading::Known(&Value::from("h"))));
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6),
        ) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, ..Call::default() };
            for tool in [&NC, &SOCAT, &TELNET, &OPENSSL, &RSYNC, &SCP, &SFTP] {
                prop_assert_eq!(tool.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.len(), 1);
            }
            // The actions of a governed tool there follow: `k` is kubectl.
            let found = SSH.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions;
            prop_assert_eq!(found.first().map(|action| action.domain.name()), Some(DOMAIN.name));
        }
    }
}
