//! The schemes that have a name in the attributes, such as `"bearer"`.

use proc_macro2::Span;
use strsim::levenshtein;
use syn::{Ident, LitStr};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum BuiltInScheme {
    Bearer,
    Basic,
    ApiKey,
    ClientCertificate,
}

impl BuiltInScheme {
    pub(crate) const ALL: [BuiltInScheme; 4] = [
        BuiltInScheme::Bearer,
        BuiltInScheme::Basic,
        BuiltInScheme::ApiKey,
        BuiltInScheme::ClientCertificate,
    ];

    /// All names, for error messages.
    pub(crate) const NAMES: &str = "\"bearer\", \"basic\", \"api-key\", \"client-certificate\"";

    pub(crate) fn name(self) -> &'static str {
        match self {
            BuiltInScheme::Bearer => "bearer",
            BuiltInScheme::Basic => "basic",
            BuiltInScheme::ApiKey => "api-key",
            BuiltInScheme::ClientCertificate => "client-certificate",
        }
    }

    /// The name of the scheme's type in the runtime.
    pub(crate) fn type_name(self, span: Span) -> Ident {
        let name = match self {
            BuiltInScheme::Bearer => "Bearer",
            BuiltInScheme::Basic => "Basic",
            BuiltInScheme::ApiKey => "ApiKey",
            BuiltInScheme::ClientCertificate => "ClientCertificate",
        };
        Ident::new(name, span)
    }

    /// The name of the type of the scheme's credentials in the runtime.
    fn credentials_type_name(self) -> &'static str {
        match self {
            BuiltInScheme::Bearer => "BearerToken",
            BuiltInScheme::Basic => "BasicCredentials",
            BuiltInScheme::ApiKey => "ApiKeyValue",
            BuiltInScheme::ClientCertificate => "CertificateChain",
        }
    }

    pub(crate) fn reads_authorization(self) -> bool {
        matches!(self, BuiltInScheme::Bearer | BuiltInScheme::Basic)
    }

    /// # Errors
    ///
    /// When no built-in scheme has this name.
    pub(crate) fn parse(literal: &LitStr) -> syn::Result<Self> {
        let name = literal.value();
        if let Some(scheme) = Self::ALL.into_iter().find(|scheme| scheme.name() == name) {
            return Ok(scheme);
        }
        let help = Self::nearest(&name)
            .map(|nearest| format!("\nhelp: did you mean \"{}\"?", nearest.name()))
            .unwrap_or_default();
        Err(syn::Error::new(
            literal.span(),
            format!(
                "unknown scheme \"{name}\"{help}\nnote: the built-in schemes are {}; any other scheme is a value \
                 whose type implements `Scheme`, such as `ApiKey::header(\"x-ingest-key\")`",
                Self::NAMES,
            ),
        ))
    }

    /// # Errors
    ///
    /// When the runtime has the scheme only with a feature that is off.
    pub(crate) fn check_feature(self, span: Span) -> syn::Result<()> {
        if self == BuiltInScheme::ClientCertificate && !cfg!(feature = "client-certificate") {
            return Err(syn::Error::new(
                span,
                "the scheme \"client-certificate\" requires the feature `client-certificate` of `tonic-guard`",
            ));
        }
        Ok(())
    }

    /// The scheme whose name is most like `misspelt`, if one is close.
    pub(crate) fn nearest(misspelt: &str) -> Option<Self> {
        let normalise = |text: &str| -> String {
            let alphanumeric = text.chars().filter(char::is_ascii_alphanumeric);
            alphanumeric.map(|c| c.to_ascii_lowercase()).collect()
        };
        let wanted = normalise(misspelt);
        Self::ALL.into_iter().find(|scheme| {
            let name = normalise(scheme.name());
            let is_prefix = name.starts_with(&wanted) || wanted.starts_with(&name);
            (wanted.len() >= 3 && is_prefix) || levenshtein(&name, &wanted) <= 2
        })
    }

    /// The scheme whose name `code` is without the quotes. Capitals belong to a type or a constant.
    pub(crate) fn without_quotes(code: &str) -> Option<Self> {
        let may_be_name = code.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
        may_be_name.then(|| Self::nearest(code)).flatten()
    }

    /// The scheme whose credentials have the type `code`. A path, such as `self::BearerToken`, refers to a
    /// type of the user.
    pub(crate) fn of_credentials(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.credentials_type_name() == code)
    }

    /// The message for `code`, which is this scheme's name without its quotes.
    pub(crate) fn missing_quotes(self, code: &str) -> String {
        format!("expected a string literal, found `{code}`\nhelp: write `\"{}\"`", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_find_their_scheme() {
        let nearest = |misspelt| BuiltInScheme::nearest(misspelt).map(BuiltInScheme::name);
        assert_eq!(nearest("Bearer"), Some("bearer"));
        assert_eq!(nearest("baerer"), Some("bearer"));
        assert_eq!(nearest("apikey"), Some("api-key"));
        assert_eq!(nearest("api_key"), Some("api-key"));
        assert_eq!(nearest("bsaic"), Some("basic"));
        assert_eq!(nearest("client-cert"), Some("client-certificate"));
    }

    #[test]
    fn unrelated_names_find_no_scheme() {
        let nearest = |misspelt| BuiltInScheme::nearest(misspelt).map(BuiltInScheme::name);
        assert_eq!(nearest("kerberos"), None);
        assert_eq!(nearest("jwt"), None);
    }
}
