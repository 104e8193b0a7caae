//! A stored text is either a checkable hash or an error, and a presented password is admitted
//! exactly if it is the right one.

use proptest::prelude::*;
use tonic_guard::{
    Authenticate, CallHead, Scheme,
    passwords::{Parameters, PasswordHash, Passwords},
    scheme::Basic,
};

use crate::{User, basic};

/// A PHC string, or a text that is close to one.
fn phc() -> impl Strategy<Value = String> {
    let number = prop_oneof![Just(String::new()), "[0-9]{1,11}", "-?0?[0-9]{1,3}"];
    let parameters = (number.clone(), number.clone(), number.clone())
        .prop_map(|(m, t, p)| format!("m={m},t={t},p={p}"));
    (
        "\\$?(argon2id|argon2i|argon2d|argon2|scrypt|)",
        "(\\$v=(19|16|18|))?",
        parameters,
        "\\$[A-Za-z0-9+/]{0,70}",
        "\\$[A-Za-z0-9+/=]{0,90}",
    )
        .prop_map(|(name, version, parameters, salt, hash)| {
            format!("{name}{version}${parameters}{salt}{hash}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsed_hash_is_complete_and_bounded(text in prop_oneof![phc(), ".{0,60}"]) {
        if let Ok(hash) = text.parse::<PasswordHash>() {
            prop_assert_eq!(hash.phc(), &*text);
            let parts: Vec<_> = text.split('$').collect();
            prop_assert_eq!(parts.len(), 6);
            let value = |name: &str| {
                let found = parts[3].split(',').find_map(|pair| pair.strip_prefix(name));
                found.unwrap().parse::<u64>().unwrap()
            };
            let (m, t, p) = (value("m="), value("t="), value("p="));
            prop_assert!(m * t <= 2 * 1024 * 1024 && p <= 64 && m >= 8 * p && t >= 1);
            prop_assert!(parts[5].len() >= 22);
        }
    }

    #[test]
    fn parameters_are_bounded(memory: u32, passes: u32, lanes: u32) {
        if Parameters::new(memory, passes, lanes).is_ok() {
            prop_assert!(u64::from(memory) * u64::from(passes) <= 2 * 1024 * 1024 && lanes <= 64);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_right_password_is_admitted(
        password in "[^\\p{Cc}]{0,12}",
        other in "[^\\p{Cc}]{0,12}",
        user in "[^:\\p{Cc}]{0,12}",
    ) {
        let hash = Parameters::new(104, 1, 1).unwrap().hash(&password).unwrap();
        let users = Passwords::new([(user.clone(), hash, User("ada".into()))]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for presented in [&password, &other] {
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", basic(&user, presented).parse().unwrap());
            let extensions = http::Extensions::new();
            let found = Basic::new().extract(&CallHead::new(&headers, &extensions)).unwrap();
            let answer = runtime.block_on(users.authenticate(found.credentials().unwrap()));
            prop_assert_eq!(answer.is_ok(), *presented == password);
        }
    }
}
