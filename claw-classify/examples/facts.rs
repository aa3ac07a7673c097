//! How long facts take: the median of each tool over its command lines in `corpus/`, in microseconds.
//!
//! Each line is classified again and again; its time is the median of the repetitions. SQL is apart, because two
//! parsers read it. With `CLAW_BIN` set, what a call of `claw check` takes from its start to its end is shown too.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use claw_classify::{Call, NoFiles, Tools};
use claw_corpus::lines;

const REPETITIONS: usize = 101;
const STARTS: usize = 51;

fn main() {
    let mut tools: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for line in lines() {
        let words: Vec<&[u8]> = line.iter().map(String::as_bytes).collect();
        let program = words.iter().position(|word| !word.contains(&b'=')).unwrap_or_default();
        let (env, argv) = words.split_at(program);
        let names = [argv[0].rsplit(|byte| *byte == b'/').next().unwrap_or_default()];
        let call = Call { argv, env, path: argv[0], names: &names, ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        let Some(tool) = facts.tool else { continue };
        let sql = facts.actions.iter().any(|action| action.domain.name == "sql");
        let times = (0..REPETITIONS).map(|_| {
            let start = Instant::now();
            black_box(Tools::BUILT_IN.classify(black_box(&call), &NoFiles));
            start.elapsed()
        });
        let tool = if sql { "(statements of SQL)" } else { tool };
        tools.entry(tool).or_default().push(median(times.collect()));
    }
    println!("| tool | lines | p50 | slowest line |\n|---|---|---|---|");
    for (tool, times) in tools {
        let slowest = times.iter().max().copied().unwrap_or_default();
        println!(
            "| {tool} | {} | {:.1} | {:.1} |",
            times.len(),
            micros(median(times)),
            micros(slowest)
        );
    }
    if let Some(claw) = std::env::var_os("CLAW_BIN") {
        let bare = start(Command::new("true"));
        let mut check = Command::new(claw);
        check.args(["check", "--policy"]);
        check.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/production-readonly.toml"));
        check.args(["--", "kubectl", "get", "pods"]);
        let whole = start(check);
        println!("\n`claw check`, its policy included: {whole:.1} ms; `true`: {bare:.1} ms");
    }
}

/// The median time from the start of a program to its end, in milliseconds.
fn start(mut command: Command) -> f64 {
    command.stdout(Stdio::null());
    let times = (0..STARTS).map(|_| {
        let start = Instant::now();
        command.status().unwrap();
        start.elapsed()
    });
    micros(median(times.collect())) / 1_000.0
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
