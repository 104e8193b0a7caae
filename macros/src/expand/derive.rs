//! `#[derive(Authenticate)]`: implements `Authenticate` by forwarding to fields.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Fields, Member, Path, Token, Type, parse::ParseStream,
    parse_quote, spanned::Spanned,
};

use crate::{
    parse::verifies::{self, VerifiedScheme},
    recover::errors::Errors,
    syntax::{hygiene, text},
};

/// A field and a scheme that it verifies.
struct Verifier {
    member: Member,
    ty: Type,
    scheme: VerifiedScheme,
}

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = errors.ok(krate(&input.attrs)).unwrap_or_else(|| parse_quote!(::tonic_guard));
    let mut verifiers = verifiers(&input, &mut errors);
    reject_duplicates(&mut verifiers, &mut errors);
    // The valid impls are emitted beside the errors, so that a missing impl isn't a second error.
    let impls: TokenStream =
        verifiers.iter().map(|verifier| forward(&input, verifier, &krate)).collect();
    let errors = errors.into_tokens();
    quote!(#errors #impls)
}

/// The path of `tonic_guard`: `#[verifies(crate = path)]` on the struct, or the default.
fn krate(attributes: &[Attribute]) -> syn::Result<Path> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.path().is_ident("verifies"))
    else {
        return Ok(parse_quote!(::tonic_guard));
    };
    attribute.parse_args_with(|input: ParseStream<'_>| {
        if !input.peek(Token![crate]) {
            return Err(input.error(
                "expected `crate = ..` on a struct\nhelp: write `#[verifies(..)]` on the field that verifies these credentials",
            ));
        }
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        input.call(Path::parse_mod_style)
    })
}

fn verifiers(input: &DeriveInput, errors: &mut Errors) -> Vec<Verifier> {
    let name = input.ident.span();
    let (fields, found) = match &input.data {
        Data::Struct(data) => (Some(&data.fields), "a struct"),
        Data::Enum(_) => (None, "an enum"),
        Data::Union(_) => (None, "a union"),
    };
    let Some(fields) = fields else {
        errors.push(syn::Error::new(
            name,
            format!("expected a struct, found {found}\nhelp: implement `Authenticate<..>` by hand"),
        ));
        return Vec::new();
    };
    let mut verifiers = Vec::new();
    for (member, field) in fields.members().zip(fields) {
        for attribute in
            field.attrs.iter().filter(|attribute| attribute.path().is_ident("verifies"))
        {
            if is_dyn_authenticate(&field.ty) {
                errors.push(syn::Error::new(
                    field.ty.span(),
                    "expected a sized authenticator, found `dyn Authenticate`\nhelp: write \
                     `BoxAuthenticator<Bearer, User>`, with the scheme and the identity",
                ));
                continue;
            }
            let schemes = verifies::parse(attribute, errors);
            verifiers.extend(schemes.into_iter().map(|scheme| Verifier {
                member: member.clone(),
                ty: field.ty.clone(),
                scheme,
            }));
        }
    }
    if verifiers.is_empty() && errors.is_empty() {
        let found = match fields {
            Fields::Unit => "a struct without fields",
            Fields::Named(_) | Fields::Unnamed(_) => "none",
        };
        errors.push(syn::Error::new(
            name,
            format!(
                "expected a field with `#[verifies(..)]`, found {found}\nhelp: write `#[verifies(\"bearer\")]` on the field \
                 that verifies bearer tokens"
            ),
        ));
    }
    verifiers
}

/// Reports schemes that two fields verify, and keeps the first field.
fn reject_duplicates(verifiers: &mut Vec<Verifier>, errors: &mut Errors) {
    let mut earlier = Vec::new();
    verifiers.retain(|verifier| {
        let scheme = verifier.scheme.text();
        if earlier.contains(&scheme) {
            errors.push(syn::Error::new(
                verifier.scheme.span(),
                format!(
                    "duplicate scheme `{scheme}`\nhelp: remove it from one of the fields, and name that field in the \
                     policy with `scheme = .. via self.field`",
                ),
            ));
            return false;
        }
        earlier.push(scheme);
        true
    });
}

/// Judged by the written type: its definition is unknown here.
fn is_dyn_authenticate(ty: &Type) -> bool {
    let text = text::of(ty);
    text.contains("dyn Authenticate") || text.contains("dyn tonic_guard::Authenticate")
}

/// The impl of `Authenticate` that forwards to the field of `verifier`.
fn forward(input: &DeriveInput, verifier: &Verifier, krate: &Path) -> TokenStream {
    let Verifier { member, ty, scheme } = verifier;
    let name = &input.ident;
    let location = scheme.span();
    let krate = hygiene::at(location, krate);
    let scheme = scheme.type_in(&krate);
    let mut generics = input.generics.clone();
    // In an invisible group, because the type may be `dyn A + B`.
    let bounded = Group::new(Delimiter::None, hygiene::at(location, ty));
    let bound = quote_spanned!(location=> #bounded: #krate::__private::Authenticate<#scheme>);
    generics.make_where_clause().predicates.push(parse_quote!(#bound));
    // `authenticate` returns a `Send` future that borrows the service.
    generics
        .make_where_clause()
        .predicates
        .push(parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync));
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let field = quote!(<#ty as #krate::__private::Authenticate<#scheme>>);
    // Located at the field's type: the compiler reports there that it is less visible than the service.
    let identity = quote_spanned!(ty.span()=> type Identity = #field::Identity;);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::__private::Authenticate<#scheme> for #name #ty_generics #where_clause {
            #identity

            fn authenticate(
                &self,
                credentials: <#scheme as #krate::__private::Scheme>::Credentials,
            ) -> impl ::core::future::Future<
                Output = #krate::__private::Result<
                    #krate::__private::Authenticated<Self::Identity>,
                    #krate::__private::AuthError,
                >,
            > + ::core::marker::Send {
                #field::authenticate(&self.#member, credentials)
            }

            #[inline]
            fn authenticate_now(
                &self,
                credentials: <#scheme as #krate::__private::Scheme>::Credentials,
            ) -> #krate::__private::Immediate<
                Self::Identity,
                <#scheme as #krate::__private::Scheme>::Credentials,
            > {
                #field::authenticate_now(&self.#member, credentials)
            }

            fn bypass(&self) -> #krate::__private::Option<Self::Identity> {
                #field::bypass(&self.#member)
            }

            fn deadline(&self) -> ::core::time::Duration {
                #field::deadline(&self.#member)
            }

            fn invalid_reason(
                &self,
            ) -> #krate::__private::Option<&'static ::core::primitive::str> {
                #field::invalid_reason(&self.#member)
            }
        }
    }
}
