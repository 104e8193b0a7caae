//! `cargo check` of a service of 434 methods, in user seconds.
//!
//! The generated code is in a separate crate that is checked once, so that only the impl is
//! measured. Half of the methods read the identity. All forms take turns, and the minimum of
//! several rounds counts, because other load can only add time.

use std::{
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::table::{print, row};
use tonic_guard_bench::quantile::median;

const METHODS: usize = 434;
const ROUNDS: usize = 7;
/// How many different sets of roles the methods require.
const ROLE_SETS: usize = 46;

/// The way in which the methods of the service are guarded.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Bare,
    ByHand,
    OnImpl,
    OnEach,
    Roles,
}

impl Form {
    const ALL: [Form; 5] = [Form::Bare, Form::ByHand, Form::OnImpl, Form::OnEach, Form::Roles];

    fn krate(self) -> &'static str {
        match self {
            Form::Bare => "bare",
            Form::ByHand => "by-hand",
            Form::OnImpl => "on-impl",
            Form::OnEach => "on-each",
            Form::Roles => "roles",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Form::Bare => "no auth",
            Form::ByHand => "by hand in each method",
            Form::OnImpl => "attribute on the impl, with guard",
            Form::OnEach => "attribute on each method, no guard",
            Form::Roles => "attribute with roles on each method of 46 sets, with guard",
        }
    }

    /// The source of one method. Every other method reads the identity.
    fn method(self, number: usize) -> String {
        let asks = number.is_multiple_of(2);
        let attribute = match self {
            Form::OnEach => "#[authenticated(scheme = \"bearer\")]\n".to_owned(),
            Form::Roles => format!(
                "#[authenticated(scheme = \"bearer\", roles(Role({}), Role(100)))]\n",
                number % ROLE_SETS
            ),
            Form::Bare | Form::ByHand | Form::OnImpl => String::new(),
        };
        let (request, identity) = match self {
            Form::Bare => ("_", ""),
            Form::ByHand => ("request", ""),
            Form::OnImpl | Form::OnEach | Form::Roles if asks => {
                ("_", ", #[identity] caller: User")
            }
            Form::OnImpl | Form::OnEach | Form::Roles => ("_", ""),
        };
        let check = match (self, asks) {
            (Form::ByHand, true) => "let caller = self.check(&request).await?;\n",
            (Form::ByHand, false) => "self.check(&request).await?;\n",
            _ => "",
        };
        let number_of_caller = match (self, asks) {
            (Form::Bare, _) | (_, false) => "0",
            (_, true) => "caller.number",
        };
        format!(
            "{attribute}async fn call{number}(&self, {request}: Request<Void>{identity}) \
             -> Result<Response<Number>, Status> {{\n\
             {check}Ok(Response::new(Number {{ number: {number_of_caller} }}))\n}}\n"
        )
    }

    fn source(self) -> String {
        let methods: String = (0..METHODS).map(|number| self.method(number)).collect();
        let mut source = "#![allow(dead_code)]\nuse tonic::{Request, Response, Status};\n\
                          use wide::{Number, Void, wide_server::{Wide, WideServer}};\n\
                          pub struct User { number: u64 }\npub struct Service;\n"
            .to_owned();
        source.push_str(match self {
            Form::Bare => "",
            Form::ByHand => BY_HAND,
            Form::OnImpl | Form::OnEach | Form::Roles => AUTHENTICATES,
        });
        if self == Form::Roles {
            source.push_str(ROLES);
        }
        if matches!(self, Form::OnImpl | Form::Roles) {
            source.push_str("#[authenticated(scheme = \"bearer\")]\n");
        }
        source.push_str("#[tonic::async_trait]\nimpl Wide for Service {\n");
        source.push_str(&methods);
        source.push_str("}\n");
        source.push_str(match self {
            Form::OnImpl | Form::Roles => {
                "pub fn server() -> tonic_guard::Guard<WideServer<Service>> {\n\
                 tonic_guard::guard(Service, WideServer::from_arc)\n}\n"
            }
            _ => "pub fn server() -> WideServer<Service> { WideServer::new(Service) }\n",
        });
        source
    }
}

const BY_HAND: &str = r#"
impl Service {
    async fn check<M>(&self, request: &Request<M>) -> Result<User, Status> {
        let value = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        match value.and_then(|value| value.strip_prefix("Bearer ")) {
            Some("token") => Ok(User { number: 7 }),
            _ => Err(Status::unauthenticated("the credentials are invalid")),
        }
    }
}
"#;

const ROLES: &str = r#"
pub struct Role(u64);
impl tonic_guard::HasRoles<Role> for User {
    fn has_role(&self, role: &Role) -> bool { self.number == role.0 }
}
"#;

const AUTHENTICATES: &str = r#"
use tonic_guard::{AuthError, Authenticate, Authenticated, authenticated, scheme::{Bearer, BearerToken}};
impl Authenticate<Bearer> for Service {
    type Identity = User;
    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches("token") { Ok(User { number: 7 }.into()) } else { Err(AuthError::invalid()) }
    }
}
"#;

/// User seconds of `cargo check`, the minimum of several rounds.
pub fn table() -> Result<(), Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let workspace = repository.join("target/bench/compile");
    write_workspace(&workspace, &repository)?;
    let mut seconds: [Vec<f64>; Form::ALL.len()] = Default::default();
    for form in Form::ALL {
        check(&workspace, form)?;
    }
    for _ in 0..ROUNDS {
        for (form, seconds) in Form::ALL.into_iter().zip(&mut seconds) {
            seconds.push(check(&workspace, form)?);
        }
    }
    let least = |seconds: &[f64]| seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let [_, by_hand, ..] = &seconds;
    let by_hand = least(by_hand);
    let mut rows = vec![row([
        format!("`cargo check`, {METHODS} methods"),
        "user seconds".to_owned(),
        "median".to_owned(),
        "of by hand".to_owned(),
    ])];
    for (form, seconds) in Form::ALL.into_iter().zip(&mut seconds) {
        let least = least(seconds);
        rows.push(row([
            form.name().to_owned(),
            format!("{least:.2}"),
            format!("{:.2}", median(seconds)),
            format!("{:.2}", least / by_hand),
        ]));
    }
    print(&format!("Compile time, the minimum of {ROUNDS} rounds"), &rows);
    Ok(())
}

fn write_workspace(workspace: &Path, repository: &Path) -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = Form::ALL.iter().map(|form| format!("\"{}\"", form.krate())).collect();
    let manifest = fs::read_to_string(repository.join("Cargo.toml"))?;
    // The same dependencies and versions as the repository's.
    let dependencies = section(&manifest, "[workspace.dependencies]")
        .replace("path = \"", &format!("path = \"{}/", repository.display()));
    write(
        &workspace.join("Cargo.toml"),
        &format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"wide\", {}]\n\n\
             [workspace.dependencies]\n{dependencies}",
            names.join(", ")
        ),
    )?;
    if !workspace.join("Cargo.lock").exists() {
        fs::copy(repository.join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    }
    let package = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             tonic = {{ workspace = true, features = [\"codegen\"] }}\n{more}"
        )
    };
    write(
        &workspace.join("wide/Cargo.toml"),
        &package("wide", "prost.workspace = true\ntonic-prost.workspace = true\n"),
    )?;
    write(&workspace.join("wide/src/lib.rs"), &generated(&workspace.join("wide"))?)?;
    for form in Form::ALL {
        let directory = workspace.join(form.krate());
        let more = "wide = { path = \"../wide\" }\ntonic-guard.workspace = true\n";
        write(&directory.join("Cargo.toml"), &package(form.krate(), more))?;
        write(&directory.join("src/lib.rs"), &form.source())?;
    }
    Ok(())
}

/// The lines of a manifest after `head`, up to the next table.
fn section<'a>(manifest: &'a str, head: &str) -> &'a str {
    let rest = manifest.split_once(head).map_or("", |(_, rest)| rest);
    rest.split_once("\n[").map_or(rest, |(section, _)| section)
}

/// The generated code of the service.
fn generated(directory: &Path) -> Result<String, Box<dyn Error>> {
    let mut proto = "syntax = \"proto3\"; package guard.bench.wide.v1; message Void {}\n\
                     message Number { uint64 number = 1; }\nservice Wide {\n"
        .to_owned();
    for number in 0..METHODS {
        writeln!(proto, "rpc Call{number}(Void) returns (Number);")?;
    }
    proto.push('}');
    write(&directory.join("wide.proto"), &proto)?;
    let files = protox::compile(["wide.proto"], [directory])?;
    let out: PathBuf = directory.join("generated");
    fs::create_dir_all(&out)?;
    tonic_prost_build::configure().build_client(false).out_dir(&out).compile_fds(files)?;
    Ok(fs::read_to_string(out.join("guard.bench.wide.v1.rs"))?)
}

/// Writes the file if its content differs, so that cargo sees no change otherwise.
fn write(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    if fs::read_to_string(path).is_ok_and(|written| written == text) {
        return Ok(());
    }
    path.parent().map(fs::create_dir_all).transpose()?;
    Ok(fs::write(path, text)?)
}

/// User seconds of checking one crate whose dependencies are already checked.
fn check(workspace: &Path, form: Form) -> Result<f64, Box<dyn Error>> {
    let source = workspace.join(form.krate()).join("src/lib.rs");
    fs::write(&source, form.source())?;
    // The shell's `time` counts cargo and its child processes, and nothing else.
    let script = format!("TIMEFORMAT=%U; time cargo check --quiet --package {}", form.krate());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let seconds = told.trim().lines().last().and_then(|line| line.trim().parse().ok());
    match seconds {
        Some(seconds) if output.status.success() => Ok(seconds),
        _ => Err(told.into()),
    }
}
