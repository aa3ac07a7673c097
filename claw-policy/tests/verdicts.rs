//! No code decides by a verdict that it does not name.
//!
//! run()` would run whatever verdict is added next. So a verdict may stand in the patterns of a `match`
//! alone, and every arm of that `match` names verdicts and nothing else. => [`claw_policy::Verdict`] has no
//! `==`, so the compiler rejects comparisons. It accepts a pattern with a wildcard, and `_ => run()` would
//! run whatever verdict is added next. So this test allows verdicts only in the patterns of a `match`, and
//! every arm of that `match` must name verdicts and nothing else. => run()` would run whatever verdict is
//! added next. So a verdict may stand in the patterns of a `match` alone, and every arm of that `match` names
//! verdicts and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ExprMatch, ItemImpl, ItemUse, Macro, Pat, Type, UseTree};

/// The name of the type, in every crate.
const VERDICT: &str = "Verdict";

/// The code that would break when a verdict is added, each with its line.
#[derive(Default)]
struct Forbidden {
    found: Vec<(usize, &'static str)>,
    /// Whether `Self` is a verdict here.
    in_verdict: bool,
}

impl Forbidden {
    fn of(text: &str) -> Vec<(usize, &'static str)> {
        let mut forbidden = Self::default();
        forbidden.visit_file(&syn::parse_file(text).expect("Rust that compiles"));
        forbidden.found
    }

    fn note(&mut self, at: &impl syn::spanned::Spanned, what: &'static str) {
        self.found.push((at.span().start().line, what));
    }

    /// Whether `pattern` is one of the verdicts, or a choice of them.
    fn is_verdict(&self, pattern: &Pat) -> bool {
        match pattern {
            Pat::Path(path) => self.is_variant(&path.path),
            Pat::Or(choice) => choice.cases.iter().all(|pattern| self.is_verdict(pattern)),
            Pat::Paren(inner) => self.is_verdict(&inner.pat),
            _ => false,
        }
    }

    fn is_variant(&self, path: &syn::Path) -> bool {
        let owner = path.segments.iter().rev().nth(1);
        owner.is_some_and(|owner| {
            owner.ident == VERDICT || (self.in_verdict && owner.ident == "Self")
        })
    }

    /// `matches!` about a verdict, however deep in the arguments of other macros.
    fn look_at_tokens(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            let TokenTree::Group(group) = tree else { continue };
            let called = at.checked_sub(2).map(|at| trees[at].to_string());
            if called.as_deref().is_some_and(is_matches) && names_verdict(group.stream()) {
                self.note(tree, "`matches!` on a verdict");
            }
            self.look_at_tokens(group.stream());
        }
    }
}

fn is_matches(name: &str) -> bool {
    name.ends_with("matches")
}

/// Whether `Verdict::` or, in the macro's own words, one of its names stands in `tokens`.
fn names_verdict(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let path = |pair: &[TokenTree]| pair[0].to_string() == VERDICT && pair[1].to_string() == ":";
    let inside = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => names_verdict(group.stream()),
        _ => false,
    };
    trees.windows(2).any(path) || trees.iter().any(inside)
}

impl<'ast> Visit<'ast> for Forbidden {
    fn visit_expr_match(&mut self, node: &'ast ExprMatch) {
        let mut names = Names { of: self, any: false };
        node.arms.iter().for_each(|arm| names.visit_pat(&arm.pat));
        if !names.any {
            return visit::visit_expr_match(self, node);
        }
        for arm in &node.arms {
            let pattern = match &arm.pat {
                Pat::Guard(guarded) => {
                    self.visit_expr(&guarded.guard);
                    &*guarded.pat
                }
                pattern => pattern,
            };
            if !self.is_verdict(pattern) {
                self.note(pattern, "an arm beside verdicts that is none of them");
            }
            self.visit_expr(&arm.body);
        }
        self.visit_expr(&node.expr);
    }

    fn visit_pat(&mut self, node: &'ast Pat) {
        let mut names = Names { of: self, any: false };
        names.visit_pat(node);
        if names.any {
            self.note(node, "a verdict in a pattern outside `match`");
        }
    }

    fn visit_macro(&mut self, node: &'ast Macro) {
        let called = node.path.segments.last().map(|segment| segment.ident.to_string());
        if called.as_deref().is_some_and(is_matches) && names_verdict(node.tokens.clone()) {
            self.note(node, "`matches!` on a verdict");
        }
        self.look_at_tokens(node.tokens.clone());
    }

    fn visit_item_use(&mut self, node: &'ast ItemUse) {
        if renames(&node.tree) {
            self.note(node, "a verdict under another name");
        }
    }

    fn visit_item_impl(&mut self, node: &'ast ItemImpl) {
        let of = match &*node.self_ty {
            Type::Path(path) => path.path.segments.last(),
            _ => None,
        };
        let outside = self.in_verdict;
        self.in_verdict = of.is_some_and(|segment| segment.ident == VERDICT);
        visit::visit_item_impl(self, node);
        self.in_verdict = outside;
    }
}

/// Whether a `use` gives the type or its variants another name.
fn renames(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => path.ident == VERDICT || renames(&path.tree),
        UseTree::Group(group) => group.items.iter().any(renames),
        UseTree::Rename(rename) => rename.ident == VERDICT,
        UseTree::Name(_) | UseTree::Glob(_) => false,
    }
}

/// Whether a pattern names a verdict anywhere.
struct Names<'a> {
    of: &'a Forbidden,
    any: bool,
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.any |= self.of.is_variant(path);
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_match_on_a_verdict_names_them_all() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["claw-policy", "claw-classify", "claw-agent"] {
        sources(&workspace.join(folder), &mut files);
    }
    let mut matches = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        matches += text.matches("Verdict::Deny").count();
        assert_eq!(Forbidden::of(&text), [], "{}", file.display());
    }
    assert!(matches > 20, "the sources were not found");
}

#[test]
fn what_would_run_the_next_verdict_is_found() {
    let body = |body: &str| format!("fn f(v: Verdict, o: Option<u8>) {{ {body} }}");
    for (wrong, lines) in [
        ("match v { Verdict::Deny => stop(), _ => run() }", 1),
        ("match v { Verdict::Deny => stop(), other => run(other) }", 1),
        ("match (v, o) { (Verdict::Deny, _) => stop(), (_, None) => run(), (_, _) => go() }", 3),
        ("match Some(v) { Some(Verdict::Deny) | None => stop(), Some(_) => run() }", 2),
        ("if let Verdict::Deny = v { stop() } else { run() }", 1),
        ("let claw_policy::Verdict::Deny = v else { return run() };", 1),
        ("if !matches!(v, Verdict::Deny) { run() }", 1),
        ("assert!(matches!(v, Verdict::Allow | Verdict::Rewrite));", 1),
        ("calls.filter(|call| matches!(call.verdict, Verdict::Allow))", 1),
        ("match o { None => match v { Verdict::Deny => stop(), _ => run() }, Some(_) => () }", 1),
    ] {
        assert_eq!(Forbidden::of(&body(wrong)).len(), lines, "{wrong}");
    }
    for wrong in [
        "use claw_policy::Verdict::*;",
        "use claw_policy::{Policy, Verdict::{Allow, Deny}};",
        "use claw_policy::Verdict as V;",
        "impl Verdict { fn runs(self) -> bool { match self { Self::Deny => false, _ => true } } }",
    ] {
        assert_eq!(Forbidden::of(wrong).len(), 1, "{wrong}");
    }
    for right in [
        "match v { Verdict::Deny => stop(), Verdict::Allow | Verdict::Rewrite => run() }",
        "match v { Verdict::Rewrite if o.is_none() => run(), Verdict::Rewrite | Verdict::Allow | Verdict::Deny => stop() }",
        "if v.runs() { run(Verdict::Allow) }",
        "match o { None => Verdict::Deny, _ => Verdict::Allow };",
    ] {
        assert_eq!(Forbidden::of(&body(right)), [], "{right}");
    }
}
