//! The error for an argument that `#[authenticated(..)]` doesn't have.

use strsim::levenshtein;
use syn::Ident;

/// All arguments, for error messages.
pub(super) const ARGUMENTS: &str = "`scheme = ..`, `scopes(..)`, `roles(..)`, `authorize = ..`, \
     `authorize_request = ..`, `rpc = \"..\"`, `service = \"..\"`, `server = ..`, `crate = ..`";

const NAMES: [&str; 9] = [
    "scheme",
    "scopes",
    "roles",
    "authorize",
    "authorize_request",
    "rpc",
    "service",
    "server",
    "crate",
];

pub(super) fn unknown_argument(name: &Ident) -> syn::Error {
    let help = help(&name.to_string()).map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    syn::Error::new(
        name.span(),
        format!("unknown argument `{name}`{help}\nnote: the arguments are {ARGUMENTS}"),
    )
}

/// What to write in place of the argument `unknown`.
fn help(unknown: &str) -> Option<String> {
    Some(match unknown {
        "one_of" | "all_of" => format!("write `scheme = {unknown}(..)`"),
        "optional" => "write `scheme = optional(\"bearer\")`".to_owned(),
        "via" => {
            "write `via` after its scheme, without a comma: `scheme = \"bearer\" via self.tokens`"
                .to_owned()
        }
        "header" => "write `scheme = ApiKey::header(\"x-ingest-key\")`".to_owned(),
        "public" | "open" | "anonymous" | "allow_anonymous" => {
            "write `#[anonymous(reason = \"..\")]` on the method".to_owned()
        }
        "bearer" | "basic" => format!("write `scheme = \"{unknown}\"`"),
        _ => {
            let nearest = NAMES.into_iter().find(|name| levenshtein(name, unknown) <= 2)?;
            format!("did you mean `{nearest}`?")
        }
    })
}
