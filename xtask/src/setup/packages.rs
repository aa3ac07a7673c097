//! The things this project needs on a machine: how to detect each, and which Debian packages install it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::command;
use crate::vm;

/// How to detect that something is there. This looks for the thing itself, not for the package: a `kubectl`
/// from elsewhere is as good as Debian's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sign {
    /// A program on `PATH`.
    Program(&'static str),
    /// A file at this path.
    File(&'static str),
    /// A file at one of these paths.
    OneOf(&'static [&'static str]),
    /// A program `bin/NAME` of some version of Debian's PostgreSQL.
    PostgresProgram(&'static str),
    /// A shared library, by the name that follows `lib`, of any version; Debian keeps LLVM's in folders of their own.
    LlvmLibrary(&'static str),
    /// A header that the C compiler's search path holds.
    Header(&'static str),
}

impl Sign {
    /// Whether it is there now.
    pub(crate) fn is_present(self) -> bool {
        match self {
            Self::Program(name) => command::find(name).is_some(),
            Self::File(path) => Path::new(path).exists(),
            Self::OneOf(paths) => paths.iter().any(|path| Path::new(path).exists()),
            Self::PostgresProgram(name) => crate::postgres::program(name).is_ok(),
            Self::LlvmLibrary(name) => library_folders()
                .filter_map(|folder| fs::read_dir(folder).ok())
                .flat_map(|entries| entries.flatten())
                .any(|entry| entry.file_name().to_str().is_some_and(|file| is_library(file, name))),
            Self::Header(name) => {
                header_folders().any(|folder| Path::new(&folder).join(name).exists())
            }
        }
    }
}

/// `/usr/include` and its multi-arch folder, where Debian and most others keep headers.
fn header_folders() -> impl Iterator<Item = String> {
    let multiarch = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    ["/usr/include".to_owned(), "/usr/local/include".to_owned(), multiarch].into_iter()
}

/// The folders of every installed LLVM, and the machine's own.
fn library_folders() -> impl Iterator<Item = PathBuf> {
    let versions = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let llvm = versions
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with("llvm-")))
        .map(|entry| entry.path().join("lib"));
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    llvm.chain([multiarch.into(), "/usr/lib64".into()])
}

/// `libclang.so`, `libclang.so.1` and `libclang-14.so.1` are `clang`; `libclang-cpp.so.14` is another library.
fn is_library(file: &str, name: &str) -> bool {
    let rest = file.strip_prefix("lib").and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| {
        let version = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        rest.trim_start_matches(version).starts_with("so")
    })
}

/// What a machine is set up for. Each set holds the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Set {
    /// Compile claw, and guard a command with it
    Build,
    /// Show the demonstration
    Demo,
    /// Run every test and check
    Test,
}

impl Set {
    /// As it is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Demo => "demo",
            Self::Test => "test",
        }
    }
}

/// One thing that the project needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// Why the project needs it.
    pub(crate) why: &'static str,
    /// The first set that needs it; later sets need it too.
    pub(crate) set: Set,
    /// All of these show that it is there.
    pub(crate) signs: &'static [Sign],
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
}

impl Need {
    /// Whether it is there now.
    pub(crate) fn is_met(&self) -> bool {
        self.signs.iter().all(|sign| sign.is_present())
    }
}

/// What the sets need, in the order in which it is reported.
pub(crate) const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler",
        why: "links Rust programs; the end-to-end tests guard small C programs",
        set: Set::Build,
        signs: &[Sign::Program("cc"), Sign::Header("stdio.h")],
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        what: "`objcopy`",
        why: "parts claw from its symbols for `cargo xtask install`",
        set: Set::Build,
        signs: &[Sign::Program("objcopy")],
        packages: &["binutils"],
    },
    Need {
        what: "make",
        why: "the tests and the benchmark guard a build with many execs",
        set: Set::Test,
        signs: &[Sign::Program("make")],
        packages: &["make"],
    },
    Need {
        what: "libseccomp",
        why: "claw builds its seccomp filter with it",
        set: Set::Build,
        signs: &[Sign::Program("pkg-config"), Sign::Header("seccomp.h")],
        packages: &["pkg-config", "libseccomp-dev"],
    },
    Need {
        what: "libclang",
        why: "reads the headers of libpg_query, PostgreSQL's own parser, which claw reads statements with",
        set: Set::Build,
        signs: &[Sign::LlvmLibrary("clang")],
        packages: &["libclang-dev"],
    },
    Need {
        what: "a PostgreSQL server and `psql`",
        why: "the demonstration and the tests run a throwaway server and guard the real client",
        set: Set::Demo,
        signs: &[
            Sign::PostgresProgram("initdb"),
            Sign::PostgresProgram("postgres"),
            Sign::Program("psql"),
        ],
        packages: &["postgresql"],
    },
    Need {
        what: "a MariaDB server, and `mariadb`",
        why: "the differential suite holds what claw reads of its client's command lines and scripts against what a throwaway server is sent",
        set: Set::Test,
        signs: &[
            Sign::Program("mariadb"),
            Sign::Program("mariadb-install-db"),
            Sign::Program("/usr/sbin/mariadbd"),
        ],
        packages: &["mariadb-server"],
    },
    Need {
        what: "`setpriv`",
        why: "starts the throwaway server as a user other than root, and stops it when we die",
        set: Set::Demo,
        signs: &[Sign::Program("setpriv")],
        packages: &["util-linux"],
    },
    Need {
        what: "`kubectl`",
        why: "the demonstration and the tests have its calls judged, and it is run against a server of the tests; no cluster is needed",
        set: Set::Demo,
        signs: &[Sign::Program("kubectl")],
        packages: &["kubernetes-client"],
    },
    Need {
        what: "`aws`, `gh`, `redis-cli` and `wget`",
        why: "the differential suite holds what claw reads against what they do",
        set: Set::Test,
        signs: &[
            Sign::Program("aws"),
            Sign::Program("gh"),
            Sign::Program("redis-cli"),
            Sign::Program("wget"),
        ],
        packages: &["awscli", "gh", "redis-tools", "wget"],
    },
    Need {
        what: "Python 3",
        why: "the demonstration and the tests start tools from it",
        set: Set::Demo,
        signs: &[Sign::Program("python3")],
        packages: &["python3"],
    },
    Need {
        what: "Perl",
        why: "the tests start tools from it; Debian's `psql` is a Perl script",
        set: Set::Test,
        signs: &[Sign::Program("perl")],
        packages: &["perl"],
    },
    Need {
        what: "QEMU, and `virtiofsd`",
        why: "the tests boot other kernels in software emulation (`cargo xtask vm`)",
        set: Set::Test,
        signs: &[Sign::Program("qemu-system-x86_64"), Sign::OneOf(&vm::FILE_SERVERS)],
        packages: &["qemu-system-x86"],
    },
    Need {
        what: "`ip`",
        why: "the escape suite makes a network of its own",
        set: Set::Test,
        signs: &[Sign::Program("ip")],
        packages: &["iproute2"],
    },
    Need {
        what: "programs that run commands",
        why: "the escape suite tries to start what is forbidden from each of them",
        set: Set::Test,
        signs: &[
            Sign::Program("busybox"),
            Sign::Program("bwrap"),
            Sign::Program("curl"),
            Sign::Program("dc"),
            Sign::Program("ed"),
            Sign::Program("expect"),
            Sign::Program("gawk"),
            Sign::Program("gdb"),
            Sign::Program("git"),
            Sign::Program("groff"),
            Sign::Program("less"),
            Sign::Program("m4"),
            Sign::Program("man"),
            Sign::Program("openssl"),
            Sign::Program("pgrep"),
            Sign::Program("rsync"),
            Sign::Program("socat"),
            Sign::Program("sqlite3"),
            Sign::Program("ssh"),
            Sign::Program("strace"),
            Sign::Program("tclsh"),
            Sign::Program("tmux"),
            Sign::Program("vim"),
            Sign::Program("zip"),
            Sign::Program("zsh"),
        ],
        packages: &[
            "busybox",
            "bubblewrap",
            "curl",
            "dc",
            "ed",
            "expect",
            "gawk",
            "gdb",
            "git",
            "groff",
            "less",
            "m4",
            "man-db",
            "openssl",
            "procps",
            "rsync",
            "socat",
            "sqlite3",
            "openssh-client",
            "strace",
            "tcl",
            "tmux",
            "vim",
            "zip",
            "zsh",
        ],
    },
    Need {
        what: "Node, Ruby, Lua and PHP",
        why: "the tests start tools from them",
        set: Set::Test,
        signs: &[
            Sign::Program("node"),
            Sign::Program("ruby"),
            Sign::Program("lua5.4"),
            Sign::Program("php"),
        ],
        packages: &["nodejs", "ruby", "lua5.4", "php-cli"],
    },
];

/// Needed where bpf-linker has to be built first.
pub(crate) const LINKER_NEEDS: &[Need] = &[
    Need {
        what: "LLVM 22",
        why: "bpf-linker is built with it, to link the eBPF object",
        set: Set::Build,
        signs: &[Sign::File("/usr/lib/llvm-22/lib/libLLVM.so")],
        packages: &["llvm-22-dev"],
    },
    Need {
        what: "the C++ library",
        why: "LLVM is C++; bpf-linker links with its library",
        set: Set::Build,
        signs: &[Sign::Program("c++")],
        packages: &["g++"],
    },
];

/// Needed where rustup cannot bring the nightly toolchain.
pub(crate) const DEBIAN_TOOLCHAIN: Need = Need {
    what: "Debian's Rust compiler with the source of `core`",
    why: "compiles the eBPF programs where rustup does not reach its servers",
    set: Set::Build,
    signs: &[
        Sign::File("/usr/bin/rustc"),
        Sign::File("/usr/bin/cargo"),
        Sign::File("/usr/lib/rustlib/src/rust/library/core/src/lib.rs"),
    ],
    packages: &["rustc-web", "cargo-web", "rust-web-src"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_can_be_seen_and_installed_and_says_why() {
        for need in NEEDS.iter().chain(LINKER_NEEDS).chain([&DEBIAN_TOOLCHAIN]) {
            assert!(!need.signs.is_empty(), "{} has no sign", need.what);
            assert!(!need.packages.is_empty(), "{} has no package", need.what);
            assert!(!need.why.is_empty(), "{} has no reason", need.what);
        }
    }

    #[test]
    fn the_demonstration_asks_for_little_and_the_tests_for_everything() {
        let packages = |set: Set| -> Vec<&str> {
            let needs = NEEDS.iter().filter(|need| need.set <= set);
            needs.flat_map(|need| need.packages.iter().copied()).collect()
        };
        let demo = packages(Set::Demo);
        assert!(demo.contains(&"postgresql") && !packages(Set::Build).contains(&"postgresql"));
        for unneeded in ["mariadb-server", "qemu-system-x86", "vim", "ruby", "php-cli", "gdb"] {
            assert!(!demo.contains(&unneeded), "{unneeded}");
            assert!(packages(Set::Test).contains(&unneeded), "{unneeded}");
        }
    }

    #[test]
    fn a_library_is_known_in_every_spelling_of_its_version() {
        for file in ["libclang.so", "libclang.so.1", "libclang-14.so.14.0.6"] {
            assert!(is_library(file, "clang"), "{file}");
        }
        assert!(!is_library("libclang-cpp.so.14", "clang"));
        assert!(!is_library("libclangd.so", "clang"));
    }

    #[test]
    fn a_need_is_met_only_when_all_its_signs_are() {
        let need = |signs| Need { what: "", why: "", set: Set::Build, signs, packages: &[] };
        assert!(need(&[Sign::Program("sh"), Sign::File("/")]).is_met());
        assert!(!need(&[Sign::Program("sh"), Sign::File("/no/such/file")]).is_met());
    }
}
