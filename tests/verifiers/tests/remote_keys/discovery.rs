//! Keys found through the issuer's discovery document.

use serde_json::{Value, json};

use super::*;

/// The discovery document of a well-behaved issuer, with these members changed.
fn discovery_document(publisher: &Publisher, changes: &Value) -> Reply {
    let mut document = json!({
        "issuer": publisher.issuer.identifier(),
        "jwks_uri": publisher.provider.url(JWKS),
        "token_endpoint": publisher.provider.url("/token"),
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    Reply::Json(document.to_string())
}

fn discover(issuer: &str) -> RemoteKeysBuilder {
    RemoteKeys::discover(issuer).http_client(http().build().unwrap())
}

fn paths(provider: &Provider) -> Vec<String> {
    provider.received().into_iter().map(|seen| seen.path).collect()
}

/// A publisher with a discovery document, and a service that has found its keys.
async fn discovered() -> (Publisher, Serving) {
    let publisher = Publisher::start().await;
    publisher.provider.reply(OPENID, discovery_document(&publisher, &json!({})));
    let keys = discover(publisher.issuer.identifier()).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    (publisher, serving)
}

#[tokio::test]
async fn openid_provider_is_found_by_its_issuer_alone() {
    let (publisher, serving) = discovered().await;
    assert_eq!(paths(&publisher.provider), [OPENID, JWKS]);
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let known = publisher.issuer.signing_key();
    assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
}

#[tokio::test]
async fn moved_keys_are_found_again() {
    let (publisher, serving) = discovered().await;
    publisher.issuer.rotate();
    publisher.provider.reply("/moved", Reply::Json(publisher.issuer.jwks()));
    publisher.provider.reply(JWKS, Reply::status(404));
    let moved = json!({"jwks_uri": publisher.provider.url("/moved")});
    publisher.provider.reply(OPENID, discovery_document(&publisher, &moved));
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test]
async fn well_known_path_follows_its_standard() {
    let publisher = Publisher::start().await;
    for (path, openid, oauth) in [
        ("", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ("/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        (
            "/realms/acme",
            "/realms/acme/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/realms/acme",
        ),
        (
            "/realms/acme/",
            "/realms/acme/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/realms/acme",
        ),
    ] {
        let issuer = publisher.provider.url(path);
        let by_oauth = RemoteKeys::discover_oauth(&issuer).http_client(http().build().unwrap());
        for (document, keys) in [(openid, discover(&issuer)), (oauth, by_oauth)] {
            publisher
                .provider
                .reply(document, discovery_document(&publisher, &json!({"issuer": issuer})));
            let before = publisher.provider.request_count();
            keys.connect().await.unwrap();
            let asked: Vec<_> = paths(&publisher.provider).into_iter().skip(before).collect();
            assert_eq!(asked, [document, JWKS]);
        }
    }
}

#[tokio::test]
async fn document_of_another_issuer_is_rejected() {
    let publisher = Publisher::start().await;
    let issuer = publisher.issuer.identifier().to_owned();
    let url = publisher.provider.url(OPENID);
    let discovery_document = |changes: Value| discovery_document(&publisher, &changes);
    let text = |reply: &Reply| match reply {
        Reply::Json(text) => text.clone(),
        _ => unreachable!("a document is JSON"),
    };
    let good = text(&discovery_document(json!({})));
    let unread = "isn't a JSON object with `issuer`";
    for (reply, cause) in [
        (discovery_document(json!({"issuer": "https://evil.example"})), "it is about the issuer"),
        (discovery_document(json!({"issuer": format!("{issuer}/")})), "it is about the issuer"),
        (discovery_document(json!({"issuer": issuer.to_uppercase()})), "it is about the issuer"),
        (discovery_document(json!({"issuer": ""})), "it is about the issuer"),
        (discovery_document(json!({"issuer": null})), unread),
        (discovery_document(json!({"issuer": [issuer]})), unread),
        (discovery_document(json!({"jwks_uri": null})), unread),
        (Reply::Json("{}".into()), unread),
        (Reply::Json(format!("[{issuer:?}, {:?}]", publisher.provider.url(JWKS))), unread),
        (Reply::Json(good.replacen('{', "{\"issuer\": \"https://evil.example\",", 1)), unread),
        (Reply::Json(good[..good.len() - 1].into()), unread),
        (Reply::status(404), "404"),
        (Reply::redirect(publisher.provider.url(JWKS)), "302"),
        (Reply::Endless, "exceeds 512 KiB"),
        (Reply::Reset, "the request to "),
    ] {
        let name = format!("{reply:?}");
        publisher.provider.reply(OPENID, reply);
        let error = within(&name, discover(&issuer).connect()).await.expect_err(&name);
        let error = error.to_string();
        assert!(error.contains(&url) && error.contains(cause), "{name}: {error}");
    }
    assert!(paths(&publisher.provider).iter().all(|path| path == OPENID));
}

#[tokio::test]
async fn keys_url_must_be_https() {
    let publisher = Publisher::start().await;
    for (jwks_uri, rejected) in [
        ("http://id.example/keys", "http://id.example/keys isn't https"),
        ("http://169.254.169.254/latest", "http://169.254.169.254/latest isn't https"),
        ("file:///etc/passwd", "file:///etc/passwd isn't https"),
        ("data:application/json,{}", "isn't https"),
        ("/keys", "/keys isn't a URL"),
        ("", " isn't a URL"),
    ] {
        publisher
            .provider
            .reply(OPENID, discovery_document(&publisher, &json!({"jwks_uri": jwks_uri})));
        let error = discover(publisher.issuer.identifier()).connect().await.unwrap_err();
        assert!(error.to_string().contains(rejected), "{error}");
    }
}

#[tokio::test]
async fn keys_stay_if_the_document_becomes_invalid() {
    let (publisher, serving) = discovered().await;
    let evil = Publisher::start().await;
    for changes in [
        json!({"issuer": "https://evil.example", "jwks_uri": evil.provider.url(JWKS)}),
        json!({"jwks_uri": "http://evil.example/keys"}),
    ] {
        publisher.provider.reply(OPENID, discovery_document(&publisher, &changes));
        pass(COOLDOWN).await;
        let forged = publisher.signed_by(&evil.issuer.signing_key(), Some("unknown"));
        assert_eq!(serving.bearer(&forged).await, rejected(UNAVAILABLE));
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
    }
    assert_eq!(evil.provider.request_count(), 0);
}

#[tokio::test]
async fn issuer_with_a_query_or_a_fragment_is_rejected() {
    for issuer in ["https://id.example/?a=b", "https://id.example/#a", "https://id.example?"] {
        for keys in [RemoteKeys::discover(issuer), RemoteKeys::discover_oauth(issuer)] {
            let error = keys.lazy().unwrap_err().to_string();
            assert_eq!(error, "the issuer https://id.example/ has a query or a fragment");
        }
    }
}

#[tokio::test]
async fn byte_order_mark_before_a_document_is_ignored() {
    let publisher = Publisher::start().await;
    let document = serde_json::json!({
        "issuer": publisher.issuer.identifier(),
        "jwks_uri": publisher.provider.url(JWKS),
    });
    publisher.provider.reply(OPENID, Reply::Json(format!("\u{feff}{document}")));
    publisher.provider.reply(JWKS, Reply::Json(format!("\u{feff}{}", publisher.issuer.jwks())));
    let keys = RemoteKeys::discover(publisher.issuer.identifier());
    let keys = keys.http_client(http().build().unwrap()).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}
