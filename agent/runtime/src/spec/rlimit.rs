//! Resource limits of the process.

use super::SpecError;
use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType};

/// Names as Docker and ECS write them.
const NAMES: [(&str, PosixRlimitType); 15] = [
    ("core", PosixRlimitType::RlimitCore),
    ("cpu", PosixRlimitType::RlimitCpu),
    ("data", PosixRlimitType::RlimitData),
    ("fsize", PosixRlimitType::RlimitFsize),
    ("locks", PosixRlimitType::RlimitLocks),
    ("memlock", PosixRlimitType::RlimitMemlock),
    ("msgqueue", PosixRlimitType::RlimitMsgqueue),
    ("nice", PosixRlimitType::RlimitNice),
    ("nofile", PosixRlimitType::RlimitNofile),
    ("nproc", PosixRlimitType::RlimitNproc),
    ("rss", PosixRlimitType::RlimitRss),
    ("rtprio", PosixRlimitType::RlimitRtprio),
    ("rttime", PosixRlimitType::RlimitRttime),
    ("sigpending", PosixRlimitType::RlimitSigpending),
    ("stack", PosixRlimitType::RlimitStack),
];

/// Makes one limit; -1 is unlimited.
pub(crate) fn limit(name: &str, soft: i64, hard: i64) -> Result<PosixRlimit, SpecError> {
    let kind = NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    let kind = kind.ok_or_else(|| SpecError::Ulimit { name: name.to_owned() })?;
    // Two's complement of -1 is RLIM_INFINITY.
    let (soft, hard) = (soft.cast_unsigned(), hard.cast_unsigned());
    if soft > hard {
        return Err(SpecError::UlimitOrder { name: name.to_owned() });
    }
    Ok(PosixRlimitBuilder::default().typ(kind).soft(soft).hard(hard).build().expect("every field is set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_one_is_unlimited_and_soft_may_not_pass_hard() {
        let unlimited = limit("memlock", -1, -1).unwrap();
        assert_eq!((unlimited.soft(), unlimited.hard()), (u64::MAX, u64::MAX));
        assert_eq!(
            limit("nofile", 10, 5).unwrap_err().to_string(),
            "soft limit of nofile is above its hard limit"
        );
        assert_eq!(limit("files", 1, 1).unwrap_err().to_string(), "\"files\" is no resource limit");
    }
}
