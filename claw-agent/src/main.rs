//! The `claw` command line.
//!
//! A held exec goes intercept -> decode -> judge (classify, decide) -> apply -> record, which
//! [`supervisor`] shows on one screen; [`session`] starts the processes around it. A held call that reaches for
//! another process goes a shorter way, [`reach`].

mod apply;
mod cli;
mod decode;
mod intercept;
mod judge;
mod kernel;
mod reach;
mod record;
mod session;
mod supervisor;
mod sys;
mod vital;

use std::process::ExitCode;

#[expect(clippy::disallowed_macros, reason = "the last line of a command, to whoever typed it")]
fn main() -> ExitCode {
    match cli::run() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("claw: {error:#}");
            ExitCode::from(cli::FAILED)
        }
    }
}
