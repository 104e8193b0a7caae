//! A token in a file that another program renews.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::token::{Token, TokenSource, TokenSourceError};

/// How often the file is read again by default.
const DEFAULT_CHECK: Duration = Duration::from_secs(10);

/// The size limit of the file. It exceeds that of a header.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a token from a file, and reads it again regularly: a mounted service-account token, or a key that an
/// agent renews.
///
/// Replace the file by renaming another one to its name, as Kubernetes does. A file that is written in place may be
/// read half written. Trailing white space isn't part of the token. If the token is a JWT with an
/// `exp`, it expires then. Its signature isn't checked, which is the server's task.
///
/// A file with a byte-order mark, quotes, or the word `Bearer` before the token is an error that names the file,
/// because no server accepts such a token.
///
/// ```
/// use tonic_guard::client::{CallCredentials, TokenFile};
///
/// let credentials = CallCredentials::bearer(TokenFile::new("/var/run/secrets/tokens/orders"));
/// ```
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    check_every: Duration,
}

impl TokenFile {
    /// Creates a source that reads the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        TokenFile { path: path.into(), check_every: DEFAULT_CHECK }
    }

    /// Sets how often the file is read again while calls use its token. Every ten seconds by default. A rejected
    /// call reads it immediately.
    #[must_use]
    pub fn check_every(self, check_every: Duration) -> Self {
        TokenFile { check_every, ..self }
    }
}

impl TokenSource for TokenFile {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let text = read.map_err(TokenSourceError::unreachable)??;
        let mut token = Token::new(text.trim_end()).refresh_after(self.check_every);
        token.origin = Some(self.path.display().to_string().into());
        Ok(match expiry(&token.secret) {
            Some(end) => token.expires_at(end),
            None => token,
        })
    }
}

/// Reads the whole file. If it is replaced at the same time, the opened file remains unchanged.
fn read(path: &Path) -> Result<String, TokenSourceError> {
    let unreadable = |error: std::io::Error| {
        TokenSourceError::unreachable(format!("{}: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TokenSourceError::unusable(format!("{} exceeds 64 KiB", path.display())));
    }
    String::from_utf8(bytes)
        .map_err(|_| TokenSourceError::unusable(format!("{} isn't UTF-8 text", path.display())))
}

/// The `exp` of a JWT (RFC 7519, section 4.1.4). `None` if `token` isn't a JWT or has no valid `exp`.
fn expiry(token: &str) -> Option<SystemTime> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let seconds = claims.get("exp")?.as_f64()?;
    let since_epoch = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn expiry_of_a_jwt_is_read() {
        let at = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(expiry(&jwt(r#"{"exp":1796303905}"#)), at(1_796_303_905_000));
        assert_eq!(expiry(&jwt(r#"{"exp":1796303905.5}"#)), at(1_796_303_905_500));
        assert_eq!(expiry(&jwt(r#"{"exp":0}"#)), at(0));
    }

    #[test]
    fn token_without_a_valid_exp_has_no_expiry() {
        for claims in ["{}", r#"{"exp":"1"}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, "[]", "x"] {
            assert_eq!(expiry(&jwt(claims)), None, "{claims}");
        }
        for token in ["", "opaque", "a.b", "a.b.c", "a.b.c.d.e", "..", "a..c"] {
            assert_eq!(expiry(token), None, "{token}");
        }
    }
}
