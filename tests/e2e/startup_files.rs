//! A start-up file that cannot be read is not an absent one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;

/// A program, its start-up file with a setting that does something, and how a comment begins there.
struct Case {
    argv: &'static [&'static str],
    file: &'static str,
    setting: &'static str,
    comment: &'static str,
    /// Whether the setting took effect, as the home folder or the server's request shows.
    done: fn(&Path, &str) -> bool,
}

fn posted(_: &Path, asked: &str) -> bool {
    asked.starts_with("POST ")
}

fn made(home: &Path, _: &str) -> bool {
    home.join("made").exists()
}

const CASES: [Case; 5] = [
    Case {
        argv: &["curl", "-s", "http://localhost:PORT/x"],
        file: ".curlrc",
        setting: "data = secret",
        comment: "#",
        done: posted,
    },
    Case {
        argv: &["wget", "-qO-", "--tries=1", "http://localhost:PORT/x"],
        file: ".wgetrc",
        setting: "post_data = secret",
        comment: "#",
        done: posted,
    },
    Case {
        argv: &[
            "env",
            "SYSTEM_WGETRC=HOME/system",
            "wget",
            "-qO-",
            "--tries=1",
            "http://localhost:PORT/x",
        ],
        file: "system",
        setting: "post_data = secret",
        comment: "#",
        done: posted,
    },
    Case {
        argv: &["sqlite3", ":memory:", "SELECT 1"],
        file: ".sqliterc",
        setting: ".shell touch HOME/made",
        comment: "--",
        done: made,
    },
    Case {
        argv: &["git", "-c", "safe.directory=*", "diff"],
        file: ".gitconfig",
        setting: "[core]\n\tfsmonitor = touch HOME/made",
        comment: "#",
        done: made,
    },
];

/// How the file is there: short, or longer than claw reads.
const FORMS: [&str; 2] = ["short", "long"];

/// Answers one request and returns its first line; nothing if there is none.
fn serve(listener: TcpListener) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let Ok((mut client, _)) = listener.accept() else { return String::new() };
        let mut buffer = [0; 4096];
        let got = client.read(&mut buffer).unwrap_or_default();
        // The client may be gone.
        let _ = client.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
        String::from_utf8_lossy(&buffer[..got]).into_owned()
    })
}

/// Runs one case with its file in one form; returns whether the setting did what it says, and the verdict.
fn tried(case: &Case, form: Option<&str>, guarded: bool) -> (bool, Option<String>) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = folder.path();
    let made = Command::new("git").args(["init", "-q"]).current_dir(home).status();
    assert!(made.expect("git runs").success());
    let listener = TcpListener::bind(("localhost", 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let fill = |text: &str| {
        let text = text.replace("PORT", &address.port().to_string());
        text.replace("HOME", home.to_str().expect("ASCII"))
    };
    if let Some(form) = form {
        let mut text = String::new();
        while form == "long" && text.len() <= 1 << 20 {
            text += &format!("{} {}\n", case.comment, "x".repeat(1000));
        }
        fs::write(home.join(case.file), text + &fill(case.setting) + "\n").expect("written");
    } else if !case.file.starts_with('.') {
        fs::write(home.join(case.file), "").expect("written");
    }
    let asked = serve(listener);
    // Some programs ask the user database for the home, whatever HOME says.
    let mount = "mount --bind \"$HOME\" /root && exec \"$@\"";
    let inside = ["unshare", "-m", "sh", "-c", mount, "sh"];
    let argv: Vec<String> = case.argv.iter().map(|word| fill(word)).collect();
    let ran = if guarded {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR"));
        let policy = policy.join("../policies/production-readonly.toml");
        let guard = Guard::with_policy_file(policy).inside(inside);
        Call::new(argv).cwd(home).env("HOME", home).guarded(&guard)
    } else {
        let argv = inside.into_iter().map(str::to_owned).chain(argv);
        Call::new(argv).cwd(home).env("HOME", home).bare()
    };
    // So that the server ends, whether it was asked or not.
    drop(std::net::TcpStream::connect(address));
    let asked = asked.join().expect("the server");
    let verdict = ran.execs().last().map(|record| record.verdict().to_owned());
    ((case.done)(home, &asked), verdict)
}

#[test]
fn a_start_up_file_that_cannot_be_read_is_not_absent() {
    for case in &CASES {
        let scenario = Scenario::new(format!("{:?} with `{}`", case.argv, case.file));
        for form in FORMS {
            scenario.control(format!("without claw, {form}: the setting takes effect"));
            assert!(tried(case, Some(form), false).0, "{:?}", case.argv);
            scenario.then(format!("under claw, {form}: it does not"));
            let (done, verdict) = tried(case, Some(form), true);
            assert!(!done, "{:?}", case.argv);
            assert_eq!(verdict.as_deref(), Some("deny"), "{:?}, {form}", case.argv);
        }
        scenario.then("without the file the call runs");
        let (_, verdict) = tried(case, None, true);
        assert_eq!(verdict.as_deref(), Some("allow"), "{:?}", case.argv);
    }
}
