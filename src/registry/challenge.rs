//! Parses authentication challenges: the header `WWW-Authenticate` (RFC 9110, 11.6.1).

/// A way to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password.
    Basic,
    /// A token of a service.
    Bearer {
        /// The address of the service.
        realm: String,
        /// What the service calls the registry.
        service: Option<String>,
    },
}

impl Challenge {
    /// The best way that the headers offer: a token rather than a password in every request.
    pub(super) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let offers: Vec<_> = headers.flat_map(parse).collect();
        let is_bearer = |offer: &&Self| matches!(offer, Self::Bearer { .. });
        offers.iter().find(is_bearer).or(offers.first()).cloned()
    }
}

/// Every challenge of one header that is understood.
fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut scheme = String::new();
    let mut parameters: Vec<(String, String)> = Vec::new();
    for item in items(header) {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (name.trim(), unquote(value.trim())),
            None => (item.as_str(), String::new()),
        };
        // A new challenge starts with its scheme, before its first parameter.
        let (start, name) = match name.split_once(char::is_whitespace) {
            Some((start, name)) => (Some(start), name.trim()),
            None if !item.contains('=') => (Some(name), ""),
            None => (None, name),
        };
        if let Some(start) = start {
            challenges.extend(understand(&scheme, &parameters));
            start.clone_into(&mut scheme);
            parameters.clear();
        }
        parameters.push((name.to_ascii_lowercase(), value));
    }
    challenges.extend(understand(&scheme, &parameters));
    challenges
}

fn understand(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: parameter("realm")?, service: parameter("service") }),
        _ => None,
    }
}

/// Splits at commas that are in no quotes.
fn items(header: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut is_quoted = false;
    let mut is_escaped = false;
    for character in header.chars() {
        match character {
            ',' if !is_quoted => items.push(String::new()),
            _ => items.last_mut().expect("there is always one").push(character),
        }
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
    }
    items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(headers: &[&str]) -> Option<Challenge> {
        Challenge::choose(headers.iter().copied())
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn a_token_is_preferred_to_a_password() {
        assert_eq!(choose(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        let both = "Basic realm=\"a, b\", Bearer realm=\"https://t/token\",service=\"r.example\",scope=\"repository:a:pull,push\"";
        assert_eq!(choose(&[both]), Some(bearer("https://t/token", Some("r.example"))));
        assert_eq!(choose(&["Basic", "bearer realm=https://t"]), Some(bearer("https://t", None)));
        assert_eq!(choose(&[r#"Bearer realm="a\"b""#]), Some(bearer("a\"b", None)));
    }

    #[test]
    fn what_is_not_understood_is_no_challenge() {
        for header in ["", "Negotiate", "Bearer service=\"x\"", "Digest realm=\"x\"", ",,,", "\"", "=", "Bearer"] {
            assert_eq!(choose(&[header]), None, "{header}");
        }
    }
}
