//! The short form of the suites on each other kernel: the races, who is under guard for how long, and the attempts to
//! escape whose way leads through what differs between kernels.
//!
//! What it leaves out is what takes minutes in emulation and depends little on the kernel: most of the escape suite, and
//! its level `held`.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use super::{Options, Version, execute};
use crate::command;
use crate::workspace::Workspace;

/// The test programs that run there, with what each is told. Of the races that swap files, one stands for the others.
const PROGRAMS: [(&str, &str); 3] = [
    ("races", "--test-threads=2 --skip exchange --skip written_over"),
    ("session", "--test-threads=2"),
    ("escapes", "--test-threads=1 files:: processes::"),
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
    PROGRAMS.into_iter().map(|(name, _)| path(name)).collect()
}

/// A text for sh(1) that runs every program, given as its arguments, and fails if one of them does.
fn script() -> String {
    let run =
        |(at, (_, words)): (usize, &(&str, &str))| format!("\"${}\" {words} || failed=1; ", at + 1);
    let runs: String = PROGRAMS.iter().enumerate().map(run).collect();
    format!("failed=0; {runs}exit $failed")
}

/// Runs them on `kernel`, giving `output` what they write.
pub(crate) fn run(
    workspace: &Workspace,
    kernel: Version,
    programs: &[PathBuf],
    output: impl FnMut(&[u8]) + Send,
) -> Result<()> {
    let mut command: Vec<OsString> = vec!["/usr/bin/env".into()];
    let mut claw = OsString::from("CLAW_BIN=");
    claw.push(workspace.claw());
    command.extend([claw, format!("CLAW_RACE_TRIES={RACE_TRIES}").into()]);
    // Where BPF LSM is switched on its programs must be at work. One kernel runs as Debian boots it.
    let bpf_lsm = kernel != Version::Bookworm;
    if bpf_lsm {
        command.push("CLAW_THIRD_LOCK=1".into());
    }
    command.extend(["CLAW_ESCAPES_OF_KERNEL=1", "CLAW_ESCAPES_LEVELS=proven"].map(OsString::from));
    command.extend(["sh", "-c", &script(), "suite"].map(OsString::from));
    command.extend(programs.iter().map(|path| path.as_os_str().to_owned()));
    let options = Options { kernel, no_bpf_lsm: !bpf_lsm, timeout: PATIENCE, command };
    match execute(workspace, &options, output)? {
        0 => Ok(()),
        status => bail!("a suite failed on Linux {} (status {status})", kernel.name()),
    }
}

/// The kernels that the short form runs on.
pub(crate) fn kernels() -> &'static [Version] {
    Version::value_variants()
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
            let script = script();
            let words = ["-c", &script, "suite"].into_iter().chain(programs);
            std::process::Command::new("sh").args(words).status().expect("sh starts").code()
        };
        assert_eq!(run(["true"; 3]), Some(0));
        assert_eq!(run(["true", "false", "true"]), Some(1));
    }
}
