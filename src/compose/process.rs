//! Who a process is, what it may, and how it ends (Compose Specification, 05-services: `user`, `restart`, `cap_add`, `stop_signal` …).

use std::fmt;

use super::value::{keyword, value};

/// `user`: a name or a number, perhaps with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub user: Identity,
    /// The group.
    pub group: Option<Identity>,
}

/// A name of the image, or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Looked up in the image.
    Name(String),
    /// As it is.
    Number(u32),
}

impl Identity {
    /// The number, if it is one.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Name(_) => None,
            Self::Number(number) => Some(*number),
        }
    }

    fn read(text: &str) -> Option<Self> {
        /// What the engine takes (`moby/sys/user`).
        const LARGEST: u32 = i32::MAX as u32;
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|number| *number <= LARGEST).map(Self::Number);
        }
        // What programs that make users and groups take (shadow, BusyBox), and the names of domains.
        let is_first = |first: char| first.is_ascii_alphabetic() || first == '_' || first.is_ascii_digit();
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+$".contains(&byte);
        (text.starts_with(is_first) && text.bytes().all(is_inner)).then(|| Self::Name(text.to_owned()))
    }
}

value!(Identity, "user or group", "write a name of the image or a number, as in `1000`", Identity::read);
value!(User, "user", "write a name of the image or a number, as in `www-data` or `1000:1000`", |text| {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let group = group.filter(|group| !group.is_empty() || user.is_empty());
    let group = match group {
        None => None,
        Some(group) => Some(Identity::read(group)?),
    };
    Some(Self { user: Identity::read(user)?, group })
});

/// `restart`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// Whenever it ends.
    Always,
    /// Whenever it ends, unless somebody stopped it.
    UnlessStopped,
    /// When it fails, perhaps so often at most.
    OnFailure(Option<u32>),
}

value!(Restart, "restart policy", "write `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`", |text| {
    match text.split_once(':') {
        Some(("on-failure", attempts)) => attempts.parse().ok().map(|attempts| Self::OnFailure(Some(attempts))),
        Some(_) => None,
        None => match text {
            "no" => Some(Self::No),
            "always" => Some(Self::Always),
            "unless-stopped" => Some(Self::UnlessStopped),
            "on-failure" => Some(Self::OnFailure(None)),
            _ => None,
        },
    }
});

/// A right of the kernel, without `CAP_` and in upper case; `ALL` is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability(pub String);

value!(Capability, "capability", "write a name of capabilities(7), as in `NET_ADMIN`, or `ALL`", |text| {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    CAPABILITIES.contains(&name).then(|| Self(name.to_owned()))
});

/// Those of capabilities(7), and the word for all.
const CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// `stop_signal`: a name with or without `SIG`, or a number.
pub(super) struct StopSignal;

value!(StopSignal, "signal", "write a name of signal(7), as in `SIGTERM`, or its number", |text| {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    (SIGNALS.contains(&name) || is_real_time(name) || is_signal_number(text)).then_some(Self)
});

/// Those of Linux (moby/sys, `signal`).
const SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// `RTMIN`, `RTMIN+1` to `RTMIN+15`, `RTMAX-14` to `RTMAX-1`, `RTMAX`.
fn is_real_time(name: &str) -> bool {
    let within = |digits: &str, last: u8| digits.parse::<u8>().is_ok_and(|number| (1..=last).contains(&number));
    match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => rest.is_empty() || rest.strip_prefix('+').is_some_and(|digits| within(digits, 15)),
        (_, Some(rest)) => rest.is_empty() || rest.strip_prefix('-').is_some_and(|digits| within(digits, 14)),
        _ => false,
    }
}

fn is_signal_number(text: &str) -> bool {
    text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number)) && !text.starts_with('+')
}

/// `security_opt`: `name`, `name:value` or `name=value` (moby, `daemon/daemon_unix.go`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityOption {
    /// What is set.
    pub name: String,
    /// To what; a name alone is `true`.
    pub value: Option<String>,
}

impl SecurityOption {
    /// The part of an `SELinux` label that a pod has, and its value: `label=type:spc_t`.
    pub fn se_linux(&self) -> Option<(&str, &str)> {
        let label = self.value.as_deref().filter(|_| self.name == "label")?.split_once(':')?;
        ["user", "role", "type", "level"].contains(&label.0).then_some(label)
    }

    fn is_valid(&self) -> bool {
        match (self.name.as_str(), self.value.as_deref()) {
            ("no-new-privileges" | "writable-cgroups", value) => matches!(value, None | Some("true" | "false")),
            ("systempaths", value) => value == Some("unconfined"),
            ("label", Some(value)) => {
                let is_set = value.split_once(':').is_some_and(|(name, value)| name == "filetype" && !value.is_empty());
                value == "disable" || is_set || self.se_linux().is_some_and(|(_, value)| !value.is_empty())
            }
            ("apparmor" | "seccomp" | "credentialspec", Some(value)) => !value.is_empty(),
            _ => false,
        }
    }
}

impl fmt::Display for SecurityOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(formatter, "{}={value}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

value!(
    SecurityOption,
    "security option",
    "write `no-new-privileges`, `seccomp=…`, `apparmor=…`, `label=…` or `systempaths=unconfined`",
    |text| {
        let at = text.find([':', '=']).unwrap_or(text.len());
        let option = Self { name: text[..at].to_owned(), value: text.get(at + 1..).map(str::to_owned) };
        option.is_valid().then_some(option)
    }
);

keyword!(pub(super) Isolation, "isolation", ["default", "process", "hyperv"]);

/// `platform` of an image: `linux/arm64/v8`.
pub(super) struct ImagePlatform;

value!(ImagePlatform, "platform of an image", "write `os/architecture`, as in `linux/amd64`", |text| {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    (text.split('/').count() <= 3 && text.split('/').all(is_part)).then_some(Self)
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Value as _;

    #[test]
    fn users_are_names_or_numbers() {
        for (text, user, group) in
            [("1000", Some(1000), None), ("www-data", None, None), ("0:1000", Some(0), Some(1000)), ("a:b", None, None)]
        {
            let read = User::parse(text).expect(text);
            assert_eq!((read.user.number(), read.group.and_then(|group| group.number())), (user, group), "{text}");
        }
        for text in ["", "a b", "1:2:3", ":1", "99999999999"] {
            assert_eq!(User::parse(text), None, "{text}");
        }
    }

    #[test]
    fn signals_are_those_of_linux() {
        for text in ["SIGTERM", "term", "9", "64", "RTMIN+3", "SIGRTMAX-14", "SIGRTMAX"] {
            assert!(StopSignal::parse(text).is_some(), "{text}");
        }
        for text in ["SIGFOO", "0", "65", "-1", "RTMIN+16", "", "SIG"] {
            assert!(StopSignal::parse(text).is_none(), "{text}");
        }
    }
}
