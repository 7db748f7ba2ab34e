//! Notes which messages the broker has confirmed, for tests that look for them afterwards.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

/// A file with a line `device,at` for each confirmed message.
#[derive(Debug)]
pub struct Ledger(Mutex<BufWriter<File>>);

impl Ledger {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path);
        let file = file.with_context(|| format!("cannot write the ledger {}", path.display()))?;
        Ok(Self(Mutex::new(BufWriter::new(file))))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn confirm(&self, device: &str, at_micros: i64) -> Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{device},{at_micros}").context("cannot write the ledger")
    }

    /// Brings all lines to the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&self) -> Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.flush().context("cannot write the ledger")
    }
}
