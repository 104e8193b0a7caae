//! Expressions that can't be a scheme, and what to write in their place.
//!
//! Without these checks the compiler would report an unresolved name or a type mismatch.

use syn::{Expr, ExprCall, ExprPath, Lit, spanned::Spanned};

use crate::{parse::built_in_scheme::BuiltInScheme, syntax::text};

pub(super) const SEVERAL_SCHEMES: &str = "expected one scheme or a combinator\nhelp: write `one_of(\"bearer\", \"basic\")` if \
     one of the schemes is enough, or `all_of(\"api-key\", \"bearer\")` if a call must carry both, in different headers";

/// # Errors
///
/// When `value` is evidently not a scheme.
pub(super) fn reject_misplaced(value: &Expr) -> syn::Result<()> {
    let message = match value {
        Expr::Path(path) => misplaced_path(path),
        // `api-key` without quotes is a subtraction.
        Expr::Binary(binary) => {
            let code = text::of(binary);
            let scheme = BuiltInScheme::ALL.into_iter().find(|scheme| scheme.name() == code);
            scheme.map(|scheme| scheme.missing_quotes(&code))
        }
        Expr::Array(_) | Expr::Tuple(_) => Some(SEVERAL_SCHEMES.to_owned()),
        Expr::Call(call) => is_misnamed_combinator(call).then(|| SEVERAL_SCHEMES.to_owned()),
        _ => None,
    };
    message.map_or(Ok(()), |message| Err(syn::Error::new(value.span(), message)))
}

/// A type, a keyword of another framework or an unquoted name. A name in capitals may be a constant.
fn misplaced_path(path: &ExprPath) -> Option<String> {
    let last = path.path.segments.last().filter(|last| last.arguments.is_none());
    let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
    let is_single_name = path.path.get_ident().is_some();
    let is_ours = is_single_name || text::of(path).ends_with("scheme::FromExtensions");
    if name == "FromExtensions" && is_ours {
        return Some(
            "expected a value, found the type `FromExtensions`\nhelp: write `FromExtensions::<User>::new()`, where \
             `User` is the type that a layer inserts"
                .to_owned(),
        );
    }
    if !is_single_name {
        return None;
    }
    if let "none" | "public" | "anonymous" = name.as_str() {
        return Some(format!(
            "expected a scheme, found `{name}`\nhelp: write `#[anonymous(reason = \"..\")]` on a method that \
             everyone may call"
        ));
    }
    BuiltInScheme::without_quotes(&name).map(|scheme| scheme.missing_quotes(&name))
}

/// Returns whether `call` has built-in schemes as its arguments, and the name that a combinator has elsewhere.
fn is_misnamed_combinator(call: &ExprCall) -> bool {
    const NAMES: [&str; 9] =
        ["any", "any_of", "anyof", "either", "oneof", "or", "all", "allof", "and"];
    let is_built_in = |argument: &Expr| match argument {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => BuiltInScheme::parse(text).is_ok(),
            _ => false,
        },
        _ => false,
    };
    NAMES.contains(&text::of(&call.func).as_str())
        && call.args.len() > 1
        && call.args.iter().all(is_built_in)
}
