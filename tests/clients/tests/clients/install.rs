//! Installing what the tests need below the target directory, once, and again when its versions change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::OnceCell;

use crate::process::{program, run};

const LIMIT: Duration = Duration::from_secs(300);
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// Where the clients are.
pub struct Clients {
    /// The Node scripts, beside the packages that they import.
    pub node: PathBuf,
    /// The Python packages.
    pub python: PathBuf,
    /// The compiled protos, for the client that brings no compiler.
    pub descriptors: PathBuf,
}

/// A file of this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A place below the target directory.
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
    install_node(&clients.node).await?;
    install_python(&clients.python).await?;
    fs::write(&clients.descriptors, descriptors()?).map_err(told("writing the descriptors"))?;
    Ok(clients)
}

async fn install_node(dir: &Path) -> Result<(), String> {
    let version = run("Node", VERSION_LIMIT, program("node").arg("--version")).await?;
    let lock = read(&here("node/package-lock.json"))?;
    let wanted = Stamp::of(dir, &[&version, &lock]);
    if !wanted.is_there() {
        empty(dir)?;
        for name in ["package.json", "package-lock.json"] {
            copy(&here("node").join(name), &dir.join(name))?;
        }
        let mut npm = program("npm");
        // No package runs code of its own while it is installed.
        npm.current_dir(dir).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run("installing the Node clients", LIMIT, &mut npm).await?;
        wanted.leave()?;
    }
    // Node finds packages from where the script lies.
    for name in ["calls.mjs", "connect.mjs", "grpc_js.mjs"] {
        copy(&here("node").join(name), &dir.join(name))?;
    }
    Ok(())
}

async fn install_python(dir: &Path) -> Result<(), String> {
    let version = run("Python", VERSION_LIMIT, program("python3").arg("--version")).await?;
    let requirements = here("python/requirements.txt");
    let wanted = Stamp::of(dir, &[&version, &read(&requirements)?]);
    if !wanted.is_there() {
        empty(dir)?;
        let mut pip = program("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(requirements)
            .arg("--target")
            .arg(dir);
        run("installing the Python client", LIMIT, &mut pip).await?;
        wanted.leave()?;
    }
    Ok(())
}

fn descriptors() -> Result<Vec<u8>, String> {
    let includes = [here("../../examples/proto"), here("proto")];
    let mut compiler = protox::Compiler::new(includes).map_err(|error| error.to_string())?;
    compiler
        .include_imports(true)
        .open_files(["orders.proto", "refusal.proto"])
        .map_err(|error| error.to_string())?;
    Ok(compiler.encode_file_descriptor_set())
}

/// What an installation was made from, left in it once it is whole.
struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    fn of(dir: &Path, made_from: &[&str]) -> Self {
        Stamp { path: dir.join("made-from"), text: made_from.concat() }
    }

    fn is_there(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn leave(&self) -> Result<(), String> {
        fs::write(&self.path, &self.text).map_err(told("marking an installation as whole"))
    }
}

/// Makes an empty directory of `dir`.
pub fn empty(dir: &Path) -> Result<(), String> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(told("removing an installation"))?;
    }
    fs::create_dir_all(dir).map_err(told("making a directory"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

/// Says what was done when an error came.
pub fn told(what: &str) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{what}: {error}")
}
