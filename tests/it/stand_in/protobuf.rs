//! Protocol buffers, as far as kubectl sends them: its typed clients write no JSON.
//!
//! Takes in a message in Kubernetes' envelope; gives out the same as JSON. A table says which field of which message has which name;
//! a message that is not in it is refused, so that nothing is dropped in silence.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::status::Status;

/// The first bytes of every message.
const MAGIC: &[u8] = b"k8s\0";

/// What the bytes of a field mean.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Bytes,
    Number,
    Flag,
    Message(&'static [Field]),
    /// Entries of a name and a value.
    TextMap,
    BytesMap,
    TextList,
    MessageList(&'static [Field]),
}

/// A field: its number, its name in JSON, its form.
type Field = (u64, &'static str, Form);

const METADATA: &[Field] = &[
    (1, "name", Form::Text),
    (2, "generateName", Form::Text),
    (3, "namespace", Form::Text),
    (5, "uid", Form::Text),
    (6, "resourceVersion", Form::Text),
    (11, "labels", Form::TextMap),
    (12, "annotations", Form::TextMap),
];
const RESOURCE: &[Field] = &[
    (1, "namespace", Form::Text),
    (2, "verb", Form::Text),
    (3, "group", Form::Text),
    (4, "version", Form::Text),
    (5, "resource", Form::Text),
    (6, "subresource", Form::Text),
    (7, "name", Form::Text),
];
const NON_RESOURCE: &[Field] = &[(1, "path", Form::Text), (2, "verb", Form::Text)];
const ACCESS: &[Field] =
    &[(1, "resourceAttributes", Form::Message(RESOURCE)), (2, "nonResourceAttributes", Form::Message(NON_RESOURCE))];
const RULES: &[Field] = &[(1, "namespace", Form::Text)];
const TOKEN: &[Field] = &[(1, "audiences", Form::TextList), (4, "expirationSeconds", Form::Number)];
const PRECONDITIONS: &[Field] = &[(1, "uid", Form::Text), (2, "resourceVersion", Form::Text)];
const DELETE: &[Field] = &[
    (1, "gracePeriodSeconds", Form::Number),
    (2, "preconditions", Form::Message(PRECONDITIONS)),
    (4, "propagationPolicy", Form::Text),
    (5, "dryRun", Form::TextList),
];
const ROLE_REF: &[Field] = &[(1, "apiGroup", Form::Text), (2, "kind", Form::Text), (3, "name", Form::Text)];
const SUBJECT: &[Field] =
    &[(1, "kind", Form::Text), (2, "apiGroup", Form::Text), (3, "name", Form::Text), (4, "namespace", Form::Text)];
const RULE: &[Field] = &[
    (1, "verbs", Form::TextList),
    (2, "apiGroups", Form::TextList),
    (3, "resources", Form::TextList),
    (4, "resourceNames", Form::TextList),
];
const META: Field = (1, "metadata", Form::Message(METADATA));

/// Messages by kind.
const MESSAGES: &[(&str, &[Field])] = &[
    ("ConfigMap", &[META, (2, "data", Form::TextMap), (3, "binaryData", Form::BytesMap), (4, "immutable", Form::Flag)]),
    ("DeleteOptions", DELETE),
    ("Eviction", &[META, (2, "deleteOptions", Form::Message(DELETE))]),
    ("Namespace", &[META]),
    ("Role", &[META, (2, "rules", Form::MessageList(RULE))]),
    ("RoleBinding", &[META, (2, "subjects", Form::MessageList(SUBJECT)), (3, "roleRef", Form::Message(ROLE_REF))]),
    (
        "Secret",
        &[
            META,
            (2, "data", Form::BytesMap),
            (3, "type", Form::Text),
            (4, "stringData", Form::TextMap),
            (5, "immutable", Form::Flag),
        ],
    ),
    ("SelfSubjectAccessReview", &[META, (2, "spec", Form::Message(ACCESS))]),
    ("SelfSubjectReview", &[META]),
    ("SelfSubjectRulesReview", &[META, (2, "spec", Form::Message(RULES))]),
    ("ServiceAccount", &[META]),
    ("TokenRequest", &[META, (2, "spec", Form::Message(TOKEN))]),
];

/// The message as JSON.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Status> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or_else(|| Status::bad_request("not a Kubernetes message"))?;
    let broken = || Status::bad_request("the message is broken");
    let parts = fields_of(envelope).ok_or_else(broken)?;
    let part = |number| parts.iter().find(|part| part.0 == number).map_or(&[][..], |part| part.1.bytes());
    let kind_of = [(1, "apiVersion", Form::Text), (2, "kind", Form::Text)];
    let mut object = message(part(1), &kind_of).ok_or_else(broken)?;
    let kind = object["kind"].as_str().unwrap_or_default();
    let Some((_, fields)) = MESSAGES.iter().find(|(known, _)| *known == kind) else {
        let why = format!("the stand-in reads no protocol buffers of kind `{kind}`: give it JSON with `-f`");
        return Err(Status::unsupported_media_type(&why));
    };
    let content = message(part(2), fields).ok_or_else(broken)?;
    for (name, value) in content.as_object().into_iter().flatten() {
        object[name.as_str()] = value.clone();
    }
    Ok(object)
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => &[],
        }
    }
}

fn fields_of(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(number(&mut bytes)?),
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Wire::Bytes(content)
            }
            _ => return None,
        };
        fields.push((tag >> 3, wire));
    }
    Some(fields)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Empty texts and zeros are what was not given.
fn message(bytes: &[u8], fields: &[Field]) -> Option<Value> {
    let mut object = json!({});
    for (number, wire) in fields_of(bytes)? {
        let Some((_, name, form)) = fields.iter().find(|field| field.0 == number) else { continue };
        let text = || String::from_utf8(wire.bytes().to_vec()).ok();
        match form {
            Form::Text if wire.bytes().is_empty() => {}
            Form::Text => object[*name] = text()?.into(),
            Form::Bytes => object[*name] = STANDARD.encode(wire.bytes()).into(),
            Form::Number | Form::Flag => {
                let Wire::Number(value) = wire else { return None };
                object[*name] = if matches!(form, Form::Flag) { (value != 0).into() } else { value.into() };
            }
            Form::Message(fields) => {
                let value = message(wire.bytes(), fields)?;
                if value.as_object().is_some_and(|members| !members.is_empty()) {
                    object[*name] = value;
                }
            }
            Form::TextMap => entry(&mut object[*name], wire.bytes(), Form::Text)?,
            Form::BytesMap => entry(&mut object[*name], wire.bytes(), Form::Bytes)?,
            Form::TextList => push(&mut object[*name], text()?.into()),
            Form::MessageList(fields) => push(&mut object[*name], message(wire.bytes(), fields)?),
        }
    }
    Some(object)
}

fn entry(map: &mut Value, bytes: &[u8], form: Form) -> Option<()> {
    let fields = [(1, "key", Form::Text), (2, "value", form)];
    let entry = message(bytes, &fields)?;
    let value = if entry["value"].is_null() { "".into() } else { entry["value"].clone() };
    map[entry["key"].as_str()?] = value;
    Some(())
}

fn push(list: &mut Value, value: Value) {
    match list {
        Value::Array(items) => items.push(value),
        _ => *list = json!([value]),
    }
}
