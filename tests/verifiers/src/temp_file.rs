use std::path::{Path, PathBuf};

/// A file that is replaced as operators should: at once.
#[derive(Debug)]
pub struct TempFile(PathBuf);

#[allow(clippy::expect_used, reason = "a test fixture")]
impl TempFile {
    /// A file with this content. `name` tells it from the others of this process.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn new(name: &str, content: &str) -> Self {
        let name = format!("tonic-guard-{}-{name}", std::process::id());
        let file = TempFile(std::env::temp_dir().join(name));
        file.replace(content);
        file
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes another beside it and renames that.
    ///
    /// # Panics
    /// When that fails.
    pub fn replace(&self, content: &str) {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, content).expect("a temporary file can be written");
        std::fs::rename(&beside, &self.0).expect("a temporary file can be replaced");
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
