//! Generates the benchmarked services. protox reads the protos, so no protoc is needed.

use std::{error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = std::env::var("OUT_DIR")?;
    let out = Path::new(&out);
    let files = protox::compile(["proto/echo.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(files)?;
    wide(out)
}

/// A service of 3 methods and one of 434, for the growth with the number of methods.
fn wide(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut proto = "syntax = \"proto3\"; package guard.bench.wide.v1;\n\
                     message Words { bytes text = 1; }\nmessage Heard { uint64 caller = 1; }\n"
        .to_owned();
    let mut impls = String::new();
    for (service, server, methods) in [("Narrow", "narrow_server", 3), ("Wide", "wide_server", 434)]
    {
        writeln!(proto, "service {service} {{")?;
        for number in 0..methods {
            writeln!(proto, "rpc Say{number}(Words) returns (Heard);")?;
        }
        proto.push_str("}\n");
        let policy = format!(
            "#[authenticated(scheme = \"bearer\", server = wide::{server}::{service}Server)]"
        );
        for (subject, attribute) in [("Open", ""), ("Guarded", &policy)] {
            writeln!(
                impls,
                "{attribute}\n#[tonic::async_trait]\nimpl wide::{server}::{service} for {subject} {{"
            )?;
            for number in 0..methods {
                writeln!(
                    impls,
                    "async fn say{number}(&self, _: Request<wide::Words>) \
                     -> Result<Response<wide::Heard>, Status> {{ heard() }}"
                )?;
            }
            impls.push_str("}\n");
        }
    }
    let protos = out.join("protos");
    fs::create_dir_all(&protos)?;
    fs::write(protos.join("wide.proto"), proto)?;
    let files = protox::compile(["wide.proto"], [&protos])?;
    tonic_prost_build::configure().build_client(false).compile_fds(files)?;
    fs::write(out.join("wide_impls.rs"), impls)?;
    Ok(())
}
