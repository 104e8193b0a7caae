//! The function that makes the output of a handler from the status of a rejection.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Path, ReturnType, spanned::Spanned};

use crate::{parse::method::Method, syntax::hygiene};

/// `HandlerOutput::rejected`, located at the return type of `method`, where a wrong type is an error.
pub(super) fn expand(method: &Method, krate: &Path) -> TokenStream {
    let output = match &method.item.sig.output {
        ReturnType::Default => method.item.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let output = output.resolved_at(Span::mixed_site());
    let krate = hygiene::at(output, krate);
    let handler_output = quote_spanned!(output=> #krate::__private::HandlerOutput);
    match method.boxed_output() {
        // The compiler infers the type that an async fn returns.
        None => quote_spanned!(output=> #handler_output::rejected),
        Some(ty) => quote_spanned!(output=> <#ty as #handler_output>::rejected),
    }
}
