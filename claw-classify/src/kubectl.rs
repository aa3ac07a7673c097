//! kubectl: the verb, the resources and what else a command line asks for.

use claw_policy::{Action, Domain, FactDef, Kind, Rewrite};

use crate::call::{Call, excerpt, text};
use crate::tool::{CannotRewrite, Denial, Tool};

/// kubectl's row in the table of tools.
pub(crate) static TOOL: Tool = Tool {
    name: "kubectl",
    names: &["kubectl"],
    doc: "The whole command line; files are opaque.",
    denial: Denial { prefix: "error: ", status: 1 },
    domains: &[&DOMAIN],
    interpreter: &[],
    classify,
    rewrite,
};

/// What one kubectl call asks of one resource.
pub(crate) static DOMAIN: Domain = Domain {
    name: "k8s",
    doc: "What a kubectl call does to one resource, or one option of it that has an effect of its own.",
    facts: &[FactDef { name: "verb", kind: Kind::Str, values: &[], doc: "The verb." }],
};

fn classify(call: &Call<'_>) -> Vec<Action> {
    let said = call.argv.get(1).map(|arg| text(arg)).unwrap_or_default();
    vec![Action::opaque(&DOMAIN, excerpt(&said), "the command line is not read")]
}

fn rewrite(_: &Call<'_>, rewrites: &[Rewrite]) -> Result<Vec<Vec<u8>>, CannotRewrite> {
    Err(CannotRewrite {
        rule: rewrites.first().map(|rewrite| rewrite.rule.clone()).unwrap_or_default(),
        reason: "kubectl knows no such change".to_owned(),
    })
}
