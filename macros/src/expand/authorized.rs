//! The checks of the `#[authorized(..)]` parameters, in the handler check.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

use crate::{
    expand::custom_check::{self, CheckOutput},
    parse::method::Method,
    syntax::{hygiene::self_at, names::function_name},
};

/// The statements that run the checks with `identity`, a variable, and bind the parameters. No parameter is in
/// scope in a check: it could shadow the request.
//
// Output:
//     let authorized_0 = match authorize_parameter(&*self, "cancel", &identity, &request, CHECK).await {
//         Ok(value) => value,
//         Err(status) => return HandlerOutput::rejected(status),
//     };
//     let order: Order = authorized_0;
pub(super) fn statements(
    method: &Method,
    identity: &Ident,
    rejected: &TokenStream,
    krate: &Path,
) -> TokenStream {
    let site = Span::mixed_site();
    let name = function_name(&method.item.sig.ident);
    let request = &method.request;
    let service = self_at(site, method.receiver);
    let (mut checks, mut bindings) = (TokenStream::new(), TokenStream::new());
    for (index, parameter) in method.authorized.iter().enumerate() {
        let check = &parameter.check;
        let check = custom_check::expand(check, CheckOutput::Value, krate, method.receiver);
        let value = format_ident!("__authorized_{index}", span = site);
        checks.extend(quote_spanned! {site=>
            let #value = match #krate::__private::authorize_parameter(
                &*#service, #name, &#identity, &#request, #check
            ).await {
                #krate::__private::Result::Ok(__value) => __value,
                #krate::__private::Result::Err(__status) => return #rejected(__status),
            };
        });
        let (pat, ty) = (&parameter.pat, &parameter.ty);
        // Located at the type, where a value of another type is an error.
        let found = Ident::new(&value.to_string(), ty.span().resolved_at(site));
        bindings.extend(quote!(let #pat: #ty = #found;));
    }
    quote!(#checks #bindings)
}
