//! A shell under claw that is told what to do line by line, so that something can be done to claw in between.

use std::time::Duration;

use rustix::process::Pid;

use crate::call::{Call, Ran};
use crate::claw::Guard;
use crate::running::Running;

/// A guarded shell that waits for its next line.
#[derive(Debug)]
pub struct Prompt {
    running: Running,
    turn: u32,
}

impl Prompt {
    /// Starts `/bin/sh` as `call` would be: its environment and its working directory.
    #[must_use]
    pub fn start(guard: &Guard, env: &[(&'static str, String)]) -> Self {
        let call = Call::new(["/bin/sh"]).envs(env.iter().cloned());
        let mut prompt = Self { running: call.start_guarded(guard), turn: 0 };
        prompt.says(":");
        prompt
    }

    /// Makes the shell run `line`, and returns its output on both streams and its exit status.
    pub fn says(&mut self, line: &str) -> (String, i32) {
        self.tell(line);
        self.answer()
    }

    /// Has the shell begin with `line`.
    pub fn tell(&mut self, line: &str) {
        self.turn += 1;
        let turn = self.turn;
        self.running.say(&format!(
            "echo 'begin {turn}:'; {{ {line}\n}} </dev/null 2>&1; echo \"status {turn}: $? end {turn}:\"\n"
        ));
    }

    /// What came of the line that was told last.
    ///
    /// # Panics
    /// When the shell ends instead of coming to an end with it.
    pub fn answer(&mut self) -> (String, i32) {
        let turn = self.turn;
        self.running.wait_for(&format!(" end {turn}:"));
        let seen = self.running.seen();
        let (_, rest) = seen.split_once(&format!("begin {turn}:\n")).expect("it began");
        let (said, status) = rest.split_once(&format!("status {turn}: ")).expect("it ended");
        let status = status.split(' ').next().and_then(|status| status.parse().ok());
        (said.trim_end().to_owned(), status.expect("a status is a number"))
    }

    /// Waits until stdout has contained `text`.
    pub fn wait_for(&mut self, text: &str) {
        self.running.wait_for(text);
    }

    /// The supervisor.
    #[must_use]
    pub fn supervisor(&self) -> Pid {
        self.running.supervisor()
    }

    /// The processes of the session that are claw's own.
    ///
    /// # Panics
    /// When they have ended.
    #[must_use]
    pub fn supervisor_and_front(&self) -> [Pid; 2] {
        let supervisor = self.supervisor();
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", supervisor.as_raw_nonzero()));
        let status = status.expect("the supervisor lives");
        let front = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        [supervisor, front.and_then(Pid::from_raw).expect("the front lives")]
    }

    /// Ends the shell, and with it the session.
    #[must_use]
    pub fn close(self) -> Ran {
        self.running.finish(Duration::from_secs(120))
    }
}
