//! Where a program looks for the start-up files of whoever runs it.
//!
//! HOME is the caller's to set; some programs look in the account's home beside it, or without it. That one stands in
//! the user database, of which only `/etc/passwd` is read (passwd(5)).

use crate::call::Call;
use crate::call::files::{File, Files};

/// The home of the account that the program runs as, where it is known.
pub(crate) fn of_account(call: &Call<'_>, files: &dyn Files) -> Option<Vec<u8>> {
    let uid = call.uid?.to_string();
    let File::Content(accounts) = files.file(b"/etc/passwd") else { return None };
    accounts.split(|&byte| byte == b'\n').find_map(|line| {
        let mut fields = line.split(|&byte| byte == b':').skip(2);
        let found = fields.next() == Some(uid.as_bytes());
        let home = fields.nth(2).filter(|home| !home.is_empty());
        home.filter(|_| found).map(<[u8]>::to_vec)
    })
}

/// HOME, or the account's home where that is not set. A call that is written down says `~` for a home of which it
/// says nothing else.
pub(crate) fn of_caller(call: &Call<'_>, files: &dyn Files) -> Option<Vec<u8>> {
    match (call.var("HOME").filter(|home| !home.is_empty()), call.uid) {
        (Some(home), _) => Some(home.to_vec()),
        (None, Some(_)) => of_account(call, files),
        (None, None) => Some(b"~".to_vec()),
    }
}

/// Both, HOME first.
pub(crate) fn all(call: &Call<'_>, files: &dyn Files) -> Vec<Vec<u8>> {
    let mut homes: Vec<Vec<u8>> = of_caller(call, files).into_iter().collect();
    homes.extend(of_account(call, files).filter(|home| !homes.contains(home)));
    homes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::files::{NoFiles, One};

    const ACCOUNTS: One = One(
        b"/etc/passwd",
        b"root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me,,,:/home/me:/bin/sh\nno:x:7:7:::\n",
    );

    #[test]
    fn the_accounts_home_counts_beside_home() {
        let call = Call { uid: Some(1000), env: &[b"HOME=/nowhere"], ..Call::default() };
        assert_eq!(all(&call, &ACCOUNTS), [b"/nowhere".to_vec(), b"/home/me".to_vec()]);
        assert_eq!(of_caller(&call, &ACCOUNTS), Some(b"/nowhere".to_vec()));
        assert_eq!(all(&call, &NoFiles), [b"/nowhere".to_vec()]);
        for env in [&[][..], &[&b"HOME="[..]]] {
            let call = Call { uid: Some(0), env, ..Call::default() };
            assert_eq!(all(&call, &ACCOUNTS), [b"/root".to_vec()]);
        }
        for uid in [None, Some(7), Some(10)] {
            assert_eq!(of_account(&Call { uid, ..Call::default() }, &ACCOUNTS), None);
        }
    }
}
