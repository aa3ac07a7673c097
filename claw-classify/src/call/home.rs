//! Where a program looks for the start-up files of the user who runs it.
//!
//! The caller can set HOME. Some programs look in the account's home as well, or instead. That home
//! is in the user database, of which only `/etc/passwd` is read (passwd(5)).

use crate::call::Call;
use crate::call::files::{Files, NotRead};

/// Why a home is not known.
pub(crate) const UNREAD: &str = "`/etc/passwd`, where the account's home stands, is not read";

/// The home of the account that the program runs as; nothing where `/etc/passwd` has none, or the call is only
/// written down.
///
/// # Errors
/// [`UNREAD`].
pub(crate) fn of_account(call: &Call<'_>, files: &dyn Files) -> Result<Option<Vec<u8>>, NotRead> {
    let Some(uid) = call.uid.map(|uid| uid.to_string()) else { return Ok(None) };
    let accounts = files.file(b"/etc/passwd").sought()?.unwrap_or_default();
    Ok(accounts.split(|&byte| byte == b'\n').find_map(|line| {
        let mut fields = line.split(|&byte| byte == b':').skip(2);
        let found = fields.next() == Some(uid.as_bytes());
        let home = fields.nth(2).filter(|home| !home.is_empty());
        home.filter(|_| found).map(<[u8]>::to_vec)
    }))
}

/// HOME, or the account's home if HOME is not set. A written call uses `~` for a home of which it
/// says nothing else.
///
/// # Errors
/// [`UNREAD`].
pub(crate) fn of_caller(call: &Call<'_>, files: &dyn Files) -> Result<Option<Vec<u8>>, NotRead> {
    match (call.var("HOME").filter(|home| !home.is_empty()), call.uid) {
        (Some(home), _) => Ok(Some(home.to_vec())),
        (None, Some(_)) => of_account(call, files),
        (None, None) => Ok(Some(b"~".to_vec())),
    }
}

/// Both, HOME first.
///
/// # Errors
/// [`UNREAD`].
pub(crate) fn all(call: &Call<'_>, files: &dyn Files) -> Result<Vec<Vec<u8>>, NotRead> {
    let mut homes: Vec<Vec<u8>> = of_caller(call, files)?.into_iter().collect();
    homes.extend(of_account(call, files)?.filter(|home| !homes.contains(home)));
    Ok(homes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::files::{NoFiles, One, Unreadable};

    const ACCOUNTS: One = One(
        b"/etc/passwd",
        b"root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me,,,:/home/me:/bin/sh\nno:x:7:7:::\n",
    );

    #[test]
    fn the_accounts_home_counts_besides_home() {
        let call = Call { uid: Some(1000), env: &[b"HOME=/nowhere"], ..Call::default() };
        assert_eq!(all(&call, &ACCOUNTS), Ok(vec![b"/nowhere".to_vec(), b"/home/me".to_vec()]));
        assert_eq!(of_caller(&call, &ACCOUNTS), Ok(Some(b"/nowhere".to_vec())));
        assert_eq!(all(&call, &NoFiles), Ok(vec![b"/nowhere".to_vec()]));
        assert_eq!(all(&call, &Unreadable), Err(NotRead));
        for env in [&[][..], &[&b"HOME="[..]]] {
            let call = Call { uid: Some(0), env, ..Call::default() };
            assert_eq!(all(&call, &ACCOUNTS), Ok(vec![b"/root".to_vec()]));
        }
        for uid in [None, Some(7), Some(10)] {
            assert_eq!(of_account(&Call { uid, ..Call::default() }, &ACCOUNTS), Ok(None));
        }
    }
}
