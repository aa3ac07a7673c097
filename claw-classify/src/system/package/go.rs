//! The go command, where it brings, builds, runs or fetches packages.
//!
//! Sources: `go help` of 1.24 and of each command; Go's package flag: one dash or two, no bundles, and flags end
//! at the first operand. Modules that are downloaded run nothing when they are.
//!
//! Known gaps: `go.mod` and what `go env -w` has set are not read. `cgo` and `go generate` start programs, which
//! are judged when they start.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Spelling, Table};

pub(super) const GO: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("go.tsv")),
        options: Options {
            switches: "-help,-h -a -asan -buildvcs -c -cover -failfast -i -json -linkshared -modcacherw -msan -n -race -short -trimpath -v -work -x \
                -d -f -fix -t -u -insecure -deps -e -export -find -m -retracted -test -versions -w -changed -fullpath -print -r -cache -testcache \
                -modcache -fuzzcache -all -src -cmd -benchmem -diff -artifacts -sync -latest -tool",
            values: "-C -asmflags -bench -benchtime -blockprofile -blockprofilerate -buildmode -compat -compiler -count -covermode -coverpkg -coverprofile \
                -cpu -cpuprofile -exec -fuzz -fuzzminimizetime -fuzztime -gccgoflags -gcflags -go -installsuffix -ldflags -list -memprofile -memprofilerate \
                -mod -modfile -mutexprofile -mutexprofilefraction -o -outputdir -overlay -p -parallel -pgo -pkgdir -reuse -run -shuffle -skip -tags \
                -timeout -toolexec -trace -vet -vettool -replace -dropreplace -require -droprequire -toolchain -module -use -dropuse",
        },
        of: &[
            ("list", Options { switches: "-u -m", values: "-f" }),
            ("vet", Options { switches: "", values: "-c" }),
            ("env", Options { switches: "-w -u -json", values: "" }),
            ("generate", Options { switches: "", values: "-run -skip" }),
        ],
        spelling: Spelling::Single,
        stops: &["run", "tool"],
        ..table::PLAIN
    },
    roles: &[
        ("exec", Role::Program),
        ("toolexec", Role::Program),
        ("vettool", Role::Program),
        ("n", Role::DryRun),
    ],
    turns: &[("env", "w", "config"), ("env", "u", "config")],
    operands: &[
        ("generate", Operands::Other),
        ("list", Operands::Packages),
        ("mod tidy", Operands::Other),
        ("mod vendor", Operands::Other),
        ("mod why", Operands::Other),
        ("mod graph", Operands::Other),
        ("work ", Operands::Other),
    ],
    style: Style::At,
    quiet: &["get", "install", "mod ", "work "],
    global: &["install"],
    registries: &["GOPROXY", "GOSUMDB"],
    settings: &[
        "goflags",
        "goproxy",
        "gosumdb",
        "gonosumdb",
        "gonosumcheck",
        "goprivate",
        "gonoproxy",
        "goinsecure",
        "goenv",
        "gotoolchain",
        "goauth",
        "govcs",
    ],
    ..PLAIN
};
