use super::hash::{Parameters, PasswordHash};
use crate::error::AuthError;

/// A store of users and the hashes of their passwords.
pub trait PasswordStore<I>: Send + Sync {
    /// Finds the user with exactly this id. Returns `None` if there is none.
    ///
    /// The caller isn't authenticated yet. Look the user up by the id alone, and take as long for an unknown
    /// user as for a known one.
    ///
    /// # Errors
    /// Return [`AuthError::unavailable`] if the store can't be reached. Any error rejects the call.
    fn find(
        &self,
        user_id: &str,
    ) -> impl Future<Output = Result<Option<StoredPassword<I>>, AuthError>> + Send;

    /// The parameters of the hashes in this store, with which the password of an unknown user is hashed.
    ///
    /// If the parameters differ, return the most expensive ones. A user with a cheaper hash is then rejected
    /// faster than an unknown user, which shows that the user exists, until the password is hashed again.
    fn parameters(&self) -> Parameters;
}

/// A user in a [`PasswordStore`].
#[derive(Clone, Debug)]
pub struct StoredPassword<I> {
    /// The hash of the password.
    pub hash: PasswordHash,
    /// The user's identity.
    pub identity: I,
}
