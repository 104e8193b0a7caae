//! The words of the schemes that have one.

use proc_macro2::Span;
use syn::{Ident, LitStr};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Word {
    Bearer,
    Basic,
    ApiKey,
    ClientCertificate,
}

pub(crate) const WORDS: &str = "\"bearer\", \"basic\", \"api-key\", \"client-certificate\"";

impl Word {
    pub(crate) const ALL: [Word; 4] =
        [Word::Bearer, Word::Basic, Word::ApiKey, Word::ClientCertificate];

    pub(crate) fn parse(literal: &LitStr) -> syn::Result<Word> {
        match literal.value().as_str() {
            "bearer" => Ok(Word::Bearer),
            "basic" => Ok(Word::Basic),
            "api-key" => Ok(Word::ApiKey),
            "client-certificate" => Ok(Word::ClientCertificate),
            unknown => {
                let nearest = Word::nearest(unknown);
                let hint = nearest
                    .map(|word| format!("; did you mean \"{}\"?", word.as_str()))
                    .unwrap_or_default();
                Err(syn::Error::new(
                    literal.span(),
                    format!(
                        "unknown scheme \"{unknown}\"{hint}\nthe schemes with a word are {WORDS}; any other is a \
                         value whose type implements `Scheme`, such as `ApiKey::header(\"x-ingest-key\")`"
                    ),
                ))
            }
        }
    }

    /// The word that someone meant who wrote `unknown`.
    pub(crate) fn nearest(unknown: &str) -> Option<Word> {
        let plain = |text: &str| -> String {
            let kept = text.chars().filter(char::is_ascii_alphanumeric);
            kept.map(|c| c.to_ascii_lowercase()).collect()
        };
        let wanted = plain(unknown);
        Word::ALL.into_iter().find(|word| {
            let word = plain(word.as_str());
            word == wanted
                || (wanted.len() >= 3 && (word.starts_with(&wanted) || wanted.starts_with(&word)))
                || within_two_edits(&word, &wanted)
        })
    }

    /// The word that `text` is but for its quotes. A name in capitals is a type's or a constant's.
    pub(crate) fn without_quotes(text: &str) -> Option<Word> {
        let lower = text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
        lower.then(|| Word::nearest(text)).flatten()
    }

    /// The word of a scheme whose credentials' type is named for it. A type of one's own with such a name
    /// is written with a path, `self::BearerToken`.
    pub(crate) fn of_credentials(text: &str) -> Option<Word> {
        Word::ALL.into_iter().find(|word| word.credentials_name() == text)
    }

    fn credentials_name(self) -> &'static str {
        match self {
            Word::Bearer => "BearerToken",
            Word::Basic => "BasicCredentials",
            Word::ApiKey => "ApiKeyValue",
            Word::ClientCertificate => "CertificateChain",
        }
    }

    pub(crate) fn in_quotes(self) -> String {
        format!("a word stands in quotes: `\"{}\"`", self.as_str())
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Word::Bearer => "bearer",
            Word::Basic => "basic",
            Word::ApiKey => "api-key",
            Word::ClientCertificate => "client-certificate",
        }
    }

    /// The type of the scheme, in the runtime.
    pub(crate) fn type_name(self, span: Span) -> Ident {
        let name = match self {
            Word::Bearer => "Bearer",
            Word::Basic => "Basic",
            Word::ApiKey => "ApiKey",
            Word::ClientCertificate => "ClientCertificate",
        };
        Ident::new(name, span)
    }

    /// Refuses a word whose scheme the runtime has only with a feature that isn't on.
    pub(crate) fn check_feature(self, span: Span) -> syn::Result<()> {
        if self == Word::ClientCertificate && !cfg!(feature = "client-certificate") {
            return Err(syn::Error::new(
                span,
                "the scheme \"client-certificate\" needs the feature `client-certificate` of `tonic-guard`",
            ));
        }
        Ok(())
    }

    pub(crate) fn reads_authorization(self) -> bool {
        matches!(self, Word::Bearer | Word::Basic)
    }
}

/// Whether `left` becomes `right` by at most two insertions, removals or replacements.
pub(crate) fn within_two_edits(left: &str, right: &str) -> bool {
    fn go(left: &[u8], right: &[u8], edits: u8) -> bool {
        match (left, right) {
            ([a, left @ ..], [b, right @ ..]) if a == b => go(left, right, edits),
            ([], []) => true,
            _ if edits == 0 => false,
            ([], [_, rest @ ..]) | ([_, rest @ ..], []) => go(&[], rest, edits - 1),
            ([_, l @ ..], [_, r @ ..]) => {
                go(l, r, edits - 1) || go(left, r, edits - 1) || go(l, right, edits - 1)
            }
        }
    }
    go(left.as_bytes(), right.as_bytes(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        let nearest = |unknown| Word::nearest(unknown).map(Word::as_str);
        assert_eq!(nearest("Bearer"), Some("bearer"));
        assert_eq!(nearest("baerer"), Some("bearer"));
        assert_eq!(nearest("apikey"), Some("api-key"));
        assert_eq!(nearest("api_key"), Some("api-key"));
        assert_eq!(nearest("bsaic"), Some("basic"));
        assert_eq!(nearest("client-cert"), Some("client-certificate"));
        assert_eq!(nearest("kerberos"), None);
        assert_eq!(nearest("jwt"), None);
    }
}
