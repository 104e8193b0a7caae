//! Packages of Node and Python, installed once into a directory and again if their versions change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tonic_guard_suite_support::process::{program, run};

const LIMIT: Duration = Duration::from_secs(300);
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// Installs the packages of `package-lock.json` in `from` into `dir`, and copies the scripts beside
/// them: Node resolves packages relative to a script.
///
/// # Errors
/// The failed step, with the output of npm.
pub async fn node(from: &Path, scripts: &[&str], dir: &Path) -> Result<(), String> {
    let version = run("Node", VERSION_LIMIT, program("node").arg("--version")).await?;
    let lock = read(&from.join("package-lock.json"))?;
    let wanted = Stamp::of(dir, &[&version, &lock]);
    if !wanted.is_current() {
        empty(dir)?;
        for name in ["package.json", "package-lock.json"] {
            copy(&from.join(name), &dir.join(name))?;
        }
        let mut npm = program("npm");
        // Packages run no code during their installation.
        npm.current_dir(dir).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run("installing the Node packages", LIMIT, &mut npm).await?;
        wanted.write()?;
    }
    for name in scripts {
        copy(&from.join(name), &dir.join(name))?;
    }
    Ok(())
}

/// Installs the packages of `requirements` into `dir`.
///
/// # Errors
/// The failed step, with the output of pip.
pub async fn python(requirements: &Path, dir: &Path) -> Result<(), String> {
    let version = run("Python", VERSION_LIMIT, program("python3").arg("--version")).await?;
    let wanted = Stamp::of(dir, &[&version, &read(requirements)?]);
    if !wanted.is_current() {
        empty(dir)?;
        let mut pip = program("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(requirements)
            .arg("--target")
            .arg(dir);
        run("installing the Python packages", LIMIT, &mut pip).await?;
        wanted.write()?;
    }
    Ok(())
}

/// The inputs of an installation, written into it once it is complete.
struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    fn of(dir: &Path, made_from: &[&str]) -> Self {
        Stamp { path: dir.join("made-from"), text: made_from.concat() }
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn write(&self) -> Result<(), String> {
        fs::write(&self.path, &self.text).map_err(context("marking an installation as whole"))
    }
}

/// Makes an empty directory of `dir`.
///
/// # Errors
/// Why it can't be made.
pub fn empty(dir: &Path) -> Result<(), String> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(context("removing an installation"))?;
    }
    fs::create_dir_all(dir).map_err(context("making a directory"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

/// Describes the failed action of an error.
pub fn context(what: &str) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{what}: {error}")
}
