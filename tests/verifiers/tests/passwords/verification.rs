//! The passwords that are admitted, and the cost of a check.

use base64::{Engine, engine::general_purpose::STANDARD};
use tonic_guard::passwords::Passwords;
use tonic_guard_suite_support::{Log, TempFile};

use crate::{Cost, User, basic, call, rejected, serve, with};

#[tokio::test]
async fn only_the_right_password_is_admitted() {
    let cost = Cost::new(8, 1);
    let of = |user: &str, password: &str| (user.to_owned(), cost.hash(password), User(user.into()));
    let users = [
        of("ada", "pa:ss"),
        of("eve", ""),
        of("bob", "p\u{e4}ss \u{1f511}"),
        of("", "nameless"),
        of("c\u{e9}line", "x"),
    ];
    let serving = serve(Passwords::new(users).unwrap().max_queued(1000)).await;
    let invalid = rejected("CREDENTIALS_INVALID");
    let malformed = rejected("CREDENTIALS_MALFORMED");
    let raw = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes));
    let cases = [
        (basic("ada", "pa:ss"), Ok("ada".into())),
        (basic("eve", ""), Ok("eve".into())),
        (basic("bob", "p\u{e4}ss \u{1f511}"), Ok("bob".into())),
        (basic("", "nameless"), Ok(String::new())),
        (basic("c\u{e9}line", "x"), Ok("c\u{e9}line".into())),
        (basic("ada", "pa:ss").replace("Basic", "bAsIc "), Ok("ada".into())),
        // Another password, or another user's.
        (basic("ada", "pa"), invalid.clone()),
        (basic("ada", ""), invalid.clone()),
        (basic("ada", "PA:SS"), invalid.clone()),
        (basic("ada", "pa:ss "), invalid.clone()),
        (basic("ada", "pa:ssx"), invalid.clone()),
        (basic("ada", "ss"), invalid.clone()),
        (basic("ada:pa", "ss"), Ok("ada".into())),
        (basic("eve", "pa:ss"), invalid.clone()),
        (basic("eve", " "), invalid.clone()),
        (basic("bob", "pass"), invalid.clone()),
        // The same letters in another normalisation: bytes are compared.
        (basic("bob", "pa\u{308}ss \u{1f511}"), invalid.clone()),
        (basic("ce\u{301}line", "x"), invalid.clone()),
        // Another user.
        (basic("Ada", "pa:ss"), invalid.clone()),
        (basic("ada ", "pa:ss"), invalid.clone()),
        (basic("mallory", "pa:ss"), invalid.clone()),
        (basic("", ""), invalid.clone()),
        (basic("", "pa:ss"), invalid.clone()),
        // The stored hash isn't a password.
        (basic("ada", cost.hash("pa:ss").phc()), invalid.clone()),
        // Not in the format of RFC 7617.
        (raw(b"ada"), malformed.clone()),
        (raw(b""), malformed.clone()),
        (raw(b"ada:pa:ss\n"), malformed.clone()),
        (raw(b"ada:pa:ss\0"), malformed.clone()),
        (raw(b"ada\0:pa:ss"), malformed.clone()),
        (raw(b"ada:pa:ss\x7f"), malformed.clone()),
        (raw(b"ada:p\xe4ss"), malformed.clone()),
        ("Basic ada:pa:ss".into(), malformed.clone()),
        ("Basic".into(), malformed.clone()),
        ("Basic YWRhOnBhOnNz=".into(), malformed.clone()),
        ("Basic YWRhOnBhOnN".into(), malformed),
        ("Bearer YWRhOnBhOnNz".into(), rejected("CREDENTIAL_TYPE_UNSUPPORTED")),
    ];
    for (header, expected) in cases {
        assert_eq!(with(&serving, &header).await, expected, "{header}");
    }
}

#[tokio::test]
async fn unknown_user_costs_as_much_as_a_known_one() {
    let mut cost = Cost::new(16, 3);
    let users = cost.ada();
    let serving = serve(users).await;
    let mut seen = Vec::new();
    for (user, password) in [("ada", "wrong"), ("mallory", "wrong"), ("mallory", "pa:ss")] {
        cost.begin();
        assert_eq!(call(&serving, user, password).await, rejected("CREDENTIALS_INVALID"));
        seen.push(cost.rest().await);
    }
    assert_eq!(seen[0].begun, 1);
    assert_eq!(seen[0].parameters, "memory_kib=16 passes=3 lanes=1");
    assert!(seen.iter().all(|work| *work == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn unknown_user_costs_as_much_as_the_most_expensive_hash() {
    let (cheap, mut expensive) = (Cost::new(24, 1), Cost::new(32, 2));
    let mark = Log::of_process().mark();
    let users = [
        ("ada", cheap.hash("pa:ss"), User("ada".into())),
        ("eve", expensive.hash("pa:ss"), User("eve".into())),
    ];
    let users = Passwords::new(users).unwrap();
    Log::of_process().wait_for_line(mark, &["WARN", "differing parameters"]).await;
    let serving = serve(users).await;
    expensive.begin();
    assert_eq!(call(&serving, "mallory", "pa:ss").await, rejected("CREDENTIALS_INVALID"));
    assert_eq!(expensive.rest().await.parameters, "memory_kib=32 passes=2 lanes=1");
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    assert_eq!(expensive.rest().await.begun, 1);
}

#[tokio::test]
async fn replaced_file_is_loaded() {
    let cost = Cost::new(40, 1);
    let (one, two) = (cost.hash("one"), cost.hash("two"));
    let entry = |user: &str, phc: &str| {
        format!(r#"{{"user": "{user}", "hash": "{phc}", "identity": "{user}"}}"#)
    };
    let both = format!("[{}, {}]", entry("ada", one.phc()), entry("eve", one.phc()));
    let file = TempFile::new("users.json", &both);
    let serving = serve(Passwords::<User>::from_file(file.path()).unwrap()).await;
    let path = file.path().to_str().unwrap();
    for user in ["ada", "eve"] {
        assert_eq!(call(&serving, user, "one").await.unwrap(), user);
    }
    let log = Log::of_process();
    let mark = log.mark();
    // One user has another password, the other is removed: cached passwords don't count.
    file.replace(&format!("[{}]", entry("ada", two.phc())));
    log.wait_for_line(mark, &["INFO", "is in use", path]).await;
    assert_eq!(call(&serving, "ada", "one").await, rejected("CREDENTIALS_INVALID"));
    assert_eq!(call(&serving, "ada", "two").await.unwrap(), "ada");
    assert_eq!(call(&serving, "eve", "one").await, rejected("CREDENTIALS_INVALID"));
    // A hash that would take all memory isn't loaded.
    let mark = log.mark();
    file.replace(&both.replace("m=40", "m=4000000000"));
    log.wait_for_line(
        mark,
        &["ERROR", "stay valid", path, r#"of the user "ada": Argon2's parameters"#],
    )
    .await;
    assert_eq!(call(&serving, "ada", "two").await.unwrap(), "ada");
    assert_eq!(call(&serving, "eve", "one").await, rejected("CREDENTIALS_INVALID"));
}

#[tokio::test]
async fn passwords_and_hashes_are_never_logged() {
    let mut cost = Cost::new(48, 1);
    let log = Log::of_process();
    let mark = log.mark();
    let hash = cost.hash("pa:ss-that-is-right");
    let secret = hash.phc().rsplit('$').next().unwrap().to_owned();
    let users = Passwords::new([("ada", hash, User("ada".into()))]).unwrap();
    cost.begin();
    assert!(!format!("{users:?}").contains(&secret));
    let serving = serve(users).await;
    assert_eq!(call(&serving, "ada", "pa:ss-that-is-right").await.unwrap(), "ada");
    _ = call(&serving, "ada", "pa:ss-that-is-wrong").await;
    _ = call(&serving, "my-password-by-mistake", "").await;
    log.wait_for_line(mark, &["rejected", "the password is wrong"]).await;
    log.wait_for_line(mark, &["rejected", "the user doesn't exist"]).await;
    for line in log.since(mark).lines() {
        for secret in ["pa:ss-that-is", "my-password-by-mistake", &secret] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
