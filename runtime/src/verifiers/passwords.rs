//! Passwords under HTTP's Basic scheme, against hashes by Argon2.
//!
//! ```
//! use tonic::Code;
//! use tonic_guard::passwords::{Parameters, Passwords};
//! # use tonic::{Request, Response, Status};
//! # use tonic_guard::{Authenticate, authenticated};
//!
//! #[derive(Clone)]
//! struct User {
//!     name: String,
//! }
//! # #[tonic::async_trait]
//! # trait Orders {
//! #     async fn list(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//!
//! #[derive(Authenticate)]
//! struct MyOrders {
//!     #[verifies("basic")]
//!     users: Passwords<User>,
//! }
//!
//! #[authenticated(scheme = "basic")]
//! #[tonic::async_trait]
//! impl Orders for MyOrders {
//!     async fn list(
//!         &self,
//!         _: Request<()>,
//!         #[identity] user: User,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("orders of {}", user.name)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hash = Parameters::default().hash("open sesame")?;
//! let ada = User { name: "Ada".into() };
//! let orders = MyOrders { users: Passwords::new([("ada", hash, ada)])? };
//!
//! // Let in: `ada:open sesame`.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Basic YWRhOm9wZW4gc2VzYW1l".parse()?);
//! assert_eq!(orders.list(request).await?.into_inner(), "orders of Ada");
//!
//! // Refused: `ada:open barley`.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Basic YWRhOm9wZW4gYmFybGV5".parse()?);
//! assert_eq!(orders.list(request).await.unwrap_err().code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! The page [Passwords](crate::manual::passwords) says what they cost and how to bound it.

mod hash;
mod table;
mod turns;
mod verified;

use std::{
    fmt, marker::PhantomData, path::Path, sync::Arc, thread::available_parallelism, time::Duration,
};

use serde::de::DeserializeOwned;

pub use self::{
    hash::{HashError, Parameters, PasswordHash},
    table::{UserError, UserTable},
};
use self::{
    turns::{Full, Stopped, Turns},
    verified::Verified,
};
pub use crate::verifiers::shared::reloading_file::FileError;
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{Basic, BasicCredentials},
};

/// How many calls may wait for a turn, unless it is set.
const WAITING: usize = 128;

/// How long a right password is remembered, unless it is set.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// Checks passwords, and knows who each user is.
///
/// Argon2 takes tens of milliseconds and tens of megabytes by intent, so it is done
/// - on threads that may block, never on those that drive calls,
/// - by few at once, [`max_concurrent`](Passwords::max_concurrent). The work itself holds its turn: a caller who resets a
///   call in which it has begun frees nothing, and one who resets a call that waits gives its place back,
/// - after a wait in a bounded queue, [`max_queued`](Passwords::max_queued). When that is full a call is refused as
///   UNAVAILABLE,
/// - once for a right password: it is remembered for a while, [`cache_ttl`](Passwords::cache_ttl), and
///   needs no turn until then.
///
/// A user who doesn't exist waits in the same queue and is checked against a hash with the same parameters, so
/// that neither the answer nor its time tells who exists.
///
/// `I` is cloned for each call. Where that is dear, let it be an `Arc`: scopes and roles pass through.
pub struct Passwords<I, S = UserTable<I>> {
    store: S,
    max_concurrent: usize,
    max_queued: usize,
    turns: Turns,
    verified: Arc<Verified>,
    identity: PhantomData<fn() -> I>,
}

impl<I: Clone + Send + Sync + 'static> Passwords<I> {
    /// Users that the program itself brings: the user id, the password's hash, and who that is.
    ///
    /// # Errors
    /// When a user id has a colon or a control character, or two users have one.
    pub fn new<U: Into<Box<str>>>(
        users: impl IntoIterator<Item = (U, PasswordHash, I)>,
    ) -> Result<Self, UserError> {
        let users = users
            .into_iter()
            .map(|(user_id, hash, identity)| (user_id.into(), StoredPassword { hash, identity }));
        UserTable::new(users).map(Passwords::from_store)
    }

    /// Users in a JSON file, which may be replaced while the server runs.
    ///
    /// ```json
    /// [
    ///   {
    ///     "user": "ada",
    ///     "hash": "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$PAWILv..",
    ///     "identity": { "name": "Ada" }
    ///   }
    /// ]
    /// ```
    ///
    /// `identity` is whatever `I` is read from. Replace the file as a whole: write another beside it and
    /// rename that. A thread reads it once a second, so a user who was taken out is refused a second later. A
    /// file that can't be read, or isn't as above, changes nothing: the users that held before still hold, and an
    /// event at the level ERROR says why.
    ///
    /// # Errors
    /// When the file can't be read, has more than 64 MiB, isn't as above, or has a hash that isn't by Argon2 or
    /// whose parameters are beyond those of [`Parameters::new`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        UserTable::from_file(path.as_ref().to_owned()).map(Passwords::from_store)
    }
}

impl<I: Send + Sync + 'static, S: PasswordStore<I>> Passwords<I, S> {
    /// Users in a store of your own, such as a database.
    pub fn from_store(store: S) -> Self {
        // Half of the cores: the other half drives calls, and a flood of passwords must not stop those.
        let max_concurrent = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        Passwords {
            store,
            max_concurrent,
            max_queued: WAITING,
            turns: Turns::new(max_concurrent, WAITING),
            verified: Arc::new(Verified::new(REMEMBERED)),
            identity: PhantomData,
        }
    }

    /// How many passwords are checked at once: by default half as many as there are cores. At least one
    /// is.
    ///
    /// Each takes a core, and as much memory as its hash says.
    pub fn max_concurrent(self, max_concurrent: usize) -> Self {
        let max_concurrent = max_concurrent.max(1);
        Passwords { max_concurrent, turns: Turns::new(max_concurrent, self.max_queued), ..self }
    }

    /// How many calls may wait to be checked: 128 by default. More are refused as UNAVAILABLE.
    ///
    /// A call waits no longer than its deadline of five seconds, so a queue that takes longer to work off
    /// than that helps nobody.
    pub fn max_queued(self, max_queued: usize) -> Self {
        Passwords { max_queued, turns: Turns::new(self.max_concurrent, max_queued), ..self }
    }

    /// How long a right password is remembered: five minutes by default. Zero remembers none.
    ///
    /// What is kept is a digest of user, password and stored hash, under a key that this process drew.
    /// A user who is taken out, or whose hash is changed, isn't remembered any more.
    pub fn cache_ttl(self, ttl: Duration) -> Self {
        Passwords { verified: Arc::new(Verified::new(ttl)), ..self }
    }

    async fn check(&self, user_id: &str, password: &str) -> Result<I, AuthError> {
        let stored = self.store.find(user_id).await?;
        let (hash, identity) = match stored {
            Some(StoredPassword { hash, identity }) => (hash, Some(identity)),
            None => (PasswordHash::nobodys(self.store.parameters()), None),
        };
        let entry = self.verified.entry(user_id, password, &hash);
        let remembered = || identity.is_some() && self.verified.holds(entry.as_ref());
        let right = remembered() || {
            let turn = self.turns.next().await.map_err(|Full| {
                AuthError::unavailable().because("too many passwords wait to be checked")
            })?;
            // Another call of the same user may have been at work while this one waited.
            remembered() || {
                let (password, known) = (password.to_owned(), identity.is_some());
                let verified = Arc::clone(&self.verified);
                let checked = turn.run(move || {
                    let right = hash.verify(&password)?;
                    // Before the turn is given on, so that who has it next sees it.
                    if right && known {
                        verified.insert(entry);
                    }
                    Ok::<_, HashError>(right)
                });
                checked
                    .await
                    .map_err(|Stopped| AuthError::unavailable().because("the runtime has ended"))?
                    .map_err(|error| AuthError::unavailable().because(error))?
            }
        };
        match identity {
            Some(identity) if right => Ok(identity),
            Some(_) => Err(AuthError::invalid().because("the password is another")),
            None => Err(AuthError::invalid().because("there is no such user")),
        }
    }
}

impl<I: Send + Sync + 'static, S: PasswordStore<I>> Authenticate<Basic> for Passwords<I, S> {
    type Identity = I;

    async fn authenticate(&self, credentials: BasicCredentials) -> Result<I, AuthError> {
        self.check(credentials.user_id(), credentials.password()).await
    }
}

impl<I, S> fmt::Debug for Passwords<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .finish_non_exhaustive()
    }
}

/// Where users and the hashes of their passwords are kept.
pub trait PasswordStore<I>: Send + Sync {
    /// The user with this id, compared as it stands. `None` when there is none.
    ///
    /// Nothing is known of the caller yet. Ask by the id alone, and take as long for a user who isn't
    /// there.
    ///
    /// # Errors
    /// [`AuthError::unavailable`] when the store can't tell now. Another one refuses the call too.
    fn find(
        &self,
        user_id: &str,
    ) -> impl Future<Output = Result<Option<StoredPassword<I>>, AuthError>> + Send;

    /// The parameters of the hashes in this store. A user who doesn't exist is checked with these.
    ///
    /// Where they differ, the dearest: a user whose hash is cheaper is then told from one who doesn't exist
    /// by the time that the answer takes, until it is hashed anew.
    fn parameters(&self) -> Parameters;
}

/// A user as the store knows it.
#[derive(Clone, Debug)]
pub struct StoredPassword<I> {
    /// The hash of the password.
    pub hash: PasswordHash,
    /// Who the user is.
    pub identity: I,
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;

    /// How many have their turn, and how many more may wait for one.
    async fn room(users: Passwords<()>) -> (usize, usize) {
        let (mut turns, mut waiting) = (Vec::new(), Vec::new());
        loop {
            let mut next = Box::pin(users.turns.next());
            match poll_fn(|context| Poll::Ready(pin!(&mut next).poll(context))).await {
                Poll::Ready(Ok(turn)) => turns.push(turn),
                Poll::Ready(Err(Full)) => return (turns.len(), waiting.len()),
                Poll::Pending => waiting.push(next),
            }
        }
    }

    #[tokio::test]
    async fn each_bound_holds_whichever_is_set_last() {
        let users =
            || Passwords::new([("ada", PasswordHash::nobodys(Parameters::default()), ())]).unwrap();
        let cores = available_parallelism().unwrap().get();
        for (users, expected) in [
            (users(), (cores.div_ceil(2), WAITING)),
            (users().max_concurrent(3).max_queued(5), (3, 5)),
            (users().max_queued(5).max_concurrent(3), (3, 5)),
            (users().max_concurrent(0).max_queued(0), (1, 0)),
        ] {
            assert_eq!(room(users).await, expected);
        }
    }
}
