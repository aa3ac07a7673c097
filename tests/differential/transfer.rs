//! Compares what an HTTP client (curl, wget) did with what claw says.
//!
//! Two servers on loopback stand for the place a call is about (`@A@` in a line) and for another place (`@B@`). They
//! answer as origins and as proxies: a request that came through a proxy shows the host as the tool understood it.
//! Every file that a line could send holds a mark with its own name, so that what was sent is known by its content.

use std::collections::BTreeSet;

use claw_tests::call::Ran;

use crate::account::Outcome;
use crate::claw::{Action, Judged};
use crate::line::{Expected, Line};
use crate::place::{Place, STDIN};
use crate::recorder::{Answer, Recorder, Request};

/// A place with two servers.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) place: Place,
    here: Recorder,
    there: Recorder,
}

/// One request, as it was understood.
#[derive(Debug)]
struct Hop {
    method: String,
    /// Nothing where the server does not get to see it.
    host: Option<String>,
    port: String,
    /// Nothing within `CONNECT`.
    path: Option<String>,
    proxied: bool,
    elsewhere: bool,
    body: bool,
    /// The files whose content is in it.
    sent: BTreeSet<String>,
}

impl Web {
    /// Both servers and an empty place.
    pub(crate) fn new() -> Self {
        let there = Recorder::start(|_| Answer::json("{}"));
        let port = there.port();
        let here = Recorder::start(move |request| match request.path() {
            "/redirect" => {
                let mut answer = Answer::json("").status(302);
                let to = format!("http://127.0.0.1:{port}/redirected");
                answer.headers.push(("Location".to_owned(), to));
                answer
            }
            _ => Answer::json("{}"),
        });
        Self { place: Place::new(), here, there }
    }

    /// Judges the line, runs it and compares.
    pub(crate) fn settle(&mut self, line: &Line, files: &[(&str, &str)]) -> Outcome {
        let work = self.place.work().display().to_string();
        let names = [
            ("@A@", format!("127.0.0.1:{}", self.here.port())),
            ("@B@", format!("127.0.0.1:{}", self.there.port())),
            ("@WORK@", work),
            ("@HOME@", self.place.home().display().to_string()),
        ];
        let line = &line.with(&names);
        let filled = |text: &str| {
            names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        let files: Vec<(&str, String)> =
            files.iter().map(|(name, content)| (*name, filled(content))).collect();
        self.place.lay_out(&files);
        let before = self.place.files();
        let judged = self.place.judge(line, &files);
        let ran = self.place.run(line);
        let seen = self.here.take().into_iter().map(|request| (request, false));
        let seen = seen.chain(self.there.take().into_iter().map(|request| (request, true)));
        let hops: Vec<Hop> = seen.map(|(request, elsewhere)| hop(&request, elsewhere)).collect();
        let mut written: BTreeSet<String> = BTreeSet::new();
        for (name, content) in self.place.files() {
            if before.get(&name) != Some(&content) {
                written.insert(name);
            }
        }
        let local = format!("127.0.0.1:{}", self.here.port());
        self.compare(line, &judged, &ran, &hops, &written, &local)
    }

    fn compare(
        &self,
        line: &Line,
        judged: &Judged,
        ran: &Ran,
        hops: &[Hop],
        written: &BTreeSet<String>,
        local: &str,
    ) -> Outcome {
        if hops.is_empty() && written.is_empty() {
            return idle(judged, ran);
        }
        let of = |name| judged.actions.iter().find_map(|action| action.opaque(name));
        if let Some(reason) = judged.opaque().or_else(|| of("host")).or_else(|| of("path")) {
            return Outcome::Opaque(reason.to_owned());
        }
        let mut left: Vec<&Action> = judged.actions.iter().collect();
        for hop in hops {
            let at = left.iter().position(|action| fits(action, hop, local));
            let Some(at) = at else {
                if hop.elsewhere && judged.actions.iter().any(|action| action.is("redirects")) {
                    continue;
                }
                let why = format!("no action is {hop:?} of {}", judged.story());
                return Outcome::Milder(why);
            };
            let action = left.remove(at);
            if let Some(why) = milder(action, hop) {
                return Outcome::Milder(format!("{why}: {hop:?} of {}", judged.story()));
            }
        }
        let asks = |action: &&&Action| {
            action.opaque("effect").is_none()
                && action.text("effect") != Some("local")
                && matches!(action.text("scheme"), Some("http" | "https"))
        };
        // A request that the tool gave up before sending it cannot be compared.
        if let Some(action) = left.iter().find(asks).filter(|_| ran.code() == Some(0)) {
            let host = action.text("host").unwrap_or_default();
            return Outcome::Differs(format!("nothing was asked of `{host}`: {}", judged.story()));
        }
        let outputs: Vec<&str> =
            judged.actions.iter().flat_map(|action| action.set("outputs")).collect();
        let work = self.place.work().display().to_string();
        let named = |file: &String| {
            outputs.iter().any(|output| {
                *output == "*"
                    || output.trim_start_matches("./") == file
                    || *output == format!("{work}/{file}")
                    || file.starts_with(&format!("{}/", output.trim_start_matches("./")))
            })
        };
        if let Some(file) = written.iter().find(|file| !named(file)) {
            return Outcome::Milder(format!("`{file}` was written: {}", judged.story()));
        }
        if line.expected == Expected::Refused {
            return Outcome::Differs("the tool did it".to_owned());
        }
        Outcome::Agreed
    }
}

/// The tool sent no request and wrote no file.
fn idle(judged: &Judged, ran: &Ran) -> Outcome {
    if ran.code() == Some(0) {
        let quiet = judged.opaque().is_some()
            || judged.actions.iter().all(|action| {
                action.text("effect") == Some("local")
                    || !matches!(action.text("scheme"), Some("http" | "https"))
            });
        return match (quiet, judged.opaque()) {
            (_, Some(reason)) => Outcome::Opaque(reason.to_owned()),
            (true, None) => Outcome::Agreed,
            (false, None) => Outcome::Differs(format!("it did nothing: {}", judged.story())),
        };
    }
    let unread = judged.opaque().is_some()
        || judged.actions.iter().any(|action| action.opaque("host").is_some())
        || judged.actions.iter().all(|action| action.text("effect") == Some("local"));
    let said = ran.err().lines().next().unwrap_or_default().to_owned();
    Outcome::Refused { read: (!unread).then(|| judged.story()), said }
}

fn hop(request: &Request, elsewhere: bool) -> Hop {
    let text = request.text();
    let sent = text
        .split("MARK(")
        .skip(1)
        .chain(text.split("MARK%28").skip(1))
        .filter_map(|rest| rest.split([')', '%']).next())
        .map(str::to_owned)
        .collect();
    let mut hop = Hop {
        method: request.method.clone(),
        host: None,
        port: String::new(),
        path: Some(request.path().to_owned()),
        proxied: false,
        elsewhere,
        body: !request.body.is_empty(),
        sent,
    };
    let authority = if request.method == "CONNECT" {
        hop.path = None;
        Some(request.target.clone())
    } else if let Some((_, rest)) = request.target.split_once("://") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let path = rest[end..].split('?').next().unwrap_or_default();
        hop.path = Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() });
        Some(rest[..end].to_owned())
    } else {
        None
    };
    if let Some(authority) = authority {
        hop.proxied = true;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (authority.as_str(), ""),
        };
        hop.host = Some(host.trim_end_matches('.').to_ascii_lowercase());
        hop.port = port.to_owned();
    }
    hop
}

/// Whether the action is about what happened: host, port, method and path.
fn fits(action: &Action, hop: &Hop, local: &str) -> bool {
    let same = |name: &str, seen: &str| {
        action.opaque(name).is_some() || action.text(name).unwrap_or_default() == seen
    };
    let port = action.text("port").unwrap_or(match action.text("scheme") {
        Some("https") => "443",
        _ => "80",
    });
    let aimed = match &hop.host {
        Some(host) => {
            let port_seen = if hop.port.is_empty() { "80" } else { &hop.port };
            // A detour may name the host that a proxy is asked for.
            let detour = !action.set("detours").is_empty();
            detour || (same("host", host) && port == port_seen)
        }
        None => {
            let there = format!("{}:{port}", action.text("host").unwrap_or_default());
            !action.set("detours").is_empty()
                || action.opaque("host").is_some()
                || (there == local && !hop.elsewhere)
                || (there != local && hop.elsewhere && there.starts_with("127.0.0.1:"))
        }
    };
    let method = hop.method == "CONNECT" || same("method", &hop.method);
    let path = hop.path.as_ref().is_none_or(|path| {
        // A request target that is a whole address looks like what a proxy gets.
        same("path", path) || action.opaque("path").is_some()
    });
    aimed && method && path && (hop.proxied == action.text("proxy").is_some())
}

/// Why the action is milder than what happened.
fn milder(action: &Action, hop: &Hop) -> Option<String> {
    let effect = action.text("effect").unwrap_or("?");
    let claims = |effects: &[&str]| action.opaque("effect").is_some() || effects.contains(&effect);
    let asks_only = matches!(hop.method.as_str(), "GET" | "HEAD" | "CONNECT");
    if !asks_only && !claims(&["send", "program"]) {
        return Some(format!("`{}` is called `{effect}`", hop.method));
    }
    if hop.body && !(action.is("body") || action.opaque("body").is_some()) {
        return Some("a body was sent".to_owned());
    }
    let files = action.set("sends_files");
    let own = |file: &&String| {
        !files.iter().any(|known| {
            known == file
                || (STDIN.contains(file.as_str()) && matches!(*known, "-" | "."))
                || known.rsplit('/').next() == Some(file.as_str())
        })
    };
    if let Some(file) = hop.sent.iter().find(own) {
        return Some(format!("`{file}` was sent"));
    }
    if !hop.sent.is_empty() && !claims(&["send", "program"]) {
        return Some(format!("a file was sent, and it is called `{effect}`"));
    }
    None
}
