//! Argon2 hashes of passwords: parameters, PHC strings and verification.

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc};
use aws_lc_rs::rand;
use constant_time_eq::constant_time_eq;

use super::hash_error::HashError;

/// The memory that one hash may fill in all passes together, in KiB: 2 GiB.
///
/// The most expensive parameters that RFC 9106, section 4 recommends (2 GiB, one pass) are allowed. More
/// expensive ones would exceed the deadline of every call.
const MAX_FILLED_KIB: u64 = 2 * 1024 * 1024;

const MAX_LANES: u32 = 64;

/// The minimum length of a hash in bytes.
const MIN_OUTPUT: usize = 16;

/// Argon2's parameters (RFC 9106): the cost of a password hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Parameters {
    /// Argon2id with this memory in KiB, number of passes and number of lanes.
    ///
    /// ```
    /// use tonic_guard::passwords::Parameters;
    ///
    /// // 64 MiB, three passes, four lanes: the second recommendation of RFC 9106, section 4.
    /// assert!(Parameters::new(64 * 1024, 3, 4).is_ok());
    ///
    /// // Rejected: 4 GiB for every call.
    /// assert!(Parameters::new(4 * 1024 * 1024, 1, 4).is_err());
    /// ```
    ///
    /// # Errors
    /// Returns an error if Argon2 doesn't support the parameters, if memory times passes is more than 2 GiB,
    /// or if there are more than 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashError> {
        let params =
            Params::new(memory_kib, passes, lanes, None).map_err(|_| HashError::Parameters)?;
        Parameters { algorithm: Algorithm::Argon2id, version: Version::V0x13, params }
            .within_limits()
    }

    fn within_limits(self) -> Result<Self, HashError> {
        if self.filled_kib() <= MAX_FILLED_KIB && self.params.p_cost() <= MAX_LANES {
            Ok(self)
        } else {
            Err(HashError::Parameters)
        }
    }

    /// The memory that a hash fills in all passes together, in KiB. Its time is proportional to it.
    pub(super) fn filled_kib(&self) -> u64 {
        u64::from(self.params.m_cost()) * u64::from(self.params.t_cost())
    }

    /// Hashes a password with a random salt, to create or change a user.
    ///
    /// It blocks for as long as a verification takes.
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
    /// Returns an error if the system has no random bytes or too little memory.
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

    /// Runs Argon2 in a `tracing` span.
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

/// 19 MiB, two passes, one lane: the minimum of OWASP's cheat sheet on password storage.
impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: Params::DEFAULT,
        }
    }
}

/// The Argon2 hash of a password, parsed from a [PHC string]. `Debug` doesn't print it.
///
/// ```
/// use tonic_guard::passwords::PasswordHash;
///
/// let stored = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA\
///     $PAWILv0lSNnqn/P1tbZnTr/BSDrLrmPHnPbBcq8xFY8";
/// assert!(stored.parse::<PasswordHash>().is_ok());
///
/// // Rejected: the parameters would take too much of the server's memory.
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
    /// A hash that matches no known password, for an unknown user.
    pub(super) fn dummy(parameters: Parameters) -> Self {
        let (salt, output) = (Box::new([0; 16]), Box::new([0; 32]));
        PasswordHash { text: "".into(), parameters, salt, output }
    }

    /// The PHC string, to store. It is confidential, because passwords can be tried against it.
    pub fn phc(&self) -> &str {
        &self.text
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns whether this is the hash of `password`. It blocks for tens of milliseconds.
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
        // Argon2's own tools read a missing `v` as version 16, and the `argon2` crate as 19.
        let version = phc.version.ok_or(HashError::Version)?;
        let version = Version::try_from(version).map_err(|_| HashError::Version)?;
        // A missing parameter would have a default, and the `data` parameter would change the hash.
        let complete = ["m", "t", "p"].iter().all(|name| phc.params.get(*name).is_some());
        if !complete || phc.params.iter().count() != 3 {
            return Err(HashError::Parameters);
        }
        let params = Params::try_from(&phc.params).map_err(|_| HashError::Parameters)?;
        let parameters = Parameters { algorithm, version, params }.within_limits()?;
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
    /// The hash of `pä:ss` with four lanes and 192 bits.
    const LANES: &str =
        "$argon2id$v=19$m=128,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$kPQtPyagIhs8G3Po7Hvw5i5OyLzgbxRm";

    #[test]
    fn hash_of_the_reference_implementation_is_verified() {
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
    fn new_hash_matches_only_its_password_and_is_unique() {
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
    fn unsupported_or_too_expensive_hash_is_rejected() {
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
    fn dummy_hash_has_the_same_cost_and_matches_nothing() {
        let hash: PasswordHash = ID.parse().unwrap();
        let dummy = PasswordHash::dummy(hash.parameters().clone());
        assert_eq!(dummy.parameters(), hash.parameters());
        assert_eq!(dummy.verify("password"), Ok(false));
        assert_eq!(dummy.verify(""), Ok(false));
    }

    #[test]
    fn hash_is_not_printed() {
        let hash: PasswordHash = ID.parse().unwrap();
        let printed = format!("{hash:?}");
        assert!(!printed.contains(ID.rsplit('$').next().unwrap()), "{printed}");
        assert!(!printed.contains("c29tZXNhbHRzb21lc2FsdA"), "{printed}");
    }
}
