//! The files that a tool opens by itself, held against those that claw looks at.
//!
//! Each tool runs under strace in homes of every form: variables set, empty and missing, folders of different depth,
//! repositories of every kind. Each file below the caller's folders that it opens must be one that claw asks for when it
//! reads the same call, with the same files there. What a tool keeps beside its settings (git's objects) is left out.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use claw_classify::{Call, File, Files, Tools};
use claw_tests::scenario::tool;
use tempfile::TempDir;

/// What is there, as a program in `cwd` finds it, and what was asked for.
#[derive(Debug)]
struct OnDisk<'a> {
    cwd: &'a Path,
    asked: RefCell<BTreeSet<PathBuf>>,
}

/// Gives bytes for as long as the program runs: a reader borrows them, and there are few.
fn kept(bytes: Vec<u8>) -> &'static [u8] {
    Box::leak(bytes.into_boxed_slice())
}

impl Files for OnDisk<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        let path = self.cwd.join(OsStr::from_bytes(path));
        self.asked.borrow_mut().insert(plain(&path));
        match fs::metadata(&path) {
            Err(_) => File::ABSENT,
            Ok(found) if found.is_dir() => {
                let real = fs::canonicalize(&path).expect("it is there");
                File::folder(kept(real.into_os_string().into_encoded_bytes()))
            }
            Ok(_) => match fs::read(&path) {
                Ok(bytes) => File::content(kept(bytes)),
                Err(_) => File::UNREADABLE,
            },
        }
    }
}

/// A path without `.` and `..`, where no link is on the way.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A tool, the calls that are tried, and what of its files is no setting.
struct Subject {
    calls: &'static [&'static [&'static str]],
    /// The files that are put into the home, each with what says nothing there.
    files: &'static [(&'static str, &'static str)],
    /// What it keeps, and which says nothing of what it does: parts of paths.
    kept: &'static [&'static str],
    /// Whether the folder where it is called matters.
    searches_up: bool,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        calls: &[
            &["git", "status"],
            &["git", "push"],
            &["git", "log", "-1"],
            &["git", "fetch", "origin"],
        ],
        files: &[
            (".gitconfig", "[include]\n\tpath = .more\n[safe]\n\tdirectory = *\n"),
            (".more", "[user]\n\tname = me\n"),
            (
                ".config/git/config",
                "[includeIf \"gitdir:/\"]\n\tpath = ~/.other\n[user]\n\temail = me@h\n",
            ),
            (".other", "[user]\n\tname = me\n"),
            ("desktop/git/config", "[user]\n\temail = me@h\n"),
        ],
        kept: &[
            "/.git/index",
            "/HEAD",
            "/objects/",
            "/refs/",
            "/packed-refs",
            "/info/",
            "/logs/",
            "/shallow",
            "/ORIG_HEAD",
            "/FETCH_HEAD",
            "/index",
            "/.gitignore",
            "/.gitattributes",
            "/git/ignore",
            "/git/attributes",
            "/reftable/",
            "/rebase-",
            "/MERGE_",
            "/hooks/",
            "/sequencer",
            "/worktrees/main/",
            "/gitdir",
            "/COMMIT_EDITMSG",
            "/config.lock",
            "/repo/sub/.git",
            "/origin.git/",
        ],
        searches_up: true,
    },
    Subject {
        calls: &[
            &["curl", "-s", "http://127.0.0.1:1/"],
            &["curl", "-s", "-K", "own", "http://127.0.0.1:1/"],
        ],
        files: &[
            (".curlrc", "# none\n"),
            (".config/curlrc", "# none\n"),
            ("desktop/curlrc", "# none\n"),
            ("desktop/.curlrc", "# none\n"),
            ("own", "# none\n"),
            (".netrc", ""),
        ],
        kept: &[],
        searches_up: false,
    },
    Subject {
        calls: &[&["wget", "-q", "-t1", "http://127.0.0.1:1/"]],
        files: &[(".wgetrc", "# none\n"), ("own", "# none\n")],
        kept: &["/.wget-hsts"],
        searches_up: false,
    },
    Subject {
        calls: &[
            &["mysql", "-h127.0.0.1", "-P1", "-e", "SELECT 1"],
            &["mysqldump", "-h127.0.0.1", "-P1", "d"],
        ],
        files: &[(".my.cnf", "# none\n"), (".mylogin.cnf", "")],
        kept: &[],
        searches_up: false,
    },
    Subject {
        calls: &[&["psql", "-h127.0.0.1", "-p1", "-c", "SELECT 1"]],
        files: &[
            (".psqlrc", "\\set X y\n"),
            (".pgpass", "*:*:*:*:x\n"),
            (".pg_service.conf", "# none\n"),
        ],
        kept: &["/.pgpass"],
        searches_up: false,
    },
    Subject {
        // `kubectl config view` reads the file too, and asks nothing of a cluster.
        calls: &[&["kubectl", "get", "pods"]],
        files: &[(".kube/config", "apiVersion: v1\nkind: Config\n"), (".kube/kuberc", "")],
        kept: &["/.kube/cache/"],
        searches_up: false,
    },
    Subject {
        calls: &[&["docker", "ps"], &["docker", "context", "ls"]],
        files: &[(".docker/config.json", "{}")],
        kept: &[],
        searches_up: false,
    },
    Subject {
        calls: &[&["gh", "alias", "list"], &["gh", "config", "list"]],
        files: &[
            (".config/gh/config.yml", "git_protocol: https\n"),
            ("desktop/gh/config.yml", "git_protocol: https\n"),
        ],
        kept: &["/gh/hosts.yml", "/state.yml"],
        searches_up: false,
    },
];

/// Where a call is made: a folder, and what the folder is.
fn folders(top: &Path) -> Vec<PathBuf> {
    let made = "
        set -e; export HOME=$PWD/none GIT_TEMPLATE_DIR=
        git init -q --bare origin.git
        git init -q -b main repo; cd repo; mkdir -p one/two/three/four
        git config user.name me; git config user.email me@h
        git remote add origin ../origin.git; git commit -q --allow-empty -m x
        git worktree add -q ../linked 2>/dev/null; mkdir -p ../linked/one/two
        git -C ../linked config extensions.worktreeConfig true
        git -C ../linked config --worktree user.name other
        git -c protocol.file.allow=always submodule --quiet add ../origin.git sub 2>/dev/null || true
        mkdir -p ../plain/deep";
    let run = Command::new("sh").args(["-c", made]).current_dir(top).output().expect("sh runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    [
        "repo",
        "repo/one",
        "repo/one/two/three/four",
        "linked",
        "linked/one/two",
        "repo/sub",
        "origin.git",
        "plain/deep",
    ]
    .map(|folder| top.join(folder))
    .to_vec()
}

/// The forms of an environment: the variables with `@` for the home.
const ENVIRONMENTS: &[&[&str]] = &[
    &["HOME=@"],
    &["HOME=@", "XDG_CONFIG_HOME=@/desktop"],
    &["HOME=@", "XDG_CONFIG_HOME="],
    &["XDG_CONFIG_HOME=@/desktop"],
    &[
        "HOME=@",
        "CURL_HOME=@/desktop",
        "WGETRC=@/own",
        "KUBECONFIG=@/.kube/config",
        "DOCKER_CONFIG=@/.docker",
        "GH_CONFIG_DIR=@/.config/gh",
    ],
    &["HOME=@", "GIT_CONFIG_GLOBAL=@/.more", "GIT_CONFIG_NOSYSTEM=1", "SYSTEM_WGETRC=@/own"],
];

/// The files below `top` that the call opens.
fn opened(words: &[&str], env: &[String], cwd: &Path, top: &Path) -> BTreeSet<PathBuf> {
    let trace = top.join("trace");
    let mut command = Command::new(tool(&["/usr/bin/strace"]));
    command.args([
        "-f",
        "-y",
        "-qq",
        "-e",
        "trace=open,openat,openat2",
        "-e",
        "status=successful",
        "-o",
    ]);
    command
        .arg(&trace)
        .args(words)
        .current_dir(cwd)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.envs(env.iter().filter_map(|entry| entry.split_once('=')));
    // What it comes to does not matter.
    let _ = command.output().expect("strace runs");
    let text = fs::read_to_string(&trace).expect("strace has written");
    // `-y` writes the file behind each descriptor: `= 3</home/me/.curlrc>`.
    let paths = text.lines().filter_map(|line| {
        let (call, result) = line.rsplit_once(" = ")?;
        let path = result.split_once('<')?.1.strip_suffix('>')?;
        (!call.contains("O_DIRECTORY") && !call.contains("O_CREAT")).then(|| PathBuf::from(path))
    });
    paths.filter(|path| path.starts_with(top) && path.is_file()).collect()
}

/// The files that claw asks for.
fn asked(words: &[&str], env: &[String], cwd: &Path) -> BTreeSet<PathBuf> {
    let files = OnDisk { cwd, asked: RefCell::default() };
    let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
    let uid = Some(rustix::process::getuid().as_raw());
    let call = Call { argv: &argv, env: &env, names: &argv[..1], uid, ..Call::default() };
    let reading = Tools::BUILT_IN.read(&call, &files);
    assert!(reading.facts.tool.is_some(), "{words:?}");
    files.asked.into_inner()
}

#[test]
fn every_start_up_file_is_looked_at() {
    let (mut calls, mut files) = (0, BTreeSet::new());
    let mut missed = std::collections::BTreeMap::new();
    for subject in SUBJECTS {
        let folder = TempDir::with_prefix("claw-startup-").expect("a temporary folder");
        let top = fs::canonicalize(folder.path()).expect("it is there");
        let home = top.join("home");
        for (name, content) in subject.files {
            let path = home.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, content).expect("written");
        }
        let mut folders = folders(&top);
        if !subject.searches_up {
            folders.truncate(1);
        }
        for (environment, cwd) in
            ENVIRONMENTS.iter().flat_map(|env| folders.iter().map(move |cwd| (env, cwd)))
        {
            let home = home.to_str().expect("ASCII");
            let env: Vec<String> =
                environment.iter().map(|entry| entry.replace('@', home)).collect();
            for words in subject.calls {
                let asked = asked(words, &env, cwd);
                calls += 1;
                for path in opened(words, &env, cwd, &top) {
                    let shown = path.to_string_lossy().into_owned();
                    if subject.kept.iter().any(|kept| shown.contains(kept)) {
                        continue;
                    }
                    files.insert((words[0], path.clone()));
                    if !asked.contains(&path) {
                        let file = shown.trim_start_matches(&*top.to_string_lossy()).to_owned();
                        let example = format!("in {} with {environment:?}", cwd.display());
                        missed.entry(format!("{words:?} opens {file}")).or_insert(example);
                    }
                }
            }
        }
    }
    assert!(calls > 200, "{calls} calls");
    assert!(missed.is_empty(), "claw does not look at these: {missed:#?}");
    assert!(files.len() >= 18, "{files:?}");
}
