//! Clients of production that claw does not read, and the helpers of git, which only git may start.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

fn production() -> Guard {
    Guard::with_policy_file(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/production-readonly.toml"),
    )
}

/// Whether the witness ran; forgets it.
fn ran(log: &Path) -> bool {
    let ran = log.exists();
    if ran {
        fs::remove_file(log).expect("the log");
    }
    ran
}

#[test]
fn a_client_that_is_not_read_does_not_act() {
    let scenario = Scenario::new("programs with the names of clients that claw does not read");
    for (name, word, acts) in [
        ("etcdctl", "del", true),
        ("etcdctl-3.5", "del", true),
        ("kubectl-neat", "get", true),
        ("terragrunt", "apply", true),
        ("rake", "db:drop", true),
        ("rake", "test", false),
        ("terraform-docs", "markdown", false),
        ("etcdctl", "--version", false),
    ] {
        let folder = TempDir::new().expect("a temporary directory");
        let (path, log) = (folder.path().join(name), folder.path().join("log"));
        copy_program(program("witness", Linkage::Static), &path);
        let call = Call::new([path.as_os_str(), word.as_ref()]).env("WITNESS_LOG", &log);
        scenario.control(format!("{name} {word}: without claw it runs"));
        let bare = call.bare();
        assert!(ran(&log), "{}", bare.story());
        scenario.then(format!("{name} {word}: under claw it runs only if it is no client's work"));
        let guarded = call.guarded(&production());
        assert_eq!(ran(&log), !acts, "{}", guarded.story());
    }
}

/// A server of one repository that asks for a name and a password, and its port.
struct Server {
    server: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// git's own server program behind a password.
const SERVER: &str = r#"
import base64, http.server, os, subprocess, sys
root = sys.argv[1]
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do(self):
        wanted = 'Basic ' + base64.b64encode(b'me:hunter22').decode()
        if self.headers.get('Authorization') != wanted:
            self.send_response(401)
            self.send_header('WWW-Authenticate', 'Basic realm="r"')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        path, _, query = self.path.partition('?')
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        env = dict(os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL='1', PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get('Content-Type') or '', CONTENT_LENGTH=str(len(body)),
            REMOTE_USER='me', HTTP_CONTENT_ENCODING=self.headers.get('Content-Encoding') or '',
            GIT_CONFIG_COUNT='1', GIT_CONFIG_KEY_0='safe.directory', GIT_CONFIG_VALUE_0='*')
        out = subprocess.run(['git', 'http-backend'], input=body, env=env, capture_output=True).stdout
        head, _, rest = out.partition(b'\r\n\r\n')
        status = 200
        lines = [line.split(': ', 1) for line in head.decode().split('\r\n')]
        for name, value in lines:
            if name == 'Status': status = int(value.split()[0])
        self.send_response(status)
        for name, value in lines:
            if name != 'Status': self.send_header(name, value)
        self.send_header('Content-Length', str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)
    do_GET = do_POST = do
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

impl Server {
    fn start(root: &Path) -> Self {
        let mut server = Command::new("python3")
            .args(["-c", SERVER])
            .arg(root)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let out = server.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("it says its port");
        Self { server, port: line.trim().parse().expect("a port") }
    }
}

/// A home folder whose git keeps a password, a repository behind that password, and a clone of it.
struct Private {
    folder: TempDir,
    server: Server,
}

impl Private {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let server = Server::start(folder.path());
        let home = folder.path();
        let settings = "[credential]\n\thelper = store\n[user]\n\tname = me\n\temail = me@example.com\n\
                        [init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n";
        fs::write(home.join(".gitconfig"), settings).expect("written");
        let password = format!("http://me:hunter22@127.0.0.1:{}\n", server.port);
        fs::write(home.join(".git-credentials"), password).expect("written");
        let private = Self { folder, server };
        let script = "git init -q --bare r.git && git -C r.git config http.receivepack true && git init -q w && cd w && \
                      git commit -q --allow-empty -m one && git remote add origin \"$0\" && git push -q origin main";
        let made = private.git(["sh", "-c", script, &private.url()]).cwd(private.folder.path());
        made.bare().exits(0);
        private
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/r.git", self.server.port)
    }

    fn clone_folder(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    fn git<const N: usize>(&self, argv: [&str; N]) -> Call {
        let call = Call::new(argv).env("HOME", self.folder.path()).env("GIT_TERMINAL_PROMPT", "0");
        if self.clone_folder().exists() { call.cwd(self.clone_folder()) } else { call }
    }
}

#[test]
fn git_starts_its_helpers_and_nobody_else_does() {
    let scenario = Scenario::new("git's helpers for a private repository");
    let private = Private::new();
    let guard = production;
    for argv in [
        &["git", "fetch", "origin"][..],
        &["git", "ls-remote", "origin"],
        &["sh", "-c", "git commit -q --allow-empty -m two && git push origin main"],
    ] {
        scenario.then(format!("{argv:?} goes through, with the password that git keeps"));
        let call = Call::new(argv.iter().copied());
        let call = call
            .env("HOME", private.folder.path())
            .env("GIT_TERMINAL_PROMPT", "0")
            .cwd(private.clone_folder());
        call.guarded(&guard()).exits(0);
    }
    let shows = |ran: &Ran| ran.out().contains("hunter22");
    let asked = format!("protocol=http\nhost=127.0.0.1:{}\n\n", private.server.port);
    let store = "/usr/lib/git-core/git-credential-store";
    let behind_git = "(sleep 1; echo \"$0\" | tr , '\\n' | git credential-store get >out) & exec git cat-file --batch <fifo";
    for argv in [
        vec!["git", "credential-store", "get"],
        vec![store, "get"],
        vec!["sh", "-c", "git credential-store get"],
        vec!["git", "credential", "fill"],
    ] {
        let call = |argv: &[&str]| {
            let call = Call::new(argv.iter().copied()).stdin(asked.clone());
            call.env("HOME", private.folder.path()).cwd(private.clone_folder())
        };
        scenario.control(format!("{argv:?} shows the password without claw"));
        let bare = call(&argv).bare();
        assert!(shows(&bare), "{}", bare.story());
        scenario.then("not under claw");
        let guarded = call(&argv).guarded(&guard());
        assert!(!shows(&guarded), "{}", guarded.story());
    }
    // A process that git did not start does not become git's by having git for a parent.
    let out = private.clone_folder().join("out");
    let words = asked.trim_end().replace('\n', ",") + ",";
    let call = private.git([
        "sh",
        "-c",
        &format!("rm -f fifo out; mkfifo fifo; (sleep 3 >fifo) & {behind_git}"),
        &words,
    ]);
    scenario.control("a child of a shell that becomes git asks for the password");
    let _ = call.bare();
    let kept = || fs::read_to_string(&out).unwrap_or_default();
    assert!(kept().contains("hunter22"), "{}", kept());
    scenario.then("under claw it is still called by hand");
    let guarded = call.guarded(&guard());
    assert!(!kept().contains("hunter22"), "{}", guarded.story());
}

#[test]
fn a_transport_helper_pushes_for_git_alone() {
    let scenario = Scenario::new("a push by force through git remote-http");
    let private = Private::new();
    let head = || {
        let ran = private.git(["git", "-C", "../r.git", "rev-parse", "main"]).bare();
        ran.out().trim().to_owned()
    };
    let first = head();
    let script = "git commit -q --amend --allow-empty -m other && \
                  printf 'option force true\\npush +HEAD:refs/heads/main\\n\\n' | git remote-http origin \"$0\"";
    let call = private.git(["sh", "-c", script, &private.url()]);
    scenario.then("under claw nothing is pushed");
    let guarded = call.guarded(&production());
    assert_eq!(head(), first, "{}", guarded.story());
    scenario.control("without claw it is");
    let bare = call.bare();
    assert_ne!(head(), first, "{}", bare.story());
}
