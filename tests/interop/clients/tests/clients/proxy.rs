//! nginx or HAProxy between a client and the server.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
    sync::OnceCell,
    time::{Instant, sleep},
};
use tonic_guard_interop_clients::install::{context, empty};
use tonic_guard_suite_support::process::{program, run};

use crate::{calls::Way, install::below_target};

const INSTALL_LIMIT: Duration = Duration::from_secs(300);
const START_LIMIT: Duration = Duration::from_secs(30);
/// Another program may take the free port before the proxy does.
const ATTEMPTS: usize = 5;

/// A running proxy, stopped when dropped.
pub struct Proxy {
    pub addr: SocketAddr,
    dir: PathBuf,
    child: Child,
}

impl Proxy {
    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The process still writes to the directory that is removed; dropping the handle waits for
        // nothing.
        let _ = self.child.start_kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Starts the proxy of `way`, if it has one, before the server at `server`.
pub async fn start(way: Way, server: SocketAddr) -> Option<Proxy> {
    let (name, config): (_, fn(&Path, SocketAddr, SocketAddr) -> String) = match way {
        Way::Directly => return None,
        Way::Nginx => ("nginx", nginx),
        Way::Haproxy => ("haproxy", haproxy),
    };
    let mut whys = Vec::new();
    for _ in 0..ATTEMPTS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let dir = below_target(&format!("{name}-{}-{}", std::process::id(), addr.port()));
        empty(&dir).unwrap_or_else(|why| panic!("{why}"));
        let file = dir.join("config");
        fs::write(&file, config(&dir, addr, server)).expect("the target directory is writable");
        let log = File::create(dir.join("log")).expect("the target directory is writable");
        let mut command = installed(name).await;
        match way {
            Way::Nginx => command.arg("-p").arg(&dir).arg("-c").arg(file).args(["-e", "stderr"]),
            _ => command.arg("-db").arg("-f").arg(file),
        };
        command.stdout(log.try_clone().expect("a second handle of a file")).stderr(log);
        drop(listener);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut proxy = Proxy { addr, dir, child };
        match accepts(&mut proxy).await {
            Ok(()) => return Some(proxy),
            Err(why) => whys.push(format!("{why}\n{}", proxy.log())),
        }
    }
    panic!("{name} doesn't start: {}", whys.join("\n"));
}

/// Waits until the proxy accepts connections.
async fn accepts(proxy: &mut Proxy) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let connected = TcpStream::connect(proxy.addr).await;
        // Checked after the connection: if another program has the port, the proxy has ended.
        if let Some(status) = proxy.child.try_wait().map_err(context("asking for its status"))? {
            return Err(format!("expected it to run, came {status}"));
        }
        match connected {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > START_LIMIT => {
                return Err(format!("expected a connection within {START_LIMIT:?}, came {error}"));
            }
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// One process, so that killing it leaves no worker behind.
fn nginx(dir: &Path, addr: SocketAddr, server: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        r#"daemon off;
master_process off;
pid "{dir}/pid";
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path "{dir}/client-body";
    proxy_temp_path "{dir}/proxy";
    fastcgi_temp_path "{dir}/fastcgi";
    uwsgi_temp_path "{dir}/uwsgi";
    scgi_temp_path "{dir}/scgi";
    # By default nginx itself rejects more than 1 MiB.
    client_max_body_size 16m;
    server {{
        listen {addr} http2;
        location / {{ grpc_pass grpc://{server}; }}
    }}
}}
"#
    )
}

fn haproxy(_: &Path, addr: SocketAddr, server: SocketAddr) -> String {
    format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen grpc
    bind {addr} proto h2
    server it {server} proto h2
"
    )
}

/// A command that runs the proxy `name`: the system's, or one that is installed for the tests.
async fn installed(name: &'static str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // The directory of daemons isn't in every PATH.
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    if let Some(path) = dirs.map(|dir| dir.join(name)).find(|path| path.is_file()) {
        return program(path);
    }
    static ROOT: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let root = ROOT.get_or_init(install).await;
    let root = root.as_ref().unwrap_or_else(|why| {
        panic!("{name} is not on this machine, and can't be installed: {why}")
    });
    let mut command = program(root.join("usr/sbin").join(name));
    command.env("LD_LIBRARY_PATH", libraries(root));
    command
}

/// Downloads the packages and their dependencies, and unpacks them below the target directory.
/// Nothing is installed on the system: its package manager would start both as daemons.
async fn install() -> Result<PathBuf, String> {
    let root = below_target("debian");
    let whole = root.join("whole");
    if whole.is_file() {
        return Ok(root);
    }
    empty(&root)?;
    let lists = root.join("lists");
    let cache = root.join("cache");
    for dir in [lists.join("partial"), cache.join("archives/partial")] {
        fs::create_dir_all(dir).map_err(context("making a directory"))?;
    }
    let apt = |arguments: &[&str]| {
        let mut apt = program("apt-get");
        // With separate lists and archives and without a lock it needs no privileges.
        apt.arg("--quiet")
            .args(["-o", "Debug::NoLocking=1"])
            .arg("-o")
            .arg(format!("Dir::State::lists={}", lists.display()))
            .arg("-o")
            .arg(format!("Dir::Cache={}", cache.display()))
            .args(arguments);
        apt
    };
    run("fetching Debian's lists", INSTALL_LIMIT, &mut apt(&["update"])).await?;
    let fetch = ["install", "--yes", "--no-install-recommends", "--download-only"];
    let fetch = [&fetch[..], &["nginx", "haproxy"]].concat();
    run("fetching nginx and haproxy", INSTALL_LIMIT, &mut apt(&fetch)).await?;
    for entry in fs::read_dir(cache.join("archives")).map_err(context("reading the archives"))? {
        let path = entry.map_err(context("reading the archives"))?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = program("dpkg-deb");
            unpack.arg("--extract").arg(path).arg(&root);
            run("unpacking a package", INSTALL_LIMIT, &mut unpack).await?;
        }
    }
    fs::write(whole, "").map_err(context("marking an installation as whole"))?;
    Ok(root)
}

/// Debian's library directory is named after the architecture.
fn libraries(root: &Path) -> std::ffi::OsString {
    let entries = fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
    let dirs = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    std::env::join_paths(dirs).unwrap_or_default()
}
