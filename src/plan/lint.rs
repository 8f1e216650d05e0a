//! What Compose would take and an operator would regret.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::compose::{Mount, MountSource};
use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::node::{Span, Table};
use crate::name::{DeclaredName, EnvironmentKey};

use super::{Parameter, Service};
use crate::document::text::{Piece, pieces, unescaped};

/// Keys whose value is a secret, unless it is where the secret lies (`…_FILE`). Of bytes: one of characters is compiled in several times the time.
static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    let words = "PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?";
    Regex::new(&format!("(?i-u)(?:^|_)(?:{words})(?:_[0-9]+)?$")).expect("a regular expression")
});

/// Values that are secrets wherever they stand: a password in a URL, and tokens of known shape.
static SECRET_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        "[a-z][a-z0-9+.-]*://[^/\\s:@]*:[^/\\s:@]+@",
        "\\bAKIA[0-9A-Z]{16}\\b",
        "\\bgh[pousr]_[0-9A-Za-z]{36,}\\b",
        "\\bglpat-[0-9A-Za-z_-]{20,}",
        "\\bxox[abprs]-[0-9A-Za-z-]{10,}",
        "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    ];
    Regex::new(&format!("(?-u){}", shapes.join("|"))).expect("a regular expression")
});

/// Values of secret-sounding switches (`ALLOW_EMPTY_PASSWORD=yes`).
const NO_SECRETS: &[&str] = &["", "0", "1", "false", "no", "true", "yes"];

/// Finds secrets written out in an environment.
pub(super) fn check_environment(service: &DeclaredName, environment: Option<&Table>, context: &mut Context) {
    for (key, entry) in environment.into_iter().flat_map(Table::iter) {
        let Some(value) = entry.node.as_text().and_then(unescaped) else { continue };
        let by_key = SECRET_KEY.is_match(key.as_bytes()) && !NO_SECRETS.contains(&value.as_str());
        if by_key || SECRET_VALUE.is_match(value.as_bytes()) {
            let message =
                format!("`{key}` of service `{service}` looks like a secret, and its value would be in the image");
            let name = key.to_ascii_uppercase();
            let hint = format!(
                "declare `[parameters.{name}]` with `secret = true` and `required = true`, and write `{key} = \"${{{name}}}\"`; or mount it with `[secrets]`"
            );
            context.error(Code::PLAIN_SECRET, entry.node.span, message, hint);
        }
    }
}

/// Checks where volumes come from.
pub(super) fn check_volumes(service: &DeclaredName, mounts: &[Mount], declared: &Table, context: &mut Context) {
    for mount in mounts {
        match &mount.source {
            MountSource::Host(path) => check_bind(service, path, &mount.target, mount.source_span, context),
            MountSource::Named(name) if mount.is_drive() => refuse_drive(name, mount, context),
            MountSource::Named(name) => check_named(service, name, mount.source_span, declared, context),
            MountSource::Anonymous | MountSource::Memory { .. } | MountSource::Other => {}
        }
    }
}

fn refuse_drive(source: &str, mount: &Mount, context: &mut Context) {
    let target = &mount.target;
    let message = format!("Docker reads `{source}:{target}` as a path on the drive `{source}:` of Windows");
    let hint = format!(
        "write `{{ type = \"volume\", source = \"{source}\", target = \"{target}\" }}`, or give the volume a longer name"
    );
    context.error(Code::INVALID_VALUE, mount.span, message, hint);
}

fn check_bind(service: &DeclaredName, source: &str, target: &str, span: Span, context: &mut Context) {
    if source.starts_with('/') {
        let message = format!("service `{service}` needs `{source}` on every host that it runs on");
        let hint = "use a named volume, a config or a secret; when the host's file is meant, `allow = [\"B031\"]` in `[bootstrap]`";
        context.error(Code::HOST_PATH, span, message, hint);
        return;
    }
    let message = format!("service `{service}` binds `{source}`, which the engine would look for on its own host");
    context.error(Code::RELATIVE_BIND, span, message, relative_bind_hint(source, target));
}

/// What to write instead, by what the path seems to be: data that the product writes, or a file of the project.
fn relative_bind_hint(source: &str, target: &str) -> String {
    let path = source.trim_start_matches("./").trim_end_matches('/');
    let stem = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default();
    let name = stem.to_ascii_lowercase().replace('_', "-");
    let name = DeclaredName::parse(&name).map_or_else(|| "NAME".to_owned(), |name| name.to_string());
    let volume = format!("`[volumes.{name}]` and `volumes = [\"{name}:{target}\"]`");
    let config = |key: &str| {
        format!(
            "`[configs.{name}]` with `{key} = \"{path}\"`, and `configs = [{{ source = \"{name}\", target = \"{target}\" }}]`"
        )
    };
    if is_data(path, target) {
        return format!(
            "data that the service writes belong into a volume: {volume}; files of the project are baked in: {}",
            config("directory")
        );
    }
    if path.rsplit('/').next().is_some_and(|last| last.trim_start_matches('.').contains('.')) {
        return format!("bake the file in: {}", config("file"));
    }
    format!(
        "bake files of the project in: {} (`file` for a single one); data that the service writes belong into a volume: {volume}; a folder of \
         the operator is named by its absolute path",
        config("directory")
    )
}

/// Folders that images write into, and what people call such folders.
fn is_data(path: &str, target: &str) -> bool {
    let words =
        ["backup", "backups", "cache", "data", "database", "db", "logs", "media", "storage", "uploads", "volumes"];
    let is_named = |path: &str| path.split(['/', '-', '_', '.']).any(|part| words.contains(&part));
    is_named(path) || target.starts_with("/var/lib/") || target.starts_with("/var/log/") || is_named(target)
}

/// Finds secrets that may be empty where they stand in the environment: a program then starts without a password.
pub(super) fn check_optional_secrets(
    services: &[Service],
    parameters: &BTreeMap<EnvironmentKey, Parameter>,
    written: &Table,
    context: &mut Context,
) {
    let may_be_empty = |name: &str| {
        let parameter = EnvironmentKey::parse(name).and_then(|key| parameters.get(&key));
        parameter.is_some_and(|parameter| parameter.secret && !parameter.required)
    };
    for service in services {
        let of_service = written.table(service.name.as_str()).and_then(|table| table.table("environment"));
        for (key, value) in &service.environment {
            let references = pieces(value).into_iter().filter_map(|piece| match piece {
                Piece::Reference(name) => Some(name),
                Piece::Literal(_) => None,
            });
            for name in references.filter(|name| may_be_empty(name)) {
                let span = of_service.and_then(|table| table.entry(key)).map(|entry| entry.node.span);
                let message = format!(
                    "`{key}` of service `{}` is empty when nobody gives the secret `{name}`, and nothing says so",
                    service.name
                );
                context.error(
                    Code::OPTIONAL_SECRET,
                    span,
                    message,
                    format!("add `required = true` to `[parameters.{name}]`"),
                );
            }
        }
    }
}

fn check_named(service: &DeclaredName, source: &str, span: Span, declared: &Table, context: &mut Context) {
    if declared.get(source).is_none() {
        let hint = unknown_name_hint(source, "volumes", declared.keys());
        context.error(
            Code::UNKNOWN_REFERENCE,
            span,
            format!("service `{service}` uses unknown volume `{source}`"),
            hint,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_key_and_by_shape() {
        for key in ["POSTGRES_PASSWORD", "api_key", "GITHUB_TOKEN", "APIKEY", "DB_PASSWORD_2"] {
            assert!(SECRET_KEY.is_match(key.as_bytes()), "{key}");
        }
        for key in ["POSTGRES_PASSWORD_FILE", "TOKENIZER", "SECRETARY", "KEY"] {
            assert!(!SECRET_KEY.is_match(key.as_bytes()), "{key}");
        }
        assert!(SECRET_VALUE.is_match(b"postgres://shop:hunter2@db/shop"));
        assert!(!SECRET_VALUE.is_match(b"postgres://shop@db:5432/shop"));
    }

    #[test]
    fn a_relative_path_is_told_by_what_it_seems_to_be() {
        for (source, target, start) in [
            (
                "./pgdata",
                "/var/lib/postgresql/data",
                "data that the service writes belong into a volume: `[volumes.pgdata]`",
            ),
            ("./uploads/", "/srv/files", "data that the service writes belong into a volume: `[volumes.uploads]`"),
            (
                "./nginx.conf",
                "/etc/nginx/nginx.conf",
                "bake the file in: `[configs.nginx]` with `file = \"nginx.conf\"`",
            ),
            (
                "./conf/my_site.d",
                "/etc/site.d",
                "bake the file in: `[configs.my-site]` with `file = \"conf/my_site.d\"`",
            ),
            (
                "./healthchecks",
                "/healthchecks",
                "bake files of the project in: `[configs.healthchecks]` with `directory",
            ),
        ] {
            let hint = relative_bind_hint(source, target);
            assert!(hint.starts_with(start), "{source}: {hint}");
        }
    }
}
