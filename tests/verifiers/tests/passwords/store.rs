//! A custom password store.

use std::sync::{Arc, Mutex};

use tonic_guard::{
    AuthError,
    passwords::{Parameters, PasswordHash, PasswordStore, Passwords, StoredPassword},
};

use crate::{Cost, User, call, rejected, serve};

#[derive(Clone)]
struct Directory {
    ada: Arc<Mutex<Ada>>,
    parameters: Parameters,
}

#[derive(Clone)]
enum Ada {
    Has(PasswordHash, &'static str),
    Gone,
    Down,
    Panics,
}

impl Directory {
    fn now(&self, ada: Ada) {
        *self.ada.lock().unwrap() = ada;
    }
}

impl PasswordStore<User> for Directory {
    async fn find(&self, user_id: &str) -> Result<Option<StoredPassword<User>>, AuthError> {
        tokio::task::yield_now().await;
        let ada = self.ada.lock().unwrap().clone();
        match ada {
            Ada::Has(hash, name) if user_id == "ada" => {
                Ok(Some(StoredPassword { hash, identity: User(name.into()) }))
            }
            Ada::Has(..) | Ada::Gone => Ok(None),
            Ada::Down => Err(AuthError::unavailable().because("out of reach")),
            Ada::Panics => panic!("a store panics"),
        }
    }

    fn parameters(&self) -> Parameters {
        self.parameters.clone()
    }
}

#[tokio::test]
async fn current_store_content_overrides_the_cache() {
    let mut cost = Cost::new(96, 2);
    let (one, same, two) = (cost.hash("one"), cost.hash("one"), cost.hash("two"));
    let directory =
        Directory { ada: Arc::new(Mutex::new(Ada::Gone)), parameters: cost.parameters.clone() };
    let serving = serve(Passwords::from_store(directory.clone())).await;
    let invalid = || rejected("CREDENTIALS_INVALID");
    for (ada, password, expected, works) in [
        (Ada::Gone, "one", invalid(), 1),
        (Ada::Has(one.clone(), "ada"), "one", Ok("ada".into()), 1),
        (Ada::Has(one.clone(), "ada"), "one", Ok("ada".into()), 0),
        // The cache holds that the password was right, not the identity.
        (Ada::Has(one.clone(), "countess"), "one", Ok("countess".into()), 0),
        (Ada::Gone, "one", invalid(), 1),
        (Ada::Down, "one", Err("Unavailable AUTHENTICATOR_UNAVAILABLE".into()), 0),
        (Ada::Panics, "one", Err("Internal ".into()), 0),
        // Another hash is another entry, even of the same password.
        (Ada::Has(same, "ada"), "one", Ok("ada".into()), 1),
        (Ada::Has(two.clone(), "ada"), "one", invalid(), 1),
        (Ada::Has(two, "ada"), "two", Ok("ada".into()), 1),
        (Ada::Has(one, "ada"), "one", Ok("ada".into()), 0),
    ] {
        directory.now(ada);
        cost.begin();
        assert_eq!(call(&serving, "ada", password).await, expected);
        let work = cost.rest().await;
        assert_eq!(work.begun, works);
        if works > 0 {
            assert_eq!(work.parameters, "memory_kib=96 passes=2 lanes=1");
        }
    }
}
