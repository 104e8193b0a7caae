//! `#[derive(Authenticate)]`: a service that authenticates by what its fields verify.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Fields, LitStr, Member, Path, Token, Type,
    parse::{Parse, ParseStream},
    parse_quote,
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{errors::Errors, hygiene, scheme::Word, text};

/// What `#[verifies(..)]` names.
enum Verified {
    Word(Word, Span),
    Scheme(Box<Type>),
}

impl Parse for Verified {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            let word = Word::parse(&literal)?;
            word.check_feature(literal.span())?;
            return Ok(Verified::Word(word, literal.span()));
        }
        Ok(Verified::Scheme(Box::new(input.parse()?)))
    }
}

impl Verified {
    fn scheme(&self, krate: &TokenStream) -> TokenStream {
        match self {
            Verified::Word(word, span) => {
                let name = word.type_name(*span);
                quote_spanned!(*span=> #krate::__private::#name)
            }
            Verified::Scheme(ty) => ty.to_token_stream(),
        }
    }

    fn span(&self) -> Span {
        match self {
            Verified::Word(_, span) => *span,
            Verified::Scheme(ty) => ty.span(),
        }
    }

    fn text(&self) -> String {
        match self {
            Verified::Word(word, _) => word.as_str().to_owned(),
            Verified::Scheme(ty) => text::of(ty),
        }
    }
}

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = errors.ok(krate(&input.attrs)).unwrap_or_else(|| parse_quote!(::tonic_guard));
    let fields = verifying_fields(&input, &mut errors);
    no_scheme_twice(&fields, &mut errors);
    let impls =
        fields.iter().map(|(member, ty, verified)| forward(&input, member, ty, verified, &krate));
    let impls: TokenStream = impls.collect();
    if errors.is_empty() { impls } else { errors.into_tokens() }
}

/// `#[verifies(crate = path)]` on the struct.
fn krate(attributes: &[Attribute]) -> syn::Result<Path> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.path().is_ident("verifies"))
    else {
        return Ok(parse_quote!(::tonic_guard));
    };
    attribute.parse_args_with(|input: ParseStream<'_>| {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        input.call(Path::parse_mod_style)
    })
}

fn verifying_fields(input: &DeriveInput, errors: &mut Errors) -> Vec<(Member, Type, Verified)> {
    let name = input.ident.span();
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(_) | Data::Union(_) => {
            errors.push(syn::Error::new(
                name,
                "`Authenticate` is derived from the fields of a struct: implement `Authenticate<..>` by hand here",
            ));
            return Vec::new();
        }
    };
    let mut verifying = Vec::new();
    for (member, field) in fields.members().zip(fields) {
        for attribute in
            field.attrs.iter().filter(|attribute| attribute.path().is_ident("verifies"))
        {
            let named =
                attribute.parse_args_with(Punctuated::<Verified, Token![,]>::parse_terminated);
            let named = errors.ok(named).into_iter().flatten();
            verifying.extend(named.map(|verified| (member.clone(), field.ty.clone(), verified)));
        }
    }
    if verifying.is_empty() && errors.is_empty() {
        let hint = match fields {
            Fields::Unit => "it has no fields",
            Fields::Named(_) | Fields::Unnamed(_) => "no field says `#[verifies(..)]`",
        };
        errors.push(syn::Error::new(
            name,
            format!("nothing authenticates: {hint}. Write `#[verifies(\"bearer\")]` on the field that checks bearer tokens"),
        ));
    }
    verifying
}

fn no_scheme_twice(fields: &[(Member, Type, Verified)], errors: &mut Errors) {
    for (at, (_, _, verified)) in fields.iter().enumerate() {
        if fields.iter().take(at).any(|(_, _, other)| other.text() == verified.text()) {
            errors.push(syn::Error::new(
                verified.span(),
                format!(
                    "two fields verify `{}`, and the type alone can't tell which is meant: name the field in the \
                     attribute with `via self.field`",
                    verified.text()
                ),
            ));
        }
    }
}

fn forward(
    input: &DeriveInput,
    member: &Member,
    ty: &Type,
    verified: &Verified,
    krate: &Path,
) -> TokenStream {
    let name = &input.ident;
    let place = verified.span();
    let krate = hygiene::at(place, krate);
    let scheme = verified.scheme(&krate);
    let mut generics = input.generics.clone();
    // In a group of its own: the type may be `dyn A + B`.
    let bounded = Group::new(Delimiter::None, hygiene::at(place, ty));
    let bound = quote_spanned!(place=> #bounded: #krate::__private::Authenticate<#scheme>);
    generics.make_where_clause().predicates.push(parse_quote!(#bound));
    // The service is handed from thread to thread, whatever its other fields are.
    generics
        .make_where_clause()
        .predicates
        .push(parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync));
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let field = quote!(<#ty as #krate::__private::Authenticate<#scheme>>);
    // A type that is less visible than the service can't stand here, says the compiler: of that type.
    let identity = quote_spanned!(ty.span()=> type Identity = #field::Identity;);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::__private::Authenticate<#scheme> for #name #ty_generics #where_clause {
            #identity

            fn authenticate(
                &self,
                credentials: <#scheme as #krate::__private::Scheme>::Credentials,
            ) -> impl ::core::future::Future<
                Output = #krate::__private::Result<Self::Identity, #krate::__private::AuthError>,
            > + ::core::marker::Send {
                #field::authenticate(&self.#member, credentials)
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
