//! dpkg, dpkg-deb and dpkg-query, whose commands are options.
//!
//! Sources: their help and manuals, of dpkg 1.21; `lib/dpkg/options.c`, which accepts no
//! abbreviations.
//!
//! Known gaps: `dpkg.cfg` is not read.

use claw_policy::{Action, Set};

use super::manager::Style;
use super::spec;
use super::{DOMAIN, Package};
use crate::call::{Call, text};
use crate::grammar::subcommands::said;

/// Commands: their names, what they do, and whether the operands are packages or archives.
const COMMANDS: &[(&[&str], &str, bool)] = &[
    (&["--install", "-i"], "install", true),
    (&["--unpack"], "install", true),
    (&["--configure"], "install", true),
    (&["--triggers-only"], "install", true),
    (&["--remove", "-r"], "remove", true),
    (&["--purge", "-P"], "remove", true),
    (&["--set-selections"], "config", false),
    (&["--clear-selections"], "config", false),
    (
        &["--update-avail", "--merge-avail", "--clear-avail", "--forget-old-unavail"],
        "config",
        false,
    ),
    (&["--record-avail", "-A"], "config", false),
    (&["--add-architecture"], "config", false),
    (&["--remove-architecture"], "config", false),
    (&["--build", "-b"], "build", false),
    (&["--extract", "-x"], "local", false),
    (&["--vextract", "-X"], "local", false),
    (&["--raw-extract", "-R"], "local", false),
    (&["--control", "-e"], "local", false),
    (&["--contents", "-c"], "local", false),
    (&["--info", "-I"], "local", false),
    (&["--field", "-f"], "local", false),
    (&["--show", "-W"], "local", false),
    (&["--ctrl-tarfile"], "local", false),
    (&["--fsys-tarfile"], "local", false),
    (&["--verify", "-V"], "local", false),
    (&["--get-selections"], "local", false),
    (&["--status", "-s"], "local", false),
    (&["--print-avail", "-p"], "local", false),
    (&["--listfiles", "-L"], "local", false),
    (&["--list", "-l"], "local", false),
    (&["--search", "-S"], "local", false),
    (&["--audit", "-C"], "local", false),
    (&["--yet-to-unpack"], "local", false),
    (&["--predep-package"], "local", false),
    (&["--print-architecture"], "local", false),
    (&["--print-foreign-architectures"], "local", false),
    (&["--compare-versions"], "local", false),
    (&["--control-path"], "local", false),
    (&["--force-help"], "local", false),
    (&["--help", "-?"], "local", false),
    (&["--version"], "local", false),
];

/// Options that do not change what the call is about.
const SWITCHES: &[&str] = &[
    "--recursive",
    "--pending",
    "-a",
    "-O",
    "--selected-only",
    "-E",
    "--skip-same-version",
    "-G",
    "--refuse-downgrade",
    "-B",
    "--auto-deconfigure",
    "--no-pager",
    "--no-debsig",
    "--force-all",
    "--triggers",
    "--no-triggers",
    "--abort-after",
];

/// How options begin whose value is in the same word.
const VALUES: &[&str] = &[
    "--admindir=",
    "--root=",
    "--instdir=",
    "--path-exclude=",
    "--path-include=",
    "--verify-format=",
    "--log=",
    "--ignore-depends=",
    "--force-",
    "--no-force-",
    "--refuse-",
    "--abort-after=",
    "--showformat=",
    "-D",
    "-f=",
    "--debug=",
    "-Z",
    "-z",
    "-S",
    "--assert-",
    "--validate-",
];

pub(super) fn classify(call: &Call<'_>) -> Action {
    let said = said(call.argv);
    let (mut command, mut options, mut operands, mut runs) =
        (None, Vec::new(), Vec::new(), Vec::new());
    let mut dry_run = false;
    for word in call.argv.iter().skip(1).map(|word| text(word)) {
        if word.len() < 2
            || !word.starts_with('-')
            || command.is_some_and(|(names, ..): &(&[&str], _, _)| names[0] == "--compare-versions")
        {
            operands.push(word);
            continue;
        }
        let found = COMMANDS.iter().find(|(names, ..)| names.contains(&&*word));
        if let Some(found) = found.filter(|_| command.is_none()) {
            command = Some(found);
        } else if matches!(&*word, "--no-act" | "--dry-run" | "--simulate") {
            dry_run = true;
        } else if let Some(hook) = ["--pre-invoke=", "--post-invoke=", "--status-logger="]
            .iter()
            .find_map(|name| word.strip_prefix(name))
        {
            runs.push(hook.to_owned());
        } else if !SWITCHES.contains(&&*word)
            && found.is_none()
            && !VALUES.iter().any(|begin| word.starts_with(begin))
        {
            return Action::opaque(&DOMAIN, said, format!("the option `{word}` is not known"));
        }
        let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
        options.push(name.to_owned());
    }
    let Some((names, effect, packages)) = command else {
        return Action::opaque(&DOMAIN, said, "no command is named");
    };
    let mut action = Action::new(&DOMAIN, said);
    action.set(Package::COMMAND, names[0].trim_start_matches('-'));
    action.set(Package::EFFECT, *effect);
    action.set(Package::OPTIONS, options.into_iter().collect::<Set>());
    action.set(Package::RUNS, runs.into_iter().collect::<Set>());
    if dry_run {
        action.set(Package::DRY_RUN, true);
    }
    if *packages {
        let specs: Vec<_> = operands.iter().map(|word| spec::read(Style::Apt, word)).collect();
        action.set(Package::SOURCES, specs.iter().map(|spec| spec.source).collect::<Set>());
        action.set(Package::PACKAGES, specs.into_iter().map(|spec| spec.name).collect::<Set>());
        action.set(Package::SCRIPTS, true);
        action.set(Package::GLOBAL, true);
    }
    action
}
