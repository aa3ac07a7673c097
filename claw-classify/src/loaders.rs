//! What the environment loads into a program: the dynamic linker's part, the C libraries', and each runtime's own.
//!
//! One list for each runtime, whichever tools are written for it. A runtime's variables are all taken to load
//! something, but for those that are known to load nothing; an empty value loads nothing.
//!
//! Sources: ld.so(8), iconv_open(3), locale(7), krb5.conf(5) and gssapi's mech(5) of MIT Kerberos, sasl_client_init(3),
//! ldap.conf(5), pkcs11.conf(5), openssl-env(7); python(1), perlrun(1), ruby(1), node(1), php(1), lua(1), gawk(1), bash(1).

/// A runtime that tools are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Awk's interpreters.
    Awk,
    /// Deno.
    Deno,
    /// Lua.
    Lua,
    /// Node.js.
    Node,
    /// Perl.
    Perl,
    /// PHP.
    Php,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// The shells.
    Shell,
}

/// What is loaded into a tool beside what every program may be made to load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loads {
    /// The runtimes that it is written for.
    pub(crate) runtimes: &'static [Runtime],
    /// Variables of its own that name code.
    pub(crate) own: &'static [&'static str],
}

impl Loads {
    /// Nothing.
    pub(crate) const NOTHING: Self = Self { runtimes: &[], own: &[] };
    /// What Python loads.
    pub(crate) const PYTHON: Self = Self { runtimes: &[Runtime::Python], own: &[] };

    /// What these runtimes load.
    pub(crate) const fn of(runtimes: &'static [Runtime]) -> Self {
        Self { runtimes, own: &[] }
    }

    /// Whether the variable `name` makes the tool load something.
    pub(crate) fn names(self, name: &[u8]) -> bool {
        self.own.iter().any(|own| own.as_bytes() == name)
            || self.runtimes.iter().any(|runtime| runtime.variables().name(name))
    }
}

/// Variables by their names, and by how their names begin.
struct Variables {
    begin: &'static [&'static str],
    names: &'static [&'static str],
    /// Those that begin so and load nothing.
    harmless: &'static [&'static str],
}

impl Variables {
    /// These alone.
    const fn only(names: &'static [&'static str]) -> Self {
        Self { begin: &[], names, harmless: &[] }
    }

    fn name(&self, name: &[u8]) -> bool {
        let is = |known: &&str| known.as_bytes() == name;
        self.names.iter().any(&is)
            || (self.begin.iter().any(|begin| name.starts_with(begin.as_bytes()))
                && !self.harmless.iter().any(is))
    }
}

/// What the dynamic linker, the C library, and the libraries that most clients are linked with act on.
const EVERYWHERE: Variables = Variables {
    begin: &["GSS_", "KRB5_", "LDAP", "LD_", "NSS_", "OPENSSL_", "P11_", "PKCS11_", "SASL_"],
    names: &[
        "GCONV_PATH",
        "GIO_EXTRA_MODULES",
        "GIO_MODULE_DIR",
        "GLIBC_TUNABLES",
        "LOCPATH",
        "NLSPATH",
        "SSL_DIR",
    ],
    harmless: &["LD_BIND_NOW", "LD_VERBOSE", "LD_WARN", "LDAPNOINIT", "OPENSSL_ia32cap"],
};

/// Whether the variable `name` makes every program, whatever it is written in, load something.
pub(crate) fn into_every_program(name: &[u8]) -> bool {
    EVERYWHERE.name(name)
}

impl Runtime {
    const fn variables(self) -> Variables {
        match self {
            Self::Awk => Variables::only(&["AWKLIBPATH", "AWKPATH"]),
            Self::Deno => Variables::only(&["DENO_DIR", "NODE_OPTIONS"]),
            Self::Lua => Variables { begin: &["LUA_"], names: &[], harmless: &[] },
            Self::Node => Variables {
                begin: &["NODE_"],
                names: &[],
                harmless: &[
                    "NODE_DEBUG",
                    "NODE_DISABLE_COLORS",
                    "NODE_ENV",
                    "NODE_EXTRA_CA_CERTS",
                    "NODE_NO_READLINE",
                    "NODE_NO_WARNINGS",
                    "NODE_PENDING_DEPRECATION",
                    "NODE_PRESERVE_SYMLINKS",
                    "NODE_TLS_REJECT_UNAUTHORIZED",
                    "NODE_USE_ENV_PROXY",
                    "NODE_USE_SYSTEM_CA",
                ],
            },
            Self::Perl => Variables {
                begin: &["PERL"],
                names: &[],
                harmless: &[
                    "PERL_BADLANG",
                    "PERL_HASH_SEED",
                    "PERL_HASH_SEED_DEBUG",
                    "PERL_LOCAL_LIB_ROOT",
                    "PERL_MB_OPT",
                    "PERL_MM_OPT",
                    "PERL_PERTURB_KEYS",
                    "PERL_RAND_SEED",
                    "PERL_SIGNALS",
                    "PERL_UNICODE",
                ],
            },
            Self::Php => Variables::only(&["PHPRC", "PHP_INI_SCAN_DIR"]),
            Self::Python => Variables {
                begin: &["PYTHON"],
                names: &[],
                harmless: &[
                    "PYTHONASYNCIODEBUG",
                    "PYTHONCOERCECLOCALE",
                    "PYTHONDEBUG",
                    "PYTHONDEVMODE",
                    "PYTHONDONTWRITEBYTECODE",
                    "PYTHONFAULTHANDLER",
                    "PYTHONHASHSEED",
                    "PYTHONINTMAXSTRDIGITS",
                    "PYTHONIOENCODING",
                    "PYTHONMALLOC",
                    "PYTHONNODEBUGRANGES",
                    "PYTHONNOUSERSITE",
                    "PYTHONOPTIMIZE",
                    "PYTHONSAFEPATH",
                    "PYTHONTRACEMALLOC",
                    "PYTHONUNBUFFERED",
                    "PYTHONUTF8",
                    "PYTHON_COLORS",
                    "PYTHON_GIL",
                ],
            },
            Self::Ruby => Variables {
                begin: &["RUBY"],
                names: &["GEM_HOME", "GEM_PATH"],
                harmless: &["RUBY_ENGINE", "RUBY_ROOT", "RUBY_VERSION", "RUBY_YJIT_ENABLE"],
            },
            Self::Shell => Variables {
                begin: &["BASH_FUNC_"],
                names: &["BASHOPTS", "BASH_ENV", "ENV", "PS4", "SHELLOPTS"],
                harmless: &[],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_s_variables_load_unless_they_are_known_not_to() {
        for (runtime, loads, harmless) in [
            (
                Runtime::Python,
                "PYTHONPATH PYTHONPYCACHEPREFIX PYTHONWARNINGS PYTHON_NEW",
                "PYTHONUNBUFFERED PYTHONUTF8",
            ),
            (Runtime::Perl, "PERL5LIB PERLIO PERL5DB", "PERL_HASH_SEED"),
            (Runtime::Node, "NODE_OPTIONS NODE_COMPILE_CACHE", "NODE_ENV NODE"),
            (Runtime::Shell, "BASH_ENV BASH_FUNC_ls%%", "BASH BASH_VERSION"),
            (Runtime::Ruby, "RUBYOPT GEM_PATH", "RUBY_VERSION"),
        ] {
            let loads_by = |name: &str| runtime.variables().name(name.as_bytes());
            assert!(loads.split(' ').all(loads_by), "{runtime:?}");
            assert!(!harmless.split(' ').any(loads_by), "{runtime:?}");
        }
    }

    #[test]
    fn libraries_of_every_program_load_too() {
        let every = |name: &&str| into_every_program(name.as_bytes());
        let loads = [
            "LD_AUDIT",
            "KRB5_CONFIG",
            "GSS_MECH_CONFIG",
            "SASL_PATH",
            "OPENSSL_MODULES",
            "P11_KIT_X",
        ];
        assert!(loads.iter().all(every));
        assert!(
            !["LD_BIND_NOW", "KRB5CCNAME", "PATH", "SSL_CERT_FILE", "PYTHONPATH"].iter().any(every)
        );
    }
}
