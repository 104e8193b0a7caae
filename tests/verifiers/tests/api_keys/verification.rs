//! The keys that are admitted, and the rejections of others.

use std::time::{Duration, SystemTime};

use tonic_guard::{
    AuthError,
    api_keys::{ApiKeys, KeyHash, KeyRecord, KeyStore, StoredKey},
};
use tonic_guard_verifier_tests::Serving;

use crate::{Partner, SECRET, call, close, forge, new_key, rejected, serve};

#[tokio::test]
async fn key_admits_its_identity() {
    let ((acme, acmes), (globex, globexs)) = (new_key(), new_key());
    let closer = Partner { name: "acme".into(), scopes: vec!["accounts:close".into()] };
    let keys = || {
        let globex = Partner::new("globex");
        ApiKeys::new([(closer.clone(), vec![acmes.clone()]), (globex, vec![globexs.clone()])])
            .unwrap()
    };
    let serving = serve(keys()).await;
    assert_eq!(call(&serving, &acme).await.unwrap(), "acme");
    assert_eq!(call(&serving, &globex).await.unwrap(), "globex");
    assert_eq!(close(&serving, &acme).await.unwrap(), "acme");
    let lacks = "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT";
    assert_eq!(close(&serving, &globex).await.unwrap_err(), lacks);

    // The same keys as bearer tokens.
    let serving = Serving::bearers(keys()).await;
    assert_eq!(serving.bearer(&acme).await.unwrap(), "acme");
    assert_eq!(serving.close(&acme).await.unwrap(), "acme");
    assert_eq!(serving.close(&globex).await.unwrap_err(), lacks);
}

#[tokio::test]
async fn unknown_key_is_invalid_whichever_part_is_wrong() {
    let (good, record) = new_key();
    let (_, others) = new_key();
    let id = record.id.clone();
    let secret = &good[good.len() - 49..good.len() - 6];
    let acme = (Partner::new("acme"), vec![record.clone(), others.clone()]);
    let serving = serve(ApiKeys::new([acme.clone()]).unwrap()).await;
    assert_eq!(forge("acme_live", &id, secret), good);
    for (bad, why) in [
        (new_key().0, "an unknown id"),
        (forge("acme_live", "000000000000", SECRET), "an unknown id"),
        (forge("acme_live", &id, SECRET), "another secret"),
        (forge("acme_live", &id, &new_key().0[23..66]), "another secret"),
        (forge("acme_live", &others.id, secret), "another key's secret"),
        (forge("acme_test", &id, secret), "another prefix"),
        (forge("acme_live", &id, &secret.to_ascii_lowercase()), "the secret in lower case"),
    ] {
        assert_eq!(call(&serving, &bad).await, rejected("API_KEY_INVALID"), "{why}");
    }
    assert_eq!(call(&serving, &good).await.unwrap(), "acme");

    let serving = Serving::bearers(ApiKeys::new([acme]).unwrap()).await;
    let bad = forge("acme_live", &id, SECRET);
    assert_eq!(serving.bearer(&bad).await, rejected("API_KEY_INVALID"));
    assert_eq!(serving.bearer(&good).await.unwrap(), "acme");
}

/// A store that knows every id, with one hash for all.
struct Everything(KeyHash);

impl KeyStore<Partner> for Everything {
    async fn find(&self, _: &str) -> Result<Option<StoredKey<Partner>>, AuthError> {
        Ok(Some(StoredKey { hash: self.0, expires: None, identity: Partner::new("anyone") }))
    }
}

#[tokio::test]
async fn malformed_key_is_rejected_even_with_the_right_hash() {
    let good = forge("acme", "4mTq0ZbW9xKc", SECRET);
    let last = good.len() - 1;
    let changed = |at: usize, to: &str| format!("{}{to}{}", &good[..at], &good[at + 1..]);
    let other = if good.ends_with('0') { "1" } else { "0" };
    for bad in [
        "x",
        "_",
        "__",
        "not-a-key",
        &KeyHash::of(&good).to_string(),
        &good[..last],
        &good[1..],
        &good[5..],
        &format!("{good}0"),
        &format!("0{good}"),
        &format!("{good}="),
        &changed(last, other),
        &changed(last - 6, "-"),
        &changed(5, "-"),
        &good.replace('_', "-"),
        &good.to_ascii_uppercase(),
        &forge("Acme", "4mTq0ZbW9xKc", SECRET),
        &forge("", "4mTq0ZbW9xKc", SECRET),
        &forge("acme", "4mTq0ZbW9xK", SECRET),
        &forge("acme", "4mTq0ZbW9xKc0", SECRET),
        &forge("acme", "4mTq0ZbW9xK.", SECRET),
        &forge("acme", "4mTq0ZbW9xKc", &SECRET[1..]),
        &forge("acme", "4mTq0ZbW9xKc", &format!("{SECRET}0")),
    ] {
        // The hash is right, but the text isn't a key.
        let serving = serve(ApiKeys::from_store(Everything(KeyHash::of(bad)))).await;
        assert_eq!(call(&serving, bad).await, rejected("CREDENTIALS_MALFORMED"), "{bad}");
    }
    let serving = serve(ApiKeys::from_store(Everything(KeyHash::of(&good)))).await;
    assert_eq!(call(&serving, &good).await.unwrap(), "anyone");
}

#[tokio::test]
async fn expiry_is_reported_only_to_callers_with_the_secret() {
    let at = |record: &KeyRecord, expires| KeyRecord { expires: Some(expires), ..record.clone() };
    let now = SystemTime::now();
    let ((old, record), (new, later)) = (new_key(), new_key());
    let records = vec![at(&record, now), at(&later, now + Duration::from_secs(3600))];
    let serving = serve(ApiKeys::new([(Partner::new("acme"), records)]).unwrap()).await;
    assert_eq!(call(&serving, &old).await, rejected("ACCESS_TOKEN_EXPIRED"));
    assert_eq!(call(&serving, &new).await.unwrap(), "acme");
    let guessed = forge("acme_live", &record.id, SECRET);
    assert_eq!(call(&serving, &guessed).await, rejected("API_KEY_INVALID"));
    let long_ago = at(&record, SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    let serving = serve(ApiKeys::new([(Partner::new("acme"), vec![long_ago])]).unwrap()).await;
    assert_eq!(call(&serving, &old).await, rejected("ACCESS_TOKEN_EXPIRED"));
}

#[tokio::test]
async fn empty_set_rejects_every_key() {
    let serving = serve(ApiKeys::<Partner>::new([]).unwrap()).await;
    assert_eq!(call(&serving, &new_key().0).await, rejected("API_KEY_INVALID"));
}
