//! What `allow` of `[bootstrap]` and `--allow` accept: lints, and changes of meaning with a reason.

use crate::diagnostic::{CODES, Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::Span;
use crate::spec::{Allow, Spec};

use super::portability::{Row, features};
use super::{Platform, Selection};

/// The changes of meaning that are accepted.
#[derive(Default)]
pub(super) struct Allowances {
    list: Vec<Allowance>,
}

/// Accepts verdicts of the table of portability.
struct Allowance {
    /// The rows: by their key, or by their whole name; none: all.
    feature: Option<String>,
    /// The platform; none: all.
    platform: Option<Platform>,
    reason: String,
    span: Span,
    used: bool,
}

impl Allowances {
    /// Lowers the lints, before anything else is read, and keeps what is accepted with a reason.
    pub(super) fn read(spec: &Spec, selection: &Selection, context: &mut Context) -> Self {
        let list = spec.bootstrap.allow.iter().filter_map(|allow| read(allow, context)).collect();
        for code in &selection.allow {
            allow_lint(code, None, context);
        }
        Self { list }
    }

    /// Why a verdict of this row is accepted, if it is.
    pub(super) fn reason_for(&mut self, row: &Row, platform: Platform) -> Option<String> {
        let mut reason = None;
        for allowance in self.list.iter_mut().filter(|allowance| allowance.is_about(row, platform)) {
            allowance.used = true;
            reason.get_or_insert_with(|| allowance.reason.clone());
        }
        reason
    }

    /// Warns of what accepts nothing, unless it is for a platform that is not built.
    pub(super) fn check_used(&self, platforms: &[Platform], context: &mut Context) {
        let is_judged =
            |allowance: &&Allowance| allowance.platform.is_none_or(|platform| platforms.contains(&platform));
        for allowance in self.list.iter().filter(|allowance| !allowance.used).filter(is_judged) {
            let message = "nothing that is used changes its meaning in this way";
            context.warning(Code::ALLOWANCE, allowance.span, message, "take it out");
        }
    }
}

impl Allowance {
    fn is_about(&self, row: &Row, platform: Platform) -> bool {
        let is_feature = self.feature.as_ref().is_none_or(|feature| feature == row.path || *feature == row.feature());
        is_feature && self.platform.is_none_or(|wanted| wanted == platform)
    }
}

/// One entry of `allow`; only a change of meaning is kept.
fn read(allow: &Allow, context: &mut Context) -> Option<Allowance> {
    let code = &allow.code;
    let is_lossy = code.value == Code::LOSSY.to_string();
    let reason = allow.reason.as_ref().filter(|reason| !reason.value.trim().is_empty());
    if reason.is_none() && (is_lossy || allow.is_table) {
        let message = format!("`{}` is allowed without a reason", code.value);
        context.error(Code::ALLOWANCE, code.span, message, reason_hint());
        return None;
    }
    if !is_lossy {
        allow_whole(allow, context);
        return None;
    }
    let feature = allow.feature.as_ref().map(|feature| read_feature(feature, context));
    let platform = allow.platform.as_ref().map(|platform| read_platform(platform, context));
    // What was wrong is reported, and accepts nothing.
    if feature == Some(None) || platform == Some(None) {
        return None;
    }
    Some(Allowance {
        feature: feature.flatten(),
        platform: platform.flatten(),
        reason: reason?.value.clone(),
        span: code.span,
        used: false,
    })
}

/// A lint has no features.
fn allow_whole(allow: &Allow, context: &mut Context) {
    let code = &allow.code;
    if let Some(narrowed) = allow.feature.as_ref().or(allow.platform.as_ref()) {
        let message = format!("`{}` is allowed as a whole", code.value);
        let hint = format!("`feature` and `platform` belong to `{}`", Code::LOSSY);
        context.error(Code::ALLOWANCE, narrowed.span, message, hint);
    }
    allow_lint(&code.value, Some(code.span), context);
}

fn reason_hint() -> String {
    let form = "allow = [{ code = \"B037\", feature = \"services.*.logging\", platform = \"kubernetes\", reason = \"the cluster collects logs\" }]";
    format!("an operator reads the reason in the image; write it in `[bootstrap]`:\n{form}")
}

fn read_feature(feature: &Spanned<String>, context: &mut Context) -> Option<String> {
    if features().any(|row| row.path == feature.value || row.feature() == feature.value) {
        return Some(feature.value.clone());
    }
    let near = crate::diagnostic::nearest(&feature.value, &features().map(|row| row.path).collect::<Vec<_>>())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let hint = format!("{near}`bootsmith explain portability` lists them all");
    context.error(Code::ALLOWANCE, feature.span, format!("unknown feature `{}`", feature.value), hint);
    None
}

fn read_platform(platform: &Spanned<String>, context: &mut Context) -> Option<Platform> {
    let found = Platform::parse(&platform.value);
    if found.is_none() {
        let known = Platform::ALL.iter().map(|platform| platform.name());
        let hint = unknown_name_hint(&platform.value, "platforms", known);
        context.error(Code::PLATFORM, platform.span, format!("unknown platform `{}`", platform.value), hint);
    }
    found
}

fn allow_lint(text: &str, span: Option<Span>, context: &mut Context) {
    match Code::parse(text) {
        Some(code) if code.is_lint() => context.diagnostics.allow(code),
        Some(Code::LOSSY) => {
            let message = format!("`--allow {text}` gives no reason");
            context.error(Code::ALLOWANCE, span, message, reason_hint());
        }
        found => {
            let reason = if found.is_some() { "is an error in every release" } else { "is not a known code" };
            let lints: Vec<_> = CODES.iter().filter(|known| known.lint).map(|known| known.code.to_string()).collect();
            let hint = format!("what may be allowed: {}, and with a reason {}", lints.join(", "), Code::LOSSY);
            context.error(Code::INVALID_VALUE, span, format!("`{text}` {reason}"), hint);
        }
    }
}
