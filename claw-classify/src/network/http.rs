//! The domain `http`: what a command-line HTTP client would ask, and which host.
//!
//! Shared by the tools that transfer URLs. Input: what a tool's own parser made of its command
//! line. Output: one action for each transfer.
//!
//! URLs are read as RFC 3986 writes them, in the part of it that curl, wget and browsers read
//! alike. A spelling that only some of them accept, or that they read differently, is opaque: a
//! backslash, a second `@`, one or three slashes, percent signs or letters beyond ASCII in a host,
//! a percent-encoded dot segment.

use std::collections::BTreeSet;

use claw_policy::{Action, Set, domain};

use crate::call::{Call, excerpt, text};
use crate::language::url::{self, Url};

domain! {
    /// One transfer of a URL, or the call where it transfers none.
    pub(crate) static DOMAIN: Http = "http", governed: true, sealed: true;

    /// `local` contacts no server, `read` is a GET or HEAD that sends nothing but its URL and headers from the
    /// command line, `send` is every other request, `program` starts a program or loads code here.
    EFFECT: String = "effect" of &["local", "read", "send", "program"];
    /// The request method, as it is sent.
    METHOD: String = "method";
    /// The method that a header such as X-HTTP-Method-Override asks for instead.
    METHOD_OVERRIDE: String = "method_override";
    /// The scheme of the URL, in lower case.
    SCHEME: String = "scheme";
    /// The host of the URL, in lower case, without a dot at its end; numbers as dotted quads.
    HOST: String = "host";
    /// The port, where the URL says it.
    PORT: String = "port";
    /// The path that is asked for, without query and fragment: `/` if the URL has none, without dot segments if the
    /// tool removes them, or the value of `--request-target` instead.
    PATH: String = "path";
    /// Whether the request has a body.
    BODY: bool = "body";
    /// The files whose content is sent; `-` is standard input.
    SENDS_FILES: Set = "sends_files";
    /// The files that are written.
    OUTPUTS: Set = "outputs";
    /// The options that make it connect elsewhere than the URL says, or send to others what is meant for the URL's
    /// host: `connect-to`, `resolve`, `unix-socket`, `proxy`, a Host header, another request target.
    DETOURS: Set = "detours";
    /// The proxy it goes through, from an option or the environment.
    PROXY: String = "proxy";
    /// The names of the headers that are set, in lower case.
    HEADERS: Set = "headers";
    /// Whether redirects are followed, wherever they lead.
    REDIRECTS: bool = "redirects";
    /// Whether pages of other hosts are fetched because a page links to them.
    SPANS_HOSTS: bool = "spans_hosts";
    /// The long names of the options given.
    OPTIONS: Set = "options";
}

/// What is asked of every URL of one operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) body: bool,
    pub(crate) sends_files: BTreeSet<String>,
    pub(crate) outputs: BTreeSet<String>,
    pub(crate) detours: BTreeSet<String>,
    /// `Some("")` if a proxy is turned off.
    pub(crate) proxy: Option<String>,
    /// Hosts for which an option says that no proxy is used.
    pub(crate) no_proxy: Option<String>,
    pub(crate) headers: BTreeSet<String>,
    pub(crate) host_header: Option<String>,
    pub(crate) method_override: Option<String>,
    pub(crate) redirects: bool,
    pub(crate) spans_hosts: bool,
    /// The target that is asked for instead of the URL's path.
    pub(crate) target: Option<String>,
    /// Options that start a program or load code.
    pub(crate) programs: BTreeSet<String>,
    pub(crate) options: BTreeSet<String>,
    /// Why the request cannot be read, if it cannot.
    pub(crate) opaque: Option<String>,
}

impl Request {
    /// Takes in a header as it is on the command line, `Name: value` or `Name;`.
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
                    Ok(path) => action.set(Http::PATH, path),
                    Err(reason) => action.set_opaque(Http::PATH, reason),
                }
                if self.target.is_some() {
                    detours.insert("request-target".to_owned());
                }
                action.set(Http::SCHEME, url.scheme);
                action.set(Http::HOST, url.host);
                if let Some(port) = url.port {
                    action.set(Http::PORT, port);
                }
            }
            Err(reason) => {
                for fact in [Http::SCHEME, Http::HOST, Http::PORT, Http::PATH] {
                    action.set_opaque(fact, reason.clone());
                }
            }
        }
        action.set(Http::METHOD, self.method.as_str());
        if let Some(method) = &self.method_override {
            action.set(Http::METHOD_OVERRIDE, method.as_str());
        }
        if self.opaque.is_none() {
            action.set(Http::EFFECT, self.effect());
        }
        action.set(Http::BODY, self.body);
        action.set(Http::SENDS_FILES, self.sends_files.clone());
        action.set(Http::OUTPUTS, self.outputs.clone());
        action.set(Http::DETOURS, detours);
        if let Some(proxy) = proxy {
            action.set(Http::PROXY, proxy);
        }
        action.set(Http::HEADERS, self.headers.clone());
        action.set(Http::REDIRECTS, self.redirects);
        action.set(Http::SPANS_HOSTS, self.spans_hosts);
        action.set(Http::OPTIONS, self.options.clone());
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
    Action::new(&DOMAIN, words(call)).with(Http::EFFECT, "local")
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

/// Whether an option or a variable says that the host is asked without a proxy, even one that an
/// option names. An address stands for itself alone. A network of addresses is not read, so the
/// proxy stays.
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
