//! Where psql connects, and the settings that come with the connection.

use claw_policy::Action;

use super::plan::Step;
use super::{DOMAIN, conninfo, fact};
use crate::call::{Call, excerpt, text};
use crate::language::sql;

pub(super) struct Target {
    pub(super) connection: sql::Connection,
    pub(super) steps: Vec<Step>,
    /// What gives the server its options in place of PGOPTIONS.
    pub(super) options_from: Option<&'static str>,
}

/// Where psql connects, and the settings that come with it.
pub(super) fn connection(
    call: &Call<'_>,
    dbname: Option<&[u8]>,
    host: Option<&[u8]>,
    port: Option<&[u8]>,
    user: Option<&[u8]>,
    session: &mut sql::Session,
) -> Target {
    let mut steps = Vec::new();
    // libpq takes an empty word as if there were none.
    let own = |bytes: Option<&[u8]>| {
        bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| text(bytes).into_owned())
    };
    let mut connection = sql::Connection {
        host: own(host),
        port: own(port),
        user: own(user),
        ..sql::Connection::default()
    };
    let mut address = None;
    let mut options_from = None;
    let mut service = call.var("PGSERVICE").is_some();
    match own(dbname) {
        Some(name) if conninfo::is_connection_string(&name) => match conninfo::parse(&name) {
            Ok(parameters) => {
                for (keyword, value) in parameters {
                    service |= keyword == "service";
                    if keyword == "options" {
                        options_from = Some("the connection string");
                    }
                    if keyword == "hostaddr" {
                        address = Some(value);
                    } else {
                        steps.extend(keyword_steps(
                            call,
                            &keyword,
                            value,
                            &mut connection,
                            session,
                        ));
                    }
                }
            }
            Err(reason) => {
                steps.push(Action::opaque(&DOMAIN, excerpt(&name), &*reason).into());
                session.unreadable.get_or_insert(reason);
                options_from = Some("a connection string that is not read");
            }
        },
        Some(name) => connection.database = Some(name),
        None => {}
    }
    // A service comes before the environment, and can name the address behind any host.
    if service {
        connection.elsewhere = Some("the service file says it");
        options_from = options_from.or(Some("the service file"));
        connection.host = None;
    } else {
        let env = |own_word: Option<String>, name: &str| own_word.or_else(|| own(call.var(name)));
        connection.host = env(connection.host, "PGHOST");
        connection.port = env(connection.port, "PGPORT");
        connection.user = env(connection.user, "PGUSER");
        connection.database = env(connection.database, "PGDATABASE");
        address = env(address, "PGHOSTADDR");
    }
    // For a keyword without a value libpq takes its own default, whatever the environment says.
    let filled = |word: Option<String>| word.filter(|word| !word.is_empty());
    // libpq connects to the address; the host only names it.
    connection.host = filled(address).or(filled(connection.host));
    connection.port = filled(connection.port);
    connection.user = filled(connection.user);
    connection.database = filled(connection.database);
    if connection.host.as_ref().is_some_and(|host| host.contains(',')) {
        connection.elsewhere = Some("several hosts are named, and one that answers is taken");
        (connection.host, connection.port) = (None, None);
    }
    Target { connection, steps, options_from }
}

/// Keywords that choose how to reach and authenticate the server, and that no statement would
/// notice.
const PLAIN: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "password",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "target_session_attrs",
    "tcp_user_timeout",
];

fn keyword_steps(
    call: &Call<'_>,
    keyword: &str,
    value: String,
    connection: &mut sql::Connection,
    session: &mut sql::Session,
) -> Vec<Step> {
    match keyword {
        "host" => connection.host = Some(value),
        "port" => connection.port = Some(value),
        "user" => connection.user = Some(value),
        "dbname" => connection.database = Some(value),
        "options" => return settings(&value, "connection", session),
        "client_encoding" => return vec![encoding(&value, session).into()],
        "service" | "servicefile" => {
            return vec![
                fact("connection", keyword, "connect", format!("{keyword}={value}")).into(),
            ];
        }
        "replication" => {
            let reason = "a replication connection takes commands that are not SQL";
            session.unreadable.get_or_insert_with(|| reason.to_owned());
        }
        "sslkeylogfile" => {
            call.writes(&value);
            return vec![fact("connection", keyword, "file_write", excerpt(&value)).into()];
        }
        // `engine:key` loads an engine into psql.
        "sslkey" if value.contains(':') => {
            return vec![fact("connection", keyword, "program", excerpt(&value)).into()];
        }
        "sslkey" => {}
        _ if PLAIN.contains(&keyword) => {}
        _ => {
            let reason = format!("the connection keyword `{keyword}` is not known");
            return vec![Action::opaque(&DOMAIN, excerpt(keyword), reason).into()];
        }
    }
    Vec::new()
}

/// The settings of `options=` or `PGOPTIONS`, one action each.
pub(super) fn settings(options: &str, source: &str, session: &mut sql::Session) -> Vec<Step> {
    let read = conninfo::settings(options);
    read.into_iter()
        .map(|setting| match setting {
            Ok((name, value)) if name == "client_encoding" => encoding(&value, session).into(),
            Ok((name, value)) => {
                session.note(&name, &value);
                sql::setting(&name, Some(&value), format!("{source} options: {name}={value}"))
                    .into()
            }
            Err(word) => {
                let reason = format!("`{word}` among the server options is not a setting");
                session.unreadable.get_or_insert_with(|| reason.clone());
                Action::opaque(&sql::DOMAIN, excerpt(&word), reason).into()
            }
        })
        .collect()
}

/// The client encoding, which decides where a text splits.
pub(super) fn encoding(value: &str, session: &mut sql::Session) -> Action {
    session.note("client_encoding", value);
    sql::setting("client_encoding", Some(value), format!("client_encoding={value}"))
}
