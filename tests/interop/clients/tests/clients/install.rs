//! Installs the tests' tools below the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::sync::OnceCell;
use tonic_guard_interop_clients::install::{context, node, python};

/// The locations of the clients.
pub struct Clients {
    /// The Node scripts, beside the packages that they import.
    pub node: PathBuf,
    /// The Python packages.
    pub python: PathBuf,
    /// The compiled protos, for the client without a compiler.
    pub descriptors: PathBuf,
}

/// A file of this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A path below the target directory.
pub fn below_target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(path)
}

/// The installed clients.
pub async fn clients() -> &'static Clients {
    static INSTALLED: OnceCell<Result<Clients, String>> = OnceCell::const_new();
    let installed = INSTALLED.get_or_init(install).await;
    installed.as_ref().unwrap_or_else(|why| panic!("the clients can't be installed: {why}"))
}

async fn install() -> Result<Clients, String> {
    let clients = Clients {
        node: below_target("node"),
        python: below_target("python"),
        descriptors: below_target("orders.bin"),
    };
    let scripts = ["calls.mjs", "connect.mjs", "grpc_js.mjs"];
    node(&here("node"), &scripts, &clients.node).await?;
    python(&here("python/requirements.txt"), &clients.python).await?;
    fs::write(&clients.descriptors, descriptors()?).map_err(context("writing the descriptors"))?;
    Ok(clients)
}

fn descriptors() -> Result<Vec<u8>, String> {
    let includes = [here("../../../examples/proto"), here("proto")];
    let mut compiler = protox::Compiler::new(includes).map_err(|error| error.to_string())?;
    compiler
        .include_imports(true)
        .open_files(["orders.proto", "rejection.proto"])
        .map_err(|error| error.to_string())?;
    Ok(compiler.encode_file_descriptor_set())
}
