//! `cargo xtask fuzz`: makes up calls and SQL texts and looks for one that claw misreads.
//!
//! The targets are in `fuzz/`, laid out as cargo-fuzz wants it. They are built here with the flags that
//! cargo-fuzz gives, which a stable compiler takes: the coverage of Rust code is counted, that of
//! libpg_query's C is not. Each target starts from the corpora of claw-classify and keeps the inputs it finds
//! in `target/fuzz`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{output, run};
use crate::report::step;
use crate::workspace::Workspace;

/// The targets.
const TARGETS: &[&str] =
    &["psql_script", "psql_command_line", "sql", "command_line", "nested_calls"];
/// Coverage, as libFuzzer counts it, and the checks that only debug builds have.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";
/// How long one input may take, in seconds: far more than any needs, on a machine that is busy.
const PATIENCE: u32 = 20;
/// How long an input may be, in bytes.
const LENGTH: u32 = 4096;
/// How much memory a target may use, in MiB.
const MEMORY: u32 = 2048;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this target
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets one after the other, and fails at the first that finds something.
pub(crate) fn fuzz(workspace: &Workspace, options: &Options) -> Result<()> {
    let wanted = |name: &&&str| options.target.as_deref().is_none_or(|target| target == **name);
    let folder = workspace.target.join("fuzz");
    let host = host(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--bins", "--target"]);
    // With an explicit target, cargo builds build scripts and macros without these flags.
    cargo.arg(&host).arg("--target-dir").arg(&folder).env("RUSTFLAGS", FLAGS);
    run(&mut cargo)?;
    for target in TARGETS.iter().filter(wanted) {
        let (corpus, found) =
            (folder.join("corpus").join(target), folder.join("found").join(target));
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        let seeds = seeds(workspace, target)?;
        for (at, seed) in seeds.iter().enumerate() {
            fs::write(corpus.join(format!("seed-{at:05}")), seed)?;
        }
        let words = folder.join(format!("{target}.dict"));
        fs::write(&words, dictionary(&seeds))?;
        step("fuzz", &format!("{target}, {} s, from {} seeds", options.seconds, seeds.len()));
        let mut fuzzer = workspace.command(folder.join(&host).join("release").join(target));
        fuzzer.args([
            format!("-max_total_time={}", options.seconds),
            format!("-timeout={PATIENCE}"),
            format!("-rss_limit_mb={MEMORY}"),
            format!("-max_len={LENGTH}"),
            format!("-dict={}", words.display()),
            format!("-artifact_prefix={}/", found.display()),
            "-print_final_stats=1".to_owned(),
        ]);
        run(fuzzer.arg(&corpus))
            .with_context(|| format!("`{target}` found something: see `{}`", found.display()))?;
    }
    Ok(())
}

/// The triple that the compiler builds for by itself.
fn host(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo();
    let version = output(cargo.args(["--version", "--verbose"]))?;
    match version.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("`cargo --version --verbose` names no host"),
    }
}

/// The seeds of a target: the corpora of claw-classify, in the form that the target reads.
fn seeds(workspace: &Workspace, target: &str) -> Result<BTreeSet<Vec<u8>>> {
    let mut seeds = BTreeSet::new();
    for entry in fs::read_dir(workspace.path("claw-classify/corpus"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let table: toml::Value =
            toml::from_str(&text).with_context(|| format!("`{}` is not TOML", path.display()))?;
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        walk(&table, &mut |text| seeds.extend(seed(target, &file, text)));
    }
    Ok(seeds)
}

/// One string of a corpus as a seed; `None` if it is not for this target.
fn seed(target: &str, file: &str, text: &str) -> Option<Vec<u8>> {
    let sql = ["sql", "psql", "limits", "clickhouse"].contains(&file);
    match target {
        "psql_script" => sql.then(|| format!("{text};\n").into_bytes()),
        "psql_command_line" => sql.then(|| format!("\0-X\0-v\0a=b\0-c\0{text}").into_bytes()),
        "sql" => sql.then(|| {
            // The digit 0 is the dialect PostgreSQL, 3 is ClickHouse.
            let dialect = if file == "clickhouse" { '3' } else { '0' };
            format!("{dialect}{text}").into_bytes()
        }),
        _ => {
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            (!sql).then(|| format!("{file}\0{}", words.join("\0")).into_bytes())
        }
    }
}

/// Every string and key of a TOML value.
fn walk(value: &toml::Value, take: &mut impl FnMut(&str)) {
    match value {
        toml::Value::String(text) => take(text),
        toml::Value::Array(items) => items.iter().for_each(|item| walk(item, take)),
        toml::Value::Table(table) => {
            for (key, item) in table {
                take(key);
                walk(item, take);
            }
        }
        _ => {}
    }
}

/// The words of the seeds, for libFuzzer to put together.
fn dictionary(seeds: &BTreeSet<Vec<u8>>) -> String {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=\\$@:".contains(byte);
    let words = seeds.iter().flat_map(|seed| seed.split(move |byte| !is_word(byte)));
    let words: BTreeSet<&[u8]> = words.filter(|word| (2..=24).contains(&word.len())).collect();
    words
        .into_iter()
        .map(|word| format!("\"{}\"\n", String::from_utf8_lossy(word).replace('\\', "\\\\")))
        .collect()
}
