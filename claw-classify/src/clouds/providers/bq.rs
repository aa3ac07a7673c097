//! bq: the command and what it does to data sets and jobs.
//!
//! Source: bq 2's help (`data/cli/bq.json` of Google Cloud SDK 528). Its options are absl's: one
//! dash or two, `--noNAME` for a switch.
//!
//! Known gaps: the statements of `query` are not read, and count as writes.

use claw_policy::Action;

use super::settings::Program;
use super::{DOMAIN, action};
use crate::grammar::subcommands::{self, Commands, Opt, Place, said, switch, valued};
use crate::tool::Context;

const COMMANDS: Commands = Commands(
    "add-iam-policy-binding\twrite\ncancel\tdestroy\ncp\twrite\nextract\texport\nget-iam-policy\tread\nhead\tread\nhelp\tlocal\ninfo\tlocal\ninit\tconfig\ninsert\twrite\nload\twrite\nls\tread\nmk\twrite\nmkdef\tread\npartition\twrite\nquery\twrite\nremove-iam-policy-binding\twrite\nrm\tdestroy\nset-iam-policy\twrite\nshell\texec\nshow\tread\ntruncate\tdestroy\nundelete\twrite\nupdate\twrite\nversion\tlocal\nwait\tread\n",
);

const OPTIONS: &[Opt] = &[
    valued(&["--api"]),
    valued(&["--api_version"]),
    valued(&["--apilog"]),
    valued(&["--bigqueryrc"]),
    valued(&["--dataset_id"]),
    switch(&["--debug_mode"]),
    valued(&["--format"]),
    switch(&["--headless"]),
    valued(&["--job_id"]),
    valued(&["--location"]),
    valued(&["--project", "--project_id"]),
    switch(&["--quiet", "-q"]),
    switch(&["--synchronous_mode"]),
];

/// `.bigqueryrc` holds options, those of a command in a section of its name.
const SETTINGS: Program = Program {
    prefix: "CLOUDSDK_",
    harmless: &["CORE_PROJECT"],
    own: &[
        "_DATASET_ID",
        "_FORMAT",
        "_LOCATION",
        "_PROJECT_ID",
        "HEAD_MAX_ROWS",
        "LS_MAX_RESULTS",
        "QUERY_MAX_ROWS",
        "QUERY_USE_LEGACY_SQL",
    ],
};

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    match subcommands::read(call.argv, COMMANDS, OPTIONS, Place::Before, "") {
        Ok(line) => {
            let mut action = action(&line, said, line.effect);
            let variable = call.var("BIGQUERYRC").map(|_| "BIGQUERYRC".to_owned());
            let files = SETTINGS.of_file(call, context.files, ".bigqueryrc");
            let found = files.map(|found| variable.into_iter().chain(found).collect());
            SETTINGS.set(&mut action, call, found);
            vec![action]
        }
        Err(reason) => vec![Action::opaque(&DOMAIN, said, reason)],
    }
}
