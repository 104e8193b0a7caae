//! URLs as logs and errors may show them.

use url::Url;

/// The URL without user, password, query and fragment.
pub(crate) fn redact_url(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Redacts a text that isn't a valid URL: removes everything that may be a user, password, query or fragment, and
/// cuts the rest after 200 characters.
pub(crate) fn redact_text(text: &str) -> String {
    let (text, tail) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    if tail.contains('@') {
        // The text before `?` or `#` may be the beginning of an unescaped password.
        return "a text with `@` after `?` or `#`".into();
    }
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    text.chars().take(200).collect()
}
