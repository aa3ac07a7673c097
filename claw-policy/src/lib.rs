//! Facts to a verdict: the policy language and the one function that decides.
//!
//! Pure: no clock, no file, no process. `claw check`, `claw test` and live enforcement all call
//! [`decide`], and there is no second evaluator.
//!
//! The rest of this page is docs/policy.md. In the code, a mistake in a policy is a [`Diagnostic`], a door is
//! a [`Door`], an everyday domain is one that is not [`Domain::governed`], and [`connect`] compiles the
//! kernel's tables.
#![doc = include_str!("../../docs/policy.md")]
#![forbid(unsafe_code)]

pub mod connect;
mod decide;
mod decision;
mod diagnostic;
mod door;
mod fact;
pub mod grammar;
mod handle;
mod matcher;
mod name;
mod parse;
mod pattern;
mod policy;
mod rule;
mod schema;
pub mod unix;
mod value;
mod verdict;
#[cfg(test)]
mod vocabulary;

pub use decide::decide;
pub use decision::{Change, Decision, Outcome, Refusal, Rewrite};
pub use diagnostic::{Diagnostic, nearest, position};
pub use door::Door;
pub use fact::{Action, Facts, NoSuchFact, Reading};
pub use grammar::Grammar;
pub use handle::{Fact, FactType, Set, doc};
pub use matcher::{EXEC, OPAQUE};
pub use name::Name;
pub use parse::parse;
pub use policy::{Defaults, Denial, Errno, InjectedEnv, Mode, Policy};
pub use rule::Rule;
pub use schema::{
    ChangeDef, ChangeTakes, DeclaredDomain, Domain, DomainRef, FactDef, GOVERNED, Kind, Schema,
    ToolDef,
};
pub use value::Value;
pub use verdict::{Strictness, Verdict};
