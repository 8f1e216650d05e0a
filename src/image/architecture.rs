//! The machine an image runs on: `linux/amd64`, `linux/arm64`, `linux/arm/v7`.
//!
//! Takes in text, or the three words of an image configuration; gives out a comparable value. Knows no host.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Operating system, processor and variant, in the words of Go (`GOOS`, `GOARCH`) as OCI has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture {
    os: String,
    processor: String,
    variant: Option<String>,
}

/// The text names no architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid architecture `{}`: expected, for example, `linux/amd64` or `linux/arm/v7`", .0.escape_debug())]
pub struct ArchitectureFault(String);

impl Architecture {
    /// Reads `os/processor` or `os/processor/variant`.
    pub fn parse(text: &str) -> Result<Self, ArchitectureFault> {
        let mut words = text.split('/');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(os), Some(processor), variant, None) => Self::new(os, processor, variant),
            _ => Err(ArchitectureFault(text.to_owned())),
        }
    }

    /// Puts the three words together. `v8` is what arm64 always is, so it is left out and both spellings are equal.
    pub fn new(os: &str, processor: &str, variant: Option<&str>) -> Result<Self, ArchitectureFault> {
        let says_nothing = |variant: &str| variant.is_empty() || (processor == "arm64" && variant == "v8");
        let variant = variant.filter(|variant| !says_nothing(variant));
        if [Some(os), Some(processor), variant].into_iter().flatten().all(is_word) {
            return Ok(Self {
                os: os.to_owned(),
                processor: processor.to_owned(),
                variant: variant.map(str::to_owned),
            });
        }
        Err(ArchitectureFault(format!("{os}/{processor}")))
    }

    /// The operating system.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The processor.
    pub fn processor(&self) -> &str {
        &self.processor
    }

    /// The variant of the processor.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

fn is_word(text: &str) -> bool {
    let is_word_character = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty() && text.len() <= 32 && text.bytes().all(is_word_character)
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.processor)?;
        self.variant.iter().try_for_each(|variant| write!(formatter, "/{variant}"))
    }
}

impl TryFrom<String> for Architecture {
    type Error = ArchitectureFault;

    fn try_from(text: String) -> Result<Self, ArchitectureFault> {
        Self::parse(&text)
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_is_printed_as_it_is_read() {
        for text in ["linux/amd64", "linux/arm/v7", "linux/riscv64"] {
            assert_eq!(Architecture::parse(text).map(|architecture| architecture.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Architecture::parse("linux/arm64/v8"), Architecture::parse("linux/arm64"));
    }

    #[test]
    fn what_is_no_architecture_is_refused() {
        for text in ["", "amd64", "linux/", "linux/amd64/v1/x", "Linux/amd64", "linux/../x"] {
            assert!(Architecture::parse(text).is_err(), "{text}");
        }
    }
}
