//! The `claw` command line.
//!
//! A held call goes intercept -> decode -> judge (classify, decide) -> apply -> record. [`supervisor`] has
//! the three walks, each on one screen; [`guard`] is what they share; [`session`] starts the processes
//! around it.

mod apply;
mod cli;
mod decode;
mod guard;
mod intercept;
mod judge;
mod kernel;
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
