//! The generated data file of the entrypoint, and nothing but data: assignments, and records that are calls with quoted words.
//!
//! The records are described in `docs/reference/payload.md`; `templates/entrypoint/lib` reads them.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::name::{DeclaredName, EnvironmentKey, Label};
use crate::plan::{
    ConfigContent, Environment, FileKind, Gate, Migration, MigrationAction, Mount, MountKey, Mounts, Parameter,
    ParameterRule, Plan, Platform, PublishedPorts, PullPolicy, Script, ScriptAction, ScriptMode, SecretSource, Service,
    ServiceKind, Upgrade, migration_file, script_file,
};

use super::shell::{Record, quoted};
use super::{config, declared};

/// The format of the payload: raised by any change of our bytes for the same input.
pub const FORMAT: u32 = 1;

/// The facts of the whole release.
pub(super) fn release(plan: &Plan, platform: Platform, spec_digest: Digest) -> String {
    let names: Vec<_> = plan.environments.iter().map(|environment| environment.name.as_str()).collect();
    let description = plan.annotations.get("org.opencontainers.image.description").map_or("", String::as_str);
    let facts = [
        ("format", FORMAT.to_string()),
        ("project", plan.project.to_string()),
        ("version", plan.version.to_string()),
        ("platform", platform.name().to_owned()),
        ("description", description.to_owned()),
        ("reference", reference(plan, platform)),
        ("bootsmith_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("spec_digest", spec_digest.to_string()),
        ("environments", names.join(" ")),
        ("default_environment", plan.default_environment.as_ref().map(Label::to_string).unwrap_or_default()),
    ];
    facts.into_iter().map(|(name, value)| format!("{name}={}\n", quoted(&value))).collect()
}

/// How an operator calls the image: one platform has the version as its tag, several have the platform behind it.
pub fn reference(plan: &Plan, platform: Platform) -> String {
    // A tag has no `+` (distribution spec, `<reference>` as a tag).
    let version = plan.version.to_string().replace('+', "_");
    if plan.has_several_platforms {
        format!("{}:{version}-{}", plan.repository, platform.name())
    } else {
        format!("{}:{version}", plan.repository)
    }
}

/// What one platform knows of a service beyond what every one does: a fact and its words.
pub(super) type ServiceFact = (&'static str, String);

/// The facts of one environment; `more` are those of a service that its platform alone knows.
pub(super) fn environment(
    environment: &Environment,
    platform: Platform,
    mounts: &Mounts,
    definitions: &BTreeMap<&str, Digest>,
    more: &dyn Fn(&Service) -> Vec<ServiceFact>,
) -> String {
    let mut text = Record::new("environment", &[environment.name.as_str()]).with("target", &environment.target).line();
    let parameters = environment.parameters.iter().map(|(name, parameter)| parameter_record(name, parameter));
    text.extend(parameters);
    text.extend(mounts.iter().map(|(key, mount)| mount_record(key, mount, environment)));
    text.extend(object_records(environment, platform));
    for service in &environment.services {
        let record = service_record(service, environment, platform, mounts, definitions);
        text.push_str(&more(service).iter().fold(record, |record, (key, value)| record.with(key, value)).line());
    }
    text.extend(environment.scripts.iter().map(|(name, script)| script_record(name, script)));
    for (point, names) in &environment.hooks {
        text.extend(names.iter().map(|name| Record::new("hook", &[point, name.as_str()]).line()));
    }
    text.extend([("nodes", &environment.node_actions), ("users", &environment.user_actions)].map(action_record));
    text.extend(environment.migrations.iter().map(migration_record));
    text.extend(environment.upgrade.as_ref().map(upgrade_record));
    text
}

/// Left out when the release has no script of its own for the command.
fn action_record((command, actions): (&str, &BTreeMap<&'static str, Label>)) -> String {
    if actions.is_empty() {
        return String::new();
    }
    let record = Record::new(command, &[]);
    actions.iter().fold(record, |record, (action, script)| record.with(action, script.as_str())).line()
}

/// The second and third word are expanded by the shell: whether the operator gave a value, and which. The name is checked.
fn parameter_record(name: &EnvironmentKey, parameter: &Parameter) -> String {
    let variable = name.entrypoint_variable();
    let record = Record::new("parameter", &[name.as_str()])
        .expanded(&format!("\"${{{variable}+given}}\""))
        .expanded(&format!("\"${{{variable}-}}\""))
        .with_flag("secret", parameter.secret)
        .with_flag("required", parameter.required)
        .with_some("default", parameter.default.as_deref());
    let record = match &parameter.rule {
        ParameterRule::Text => record,
        ParameterRule::Pattern(pattern) => record.with("pattern", pattern),
        ParameterRule::Words(words) => record.with("enum", &words.join(" ")),
        ParameterRule::Integer { min, max } => {
            let bound = |bound: &Option<i64>| bound.map(|bound| bound.to_string());
            record
                .with("type", "integer")
                .with_some("min", bound(min).as_deref())
                .with_some("max", bound(max).as_deref())
        }
    };
    record.with("description", &parameter.description).line()
}

fn mount_record(
    MountKey { kind, source, owner, file, keeps_executables }: &MountKey,
    mount: &Mount,
    environment: &Environment,
) -> String {
    let record = Record::new("mount", &[&mount.id]);
    let record = match (kind, environment.secrets.get(source), environment.configs.get(source)) {
        (_, _, Some(ConfigContent::Folder(_))) if file.is_some() => {
            let below = file.as_ref().map(ToString::to_string).unwrap_or_default();
            let record = record.with("kind", "config").with("source", source.as_str());
            record.with("file", &format!("configs/{source}/{below}"))
        }
        (FileKind::Secret, Some(SecretSource::Parameter(parameter)), _) => {
            record.with("kind", "secret").with("source", source.as_str()).with("parameter", parameter.as_str())
        }
        (_, _, Some(ConfigContent::Folder(_))) => record
            .with("kind", "directory")
            .with("source", source.as_str())
            .with("directory", &format!("configs/{source}")),
        (_, _, Some(content @ ConfigContent::Pieces(_))) => {
            let parameters: Vec<_> = content.parameters().into_iter().collect();
            let record = record.with("kind", "config").with("source", source.as_str());
            let record = record.with("pieces", &config::pieces_path(source, &environment.configs));
            record.with("parameters", &parameters.join(" "))
        }
        _ => record.with("kind", "config").with("source", source.as_str()).with("file", &format!("configs/{source}")),
    };
    let (uid, gid) = (owner.uid.to_string(), owner.gid.to_string());
    let record = record.with("uid", &uid).with("gid", &gid).with("mode", &format!("{:04o}", owner.mode));
    record.with_flag("executables", *keeps_executables).line()
}

/// What must exist on the target, and what `down --volumes` removes.
fn object_records(environment: &Environment, platform: Platform) -> Vec<String> {
    let yes_no = |holds| if holds { "yes" } else { "no" };
    let networks = environment.networks.iter().filter(|(_, network)| network.external).map(|(key, network)| {
        Record::new("network", &[key.as_str()]).with("name", &network.name).with("external", "yes").line()
    });
    let volumes = environment.volumes.iter().map(|(key, volume)| {
        let record =
            Record::new("volume", &[key.as_str()]).with("name", &volume.name).with("external", yes_no(volume.external));
        let is_made_by_an_engine = !volume.external && platform != Platform::Kubernetes;
        if is_made_by_an_engine {
            declared::with_volume_options(record, volume, platform).line()
        } else {
            record.line()
        }
    });
    let secrets = environment.secrets.iter().filter_map(|(name, secret)| match secret {
        SecretSource::HostFile(path) => Some(Record::new("host_file", &[path]).with("source", name.as_str()).line()),
        SecretSource::External { name: external, key } => {
            let record = Record::new("external_secret", &[external.as_str()]);
            Some(record.with("key", key).with("source", name.as_str()).line())
        }
        SecretSource::Parameter(_) => None,
    });
    networks.chain(volumes).chain(secrets).collect()
}

/// What a service is called by how it runs.
pub(super) fn kind_word(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Service => "service",
        ServiceKind::Job => "job",
    }
}

fn service_record(
    service: &Service,
    environment: &Environment,
    platform: Platform,
    mounts: &Mounts,
    definitions: &BTreeMap<&str, Digest>,
) -> Record {
    let gate = match service.gate {
        Gate::None => "none",
        Gate::Started => "started",
        Gate::Healthy => "healthy",
        Gate::Completed => "completed",
    };
    let pull = match service.pull {
        PullPolicy::Always => "always",
        PullPolicy::Missing => "missing",
        PullPolicy::Never => "never",
    };
    // Elsewhere a published port belongs to the service, whatever its number of replicas.
    let max_replicas = service.max_replicas.filter(|_| platform == Platform::Compose);
    let parameters: Vec<_> = service.parameters.iter().map(EnvironmentKey::as_str).collect();
    let serving = service.files.iter().flat_map(|file| mounts.serving(environment, file));
    let ids: Vec<_> = serving.map(|(mount, _)| mount.id.as_str()).collect();
    let object = Some(service.name_on(platform)).filter(|object| object != service.name.as_str());
    Record::new("service", &[service.name.as_str()])
        .with_some("object", object.as_deref())
        .with("image", &service.image)
        .with("definition", &definitions.get(service.name.as_str()).map(Digest::hex).unwrap_or_default())
        .with("wave", &service.wave.to_string())
        .with("gate", gate)
        .with("kind", kind_word(service.kind))
        .with("replicas", &service.replicas.to_string())
        .with_flag("global", service.is_global)
        .with_some("max_replicas", max_replicas.map(|most| most.to_string()).as_deref())
        .with_some("published", published(service, platform).as_deref())
        .with("window", &service.window_seconds.to_string())
        .with("parameters", &parameters.join(" "))
        .with("mounts", &ids.join(" "))
        .with("pull", pull)
}

/// `[ADDRESS@]FIRST-LAST/PROTOCOL` for each, with a `*` behind LAST when a replica takes any one of the range.
fn published(service: &Service, platform: Platform) -> Option<String> {
    let word = |PublishedPorts { address, first, last, is_choice, protocol, is_of_host: _ }: &PublishedPorts| {
        let address = address.as_ref().map(|address| format!("{address}@")).unwrap_or_default();
        format!("{address}{first}-{last}{}/{protocol}", if *is_choice { "*" } else { "" })
    };
    let words: Vec<_> = service.published_on(platform).map(word).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The name of a mode, and the service that it runs in.
pub(super) fn script_place(mode: &ScriptMode) -> (&'static str, Option<&DeclaredName>) {
    match mode {
        ScriptMode::Exec(service) => ("exec", Some(service)),
        ScriptMode::Run(service) => ("run", Some(service)),
        ScriptMode::Bootstrap => ("bootstrap", None),
    }
}

fn script_record(name: &Label, script: &Script) -> String {
    let (mode, service) = script_place(&script.mode);
    let record = Record::new("script", &[name.as_str()])
        .with("mode", mode)
        .with_some("service", service.map(DeclaredName::as_str))
        .with_some("output", script.output_is_data.then_some("data"))
        .with_flag("input", script.reads_input)
        .with_some("schedule", script.schedule.as_ref().map(ToString::to_string).as_deref())
        .with("description", &script.description);
    match &script.action {
        ScriptAction::File { path, interpreter, .. } => {
            let interpreter = (*interpreter != "sh").then_some(*interpreter);
            record.with("file", script_file(path)).with_some("interpreter", interpreter).line()
        }
        ScriptAction::Command(words) => {
            words.iter().fold(record.expanded("--"), |record, word| record.word(word)).line()
        }
    }
}

fn migration_record(migration: &Migration) -> String {
    let Migration { name, release, service, mode, up, down, action, compatible, idempotent, content } = migration;
    let record = Record::new("migration", &[name.as_str()])
        .with("release", &release.to_string())
        .with("service", service.as_str())
        .with("mode", mode.name())
        .with("content", content)
        .with("up", migration_file(&up.path))
        .with_some("down", down.as_ref().map(|down| migration_file(&down.path)));
    let interpreter = match action {
        MigrationAction::Shell(shell) if *shell != "sh" => Some(*shell),
        _ => None,
    };
    let record = record
        .with_some("interpreter", interpreter)
        .with_flag("compatible", *compatible)
        .with_flag("idempotent", *idempotent);
    match action {
        MigrationAction::Runner(words) => {
            words.iter().fold(record.expanded("--"), |record, word| record.word(word)).line()
        }
        MigrationAction::Shell(_) => record.line(),
    }
}

/// What is absent is not asked for.
fn upgrade_record(Upgrade { from, backup, rollback }: &Upgrade) -> String {
    let age = backup.as_ref().map(|backup| backup.max_age_seconds.to_string());
    Record::new("upgrade", &[])
        .with_some("from", from.as_deref())
        .with_some("backup", backup.as_ref().map(|backup| backup.script.as_str()))
        .with_some("backup_age", age.as_deref())
        .with_some("rollback", (!rollback).then_some("no"))
        .line()
}
