//! Files of this machine, and files made for these tests.

use std::os::unix::fs::{PermissionsExt, chown};

use claw_classify::schema;

use super::*;

fn looked_at(path: &Path) -> (OwnedFd, Stat) {
    let file = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).expect("there");
    let stat = Devices::default().stat(file.as_fd(), rustix::process::getpid()).expect("stat");
    (file, stat)
}

fn tools(policy: &str) -> Tools {
    let policy =
        claw_policy::parse(&format!("version = 1\n{policy}"), "p", &schema()).expect("right");
    let devices = Devices::default();
    let machine = Installed::look(&devices).expect("descriptors enough");
    Tools::of(&policy, &Arc::new(machine), &devices).expect("descriptors enough")
}

/// A folder with a program called `git`, which is not the one that is installed, of this owner and mode.
fn made_up(owner: u32, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("git");
    std::fs::write(&path, "#!/bin/sh\n").expect("writable");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode");
    chown(&path, Some(owner), None).expect("as root");
    (folder, path)
}

fn untrusted(tools: &Tools, path: &Path, names: &[&str]) -> bool {
    let names: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let (file, stat) = looked_at(path);
    tools.is_untrusted(&file, &stat, &names).expect("descriptors enough")
}

#[test]
fn a_tool_is_trusted_where_its_user_cannot_have_made_it() {
    let tools = tools("");
    assert!(!untrusted(&tools, Path::new("/usr/bin/git"), &["git"]));
    for (owner, mode, expected) in
        [(0, 0o755, false), (1000, 0o755, true), (0, 0o775, true), (0, 0o757, true)]
    {
        let (_folder, path) = made_up(owner, mode);
        assert_eq!(untrusted(&tools, &path, &["git"]), expected, "{owner} {mode:o}");
        assert!(!untrusted(&tools, &path, &["no-tool"]));
    }
    // A link with a tool's name to a program that is not a tool.
    assert!(untrusted(&tools, Path::new("/usr/bin/env"), &["git", "env"]));
}

#[test]
fn a_pinned_tool_is_what_its_digest_says_and_nothing_else() {
    let (_folder, path) = made_up(1000, 0o755);
    let digest = sum(&path).expect("readable");
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let tools = tools(&format!("pins.git = [\"{hex}\"]"));
    assert!(!untrusted(&tools, &path, &["git"]));
    assert!(untrusted(&tools, Path::new("/usr/bin/git"), &["git"]));
}

#[test]
fn a_copy_or_a_link_under_another_name_is_the_tool() {
    let tools = tools("");
    let folder = tempfile::tempdir_in("/usr/local").expect("a folder on the same file system");
    let git = std::fs::canonicalize("/usr/bin/git").expect("installed");
    let [copy, link, other] = ["copy", "link", "other"].map(|name| folder.path().join(name));
    std::fs::copy(&git, &copy).expect("copied");
    std::fs::hard_link(&git, &link).expect("linked");
    std::fs::copy(&git, &other).expect("copied");
    let mut bytes = std::fs::read(&other).expect("readable");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&other, bytes).expect("writable");
    let disguised = |path: &Path| {
        let (file, stat) = looked_at(path);
        tools.disguised(&file, &stat, &[b"x".to_vec()]).expect("descriptors enough")
    };
    assert_eq!(disguised(&copy).as_deref(), Some("git"));
    assert_eq!(disguised(&link).as_deref(), Some("git"));
    assert_eq!(disguised(&other), None);
    assert_eq!(disguised(Path::new("/usr/bin/env")), None);
}
