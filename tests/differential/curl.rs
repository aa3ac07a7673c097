//! curl, against servers on loopback.

use crate::account;
use crate::line::{self, Dice, Line, bounded};
use crate::place;
use crate::transfer::Web;

/// What a line finds in its working folder.
const FILES: &[(&str, &str)] = &[
    ("body.txt", "MARK(body.txt)"),
    ("secret.txt", "MARK(secret.txt)"),
    ("jar.txt", "127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tMARK(jar.txt)\n"),
    ("headers.txt", "X-Own: MARK(headers.txt)\n"),
    ("conf", "url = \"http://@A@/from-conf\"\nrequest = PUT\n"),
    ("conf-data", "--data \"x=y\"\n"),
    ("conf-nested", "config = conf\n"),
    ("conf-colon", "data: @secret.txt\n"),
    ("conf-glued", "-XDELETE\n-d@body.txt\n"),
    ("conf-escaped", "data = \"a\\tb\\\"c\" # no comment\nuser-agent own agent\n"),
    ("conf-url-only", "http://@A@/not-an-option\n"),
    ("conf-next", "next\nurl = http://@A@/second\ndata = z\n"),
    ("conf-space", "   request   =   \"DELETE\"  \n# data = x\n\n"),
];

/// Options that would wait, read a terminal, or leave loopback.
const LEFT_OUT: &[&str] = &[
    "config",
    "disable",
    "help",
    "manual",
    "version",
    "limit-rate",
    "rate",
    "speed-limit",
    "speed-time",
    "retry",
    "retry-delay",
    "next",
    "unix-socket",
    "abstract-unix-socket",
    "parallel-max",
    "user",
    "proxy-user",
    "ntlm",
    "netrc",
    "dump-module-paths",
    "cert",
    "proxy-cert",
    "continue-at",
    "stderr",
    "libcurl",
    "krb",
    "negotiate",
    "interface",
    "dns-interface",
    "dns-servers",
    "dns-ipv4-addr",
    "dns-ipv6-addr",
    "local-port",
    "keepalive-time",
    "doh-url",
    "haproxy-protocol",
    "disallow-username-in-url",
    "proxy1.0",
    "socks4",
    "socks4a",
    "socks5",
    "socks5-hostname",
    "preproxy",
];

#[test]
fn curl_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/curl.txt"));
    let options = options();
    lines.extend(arity(&options));
    lines.extend(mixed(&options));
    let version = place::version("curl", &["--version"]);
    let version = version.split(' ').take(2).collect::<Vec<_>>().join(" ");
    account::settle("curl", &version, &lines, Web::new, |web, line| web.settle(line, FILES));
}

/// Long names and letters, from curl's own list.
fn options() -> Vec<(Option<String>, String)> {
    let output = std::process::Command::new("curl").args(["--help", "all"]).output();
    let text = String::from_utf8(output.expect("curl starts").stdout).expect("ASCII");
    let rows = text.lines().filter_map(|row| {
        let row = row.trim_start();
        let (letter, row) = match row.strip_prefix('-')?.strip_prefix('-') {
            Some(_) => (None, row),
            None => (Some(row[..2].to_owned()), row[3..].trim_start()),
        };
        let name = row.strip_prefix("--")?.split_whitespace().next()?;
        Some((letter, name.to_owned()))
    });
    let rows: Vec<_> = rows.filter(|(_, name)| !LEFT_OUT.contains(&name.as_str())).collect();
    assert!(rows.len() > 200, "only {} options in `curl --help all`", rows.len());
    rows
}

/// Every option before a word: whether it takes that word shows in which addresses are asked for. Everything
/// goes through a proxy, so that any word can be an address.
fn arity(options: &[(Option<String>, String)]) -> Vec<Line> {
    let mut dice = Dice::new(0xc11);
    let mut lines = Vec::new();
    for (letter, name) in options {
        let word = *dice.one(&["1", "word", "http://word.example/w"]);
        let spelled = match (letter, dice.below(4)) {
            (Some(letter), 0) => letter.clone(),
            (_, 1) => format!("--{}", name.to_ascii_uppercase()),
            _ => format!("--{name}"),
        };
        lines.push(proxied(["curl", "-s", "-m", "5", &spelled, word, "http://end.example/e"]));
    }
    lines
}

/// Several options at once: abbreviated, bundled, glued to their value or turned off.
fn mixed(options: &[(Option<String>, String)]) -> Vec<Line> {
    let mut dice = Dice::new(0xc12);
    let count = bounded(250, 5000);
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut argv = vec!["curl".to_owned(), "-s".to_owned(), "-m5".to_owned()];
        for _ in 0..=dice.below(3) {
            let (letter, name) = dice.one(options).clone();
            let word = *dice.one(&[
                "1",
                "word",
                "@secret.txt",
                "body.txt",
                "http://word.example/w",
                "x: y",
            ]);
            match (letter, dice.below(6)) {
                (Some(letter), 0) => argv.push(format!("{letter}{word}")),
                (Some(letter), 1) => {
                    let bundled = format!("-s{}", letter.trim_start_matches('-'));
                    argv.extend([bundled, word.to_owned()]);
                }
                (_, 2) => argv.push(format!("--no-{name}")),
                (_, 3) => {
                    let end = name.len() - dice.below(name.len().min(4));
                    argv.extend([format!("--{}", &name[..end]), word.to_owned()]);
                }
                (_, 4) => argv.push(format!("--{name}={word}")),
                _ => argv.extend([format!("--{name}"), word.to_owned()]),
            }
        }
        argv.push(
            (*dice.one(&["http://end.example/e", "http://end.example/e?q", "end.example/e"]))
                .to_owned(),
        );
        lines.push(proxied(argv));
    }
    lines
}

fn proxied<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Line {
    Line::made(argv).env("http_proxy", "http://@A@").env("https_proxy", "http://@A@")
}
