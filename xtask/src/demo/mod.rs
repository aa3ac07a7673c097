//! `cargo xtask run` without a command: claw at work, step by step, against a throwaway PostgreSQL server.
//!
//! Each step shows the command, what came out, and claw's record beside it, and then proves the effect over a
//! connection that claw does not guard. A step with another result than announced fails the demonstration.

mod record;
mod screen;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::interrupt::Interrupt;
use crate::postgres::Server;
use crate::workspace::Workspace;
use record::Records;

/// Rows in the table that the demonstration works on.
const ROWS: usize = 5_000;
/// What the starter policy limits a SELECT to.
const LIMIT: usize = 1_000;

/// One command that an agent might run, and its required result.
struct Step {
    title: &'static str,
    argv: &'static [&'static str],
    /// The verdict that must be among the records.
    verdict: &'static str,
    proof: Proof,
}

/// How the effect is shown independently of claw.
#[derive(Clone, Copy)]
enum Proof {
    /// The command failed and the table has all its rows.
    TableUntouched,
    /// The command's output has the limited number of rows; without claw it has all of them.
    RowsLimited,
    /// The command succeeded and its output has this text.
    Answered(&'static str),
    /// The command failed before it contacted any server.
    Refused,
}

const STEPS: &[Step] = &[
    Step {
        title: "Ordinary work goes through",
        argv: &["psql", "-c", "SELECT name FROM users WHERE id = 42 LIMIT 1"],
        verdict: "allow",
        proof: Proof::Answered("user 42"),
    },
    Step {
        title: "Dropping a table is denied",
        argv: &["psql", "-c", "DROP TABLE users"],
        verdict: "deny",
        proof: Proof::TableUntouched,
    },
    Step {
        title: "Reading a whole table is limited",
        argv: &["psql", "-c", "SELECT * FROM users"],
        verdict: "rewrite",
        proof: Proof::RowsLimited,
    },
    Step {
        title: "Deleting from a cluster is denied",
        argv: &["kubectl", "delete", "deployment", "checkout", "--namespace", "production"],
        verdict: "deny",
        proof: Proof::Refused,
    },
    Step {
        title: "A shell in between changes nothing",
        argv: &["bash", "-c", "cd /tmp && psql -c 'DROP TABLE users'"],
        verdict: "deny",
        proof: Proof::TableUntouched,
    },
    Step {
        title: "Nor does Python",
        argv: &[
            "python3",
            "-c",
            "import subprocess; subprocess.run(['psql', '-c', 'DROP TABLE users'], check=True)",
        ],
        verdict: "deny",
        proof: Proof::TableUntouched,
    },
];

/// Runs the demonstration with the unoptimised build of `claw`, which is ready soonest.
pub(crate) fn show(workspace: &Workspace) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let stage = Stage::set(workspace)?;
    screen::title("claw at work");
    screen::paragraph(&format!(
        "A throwaway PostgreSQL server holds a table `users` of {} rows. The agent owns it: as far as the server is \
         concerned it may do anything to it. Each command below runs as",
        thousands(ROWS)
    ));
    screen::command(&["claw", "run", "--policy", "policies/starter.toml", "--", "COMMAND"]);
    let mut records = Records::of(stage.audit.path());
    let mut failed = 0;
    for (number, step) in STEPS.iter().enumerate() {
        interrupt.check()?;
        screen::step(number + 1, step.title);
        if let Err(error) = stage.perform(step, &mut records) {
            interrupt.check()?;
            screen::wrong(&format!("{error:#}"));
            failed += 1;
        }
    }
    screen::title("The audit log");
    stage.verify_log()?;
    if failed > 0 {
        bail!("{failed} of {} steps did not come out as they should", STEPS.len());
    }
    screen::paragraph(
        "Guard a program of your own with `cargo xtask run -- COMMAND`, or install claw with `cargo xtask install`.",
    );
    Ok(())
}

/// The server, folders and records of the demonstration. Dropping this removes them all.
struct Stage<'a> {
    workspace: &'a Workspace,
    server: Server,
    audit: TempDir,
    home: TempDir,
}

impl<'a> Stage<'a> {
    fn set(workspace: &'a Workspace) -> Result<Self> {
        let server = Server::start()?;
        server.query(&format!(
            "CREATE TABLE users AS SELECT id, 'user ' || id AS name FROM generate_series(1, {ROWS}) id"
        ))?;
        let (audit, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
        Ok(Self { workspace, server, audit, home })
    }

    fn perform(&self, step: &Step, records: &mut Records) -> Result<()> {
        screen::command(step.argv);
        let mut claw = self.command(&self.workspace.quick_claw());
        claw.args(["run", "--policy"]).arg(self.workspace.path("policies/starter.toml"));
        claw.arg("--audit").arg(self.audit.path()).arg("--").args(step.argv);
        let (status, text) = combined(&mut claw)?;
        screen::output(&text, &describe(status));
        let fresh = records.fresh()?;
        screen::records(&fresh);
        if !fresh.iter().any(|record| record.verdict() == step.verdict) {
            bail!("no record with the verdict `{}`", step.verdict);
        }
        self.prove(step, status, &text)
    }

    fn prove(&self, step: &Step, status: ExitStatus, text: &str) -> Result<()> {
        match step.proof {
            Proof::Answered(answer) => {
                if !status.success() || !text.contains(answer) {
                    bail!("the command should have answered `{answer}`");
                }
                screen::right("the command ran as it would have without claw");
            }
            Proof::TableUntouched => {
                let rows = self.server.query("SELECT count(*) FROM users")?;
                if status.success() || rows != ROWS.to_string() {
                    bail!("the table should have {ROWS} rows and the command should have failed");
                }
                screen::right(&format!(
                    "asked over a connection of its own, `users` still has {} rows",
                    thousands(ROWS)
                ));
            }
            Proof::RowsLimited => {
                let (_, bare) =
                    combined(self.command(Path::new(step.argv[0])).args(&step.argv[1..]))?;
                if !bare.contains(&row_count(ROWS)) || !text.contains(&row_count(LIMIT)) {
                    bail!("the command should give {LIMIT} rows, and {ROWS} without claw");
                }
                screen::right(&format!(
                    "{} rows; the same command without claw gives {}",
                    thousands(LIMIT),
                    thousands(ROWS)
                ));
            }
            Proof::Refused => {
                if status.success() || !text.contains("(claw") {
                    bail!("the command should have been refused by claw");
                }
                screen::right("refused before it looked for a cluster");
            }
        }
        Ok(())
    }

    /// A program with the environment that the operator gives the agent.
    fn command(&self, program: &Path) -> Command {
        let mut command = self.workspace.command(program);
        command.envs(self.server.agent_environment());
        // A home of its own: without psqlrc, and above all without a real cluster to delete from if a step
        // goes wrong.
        command
            .env("HOME", self.home.path())
            .env_remove("KUBECONFIG")
            .current_dir(self.home.path());
        command
    }

    fn verify_log(&self) -> Result<()> {
        let mut claw = self.workspace.command(self.workspace.quick_claw());
        claw.args(["log", "verify", "--audit"]).arg(self.audit.path());
        let (status, text) = combined(&mut claw)?;
        screen::command(&["claw", "log", "verify"]);
        screen::output(&text, &describe(status));
        if !status.success() {
            bail!("the audit log does not verify");
        }
        Ok(())
    }
}

/// `5000` as `5,000`; what the demonstration counts has four digits at most.
fn thousands(rows: usize) -> String {
    if rows < 1_000 { rows.to_string() } else { format!("{},{:03}", rows / 1_000, rows % 1_000) }
}

/// How psql closes a result.
fn row_count(rows: usize) -> String {
    format!("({rows} rows)")
}

/// Runs a command with its output and its errors in one text, in the order in which they were written.
fn combined(command: &mut Command) -> Result<(ExitStatus, String)> {
    let (mut reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", crate::command::line(command)))?;
    // The command still holds the write end, and reading ends only when all write ends are closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut text)?;
    Ok((child.wait()?, String::from_utf8_lossy(&text).into_owned()))
}

/// `exit status 1`, or the signal.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_errors_come_in_one_text_with_the_status() -> Result<()> {
        let mut shell = Command::new("sh");
        let (status, text) = combined(shell.args(["-c", "echo out; echo err >&2; exit 3"]))?;
        assert_eq!((describe(status).as_str(), text.as_str()), ("exit status 3", "out\nerr\n"));
        Ok(())
    }

    #[test]
    fn rows_are_written_with_a_comma() {
        assert_eq!((thousands(5_000), thousands(42)), ("5,000".to_owned(), "42".to_owned()));
    }

    #[test]
    fn a_signal_is_named() -> Result<()> {
        let (status, _) = combined(Command::new("sh").args(["-c", "kill -KILL $$"]))?;
        assert_eq!(describe(status), "killed by signal 9");
        Ok(())
    }
}
