//! Paths of this very process: what open(2) finds, the walk must find too.

use std::os::unix::fs::symlink;

use super::*;

fn view() -> View {
    View::of(rustix::process::getpid())
}

fn names(path: &[u8]) -> Vec<String> {
    let resolved = view().resolve(Base::Cwd, path).expect("resolves");
    resolved.names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[test]
fn every_link_on_the_way_gives_a_name() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("tool"), "").expect("write");
    symlink("tool", dir.path().join("b")).expect("symlink");
    symlink(dir.path().join("b"), dir.path().join("a")).expect("symlink");
    let path = dir.path().join("a");
    assert_eq!(names(path.as_os_str().as_encoded_bytes()), ["a", "b", "tool"]);
}

#[test]
fn the_walk_agrees_with_the_kernel() {
    for path in ["/bin/sh", "/usr/bin/../bin/./env", "/proc/version", "/etc/../../../usr/bin/env"] {
        let fast = view().resolve(Base::Cwd, path.as_bytes()).expect("resolves");
        let root = view().own("root").expect("root");
        let slow = view().walk(root, None, path.as_bytes(), true).expect("walks");
        assert_eq!(fast.path, slow.path, "{path}");
        assert!(same(&fast.file, &slow.file).expect("stat"), "{path}");
    }
}

#[test]
fn proc_self_is_the_tracee() {
    let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().expect("sleep");
    let tracee = Pid::from_raw(child.id() as i32).expect("a pid");
    // The child is sleep once its own link says so.
    let exe = format!("/proc/{}/exe", child.id());
    while !std::fs::read_link(&exe).is_ok_and(|path| path.ends_with("sleep")) {
        std::thread::yield_now();
    }
    for path in ["/proc/self/exe", "/proc/thread-self/exe", "/proc/self/root/proc/self/exe"] {
        let resolved = View::of(tracee).resolve(Base::Cwd, path.as_bytes()).expect("resolves");
        assert!(resolved.path.ends_with(b"/sleep"), "{path}: {:?}", resolved.names);
    }
    let environ = View::of(tracee).resolve(Base::Cwd, b"/proc/self/environ").expect("resolves");
    assert_eq!(environ.path, format!("/proc/{}/environ", child.id()).into_bytes());
    child.kill().expect("kill");
    child.wait().expect("wait");
}

#[test]
fn errors_are_open_s() {
    let resolve = |path: &str| view().resolve(Base::Cwd, path.as_bytes()).map(|_| ());
    assert_eq!(resolve(""), Err(Errno::NOENT));
    assert_eq!(resolve("/no/such/file"), Err(Errno::NOENT));
    assert_eq!(resolve("/etc/passwd/x"), Err(Errno::NOTDIR));
    assert_eq!(resolve("/proc/self/root/etc/passwd/"), Err(Errno::NOTDIR));
    let dir = tempfile::tempdir().expect("temporary folder");
    symlink("loop", dir.path().join("loop")).expect("symlink");
    let path = dir.path().join("loop");
    assert_eq!(resolve(path.to_str().expect("utf-8")), Err(Errno::LOOP));
    let resolve = |path: &str| view().resolve_no_link(Base::Cwd, path.as_bytes()).map(|_| ());
    assert_eq!(resolve(path.to_str().expect("utf-8")), Err(Errno::LOOP));
    assert_eq!(resolve("/proc/self/exe"), Err(Errno::LOOP));
    assert_eq!(resolve("/usr/bin/env"), Ok(()));
    assert_eq!(view().descriptor(9999).map(|_| ()), Err(Errno::BADF));
}

#[test]
fn a_path_is_told_from_the_root_of_its_process() {
    assert_eq!(below(b"/home/me", b"/"), Some(&b"/home/me"[..]));
    assert_eq!(below(b"/", b"/"), Some(&b"/"[..]));
    assert_eq!(below(b"/jail/home", b"/jail"), Some(&b"/home"[..]));
    assert_eq!(below(b"/jail", b"/jail"), Some(&b"/"[..]));
    assert_eq!(below(b"/jailed", b"/jail"), None);
    assert_eq!(below(b"/home", b"/jail"), None);
}
