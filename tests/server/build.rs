//! Generates the services that the tests call. No protoc: protox reads the protos.

use std::{env, error::Error, fmt::Write, fs, path::Path};

/// The number of methods of a large service.
const WIDE: usize = 120;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=../support/proto");
    let files = protox::compile(["proto/orders.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(files)?;
    with_shared_messages("policies.proto")?;
    with_shared_messages("names.proto")?;
    shared_with_all_suites()?;
    let files = protox::compile(["proto/shared.proto"], ["proto"])?;
    tonic_prost_build::configure().use_arc_self(true).compile_fds(files)?;
    wide(Path::new(&env::var("OUT_DIR")?))
}

/// A service whose messages are in the support crate.
fn with_shared_messages(proto: &str) -> Result<(), Box<dyn Error>> {
    let mut files = protox::compile([proto], ["proto", "../support/proto"])?;
    files.file.retain(|file| file.name() == proto);
    tonic_prost_build::configure()
        .extern_path(".guard.test.v1.Note", "::tonic_guard_suite_support::pb::Note")
        .compile_fds(files)?;
    Ok(())
}

/// The code that `tests/support/src/generated` has, for the test that compares them.
fn shared_with_all_suites() -> Result<(), Box<dyn Error>> {
    let files =
        protox::compile(["kinds.proto", "later.proto", "shapes.proto"], ["../support/proto"])?;
    let out = Path::new(&env::var("OUT_DIR")?).join("shared_with_all_suites");
    fs::create_dir_all(&out)?;
    tonic_prost_build::configure().build_transport(false).out_dir(out).compile_fds(files)?;
    Ok(())
}

/// A service of many methods, and its implementation: every third method has an attribute.
fn wide(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut proto = "syntax = \"proto3\"; package guard.shapes.wide.v1; message Void {}\n\
                     service Wide {\n"
        .to_owned();
    let mut methods = String::new();
    for number in 0..WIDE {
        writeln!(proto, "rpc Call{number}(Void) returns (Void);")?;
        if number % 3 == 2 {
            methods.push_str("#[authenticated(scheme = \"bearer\", scopes(\"write\"))]\n");
        }
        writeln!(
            methods,
            "async fn call{number}(&self, _: Request<Void>) -> Result<Response<Void>, Status> {{ \
             Ok(Response::new(Void {{}})) }}"
        )?;
    }
    proto.push('}');
    fs::write(out.join("wide.proto"), proto)?;
    let files = protox::compile(["wide.proto"], [out])?;
    tonic_prost_build::configure().compile_fds(files)?;
    let service = format!(
        "#[authenticated(scheme = \"bearer\")]\n#[tonic::async_trait]\nimpl Wide for Service {{\n{methods}}}\n"
    );
    fs::write(out.join("wide_impl.rs"), service)?;
    Ok(())
}
