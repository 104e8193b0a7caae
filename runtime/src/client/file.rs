//! A token in a file that somebody else keeps fresh.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::token::{Token, TokenSource, TokenSourceError};

/// How often a file is looked at while its token is used, unless it says otherwise.
const CHECK: Duration = Duration::from_secs(10);

/// More than any header holds.
const LARGEST: u64 = 64 * 1024;

/// Reads a token from a file, and reads it again when the file is replaced: a mounted service-account
/// token, or a key that an agent renews.
///
/// Replace the file by renaming another to its name, as Kubernetes does: one that is written in place may
/// be read when half of it is there. White space at its end isn't part of the token. Where the token is a JWT with an `exp`, its life
/// ends then; the signature is the server's affair.
///
/// ```
/// use tonic_guard::client::{CallCredentials, TokenFile};
///
/// let credentials = CallCredentials::bearer(TokenFile::new("/var/run/secrets/tokens/orders"));
/// ```
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    check: Duration,
}

impl TokenFile {
    /// The token in the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        TokenFile { path: path.into(), check: CHECK }
    }

    /// How often to look at the file while calls use its token. Every ten seconds by default; a
    /// refused call looks at once.
    #[must_use]
    pub fn check_every(self, check: Duration) -> Self {
        TokenFile { check, ..self }
    }
}

impl TokenSource for TokenFile {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let text = read.map_err(TokenSourceError::unreachable)??;
        let token = Token::new(text.trim_end()).refresh_after(self.check);
        Ok(match expiry(&token.secret) {
            Some(end) => token.expires_at(end),
            None => token,
        })
    }
}

/// The whole text of the file. One that is replaced meanwhile stays what it was for who has opened it.
fn read(path: &Path) -> Result<String, TokenSourceError> {
    let named = |error: std::io::Error| {
        TokenSourceError::unreachable(format!("{}: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(named)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > LARGEST {
        return Err(TokenSourceError::unusable(format!(
            "{} is larger than 64 KiB",
            path.display()
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| TokenSourceError::unusable(format!("{} isn't text", path.display())))
}

/// The `exp` of a JWT (RFC 7519, section 4.1.4); `None` for what is no JWT, or has none that can be read.
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
    fn the_expiry_of_a_jwt_is_read() {
        let at = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(expiry(&jwt(r#"{"exp":1796303905}"#)), at(1_796_303_905_000));
        assert_eq!(expiry(&jwt(r#"{"exp":1796303905.5}"#)), at(1_796_303_905_500));
        assert_eq!(expiry(&jwt(r#"{"exp":0}"#)), at(0));
    }

    #[test]
    fn what_has_no_expiry_that_can_be_read_has_none() {
        for claims in ["{}", r#"{"exp":"1"}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, "[]", "x"] {
            assert_eq!(expiry(&jwt(claims)), None, "{claims}");
        }
        for token in ["", "opaque", "a.b", "a.b.c", "a.b.c.d.e", "..", "a..c"] {
            assert_eq!(expiry(token), None, "{token}");
        }
    }
}
