//! The domain `http`: what a command-line client of HTTP would ask of whom.
//!
//! Shared by the tools that transfer URLs. Input: what a tool's own parser made of its command line;
//! output: one action for each transfer. URLs are read as RFC 3986 writes them, in the part of it
//! that curl, wget and browsers read alike; what only some of them accept, or read differently (a
//! backslash, a second `@`, one or three slashes, percent signs or letters beyond ASCII in a host, a
//! percent-encoded dot segment), is opaque.

use std::collections::BTreeSet;

use claw_policy::{Action, Domain, Kind, fact};

use crate::call::{Call, excerpt, text};
use crate::language::url::{self, Url};

/// What one transfer asks.
pub(crate) static DOMAIN: Domain = Domain {
    name: "http",
    governed: true,
    doc: "One transfer of a URL, or the call where it transfers none.",
    facts: &[
        fact(
            "effect",
            Kind::Str,
            &["local", "read", "send", "program"],
            "`local` asks nothing of anybody, `read` is GET or HEAD that hands over nothing but its URL and headers from the command line, `send` is everything else that goes to the server, `program` starts a program or loads code here.",
        ),
        fact("method", Kind::Str, &[], "The request method, as it is sent."),
        fact(
            "method_override",
            Kind::Str,
            &[],
            "The method that a header such as X-HTTP-Method-Override asks for instead.",
        ),
        fact("scheme", Kind::Str, &[], "The scheme of the URL, in lower case."),
        fact(
            "host",
            Kind::Str,
            &[],
            "The host of the URL, in lower case, without a dot at its end; numbers as dotted quads.",
        ),
        fact("port", Kind::Str, &[], "The port, where the URL says it."),
        fact(
            "path",
            Kind::Str,
            &[],
            "The path that is asked for, without query and fragment: `/` where the URL has none, dot segments taken out where the tool takes them out, and what `--request-target` says instead.",
        ),
        fact("body", Kind::Bool, &[], "Whether the request has a body."),
        fact(
            "sends_files",
            Kind::Set,
            &[],
            "The files whose content is sent; `-` is standard input.",
        ),
        fact("outputs", Kind::Set, &[], "The files that are written."),
        fact(
            "detours",
            Kind::Set,
            &[],
            "The options that make it connect elsewhere than the URL says, or hand what the URL's host may see to others: `connect-to`, `resolve`, `unix-socket`, `proxy`, a Host header, another request target.",
        ),
        fact(
            "proxy",
            Kind::Str,
            &[],
            "The proxy it goes through, from an option or the environment.",
        ),
        fact("headers", Kind::Set, &[], "The names of the headers that are set, in lower case."),
        fact("redirects", Kind::Bool, &[], "Whether redirects are followed, wherever they lead."),
        fact(
            "spans_hosts",
            Kind::Bool,
            &[],
            "Whether pages of other hosts are fetched because a page links to them.",
        ),
        fact("options", Kind::Set, &[], "The long names of the options given."),
    ],
};

/// What is asked of every URL of one operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) body: bool,
    pub(crate) sends_files: BTreeSet<String>,
    pub(crate) outputs: BTreeSet<String>,
    pub(crate) detours: BTreeSet<String>,
    /// `Some("")` where a proxy is turned off.
    pub(crate) proxy: Option<String>,
    /// Hosts that no proxy is used for, as an option says.
    pub(crate) no_proxy: Option<String>,
    pub(crate) headers: BTreeSet<String>,
    pub(crate) host_header: Option<String>,
    pub(crate) method_override: Option<String>,
    pub(crate) redirects: bool,
    pub(crate) spans_hosts: bool,
    /// What is asked for instead of the URL's path.
    pub(crate) target: Option<String>,
    /// Options that start a program or load code.
    pub(crate) programs: BTreeSet<String>,
    pub(crate) options: BTreeSet<String>,
    /// Why the request cannot be read, where it cannot.
    pub(crate) opaque: Option<String>,
}

impl Request {
    /// Takes note of a header as it stands on the command line, `Name: value` or `Name;`.
    pub(crate) fn header(&mut self, line: &str) {
        if line.contains(|char: char| char.is_control() && char != '\t') {
            self.opaque.get_or_insert_with(|| "a header holds control characters".to_owned());
        }
        let end = line.find([':', ';']).unwrap_or(line.len());
        let name = line[..end].trim().to_ascii_lowercase();
        let value = line[end..].trim_start_matches([':', ';']).trim();
        match name.as_str() {
            "host" => self.host_header = Some(value.to_ascii_lowercase()),
            "x-http-method-override" | "x-http-method" | "x-method-override" => {
                self.method_override = Some(value.to_ascii_uppercase());
            }
            "content-length" | "transfer-encoding" => {
                self.body |= !value.is_empty() && value != "0";
            }
            _ => {}
        }
        self.headers.insert(name);
    }

    /// The action for one URL. `guess` is the scheme of a URL that has none.
    pub(crate) fn transfer(&self, call: &Call<'_>, url: &str, guess: &str) -> Action {
        let said = excerpt(&format!("{} {url}", self.method));
        let mut action = match &self.opaque {
            Some(reason) => Action::opaque(&DOMAIN, said, reason.as_str()),
            None => Action::new(&DOMAIN, said),
        };
        let mut detours = self.detours.clone();
        let mut proxy = self.proxy.clone().filter(|proxy| !proxy.is_empty());
        match url::read(url, guess) {
            Ok(url) => {
                let own = |header: &str| {
                    header.is_empty()
                        || header == url.host
                        || header.strip_prefix(url.host.as_str()).is_some_and(|rest| {
                            rest.strip_prefix(':')
                                .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
                        })
                };
                if self.host_header.as_deref().is_some_and(|header| !own(header)) {
                    detours.insert("host-header".to_owned());
                }
                if self.proxy.is_none() {
                    proxy = environment_proxy(call, &url);
                }
                proxy = proxy.filter(|_| !goes_direct(call, &url, self.no_proxy.as_deref()));
                match self.path(&url) {
                    Ok(path) => action.set("path", path),
                    Err(reason) => action.set_opaque("path", reason),
                }
                if self.target.is_some() {
                    detours.insert("request-target".to_owned());
                }
                action.set("scheme", url.scheme);
                action.set("host", url.host);
                if let Some(port) = url.port {
                    action.set("port", port);
                }
            }
            Err(reason) => {
                for name in ["scheme", "host", "port", "path"] {
                    action.set_opaque(name, reason.clone());
                }
            }
        }
        action.set("method", self.method.as_str());
        if let Some(method) = &self.method_override {
            action.set("method_override", method.as_str());
        }
        if self.opaque.is_none() {
            action.set("effect", self.effect());
        }
        action.set("body", self.body);
        action.set("sends_files", self.sends_files.clone());
        action.set("outputs", self.outputs.clone());
        action.set("detours", detours);
        if let Some(proxy) = proxy {
            action.set("proxy", proxy);
        }
        action.set("headers", self.headers.clone());
        action.set("redirects", self.redirects);
        action.set("spans_hosts", self.spans_hosts);
        action.set("options", self.options.clone());
        action
    }

    /// The path that the server is asked for.
    fn path(&self, url: &Url) -> Result<String, String> {
        if let Some(target) = &self.target {
            return match target.strip_prefix('/') {
                Some(_) => Ok(target.split(['?', '#']).next().unwrap_or_default().to_owned()),
                None => Err("the request target is no path".to_owned()),
            };
        }
        let of_http = matches!(url.scheme.as_str(), "http" | "https");
        if !of_http || self.options.contains("path-as-is") {
            return Ok(url.path.clone());
        }
        url::without_dots(&url.path)
    }

    fn effect(&self) -> &'static str {
        let reads = |method: &str| matches!(method, "GET" | "HEAD");
        if !self.programs.is_empty() {
            "program"
        } else if reads(&self.method)
            && self.method_override.as_deref().is_none_or(reads)
            && !self.body
            && self.sends_files.is_empty()
        {
            "read"
        } else {
            "send"
        }
    }
}

/// The action of a call that transfers nothing.
pub(crate) fn local(call: &Call<'_>) -> Action {
    Action::new(&DOMAIN, words(call)).with("effect", "local")
}

/// The action of a call that cannot be read.
pub(crate) fn opaque(call: &Call<'_>, reason: impl Into<String>) -> Action {
    Action::opaque(&DOMAIN, words(call), reason)
}

fn words(call: &Call<'_>) -> String {
    let words: Vec<_> = call.argv.iter().skip(1).take(40).map(|word| text(word)).collect();
    excerpt(&words.join(" "))
}

/// The proxy that the environment names for a URL (curl(1), wget(1): `http_proxy` in lower case only,
/// the others in both).
fn environment_proxy(call: &Call<'_>, url: &Url) -> Option<String> {
    let var = |name: &str| call.var(name).filter(|value| !value.is_empty()).map(text);
    let own = format!("{}_proxy", url.scheme);
    let upper = (url.scheme != "http").then(|| var(&own.to_ascii_uppercase())).flatten();
    let proxy = var(&own).or(upper).or_else(|| var("all_proxy")).or_else(|| var("ALL_PROXY"));
    proxy.map(std::borrow::Cow::into_owned)
}

/// Whether an option or a variable says that the host is asked without a proxy, even one that an option
/// names. An address is meant by itself alone; a network of them is not read, and the proxy stays.
fn goes_direct(call: &Call<'_>, url: &Url, no_proxy: Option<&str>) -> bool {
    let var = |name: &str| call.var(name).filter(|value| !value.is_empty()).map(text);
    let is_address = url.host.starts_with('[') || url.host.parse::<std::net::Ipv4Addr>().is_ok();
    let excepted = match no_proxy {
        Some(list) => list.to_owned(),
        None => var("no_proxy").or_else(|| var("NO_PROXY")).unwrap_or_default().into_owned(),
    };
    let covers = |entry: &str| {
        let entry = entry.trim().trim_start_matches('.').to_ascii_lowercase();
        let parent = || url.host.strip_suffix(&entry).is_some_and(|rest| rest.ends_with('.'));
        entry == "*" || (!entry.is_empty() && (url.host == entry || (!is_address && parent())))
    };
    excepted.split([',', ' ']).any(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_of_the_environment() {
        let proxy = |env: &[&[u8]], url: &str| {
            let call = Call { env, ..Call::default() };
            let url = url::read(url, "http").unwrap();
            environment_proxy(&call, &url).filter(|_| !goes_direct(&call, &url, None))
        };
        assert_eq!(proxy(&[b"https_proxy=p"], "https://h/").as_deref(), Some("p"));
        assert_eq!(proxy(&[b"HTTP_PROXY=p"], "http://h/"), None);
        assert_eq!(proxy(&[b"ALL_PROXY=p"], "http://h/").as_deref(), Some("p"));
        assert_eq!(proxy(&[b"ALL_PROXY=p", b"no_proxy=x,.h"], "http://a.h/"), None);
        assert_eq!(proxy(&[b"ALL_PROXY=p", b"no_proxy=h"], "http://ah/").as_deref(), Some("p"));
        assert_eq!(
            proxy(&[b"ALL_PROXY=p", b"no_proxy=0.0.1"], "http://10.0.0.1/").as_deref(),
            Some("p")
        );
    }
}
