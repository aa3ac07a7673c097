//! Within a crate, no import circle crosses a folder.
//!
//! A room is a file or a folder directly under a crate's `src/`; the crate's root file is a room too. An arrow goes
//! from one room to another where a path in the first names something in the second: in a `use`, a type, an
//! expression, or the tokens of a macro. Modules are followed from the root, so only what is compiled counts. What is
//! compiled for tests alone does not count, and neither does what the root re-exports with `pub use`.
//!
//! Known gaps: paths that a procedural macro generates are not seen, and items behind a compound `cfg` with
//! `test` in it count as code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates that are checked. Add a crate once it has no circle left.
const HELD: [&str; 5] =
    ["claw-agent", "claw-classify", "claw-common", "claw-corpus", "claw-policy"];

/// Which room imports which, and the file that does.
type Arrows = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// The text of a source file, or nothing where there is none.
type Source<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A crate, as far as it is read.
struct Crate<'a> {
    source: Source<'a>,
    /// The name of the room that the root file is.
    root: String,
    rooms: BTreeSet<String>,
    /// What the root names in its `use` items, and the room it comes from.
    exports: BTreeMap<String, String>,
    arrows: Arrows,
}

/// The arrows between the rooms of the crate whose root file is `root`.
fn arrows(root: &Path, source: Source<'_>) -> Result<Arrows, String> {
    let stem = root.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let tokens = tokens(root, source)?;
    let mut found = Crate {
        source,
        root: stem,
        rooms: modules(&tokens),
        exports: BTreeMap::new(),
        arrows: Arrows::new(),
    };
    found.read_root(root, &tokens)?;
    let folder = root.parent().unwrap_or(Path::new(""));
    found.read(root, folder, &[], &tokens)?;
    Ok(found.arrows)
}

/// The tokens of a file, without the items that are compiled for tests alone.
fn tokens(file: &Path, source: Source<'_>) -> Result<Vec<TokenTree>, String> {
    let text = source(file).ok_or_else(|| format!("there is no `{}`", file.display()))?;
    let stream: TokenStream =
        text.parse().map_err(|error| format!("`{}`: {error}", file.display()))?;
    Ok(without_tests(stream))
}

/// Drops every item behind `#[cfg(test)]`: its other attributes, and everything up to its `;` or its braces.
fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut rest = stream.into_iter().peekable();
    while let Some(token) = rest.next() {
        let attribute = is_punct(&token, '#').then(|| rest.peek().map(ToString::to_string));
        if attribute.flatten().is_some_and(|text| text.replace(' ', "") == "[cfg(test)]") {
            skip_item(&mut rest);
        } else {
            kept.push(token);
        }
    }
    kept
}

fn skip_item(rest: &mut Peekable<IntoIter>) {
    for token in rest {
        let braces =
            matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if braces || is_punct(&token, ';') {
            return;
        }
    }
}

/// The modules that are declared here.
fn modules(tokens: &[TokenTree]) -> BTreeSet<String> {
    let named = tokens.windows(2).filter(|pair| is_ident(&pair[0], "mod"));
    named.filter_map(|pair| ident(&pair[1])).collect()
}

impl Crate<'_> {
    /// What the root names for the whole crate, and what it uses itself.
    fn read_root(&mut self, file: &Path, tokens: &[TokenTree]) -> Result<(), String> {
        for (at, token) in tokens.iter().enumerate() {
            if !is_ident(token, "use") {
                continue;
            }
            let item: Vec<TokenTree> = tokens[at + 1..]
                .iter()
                .take_while(|token| !is_punct(token, ';'))
                .cloned()
                .collect();
            let mut room = item.iter().filter_map(ident);
            let room = room.find(|name| name != "crate" && name != "self");
            let Some(room) = room.filter(|name| self.rooms.contains(name)) else { continue };
            for name in leaves(&item, &room)? {
                self.exports.insert(name, room.clone());
            }
        }
        let mut exported = false;
        for at in 0..tokens.len() {
            match ident(&tokens[at]).as_deref() {
                // `pub use` and `pub(crate) use` alike.
                Some("use") => {
                    exported =
                        tokens[at.saturating_sub(2)..at].iter().any(|token| is_ident(token, "pub"));
                }
                Some(name) if !exported && self.rooms.contains(name) && is_path(tokens, at + 1) => {
                    self.arrow(file, &self.root.clone(), name);
                }
                _ if is_punct(&tokens[at], ';') => exported = false,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the content of `module`, whose file is `file` and whose submodules' files are in `folder`.
    fn read(
        &mut self,
        file: &Path,
        folder: &Path,
        module: &[String],
        tokens: &[TokenTree],
    ) -> Result<(), String> {
        let mut at = 0;
        while at < tokens.len() {
            if is_ident(&tokens[at], "mod")
                && let Some(name) = tokens.get(at + 1).and_then(ident)
            {
                let below: Vec<String> = module.iter().cloned().chain([name.clone()]).collect();
                match tokens.get(at + 2) {
                    Some(TokenTree::Group(group)) => {
                        let inside = without_tests(group.stream());
                        self.read(file, &folder.join(&name), &below, &inside)?;
                    }
                    _ => self.read_file(folder, &name, &below)?,
                }
                at += 3;
                continue;
            }
            if begins_path(tokens, at) {
                for target in targets(tokens, at, module) {
                    let room = self.room_of(&target, file)?;
                    let from = module.first().unwrap_or(&self.root).clone();
                    self.arrow(file, &from, &room);
                }
            }
            if let TokenTree::Group(group) = &tokens[at] {
                self.read(file, folder, module, &without_tests(group.stream()))?;
            }
            at += 1;
        }
        Ok(())
    }

    fn read_file(&mut self, folder: &Path, name: &str, module: &[String]) -> Result<(), String> {
        let beside = folder.join(format!("{name}.rs"));
        let within = folder.join(name).join("mod.rs");
        let file = if (self.source)(&beside).is_some() { beside } else { within };
        let tokens = tokens(&file, self.source)?;
        self.read(&file, &folder.join(name), module, &tokens)
    }

    /// The room that a path from the crate's root leads to.
    fn room_of(&self, path: &[String], file: &Path) -> Result<String, String> {
        match path.first() {
            Some(name) if self.rooms.contains(name) => Ok(name.clone()),
            Some(name) if name == "*" => {
                Err(format!("`{}` imports everything of the crate's root", file.display()))
            }
            Some(name) => Ok(self.exports.get(name).unwrap_or(&self.root).clone()),
            None => Ok(self.root.clone()),
        }
    }

    fn arrow(&mut self, file: &Path, from: &str, to: &str) {
        if from != to {
            let arrows = self.arrows.entry(from.to_owned()).or_default();
            arrows.entry(to.to_owned()).or_insert_with(|| file.to_owned());
        }
    }
}

/// Whether a path that says where it begins stands at `at`.
fn begins_path(tokens: &[TokenTree], at: usize) -> bool {
    let goes_on =
        at > 0 && is_punct(&tokens[at - 1], ':') && at > 1 && is_punct(&tokens[at - 2], ':');
    let begins = ["crate", "self", "super"].iter().any(|word| is_ident(&tokens[at], word));
    begins && !goes_on && is_path(tokens, at + 1)
}

/// Where such a path leads, from the crate's root: to several modules where a group follows.
fn targets(tokens: &[TokenTree], mut at: usize, module: &[String]) -> Vec<Vec<String>> {
    let mut base = if is_ident(&tokens[at], "crate") { Vec::new() } else { module.to_vec() };
    while is_ident(&tokens[at], "super") || is_ident(&tokens[at], "self") {
        if is_ident(&tokens[at], "super") {
            base.pop();
        }
        if !is_path(tokens, at + 1) {
            return vec![base];
        }
        at += 3;
        if at >= tokens.len() {
            return vec![base];
        }
    }
    if is_ident(&tokens[at], "crate") {
        at += 3;
    }
    let to = |name: String| base.iter().cloned().chain([name]).collect();
    match tokens.get(at) {
        Some(TokenTree::Group(group)) => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            let first = |part: &[TokenTree]| part.first().map(ToString::to_string);
            inside.split(|token| is_punct(token, ',')).filter_map(first).map(to).collect()
        }
        Some(token) => vec![to(token.to_string())],
        None => vec![base],
    }
}

/// The names that a `use` of `room` brings in.
fn leaves(item: &[TokenTree], room: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in item.split(|token| is_punct(token, ',')) {
        match part.last() {
            Some(TokenTree::Group(group)) => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                names.extend(leaves(&inside, room)?);
            }
            Some(token) if is_punct(token, '*') => {
                return Err(format!("the root re-exports everything of `{room}`"));
            }
            Some(token) => names.extend(ident(token).filter(|name| name != "self")),
            None => {}
        }
    }
    Ok(names)
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at..at + 2).is_some_and(|pair| pair.iter().all(|token| is_punct(token, ':')))
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

/// A shortest circle of rooms, as lines that name the file of each arrow; `None` if there is no circle.
fn circle(arrows: &Arrows) -> Option<String> {
    let shortest =
        arrows.keys().filter_map(|start| way_back(arrows, start)).min_by_key(Vec::len)?;
    let ends = shortest.iter().skip(1).chain(shortest.first());
    let arrow = |(from, to): (&String, &String)| {
        format!("  {from} -> {to}, in {}\n", arrows[from][to].display())
    };
    Some(shortest.iter().zip(ends).map(arrow).collect())
}

/// The rooms on a shortest way from `start` back to it.
fn way_back(arrows: &Arrows, start: &String) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    while let Some(way) = ways.pop_front() {
        for next in arrows.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back(way.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

/// The arrows of one of the workspace's crates.
fn arrows_of(name: &str) -> Arrows {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let read = |path: &Path| fs::read_to_string(folder.join(path)).ok();
    let root = ["lib.rs", "main.rs"].into_iter().find(|root| folder.join(root).exists());
    arrows(Path::new(root.expect("a root")), &read).expect("every module can be read")
}

#[test]
fn no_import_circle_crosses_a_folder() {
    for name in HELD {
        if let Some(circle) = circle(&arrows_of(name)) {
            panic!("an import circle in {name}:\n{circle}");
        }
    }
}

#[test]
fn the_registry_of_claw_classify_stands_above_its_tools() {
    let arrows = arrows_of("claw-classify");
    let families = ["clouds", "code", "containers", "databases", "network", "system"];
    for family in families {
        assert!(arrows["registry"].contains_key(family), "{family} is not in the registry");
        let other = arrows[family]
            .keys()
            .find(|room| *room == "registry" || families.contains(&room.as_str()));
        assert_eq!(other, None, "imported by {family}");
    }
}

mod made_up {
    use super::*;

    /// The arrows of a made-up crate, one a word, or the error from reading it.
    fn shown(files: &[(&str, &str)]) -> Result<String, String> {
        let read = |path: &Path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| (*text).to_owned())
        };
        let arrows = arrows(Path::new("lib.rs"), &read)?;
        let rooms =
            arrows.iter().flat_map(|(from, to)| to.keys().map(move |to| format!("{from}>{to}")));
        let shown = rooms.collect::<Vec<_>>().join(" ");
        Ok(match circle(&arrows) {
            Some(circle) => format!("{shown}\n{circle}"),
            None => shown,
        })
    }

    #[test]
    fn a_circle_between_two_folders_is_named() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "mod inner;"),
            ("a/inner.rs", "use crate::{b, c::d::E};"),
            ("b.rs", "use crate::c;"),
            ("c/mod.rs", "mod d;"),
            ("c/d.rs", "fn f() -> u8 { macro_of![crate::a::inner::X] }"),
        ];
        assert_eq!(
            shown(&files).unwrap(),
            "a>b a>c b>c c>a\n  a -> c, in a/inner.rs\n  c -> a, in c/d.rs\n"
        );
    }

    #[test]
    fn a_longer_circle_is_found_too() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "type A = crate::b::B;"),
            ("b.rs", "use super::c::C;"),
            ("c.rs", "impl C { fn f(self) { self::g(); super::a::h() } }"),
        ];
        let found = shown(&files).unwrap();
        assert!(
            found.ends_with("a -> b, in a.rs\n  b -> c, in b.rs\n  c -> a, in c.rs\n"),
            "{found}"
        );
    }

    #[test]
    fn what_the_root_names_leads_to_the_room_it_comes_from() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::x::{Y, Z as W}; use b::{self, V}; struct Own;"),
            ("a.rs", "use crate::{Own, V};"),
            ("b.rs", "use crate::W;"),
        ];
        let found = shown(&files).unwrap();
        assert!(found.starts_with("a>b a>lib b>a lib>b\n"), "{found}");
    }

    #[test]
    fn tests_and_a_folder_s_own_modules_do_not_count() {
        let files = [
            ("lib.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
            (
                "a.rs",
                "mod one { use super::two; } mod two; #[cfg(test)] #[derive(Debug)] struct T(crate::b::B); fn f() {}",
            ),
            (
                "a/two.rs",
                "use super::super::a::one; use super::one as other; pub(in crate::a) fn g() {} #[cfg(test)] mod tests { use crate::b; }",
            ),
            ("b.rs", "use crate::a;"),
        ];
        assert_eq!(shown(&files).unwrap(), "b>a");
    }

    #[test]
    fn what_cannot_be_told_is_an_error() {
        let of = |a: &str| shown(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "")]);
        assert_eq!(
            of("use crate::*;").unwrap_err(),
            "`a.rs` imports everything of the crate's root"
        );
        assert_eq!(
            of("use super::*;").unwrap_err(),
            "`a.rs` imports everything of the crate's root"
        );
        assert!(of("fn f( {").is_err_and(|error| error.starts_with("`a.rs`: ")));
        let gone = shown(&[("lib.rs", "mod a;")]);
        assert_eq!(gone.unwrap_err(), "there is no `a/mod.rs`");
        let all = shown(&[("lib.rs", "mod a; pub use a::*;"), ("a.rs", "")]);
        assert_eq!(all.unwrap_err(), "the root re-exports everything of `a`");
    }
}
