//! Secrets that must be kept to be used again (webhook secrets, addresses that let whoever knows
//! them post) are sealed: the database and its copies do not show them without the key, which is a
//! file beside the database that backups leave out, or comes from outside.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The file of the key in the data folder.
pub const KEY_FILE: &str = "secret.key";

/// Says how what follows is sealed.
const VERSION: &str = "v1:";

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Seal(Arc<LessSafeKey>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another key sealed it, or it was changed.
    #[error("it was sealed with another key; type it again")]
    OtherKey,
    /// No random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl Seal {
    /// With this key: 64 hexadecimal digits.
    ///
    /// # Errors
    /// When it is not that.
    pub fn from_hex(digits: &str) -> Result<Self, String> {
        let digits = digits.trim();
        let bytes: Option<Vec<u8>> = (digits.len() == 64 && digits.is_ascii())
            .then(|| {
                (0..64)
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
                    .collect()
            })
            .flatten();
        let key = bytes.and_then(|bytes| UnboundKey::new(&AES_256_GCM, &bytes).ok());
        match key {
            Some(key) => Ok(Self(Arc::new(LessSafeKey::new(key)))),
            None => Err("a key for sealing has 64 hexadecimal digits".to_owned()),
        }
    }

    /// With the key of this data folder, made when there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, or is none.
    pub fn of_folder(folder: &Path) -> Result<Self, String> {
        let path = folder.join(KEY_FILE);
        let wrong = |error: &dyn fmt::Display| format!("{} cannot be used: {error}", path.display());
        let made = make(&path);
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(wrong(&error)),
        }
        let mut digits = String::new();
        File::open(&path)
            .and_then(|file| file.take(1024).read_to_string(&mut digits))
            .map_err(|error| wrong(&error))?;
        Self::from_hex(&digits).map_err(|error| wrong(&error))
    }

    /// Seals a text. `what` says what it is; it opens as nothing else.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn close(&self, what: &str, text: &str) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| SealError::NoRandomness)?;
        let mut bytes = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(what.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| SealError::NoRandomness)?;
        let mut whole = nonce.to_vec();
        whole.append(&mut bytes);
        Ok(format!("{VERSION}{}", STANDARD.encode(whole)))
    }

    /// Opens what was sealed as this.
    ///
    /// # Errors
    /// When it was sealed with another key or as something else, or was changed.
    pub fn open(&self, what: &str, sealed: &str) -> Result<String, SealError> {
        let open = || {
            let whole = STANDARD.decode(sealed.strip_prefix(VERSION)?).ok()?;
            let (nonce, bytes) = whole.split_at_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut bytes = bytes.to_vec();
            let text = self
                .0
                .open_in_place(nonce, Aad::from(what.as_bytes()), &mut bytes)
                .ok()?;
            String::from_utf8(text.to_vec()).ok()
        };
        open().ok_or(SealError::OtherKey)
    }
}

/// Makes the key's file, for its owner only. It is whole or not there: it is written beside its
/// place and linked into it.
fn make(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut key = [0; 32];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(&beside)?;
        writeln!(file, "{digits}")?;
        file.sync_all()?;
        std::fs::hard_link(&beside, path)
    };
    let written = write();
    // Left over it would only be in the way.
    let _ = std::fs::remove_file(&beside);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::of_folder(folder.path()).unwrap();
        let sealed = seal
            .close("channel", "https://hooks.example.org/T0/secret")
            .unwrap();
        assert!(!sealed.contains("hooks"));
        assert_ne!(
            sealed,
            seal.close("channel", "https://hooks.example.org/T0/secret")
                .unwrap()
        );
        let again = Seal::of_folder(folder.path()).unwrap();
        assert_eq!(
            again.open("channel", &sealed).as_deref(),
            Ok("https://hooks.example.org/T0/secret")
        );
        assert_eq!(again.open("other", &sealed), Err(SealError::OtherKey));
        let other = Seal::from_hex(&"ab".repeat(32)).unwrap();
        assert_eq!(other.open("channel", &sealed), Err(SealError::OtherKey));
        let mut changed = sealed.into_bytes();
        changed[20] ^= 1;
        let changed = String::from_utf8_lossy(&changed).into_owned();
        assert_eq!(again.open("channel", &changed), Err(SealError::OtherKey));
        for wrong in ["", "v1:", "v1:AAAA", "x"] {
            assert!(again.open("channel", wrong).is_err());
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Seal::of_folder(folder.path()).unwrap();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        std::fs::write(&path, "not a key").unwrap();
        assert!(
            Seal::of_folder(folder.path())
                .unwrap_err()
                .contains("64 hexadecimal")
        );
    }
}
