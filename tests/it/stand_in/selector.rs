//! Selectors: which objects a list or a watch is about.
//!
//! Takes in the texts of `labelSelector` and `fieldSelector`, or a selector object of a workload.

use serde_json::Value;

use super::status::Status;

/// Conditions that must all hold.
#[derive(Clone, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(Vec<String>, String, bool)>,
}

#[derive(Clone)]
struct Requirement {
    label: String,
    test: Test,
}

#[derive(Clone)]
enum Test {
    Is(Vec<String>),
    IsNot(Vec<String>),
    IsThere,
    IsAbsent,
}

impl Selector {
    pub(super) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Status> {
        let labels =
            split(labels.unwrap_or_default()).iter().map(|text| Requirement::parse(text)).collect::<Result<_, _>>()?;
        let fields =
            split(fields.unwrap_or_default()).iter().map(|text| parse_field(text)).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// The selector of a workload: `matchLabels` and `matchExpressions`.
    pub(super) fn of_workload(selector: &Value) -> Self {
        let label = |(label, value): (&String, &Value)| Requirement {
            label: label.clone(),
            test: Test::Is(vec![value.as_str().unwrap_or_default().to_owned()]),
        };
        let mut labels: Vec<_> = selector["matchLabels"].as_object().into_iter().flatten().map(label).collect();
        labels.extend(selector["matchExpressions"].as_array().into_iter().flatten().map(Requirement::of_expression));
        Self { labels, fields: Vec::new() }
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let field = |path: &[String]| {
            let found = path.iter().fold(object, |value, part| &value[part.as_str()]);
            found
                .as_str()
                .map_or_else(|| if found.is_null() { String::new() } else { found.to_string() }, str::to_owned)
        };
        self.labels.iter().all(|requirement| requirement.holds(labels))
            && self.fields.iter().all(|(path, value, equal)| (field(path) == *value) == *equal)
    }
}

impl Requirement {
    fn parse(text: &str) -> Result<Self, Status> {
        let of = |label: &str, test| Ok(Self { label: label.trim().to_owned(), test });
        let one = |value: &str| vec![value.trim().to_owned()];
        if let Some((label, values)) = text.split_once(" notin ") {
            return of(label, Test::IsNot(parse_set(values)?));
        }
        if let Some((label, values)) = text.split_once(" in ") {
            return of(label, Test::Is(parse_set(values)?));
        }
        if let Some((label, value)) = text.split_once("!=") {
            return of(label, Test::IsNot(one(value)));
        }
        if let Some((label, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            return of(label, Test::Is(one(value)));
        }
        if let Some(label) = text.strip_prefix('!') {
            return of(label, Test::IsAbsent);
        }
        of(text, Test::IsThere)
    }

    fn of_expression(expression: &Value) -> Self {
        let values = expression["values"].as_array().into_iter().flatten();
        let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        let test = match expression["operator"].as_str() {
            Some("In") => Test::Is(values),
            Some("NotIn") => Test::IsNot(values),
            Some("DoesNotExist") => Test::IsAbsent,
            _ => Test::IsThere,
        };
        Self { label: expression["key"].as_str().unwrap_or_default().to_owned(), test }
    }

    fn holds(&self, labels: &Value) -> bool {
        let value = labels[&self.label].as_str();
        match &self.test {
            Test::Is(wanted) => value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value)),
            Test::IsNot(unwanted) => value.is_none_or(|value| unwanted.iter().all(|unwanted| unwanted != value)),
            Test::IsThere => value.is_some(),
            Test::IsAbsent => value.is_none(),
        }
    }
}

fn parse_set(text: &str) -> Result<Vec<String>, Status> {
    let inside = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inside = inside.ok_or_else(|| unable("expected a set in parentheses"))?;
    Ok(inside.split(',').map(|value| value.trim().to_owned()).collect())
}

fn parse_field(text: &str) -> Result<(Vec<String>, String, bool), Status> {
    let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
        (path, value, false)
    } else {
        let (path, value) = text.split_once("==").or_else(|| text.split_once('=')).ok_or_else(|| unable(text))?;
        (path, value, true)
    };
    Ok((path.split('.').map(str::to_owned).collect(), value.to_owned(), equal))
}

/// At commas outside of parentheses.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in text.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().expect("there is a first part").push(character);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn unable(why: &str) -> Status {
    Status::bad_request(format!("unable to parse requirement: {why}"))
}
