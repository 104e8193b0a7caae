//! `#[synchronous]`: an impl of `Authenticate` from one function that doesn't wait.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    FnArg, ImplItem, ImplItemFn, ItemImpl, Path, ReturnType, Signature, Token, parse::ParseStream,
    parse::Parser, parse_quote, spanned::Spanned,
};

const EXPECTED: &str = "expected an impl of `Authenticate` with the method `authenticate`";

/// Expands `#[synchronous]` on an impl of `Authenticate`.
//
// Input:
//     impl Authenticate<Bearer> for Tokens {
//         type Identity = User;
//         fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> { .. }
//     }
// Output:
//     impl Authenticate<Bearer> for Tokens {
//         type Identity = User;
//         fn authenticate_now(&self, credentials: BearerToken) -> Immediate<User, BearerToken> {
//             let decide = |token: BearerToken| -> Result<Authenticated<User>, AuthError> { .. };
//             Immediate::Decided(decide(credentials))
//         }
//         async fn authenticate(&self, credentials: BearerToken) -> Result<Authenticated<User>, AuthError> {
//             decided(Authenticate::<Bearer>::authenticate_now(self, credentials))
//         }
//     }
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand_impl(arguments, item.clone()) {
        Ok(expanded) => expanded,
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

fn expand_impl(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let krate = krate(arguments)?;
    let mut item: ItemImpl =
        syn::parse2(item).map_err(|error| syn::Error::new(error.span(), EXPECTED))?;
    let Some((trait_path, _)) = item.trait_.clone() else {
        return Err(syn::Error::new(item.self_ty.span(), EXPECTED));
    };
    let position = item.items.iter().position(
        |inner| matches!(inner, ImplItem::Fn(function) if function.sig.ident == "authenticate"),
    );
    let Some(ImplItem::Fn(function)) = position.map(|at| item.items.remove(at)) else {
        return Err(syn::Error::new(trait_path.span(), EXPECTED));
    };
    let ImplItemFn { attrs, sig, block, .. } = function;
    let (receiver, argument, output) = signature(&sig)?;
    let (pattern, credentials) = (&argument.pat, &argument.ty);
    let fn_token = sig.fn_token;
    item.items.push(parse_quote! {
        #(#attrs)*
        #[inline]
        #fn_token authenticate_now(
            #receiver,
            __credentials: #credentials,
        ) -> #krate::__private::Immediate<Self::Identity, #credentials> {
            let __decide = |#pattern: #credentials| -> #output #block;
            #krate::__private::Immediate::Decided(__decide(__credentials))
        }
    });
    item.items.push(parse_quote! {
        async fn authenticate(&self, __credentials: #credentials) -> #output {
            #krate::__private::decided(
                <Self as #trait_path>::authenticate_now(self, __credentials)
            )
        }
    });
    Ok(item.into_token_stream())
}

/// The receiver, the argument and the return type of `authenticate`.
fn signature(sig: &Signature) -> syn::Result<(&FnArg, &syn::PatType, &syn::Type)> {
    if let Some(token) = sig.asyncness {
        return Err(syn::Error::new(
            token.span(),
            "expected a fn without `async`\nhelp: remove `async`, or remove `#[synchronous]` if the function \
             awaits something",
        ));
    }
    let mut inputs = sig.inputs.iter();
    match (inputs.next(), inputs.next(), inputs.next(), &sig.output) {
        (
            Some(receiver @ FnArg::Receiver(_)),
            Some(FnArg::Typed(argument)),
            None,
            ReturnType::Type(_, output),
        ) => Ok((receiver, argument, output)),
        _ => Err(syn::Error::new(
            sig.ident.span(),
            "expected `fn authenticate(&self, credentials: ..) -> Result<Authenticated<..>, AuthError>`",
        )),
    }
}

/// The path of `tonic_guard`: `crate = path`, or the default.
fn krate(arguments: TokenStream) -> syn::Result<Path> {
    if arguments.is_empty() {
        return Ok(parse_quote!(::tonic_guard));
    }
    let parser = |input: ParseStream<'_>| {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        input.call(Path::parse_mod_style)
    };
    parser.parse2(arguments).map_err(|error| {
        syn::Error::new(
            error.span(),
            "expected `crate = ..`: `#[synchronous]` has no other argument",
        )
    })
}
