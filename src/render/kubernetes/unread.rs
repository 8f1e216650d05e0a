//! What a spec says and Kubernetes cannot read: it would be left out of the objects in silence.
//!
//! Compose takes more than one way to write most values. Those that have none here are refused, each at its place; names that would resolve to
//! nothing are a warning.

use serde_json::Value as Json;

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Span;
use crate::name::Label;
use crate::plan::Service;

use super::definition::Definition;
use super::object::Scene;
use super::{placement, security};

/// Refuses what would be left out of a service's objects.
pub(super) fn check(scene: &Scene<'_>, service: &Service, definition: &Definition, context: &mut Context) {
    let mut report = Report { scene, service, context };
    if let Some(name) = definition.text(&["hostname"]).filter(|name| Label::parse(name).is_none()) {
        let hint = "write one word of small letters, digits and dashes: the domain is that of the namespace";
        report.refuse(report.span(&["hostname"]), &name, "host name of a pod", hint);
    }
    for constraint in &service.compose.deploy.constraints {
        if !placement::is_rule_or_foreign(&constraint.value) {
            let hint = "a label is `node.labels.[prefix/]name`, and its value has at most 63 of `A-Za-z0-9._-`";
            report.refuse(constraint.span, &constraint.value.to_string(), "rule on labels of nodes", hint);
        }
    }
    check_security(&mut report, definition);
    check_aliases(&mut report, definition);
}

fn check_security(report: &mut Report<'_, '_>, definition: &Definition) {
    for (position, option) in definition.texts(&["security_opt"]).iter().enumerate() {
        if !security::is_option_or_foreign(option) {
            let hint = "write `label=user:…`, `role`, `type` or `level`; `label=disable` is `label=type:spc_t` there";
            let span = report.span(&["security_opt", &position.to_string()]);
            report.refuse(span, option, "SELinux option of a pod", hint);
        }
    }
}

/// Aliases are names of Services. One that is none, or that another service has, is no fault elsewhere.
fn check_aliases(report: &mut Report<'_, '_>, definition: &Definition) {
    let Some(Json::Object(networks)) = definition.get(&["networks"]) else { return };
    let own = report.scene.shared.own_aliases(report.service, definition);
    for (network, settings) in networks {
        let aliases = settings.get("aliases").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for alias in
            aliases.filter(|alias| *alias != report.service.name.as_str() && !own.iter().any(|known| known == alias))
        {
            let why = match Label::parse(alias) {
                Some(_) => "another service has that name",
                None => "a Service has a name of small letters, digits and dashes",
            };
            let message = format!("`{alias}` does not lead to service `{}` on Kubernetes: {why}", report.service.name);
            let span = report.span(&["networks", network, "aliases"]);
            report.context.warning(Code::KUBERNETES, span, message, "use another alias, or the service's name");
        }
    }
}

/// Where faults of a service go.
struct Report<'a, 'b> {
    scene: &'a Scene<'b>,
    service: &'a Service,
    context: &'a mut Context,
}

impl Report<'_, '_> {
    fn span(&self, path: &[&str]) -> Span {
        let steps = ["services", self.service.name.as_str()].into_iter().chain(path.iter().copied());
        self.scene.environment.written.deepest(steps).span
    }

    fn refuse(&mut self, span: Span, text: &str, what: &str, hint: &str) {
        let message = format!("`{text}` is no {what} that Kubernetes takes");
        self.context.error(Code::KUBERNETES, span, message, hint);
    }
}
