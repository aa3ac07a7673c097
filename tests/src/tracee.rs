//! Small C programs that call the kernel in every way a real program does, compiled once.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::claw;
use crate::scenario;

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// Against the C library at run time.
    Dynamic,
    /// Complete in itself: runs in an empty root, and no loader takes part.
    Static,
}

/// The compiled `programs/NAME.c`.
///
/// # Panics
/// When there is no C compiler or the program does not compile.
#[must_use]
pub fn program(name: &str, linkage: Linkage) -> PathBuf {
    static BUILT: LazyLock<Mutex<HashMap<(String, Linkage), PathBuf>>> =
        LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().expect("no compilation panicked");
    built.entry((name.to_owned(), linkage)).or_insert_with(|| compile(name, linkage)).clone()
}

/// Copies a program that is run afterwards, with its mode.
///
/// A child does it: nobody can run a file that somebody has open for writing, and what another test starts meanwhile
/// would inherit the descriptor that this process copies through.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_program(original: impl AsRef<Path>, to: impl AsRef<Path>) {
    let (original, to) = (original.as_ref(), to.as_ref());
    let copied = Command::new("/bin/cp").arg("--preserve=mode").args([original, to]).output();
    let copied = copied.expect("`cp` starts");
    let complaint = String::from_utf8_lossy(&copied.stderr);
    assert!(copied.status.success(), "`{}` cannot be copied: {complaint}", original.display());
}

/// What the headers hold, which any source may include.
fn headers(programs: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(programs).expect("the programs' directory can be read");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "h"));
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a header can be read")).collect()
}

/// Compiles to a name that holds the source's hash, so that an unchanged program is compiled once for all suites.
fn compile(name: &str, linkage: Linkage) -> PathBuf {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let source = programs.join(format!("{name}.c"));
    let text = fs::read(&source)
        .unwrap_or_else(|error| panic!("`{}` cannot be read: {error}", source.display()));
    let mut hasher = DefaultHasher::new();
    (text, headers(&programs), linkage).hash(&mut hasher);
    let directory = claw::target_directory().join("tracees");
    let program = directory.join(format!("{name}-{:016x}", hasher.finish()));
    if program.is_file() {
        return program;
    }
    fs::create_dir_all(&directory).expect("the target directory can be written");
    let unfinished = program.with_extension(format!("{}", std::process::id()));
    let compiler = scenario::tool(&["/usr/bin/cc"]);
    let mut command = Command::new(compiler);
    command.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    if linkage == Linkage::Static {
        command.arg("-static");
    }
    let output = command.arg("-o").arg(&unfinished).arg(&source).output().expect("`cc` starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{}` does not compile:\n{complaint}", source.display());
    fs::rename(&unfinished, &program).expect("a rename inside one directory");
    program
}
