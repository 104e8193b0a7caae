//! Users in memory, from code or from a file.

use std::{
    collections::{HashMap, hash_map::Entry},
    error::Error,
    fmt,
    future::ready,
    path::PathBuf,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    hash::Parameters,
    hash_error::HashError,
    store::{PasswordStore, StoredPassword},
};
use crate::{
    error::AuthError,
    verifiers::shared::{
        json_error,
        reloading_file::{FileError, ReloadingFile},
    },
};

/// Users in memory, the default store of [`Passwords`](super::Passwords).
pub struct UserTable<I>(ReloadingFile<Users<I>>);

struct Users<I> {
    users: HashMap<Box<str>, StoredPassword<I>>,
    /// The parameters of the most expensive hash.
    parameters: Parameters,
}

impl<I: Clone + Send + Sync + 'static> UserTable<I> {
    pub(super) fn new(
        users: impl IntoIterator<Item = (Box<str>, StoredPassword<I>)>,
    ) -> Result<Self, UserTableError> {
        let users = users.into_iter().map(|(user_id, stored)| (user_id, Ok(stored)));
        collect(users).map(|users| UserTable(ReloadingFile::fixed(users)))
    }

    pub(super) fn from_file(path: PathBuf) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        ReloadingFile::open(path, parse).map(UserTable)
    }
}

impl<I: Clone + Send + Sync + 'static> PasswordStore<I> for UserTable<I> {
    fn find(
        &self,
        user_id: &str,
    ) -> impl Future<Output = Result<Option<StoredPassword<I>>, AuthError>> + Send {
        ready(Ok(self.0.load().users.get(user_id).cloned()))
    }

    fn parameters(&self) -> Parameters {
        self.0.load().parameters.clone()
    }
}

impl<I> fmt::Debug for UserTable<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserTable")
    }
}

fn collect<I>(
    entries: impl IntoIterator<Item = (Box<str>, Result<StoredPassword<I>, HashError>)>,
) -> Result<Users<I>, UserTableError> {
    let mut users = HashMap::new();
    for (at, (user_id, stored)) in entries.into_iter().enumerate() {
        // A caller can't present such a user id (RFC 7617, section 2). It is checked before the other errors,
        // which print it.
        if user_id.contains(|c: char| c == ':' || c.is_control()) {
            return Err(UserTableError::InvalidUserId(at));
        }
        match (users.entry(user_id), stored) {
            (Entry::Occupied(taken), _) => {
                return Err(UserTableError::DuplicateUserId(taken.key().clone()));
            }
            (Entry::Vacant(free), Ok(stored)) => free.insert(stored),
            (Entry::Vacant(free), Err(error)) => {
                return Err(UserTableError::InvalidHash(free.into_key(), error));
            }
        };
    }
    let each = || users.values().map(|stored: &StoredPassword<I>| stored.hash.parameters());
    let most_expensive =
        each().max_by_key(|parameters| parameters.filled_kib()).cloned().unwrap_or_default();
    if each().any(|parameters| *parameters != most_expensive) {
        tracing::warn!(
            target: "tonic_guard",
            "the password hashes have differing parameters: a user with cheaper ones is rejected faster than \
             an unknown user, which shows that the user exists",
        );
    }
    Ok(Users { users, parameters: most_expensive })
}

// An unknown field is most likely a misspelt one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry<I> {
    user: Box<str>,
    hash: String,
    identity: I,
}

fn parse<I: DeserializeOwned>(content: &[u8]) -> Result<Users<I>, Box<dyn Error + Send + Sync>> {
    let entries: Vec<UserEntry<I>> =
        serde_json::from_slice(content).map_err(|error| json_error::redacted(&error))?;
    let read = |UserEntry { user, hash, identity }| {
        (user, hash.parse().map(|hash| StoredPassword { hash, identity }))
    };
    Ok(collect(entries.into_iter().map(read))?)
}

/// Why a set of users can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserTableError {
    /// The user id at this index has a colon or a control character, so that no caller can present it.
    ///
    /// The error doesn't contain the id, because the text after the colon may be the password.
    InvalidUserId(usize),
    /// Two users have this id.
    DuplicateUserId(Box<str>),
    /// The hash of this user can't be used.
    InvalidHash(Box<str>, HashError),
}

impl fmt::Display for UserTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserTableError::InvalidUserId(at) => {
                write!(f, "the id of the user at index {at} has a colon or a control character")
            }
            UserTableError::DuplicateUserId(user_id) => {
                write!(f, "two users have the id {user_id:?}")
            }
            UserTableError::InvalidHash(user_id, error) => {
                write!(f, "the password hash of the user {user_id:?}: {error}")
            }
        }
    }
}

impl Error for UserTableError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn phc(memory: u32, passes: u32) -> String {
        Parameters::new(memory, passes, 1).unwrap().hash("pa:ss").unwrap().phc().to_owned()
    }

    fn read(text: &str) -> Result<Users<String>, String> {
        parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    fn user(user_id: &str, hash: &str) -> String {
        format!(r#"{{"user": "{user_id}", "hash": "{hash}", "identity": "{user_id}"}}"#)
    }

    #[test]
    fn parameters_are_those_of_the_most_expensive_hash() {
        let parameters = |hashes: &[String]| {
            let users: Vec<_> =
                hashes.iter().enumerate().map(|(at, hash)| user(&at.to_string(), hash)).collect();
            read(&format!("[{}]", users.join(","))).unwrap().parameters
        };
        assert_eq!(
            parameters(&[phc(16, 3), phc(32, 2), phc(8, 4)]),
            Parameters::new(32, 2, 1).unwrap()
        );
        assert_eq!(parameters(&[phc(16, 3)]), Parameters::new(16, 3, 1).unwrap());
        assert_eq!(parameters(&[]), Parameters::default());
    }

    #[test]
    fn invalid_file_is_rejected_and_not_quoted() {
        let good = phc(8, 1);
        let secret = good.rsplit('$').next().unwrap();
        for (text, why) in [
            (String::new(), "ends too early"),
            ("[1]".into(), "field"),
            (format!("[{}] x", user("ada", &good)), "isn't JSON"),
            (format!(r#"[{{"user": "ada", "hash": "{good}"}}]"#), "field"),
            (format!(r#"[{{"user": "ada", "hash": ["{good}"], "identity": "a"}}]"#), "field"),
            (format!("[{}]", user("ada", &good).replace("hash", "hsah")), "field"),
            (format!("[{0}, {0}]", user("ada", &good)), r#"two users have the id "ada""#),
            (format!("[{}]", user(&format!("ada:{secret}"), &good)), "the user at index 0"),
            (format!("[{}]", user(&format!("ada:{secret}"), secret)), "a colon"),
            (format!("[{}, {}]", user("ada", &good), user("a\\nda", &good)), "the user at index 1"),
            (format!("[{}]", user("ada", secret)), r#"of the user "ada": not a PHC"#),
            (format!("[{}]", user("ada", &good.replace("m=8", "m=8000000"))), "2 GiB"),
        ] {
            let error = read(&text).map(|_| ()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains(secret), "{error}");
        }
        assert_eq!(read(&format!("[{}]", user("ada", &good))).unwrap().users.len(), 1);
    }
}
