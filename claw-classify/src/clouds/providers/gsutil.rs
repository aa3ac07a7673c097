//! gsutil: the command and what it does to buckets and objects.
//!
//! Source: gsutil 5's help (`data/cli/gsutil.json` of Google Cloud SDK 528).
//!
//! Known gaps: `/etc/boto.cfg` is the machine's.

use claw_policy::Action;

use super::settings::Program;
use super::{DOMAIN, action, copies_out};
use crate::grammar::subcommands::{self, Commands, Opt, Place, said, switch, valued};
use crate::tool::Context;
use crate::writes;

const COMMANDS: Commands = Commands(
    "acl ch\twrite\nacl get\tread\nacl set\twrite\nautoclass get\tread\nautoclass set\twrite\nbucketpolicyonly get\tread\nbucketpolicyonly set\twrite\ncat\texport\ncompose\twrite\nconfig\tconfig\ncors get\tread\ncors set\twrite\ncp\texport\ndefacl ch\twrite\ndefacl get\tread\ndefacl set\twrite\ndefstorageclass get\tread\ndefstorageclass set\twrite\ndu\tread\nhash\tread\nhelp\tlocal\nhmac create\tsecret\nhmac delete\tdestroy\nhmac get\tread\nhmac list\tread\nhmac update\twrite\niam ch\twrite\niam get\tread\niam set\twrite\nkms authorize\twrite\nkms encryption\twrite\nkms serviceaccount\tread\nlabel ch\twrite\nlabel get\tread\nlabel set\twrite\nlifecycle get\tread\nlifecycle set\twrite\nlogging get\tread\nlogging set\twrite\nls\tread\nmb\twrite\nmv\tdestroy\nnotification create\twrite\nnotification delete\tdestroy\nnotification list\tread\npap get\tread\npap set\twrite\nperfdiag\twrite\nrb\tdestroy\nrequesterpays get\tread\nrequesterpays set\twrite\nretention\twrite\nrewrite\twrite\nrm\tdestroy\nrpo get\tread\nrpo set\twrite\nrsync\twrite\nsetmeta\twrite\nsignurl\tsecret\nstat\tread\ntest\twrite\nubla get\tread\nubla set\twrite\nupdate\tconfig\nversion\tlocal\nversioning get\tread\nversioning set\twrite\nweb get\tread\nweb set\twrite\n",
);

const OPTIONS: &[Opt] = &[
    switch(&["-D"]),
    switch(&["-DD"]),
    valued(&["-h"]),
    valued(&["--impersonate-service-account", "-i"]),
    switch(&["-m"]),
    valued(&["--boto-option", "-o"]),
    switch(&["-q"]),
    valued(&["--user-project", "-u"]),
];

/// `.boto` holds the user's keys beside the settings.
const SETTINGS: Program = Program {
    prefix: "CLOUDSDK_",
    harmless: &["CORE_PROJECT"],
    own: &[
        "CREDENTIALS_AWS_ACCESS_KEY_ID",
        "CREDENTIALS_AWS_SECRET_ACCESS_KEY",
        "CREDENTIALS_GS_ACCESS_KEY_ID",
        "CREDENTIALS_GS_OAUTH2_REFRESH_TOKEN",
        "CREDENTIALS_GS_SECRET_ACCESS_KEY",
        "CREDENTIALS_GS_SERVICE_KEY_FILE",
        "GSUTIL_CONTENT_LANGUAGE",
        "GSUTIL_DEFAULT_API_VERSION",
        "GSUTIL_DEFAULT_PROJECT_ID",
        "GSUTIL_PARALLEL_PROCESS_COUNT",
        "GSUTIL_PARALLEL_THREAD_COUNT",
    ],
};

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    match subcommands::read(call.argv, COMMANDS, OPTIONS, Place::Before, "") {
        Ok(line) => {
            let boto =
                ["BOTO_CONFIG", "BOTO_PATH"].into_iter().filter(|name| call.var(name).is_some());
            let files = SETTINGS.of_file(call, context.files, ".boto");
            let found = files.map(|own| boto.map(str::to_owned).chain(own).collect());
            let effect = copies_out(call, line.effect);
            if ["cp", "mv", "rsync"].contains(&line.path.rsplit(' ').next().unwrap_or_default()) {
                writes::note_destination(call, |word| word.starts_with(b"gs://"));
            }
            let mut action = action(&line, said, effect);
            SETTINGS.set(&mut action, call, found);
            vec![action]
        }
        Err(reason) => vec![Action::opaque(&DOMAIN, said, reason)],
    }
}
