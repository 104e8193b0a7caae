//! Users in memory: from code, or from a file.

use std::{
    collections::{HashMap, hash_map::Entry},
    error::Error,
    fmt,
    future::ready,
    path::PathBuf,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{HashError, Parameters, PasswordStore, StoredPassword};
use crate::{
    error::AuthError,
    verifiers::shared::reloading_file::{FileError, Watched, json_error},
};

/// Users in memory. What [`Passwords`](super::Passwords) asks unless you name a store of your own.
pub struct UserTable<I>(Watched<Users<I>>);

struct Users<I> {
    users: HashMap<Box<str>, StoredPassword<I>>,
    /// Those of the dearest hash.
    parameters: Parameters,
}

impl<I: Clone + Send + Sync + 'static> UserTable<I> {
    pub(super) fn new(
        users: impl IntoIterator<Item = (Box<str>, StoredPassword<I>)>,
    ) -> Result<Self, UserError> {
        let users = users.into_iter().map(|(user_id, stored)| (user_id, Ok(stored)));
        collect(users).map(|users| UserTable(Watched::fixed(users)))
    }

    pub(super) fn from_file(path: PathBuf) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        Watched::file(path, parse).map(UserTable)
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
) -> Result<Users<I>, UserError> {
    let mut users = HashMap::new();
    for (at, (user_id, stored)) in entries.into_iter().enumerate() {
        // No such user id can be presented (RFC 7617, section 2). It comes before whatever names it.
        if user_id.contains(|c: char| c == ':' || c.is_control()) {
            return Err(UserError::UserId(at));
        }
        match (users.entry(user_id), stored) {
            (Entry::Occupied(taken), _) => return Err(UserError::Twice(taken.key().clone())),
            (Entry::Vacant(free), Ok(stored)) => free.insert(stored),
            (Entry::Vacant(free), Err(error)) => {
                return Err(UserError::Hash(free.into_key(), error));
            }
        };
    }
    let each = || users.values().map(|stored: &StoredPassword<I>| stored.hash.parameters());
    let dearest = each().max_by_key(|parameters| parameters.filled()).cloned().unwrap_or_default();
    if each().any(|parameters| *parameters != dearest) {
        tracing::warn!(
            target: "tonic_guard",
            "the users' password hashes have differing parameters: one with cheaper ones is answered sooner \
             than an unknown user, so it shows that there is such a user",
        );
    }
    Ok(Users { users, parameters: dearest })
}

// An unknown field is refused: it is a known one, misspelt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry<I> {
    user: Box<str>,
    hash: String,
    identity: I,
}

fn parse<I: DeserializeOwned>(content: &[u8]) -> Result<Users<I>, Box<dyn Error + Send + Sync>> {
    let entries: Vec<UserEntry<I>> =
        serde_json::from_slice(content).map_err(|error| json_error(&error))?;
    let read = |UserEntry { user, hash, identity }| {
        (user, hash.parse().map(|hash| StoredPassword { hash, identity }))
    };
    Ok(collect(entries.into_iter().map(read))?)
}

/// Why users can't be used together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserError {
    /// The user at this place, counted from 0, has a colon or a control character in the user id: nobody
    /// could present it. It isn't told, for what stands behind the colon may be the password.
    UserId(usize),
    /// Two users have this id.
    Twice(Box<str>),
    /// The hash of this user can't be used.
    Hash(Box<str>, HashError),
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserError::UserId(at) => {
                write!(
                    f,
                    "the user at {at}, counted from 0, has a colon or a control character in the id"
                )
            }
            UserError::Twice(user_id) => write!(f, "two users have the id {user_id:?}"),
            UserError::Hash(user_id, error) => {
                write!(f, "the password hash of the user {user_id:?}: {error}")
            }
        }
    }
}

impl Error for UserError {}

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
    fn an_unknown_user_costs_as_much_as_the_dearest_known_one() {
        let of = |hashes: &[String]| {
            let users: Vec<_> =
                hashes.iter().enumerate().map(|(at, hash)| user(&at.to_string(), hash)).collect();
            read(&format!("[{}]", users.join(","))).unwrap().parameters
        };
        assert_eq!(of(&[phc(16, 3), phc(32, 2), phc(8, 4)]), Parameters::new(32, 2, 1).unwrap());
        assert_eq!(of(&[phc(16, 3)]), Parameters::new(16, 3, 1).unwrap());
        assert_eq!(of(&[]), Parameters::default());
    }

    #[test]
    fn a_file_that_is_not_exact_is_refused_and_not_quoted() {
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
            (
                format!("[{}]", user(&format!("ada:{secret}"), &good)),
                "the user at 0, counted from 0",
            ),
            (format!("[{}]", user(&format!("ada:{secret}"), secret)), "a colon"),
            (format!("[{}, {}]", user("ada", &good), user("a\\nda", &good)), "the user at 1"),
            (format!("[{}]", user("ada", secret)), r#"of the user "ada": this isn't a PHC"#),
            (format!("[{}]", user("ada", &good.replace("m=8", "m=8000000"))), "2 GiB"),
        ] {
            let told = read(&text).map(|_| ()).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
            assert!(!told.contains(secret), "{told}");
        }
        assert_eq!(read(&format!("[{}]", user("ada", &good))).unwrap().users.len(), 1);
    }
}
