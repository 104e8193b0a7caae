use std::path::{Path, PathBuf};

/// A temporary file whose content is replaced atomically. It is removed when dropped.
#[derive(Debug)]
pub struct TempFile(PathBuf);

#[allow(clippy::expect_used, reason = "a test fixture")]
impl TempFile {
    /// A file with this content. `name` must be unique within the process.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn new(name: &str, content: &str) -> Self {
        let name = format!("tonic-guard-{}-{name}", std::process::id());
        let file = TempFile(std::env::temp_dir().join(name));
        file.replace(content);
        file
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `content` to another file and renames it to this one.
    ///
    /// # Panics
    /// When that fails.
    pub fn replace(&self, content: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, content).expect("a temporary file can be written");
        std::fs::rename(&new, &self.0).expect("a temporary file can be replaced");
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
