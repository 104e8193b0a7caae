//! Stored hashes, what may stand in them, and how a password is checked against one.

use std::{error::Error, fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc};
use aws_lc_rs::rand;
use constant_time_eq::constant_time_eq;

/// How much memory one check may fill, all passes together, in KiB: 2 GiB.
///
/// It lets in the dearest parameters that RFC 9106, section 4 recommends (2 GiB, one pass). What is above
/// would take longer than the call's deadline, on every call.
const MAX_FILLED: u64 = 2 * 1024 * 1024;

const MAX_LANES: u32 = 64;

/// A hash of 128 bits.
const MIN_OUTPUT: usize = 16;

/// What a password hash costs: Argon2's parameters (RFC 9106).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Parameters {
    /// Argon2id with so much memory, so many passes over it and so many lanes.
    ///
    /// ```
    /// use tonic_guard::passwords::Parameters;
    ///
    /// // 64 MiB, three passes, four lanes: the second recommendation of RFC 9106, section 4.
    /// assert!(Parameters::new(64 * 1024, 3, 4).is_ok());
    ///
    /// // 4 GiB for every call.
    /// assert!(Parameters::new(4 * 1024 * 1024, 1, 4).is_err());
    /// ```
    ///
    /// # Errors
    /// When Argon2 doesn't have such parameters, or memory times passes is more than 2 GiB, or there are
    /// more than 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashError> {
        let params =
            Params::new(memory_kib, passes, lanes, None).map_err(|_| HashError::Parameters)?;
        Parameters { algorithm: Algorithm::Argon2id, version: Version::V0x13, params }.bounded()
    }

    fn bounded(self) -> Result<Self, HashError> {
        if self.filled() <= MAX_FILLED && self.params.p_cost() <= MAX_LANES {
            Ok(self)
        } else {
            Err(HashError::Parameters)
        }
    }

    /// How much memory a check fills, all passes together, in KiB. It is what time goes with.
    pub(super) fn filled(&self) -> u64 {
        u64::from(self.params.m_cost()) * u64::from(self.params.t_cost())
    }

    /// Hashes a password, with a salt of its own: for a program that makes or changes users.
    ///
    /// It takes as long as a check does, and blocks.
    ///
    /// ```
    /// use tonic_guard::passwords::Parameters;
    ///
    /// let hash = Parameters::default().hash("correct horse battery staple")?;
    /// assert!(hash.phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// # Ok::<(), tonic_guard::passwords::HashError>(())
    /// ```
    ///
    /// # Errors
    /// When the system has no random bytes or too little memory.
    pub fn hash(&self, password: &str) -> Result<PasswordHash, HashError> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| HashError::NoRandomness)?;
        let mut output = [0; 32];
        self.run(password, &salt, &mut output)?;
        let phc = phc::PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: phc::ParamsString::try_from(&self.params).map_err(|_| HashError::Parameters)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| HashError::NotPhc)?),
            hash: Some(phc::Output::new(&output).map_err(|_| HashError::NotPhc)?),
        };
        phc.to_string().parse()
    }

    /// The one place where Argon2 runs.
    fn run(&self, password: &str, salt: &[u8], output: &mut [u8]) -> Result<(), HashError> {
        let _span = tracing::trace_span!(
            target: "tonic_guard",
            "argon2",
            memory_kib = self.params.m_cost(),
            passes = self.params.t_cost(),
            lanes = self.params.p_cost(),
        )
        .entered();
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into(password.as_bytes(), salt, output)
            .map_err(|error| match error {
                argon2::Error::OutOfMemory => HashError::OutOfMemory,
                _ => HashError::Parameters,
            })
    }
}

/// 19 MiB, two passes, one lane: what OWASP's cheat sheet on password storage asks for at least.
impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: Params::DEFAULT,
        }
    }
}

/// A password's hash, as a [PHC string] of Argon2 tells it. It never prints.
///
/// ```
/// use tonic_guard::passwords::PasswordHash;
///
/// let stored = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA\
///     $PAWILv0lSNnqn/P1tbZnTr/BSDrLrmPHnPbBcq8xFY8";
/// assert!(stored.parse::<PasswordHash>().is_ok());
///
/// // Parameters that would take all of the server's memory are refused before anyone calls.
/// assert!(stored.replace("m=19456", "m=4194304").parse::<PasswordHash>().is_err());
/// ```
///
/// [PHC string]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
#[derive(Clone)]
pub struct PasswordHash {
    text: Box<str>,
    parameters: Parameters,
    salt: Box<[u8]>,
    output: Box<[u8]>,
}

impl PasswordHash {
    /// The hash of no password that anyone knows, for a user that doesn't exist.
    pub(super) fn nobodys(parameters: Parameters) -> Self {
        let (salt, output) = (Box::new([0; 16]), Box::new([0; 32]));
        PasswordHash { text: "".into(), parameters, salt, output }
    }

    /// The PHC string, to store. Whoever reads it can try passwords against it.
    pub fn phc(&self) -> &str {
        &self.text
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Whether this is the hash of `password`. It takes long, and blocks.
    pub(super) fn verify(&self, password: &str) -> Result<bool, HashError> {
        let mut output = vec![0; self.output.len()];
        self.parameters.run(password, &self.salt, &mut output)?;
        Ok(constant_time_eq(&output, &self.output))
    }
}

impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let phc = phc::PasswordHash::new(text).map_err(|_| HashError::NotPhc)?;
        let algorithm =
            Algorithm::try_from(phc.algorithm.as_str()).map_err(|_| HashError::NotArgon2)?;
        // Without `v` Argon2's tools mean version 16, and its library here 19: say which.
        let version = phc.version.ok_or(HashError::Version)?;
        let version = Version::try_from(version).map_err(|_| HashError::Version)?;
        // All three and nothing else: what is left out would be guessed, and `data` is part of the hash.
        let all = ["m", "t", "p"].iter().all(|name| phc.params.get(*name).is_some());
        if !all || phc.params.iter().count() != 3 {
            return Err(HashError::Parameters);
        }
        let params = Params::try_from(&phc.params).map_err(|_| HashError::Parameters)?;
        let parameters = Parameters { algorithm, version, params }.bounded()?;
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(HashError::NotPhc);
        };
        if output.len() < MIN_OUTPUT {
            return Err(HashError::Short);
        }
        Ok(PasswordHash {
            text: text.into(),
            parameters,
            salt: salt.as_ref().into(),
            output: output.as_bytes().into(),
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// Why a text is no [`PasswordHash`], or none can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashError {
    /// It isn't a PHC string with a salt and a hash.
    NotPhc,
    /// It is the hash of another function than Argon2.
    NotArgon2,
    /// It doesn't say `v=19` or `v=16`.
    Version,
    /// It doesn't say `m`, `t` and `p`, or says more, or they are beyond what Argon2 or this crate takes.
    Parameters,
    /// The hash itself has fewer than 128 bits.
    Short,
    /// The system has no random bytes.
    NoRandomness,
    /// The system has too little memory.
    OutOfMemory,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HashError::NotPhc => "this isn't a PHC string with a salt and a hash",
            HashError::NotArgon2 => "only hashes by Argon2 are known here",
            HashError::Version => "Argon2's version is neither v=19 nor v=16",
            HashError::Parameters => {
                "Argon2's parameters aren't m, t and p, with m * t of 2 GiB and p of 64 at most"
            }
            HashError::Short => "the hash has fewer than 128 bits",
            HashError::NoRandomness => "the system has no random bytes",
            HashError::OutOfMemory => "there is too little memory for the hash",
        })
    }
}

impl Error for HashError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes of `password` by the reference implementation (argon2-cffi 25.1).
    const ID: &str = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Gpj7qOY5RCXJvcMzqcdQqvgR3wcPX7SleI4c9NtXk6E";
    const OTHERS: [&str; 5] = [
        "$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$vRvjqmYCOhkNw9EEPjS57A9wUpVGChTdPQlX3f8y59g",
        "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$pbigQcuZHII9wPBZI5URmc0Lp86D/tE0caICkLhLFTQ",
        "$argon2i$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$mMAhXSmCFKJZ93OgxhtgJEb3Vm5jscSkQSI5DEkd3Lc",
        "$argon2d$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RTUk2uYFgLQbP6uchDgOW1dycMr0wF3+Ex5+kF2Y9J8",
        "$argon2d$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$VGkfiFYkbaGRhZTyclkRh0jTVNzCr+n+0ete6vy4UXc",
    ];
    /// Of `pä:ss`, with four lanes and 192 bits.
    const LANES: &str =
        "$argon2id$v=19$m=128,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$kPQtPyagIhs8G3Po7Hvw5i5OyLzgbxRm";

    #[test]
    fn a_hash_of_the_reference_implementation_is_verified() {
        for text in OTHERS.into_iter().chain([ID]) {
            let hash: PasswordHash = text.parse().unwrap();
            assert_eq!(hash.verify("password"), Ok(true), "{text}");
            assert_eq!(hash.verify("Password"), Ok(false), "{text}");
            assert_eq!(hash.verify(""), Ok(false), "{text}");
            assert_eq!(hash.phc(), text);
        }
        let hash: PasswordHash = LANES.parse().unwrap();
        assert_eq!((hash.verify("pä:ss"), hash.verify("pä")), (Ok(true), Ok(false)));
    }

    #[test]
    fn a_new_hash_is_of_its_password_and_unlike_any_other() {
        let parameters = Parameters::new(16, 2, 2).unwrap();
        let (one, two) = (parameters.hash("pa:ss").unwrap(), parameters.hash("pa:ss").unwrap());
        assert_ne!(one.phc(), two.phc());
        assert!(one.phc().starts_with("$argon2id$v=19$m=16,t=2,p=2$"), "{}", one.phc());
        assert_eq!(one.verify("pa:ss"), Ok(true));
        assert_eq!(one.verify("pa"), Ok(false));
        assert_eq!(one.parameters(), &parameters);
        let empty = parameters.hash("").unwrap();
        assert_eq!((empty.verify(""), empty.verify("x")), (Ok(true), Ok(false)));
    }

    #[test]
    fn a_hash_that_can_not_be_checked_or_costs_too_much_is_refused() {
        let read = |text: &str| text.parse::<PasswordHash>().map(|_| ()).unwrap_err();
        let with = |from: &str, to: &str| {
            assert!(ID.contains(from));
            read(&ID.replace(from, to))
        };
        let salt = "$c29tZXNhbHRzb21lc2FsdA";
        let (before, output) = ID.rsplit_once('$').unwrap();
        assert_eq!(read(""), HashError::NotPhc);
        assert_eq!(read("password"), HashError::NotPhc);
        assert_eq!(read(before), HashError::NotPhc);
        assert_eq!(read(&before.replace(salt, "")), HashError::NotPhc);
        assert_eq!(read(&format!("{ID}$more")), HashError::NotPhc);
        assert_eq!(read(&format!("{ID}\n")), HashError::NotPhc);
        assert_eq!(with(salt, "$c2FsdA"), HashError::NotPhc);
        assert_eq!(with("argon2id", "scrypt"), HashError::NotArgon2);
        assert_eq!(with("argon2id", "argon2"), HashError::NotArgon2);
        assert_eq!(with("$v=19", ""), HashError::Version);
        assert_eq!(with("v=19", "v=18"), HashError::Version);
        for to in [
            "m=64,t=2",
            "m=64,p=1",
            "t=2,p=1",
            "m=64,t=2,p=1,data=c29tZQ",
            "m=64,t=2,p=1,keyid=c29t",
            "m=64,m=64,t=2",
            "m=64,t=2,p=0",
            "m=64,t=0,p=1",
            "m=0,t=2,p=1",
            "m=7,t=2,p=1",
            "m=64,t=2,p=9",
            "m=4294967295,t=1,p=1",
            "m=4294967295,t=4294967295,p=1",
            "m=64,t=4294967295,p=1",
            "m=1048577,t=2,p=1",
            "m=2097153,t=1,p=1",
            "m=1024,t=1,p=65",
        ] {
            assert_eq!(with("m=64,t=2,p=1", to), HashError::Parameters, "{to}");
        }
        assert_eq!(read(&format!("{before}${}", &output[..20])), HashError::Short);
        for to in ["m=2097152,t=1,p=4", "m=1048576,t=2,p=1", "m=1024,t=1,p=64"] {
            assert!(ID.replace("m=64,t=2,p=1", to).parse::<PasswordHash>().is_ok(), "{to}");
        }
        assert!(format!("{before}${}A", &output[..21]).parse::<PasswordHash>().is_ok());
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let hash: PasswordHash = ID.parse().unwrap();
        let nobodys = PasswordHash::nobodys(hash.parameters().clone());
        assert_eq!(nobodys.parameters(), hash.parameters());
        assert_eq!(nobodys.verify("password"), Ok(false));
        assert_eq!(nobodys.verify(""), Ok(false));
    }

    #[test]
    fn a_hash_does_not_print() {
        let hash: PasswordHash = ID.parse().unwrap();
        let printed = format!("{hash:?}");
        assert!(!printed.contains(ID.rsplit('$').next().unwrap()), "{printed}");
        assert!(!printed.contains("c29tZXNhbHRzb21lc2FsdA"), "{printed}");
    }
}
