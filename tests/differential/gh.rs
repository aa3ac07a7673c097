//! gh, against a server on loopback that takes note of what GitHub would be asked.
//!
//! gh speaks plain HTTP to `github.localhost`, and through a proxy to every host: the recorder is that proxy. Other
//! hosts are asked for by `CONNECT`, so that only their name is seen. What a call did is in the requests, in gh's
//! settings, in whether the token was printed, and in whether the program that a line names, `mkdir @RAN@`, ran.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use claw_tests::call::Ran;
use serde_json::{Value, json};

use crate::account::{self, Outcome};
use crate::claw::Judged;
use crate::graphql;
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};
use crate::recorder::{Answer, Recorder, Request};

/// The token that gh uses.
const TOKEN: &str = "gho_THETOKEN";

/// The host that gh asks without TLS; its API is at `api.` of it.
const HOST: &str = "github.localhost";

/// What a line finds in its working folder: a repository `w/k`, and files.
const FILES: &[(&str, &str)] = &[
    (".git/HEAD", "ref: refs/heads/main\n"),
    (".git/objects/kept", ""),
    (".git/refs/heads/kept", ""),
    (
        ".git/config",
        "[core]\n\trepositoryformatversion = 0\n[remote \"origin\"]\n\turl = http://github.localhost/w/k.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
    ),
    ("body.txt", "MARK(body.txt)"),
    ("body.json", "{\"a\":\"MARK(body.json)\"}"),
    ("secret.txt", "MARK(secret.txt)"),
    ("query.graphql", "query { viewer { login } }"),
    ("change.graphql", "# query\nmutation { addStar { id } }"),
    ("query.json", "{\"query\":\"query { viewer { login } }\"}"),
    ("change.json", "{\"query\":\"mutation { addStar { id } }\"}"),
    ("paged/config.yml", "pager: mkdir @RAN@\n"),
    ("opened/config.yml", "browser: mkdir @RAN@\n"),
];

/// gh's settings.
const SETTINGS: &str = "git_protocol: https
aliases:
    co: pr checkout
    kill: api -X DELETE
    gone: issue delete --yes
    shut: issue close $1 -R $2
    quoted: 'api repos/o/r'
    wiped: \"api -XDELETE repos/o/r\"
    sh: '!mkdir @RAN@'
    chain: kill repos/o/chained
    several: api user
        -X DELETE
    remark: api user -X DELETE # -X GET
    spaced:    release   delete   -y
    user: api user
";

#[derive(Debug)]
struct Hub {
    place: Place,
    server: Recorder,
}

/// One request as GitHub would understand it.
#[derive(Debug)]
struct Asked {
    method: String,
    host: String,
    /// Without what follows a question mark; nothing within `CONNECT`.
    path: Option<String>,
    /// The kind of the GraphQL operation.
    operation: Option<String>,
    repository: Option<String>,
    sent: BTreeSet<String>,
    body: bool,
}

/// A command of gh's own reference.
#[derive(Debug)]
struct Listed {
    words: Vec<String>,
    /// What must follow the command.
    required: usize,
    /// Letter, name, and what stands for the value.
    options: Vec<(Option<String>, String, Option<String>)>,
}

#[test]
fn gh_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/gh.txt"));
    let commands = commands();
    lines.extend(called(&commands));
    lines.extend(requests(&commands));
    let version = place::version("gh", &["--version"]);
    account::settle("gh", &version, &lines, Hub::new, Hub::settle);
}

/// Every command with its options, from `gh help reference`.
fn commands() -> Vec<Listed> {
    let output = Command::new("gh").args(["help", "reference"]).output().expect("gh starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut commands: Vec<Listed> = Vec::new();
    for row in text.lines() {
        if let Some(usage) = row.trim_start_matches('#').trim().strip_prefix("`gh ") {
            let usage: Vec<&str> = usage.trim_end_matches('`').split(' ').collect();
            let named = |word: &&&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
            let words: Vec<String> =
                usage.iter().take_while(named).map(|word| (*word).to_owned()).collect();
            let required =
                usage[words.len()..].iter().filter(|word| word.starts_with(['<', '{'])).count();
            commands.push(Listed { words, required, options: Vec::new() });
        } else if let (Some(command), true) =
            (commands.last_mut(), row.trim_start().starts_with('-'))
        {
            let row = row.trim_start();
            let spelled = row.split("  ").next().unwrap_or_default();
            let (letter, rest) = match spelled.split_once(", ") {
                Some((letter, rest)) => (Some(letter.to_owned()), rest),
                None => (None, spelled),
            };
            let mut words = rest.trim_start_matches('-').split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            command.options.push((letter, name, words.next().map(str::to_owned)));
        }
    }
    assert!(commands.len() > 100, "`gh help reference` has {} commands", commands.len());
    commands
}

/// A value for an option of that sort.
fn value(dice: &mut Dice, sort: &str) -> String {
    let choices: &[&str] = match sort {
        "int" | "number" | "N" => &["1", "2"],
        "fields" => &["url", "name", "number", "id"],
        "file" => &["body.txt", "-"],
        "duration" => &["1h"],
        "repo" | "repository" => &["o/r"],
        "expression" => &[".", ".x"],
        _ => &["word", "a,b", "-x", "o/r", "1", ""],
    };
    (*dice.one(choices)).to_owned()
}

/// Commands with options of their own in every spelling.
fn called(commands: &[Listed]) -> Vec<Line> {
    // These wait for a person or for a job to end.
    let waits = ["watch", "login", "refresh", "browse", "jupyter", "screensaver"];
    let mut dice = Dice::new(0x961);
    let mut lines = Vec::new();
    for command in commands {
        if command.words.iter().any(|word| waits.contains(&word.as_str())) {
            continue;
        }
        for _ in 0..bounded(2, 40) {
            let mut argv = vec!["gh".to_owned()];
            argv.extend(command.words.iter().cloned());
            argv.extend((0..command.required).map(|_| (*dice.one(&["1", "o/r", "x"])).to_owned()));
            for _ in 0..dice.below(3) {
                if let Some(option) = pick(&mut dice, &command.options) {
                    spell(&mut dice, &mut argv, command.words.len() + 1, option);
                }
            }
            for (_, name, _) in &command.options {
                if matches!(name.as_str(), "yes" | "confirm") {
                    argv.push(format!("--{name}"));
                }
            }
            if dice.below(2) == 0 {
                let at = 1 + dice.below(argv.len());
                argv.splice(at..at, ["-R".to_owned(), "o/r".to_owned()]);
            }
            lines.push(Line::made(argv));
        }
    }
    lines
}

type Listing = (Option<String>, String, Option<String>);

fn pick<'a>(dice: &mut Dice, options: &'a [Listing]) -> Option<&'a Listing> {
    let usable = |(_, name, _): &&Listing| !matches!(name.as_str(), "watch" | "follow" | "editor");
    let usable: Vec<&Listing> = options.iter().filter(usable).collect();
    (!usable.is_empty()).then(|| *dice.one(&usable))
}

/// Puts an option somewhere behind `from`, in one of its spellings.
fn spell(dice: &mut Dice, argv: &mut Vec<String>, from: usize, (letter, name, sort): &Listing) {
    let at = from + dice.below(argv.len() + 1 - from);
    let given = sort.as_deref().map(|sort| value(dice, sort));
    let words = match (letter, given, dice.below(6)) {
        (Some(letter), Some(given), 0) => vec![format!("{letter}{given}")],
        (Some(letter), Some(given), 1) => vec![format!("{letter}={given}")],
        (Some(letter), Some(given), 2) => vec![letter.clone(), given],
        (_, Some(given), 3) => vec![format!("--{name}"), given],
        (_, Some(given), _) => vec![format!("--{name}={given}")],
        (Some(letter), None, 0) => vec![letter.clone()],
        (_, None, 1) => vec![format!("--{name}=false")],
        (_, None, 2) => vec![format!("--{name}=1")],
        (_, None, 3) => vec![format!("--{}", &name[..name.len() - 1])],
        (_, None, _) => vec![format!("--{name}")],
    };
    argv.splice(at..at, words);
}

/// Calls of `gh api` put together from methods, fields, bodies and paths.
fn requests(commands: &[Listed]) -> Vec<Line> {
    let api = commands.iter().find(|command| command.words == ["api"]).expect("gh has it");
    let mut dice = Dice::new(0x962);
    let pieces: &[&[&str]] = &[
        &["-X", "DELETE"],
        &["-XPUT"],
        &["-X=patch"],
        &["--method", "post"],
        &["--method=GET"],
        &["-iX", "HEAD"],
        &["-f", "a=b"],
        &["-fquery=mutation { a }"],
        &["-f", "query=query { a }"],
        &["-F", "query=@change.graphql"],
        &["-F", "query=@query.graphql"],
        &["-f", "query=@change.graphql"],
        &["-F", "n=1"],
        &["-F", "f=@secret.txt"],
        &["--raw-field=f=@secret.txt"],
        &["--field", "f=@-"],
        &["--input", "body.json"],
        &["--input=-"],
        &["--input", "change.json"],
        &["--input", "query.json"],
        &["-f", "operationName=B"],
        &["-f", "query=query A { a } mutation B { b }"],
        &["-H", "Accept: x"],
        &["--hostname", "other.example"],
        &["-i"],
        &["--"],
    ];
    let paths =
        ["graphql", "/graphql", "user", "repos/{owner}/{repo}", "repos/o/r?x=y", "/repos/:owner/x"];
    let made = (0..bounded(150, 4000)).map(|_| {
        let mut argv = vec!["gh".to_owned(), "api".to_owned(), (*dice.one(&paths)).to_owned()];
        for _ in 0..=dice.below(3) {
            let at = 2 + dice.below(argv.len() - 1);
            match dice.below(5) {
                0 => {
                    let option = pick(&mut dice, &api.options).expect("it has some");
                    spell(&mut dice, &mut argv, 2, option);
                }
                _ => {
                    let piece = dice.one(pieces).iter().map(|word| (*word).to_owned());
                    argv.splice(at..at, piece.collect::<Vec<_>>());
                }
            }
        }
        Line::made(argv)
    });
    made.collect()
}

impl Hub {
    fn new() -> Self {
        let place = Place::new();
        let extension = place.home().join(".local/share/gh/extensions/gh-foo");
        fs::create_dir_all(&extension).expect("writable");
        let program = extension.join("gh-foo");
        let ran = place::text(&place.folder().join("ran"));
        fs::write(&program, format!("#!/bin/sh\nmkdir {ran}\n")).expect("writable");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        fs::create_dir_all(place.home().join(".config/gh")).expect("writable");
        Self { place, server: Recorder::start(answer) }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let mark = self.place.folder().join("ran");
        drop(fs::remove_dir(&mark));
        let line = line.with(&[("@RAN@", place::text(&mark))]);
        let host = line.env.iter().any(|(name, _)| name == "GH_HOST");
        let line = if host { line } else { line.env("GH_HOST", HOST) };
        let filled = |text: &str| text.replace("@RAN@", &place::text(&mark));
        let mut files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, filled(content))).collect();
        self.place.lay_out(&files);
        let settings = self.place.home().join(".config/gh");
        fs::write(settings.join("config.yml"), filled(SETTINGS)).expect("writable");
        drop(fs::remove_file(settings.join("hosts.yml")));
        let named = place::text(&settings.join("config.yml"));
        files.push((&named, filled(SETTINGS)));
        let judged = self.place.judge(&line, &files);
        let before = (place::files(&settings), self.place.files());
        let proxy = format!("http://127.0.0.1:{}", self.server.port());
        let aside = [
            ("GH_TOKEN", TOKEN.to_owned()),
            ("GH_ENTERPRISE_TOKEN", TOKEN.to_owned()),
            ("GH_NO_UPDATE_NOTIFIER", "1".to_owned()),
            ("http_proxy", proxy.clone()),
            ("https_proxy", proxy),
        ];
        let ran = self.place.run_with(&line, &aside);
        let after = (place::files(&settings), self.place.files());
        let changed = (before.0 != after.0, before.1 != after.1);
        let asked: Vec<Asked> = self.server.take().iter().map(asked).collect();
        compare(&judged, &ran, &asked, changed, mark.is_dir())
    }
}

fn compare(
    judged: &Judged,
    ran: &Ran,
    asked: &[Asked],
    (settings, files): (bool, bool),
    program: bool,
) -> Outcome {
    if asked.is_empty() && ran.code() != Some(0) && !settings && !files && !program {
        let said = ran.err().lines().next().unwrap_or_default().to_owned();
        let read = judged.opaque().is_none().then(|| judged.story());
        return Outcome::Refused { read, said };
    }
    if let Some(reason) = judged.opaque() {
        return Outcome::Opaque(reason.to_owned());
    }
    let [action] = &judged.actions[..] else { return Outcome::Differs(judged.story()) };
    let is = |effects: &[&str]| {
        action.opaque("effect").is_some()
            || action.text("effect").is_some_and(|effect| effects.contains(&effect))
    };
    let story = judged.story();
    let milder = |why: String| Outcome::Milder(format!("{why}: {story}"));
    let differs = |why: String| Outcome::Differs(format!("{why}: {story}"));
    if program && !is(&["program"]) && action.set("programs").is_empty() {
        return milder("a program ran".to_owned());
    }
    if settings && !is(&["config"]) {
        return milder("gh's settings changed".to_owned());
    }
    let says = |effects: &[&str]| effects.contains(&action.text("effect").unwrap_or_default());
    if files && says(&["read", "local", "secret"]) {
        return milder("files changed".to_owned());
    }
    if (ran.out() + &ran.err()).contains(TOKEN) && !is(&["secret"]) {
        return milder("the token was printed".to_owned());
    }
    let command = action.text("command").unwrap_or_default();
    for request in asked {
        if changes(request) && !is(&["write", "destroy", "program", "remote"]) {
            return milder(format!("{request:?}"));
        }
        // An option of these commands also removes the branch.
        let with_branch = matches!(command, "pr close" | "pr merge");
        if request.method == "DELETE" && !with_branch && !is(&["destroy"]) {
            return milder(format!("{request:?}"));
        }
    }
    // A change counts before what was only read on the way.
    let told = |request: &&Asked| request.repository.as_deref().is_some_and(|name| name != "w/k");
    let first = asked.iter().filter(told).find(|request| changes(request));
    let first = first.or_else(|| asked.iter().find(told));
    if let Some(repository) = first.and_then(|request| request.repository.as_deref())
        && command != "api"
        && action.opaque("repository").is_none()
    {
        let said = action.text("repository").unwrap_or_default();
        let said = said.trim_end_matches(".git");
        if said != repository && !said.ends_with(&format!("/{repository}")) {
            return differs(format!("`{repository}` was asked about"));
        }
    }
    let Some(first) = asked.first() else { return Outcome::Agreed };
    let host = action.text("host").unwrap_or("github.com");
    let reached = first.host.to_ascii_lowercase();
    let known = host == reached || Some(host) == reached.strip_prefix("api.");
    if action.opaque("host").is_none() && !known {
        return differs(format!("`{reached}` was asked"));
    }
    if command == "api" && first.method != "CONNECT" {
        return api(action, first).unwrap_or(Outcome::Agreed);
    }
    Outcome::Agreed
}

/// Whether the request asks for a change.
fn changes(request: &Asked) -> bool {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "CONNECT");
    let asks = request.method == "POST" && request.operation.as_deref() == Some("query");
    !reads && !asks
}

/// What is wrong with the facts of a call of `gh api`.
fn api(action: &crate::claw::Action, asked: &Asked) -> Option<Outcome> {
    let differs = |what: &str| Some(Outcome::Differs(format!("{what}: {asked:?}: {action:?}")));
    let milder = |what: &str| Some(Outcome::Milder(format!("{what}: {asked:?}: {action:?}")));
    if action.opaque("method").is_none() && action.text("method") != Some(&asked.method) {
        return differs("the method");
    }
    let said = action.text("path").unwrap_or_default();
    let said = said.split(['?', '#']).next().unwrap_or_default();
    let said = said
        .split_once("://")
        .map_or(said, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let (owner, name) =
        action.text("repository").unwrap_or("w/k").split_once('/').unwrap_or_default();
    let said = [("{owner}", owner), (":owner", owner), ("{repo}", name), (":repo", name)]
        .iter()
        .fold(said.trim_matches('/').to_owned(), |said, (name, value)| said.replace(name, value));
    let path = asked.path.as_deref().unwrap_or_default();
    if action.opaque("path").is_none() && said != path.trim_matches('/') {
        return differs("the path");
    }
    let posted = asked.method == "POST" && asked.operation.is_some();
    if posted
        && action.opaque("operation").is_none()
        && action.text("operation") != asked.operation.as_deref()
    {
        return milder("the operation");
    }
    if asked.body
        && asked.operation.is_none()
        && !action.is("body")
        && action.opaque("body").is_none()
    {
        return milder("a body");
    }
    let files = action.set("files");
    let unknown = asked.sent.iter().find(|file| !files.contains(&file.as_str()));
    unknown.and_then(|file| milder(&format!("`{file}` was sent")))
}

fn asked(request: &Request) -> Asked {
    let (host, path) = match request.target.split_once("://") {
        Some((_, rest)) => match rest.split_once('/') {
            Some((host, path)) => (host, Some(path.split('?').next().unwrap_or_default())),
            None => (rest, Some("")),
        },
        None => (request.target.split(':').next().unwrap_or_default(), None),
    };
    let graphql = path.is_some_and(|path| path.trim_matches('/') == "graphql");
    let operation = graphql.then(|| graphql::run(&request.body)).flatten().map(|(kind, _)| kind);
    let mut parts = path.unwrap_or_default().split('/').filter(|part| !part.is_empty());
    let mut repository = (parts.next() == Some("repos"))
        .then(|| Some(format!("{}/{}", parts.next()?, parts.next()?)))
        .flatten();
    let variables: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let variable = |name: &str| variables["variables"][name].as_str();
    if let (Some(owner), Some(name)) = (variable("owner"), variable("name").or(variable("repo"))) {
        repository = Some(format!("{owner}/{name}"));
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let marks = body.split("MARK(").skip(1).filter_map(|rest| rest.split(')').next());
    Asked {
        method: request.method.to_ascii_uppercase(),
        host: host.to_owned(),
        path: path.map(str::to_owned),
        operation,
        repository,
        sent: marks.map(str::to_owned).collect(),
        body: !request.body.is_empty(),
    }
}

/// An answer that lets gh go on.
fn answer(request: &Request) -> Answer {
    if let Some((_, data)) = graphql::run(&request.body) {
        return Answer::json(json!({ "data": data }).to_string());
    }
    let (id, address) = (json!(1), "http://github.localhost/o/r");
    let one = json!({
        "id": id, "number": 1, "node_id": "n", "name": "r", "full_name": "o/r", "login": "o",
        "owner": {"login": "o", "id": 1}, "html_url": address, "url": address, "state": "active",
        "path": ".github/workflows/x.yml", "default_branch": "main", "tag_name": "x",
        "key_id": "k", "key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "created_at": "2024-01-01T00:00:00Z", "status": "completed", "conclusion": "failure",
        "workflow_runs": [], "secrets": [], "jobs": [], "artifacts": [], "items": [],
        "workflows": [{"id": 1, "name": "x", "path": ".github/workflows/x.yml", "state": "active"}],
        "files": {"x": {"filename": "x", "content": "x"}}, "upload_url": "http://api.github.localhost/up",
        "assets": [{"name": "x", "id": 1, "url": "http://api.github.localhost/asset"}],
    });
    let target = request.path();
    let last = target.rsplit('/').next().unwrap_or_default();
    let listed = ["keys", "labels", "releases", "gists", "branches", "repos", "topics"];
    match request.method.as_str() {
        "GET" if listed.contains(&last) => Answer::json(json!([one]).to_string()),
        "DELETE" => Answer::json("").status(204),
        _ => Answer::json(one.to_string()),
    }
}
