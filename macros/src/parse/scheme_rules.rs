//! The rules across the schemes of one policy.

use crate::parse::{
    built_in_scheme::BuiltInScheme,
    schemes::{Combinator, SchemeValue, Schemes, SingleScheme},
};

/// Reports combinations that can never work as written.
pub(super) fn check(schemes: &Schemes) -> syn::Result<()> {
    no_duplicate(schemes)?;
    one_authorization_header(schemes)?;
    no_optional_extension(schemes)?;
    connection_last(schemes)?;
    features_are_on(schemes)
}

fn no_duplicate(schemes: &Schemes) -> syn::Result<()> {
    for (index, scheme) in schemes.list.iter().enumerate() {
        let mut earlier = schemes.list.iter().take(index);
        if let Some(built_in) = scheme.built_in()
            && earlier.any(|other| other.built_in() == Some(built_in))
        {
            return Err(syn::Error::new(
                scheme.span(),
                format!(
                    "duplicate scheme \"{}\"\nnote: a call carries such credentials once, so the second never decides",
                    built_in.name()
                ),
            ));
        }
    }
    Ok(())
}

fn one_authorization_header(schemes: &Schemes) -> syn::Result<()> {
    let reads_header =
        |scheme: &&SingleScheme| scheme.built_in().is_some_and(BuiltInScheme::reads_authorization);
    match schemes.list.iter().filter(reads_header).nth(1) {
        Some(second) if schemes.combinator == Combinator::AllOf => Err(syn::Error::new(
            second.span(),
            "\"bearer\" and \"basic\" can't both be required\nnote: both read the `authorization` header, which a \
             call carries once, so every call would be rejected",
        )),
        _ => Ok(()),
    }
}

fn no_optional_extension(schemes: &Schemes) -> syn::Result<()> {
    match schemes.list.iter().find(|scheme| scheme.mentions("FromExtensions")) {
        Some(scheme) if schemes.combinator == Combinator::Optional => Err(syn::Error::new(
            scheme.span(),
            "`FromExtensions` can't be optional\nnote: if its layer is missing, every call would be admitted",
        )),
        _ => Ok(()),
    }
}

/// At runtime the connection decides last, wherever it is listed. The list shows that order.
fn connection_last(schemes: &Schemes) -> syn::Result<()> {
    if schemes.combinator == Combinator::AllOf {
        return Ok(());
    }
    let mut schemes = schemes.list.iter();
    match schemes.find(|scheme| reads_connection(scheme)) {
        Some(scheme) if schemes.any(reads_request) => Err(syn::Error::new(
            scheme.span(),
            "the client certificate must be the last scheme\nnote: it belongs to the connection, and decides only \
             if the call itself carries no credentials\nhelp: list it last",
        )),
        _ => Ok(()),
    }
}

fn features_are_on(schemes: &Schemes) -> syn::Result<()> {
    schemes.list.iter().try_for_each(|scheme| match &scheme.value {
        SchemeValue::BuiltIn(scheme, span) => scheme.check_feature(*span),
        SchemeValue::Custom(_) => Ok(()),
    })
}

/// Returns whether the scheme reads the connection, judged by its name.
fn reads_connection(scheme: &SingleScheme) -> bool {
    scheme.built_in() == Some(BuiltInScheme::ClientCertificate)
        || scheme.mentions("ClientCertificate")
}

/// Returns whether the scheme reads the headers or extensions of the call, judged by its name.
fn reads_request(scheme: &SingleScheme) -> bool {
    let types = ["Bearer", "Basic", "ApiKey", "FromExtensions"];
    scheme.built_in().is_some_and(|built_in| built_in != BuiltInScheme::ClientCertificate)
        || types.into_iter().any(|name| scheme.mentions(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn must_list_certificate_last(schemes: &str) -> bool {
        let schemes = syn::parse_str::<Schemes>(schemes).unwrap();
        check(&schemes).is_err_and(|error| error.to_string().contains("list it last"))
    }

    #[test]
    fn certificate_before_another_scheme_is_an_error() {
        for schemes in [
            "one_of(\"client-certificate\", \"bearer\")",
            "one_of(\"api-key\", \"client-certificate\", \"basic\")",
            "one_of(\"client-certificate\", ApiKey::header(\"x-key\"))",
            "one_of(tonic_guard::scheme::ClientCertificate::new(), \"bearer\")",
            "optional(one_of(\"client-certificate\", \"bearer\"))",
        ] {
            assert!(must_list_certificate_last(schemes), "{schemes}");
        }
    }

    /// Without its feature, `"client-certificate"` is another error.
    #[test]
    fn certificate_listed_last_is_in_order() {
        for schemes in [
            "one_of(\"bearer\", \"client-certificate\")",
            "all_of(\"client-certificate\", \"bearer\")",
            "one_of(ForwardedClientCertificate::new(), \"bearer\")",
            "one_of(\"client-certificate\", OfTheConnection)",
        ] {
            assert!(!must_list_certificate_last(schemes), "{schemes}");
        }
    }
}
