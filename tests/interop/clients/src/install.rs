//! Packages of Node and Python, installed once into a directory, and again when their versions change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tonic_guard_tests::process::{program, run};

const LIMIT: Duration = Duration::from_secs(300);
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// Installs what `package-lock.json` in `from` names into `dir`, and lays the scripts beside it: Node
/// finds packages from where a script lies.
///
/// # Errors
/// What failed, and what npm said of it.
pub async fn node(from: &Path, scripts: &[&str], dir: &Path) -> Result<(), String> {
    let version = run("Node", VERSION_LIMIT, program("node").arg("--version")).await?;
    let lock = read(&from.join("package-lock.json"))?;
    let wanted = Stamp::of(dir, &[&version, &lock]);
    if !wanted.is_there() {
        empty(dir)?;
        for name in ["package.json", "package-lock.json"] {
            copy(&from.join(name), &dir.join(name))?;
        }
        let mut npm = program("npm");
        // No package runs code of its own while it is installed.
        npm.current_dir(dir).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run("installing the Node packages", LIMIT, &mut npm).await?;
        wanted.leave()?;
    }
    for name in scripts {
        copy(&from.join(name), &dir.join(name))?;
    }
    Ok(())
}

/// Installs what `requirements` names into `dir`.
///
/// # Errors
/// What failed, and what pip said of it.
pub async fn python(requirements: &Path, dir: &Path) -> Result<(), String> {
    let version = run("Python", VERSION_LIMIT, program("python3").arg("--version")).await?;
    let wanted = Stamp::of(dir, &[&version, &read(requirements)?]);
    if !wanted.is_there() {
        empty(dir)?;
        let mut pip = program("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(requirements)
            .arg("--target")
            .arg(dir);
        run("installing the Python packages", LIMIT, &mut pip).await?;
        wanted.leave()?;
    }
    Ok(())
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
///
/// # Errors
/// Why it can't be made.
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
