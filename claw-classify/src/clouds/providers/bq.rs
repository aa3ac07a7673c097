//! bq: the command and what it does to data sets and jobs.
//!
//! Source: bq 2's help (`data/cli/bq.json` of Google Cloud SDK 528). Its options are absl's: one dash or
//! two, `--noNAME` for a switch.
//!
//! Known gaps: the statements of `query` are not read, and count as writes; `.bigqueryrc` is not read.

use claw_policy::Action;

use super::{DOMAIN, action, settings};
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

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    match subcommands::read(call.argv, COMMANDS, OPTIONS, Place::Before, "") {
        Ok(line) => {
            let mut settings = settings(call, "BIGQUERYRC", &[]);
            settings.extend(super::settings(call, "CLOUDSDK_", &["CORE_PROJECT"]));
            vec![action(&line, said, line.effect, settings)]
        }
        Err(reason) => vec![Action::opaque(&DOMAIN, said, reason)],
    }
}
