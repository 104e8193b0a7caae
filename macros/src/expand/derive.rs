//! `#[derive(Authenticate)]`: a service that authenticates by what its fields verify.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Fields, Ident, LitStr, Member, Path, Token, Type,
    parse::ParseStream, parse_quote, spanned::Spanned,
};

use crate::parse::built_in_scheme::Word;
use crate::recover::errors::Errors;
use crate::syntax::hygiene;
use crate::syntax::text;

/// What `#[verifies(..)]` names.
enum Verified {
    Word(Word, Span),
    Scheme(Box<Type>),
}

/// What `#[verifies(..)]` lists, as far as it can be read. What is wrong goes to `errors`.
fn listed(
    input: ParseStream<'_>,
    attribute: Span,
    errors: &mut Errors,
) -> syn::Result<Vec<Verified>> {
    const FORM: &str = "say by its word or its type what this field checks: `#[verifies(\"bearer\")]`, \
         `#[verifies(ApiKey)]`";

    let mut listed = Vec::new();
    if input.is_empty() {
        errors.push(syn::Error::new(attribute, FORM));
    }
    while !input.is_empty() {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            let span = literal.span();
            match Word::parse(&literal) {
                Ok(word) => {
                    if errors.ok(word.check_feature(span)).is_some() {
                        listed.push(Verified::Word(word, span));
                    }
                }
                Err(error) => {
                    errors.push(error);
                    let nearest = Word::nearest(&literal.value());
                    listed.extend(nearest.and_then(|word| as_meant(word, span)));
                }
            }
        } else if input.peek(Ident) && input.peek2(Token![=]) {
            return Err(input.error(FORM));
        } else {
            let ty: Type = input.parse()?;
            if input.peek(syn::token::Paren) {
                return Err(syn::Error::new(
                    ty.span(),
                    "this is the scheme's type alone, such as `#[verifies(ApiKey)]`: its value stands in \
                     `#[authenticated(scheme = ..)]`",
                ));
            }
            match meant(&text::of(&ty)) {
                Some((word, mistake)) => {
                    let span = ty.span();
                    errors.push(syn::Error::new(span, mistake));
                    listed.extend(as_meant(word, span));
                }
                None => listed.push(Verified::Scheme(Box::new(ty))),
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(listed)
}

/// The word that is meant by a type as it is written, and what is wrong with that.
fn meant(written: &str) -> Option<(Word, String)> {
    if let Some(word) = Word::without_quotes(written) {
        return Some((word, word.in_quotes()));
    }
    let word = Word::of_credentials(written)?;
    let said = word.as_str();
    Some((
        word,
        format!("`{written}` is the credentials' type: write the scheme's word, `\"{said}\"`"),
    ))
}

/// A mistake stands as what was meant, so that a method that asks for it isn't a second one.
fn as_meant(meant: Word, span: Span) -> Option<Verified> {
    meant.check_feature(span).is_ok().then(|| Verified::Word(meant, span))
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
    let mut fields = verifying_fields(&input, &mut errors);
    no_scheme_twice(&mut fields, &mut errors);
    let impls =
        fields.iter().map(|(member, ty, verified)| forward(&input, member, ty, verified, &krate));
    // What could be read stands beside the mistakes: a field without one is in use.
    let impls: TokenStream = impls.collect();
    let errors = errors.into_tokens();
    quote!(#errors #impls)
}

/// `#[verifies(crate = path)]` on the struct.
fn krate(attributes: &[Attribute]) -> syn::Result<Path> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.path().is_ident("verifies"))
    else {
        return Ok(parse_quote!(::tonic_guard));
    };
    attribute.parse_args_with(|input: ParseStream<'_>| {
        if !input.peek(Token![crate]) {
            return Err(input.error("write this on the field that checks such credentials"));
        }
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
            if is_dyn_authenticate(&field.ty) {
                errors.push(syn::Error::new(
                    field.ty.span(),
                    "`Authenticate` isn't made for `dyn`: write `BoxAuthenticator<Bearer, User>`, with the scheme \
                     and the identity",
                ));
                continue;
            }
            let mut mistakes = Errors::default();
            let read = attribute.parse_args_with(|input: ParseStream<'_>| {
                let read = listed(input, attribute.span(), &mut mistakes);
                // syn would complain of the rest, and forget the mistake.
                input.parse::<TokenStream>()?;
                read
            });
            let named = mistakes.ok(read).into_iter().flatten();
            verifying.extend(named.map(|verified| (member.clone(), field.ty.clone(), verified)));
            errors.append(mistakes);
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

/// Keeps the first of two fields that verify one scheme.
fn no_scheme_twice(fields: &mut Vec<(Member, Type, Verified)>, errors: &mut Errors) {
    let mut seen = Vec::new();
    fields.retain(|(_, _, verified)| {
        let scheme = verified.text();
        if seen.contains(&scheme) {
            errors.push(syn::Error::new(
                verified.span(),
                format!(
                    "two fields verify `{scheme}`, and the type alone can't tell which is meant: name the field in \
                     the attribute with `via self.field`",
                ),
            ));
            return false;
        }
        seen.push(scheme);
        true
    });
}

/// Seen by what is written: the type itself isn't known here.
fn is_dyn_authenticate(ty: &Type) -> bool {
    let text = text::of(ty);
    text.contains("dyn Authenticate") || text.contains("dyn tonic_guard::Authenticate")
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
