//! The short form of the suites on other kernels: the races, the session suite, and those escapes that depend
//! on differences between kernels.
//!
//! It leaves out tests that take minutes in emulation and depend little on the kernel: most of the escape
//! suite, and its level `held`. Each kernel boots as Debian's does, without BPF LSM. One of them also boots
//! with it, and runs the tests of the third lock and little else: each session patches the kernel then, and
//! the emulator sometimes breaks down under that ([`Misemulated`](super::Misemulated)).

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Options, Version, execute};
use crate::command;
use crate::workspace::Workspace;

/// A machine, and what runs there.
#[derive(Debug)]
pub(crate) struct Boot {
    /// For people.
    pub(crate) name: &'static str,
    kernel: Version,
    bpf_lsm: bool,
    /// Which of [`PROGRAMS`] run, each with its arguments.
    runs: &'static [(&'static str, &'static str)],
}

/// The test programs.
const PROGRAMS: [&str; 3] = ["races", "session", "escapes"];

/// Of the races that swap files, one stands for the others.
const USUAL: &[(&str, &str)] = &[
    ("races", "--test-threads=2 --skip exchange --skip written_over"),
    ("session", "--test-threads=2"),
    ("escapes", "--test-threads=1 files:: processes::"),
];

/// What a second kernel without BPF LSM need not repeat is left out: the attempts by processes run there with it.
const SECOND: &[(&str, &str)] = &[USUAL[0], USUAL[1], ("escapes", "--test-threads=1 files::")];

/// The machines.
pub(crate) const BOOTS: [Boot; 3] = [
    Boot { name: "Linux 6.1", kernel: Version::Bookworm, bpf_lsm: false, runs: USUAL },
    Boot { name: "Linux 6.12", kernel: Version::Trixie, bpf_lsm: false, runs: SECOND },
    Boot {
        name: "Linux 6.12 with BPF LSM",
        kernel: Version::Trixie,
        bpf_lsm: true,
        runs: &[
            ("races", "--test-threads=1 window a_sibling_thread_never_swaps_an_argument"),
            ("escapes", "--test-threads=1 processes::"),
        ],
    },
];

/// Tries of each race: a control that does not win in so many tries is run again.
const RACE_TRIES: u32 = 10;
/// Seconds that one kernel may take. Generous: it bounds a hang and measures nothing.
const PATIENCE: u64 = 1800;
/// Builds the test programs and finds them.
pub(crate) fn programs(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--release", "--package", "claw-tests", "--no-run"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    find(&command::output(&mut cargo)?)
}

/// Picks the programs out of cargo's messages.
fn find(messages: &str) -> Result<Vec<PathBuf>> {
    let built: Vec<Value> =
        messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let path = |name: &str| {
        let message = built
            .iter()
            .find(|message| message["target"]["name"] == name && message["executable"].is_string());
        let path = message.and_then(|message| message["executable"].as_str());
        path.map(PathBuf::from).with_context(|| format!("cargo built no test program `{name}`"))
    };
    PROGRAMS.into_iter().map(path).collect()
}

/// A text for sh(1), given [`PROGRAMS`] as its arguments, that makes all `runs` and fails if one of them does.
fn script(runs: &[(&str, &str)]) -> String {
    let run = |(name, words): &(&str, &str)| {
        let at = PROGRAMS.iter().position(|program| program == name).map_or(0, |at| at + 1);
        format!("\"${at}\" {words} || failed=1; ")
    };
    let runs: String = runs.iter().map(run).collect();
    format!("failed=0; {runs}exit $failed")
}

/// Runs them on one machine, giving `output` what they write.
pub(crate) fn run(
    workspace: &Workspace,
    boot: &Boot,
    programs: &[PathBuf],
    output: impl FnMut(&[u8]) + Send,
) -> Result<()> {
    let mut command: Vec<OsString> = vec!["/usr/bin/env".into()];
    let mut claw = OsString::from("CLAW_BIN=");
    claw.push(workspace.claw());
    command.extend([claw, format!("CLAW_RACE_TRIES={RACE_TRIES}").into()]);
    // If BPF LSM is switched on, its programs must be attached.
    if boot.bpf_lsm {
        command.push("CLAW_THIRD_LOCK=1".into());
    }
    command.extend(["CLAW_ESCAPES_OF_KERNEL=1", "CLAW_ESCAPES_LEVELS=proven"].map(OsString::from));
    command.extend(["sh", "-c", &script(boot.runs), "suite"].map(OsString::from));
    command.extend(programs.iter().map(|path| path.as_os_str().to_owned()));
    let options =
        Options { kernel: boot.kernel, no_bpf_lsm: !boot.bpf_lsm, timeout: PATIENCE, command };
    match execute(workspace, &options, output)? {
        0 => Ok(()),
        status => bail!("a suite failed on {} (status {status})", boot.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_not_built_is_an_error() {
        let built = r#"{"target":{"name":"races"},"executable":"/t/races-1"}
            {"target":{"name":"escapes"},"executable":"/t/escapes-3"}
            {"target":{"name":"session"},"executable":null}"#;
        let error = find(built).expect_err("`session` is missing");
        assert!(error.to_string().contains("session"), "{error}");
        let built = built.replace("null", "\"/t/session-2\"");
        assert_eq!(
            find(&built).expect("both are there"),
            ["/t/races-1", "/t/session-2", "/t/escapes-3"].map(PathBuf::from)
        );
    }

    #[test]
    fn every_program_runs_and_one_failure_fails_all() {
        let run = |programs: [&str; 3]| {
            let script = script(USUAL);
            let words = ["-c", &script, "suite"].into_iter().chain(programs);
            std::process::Command::new("sh").args(words).status().expect("sh starts").code()
        };
        assert_eq!(run(["true"; 3]), Some(0));
        assert_eq!(run(["true", "false", "true"]), Some(1));
    }
}
